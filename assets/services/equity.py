"""What is one's own of something that loans are secured on: shown with it, and with each of its loans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, UUIDField, When

from assets.models import Asset, Loan
from assets.rates.store import rate_book
from assets.valuation import newest_points, ref_of
from assets.valuation.formulas.arithmetic import MONEY_PLACES, half_even
from assets.valuation.series import ConvertedTotal, convert_total, money
from strata.fields.currencies import round_money

RATE_PLACES = 4


class Equity(NamedTuple):
    """Amounts are the household's parts, rounded to the minor unit of the collateral's currency; `owed` is negative.

    `loan_to_value` is what is owed on all of it, by what all of it is worth; None where it is worth nothing.
    """

    collateral: Asset
    loans: tuple[Asset, ...]
    value: Decimal
    owed: Decimal
    loan_to_value: Decimal | None

    @property
    def equity(self) -> Decimal:
        return self.value + self.owed


def equity_of(asset: Asset, collateral_id: UUID | None, on: date) -> Equity | None:
    """That of the asset, or of what it is secured on, at the end of the day. `collateral_id` is its `collateral_of`.

    None where no loan is secured on anything, and where a value or a rate is missing. No query where there is none.
    """
    assets = secured_assets(asset, collateral_id) if collateral_id else {}
    collateral = assets.pop(collateral_id, None) if collateral_id else None
    if collateral is None:
        return None
    points = newest_points({ref_of(each): on for each in (collateral, *assets.values())})
    point, loans = points[collateral.pk], [(loan.currency, points[loan.pk]) for loan in assets.values()]
    value, whole_value = point.value, point.whole_value
    parts = added_up((currency, loan.value) for currency, loan in loans)
    wholes = added_up((currency, loan.whole_value) for currency, loan in loans)
    currency = collateral.currency
    rates = rate_book({currency, *parts}, start=on, end=on, portfolios=[collateral.portfolio])
    owed, whole_owed = (convert_total(amounts, currency, on=on, rates=rates) for amounts in (parts, wholes))
    if value is None or whole_value is None or not owed.complete or not whole_owed.complete:
        return None
    ratio = loan_to_value(in_money(whole_owed, currency), whole_value)
    shown = round_money(value, currency)
    return Equity(collateral, tuple(assets.values()), shown, in_money(owed, currency), ratio)


def added_up(amounts: Iterable[tuple[str, Decimal | None]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + (amount or 0)
    return sums


def in_money(total: ConvertedTotal, currency: str) -> Decimal:
    return round_money(money(rounded(total.value, MONEY_PLACES)), currency)


def loan_to_value(owed: Decimal, value: Decimal) -> Decimal | None:
    if value <= 0:
        return None
    ratio = rounded(-Fraction(owed) / Fraction(value), RATE_PLACES)
    return Decimal(ratio).scaleb(-RATE_PLACES)


def rounded(number: Fraction, places: int) -> int:
    """How many of the last of these decimal places it is, rounded half to even."""
    return half_even(number.numerator * 10**places, number.denominator)


def with_collateral[Rows: QuerySet[Any]](assets: Rows) -> Rows:
    """Adds `collateral_id`: the asset itself, if loans are secured on it; else that on which it is secured, or None."""
    # nosemgrep: rows-through-for-user - of assets that came through it
    loans = Loan.objects.order_by()
    secured_on_it = Exists(loans.filter(collateral=OuterRef("pk")))
    own = loans.filter(asset=OuterRef("pk")).values("collateral")
    either = Case(When(secured_on_it, then=F("pk")), default=Subquery(own), output_field=UUIDField())
    return assets.annotate(collateral_id=either)


def collateral_of(asset: Asset) -> UUID | None:
    # nosemgrep: rows-through-for-user - of an asset that came through it
    rows: QuerySet[Any] = with_collateral(Asset.objects.filter(pk=asset.pk).order_by())
    collateral_id: UUID | None = rows.values_list("collateral_id", flat=True).first()
    return collateral_id


def secured_assets(asset: Asset, collateral_id: UUID) -> dict[UUID, Asset]:
    """The collateral and its loans, by id, as far as they are in the household of the asset."""
    # nosemgrep: rows-through-for-user - of the household of an asset that came through it
    in_household = Asset.objects.filter(portfolio__household=asset.portfolio.household_id)
    wanted = Q(pk=collateral_id) | Q(loan_terms__collateral=collateral_id)
    return {each.pk: each for each in in_household.filter(wanted).select_related("portfolio").order_by("pk")}
