"""The exchange rates of an archive: those that this database did not know when they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from archives.files import refusals
from archives.files.container import Container
from archives.rows.contents import RATES, columns_of
from archives.rows.tables import MALFORMED, parsed_line
from archives.rows.values import explained, parsed, parsed_instant, text
from assets.models import ExchangeRate
from assets.rates.writer import check_currency
from strata.fields.currencies import validate_currency
from strata.fields.ids import uuid7


class ArchivedRate(NamedTuple):
    key: tuple[str, Any, str]  # currency, day, source
    recorded_at: datetime
    values: dict[str, Any]


def rates_in(container: Container) -> Iterator[ArchivedRate]:
    """In the order in which they were recorded. Raises Refused."""
    columns = columns_of(ExchangeRate)
    for number, line in enumerate(container.lines(RATES), start=1):
        row = parsed_line(line, RATES, number)
        try:
            if row.keys() != {column.name for column in columns}:
                raise ValueError("it has not the fields of a rate")
            values = {column.name: parsed(column.kind, row[column.name]) for column in columns}
            rate = ExchangeRate(**values)
            rate.clean_fields()
            check_currency(rate.currency)
        except MALFORMED as error:
            raise refusals.bad_row(RATES, number, explained(error)) from None
        recorded_at = parsed_instant(row["recorded_at"])
        yield ArchivedRate((rate.currency, rate.on, rate.source), recorded_at, values)


def currencies_in(container: Container) -> set[str]:
    """Those with a rate, where the rates themselves are left out. Raises Refused."""
    currencies: set[str] = set()
    for number, line in enumerate(container.lines(RATES), start=1):
        currency = parsed_line(line, RATES, number).get("currency")
        try:
            if currency not in currencies:
                if validate_currency(text(currency)) != currency:
                    raise ValueError("it is not written as Strata writes it")
                check_currency(currency)
        except MALFORMED as error:
            raise refusals.bad_row(RATES, number, f"currency: {explained(error)}") from None
        currencies.add(currency)
    return currencies


def unknown_rates(rates: list[ArchivedRate]) -> list[ArchivedRate]:
    """Those whose currency, day and source had no rate here when they were recorded."""
    currencies = {rate.key[0] for rate in rates}
    known: dict[tuple[str, Any, str], datetime] = {}
    stored = ExchangeRate.objects.filter(currency__in=currencies).order_by()
    columns = stored.values_list("currency", "on", "source", "recorded_at")
    for currency, on, source, recorded_at in columns.iterator():
        key = currency, on, source
        known[key] = min(known.get(key, recorded_at), recorded_at)
    return [rate for rate in rates if rate.key not in known or known[rate.key] > rate.recorded_at]


def add_rates(rates: list[ArchivedRate]) -> int:
    """Add the unknown ones as they were recorded, while the table of rates is locked."""
    unknown = unknown_rates(rates) if rates else []
    if not unknown:
        return 0
    ids = [rate.values["id"] for rate in unknown]
    taken: set[UUID] = set()
    for start in range(0, len(ids), 500):
        taken.update(
            ExchangeRate.objects.filter(pk__in=ids[start : start + 500]).values_list("pk", flat=True)
        )
    rows = [
        ExchangeRate(**{**rate.values, "id": uuid7() if rate.values["id"] in taken else rate.values["id"]})
        for rate in unknown
    ]
    ExchangeRate.objects.bulk_create(rows, batch_size=1000)
    return len(rows)
