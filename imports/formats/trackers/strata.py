"""The earlier Stratas: the backup of the later one, and the databases of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from imports.formats.cells import Refused
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    AssetItem,
    Details,
    FileRow,
    FileWarning,
    Item,
    Options,
    Question,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.formats.trackers.strata_tables import (
    Record,
    StrataTables,
    day_in,
    flag_in,
    number_in,
    of_backup,
    of_database,
    text_in,
)
from imports.formats.trades import Trade, booking, money
from imports.reading.currencies import is_currency
from imports.reading.files import JSON, SQLITE, File
from imports.reading.refusals import FileRefused, Reason
from imports.reading.words import words_of

JSON_NAME, SQLITE_NAME = "strata-json", "strata-sqlite"
DEFAULT_CURRENCY = "EUR"
LIABILITIES = "LIABILITIES"
CODES = words_of(
    "CASH, CHECKING_ACCOUNT, SAVINGS_ACCOUNT, REAL_ESTATE, STOCKS, BONDS, CRYPTO, COMMODITIES, PERSONAL_PROPERTY",
    "COLLECTIBLES, BUSINESS_OWNERSHIP, LOAN, CREDIT_CARD, MORTGAGE, OTHER, VEHICLE, PENSION, FUND, INSURANCE",
    "STUDENT_LOAN",
)
TYPES = {"BUY": "ACQUIRE", "SELL": "DISPOSE", "DIVIDEND": "INCOME", "INTEREST": "INCOME", "FEE": "EXPENSE"}
KNOWN_TYPES = ("ACQUIRE", "DISPOSE", "INCOME", "EXPENSE", "ADJUST")


def fits_json(file: File, options: Options) -> int:
    return 100 if file.kind == JSON and of_backup(file.json) else 0


def fits_sqlite(file: File, options: Options) -> int:
    return 100 if file.kind == SQLITE and of_database(file.database) else 0


def read_json(file: File, options: Options) -> Reading:
    return reading_of(JSON_NAME, of_backup(file.json), options)


def read_sqlite(file: File, options: Options) -> Reading:
    return reading_of(SQLITE_NAME, of_database(file.database), options)


def reading_of(name: str, tables: StrataTables | None, options: Options) -> Reading:
    if tables is None:
        raise FileRefused("UNKNOWN_FORMAT")
    reading = Reading(name, {"layout": name}, lambda reading: iter(()))
    portfolios = {text_in(row, "id"): text_in(row, "name") for row in tables["portfolios"]}
    if len(portfolios) > 1 and options.portfolio not in portfolios:
        reading.questions.append(Question("PORTFOLIO", "portfolio", choices=tuple(portfolios)))
    reading.read = partial(rows_of, tables=tables, options=options)
    return reading


def rows_of(reading: Reading, *, tables: StrataTables, options: Options) -> Iterator[FileRow]:
    reader = StrataReader(reading, tables, options)
    if not tables["assets"]:
        reading.warn(FileWarning("NOTHING_INSIDE"))
    yield from reader.assets()
    yield from reader.values()
    yield from reader.transactions()
    yield from reader.totals()


@dataclass(slots=True)
class Known:
    """An asset of the file. `key` is None where it was refused."""

    key: str | None
    currency: str
    is_owed: bool
    is_left_out: bool = False  # of another portfolio


@dataclass
class StrataReader:
    reading: Reading
    tables: StrataTables
    options: Options
    known: dict[str, Known] = field(default_factory=dict)

    # --- assets ---

    def assets(self) -> Iterator[FileRow]:
        types = {text_in(row, "id"): row for row in self.tables["asset_types"]}
        currencies = {
            text_in(row, "id"): text_in(row, "base_currency").upper() for row in self.tables["portfolios"]
        }
        tags, categories = self.tags(), self.categories()
        last = self.last_days()
        names: dict[str, int] = {}
        for line, row in enumerate(self.tables["assets"], self.tables.places["assets"]):
            pk = text_in(row, "id")
            record = self.row(line, row, RowType.ASSET)
            portfolio = text_in(row, "portfolio_id")
            chosen = self.options.portfolio
            currency = currencies.get(portfolio, "") or DEFAULT_CURRENCY
            kind = types.get(text_in(row, "asset_type_id"), {})
            code = text_in(kind, "code").upper()
            known = self.known[pk] = Known(None, currency, text_in(kind, "group").upper() == LIABILITIES)
            if len(currencies) > 1 and chosen and portfolio != chosen:
                known.is_left_out = True
                record.skip = Reason("SKIPPED_BY_YOU")
            elif problem := problem_of(text_in(row, "name"), code, currency):
                record.refusal = problem
            else:
                name = text_in(row, "name")
                names[name] = names.get(name, 0) + 1
                if names[name] > 1:
                    self.reading.warn(FileWarning("REPEATED_NAME", line, None, name))
                    name = f"{name} ({names[name]})"
                details = Details(
                    quantity=self.quantity(row),
                    disposed_on=last.get(pk) if flag_in(row, "disposed") else None,
                    categories=tuple(categories.get(pk, ())),
                    tags=tuple(tags.get(pk, ())),
                )
                known.key = self.reading.account(Account(name, currency, code, details=details))
                record.items = (AssetItem(known.key),)
            yield record

    def quantity(self, row: Record) -> Decimal | None:
        try:
            quantity = number_in(row, "quantity")
        except Refused:
            return None
        return quantity if quantity and quantity > 0 else None

    def last_days(self) -> dict[str, date]:
        """The day of the last value of each asset."""
        last: dict[str, date] = {}
        for row in self.tables["asset_snapshots"]:
            pk = text_in(row, "asset_id")
            try:
                on = day_in(row, "observed_at")
            except Refused:
                continue
            last[pk] = max(on, last.get(pk, on))
        return last

    def tags(self) -> dict[str, list[str]]:
        names = {text_in(row, "id"): text_in(row, "name") for row in self.tables["tags"]}
        tags: dict[str, list[str]] = {}
        for row in self.tables["asset_tags"]:
            if name := names.get(text_in(row, "tag_id")):
                tags.setdefault(text_in(row, "asset_id"), []).append(name)
        return tags

    def categories(self) -> dict[str, list[tuple[str, ...]]]:
        """The paths of each asset. A category may come before its parent, and a circle ends where it began."""
        rows = {text_in(row, "id"): row for row in self.tables["categories"]}

        def path(pk: str) -> tuple[str, ...]:
            names: list[str] = []
            seen: set[str] = set()
            while pk in rows and pk not in seen:
                seen.add(pk)
                names.append(text_in(rows[pk], "name"))
                pk = text_in(rows[pk], "parent_id")
            return tuple(reversed(names))

        paths: dict[str, list[tuple[str, ...]]] = {}
        for row in self.tables["asset_categories"]:
            if names := path(text_in(row, "category_id")):
                paths.setdefault(text_in(row, "asset_id"), []).append(names)
        return paths

    # --- what belongs to them ---

    def of_asset(self, record: FileRow, row: Record) -> Known | None:
        """The asset of the row; None where the row goes nowhere, and says why."""
        known = self.known.get(text_in(row, "asset_id"))
        if known is not None and known.is_left_out:
            record.skip = Reason("SKIPPED_BY_YOU")
        elif known is None or known.key is None:
            record.refusal = Reason("MISSING_FIELD", "asset", text_in(row, "asset_id")[:100])
        return known if known is not None and known.key else None

    def values(self) -> Iterator[FileRow]:
        """In the order of their instants: the last one of a day counts."""
        place = self.tables.places["asset_snapshots"]
        rows = list(enumerate(self.tables["asset_snapshots"], place))
        rows.sort(
            key=lambda numbered: (text_in(numbered[1], "observed_at"), text_in(numbered[1], "created_at"))
        )
        for line, row in rows:
            yield self.filled(self.row(line, row, RowType.VALUE), row, self.value)

    def value(self, line: int, row: Record, known: Known) -> tuple[Item, ...]:
        number = number_in(row, "value")
        if number is None:
            raise Refused("MISSING_FIELD", "value")
        is_reversed = known.is_owed and not self.tables.has_signs
        value = money(self.reading, line, -number if is_reversed and number else number, "value")
        return (ValueItem(str(known.key), day_in(row, "observed_at"), value),)

    def transactions(self) -> Iterator[FileRow]:
        for line, row in enumerate(self.tables["transactions"], self.tables.places["transactions"]):
            yield self.filled(self.row(line, row, RowType.TRANSACTION), row, self.transaction)

    def transaction(self, line: int, row: Record, known: Known) -> tuple[Item, ...]:
        code = text_in(row, "type").upper()
        kind = TYPES.get(code, code)
        if kind not in KNOWN_TYPES:
            raise Refused("UNKNOWN_TYPE", "type", text_in(row, "type")[:100])
        currency = text_in(row, "currency").upper() or known.currency
        if not is_currency(currency):
            raise Refused("BAD_CURRENCY", "currency", currency[:20])
        quantity, price = number_in(row, "quantity"), number_in(row, "unit_price")
        on, pk = day_in(row, "occurred_at"), text_in(row, "id")
        if kind == "ADJUST":
            if quantity is None:
                raise Refused("MISSING_FIELD", "quantity")
            return (
                TransactionItem(
                    str(known.key), kind, on, None, None, quantity, external_id=pk, currency=currency
                ),
            )
        trade = Trade(str(known.key), kind, on, currency, quantity, price, external_id=pk)
        return (booking(self.reading, line, trade),)

    def totals(self) -> Iterator[FileRow]:
        place = self.tables.places["portfolio_snapshots"]
        for line, row in enumerate(self.tables["portfolio_snapshots"], place):
            record = self.row(line, row, None)
            record.skip = Reason("TOTAL")
            yield record

    # --- rows ---

    def filled(self, record: FileRow, row: Record, items: Any) -> FileRow:
        known = self.of_asset(record, row)
        if known is not None:
            try:
                record.items = items(record.line, row, known)
            except Refused as refused:
                record.refusal = refused.reason
        return record

    def row(self, line: int, row: Record, row_type: RowType | None) -> FileRow:
        read = {name: text_in(row, name)[:1_000] for name in row if text_in(row, name)}
        return FileRow(line, read, row_type)


def problem_of(name: str, code: str, currency: str) -> Reason | None:
    if not name or len(name) > NAME_LENGTH:
        return Reason("BAD_NAME", "name", name[:NAME_LENGTH])
    if code not in CODES:
        return Reason("UNKNOWN_TYPE", "asset_type", code[:100])
    return None if is_currency(currency) else Reason("BAD_CURRENCY", "currency", currency[:20])
