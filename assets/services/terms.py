"""Writes the terms of assets whose value is computed, and reads them as the API and the forms have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from assets.models import (
    Asset,
    Depreciation,
    Growth,
    Loan,
    LoanExtraPayment,
    LoanHoliday,
    LoanRate,
)
from assets.models.asset import Valuation
from assets.models.loan import OfAnAsset
from assets.rules.assets import terms as rules
from assets.rules.assets.ownership import validate_sharing
from assets.services.instruments.instruments import require_instrument
from assets.valuation import has_market_price
from assets.valuation.formulas import loan as formula
from assets.valuation.formulas.loan_terms import ExtraPayment, Holiday, Rate
from assets.valuation.loan_rows import terms_of_row
from strata.exceptions import Invalid, NotFound
from strata.tenancy.writes import Precondition, always, atomic_write, locked_row, save_changes

type Terms = dict[str, Any]  # the columns, and a list of rows for each dated part
type TermsPrecondition = Callable[[Asset], None]


class DatedRows(NamedTuple):
    """A list of rows that belong to the terms: each is found again by its `key`."""

    model: type[OfAnAsset]
    key: str
    columns: tuple[str, ...]


class TermsModel(NamedTuple):
    model: type[OfAnAsset]
    columns: tuple[str, ...]
    dated: Mapping[str, DatedRows] = {}

    @property
    def models(self) -> tuple[type[OfAnAsset], ...]:
        return (self.model, *(part.model for part in self.dated.values()))


TERMS: Mapping[str, TermsModel] = {
    Valuation.LOAN: TermsModel(
        Loan,
        (
            "principal",
            "started_on",
            "first_payment_on",
            "frequency",
            "loan_type",
            "term",
            "payment",
            "day_count",
            "rounding",
            "collateral_id",
        ),
        {
            "rates": DatedRows(LoanRate, "on", ("on", "rate")),
            "extra_payments": DatedRows(LoanExtraPayment, "on", ("on", "amount", "effect")),
            "holidays": DatedRows(LoanHoliday, "start", ("start", "end")),
        },
    ),
    Valuation.DEPRECIATION: TermsModel(
        Depreciation,
        (
            "method",
            "cost",
            "residual_value",
            "life",
            "started_on",
            "step",
            "rate",
            "factor",
            "switch",
            "first_year_months",
        ),
    ),
    Valuation.GROWTH: TermsModel(Growth, ("rate", "compounding")),
}


PRICED = (
    Valuation.MARKET,
    Valuation.INDEX,
)  # by the prices of the asset's instrument, which are all their terms


# --- read ---

NAME = gettext_noop("terms")  # as NotFound says it


def read_terms(asset: Asset) -> Terms:
    """The terms of the asset, with its `valuation`. Raises NotFound where it has none."""
    if asset.valuation in PRICED:
        return {"valuation": asset.valuation, "instrument_id": asset.instrument_id}
    kind = TERMS.get(asset.valuation)
    row = kind and rows_of(kind.model, asset).values(*kind.columns).first()
    if kind is None or row is None:
        raise NotFound(NAME)
    dated = {
        name: [*rows_of(part.model, asset).order_by(part.key).values(*part.columns)]
        for name, part in kind.dated.items()
    }
    if row.get("collateral_id") and not of_household(asset).filter(pk=row["collateral_id"]).exists():
        row["collateral_id"] = None  # it was deleted, or is in another household now
    return {"valuation": asset.valuation, **row, **dated}


def of_household(asset: Asset) -> QuerySet[Asset]:
    """The assets of the asset's household."""
    return Asset.objects.filter(portfolio__household=asset.portfolio.household_id)


def rows_of(model: Any, asset: Asset) -> Any:
    return model.objects.filter(asset=asset)


# --- written ---


@atomic_write
def put_terms(
    asset_id: UUID, valuation: str, terms: Terms, *, precondition: TermsPrecondition | Precondition = always
) -> Asset:
    """Replace the terms of the asset, and let it be valued by them. Recorded values stay, as anchors.

    `terms` has all columns, and all lists. 400 that names the field for bad terms; 404 for a collateral that is not of
    the household.
    """
    asset = locked_row(Asset.objects.select_related("portfolio"), asset_id, "asset")
    precondition(asset)
    if valuation in PRICED:
        put_instrument(asset, valuation, terms["instrument_id"] or asset.instrument_id)
        return asset
    CHECKS[valuation](asset, terms)
    delete_terms(asset, but=valuation)
    kind = TERMS[valuation]
    put_row(kind.model, asset, {name: terms[name] for name in kind.columns})
    for name, part in kind.dated.items():
        put_rows(part, asset, terms[name])
    save_changes(asset, {"valuation": valuation})
    return asset


def put_instrument(asset: Asset, valuation: str, instrument_id: UUID | None) -> None:
    """Let the asset be valued by the prices of the instrument."""
    validate_sharing("valuation", is_shared=bool(asset.shares), has_market_price=has_market_price(valuation))
    require_priced(valuation, instrument_id)
    require_instrument(instrument_id, asset.portfolio.household_id, asset.currency)
    delete_terms(asset, but=valuation)
    save_changes(asset, {"valuation": valuation, "instrument_id": instrument_id})


def require_priced(valuation: str, instrument_id: UUID | None) -> None:
    """400 for a value that follows from prices, of an asset without an instrument."""
    if valuation in PRICED and instrument_id is None:
        message = gettext("Its value follows from the prices of a security or an index: say which.")
        raise Invalid("instrument_id", message, "required")


def put_row(model: Any, asset: Asset, columns: Mapping[str, Any]) -> None:
    row = rows_of(model, asset).first()
    if row is None:
        model.objects.create(asset=asset, **columns)
    else:
        save_changes(row, columns)


def put_rows(part: DatedRows, asset: Asset, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows that stay the same are not written."""
    stored = {getattr(row, part.key): row for row in rows_of(part.model, asset)}
    wanted = {row[part.key]: row for row in rows}
    if gone := [row.pk for key, row in stored.items() if key not in wanted]:
        rows_of(part.model, asset).filter(pk__in=gone).delete()
    for key, columns in wanted.items():
        if key in stored:
            save_changes(stored[key], columns)
        else:
            create: Any = part.model.objects.create  # the base alone has no field `asset`
            create(asset=asset, **columns)


def delete_terms(asset: Asset, *, but: str = Valuation.MANUAL) -> None:
    """Delete the terms of the asset, except those of this way to find its value. The caller has locked it."""
    kind = TERMS.get(asset.valuation)
    if kind is None or asset.valuation == but:
        return
    for model in kind.models:
        rows_of(model, asset).delete()


def has_terms(asset: Asset) -> bool:
    kind = TERMS.get(asset.valuation)
    return kind is not None and rows_of(kind.model, asset).exists()


# --- what they mean ---


def check_loan(asset: Asset, terms: Terms) -> None:
    rules.validate_positive_amount("principal", terms["principal"])
    rules.validate_term_and_payment(terms["loan_type"], terms["term"], terms["payment"])
    if terms["payment"] is not None:
        rules.validate_positive_amount("payment", terms["payment"])
    rules.validate_days_of_loan(
        rules.LoanDays(
            terms["started_on"],
            terms["first_payment_on"],
            [row["on"] for row in terms["rates"]],
            [row["on"] for row in terms["extra_payments"]],
            [(row["start"], row["end"]) for row in terms["holidays"]],
        )
    )
    for number, row in enumerate(terms["rates"]):
        rules.validate_rate(f"rates[{number}].rate", row["rate"])
    for number, row in enumerate(terms["extra_payments"]):
        rules.validate_positive_amount(f"extra_payments[{number}].amount", row["amount"])
    check_collateral(asset, terms["collateral_id"])
    refuse_endless(asset, terms)


def check_collateral(asset: Asset, collateral_id: UUID | None) -> None:
    if collateral_id is None:
        return
    if not of_household(asset).filter(pk=collateral_id).exists():
        raise NotFound("asset", "collateral_id")
    if asset.pk in collaterals_from(collateral_id, of_household(asset)):
        message = gettext("A loan is not secured on itself, nor on what is secured on it.")
        raise Invalid("collateral_id", message)


def collaterals_from(collateral_id: UUID, assets: QuerySet[Asset]) -> set[UUID]:
    """The collateral, what it is secured on where it is a loan itself, and so on."""
    secured_on = dict(Loan.objects.filter(asset__in=assets).values_list("asset_id", "collateral_id"))
    chain: set[UUID] = set()
    place: UUID | None = collateral_id
    while place is not None and place not in chain:
        chain.add(place)
        place = secured_on.get(place)
    return chain


def refuse_endless(asset: Asset, terms: Terms) -> None:
    """400 for a payment that never pays the loan off, because the interest is as high or higher, or not in time."""
    if terms["payment"] is None:
        return
    columns = {name: terms[name] for name in TERMS[Valuation.LOAN].columns}
    loan = terms_of_row(
        Loan(asset=asset, **columns),
        rates=tuple(Rate(row["on"], row["rate"]) for row in terms["rates"]),
        extra_payments=tuple(
            ExtraPayment(row["on"], row["amount"], row["effect"]) for row in terms["extra_payments"]
        ),
        holidays=tuple(Holiday(row["start"], row["end"]) for row in terms["holidays"]),
    )
    if formula.schedule(loan).payoff_on is None:
        message = gettext(
            "It hardly covers the interest, or not at all: the loan is not paid off by the year 2200."
        )
        raise Invalid("payment", message, rules.PAYMENT_BELOW_INTEREST)


def check_depreciation(asset: Asset, terms: Terms) -> None:
    rules.validate_cost(terms["cost"], terms["residual_value"])
    rules.validate_life(terms["life"], terms["first_year_months"])
    rules.validate_decline(rules.Decline(*(terms[name] for name in rules.Decline._fields)))


def check_growth(asset: Asset, terms: Terms) -> None:
    rules.validate_rate("rate", terms["rate"], least=rules.LOWEST_GROWTH)


CHECKS: Mapping[str, Callable[[Asset, Terms], None]] = {
    Valuation.LOAN: check_loan,
    Valuation.DEPRECIATION: check_depreciation,
    Valuation.GROWTH: check_growth,
}
