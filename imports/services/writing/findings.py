"""What an undo has found: what it has to do, and what is in its way. Whose rows these are, and who has changed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext

from imports.models import Import, ImportedRows
from imports.services.planning.quantities import changed_by_hand
from imports.services.writing.needs import Parent
from portfolios.models import Portfolio
from strata.audit import deletions
from strata.audit.tracking import TrackedModel

MOST_ERRORS = 1_000
IDS_AT_A_TIME = 5_000


@dataclass(slots=True)
class Findings:
    """What an undo has to do, and what is in its way."""

    remove: list[UUID] = field(default_factory=list)  # values
    restore: dict[UUID, dict[str, Any]] = field(default_factory=dict)  # values, and what they were before
    remove_transactions: list[UUID] = field(default_factory=list)
    restore_transactions: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    remove_actions: list[UUID] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    in_use: set[UUID] = field(default_factory=set)  # what the import made and others need: it stays
    reinstate: list[UUID] = field(
        default_factory=list
    )  # assets that stay, and that the import has disposed of
    parents: dict[Parent, set[UUID]] = field(
        default_factory=dict
    )  # that imports made and this one may remove
    whole: set[UUID] = field(default_factory=set)  # assets that go with all their rows
    lines: dict[UUID, int] = field(default_factory=dict)  # the first line of each asset
    assets: list[UUID] = field(default_factory=list)  # that the import wrote rows of, or made

    @property
    def hidden(self) -> set[UUID]:
        """The assets that are hidden, and not deleted at once."""
        is_large = len(self.remove) + len(self.remove_transactions) > deletions.MOST_AT_ONCE
        return self.whole if is_large else set()

    def add_error(self, line: int, code: str, message: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"field": f"line {line}", "code": code, "message": message})

    def add_in_use(self, line: int, name: str) -> None:
        self.add_error(line, "IN_USE", gettext("%(name)s has rows from elsewhere.") % {"name": name})

    def add_edited(self, line: int, name: str) -> None:
        self.add_error(line, "EDITED", gettext("%(name)s was changed since.") % {"name": name})


def in_household(row: Import, model: type[TrackedModel]) -> Any:
    """For look-ups by ids. The household is asked of each row: by a join SQLite begins with the household, and reads
    all rows that it has.
    """
    household_id = row.portfolio.household_id
    if not model.portfolio_lookup:
        return model._base_manager.filter(**{model.household_lookup: household_id})
    own = Portfolio._base_manager.filter(pk=OuterRef(f"{model.portfolio_lookup}_id"), household=household_id)
    return model._base_manager.filter(Exists(own))


def users_of(asset_ids: Iterable[UUID], row: Import) -> set[UUID]:
    """Those of the assets that another import has made and not undone."""
    others = Import.objects.filter(status=Import.Status.COMMITTED).exclude(pk=row.pk).values("pk")
    rows = ImportedRows.objects.filter(asset_id__in=list(asset_ids), made_asset=True, file_import__in=others)
    return set(rows.values_list("asset_id", flat=True))


def edited_by_hand(ids: Iterable[UUID]) -> set[UUID]:
    """Those of the rows that something other than an import has changed since they were made."""
    batches = batched(ids, IDS_AT_A_TIME)
    return {pk for batch in batches for pk in changed_by_hand(batch)}
