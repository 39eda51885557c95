"""Days, assets and values for tests. Each test states the amounts and days that its result depends on."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from assets.services.instruments.prices import LoadTerms, record_prices
from portfolios.models import Portfolio
from strata.fields.dates import local_instant

FIRST_DAY = date(2024, 1, 1)  # a Monday


def day(number: int, *, first: date = FIRST_DAY) -> date:
    """The day so many days after `first`; day(0) is `first`, and a negative number is before it."""
    return first + timedelta(days=number)


def create_asset(
    portfolio: Portfolio,
    name: str = "Thing",
    asset_type: TypeId | int = TypeId.CHECKING_ACCOUNT,
    *,
    currency: str = "EUR",
    **fields,
) -> Asset:
    """A stored asset without any value."""
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=asset_type, name=name, currency=currency, **fields
    )


def add_value(
    asset: Asset, value: Decimal | int | str, on: date, *, hour: int = 12, zone: str = "UTC"
) -> AssetSnapshot:
    """Adds a value that applies from the day, observed at that hour in the zone (noon by default)."""
    observed_at = local_instant(datetime.combine(on, time(hour)), zone)
    return AssetSnapshot.objects.create(asset=asset, value=Decimal(value), on=on, observed_at=observed_at)


def create_valued_asset(
    portfolio: Portfolio,
    name: str,
    asset_type: TypeId | int,
    value: str,
    *,
    currency: str = "EUR",
    on: str = "2024-06-01",
) -> Asset:
    """A stored asset with one value, observed at noon in the portfolio's time zone."""
    asset = create_asset(portfolio, name, asset_type, currency=currency)
    add_value(asset, value, date.fromisoformat(on), zone=portfolio.time_zone)
    return asset


def record_price(instrument, on: date, price: int = 5) -> None:
    """A price of the instrument on the day, in whole quoted units."""
    record_prices({instrument.pk: [(on.toordinal(), 0, price, 0)]}, LoadTerms("test"))
