"""Writes assets: creates, changes, moves and deletes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from assets.models import Asset, AssetType
from assets.rules.assets.accounts import validate_account_number_end
from assets.rules.assets.ownership import validate_sharing
from assets.rules.entries.disposal import validate_acquisition, validate_day_of_sale, validate_disposal
from assets.services.entries.disposal import delete_recorded_sale, first_value_on, proceeds_of
from assets.services.entries.snapshots import new_snapshot
from assets.services.instruments.instruments import require_instrument
from assets.services.labels import set_first_labels, set_labels
from assets.services.terms import TERMS, delete_terms, has_terms, require_priced
from assets.signals import asset_leaves_household
from assets.valuation import has_market_price
from portfolios.models import Portfolio
from strata.audit import deletions
from strata.exceptions import Conflict, Invalid, NotFound
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

LABELS = ("category_ids", "tag_ids")


class NewAsset(NamedTuple):
    """An asset to be made, with its labels. Without a currency it is in that of its portfolio. `columns` are others."""

    name: str
    asset_type_id: UUID
    currency: str | None = None
    category_ids: Collection[UUID] = ()
    tag_ids: Collection[UUID] = ()
    columns: Mapping[str, Any] = MappingProxyType({})


@atomic_write
def create_asset(
    portfolio_id: UUID,
    *,
    name: str,
    asset_type_id: UUID,
    currency: str | None = None,
    category_ids: Iterable[UUID] = (),
    tag_ids: Iterable[UUID] = (),
    value: Decimal | None = None,
    observed_at: datetime | None = None,
    on: date | None = None,
    precondition: Precondition = always,
    **columns: Any,
) -> Asset:
    """An asset with its labels, and with a first value if `value` is given. Its currency defaults to the portfolio's.

    404 for a type or a label of another household; 400 for a moment without a value, or one that contradicts itself.
    """
    portfolio = locked_parent(Asset, Portfolio.objects.all(), portfolio_id, "portfolio")
    precondition(portfolio)
    if value is None and (observed_at or on):
        raise Invalid("value", gettext("A moment needs a value."), "required")
    require_types([asset_type_id], portfolio.household_id)
    asset = checked_asset(portfolio, NewAsset(name, asset_type_id, currency, columns=columns))
    asset.save(force_insert=True)
    set_first_labels(asset, category_ids=category_ids, tag_ids=tag_ids)
    if value is not None:
        new_snapshot(asset, value=value, observed_at=observed_at, on=on)
    return asset


@atomic_write
def create_assets(portfolio_id: UUID, rows: Sequence[NewAsset]) -> list[Asset]:
    """As `create_asset` for each of the rows, in a few statements for all of them."""
    portfolio = locked_parent(Asset, Portfolio.objects.all(), portfolio_id, "portfolio")
    require_types([row.asset_type_id for row in rows], portfolio.household_id)
    assets = Asset.objects.bulk_create([checked_asset(portfolio, row) for row in rows])
    for asset, row in zip(assets, rows, strict=True):
        if row.category_ids or row.tag_ids:
            set_first_labels(asset, category_ids=row.category_ids, tag_ids=row.tag_ids)
    return assets


def checked_asset(portfolio: Portfolio, row: NewAsset) -> Asset:
    """The asset, not stored. Its type was checked, the portfolio is locked."""
    columns, currency = row.columns, row.currency or portfolio.base_currency
    validate_account_number_end(columns.get("account_number_end", ""))
    check_days(Asset(portfolio=portfolio), columns)
    refuse_valuation_without_terms(Asset(), columns)
    require_instrument(columns.get("instrument_id"), portfolio.household_id, currency)
    return Asset(
        portfolio=portfolio, name=row.name, currency=currency, asset_type_id=row.asset_type_id, **columns
    )


@atomic_write
def update_asset(asset_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always) -> Asset:
    """Change columns and labels of the asset; another `portfolio_id` moves it with its whole past.

    409 CURRENCY_IN_USE for another currency once it has values or transactions; 409 for labels or targets that would
    stay behind in the household that it leaves; 404 for a type or a label of another household.
    """
    columns = {name: value for name, value in changes.items() if name not in LABELS}
    assets = Asset.objects.select_related("portfolio", "asset_type")
    asset = locked_row(assets, asset_id, "asset", changes=columns)
    precondition(asset)
    portfolio = portfolio_after(asset, columns)
    if columns.get("currency", asset.currency) != asset.currency and has_entries(asset):
        message = gettext("It has values or transactions in its currency.")
        raise Conflict("CURRENCY_IN_USE", message, "currency")
    validate_account_number_end(columns.get("account_number_end", ""))
    check_days(asset, columns)
    check_valuation(asset, columns, portfolio)
    if asset.asset_type.household_id or columns.keys() & {"asset_type_id", "portfolio_id"}:
        require_types([columns.get("asset_type_id", asset.asset_type_id)], portfolio.household_id)
    if portfolio.household_id != asset.portfolio.household_id:
        refuse_labels_left_behind(asset, changes)
        asset_leaves_household.send(Asset, asset=asset)
    if columns.get("disposed_on", asset.disposed_on) is None and asset.disposed_on is not None:
        delete_recorded_sale(asset)
    if columns.get("valuation", asset.valuation) != asset.valuation:
        delete_terms(asset)
    save_changes(asset, columns)
    asset.portfolio = portfolio
    set_labels(asset, **{name: changes[name] for name in LABELS if name in changes})
    return asset


def delete_asset(asset_id: UUID, *, precondition: Precondition = always) -> None:
    """Delete the asset with its values, transactions, labels, and the targets that name it."""
    assets = Asset.objects.select_related("portfolio")
    delete_row(assets, asset_id, "asset", precondition, delete=deletions.delete)


ASSETS = Service(create=create_asset, update=update_asset, delete=delete_asset)


def portfolio_after(asset: Asset, columns: Mapping[str, Any]) -> Portfolio:
    """The portfolio that the asset will be in. Raises NotFound where it was deleted."""
    pk = columns.get("portfolio_id", asset.portfolio_id)
    if pk == asset.portfolio_id:
        return asset.portfolio
    portfolio = Portfolio.objects.filter(pk=pk).first()
    if portfolio is None:
        raise NotFound("portfolio")
    return portfolio


def check_days(asset: Asset, columns: Mapping[str, Any]) -> None:
    """Refuses days of acquisition and disposal that contradict each other, the first value, or the recorded sale."""
    days = ("acquired_on", "disposed_on")
    acquired_on, disposed_on = (columns.get(name, getattr(asset, name)) for name in days)
    if disposed_on != asset.disposed_on and disposed_on is not None:
        validate_disposal(
            disposed_on,
            acquired_on=acquired_on,
            first_value_on=first_value_on(asset),
            field="disposed_on",
        )
        sale = proceeds_of(asset)
        validate_day_of_sale(disposed_on, sale.on if sale else None)
    elif acquired_on != asset.acquired_on:
        validate_acquisition(acquired_on, disposed_on=disposed_on)


def require_types(type_ids: Collection[UUID], household_id: UUID) -> None:
    """404 for a type that is neither shared nor of this household."""
    wanted = set(type_ids)
    owners = AssetType.objects.filter(pk__in=wanted).values_list("household_id", flat=True)
    if sum(owner in (None, household_id) for owner in owners) < len(wanted):
        raise NotFound("asset_type")


def check_valuation(asset: Asset, columns: Mapping[str, Any], portfolio: Portfolio) -> None:
    """Refuses another way to find the value that needs terms, and an instrument that does not fit."""
    new_valuation = columns.get("valuation", asset.valuation)
    validate_sharing(
        "valuation", is_shared=bool(asset.shares), has_market_price=has_market_price(new_valuation)
    )
    refuse_valuation_without_terms(asset, columns)
    instrument_id = columns.get("instrument_id", asset.instrument_id)
    if portfolio.household_id != asset.portfolio.household_id and "instrument_id" not in columns:
        refuse_instrument_left_behind(asset)
    if instrument_id is not None and columns.keys() & {"instrument_id", "currency", "portfolio_id"}:
        require_instrument(instrument_id, portfolio.household_id, columns.get("currency", asset.currency))


def refuse_valuation_without_terms(asset: Asset, columns: Mapping[str, Any]) -> None:
    """400 for a way to find the value that needs terms, or prices where there is no instrument that has them."""
    valuation = columns.get("valuation", asset.valuation)
    if valuation != asset.valuation and valuation in TERMS:
        message = gettext("It needs terms: PUT them to assets/{id}/terms, which sets it.")
        raise Invalid("valuation", message, "terms_required")
    require_priced(valuation, columns.get("instrument_id", asset.instrument_id))


def refuse_instrument_left_behind(asset: Asset) -> None:
    """409 for an instrument of the household's own, which the asset would leave."""
    if asset.instrument is not None and asset.instrument.household_id is not None:
        message = gettext("Its security belongs to the household it leaves: remove it first.")
        raise Conflict("INSTRUMENT_OF_ANOTHER_HOUSEHOLD", message, "portfolio_id")


def has_entries(asset: Asset) -> bool:
    return asset.snapshots.exists() or asset.transactions.exists() or has_terms(asset)


def refuse_labels_left_behind(asset: Asset, changes: Mapping[str, Any]) -> None:
    """409 if the asset keeps labels of the household that it leaves."""
    keeps_labels = ("category_ids" not in changes and asset.category_links.exists()) or (
        "tag_ids" not in changes and asset.tag_links.exists()
    )
    if keeps_labels:
        message = gettext("Its categories and tags belong to the household it leaves: detach them first.")
        raise Conflict("LABELS_OF_ANOTHER_HOUSEHOLD", message, "portfolio_id")
