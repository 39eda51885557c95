"""What is one's own of a house with a mortgage, on the page of either."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from assets.models import Asset
from assets.services.equity import Equity, collateral_of, equity_of
from strata.admin.sidebar import admin_url
from strata.audit import clock
from strata.fields.active_formats import amount_text, day_text
from strata.fields.dates import local_day
from strata.fields.percentages import percent_text


def equity_of_asset(asset: Asset) -> dict[str, Any] | None:
    """The context of the template; None where no loan is secured on it, or it is on nothing."""
    today = local_day(clock.now(), asset.portfolio.time_zone)
    equity = equity_of(asset, collateral_of(asset), today)
    if equity is None:
        return None
    currency = equity.collateral.currency
    amounts = {_("Value"): equity.value, _("Owed"): -equity.owed, _("Equity"): equity.equity}
    return {
        "day": day_text(today),
        "currency": currency,
        "others": [link_to(each) for each in others(equity, asset)],
        "is_loan": asset.pk != equity.collateral.pk,
        "amounts": [(name, amount_text(amount, currency)) for name, amount in amounts.items()],
        "loan_to_value": "" if equity.loan_to_value is None else percent_text(equity.loan_to_value),
    }


def others(equity: Equity, asset: Asset) -> list[Asset]:
    """What the loan is secured on; of what loans are secured on those that are still owed."""
    if asset.pk != equity.collateral.pk:
        return [equity.collateral]
    return [loan for loan in equity.loans if loan.disposed_on is None]


def link_to(asset: Asset) -> dict[str, str]:
    return {"name": asset.name, "address": admin_url(Asset, "change", asset.pk)}
