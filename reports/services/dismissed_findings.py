"""Dismisses a finding about a portfolio's data with a reason, and shows it again."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext

from portfolios.models import Portfolio
from reports.models import DismissedFinding
from strata.exceptions import Invalid
from strata.fields.names import name_key
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent, save_changes


@atomic_write
def dismiss(
    portfolio_id: UUID, key: str, reason: str, *, precondition: Precondition = always
) -> DismissedFinding:
    """Dismiss the finding; dismissing it again replaces the reason. 400 for a reason without a visible character.

    `precondition` is called with the stored row, or None, while the portfolio is locked.
    """
    portfolio = locked_parent(DismissedFinding, Portfolio.objects.all(), portfolio_id, "portfolio")
    row = DismissedFinding.objects.filter(portfolio=portfolio, key=key).first()
    precondition(row)
    if not name_key(reason):
        raise Invalid("reason", gettext("Say why it may stay as it is."), "blank")
    if row is None:
        return DismissedFinding.objects.create(portfolio=portfolio, key=key, reason=reason)
    save_changes(row, {"reason": reason})
    return row


@atomic_write
def show_again(portfolio_id: UUID, key: str, *, precondition: Precondition = always) -> None:
    """Delete the dismissal of the finding; without one nothing changes. `precondition` as in `dismiss`."""
    portfolio = locked_parent(DismissedFinding, Portfolio.objects.all(), portfolio_id, "portfolio")
    row = DismissedFinding.objects.filter(portfolio=portfolio, key=key).first()
    precondition(row)
    if row is not None:
        row.delete()
