"""The section of an asset's page that shows its holding, and the lots that it has and had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from assets.admin.asset.sections import Section
from assets.admin.entries import is_account
from assets.admin.instruments.prices import last_prices
from assets.models import Asset, Instrument, Transaction
from assets.models.asset import Valuation
from investments.queries.holdings import LotsOfAsset, lots_of_assets
from portfolios.models import LOT_METHODS
from reports.api.investments.tables import LOT_COLUMNS
from reports.performance.presenting import (
    UNKNOWN,
    closed_lot_row,
    gain_of,
    money_text,
    open_lot_row,
    quantity_text,
)
from reports.queries.defaults import today_of
from strata.admin.export import export_of_report
from strata.admin.sidebar import admin_url
from strata.fields.active_formats import number_text
from strata.tenancy.roles import EDITORS, role_in

PER_PAGE = 20
TEMPLATE = "reports/holding_of_asset.html"
MOVES_UNITS = [
    Transaction.Type.ACQUIRE,
    Transaction.Type.DISPOSE,
    Transaction.Type.ADJUST,
    Transaction.Type.TRANSFER,
]


def holding_section(asset: Asset, request: HttpRequest) -> Section | None:
    """None for an account, and for an asset of which nothing was bought and no quantity is known."""
    if is_account(asset) or not may_hold(asset):
        return None
    on = today_of(asset.portfolio)
    (lots,) = lots_of_assets([asset.portfolio], on=on, only_assets={asset.pk}, include_all=True)
    return Section(TEMPLATE, {"holding": holding_of_asset(asset, lots, on, request)})


def may_hold(asset: Asset) -> bool:
    if instrument_of(asset) is not None or asset.quantity is not None:
        return True
    # nosemgrep: rows-through-for-user - of the asset that the page shows
    rows = Transaction.objects.filter(asset=asset)
    return rows.filter(type__in=MOVES_UNITS).exists()


def instrument_of(asset: Asset) -> Instrument | None:
    """What the asset holds; the index that its value follows is not held."""
    return None if asset.valuation == Valuation.INDEX else asset.instrument


def holding_of_asset(asset: Asset, lots: LotsOfAsset, on: date, request: HttpRequest) -> dict[str, Any]:
    instrument = instrument_of(asset)
    opened = page_of(lots.open, request.GET.get("lots", ""))
    closed = page_of(list(reversed(lots.closed)), request.GET.get("sold", ""))
    return {
        "figures": figures(asset, lots),
        "currency": lots.currency,
        "instrument": instrument and admin_url(Instrument, "change", instrument.pk),
        "instrument_name": str(instrument or ""),
        "trade": trade_address(asset, request),
        "export": export_of_report("asset-lots", LOT_COLUMNS, args=[asset.pk], on=on, closed=1),
        "open": opened,
        "open_rows": [open_lot_row(lot, lots.currency, on) for lot in opened.object_list],
        "closed": closed,
        "closed_rows": [closed_lot_row(gain, lots.currency) for gain in closed.object_list],
    }


def figures(asset: Asset, lots: LotsOfAsset) -> list[tuple[str, Any, str]]:
    """(name, text, what kind of text it is): an amount is hidden by "Hide amounts"."""
    currency, realised = lots.currency, lots.realised
    rows = [
        *quantity_rows(asset, lots),
        *price_rows(asset),
        (_("Value"), money_text(lots.value, currency) or UNKNOWN, "amount"),
        (_("Cost"), money_text(lots.cost, currency) or UNKNOWN, "amount"),
        (
            _("Unrealised gain"),
            money_text(gain_of(lots.value, lots.cost), currency, signed=True) or UNKNOWN,
            "amount",
        ),
        (
            _("Realised gain"),
            money_text(realised.realised_gain if realised.complete else None, currency, signed=True)
            or UNKNOWN,
            "amount",
        ),
    ]
    if lots.missing_quantity:
        rows.append((_("Sold but never bought"), quantity_text(lots.missing_quantity), "amount"))
        proceeds = money_text(lots.missing_proceeds, currency)
        rows.append((_("Proceeds without a cost"), proceeds or UNKNOWN, "amount"))
    rows.append((_("Lots sold first"), dict(LOT_METHODS)[lots.lots.method], ""))
    return rows


def quantity_rows(asset: Asset, lots: LotsOfAsset) -> list[tuple[str, Any, str]]:
    """The quantity of the lots; without any transaction the one that the asset says. None of what is bought whole."""
    if instrument_of(asset) is None and asset.quantity is None and not counts_units(lots):
        return []
    if lots.open or lots.closed or lots.missing_quantity or asset.quantity is None:
        return [(_("Quantity"), quantity_text(lots.lots.quantity), "amount")]
    return [(_("Quantity"), number_text(asset.quantity), "amount")]


def counts_units(lots: LotsOfAsset) -> bool:
    parts = (lots.lots.open, lots.lots.closed, lots.lots.missing)
    return any(lot.quantity for part in parts for lot in part)


def price_rows(asset: Asset) -> list[tuple[str, Any, str]]:
    """The last price of what it holds, with its day."""
    instrument = instrument_of(asset)
    if instrument is None:
        return []
    last = last_prices([instrument]).get(instrument.pk)
    if last is None:
        return [(_("Price"), _("No price yet."), "")]
    words = {"price": last.price, "currency": instrument.currency, "day": last.on}
    text = _("%(price)s %(currency)s on %(day)s") % words
    return [(_("Price"), _("%(day)s (out of date)") % {"day": text} if last.is_stale else text, "")]


def trade_address(asset: Asset, request: HttpRequest) -> str:
    user: Any = request.user
    may_write = user.is_superuser or role_in(user, asset.portfolio.household_id) in EDITORS
    if instrument_of(asset) is None or asset.disposed_on or not may_write:
        return ""
    return f"{reverse('trade')}?{urlencode({'portfolio': str(asset.portfolio_id), 'asset': str(asset.pk)})}"


def page_of[Row](rows: Sequence[Row], number: str) -> Page[Row]:
    return Paginator(rows, PER_PAGE).get_page(number)
