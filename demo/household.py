"""The demo household: two years of what a family in Germany might own and owe. Invented, and always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
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
    Loan,
    LoanRate,
    Tag,
    Transaction,
)
from assets.models.asset import Valuation
from assets.models.terms import DepreciationMethod
from demo.ids import Row, fixed_id, new_id
from portfolios.models import Household, Membership, Portfolio
from portfolios.signals import household_created
from strata.fields.dates import noon
from strata.tenancy.roles import OWNER

NAME = "Demo"
ZONE = "Europe/Berlin"
MONTHS = 24
CENT = Decimal("0.01")
# The change of a price in each of the last 24 months, in per mille, oldest first.
SHARES = (12, -8, 21, 15, -31, 9, 27, 4, -12, 18, 33, -6, 11, 24, -19, 7, 16, -4, 22, 13, -27, 31, 8, 14)
COINS = (
    90,
    -60,
    140,
    -110,
    45,
    210,
    -95,
    30,
    -75,
    160,
    55,
    -130,
    85,
    40,
    -50,
    120,
    -20,
    65,
    -90,
    110,
    35,
    -45,
    70,
    25,
)
SPENDING = (
    120,
    -340,
    85,
    260,
    -410,
    190,
    45,
    -75,
    330,
    -220,
    60,
    15,
    -180,
    290,
    -35,
    140,
    -260,
    95,
    210,
    -120,
    55,
    -90,
)


@dataclass
class Thing:
    """One asset. `values` are for the demo's days, the oldest first; `category` is the English name."""

    name: str
    type_code: str
    values: list[Decimal]
    currency: str = "EUR"
    category: str = ""
    tags: tuple[str, ...] = ()
    quantity: Decimal | None = None
    notes: str = ""
    acquired_on: date | None = None
    disposed_on: date | None = None
    transactions: list[dict] = field(default_factory=list)
    valuation: str = Valuation.MANUAL


type IdOf = Callable[..., UUID]


def build(user, today: date, *, with_fixed_ids: bool = False) -> Household:
    """Create the household, its portfolio and everything in it, owned by `user`.

    With fixed ids only once in an installation, and in English: the examples of the API's schema name its rows. Else in
    the language that the user chose, or the active one.
    """
    language = "en" if with_fixed_ids else user.language or translation.get_language()
    with translation.override(language):
        return build_in_active_language(user, today, fixed_id if with_fixed_ids else new_id)


def build_in_active_language(user, today: date, id_of: IdOf) -> Household:
    household = make_household(user, id_of)
    portfolio = Portfolio.objects.create(
        id=id_of(Row.PORTFOLIO),
        household=household,
        name=_("Everything we have"),
        base_currency="EUR",
        time_zone=ZONE,
    )
    days = month_days(today)
    things = the_things(days)
    assets = make_assets(portfolio, things, id_of)
    sort_in(household, things, assets, id_of)
    make_values(things, assets, days, id_of)
    make_transactions(things, assets, id_of)
    make_terms({thing.type_code: asset for thing, asset in zip(things, assets, strict=True)}, days)
    return household


def make_household(user, id_of: IdOf) -> Household:
    household = Household.objects.create(id=id_of(Row.HOUSEHOLD), name=NAME, is_demo=True)
    Membership.objects.create(id=id_of(Row.MEMBERSHIP), household=household, user=user, role=OWNER)
    household_created.send(Household, household=household)
    return household


def month_days(today: date) -> list[date]:
    """The first of each of the last 24 months, and today."""
    months = [today.year * 12 + today.month - 1 - back for back in range(MONTHS)]
    firsts = [date(month // 12, month % 12 + 1, 1) for month in reversed(months)]
    return [*firsts, today] if firsts[-1] != today else firsts


def the_things(days: list[date]) -> list[Thing]:
    return [*accounts(days), *investments(days), *home(days), *belongings(days)]


# --- the assets and their values ---


def accounts(days: list[date]) -> list[Thing]:
    count = len(days)
    income = [
        {
            "type": "INCOME",
            "on": day,
            "amount": Decimal("41.25"),
            "tax": Decimal("10.88"),
            "note": _("Interest"),
        }
        for day in days[11::12]
    ]
    return [
        Thing(
            _("Checking account"),
            "CHECKING_ACCOUNT",
            [Decimal(2850 + SPENDING[n % len(SPENDING)] * 2) + Decimal("0.17") * n for n in range(count)],
            category="Cash & banking",
        ),
        Thing(
            _("Savings account"),
            "SAVINGS_ACCOUNT",
            [Decimal(9400 + 350 * n) for n in range(count)],
            category="Cash & banking",
            tags=(_("emergency fund"),),
            transactions=income,
        ),
        Thing(
            _("Swiss account"),
            "CHECKING_ACCOUNT",
            [Decimal(6120 - 35 * n) for n in range(count)],
            currency="CHF",
            category="Cash & banking",
            notes=_("From the years in Basel."),
        ),
        Thing(
            _("Credit card"),
            "CREDIT_CARD",
            [Decimal(-640) + SPENDING[(n + 5) % len(SPENDING)] for n in range(count)],
            category="Loans & credit",
            notes=_("Paid off on the 20th."),
        ),
    ]


def investments(days: list[date]) -> list[Thing]:
    return [index_fund(days), bitcoin(days)]


def index_fund(days: list[date]) -> Thing:
    prices = moved(Decimal("104.20"), SHARES, len(days))
    bought, fee = Decimal(3), Decimal("1.50")
    purchases = [
        {
            "type": "ACQUIRE",
            "on": day,
            "quantity": bought if number else Decimal(180),
            "unit_price": price,
            "amount": price * (bought if number else 180),
            "fee": fee,
            "note": _("Savings plan") if number else _("Moved from the old broker"),
        }
        for number, (day, price) in enumerate(zip(days, prices, strict=True))
    ]
    dividends = [
        {
            "type": "INCOME",
            "on": day,
            "amount": Decimal("86.40") + n,
            "tax": Decimal("12.96"),
            "note": _("Dividend"),
        }
        for n, day in enumerate(days[2:-1:3])
    ]
    held = [180 + bought * number for number in range(len(days))]
    return Thing(
        _("World index fund"),
        "STOCKS",
        [cents(price * units) for price, units in zip(prices, held, strict=True)],
        currency="USD",
        category="Index funds",
        tags=(_("retirement"),),
        quantity=held[-1],
        transactions=purchases + dividends,
    )


def bitcoin(days: list[date]) -> Thing:
    coins = moved(Decimal("38400"), COINS, len(days))
    return Thing(
        "Bitcoin",
        "CRYPTO",
        [cents(price * Decimal("0.15")) for price in coins],
        category="Cryptocurrency",
        quantity=Decimal("0.15"),
        notes=_("On the small hardware wallet in the safe."),
        transactions=[
            {
                "type": "ACQUIRE",
                "on": days[0],
                "quantity": Decimal("0.15"),
                "unit_price": coins[0],
                "amount": coins[0] * Decimal("0.15"),
                "fee": Decimal("12.90"),
            }
        ],
    )


def home(days: list[date]) -> list[Thing]:
    count = len(days)
    owed, balances = Decimal("214800"), []
    for _month in range(count):
        balances.append(-owed)
        owed -= Decimal(980) - cents(owed * Decimal("0.0021"))
    return [
        Thing(
            _("Flat in Lindenstrasse"),
            "REAL_ESTATE",
            [Decimal(312000 + 6000 * (n // 6)) for n in range(count)],
            category="Residential",
            tags=(_("shared"),),
            acquired_on=date(days[0].year - 4, 6, 15),
            transactions=[
                {
                    "type": "EXPENSE",
                    "on": day,
                    "amount": Decimal("1480.00"),
                    "note": _("New heating valves, painter"),
                }
                for day in days[9:10]
            ],
        ),
        Thing(
            _("Mortgage"),
            "MORTGAGE",
            balances if days[-1].day == 1 else balances[:-1],  # today the schedule says it
            category="Mortgages",
            tags=(_("shared"),),
            notes=_("Fixed rate until 2031."),
            valuation=Valuation.LOAN,
        ),
    ]


def belongings(days: list[date]) -> list[Thing]:
    count = len(days)
    half = count // 2
    return [
        Thing(
            _("Car"),
            "VEHICLE",
            [cents(Decimal(18900) * Decimal("0.988") ** n) for n in range(count)],
            category="Vehicles",
            tags=(_("shared"),),
            valuation=Valuation.DEPRECIATION,
            acquired_on=date(days[0].year - 1, 3, 2),
            transactions=[
                {
                    "type": "EXPENSE",
                    "on": days[6],
                    "amount": Decimal("612.40"),
                    "note": _("Tyres, inspection"),
                }
            ],
        ),
        Thing(
            _("Watch collection"),
            "COLLECTIBLES",
            [Decimal(7300 + 250 * (n // 8)) for n in range(count)],
            category="Hobbies & sports",
            tags=(_("insured"),),
            quantity=Decimal(5),
        ),
        Thing(_("Furniture"), "PERSONAL_PROPERTY", [Decimal(9600 - 1200 * (n // 12)) for n in range(count)]),
        Thing(
            _("Racing bicycle"),
            "PERSONAL_PROPERTY",
            [Decimal(2100 - 40 * n) for n in range(half)],
            category="Hobbies & sports",
            disposed_on=days[half],
            notes=_("Sold to a neighbour."),
            transactions=[{"type": "DISPOSE", "on": days[half], "amount": Decimal(1500), "note": _("Cash")}],
        ),
    ]


def moved(price: Decimal, per_mille: tuple[int, ...], count: int) -> list[Decimal]:
    prices = [price]
    for number in range(count - 1):
        prices.append(cents(prices[-1] * (1000 + per_mille[number % len(per_mille)]) / 1000))
    return prices


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_EVEN)


# --- writing the rows ---


def make_assets(portfolio: Portfolio, things: list[Thing], id_of: IdOf) -> list[Asset]:
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
    """Of `assets` by type. The mortgage gets dearer in 2031; recorded balances are those of its schedule."""
    mortgage = assets["MORTGAGE"]
    Loan.objects.create(
        asset=mortgage,
        principal=Decimal(214800),
        started_on=days[0],
        first_payment_on=days[1],
        payment=Decimal(980),
        collateral=assets["REAL_ESTATE"],
    )
    LoanRate.objects.bulk_create(
        LoanRate(asset=mortgage, on=on, rate=Decimal(rate))
        for on, rate in ((days[0], "0.0252"), (date(2031, 7, 1), "0.034"))
    )
    Depreciation.objects.create(
        asset=assets["VEHICLE"],
        method=DepreciationMethod.DECLINING,
        cost=Decimal(18900),
        life=20,
        started_on=days[0],
        rate=Decimal("0.135"),
    )
