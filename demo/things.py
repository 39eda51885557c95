"""What the demo household owns and owes: two years of a family in Germany. Invented, and always the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.utils.translation import gettext as _

from assets.models.asset import Valuation
from demo.prices import (
    BONDS,
    CENT,
    HOUSE_PRICES,
    SPLIT,
    SPLIT_MONTH,
    WORLD,
    Quoted,
    moved,
    next_weekday,
)

type Market = Mapping[str, Quoted]  # by symbol

BORROWED, CAR_COST = Decimal(214800), Decimal(18900)
SALE_MONTH = 19
# The change of a price in each of the last 24 months, in per mille, oldest first.
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
    """One asset. `values` are for the demo's days, the oldest first; `category` is the English name.

    `symbol` names what the values follow, where they are not recorded.
    """

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
    transactions: list[dict[str, Any]] = field(default_factory=list)
    valuation: str = Valuation.MANUAL
    symbol: str = ""


def the_things(days: list[date], market: Market) -> list[Thing]:
    """In an order that stays: the examples of the API's schema name some by their number."""
    return [
        *accounts(days),
        *investments(days, market),
        *home(days),
        *belongings(days),
        bond_fund(days, market[BONDS]),
    ]


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


def investments(days: list[date], market: Market) -> list[Thing]:
    return [index_fund(days, market[WORLD]), bitcoin(days)]


def index_fund(days: list[date], fund: Quoted) -> Thing:
    """Bought every month, sold once, split once; a dividend every quarter."""
    today, split_on = days[-1], days[SPLIT_MONTH]
    entries: list[dict[str, Any]] = []
    held = Decimal(0)
    for number, month in enumerate(days):
        on = next_weekday(month) if number else month
        factor = SPLIT if on >= split_on else 1
        if month == split_on:
            held *= SPLIT
        if month.day != 1 or on > today:
            continue
        units = Decimal(3 * factor if number else 180)
        note = _("Savings plan") if number else _("Moved from the old broker")
        entries.append(trade("ACQUIRE", on, units, fund, fee="1.50", note=note))
        held += units
        sold_on = next_weekday(month + timedelta(days=14))
        if number % 3 == 2 and sold_on <= today:
            dividend = cents(held * Decimal("0.44") / factor)
            tax, note = cents(dividend * Decimal("0.15")), _("Dividend")
            entries.append({"type": "INCOME", "on": sold_on, "amount": dividend, "tax": tax, "note": note})
        if number == SALE_MONTH:
            entries.append(trade("DISPOSE", sold_on, Decimal(40), fund, fee="4.90", tax="61.35"))
            held -= 40
    return Thing(
        fund.name,
        "STOCKS",
        [],
        currency=fund.currency,
        category="Index funds",
        tags=(_("retirement"),),
        transactions=entries,
        valuation=Valuation.MARKET,
        symbol=fund.symbol,
    )


def bond_fund(days: list[date], fund: Quoted) -> Thing:
    entries = [
        trade("ACQUIRE", next_weekday(days[month]), Decimal(units), fund, fee="5.90")
        for month, units in ((3, 60), (13, 40))
    ]
    interest = {"type": "INCOME", "on": days[20], "amount": Decimal("185.00"), "note": _("Interest")}
    return Thing(
        fund.name,
        "BONDS",
        [],
        category="Index funds",
        tags=(_("retirement"),),
        transactions=[*entries, interest],
        valuation=Valuation.MARKET,
        symbol=fund.symbol,
    )


def trade(
    kind: str, on: date, units: Decimal, fund: Quoted, *, fee: str, tax: str = "0", note: str = ""
) -> dict[str, Any]:
    price = fund.price(on)
    return {
        "type": kind,
        "on": on,
        "quantity": units,
        "unit_price": price,
        "amount": price * units,
        "fee": Decimal(fee),
        "tax": Decimal(tax),
        "note": note,
    }


def bitcoin(days: list[date]) -> Thing:
    coins = [Decimal(price).scaleb(-2) for price in moved(38400_00, COINS, len(days))]
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
    """The flat follows an index of house prices from what was paid, the mortgage its schedule."""
    return [
        Thing(
            _("Flat in Lindenstrasse"),
            "REAL_ESTATE",
            [Decimal(312000)],
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
            valuation=Valuation.INDEX,
            symbol=HOUSE_PRICES,
        ),
        Thing(
            _("Mortgage"),
            "MORTGAGE",
            [-BORROWED],
            category="Mortgages",
            tags=(_("shared"),),
            notes=_("The rate is set again every year."),
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
            [CAR_COST],
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


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_EVEN)
