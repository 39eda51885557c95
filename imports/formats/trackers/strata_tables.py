"""The tables of the earlier Stratas, from their backup or from their database, with the same names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from imports.formats.cells import Refused
from imports.reading.days import FIRST_YEAR, LAST_YEAR, read_day

type Record = Mapping[str, Any]
TABLES = (
    "asset_types",
    "categories",
    "tags",
    "assets",
    "asset_snapshots",
    "portfolio_snapshots",
    "transactions",
    "asset_categories",
    "asset_tags",
    "portfolios",
)
OF_BACKUP = {
    "assetTypes": "asset_types",
    "assetSnapshots": "asset_snapshots",
    "portfolioSnapshots": "portfolio_snapshots",
    "categoriesOnAssets": "asset_categories",
    "tagsOnAssets": "asset_tags",
}
_CAPITAL = re.compile(r"([A-Z])")
_NUMBER = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?")
_INSTANT = re.compile(r"-?[0-9]{9,16}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM = 10**11  # a smaller number of an instant is in seconds


@dataclass(slots=True)
class StrataTables:
    """`places` is the line of the first record of each table: they are counted through the whole file."""

    tables: dict[str, list[Record]]
    has_signs: bool  # what is owed is negative
    places: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place = 1
        for name in TABLES:
            self.places[name] = place
            place += len(self.tables.get(name, ()))

    def __getitem__(self, name: str) -> list[Record]:
        return self.tables.get(name, [])


def of_backup(content: Any) -> StrataTables | None:
    """The tables of a backup; None for other JSON."""
    data = content.get("data") if isinstance(content, Mapping) else None
    if not isinstance(data, Mapping) or "schemaVersion" not in content or "assets" not in data:
        return None
    tables: dict[str, list[Record]] = {}
    for name, rows in data.items():
        if isinstance(rows, list):
            tables[OF_BACKUP.get(name, str(name))] = [
                snake_case(row) for row in rows if isinstance(row, Mapping)
            ]
    return StrataTables(tables, has_signs=False)


def snake_case(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _CAPITAL.sub(lambda capital: f"_{capital[1].lower()}", str(name)): value
        for name, value in row.items()
    }


def of_database(tables: Mapping[str, list[Any]]) -> StrataTables | None:
    """The tables of a database; None for that of another program. The still earlier one has portfolios and signs."""
    needed = {"assets", "asset_types", "asset_snapshots"}
    if not needed <= tables.keys():
        return None
    has_portfolios = "portfolios" in tables
    return StrataTables({name: list(rows) for name, rows in tables.items()}, has_signs=has_portfolios)


# --- values ---


def text_in(row: Record, name: str) -> str:
    value = row.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def number_in(row: Record, name: str) -> Decimal | None:
    """None for nothing. Raises Refused for what is no number."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, Decimal) and value.is_finite():
        return value
    text = str(value).strip()
    if isinstance(value, bool | dict | list) or not _NUMBER.fullmatch(text):
        raise Refused("BAD_NUMBER", name, text[:100])
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused("BAD_NUMBER", name, text[:100]) from None


def day_in(row: Record, name: str) -> date:
    """The day as it is written. A number is an instant: milliseconds, or seconds, since 1970."""
    value: Any = row.get(name)
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        value = int(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        unit = "milliseconds" if abs(int(value)) >= MILLISECONDS_FROM else "seconds"
        try:
            on = (EPOCH + timedelta(**{unit: int(value)})).date()
        except OverflowError:
            raise Refused("BAD_DATE", name, str(value)[:100]) from None
        if not FIRST_YEAR <= on.year <= LAST_YEAR:
            raise Refused("BAD_DATE", name, str(value)[:100])
        return on
    day = read_day(text_in(row, name), None)
    if day is None:
        raise Refused("BAD_DATE" if text_in(row, name) else "MISSING_FIELD", name, text_in(row, name)[:100])
    return day.on


def flag_in(row: Record, name: str) -> bool:
    return text_in(row, name).casefold() in ("1", "true", "t", "yes")
