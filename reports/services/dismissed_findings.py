"""Dismissing a finding of a portfolio's quality with a reason, and showing it again."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from portfolios.services.locks import lock_portfolios
from reports.models import DismissedFinding


def nothing_to_check(row: DismissedFinding | None) -> None:
    """The precondition of who has none."""


def dismiss(
    portfolio_id: UUID,
    key: str,
    reason: str,
    *,
    precondition: Callable[[DismissedFinding | None], None] = nothing_to_check,
) -> DismissedFinding:
    """Dismiss the finding; again with another reason replaces the reason. NotFound where the portfolio is gone.

    `precondition` is called with what is stored, None where nothing is, while the portfolio is locked.
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
    """Forget that the finding was dismissed; one that is not dismissed stays as it is."""
    row = _locked(portfolio_id, key)
    precondition(row)
    if row is not None:
        row.delete()


def _locked(portfolio_id: UUID, key: str) -> DismissedFinding | None:
    lock_portfolios([portfolio_id])
    return DismissedFinding.objects.filter(portfolio=portfolio_id, key=key).first()
