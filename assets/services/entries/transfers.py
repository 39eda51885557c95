"""Moves units of an asset, or a whole asset without units, elsewhere: two legs, which are written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from assets.holdings.reading import has_units
from assets.models import Asset, Loan, Transaction
from assets.models.asset import Valuation
from assets.models.transaction import OF_UNITS
from assets.rules.entries.disposal import validate_disposal
from assets.rules.entries.transfers import Side, validate_destination, validate_moved_quantity, validate_sides
from assets.rules.refusal import refusal
from assets.services.entries.disposal import first_value_on
from assets.services.entries.lot_choices import check_chosen_lots
from assets.services.entries.snapshots import new_snapshot
from assets.services.entries.transactions import new_transaction
from assets.services.labels import CATEGORY_LABELS, TAG_LABELS, set_labels
from assets.services.terms import TERMS, has_terms, put_terms, read_terms
from assets.valuation import newest_points, ref_of
from portfolios.models import Portfolio
from strata.db.retry import Restart
from strata.exceptions import Conflict, NotFound
from strata.fields.dates import local_day, noon
from strata.fields.ids import uuid7
from strata.tenancy.guards import held_guards, lock_guards, note_guards, note_parents_guards
from strata.tenancy.writes import Precondition, always, atomic_write, save_changes

# What a new asset takes over. Its labels are added, and what values it computes from.
COPIED = (
    "name",
    "asset_type_id",
    "currency",
    "instrument_id",
    "lot_method",
    "kind",
    "counts_in_net_worth",
    "institution",
    "account_number_end",
    "shares",
)


class Transfer(NamedTuple):
    """The two legs; both have `transfer_id`, which is the id of the leg out."""

    transfer_id: UUID
    leg_out: Transaction
    leg_in: Transaction


@atomic_write
def transfer(
    asset_id: UUID,
    *,
    to_asset_id: UUID | None = None,
    to_portfolio_id: UUID | None = None,
    on: date | None = None,
    quantity: Decimal | None = None,
    lots: list[dict[str, str]] | None = None,
    precondition: Precondition = always,
) -> Transfer:
    """Move `quantity` units, with the days and costs of their lots; without quantities the whole asset.

    Into a portfolio it goes to the one asset there with the same instrument, else to a new one. 400 for another
    currency, instrument or household, and for a quantity that is missing or not above zero.
    """
    validate_destination(to_asset_id, to_portfolio_id)
    source, target, portfolio = locked_sides(asset_id, to_asset_id, to_portfolio_id)
    precondition(source)
    on = on or local_day(timezone.now(), source.portfolio.time_zone)
    counts_units = has_units(source)
    validate_moved_quantity(quantity, counts_units=counts_units)
    if portfolio is not None:
        target = asset_for(source, portfolio) if counts_units else None
    if target is None and portfolio is not None and not counts_units:
        return move_whole(source, portfolio, on)
    if target is None:
        target = copy_of(source, portfolio)  # type: ignore[arg-type]  # one of the two is given
    if not counts_units:
        raise refusal("to_asset_id", gettext("It moves whole, into a portfolio: send to_portfolio_id."))
    validate_sides(side_of(source), side_of(target))
    for asset in (source, target):
        record_opening(asset, on)
    values = {"lots": lots, "type": Transaction.Type.TRANSFER, "quantity": quantity, "on": on}
    check_chosen_lots(source, values)
    return write_legs(source, target, on, quantity=quantity, lots=lots)


@atomic_write
def record_transfer(
    asset_id: UUID,
    to_asset_id: UUID,
    values: Mapping[str, Any],
    *,
    known_as: Sequence[tuple[str, str]],
) -> Transfer:
    """A transfer of units as another program has recorded it. `known_as` has the source and id of each leg.

    `values` are the columns of the leg out. The units need not be there: what is missing is found by the data checks.
    """
    source, target, _ = locked_sides(asset_id, to_asset_id, None)
    if target is None:
        raise NotFound("asset", "to_asset_id")
    validate_sides(side_of(source), side_of(target))
    quantity = abs(values["quantity"])
    validate_moved_quantity(quantity, counts_units=True)
    for asset in (source, target):
        record_opening(asset, values["on"])
    return write_legs(source, target, values["on"], quantity=quantity, note=values["note"], known_as=known_as)


def write_legs(
    source: Asset,
    target: Asset,
    on: date,
    *,
    quantity: Decimal | None = None,
    amount: Decimal | None = None,
    lots: list[dict[str, str]] | None = None,
    note: str = "",
    known_as: Sequence[tuple[str, str]] = (),
) -> Transfer:
    transfer_id = uuid7()
    common: dict[str, Any] = {
        "type": Transaction.Type.TRANSFER,
        "transfer_id": transfer_id,
        "currency": source.currency,
        "amount": amount,
        "occurred_at": noon(on, source.portfolio.time_zone),
    }
    if note:
        common["note"] = note
    ids: list[dict[str, Any]] = [
        {"source": program, "external_id": known} for program, known in known_as
    ] or [{}, {}]
    negative = None if quantity is None else -quantity
    leg_out = new_transaction(source, on, id=transfer_id, quantity=negative, lots=lots, **common, **ids[0])
    leg_in = new_transaction(target, on, quantity=quantity, **common, **ids[1])
    return Transfer(transfer_id, leg_out, leg_in)


# --- the two assets ---


def locked_sides(
    asset_id: UUID, to_asset_id: UUID | None, to_portfolio_id: UUID | None
) -> tuple[Asset, Asset | None, Portfolio | None]:
    """Lock both portfolios at once, in the one order of locks; then read the assets and the portfolio."""
    ids = [pk for pk in (asset_id, to_asset_id) if pk is not None]
    portfolios = Portfolio.objects.filter(pk__in=[to_portfolio_id] if to_portfolio_id else [])
    referred = {"portfolio": portfolios} if to_portfolio_id else {}
    wanted = Q(pk__in=ids)
    if to_portfolio_id is not None:
        wanted |= Q(loan_terms__collateral=asset_id)  # those of loans that are secured on what moves
    guards = lock_guards(Asset._base_manager.filter(wanted), will_refer_to=referred)
    assets = {row.pk: row for row in Asset.objects.filter(pk__in=ids).select_related("portfolio__household")}
    if asset_id not in assets:
        raise NotFound("asset")
    if to_asset_id is not None and to_asset_id not in assets:
        raise NotFound("asset", "to_asset_id")
    portfolio = portfolios.first()
    if to_portfolio_id and portfolio is None:
        raise NotFound("portfolio", "to_portfolio_id")
    for row in assets.values():
        if not guards.protect(row):
            raise Restart("an asset has moved")
        note_guards(row, guards)
    source = assets[asset_id]
    if portfolio is not None:
        note_guards(portfolio, guards)
        refuse_portfolio(source, portfolio)
    return source, assets.get(to_asset_id) if to_asset_id else None, portfolio


def refuse_portfolio(source: Asset, portfolio: Portfolio) -> None:
    if portfolio.pk == source.portfolio_id:
        raise refusal("to_portfolio_id", gettext("It is in this portfolio already."))
    if portfolio.household_id != source.portfolio.household_id:
        raise refusal("to_portfolio_id", gettext("It is in another household."))


def side_of(asset: Asset) -> Side:
    return Side(asset.pk, asset.portfolio.household_id, asset.currency, asset.instrument_id, True)


def asset_for(source: Asset, portfolio: Portfolio) -> Asset | None:
    """The one asset of the portfolio that has the instrument; None where a new one is made."""
    if source.instrument_id is None:
        return None
    candidates = Asset.objects.filter(
        portfolio=portfolio, instrument=source.instrument_id, currency=source.currency
    ).select_related("portfolio")
    return candidates[0] if len(candidates) == 1 else None


def copy_of(source: Asset, portfolio: Portfolio) -> Asset:
    """A new asset of the same name and type, without values and transactions."""
    copied = {name: getattr(source, name) for name in COPIED}
    return Asset.objects.create(portfolio=portfolio, valuation=valuation_of_copy(source), **copied)


def valuation_of_copy(source: Asset) -> str:
    """How the value of a new asset is found: as that of this one, unless that needs terms, which are written later."""
    return Valuation.MANUAL if source.valuation in TERMS else source.valuation


def record_opening(asset: Asset, on: date) -> None:
    """Make Asset.quantity a transaction: it counts only as long as no transaction has a quantity."""
    if not asset.quantity or asset.transactions.filter(OF_UNITS).exists():
        return
    day = min(asset.acquired_on or on, on)
    new_transaction(
        asset,
        day,
        position=0,
        type=Transaction.Type.ADJUST,
        quantity=asset.quantity,
        currency=asset.currency,
        occurred_at=noon(day, asset.portfolio.time_zone),
    )


# --- an asset without quantities ---


def move_whole(source: Asset, portfolio: Portfolio, on: date) -> Transfer:
    """Make the asset again in the portfolio with its whole value of the day, and dispose of the old one.

    What moves is the household's part of that value.
    """
    if source.disposed_on is not None:
        message = gettext("It was disposed of: reinstate it first.")
        raise Conflict("ALREADY_DISPOSED", message, "on")
    validate_disposal(on, acquired_on=source.acquired_on, first_value_on=first_value_on(source))
    point = newest_points({ref_of(source): on})[source.pk]
    target = copy_of(source, portfolio)
    for kind in (CATEGORY_LABELS, TAG_LABELS):
        set_labels(target, **{kind.field: kind.of(source)})
    copy_terms(source, target)
    secure_loans_on(target, source)
    if point.whole_value is not None:
        new_snapshot(target, on=on, observed_at=None, value=point.whole_value)
    source.disposed_on = on
    source.save(update_fields=["disposed_on"])
    return write_legs(source, target, on, amount=None if point.value is None else abs(point.value))


def secure_loans_on(target: Asset, source: Asset) -> None:
    """What was secured on the asset that moves is secured on the one that it becomes."""
    household_id = source.portfolio.household_id
    loans = Loan.objects.filter(collateral=source, asset__portfolio__household=household_id).order_by("pk")
    held = held_guards(source)
    for loan in loans.select_related("asset__portfolio"):
        if held is not None and not held.guards.protect(loan):
            raise Restart("a loan was secured on it meanwhile")
        note_parents_guards(loan, source)
        save_changes(loan, {"collateral_id": target.pk})


def copy_terms(source: Asset, target: Asset) -> None:
    if has_terms(source):
        terms = read_terms(source)
        put_terms(target.pk, terms.pop("valuation"), terms)
        target.refresh_from_db()
