"""The demo household: two years of what a family in Germany might own and owe. Invented, and always the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    AssetType,
    Category,
    Depreciation,
    Instrument,
    InstrumentAction,
    Loan,
    LoanRate,
    Tag,
    Transaction,
)
from assets.models.terms import DepreciationMethod
from assets.services.instruments.prices import LoadTerms, record_prices
from demo.ids import Row, fixed_id, new_id
from demo.prices import SPLIT, SPLIT_MONTH, WORLD, quoted
from demo.things import BORROWED, CAR_COST, Market, Thing, the_things
from portfolios.models import Household, Membership, Portfolio
from portfolios.signals import household_created
from strata.accounts.models import User
from strata.fields.dates import noon
from strata.tenancy.roles import OWNER

NAME = "Demo"
ZONE = "Europe/Berlin"
MONTHS = 24

type IdOf = Callable[..., UUID]


def build(user: User, today: date, *, with_fixed_ids: bool = False) -> Household:
    """Create the household, its portfolio and everything in it, owned by `user`.

    With fixed ids only once in an installation, and in English: the examples of the API's schema name its rows. Else in
    the language that the user chose, or the active one.
    """
    language = "en" if with_fixed_ids else user.language or translation.get_language()
    with translation.override(language):
        return build_in_active_language(user, today, fixed_id if with_fixed_ids else new_id)


def build_in_active_language(user: User, today: date, id_of: IdOf) -> Household:
    household = make_household(user, id_of)
    portfolio = Portfolio.objects.create(
        id=id_of(Row.PORTFOLIO),
        household=household,
        name=_("Everything we have"),
        base_currency="EUR",
        time_zone=ZONE,
    )
    days = month_days(today)
    market = quoted(days)
    instruments = make_instruments(household, market, days, id_of)
    things = the_things(days, market)
    assets = make_assets(portfolio, things, instruments, id_of)
    sort_in(household, things, assets, id_of)
    make_values(things, assets, days, id_of)
    make_transactions(things, assets, id_of)
    make_terms({thing.type_code: asset for thing, asset in zip(things, assets, strict=True)}, days)
    return household


def make_household(user: User, id_of: IdOf) -> Household:
    household = Household.objects.create(id=id_of(Row.HOUSEHOLD), name=NAME, is_demo=True)
    Membership.objects.create(id=id_of(Row.MEMBERSHIP), household=household, user=user, role=OWNER)
    household_created.send(Household, household=household)
    return household


def month_days(today: date) -> list[date]:
    """The first of each of the last 24 months, and today."""
    months = [today.year * 12 + today.month - 1 - back for back in range(MONTHS)]
    firsts = [date(month // 12, month % 12 + 1, 1) for month in reversed(months)]
    return [*firsts, today] if firsts[-1] != today else firsts


# --- writing the rows ---


def make_instruments(
    household: Household, market: Market, days: list[date], id_of: IdOf
) -> dict[str, Instrument]:
    """By symbol, with their prices and the split of one. Before the assets: what they follow is read once."""
    instruments = Instrument.objects.bulk_create(
        Instrument(
            id=id_of(Row.INSTRUMENT, number),
            household=household,
            **{name: getattr(each, name) for name in ("symbol", "name", "instrument_type", "currency")},
        )
        for number, each in enumerate(market.values(), start=1)
    )
    by_symbol = {instrument.symbol: instrument for instrument in instruments}
    record_prices(
        {
            by_symbol[symbol].pk: [
                (on.toordinal(), row, price, each.places)
                for row, (on, price) in enumerate(each.prices.items())
            ]
            for symbol, each in market.items()
        },
        LoadTerms("demo"),
    )
    InstrumentAction.objects.create(
        id=id_of(Row.INSTRUMENT_ACTION),
        household=household,
        instrument=by_symbol[WORLD],
        type=InstrumentAction.Type.SPLIT,
        on=days[SPLIT_MONTH],
        numerator=SPLIT,
        denominator=1,
    )
    return by_symbol


def make_assets(
    portfolio: Portfolio, things: list[Thing], instruments: dict[str, Instrument], id_of: IdOf
) -> list[Asset]:
    types = {asset_type.code: asset_type for asset_type in AssetType.objects.filter(household=None)}
    return Asset.objects.bulk_create(
        Asset(
            id=id_of(Row.ASSET, number),
            portfolio=portfolio,
            asset_type=types[thing.type_code],
            **{name: getattr(thing, name) for name in ("name", "currency", "quantity", "notes")},
            acquired_on=thing.acquired_on,
            disposed_on=thing.disposed_on,
            valuation=thing.valuation,
            instrument=instruments.get(thing.symbol),
        )
        for number, thing in enumerate(things, start=1)
    )


def sort_in(household: Household, things: list[Thing], assets: list[Asset], id_of: IdOf) -> None:
    """Give the assets their categories and tags; one category is added to those of a new household."""
    investments = Category.objects.get(household=household, name=pgettext("category", "Investments"))
    Category.objects.create(
        id=id_of(Row.CATEGORY),
        household=household,
        parent=investments,
        name=pgettext("category", "Index funds"),
    )
    categories = {category.name: category for category in Category.objects.filter(household=household)}
    names = sorted({tag for thing in things for tag in thing.tags})
    tags = {
        tag.name: tag
        for tag in Tag.objects.bulk_create(
            Tag(id=id_of(Row.TAG, number), household=household, name=name)
            for number, name in enumerate(names, start=1)
        )
    }
    pairs = list(zip(things, assets, strict=True))
    AssetCategory.objects.bulk_create(
        AssetCategory(asset=asset, category=categories[pgettext("category", thing.category)])
        for thing, asset in pairs
        if thing.category
    )
    AssetTag.objects.bulk_create(
        AssetTag(asset=asset, tag=tags[name]) for thing, asset in pairs for name in thing.tags
    )


def make_values(things: list[Thing], assets: list[Asset], days: list[date], id_of: IdOf) -> None:
    AssetSnapshot.objects.bulk_create(
        AssetSnapshot(
            id=id_of(Row.SNAPSHOT, number, of_asset),
            asset=asset,
            value=value,
            on=day,
            observed_at=noon(day, ZONE),
        )
        for of_asset, (thing, asset) in enumerate(zip(things, assets, strict=True), start=1)
        for number, (day, value) in enumerate(zip(days, thing.values, strict=False), start=1)
    )


def make_transactions(things: list[Thing], assets: list[Asset], id_of: IdOf) -> None:
    Transaction.objects.bulk_create(
        Transaction(
            id=id_of(Row.TRANSACTION, number, of_asset),
            asset=asset,
            currency=asset.currency,
            occurred_at=noon(entry["on"], ZONE),
            **entry,
        )
        for of_asset, (thing, asset) in enumerate(zip(things, assets, strict=True), start=1)
        for number, entry in enumerate(thing.transactions, start=1)
    )


def make_terms(assets: dict[str, Asset], days: list[date]) -> None:
    """Of `assets` by type. The mortgage gets dearer after a year, and its payment stays."""
    mortgage = assets["MORTGAGE"]
    Loan.objects.create(
        asset=mortgage,
        principal=BORROWED,
        started_on=days[0],
        first_payment_on=days[1],
        payment=Decimal(980),
        collateral=assets["REAL_ESTATE"],
    )
    LoanRate.objects.bulk_create(
        LoanRate(asset=mortgage, on=on, rate=Decimal(rate))
        for on, rate in ((days[0], "0.0252"), (days[12], "0.0315"))
    )
    Depreciation.objects.create(
        asset=assets["VEHICLE"],
        method=DepreciationMethod.DECLINING,
        cost=CAR_COST,
        life=20,
        started_on=days[0],
        rate=Decimal("0.135"),
    )
