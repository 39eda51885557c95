"""Reads rows of prices, and finds the instruments that they name. Many rows have few different days and instruments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from assets.models import Instrument
from assets.prices.readers import COLUMNS
from assets.rules.instruments.prices import read_day, read_price
from strata.exceptions import Invalid, NotFound, StrataError
from strata.fields.dates import local_day
from strata.fields.ids import CANONICAL_ID
from strata.fields.names import name_key
from strata.tenancy.batches import Refusals

type Rows = list[tuple[int, int, int, int]]  # as NewPrice: day, row, number, places
NOT_AN_ID = "Send an id such as 01890a5d-ac96-774b-bcce-b302099a8057."
AMBIGUOUS_NAME = "More than one instrument is called that: send its id."


def latest_today(now: datetime, zones: Iterable[str]) -> date:
    """Today in the time zone, of these and the server's, where it is latest: prices of later days are refused."""
    return max(local_day(now, zone) for zone in {*zones, settings.TIME_ZONE})


def table_rows(
    rows: Iterable[tuple[int, list[str]]], refusals: Refusals
) -> Iterator[tuple[int, str, str, str]]:
    """The numbered rows of a table as `rows_by_name` reads them; those with other columns are refused."""
    for number, cells in rows:
        if len(cells) == len(COLUMNS):
            name, on, price = cells
            yield number, name, on, price
        else:
            message = f"It has {len(cells)} columns instead of {len(COLUMNS)}."
            refusals.add(number, Invalid(None, message, "COLUMNS"))


def rows_by_name(
    rows: Iterable[tuple[int, str, Any, Any]], refusals: Refusals, *, latest: date
) -> dict[str, Rows]:
    """The rows (number, instrument, day, price) by the instrument that they name; bad days and prices are refused."""
    days: dict[Any, int | Invalid] = {}
    by_name: dict[str, Rows] = {}
    for number, name, on, price in rows:
        day = days.get(on) if type(on) is str else read_day(on, latest)
        if day is None:
            day = days[on] = read_day(on, latest)
        read = read_price(price)
        if type(day) is int and type(read) is tuple:
            known = by_name.get(name)
            if known is None:
                by_name[name] = [(day, number, *read)]
            else:
                known.append((day, number, *read))
        else:
            refusals.add(number, *(error for error in (day, read) if isinstance(error, Invalid)))
    return by_name


def by_instrument(
    by_name: Mapping[str, Rows], ids: Mapping[str, UUID | StrataError], refusals: Refusals
) -> dict[UUID, Rows]:
    """The rows by instrument; those whose name was not found are refused."""
    prices: dict[UUID, Rows] = {}
    for name, rows in by_name.items():
        pk = ids[name]
        if isinstance(pk, UUID):
            prices.setdefault(pk, []).extend(rows)
        else:
            for row in rows:
                refusals.add(row[1], pk)
    return prices


def ids_found(texts: Collection[str], instruments: QuerySet[Instrument]) -> dict[str, UUID | StrataError]:
    """What ids in texts name, among these instruments."""
    ids = {text: UUID(text) for text in texts if CANONICAL_ID.fullmatch(text)}
    wanted = list(ids.values())
    existing = set(instruments.filter(pk__among=wanted).order_by().values_list("pk", flat=True))
    malformed, missing = Invalid("instrument_id", NOT_AN_ID), NotFound("instrument", "instrument_id")
    result: dict[str, UUID | StrataError] = {}
    for text in texts:
        result[text] = malformed if text not in ids else ids[text] if ids[text] in existing else missing
    return result


def names_found(names: Collection[str], instruments: QuerySet[Instrument]) -> dict[str, UUID | StrataError]:
    """What names (an id, an ISIN or a symbol) mean among these instruments; AMBIGUOUS_NAME where several fit."""
    ids = {name: UUID(name) for name in names if CANONICAL_ID.fullmatch(name)}
    symbols = {name: name_key(name) for name in names}
    isins = {name: name.replace(" ", "").upper() for name in names}
    candidates = instruments.filter(
        Q(pk__among=list(ids.values()))
        | Q(symbol_key__in={*symbols.values()})
        | Q(isin__in={*isins.values()} - {""})
    )
    fitting: dict[tuple[str, Any], set[UUID]] = {}
    for pk, symbol, isin in candidates.order_by().values_list("pk", "symbol_key", "isin"):
        for key in (("id", pk), ("symbol", symbol), ("isin", isin)):
            fitting.setdefault(key, set()).add(pk)
    none: set[UUID] = set()
    return {
        name: the_only_one(
            fitting.get(("id", ids.get(name)), none)
            or fitting.get(("symbol", symbols[name]), none) | fitting.get(("isin", isins[name] or None), none)
        )
        for name in names
    }


def the_only_one(fitting: Collection[UUID]) -> UUID | StrataError:
    if len(fitting) > 1:
        return Invalid("instrument", AMBIGUOUS_NAME, "AMBIGUOUS_NAME")
    return next(iter(fitting), None) or NotFound("instrument", "instrument")
