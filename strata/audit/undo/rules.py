"""What the apps register about the undo of their models: who may, what is never undone, and which rules hold.

Services are the only writers of a household's rows (docs/decisions/0025). An undo writes them in sets, so the services
register the checks that a row must pass which comes back, or goes back to earlier values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from strata.audit.models import Action
from strata.exceptions import Conflict, StrataError
from strata.fields.active_formats import count_text
from strata.tenancy.roles import EDITORS

# Why a request cannot be undone. The stages that add imports and archives register IMPORT and ARCHIVE for their models.
REASONS = {
    "USERS": _("It changed a user or a password."),
    "TOKENS": _("It changed API tokens."),
    "MEMBERS": _("It changed who is in a household: members, invitations, or the household itself."),
    "IMPORT": _("It is an import, which has an undo of its own."),
    "ARCHIVE": _("It loaded an archive: replace it by an earlier one, or delete the new household."),
    "APPEND_ONLY": _("What it added is never changed: add a newer one instead."),
    "COMMAND": _("No person wrote it."),
    "TOO_MANY_ROWS": _("It wrote more than 10,000 rows."),
    "SEVERAL_REQUESTS": _("Several requests have this id."),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What an undo has written of one model, for the checks of its services.

    `restored` are the ids of rows that came back, `changed` the columns of each row that went back to earlier values.
    """

    restored: Collection[UUID]
    changed: Mapping[UUID, Collection[str]]

    @property
    def ids(self) -> list[UUID]:
        return [*self.restored, *self.changed]

    def with_changed(self, *columns: str) -> list[UUID]:
        """The ids of the rows that came back, and of those that have another value in one of these columns."""
        return [*self.restored, *self.changed_in(*columns)]

    def changed_in(self, *columns: str) -> list[UUID]:
        return [pk for pk, names in self.changed.items() if not set(columns).isdisjoint(names)]


SAME_KEY = Conflict("CONFLICT", _("There is another one with the same key."))
type Broken = Iterable[tuple[UUID, StrataError]]
type WrittenOf = Callable[[type[models.Model]], Written]
type Check = Callable[[Written, WrittenOf], Broken]


def nothing_to_check(written: Written, of: WrittenOf) -> Broken:
    return ()


@dataclass(frozen=True, slots=True)
class UndoRules:
    """How an undo treats rows of a model.

    `roles` may undo a write of them. `impossible` is the code of REASONS where nobody may; `impossible_actions` limits
    it to some actions. `duplicate` is what its services say where a unique constraint refuses a row. `check` yields the
    rows that break a rule, and which; it is called once all is written, with what was written of this model, and a
    function that gives the same for another. `subject` names a row, which was read with `related`, and `day` its day.
    `counted` says how many rows there are, such as "12 values".
    """

    roles: tuple[str, ...] = EDITORS
    impossible: str | None = None
    impossible_actions: frozenset[str] = frozenset(Action.values)
    duplicate: Conflict = SAME_KEY
    check: Check = nothing_to_check
    related: tuple[str, ...] = ()
    subject: Callable[[Any], str] = str
    day: Callable[[Any], date | None] = lambda row: None
    counted: Callable[[int], str] | None = None

    def count_text(self, model: type[models.Model], count: int) -> str:
        noun = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
        return self.counted(count) if self.counted else f"{count_text(count)} {noun}"

    def read(self, model: type[models.Model]) -> models.QuerySet[Any]:
        """Rows of the model with what their names are made of."""
        rows = model._base_manager.order_by()
        return rows.select_related(*self.related) if self.related else rows


_rules: dict[type[models.Model], UndoRules] = {}
NO_RULES = UndoRules()


def register_undo(model: type[models.Model], rules: UndoRules) -> None:
    if model in _rules:
        raise TypeError(f"{model.__name__} already has rules for its undo.")
    _rules[model] = rules


def rules_of(model: type[models.Model]) -> UndoRules:
    return _rules.get(model, NO_RULES)


def impossible_labels() -> dict[str, UndoRules]:
    """The models whose writes are never undone, or not all of them, by label."""
    return {model._meta.label: rules for model, rules in _rules.items() if rules.impossible}
