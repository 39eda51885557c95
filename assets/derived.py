"""What is derived from the values, daily steps and packed months: kept in step with every write, and made anew.

Neither is ever a truth. The models say what follows from their rows in `before_write` and `after_write`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from assets import months, steps
from assets.models import Asset, DailyStep
from assets.stored_values import Around, Facts, all_values, facts_of, values_around

__all__ = [
    "assets_written",
    "facts_of",
    "forget_assets",
    "forget_portfolios",
    "is_wrong",
    "portfolios",
    "rebuild",
    "values_around",
    "values_written",
]


def values_written(before: Mapping[UUID, Around], after: Mapping[UUID, Around]) -> None:
    """Some snapshots were written: what was around them before and is now; nothing, where there were or are none."""
    steps.amend(steps.difference(steps.made_by(after), steps.made_by(before)))
    months.amend(before, after)


def assets_written(before: Mapping[UUID, Facts], after: Mapping[UUID, Facts]) -> None:
    """Some assets are no longer what they were; their values are, and so are their months."""
    steps.amend(steps.moved_by_assets(before, after))


def forget_assets(ids: Collection[UUID]) -> None:
    """Take away the part that assets have in what is added up, before they go with all their values."""
    steps.forget_assets(ids)


def forget_portfolios(ids: Collection[UUID]) -> None:
    steps.forget_portfolios(ids)


def rebuild(portfolio_id: UUID) -> None:
    """Forget what is derived from a portfolio's values and make it anew, while none is written.

    Whoever wrote past Strata raised no revision either: it is raised, or stored totals and ETags would say as before.
    """
    with transaction.atomic():
        lock(portfolio_id)
        steps.forget_portfolios([portfolio_id])
        months.forget_portfolio(portfolio_id)
        sums: steps.Sums = {}
        facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
        for pk, days, values in all_values(facts):
            steps.add(sums, facts[pk], days, values)
            months.write(pk, days, values)
        steps.amend(sums)
        portfolios().filter(pk=portfolio_id).update_unrecorded(revision=F("revision") + 1)


def is_wrong(portfolio_id: UUID) -> bool:
    """Whether anything of it is not what the values make."""
    return bool(steps.mistakes(portfolio_id) or months.mistakes(portfolio_id))


def lock(portfolio_id: UUID) -> None:
    list(portfolios().select_for_update().filter(pk=portfolio_id).values_list("pk"))


def portfolios() -> QuerySet:
    return DailyStep._meta.get_field("portfolio").related_model.objects.order_by("pk")
