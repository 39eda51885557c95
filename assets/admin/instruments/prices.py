"""What the admin shows of prices: the last one of each instrument in the list, and all on an instrument's page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from assets import prices
from assets.models import Instrument, InstrumentSource, PriceBlock, PriceFetch, PriceLoad
from assets.prices.conversion import ratio_to_own_day
from assets.prices.splits import splits_of
from assets.prices.store import RecordedPrice, recorded_prices
from strata.admin.sidebar import admin_url
from strata.audit import clock
from strata.fields.active_formats import day_text, number_text
from strata.fields.dates import local_day
from strata.fields.numbers import decimal_text

PER_PAGE = 25
SHOWN_LOADS = 10


class LastPrice(NamedTuple):
    """The last price as text, in the currency; `is_stale` where it is too old to count today."""

    price: str
    on: str
    is_stale: bool


def today() -> date:
    """Instruments have no time zone: the day is that of the server's."""
    return local_day(clock.now(), settings.TIME_ZONE)


def last_prices(instruments: Collection[Instrument]) -> dict[UUID, LastPrice]:
    """Of each instrument that has a price. In two queries."""
    now = today()
    last = {}
    for pk, series in prices.read([instrument.pk for instrument in instruments], now, now).items():
        if newest := series.last(now):
            is_stale = series.at(now) is None
            last[pk] = LastPrice(shown(newest.price), day_text(newest.on), is_stale)
    return last


def shown(price: Fraction) -> str:
    return number_text(Decimal(decimal_text(price)))


def prices_of_instrument(instrument: Instrument, request: HttpRequest, *, may_add: bool) -> dict[str, Any]:
    """The context of the template: the last price and loads, what became of the last fetch, and a page of prices."""
    page = page_of(instrument, request.GET.get("prices", ""))
    loads = last_loads(instrument)
    return {
        "last": last_prices([instrument]).get(instrument.pk),
        "load": next((load for load in loads if load.withdrawn_at is None), None),
        "loads": loads,
        "new_price": admin_url(Instrument, "price", instrument.pk) if may_add else "",
        "fetch_now": admin_url(Instrument, "fetch", instrument.pk) if may_add else "",
        "fetch": PriceFetch.objects.filter(instrument=instrument).first(),
        "sources": list(
            InstrumentSource.objects.filter(instrument=instrument)
            .select_related("source")
            .order_by("priority", "id")
        ),
        "page": page,
        "rows": rows_of(instrument, list(page.object_list)),
        "currency": instrument.currency,
        "quote_unit": "" if instrument.quote_unit == "1" else instrument.quote_unit,
    }


def last_loads(instrument: Instrument) -> list[PriceLoad]:
    """The newest first."""
    ids = PriceBlock.objects.filter(instrument=instrument).order_by().values("load")
    loads = PriceLoad.objects.select_related("created_by").filter(pk__in=ids)
    return list(loads.order_by("-created_at", "-id")[:SHOWN_LOADS])


def page_of(instrument: Instrument, number: str) -> Page[RecordedPrice]:
    """Newest first. A number that is none is the first page, one that is too large the last."""
    recorded = recorded_prices(instrument.pk, None, None)
    recorded.reverse()
    return Paginator(recorded, PER_PAGE).get_page(number)


def rows_of(instrument: Instrument, recorded: Collection[RecordedPrice]) -> list[dict[str, str]]:
    splits = splits_of([instrument.pk]).get(instrument.pk, ())
    sources = dict(
        PriceLoad.objects.filter(pk__among=[price.load_id for price in recorded])
        .order_by()
        .values_list("pk", "source")
    )
    return [
        {
            "day": day_text(date.fromordinal(price.on)),
            "price": shown(
                Fraction(price.number, 10**price.scale)
                * ratio_to_own_day(splits, price.on, price.adjusted_to)
            ),
            "source": sources.get(price.load_id, ""),
        }
        for price in recorded
    ]
