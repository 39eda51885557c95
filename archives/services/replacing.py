"""Replaces what a household has by the rows of an archive. The household, its members and its history stay.

The rows of the archive are new rows of the household: the history of before is that of the rows that were there then.
So they begin to exist with the replacement, and the past is shown as it was known.

Many rows are written in steps into a household that nobody sees. `swap` then exchanges what the two have, in a short
transaction that writes the rows directly below the households alone (docs/decisions/0047).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from archives.files import refusals
from archives.rows.contents import MODELS, PEOPLE, rows_of
from archives.services.spool import Spool, StoredRow
from assets.models import Category
from portfolios.models import Household
from strata.audit import deletions
from strata.audit.clock import written_at
from strata.audit.journal import any_written_since
from strata.audit.models import Deletion
from strata.audit.recording import write_creations, write_creations_of
from strata.audit.tracking import TrackedModel
from strata.db.bulk import stored_instant
from strata.exceptions import Conflict, NotFound
from strata.tenancy.roles import OWNERS, require_role, role_in
from strata.tenancy.writes import locked_row

NOW = ("created_at", "updated_at")
BY = ("created_by", "updated_by")
STALE = Conflict(
    "ARCHIVE_STALE",
    _("The household was edited while the archive was written: nothing is replaced. Send it again."),
)


def require_confirmed(household_id: UUID, user: Any, confirm: str, *, is_operator: bool) -> Household:
    """The household, locked with all that is in it. Only an owner replaces it, and writes its name to confirm."""
    household = locked_row(Household.objects.all(), household_id, "household", for_delete=True)
    refuse_unconfirmed(household, user, confirm, is_operator=is_operator)
    return household


def refuse_unconfirmed(household: Household, user: Any, confirm: str, *, is_operator: bool) -> None:
    if not is_operator:
        if role_in(user, household.pk) is None:
            raise NotFound("household")
        require_role(user, household.pk, OWNERS)
    if confirm != household.name:
        raise refusals.Refused(
            "CONFIRM", gettext("Write the name of the household that is replaced."), "confirm"
        )


def refuse_edited(household: Household, hidden: Deletion) -> None:
    """Raises STALE where rows of the household were written since the first step: they would be lost with the others.

    Members and invitations stay, so that writes of these lose nothing. The household is locked.
    """
    own = [model._meta.label for model in MODELS if model not in PEOPLE]
    if any_written_since(hidden, household.pk, own):
        raise STALE


def replaced_models() -> list[type[TrackedModel]]:
    """The tracked models of an archive that belong directly to the household; the others go with them."""
    return [
        model
        for model in reversed(MODELS)
        if issubclass(model, TrackedModel) and model not in PEOPLE and model.household_lookup == "household"
    ]


def remove_rows(household: Household) -> None:
    """Delete all that an archive can bring, each row with its entry in the journal."""
    for model in replaced_models():
        if model is Category:
            remove_categories(household)
        else:
            rows_of(model, household.pk).delete()


def remove_categories(household: Household) -> None:
    """From the leaves up: a category with others below it is not deleted."""
    rows = Category.objects.filter(household=household)
    while rows.filter(children=None).delete()[0]:
        pass


def as_written(spool: Spool, user: Any, at: datetime) -> Callable[[StoredRow], StoredRow]:
    """The row as one that is written at this instant."""
    now = stored_instant(at)
    user_id = None if user is None else user.pk.hex
    values = {**dict.fromkeys(NOW, now), **dict.fromkeys(BY, user_id)}
    places = [(place, values[name]) for place, name in enumerate(spool.names) if name in values]

    def change(row: StoredRow) -> StoredRow:
        columns = list(row)
        for place, value in places:
            columns[place] = value
        return tuple(columns)

    return change


def record_rows(household_id: UUID) -> None:
    """An entry of the journal for each new row."""
    for model in MODELS:
        if issubclass(model, TrackedModel) and model is not Household and model not in PEOPLE:
            write_creations(rows_of(model, household_id))


# --- in steps ---


def record_further_down(
    spool: Spool, rows: Sequence[StoredRow], household_id: UUID, hidden: Deletion
) -> None:
    """The entries of new rows that are not directly below the household, before `swap` shows them."""
    place = spool.names.index("id")
    ids = sorted(UUID(row[place]) for row in rows)
    model: type[Any] = spool.model
    new = [(pk, household_id) for pk in ids]
    write_creations_of(model, new, at=hidden.at, write_id=hidden.write_id)


def is_recorded_further_down(model: type[models.Model]) -> bool:
    return issubclass(model, TrackedModel) and model.household_lookup not in ("", "household")


def swap(household: Household, holder_id: UUID) -> None:
    """Give the household what is in the household `holder_id`, which goes, and hide what it had.

    What is directly below a household begins to exist now. So does all that is below these rows: nobody sees a row
    without those above it, neither now nor in the past.
    """
    deletions.hide_contents(household.pk, replaced_models())
    now = written_at()
    for model in reversed(replaced_models()):
        manager: Any = model._base_manager
        rows = manager.filter(household=holder_id)
        rows.update_unrecorded(household=household, created_at=now, updated_at=now)
        write_creations(rows_of(model, household.pk), at=now)
    deletions.delete_unrecorded(Household._base_manager.filter(pk=holder_id))
