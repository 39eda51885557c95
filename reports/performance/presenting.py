"""The texts of gains, lots and rates in the user's formats. A figure that is not known is a dash."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from assets.holdings.events import QUANTITY_UNIT
from assets.holdings.quantities import Units
from investments.calculations.gains import Gain
from investments.calculations.reported import RATE_UNIT, rounded
from investments.queries.holdings import OpenLotValue
from reports.api.investments import answers
from reports.rendering.formats import Amount, amount
from strata.fields.active_formats import day_text, number_text, percentage_text, places_of
from strata.fields.numbers import MONEY_PLACES

UNKNOWN = "–"


def money_text(fine: int | None, currency: str, *, signed: bool = False) -> Amount | None:
    """Fine units of money, rounded to the places of the currency."""
    if fine is None:
        return None
    return amount(rounded(fine, places_of(currency)), currency, signed=signed)


def quantity_text(units: Units) -> str:
    """With the places that it has, at most 18."""
    return number_text(Decimal(answers.quantity_text(units)))


def rate_text(rate: Decimal | None) -> str:
    """A return in per cent, with its sign."""
    return UNKNOWN if rate is None else percentage_text(rate)


def unit_cost_text(fine: int | None, units: Units) -> str:
    """What one unit cost, with at most four places."""
    if fine is None or not units:
        return UNKNOWN
    cost = Fraction(fine, RATE_UNIT * 10**MONEY_PLACES) / Fraction(units, QUANTITY_UNIT)
    return number_text(Decimal(answers.number_text(cost, MONEY_PLACES)))


def gain_of(value: int | None, cost: int | None) -> int | None:
    return None if value is None or cost is None else value - cost


def open_lot_row(open_lot: OpenLotValue, currency: str, on: date) -> dict[str, Any]:
    lot, cost, value = open_lot.lot, open_lot.cost, open_lot.value
    return {
        "acquired_on": day_text(lot.acquired_on),
        "quantity": quantity_text(lot.quantity),
        "cost": money_text(cost, currency),
        "unit_cost": unit_cost_text(cost, lot.quantity),
        "value": money_text(value, currency),
        "gain": money_text(gain_of(value, cost), currency, signed=True),
        "days": number_text(Decimal((on - lot.acquired_on).days)),
    }


def closed_lot_row(gain: Gain, currency: str) -> dict[str, Any]:
    lot = gain.lot
    return {
        "acquired_on": day_text(lot.acquired_on),
        "disposed_on": day_text(lot.disposed_on),
        "quantity": quantity_text(lot.quantity),
        "cost": money_text(gain.cost, currency),
        "proceeds": money_text(gain.proceeds, currency),
        "gain": money_text(gain.realised_gain, currency, signed=True),
        "days": number_text(Decimal((lot.disposed_on - lot.acquired_on).days)),
    }
