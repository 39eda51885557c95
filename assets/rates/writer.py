"""The only writer of exchange rates. Rates are only added: the older rows of the same currency and day stay.

Each function locks the table of rates first, so that writers of rates queue, and then the portfolios, whose revisions
it raises (see strata.db.locks). The euro has no rate: assets.rules.instruments.exchange_rates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from assets.models import ExchangeRate
from assets.models.exchange_rate import EURO_HAS_NO_RATE, raise_every_revision, record_rates
from assets.rates.readers import COLUMNS, LASTING, RateQuote
from assets.rules.instruments.exchange_rates import may_have_rate
from strata.audit.clock import written_at
from strata.db.bulk import insert_rows, stored_instant
from strata.exceptions import Invalid
from strata.fields.ids import uuid7_digits
from strata.fields.numbers import plain

BATCH = 5000


def record_rate(
    currency: str,
    on: date,
    units_per_euro: Decimal,
    *,
    source: str = ExchangeRate.Source.MANUAL,
    lasting: bool = False,
) -> ExchangeRate:
    """Add one rate, even if it is the same as the newest of its currency, day and source. It replaces that one.

    Raises what check_currency does.
    """
    check_currency(currency)
    with transaction.atomic():
        lock_rates()
        return ExchangeRate.objects.create(
            currency=currency, on=on, units_per_euro=units_per_euro, source=source, lasting=lasting
        )


def unknown_rates(quotes: Iterable[RateQuote], source: str) -> list[RateQuote]:
    """The rates that are new, or differ from the newest of the same currency, day and source; oldest day first."""
    rows = ExchangeRate.objects.filter(source=source).order_by("recorded_at", "id")
    columns = rows.values_list(*COLUMNS, LASTING)
    newest = {(row[0], row[1]): row[2:] for row in columns.iterator(chunk_size=10_000)}
    fresh = (quote for quote in quotes if newest.get((quote.currency, quote.on)) != quote[2:])
    return sorted(fresh, key=lambda quote: (quote.on, quote.currency))


def add_rates(
    quotes: Iterable[RateQuote], source: str, *, advance: Callable[[int], None] = lambda count: None
) -> int:
    """Add the unknown rates, all or none. Two loads run one after the other, so that no rate is added twice.

    Raises what check_currency does.
    """
    with transaction.atomic():
        lock_rates()
        fresh = unknown_rates(quotes, source)
        for currency in {quote.currency for quote in fresh}:
            check_currency(currency)
        now = written_at()
        for number, batch in enumerate(batched(fresh, BATCH)):
            rows = _rows(batch, source, stored_instant(now))
            insert_rows(ExchangeRate, ("id", *COLUMNS, LASTING, "source", "recorded_at"), rows)
            if number == 0:
                record_rates([UUID(rows[0][0])], now)
            advance(len(batch))
        if fresh:
            raise_every_revision()
    return len(fresh)


def check_currency(currency: str) -> None:
    """Raises Invalid for the euro."""
    if not may_have_rate(currency):
        raise Invalid("currency", EURO_HAS_NO_RATE, code="euro")


def lock_rates() -> None:
    """Lock the table of rates against other writers until the transaction ends. Reads go on.

    On SQLite, where only one transaction writes at a time, this does nothing.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(ExchangeRate._meta.db_table)
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _rows(quotes: Iterable[RateQuote], source: str, now: str) -> list[tuple[Any, ...]]:
    return [
        (uuid7_digits(), currency, on.isoformat(), plain(units), int(lasting), str(source), now)
        for currency, on, units, lasting in quotes
    ]
