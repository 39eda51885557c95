"""Reads the prices of instruments for calculations: in their currency, and in shares of each price's own day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import F, Min, QuerySet

from assets.models import Instrument, PackedPrices, PriceBlock, PriceLoad
from assets.models.instrument import InstrumentType
from assets.prices.codec import days_in, numbers_in
from assets.prices.conversion import Split
from assets.prices.merging import FORGOTTEN, Pack
from assets.prices.series import PriceSeries, YearOfDays, series_of
from assets.prices.splits import splits_of
from assets.prices.store import known_packs_of, packs_of
from assets.rules.instruments.instruments import quote_unit
from strata.audit import clock

# An index is published by the month or by the quarter.
INDEX_MAX_AGE_DAYS = 130


class PriceTerms(NamedTuple):
    """`unit` is what one quoted unit is in the currency; a price counts for `max_age_days` after its day."""

    unit: Fraction
    max_age_days: int


def read(
    instrument_ids: Iterable[UUID],
    start: date,
    end: date,
    *,
    splits: Mapping[UUID, Sequence[Split]] | None = None,
) -> dict[UUID, PriceSeries]:
    """The prices of each instrument from the last one on or before `start` up to `end`. Without a price: not in it.

    `splits` are those of the instruments, where the caller has read them.
    """
    ids = list(dict.fromkeys(instrument_ids))
    if splits is None:
        splits = splits_of(ids)
    terms = terms_of(ids)
    by_instrument = {}
    for pk, packs in _packs(ids, start.year, end.year):
        if pk in terms:
            unit, max_age_days = terms[pk]
            series = series_of(
                [*map(_year, packs)],
                start,
                end,
                unit=unit,
                splits=splits.get(pk, ()),
                max_age_days=max_age_days,
            )
            if series is not None:
                by_instrument[pk] = series
    return by_instrument


def first_days(instrument_ids: Collection[UUID]) -> dict[UUID, date]:
    """The day of the first price of each instrument that has any."""
    if clock.known_at() is not None:
        return _first_days_of_blocks(instrument_ids)
    first_days, forgotten = _first_days(PackedPrices.objects.order_by(), instrument_ids)
    return first_days | _first_days_of_blocks(forgotten) if forgotten else first_days


def _first_days_of_blocks(instrument_ids: Collection[UUID]) -> dict[UUID, date]:
    loads = PriceLoad.objects.filter(withdrawn_at=None)  # those that were known, and counted
    known = PriceBlock.objects.order_by().filter(load__in=loads)
    return _first_days(known, instrument_ids)[0]


def _first_days(rows: QuerySet[Any], instrument_ids: Collection[UUID]) -> tuple[dict[UUID, date], list[UUID]]:
    """The first days, and the instruments whose packs are forgotten."""
    of_instruments = rows.filter(instrument__pk__among=list(instrument_ids)).values_list("instrument_id")
    numbers = of_instruments.annotate(first=Min(F("year") * 1000 + F("first_day"))) if instrument_ids else ()
    first_days, forgotten = {}, []
    for pk, number in numbers:
        year, day = divmod(number, 1000)
        if year == FORGOTTEN:
            forgotten.append(pk)
        else:
            first_days[pk] = date(year, 1, 1) + timedelta(day)
    return first_days, forgotten


def terms_of(instrument_ids: Collection[UUID]) -> dict[UUID, PriceTerms]:
    rows = Instrument.objects.filter(pk__among=list(instrument_ids)).order_by()
    columns = rows.values_list("pk", "quote_unit", "instrument_type", "max_age_days")
    return {pk: PriceTerms(quote_unit(unit), max_age(kind, own)) for pk, unit, kind, own in columns}


def max_age(instrument_type: str, own: int | None) -> int:
    """For how many days after its own a price counts: what the instrument says, else the usual number."""
    if own is not None:
        return own
    most: int = settings.PRICE_MAX_AGE_DAYS
    return INDEX_MAX_AGE_DAYS if instrument_type == InstrumentType.INDEX else most


def _packs(ids: Collection[UUID], first_year: int, last_year: int) -> Iterator[tuple[UUID, list[Pack]]]:
    if clock.known_at() is None:
        return packs_of(ids, first_year, last_year)
    return known_packs_of(ids, last_year)


def _year(pack: Pack) -> YearOfDays:
    encoded = pack.encoded
    days = days_in(encoded.year, encoded.first_day, encoded.days)
    return YearOfDays(days, numbers_in(encoded.width, encoded.prices), encoded.scale, pack.adjustments)
