"""Fetches prices from sources and records them: the sources of an instrument are asked in turn until one has prices.

No transaction is open while a source is asked. A source that has failed five times in a row is not asked for ten
minutes; that it does not know a symbol is no failure of the source.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from assets.models import (
    Instrument,
    InstrumentSource,
    PriceBlock,
    PriceFetch,
    PriceSource,
    PriceSourceHealth,
)
from assets.prices.planning import Plan
from assets.prices.providers.formats import FeedRow, Layout, Span
from assets.prices.providers.http import FetchFailed, Limits
from assets.prices.providers.sources import PROVIDERS
from assets.services.instruments.price_rows import Rows, rows_by_name
from assets.services.instruments.prices import LoadTerms, Recorded, record_prices
from strata.db.retry import run_in_transaction
from strata.exceptions import Conflict
from strata.tenancy.batches import AllRowsRefused, Refusals
from strata.tenancy.writes import Precondition, always, atomic_write, locked_row

log = logging.getLogger("strata.prices")

MOST_FAILURES = 5
CLOSED_FOR = timedelta(minutes=10)
FIRST_DAY = date(1970, 1, 1)
NO_SOURCES = Conflict(
    "NO_PRICE_SOURCE", "The instrument has no source of prices: PUT instruments/{id}/sources first."
)


class Fetched(NamedTuple):
    """What became of an instrument: what was recorded, or why nothing was. `warnings` are earlier failures."""

    instrument: Instrument
    plan: Plan | None
    failure: str
    refusals: Refusals
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        if self.plan is None:
            return f"failed: {self.failure}"
        outcomes = ("created", "replaced", "skipped")
        counts = [f"{getattr(self.plan, name):,} {name}" for name in outcomes]
        return ", ".join([*counts, f"{len(self.refusals):,} refused"])


# --- requests ---


@atomic_write
def request_fetch(instrument_id: UUID, *, precondition: Precondition = always) -> PriceFetch:
    """Note that the prices of an instrument are wanted now. 409 NO_PRICE_SOURCE where nobody could be asked."""
    instrument = locked_row(Instrument.objects.all(), instrument_id, "instrument")
    precondition(instrument)
    if not enabled_sources(instrument).exists():
        raise NO_SOURCES
    noted, _ = PriceFetch.objects.update_or_create(
        instrument=instrument, defaults={"requested_at": timezone.now(), "finished_at": None, "outcome": ""}
    )
    return noted


def pending() -> QuerySet[Instrument]:
    """The instruments whose prices were requested and not fetched since."""
    return Instrument.objects.filter(fetch__requested_at__isnull=False, fetch__finished_at=None)


# --- fetching ---


def enabled_sources(instrument: Instrument) -> QuerySet[InstrumentSource]:
    """In the order in which they are asked."""
    links = InstrumentSource.objects.filter(instrument=instrument, source__enabled=True)
    return links.select_related("source", "instrument").order_by("priority", "id")


def linked_instruments(source: PriceSource | None = None) -> QuerySet[Instrument]:
    """The instruments that have an enabled source, or this one, by symbol."""
    links = InstrumentSource.objects.filter(source__enabled=True)
    if source is not None:
        links = links.filter(source=source)
    return Instrument.objects.filter(pk__in=links.values("instrument")).order_by("symbol_key", "id")


def fetch_each(
    instruments: Iterable[Instrument],
    latest: date,
    *,
    source: PriceSource | None = None,
    dry_run: bool = False,
) -> Iterator[Fetched]:
    """Fetch the prices of each instrument, from this source or from its sources in turn, and record them.

    An error that nobody has foreseen is the outcome of its instrument, and the others are fetched all the same.
    """
    for instrument in instruments:
        try:
            fetched = fetch_prices(instrument, latest, source=source, dry_run=dry_run)
        except Exception as error:
            log.exception("fetching prices", extra={"instrument_id": str(instrument.pk)})
            reason = f"unexpected error: {type(error).__name__}"
            fetched = Fetched(instrument, None, reason, Refusals())
        if not dry_run:
            note_outcome(fetched)
        yield fetched


def fetch_prices(
    instrument: Instrument, latest: date, *, source: PriceSource | None, dry_run: bool
) -> Fetched:
    links = enabled_sources(instrument)
    if source is not None:
        links = links.filter(source=source)
    failures: list[str] = []
    for link in links:
        try:
            rows = ask(link, Span(start_of(instrument), latest))
        except FetchFailed as failure:
            failures.append(failure.reason)
            continue
        if rows:
            return recorded(instrument, link.source, rows, latest, dry_run=dry_run, warnings=tuple(failures))
        failures.append("no prices")
    return Fetched(
        instrument, None, failures[-1] if failures else "no source", Refusals(), tuple(failures[:-1])
    )


def start_of(instrument: Instrument) -> date:
    """The first of January of the year that has the last price: sources correct what they said before."""
    counting = PriceBlock.objects.filter(instrument=instrument, load__withdrawn_at=None)
    last = counting.aggregate(year=Max("year"))["year"]
    return date(last, 1, 1) if last else FIRST_DAY


def ask(link: InstrumentSource, span: Span) -> list[FeedRow]:
    """The rows of the source, unless it is not asked for a while because it has failed too often."""
    source = link.source
    health, _ = PriceSourceHealth.objects.get_or_create(source=source)
    if health.closed_until and health.closed_until > timezone.now():
        raise FetchFailed("circuit open")
    try:
        rows = PROVIDERS[source.source_type].prices(
            source.url, layout_of(source), link.symbol, link.instrument.currency, span, limits()
        )
    except FetchFailed as failure:
        if not failure.of_symbol:
            note_failure(source, timezone.now())
        raise
    PriceSourceHealth.objects.filter(source=source).exclude(failures=0).update(failures=0, closed_until=None)
    return rows


def note_failure(source: PriceSource, now: datetime) -> None:
    of_source = PriceSourceHealth.objects.filter(source=source)
    of_source.update(failures=F("failures") + 1)
    of_source.filter(failures__gte=MOST_FAILURES).update(closed_until=now + CLOSED_FOR, failures=0)


def layout_of(source: PriceSource) -> Layout:
    return Layout(
        source.rows_path,
        source.date_field,
        source.price_field,
        source.delimiter,
        source.decimal,
        Fraction(source.unit),
    )


def limits() -> Limits:
    return Limits(
        settings.PRICE_TIMEOUT,
        settings.PRICE_MAX_BYTES,
        frozenset(map(str.lower, settings.PRICE_PRIVATE_HOSTS)),
    )


def recorded(
    instrument: Instrument,
    source: PriceSource,
    feed: Collection[FeedRow],
    latest: date,
    *,
    dry_run: bool,
    warnings: tuple[str, ...],
) -> Fetched:
    """Record the rows of a source; the bad ones are refused."""
    refusals = Refusals()
    numbered = ((number, "", on, price) for number, (on, price) in enumerate(feed))
    rows: Rows = rows_by_name(numbered, refusals, latest=latest).get("", [])
    terms = LoadTerms(source=source.name, adjusted_to=latest if source.split_adjusted else None)

    def record() -> Recorded:
        return record_prices({instrument.pk: rows} if rows else {}, terms, refusals=refusals, dry_run=dry_run)

    try:
        plan = run_in_transaction(record).plans[instrument.pk]
    except AllRowsRefused as error:
        return Fetched(instrument, None, error.refusals[0].error.message, refusals, warnings)
    except KeyError:
        return Fetched(instrument, None, "it was deleted", refusals, warnings)
    return Fetched(instrument, plan, "", refusals, warnings)


def note_outcome(fetched: Fetched) -> None:
    """Keep what became of it, for the instrument's page. An instrument may have been deleted meanwhile."""
    if Instrument.objects.filter(pk=fetched.instrument.pk).exists():
        PriceFetch.objects.update_or_create(
            instrument_id=fetched.instrument.pk,
            defaults={"finished_at": timezone.now(), "outcome": fetched.outcome[:200]},
        )
