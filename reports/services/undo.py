"""What holds for the undo of targets, stored totals and dismissed findings."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from reports.models import AllocationTarget, DismissedFinding, PortfolioSnapshot
from reports.services.allocation_targets import COLUMNS, GROUP_HAS_ONE, refuse_bad_target
from reports.services.portfolio_snapshots import DUPLICATE
from strata.audit.undo.rules import Broken, UndoRules, Written, WrittenOf, register_undo
from strata.exceptions import Conflict, StrataError

DISMISSED_AGAIN = Conflict("DUPLICATE_FINDING", _("The finding was dismissed again."))


def register() -> None:
    register_undo(
        AllocationTarget,
        UndoRules(
            duplicate=GROUP_HAS_ONE,
            check=bad_targets,
            related=("asset_type", "category", "tag", "asset"),
            subject=target_name,
        ),
    )
    register_undo(
        PortfolioSnapshot,
        UndoRules(
            duplicate=DUPLICATE,
            related=("portfolio",),
            subject=lambda row: str(row.portfolio),
            day=lambda row: row.on,
        ),
    )
    register_undo(
        DismissedFinding,
        UndoRules(
            duplicate=DISMISSED_AGAIN,
            related=("portfolio",),
            subject=finding_name,
        ),
    )


def finding_name(row: DismissedFinding) -> str:
    return gettext("Dismissed finding of %(portfolio)s") % {"portfolio": row.portfolio}


def target_name(target: AllocationTarget) -> str:
    group = target.asset_type or target.category or target.tag or target.asset
    return gettext("Target for %(group)s") % {"group": group or target.group or target.currency}


def bad_targets(written: Written, of: WrittenOf) -> Broken:
    for target in AllocationTarget.objects.filter(pk__among=written.with_changed(*COLUMNS)):
        if refusal := refusal_of(target):
            yield target.pk, refusal


def refusal_of(target: AllocationTarget) -> StrataError | None:
    values: dict[str, Any] = {name: getattr(target, name) for name in COLUMNS}
    try:
        refuse_bad_target(target, values)
    except StrataError as refusal:
        return refusal
    return None
