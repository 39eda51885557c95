"""Dismisses a finding about a portfolio's data with a reason, and shows it again."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from portfolios.services.locks import lock_portfolios
from reports.models import DismissedFinding


def nothing_to_check(row: DismissedFinding | None) -> None:
    """The default precondition: always met."""


def dismiss(
    portfolio_id: UUID,
    key: str,
    reason: str,
    *,
    precondition: Callable[[DismissedFinding | None], None] = nothing_to_check,
) -> DismissedFinding:
    """Dismiss the finding; dismissing it again replaces the reason. Raises NotFound if the portfolio is gone.

    `precondition` is called with the stored row, or None, while the portfolio is locked.
    """
    row = _locked(portfolio_id, key)
    precondition(row)
    if row is None:
        return DismissedFinding.objects.create(portfolio_id=portfolio_id, key=key, reason=reason)
    if row.reason != reason:
        row.reason = reason
        row.save(update_fields=["reason"])
    return row


def show_again(
    portfolio_id: UUID,
    key: str,
    *,
    precondition: Callable[[DismissedFinding | None], None] = nothing_to_check,
) -> None:
    """Delete the dismissal of the finding; without one nothing changes."""
    row = _locked(portfolio_id, key)
    precondition(row)
    if row is not None:
        row.delete()


def _locked(portfolio_id: UUID, key: str) -> DismissedFinding | None:
    lock_portfolios([portfolio_id])
    return DismissedFinding.objects.filter(portfolio=portfolio_id, key=key).first()
