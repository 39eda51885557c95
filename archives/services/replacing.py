"""Replaces what a household has by the rows of an archive. The household, its members and its history stay.

The rows of the archive are new rows of the household: the history of before is that of the rows that were there then.
So they begin to exist with the replacement, and the past is shown as it was known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from archives.files import refusals
from archives.rows.contents import MODELS, PEOPLE, rows_of
from archives.services.spool import Spool, StoredRow
from assets.models import Category
from portfolios.models import Household
from strata.audit.clock import written_at
from strata.audit.recording import write_creations
from strata.audit.tracking import TrackedModel
from strata.db.bulk import stored_instant
from strata.exceptions import NotFound
from strata.tenancy.roles import OWNERS, require_role, role_in
from strata.tenancy.writes import locked_row

NOW = ("created_at", "updated_at")
BY = ("created_by", "updated_by")


def require_confirmed(household_id: UUID, user: Any, confirm: str, *, is_operator: bool) -> Household:
    """The household, locked with all that is in it. Only an owner replaces it, and writes its name to confirm."""
    household = locked_row(Household.objects.all(), household_id, "household", for_delete=True)
    if not is_operator:
        if role_in(user, household_id) is None:
            raise NotFound("household")
        require_role(user, household_id, OWNERS)
    if confirm != household.name:
        raise refusals.Refused("CONFIRM", _("Write the name of the household that is replaced."), "confirm")
    return household


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


def as_of_now(spool: Spool, user: Any) -> Callable[[StoredRow], StoredRow]:
    """The row as one that is written now."""
    now = stored_instant(written_at())
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
