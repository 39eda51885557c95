"""What one request wrote: the entries of its transaction, who may undo it, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from strata.audit.field_log import FieldLogged
from strata.audit.journal import for_their_readers
from strata.audit.models import Action, HistoryEntry
from strata.audit.tracking import TrackedModel
from strata.audit.undo.rules import REASONS, impossible_labels, rules_of
from strata.exceptions import Conflict, Forbidden, NotFound
from strata.tenancy.guards import owned_models
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import households_of

MOST_ROWS = 10_000
TOO_MANY_ROWS = "TOO_MANY_ROWS"
BY_PEOPLE = ("api", "admin")
OF_IMPORTS = "import:"  # how the channels of imports begin
OF_ARCHIVES = "archive"  # the channel of what restores an archive
SUMMARIES = (
    Action.UPDATE_VALUES,
    Action.ADD_TRANSACTIONS,
    Action.UNDO,
)  # they summarise the entries of rows
ENTRIES = Sum(Coalesce(F("count"), 1))  # that of a deletion in steps counts for all of its rows


class Group(NamedTuple):
    """How many entries of a request there are with the same of all this."""

    at: datetime
    actor_id: UUID | None
    channel: str
    model: str
    action: str
    household_id: UUID | None
    undo_of: str | None
    entries: int

    @property
    def transaction(self) -> tuple[Any, ...]:
        return self.at, self.actor_id, self.channel

    @property
    def is_by_a_person(self) -> bool:
        is_usual = self.channel in (*BY_PEOPLE, OF_ARCHIVES) or self.channel.startswith(OF_IMPORTS)
        return self.actor_id is not None and is_usual


class UndoNotPossible(Conflict):
    """409 UNDO_NOT_POSSIBLE. `reasons` are codes of REASONS."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("UNDO_NOT_POSSIBLE", f"{_('It cannot be undone.')} {REASONS[self.reasons[0]]}")
        self.errors = [{"field": None, "code": code, "message": str(REASONS[code])} for code in self.reasons]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who undoes. A superuser in the admin `sees_all`: there every row may be seen and changed by superusers."""

    user: Any
    sees_all: bool = False

    def visible(self, lines: models.QuerySet[HistoryEntry]) -> models.QuerySet[HistoryEntry]:
        """The entries of the caller's households, user and tokens, and for a superuser those of shared rows."""
        if self.sees_all:
            return lines
        personal = [model._meta.label for model in apps.get_models() if issubclass(model, FieldLogged)]
        visible = Q(household_id__in=households_of(self.user)) | Q(object_id=self.user.pk)
        visible |= Q(model__in=personal, actor_id=self.user.pk)
        if self.user.is_superuser:
            visible |= Q(household_id=None) & ~Q(model__in=personal)
        return for_their_readers(lines.filter(visible), self.user)

    def roles(self) -> dict[UUID, str]:
        return dict(self.user.memberships.values_list("household_id", "role"))

    def require_roles(self, places: Iterable[tuple[type[models.Model], UUID | None]]) -> None:
        """Raise Forbidden unless the caller may write rows of these models in these households (None: shared ones)."""
        roles = self.roles()
        if not all(self.may_write(model, household_id, roles) for model, household_id in places):
            raise Forbidden

    def may_write(
        self, model: type[models.Model], household_id: UUID | None, roles: Mapping[UUID, str]
    ) -> bool:
        if self.sees_all:
            return True
        if household_id is not None:
            return roles.get(household_id) in rules_of(model).roles
        return not issubclass(model, Owned) or self.user.is_superuser


def entries_of(request_ids: Iterable[str]) -> models.QuerySet[HistoryEntry]:
    """The entries of requests with these ids. The second condition lets the databases use the index."""
    return HistoryEntry.objects.filter(request_id__in=list(request_ids)).exclude(request_id="")


def groups_of(lines: models.QuerySet[HistoryEntry]) -> list[Group]:
    names = Group._fields[:-1]
    grouped = lines.order_by().values_list(*names).annotate(entries=ENTRIES).order_by("at")
    return [Group._make(row) for row in grouped]


def transaction_of(request_id: str, caller: Caller) -> models.QuerySet[HistoryEntry]:
    """The entries of the transaction of this request, those in other households included.

    Raises NotFound where the caller may see nothing of it, Forbidden where the caller may not make the reverse write,
    and UndoNotPossible.
    """
    lines = entries_of([request_id])
    visible = groups_of(caller.visible(lines))
    if not visible:
        raise Forbidden if moved_here(lines, caller) else NotFound("request")
    transactions = {group.transaction for group in visible}
    at, actor_id, channel = next(iter(transactions))
    whole = lines.filter(at=at, actor_id=actor_id, channel=channel)
    groups = groups_of(whole) if len(transactions) == 1 else visible
    caller.require_roles((apps.get_model(group.model), group.household_id) for group in groups)
    reasons = reasons_of(groups)
    if TOO_MANY_ROWS in reasons and rows_of(whole) <= MOST_ROWS:
        reasons.remove(TOO_MANY_ROWS)
    if reasons:
        raise UndoNotPossible(reasons)
    return whole


def rows_of(lines: models.QuerySet[HistoryEntry]) -> int:
    """How many rows there are entries of: a row may have several."""
    rows = lines.exclude(action__in=SUMMARIES).order_by()
    in_steps = rows.aggregate(rows=Sum("count"))["rows"] or 0  # a deletion whose other entries come later
    return max(in_steps, rows.values("object_id").distinct().count())


def moved_here(lines: models.QuerySet[HistoryEntry], caller: Caller) -> bool:
    """Whether a row of the request, which belonged to another household then, is in one of the caller's now.

    The same queries are made for a request that does not exist.
    """
    return any(
        model.objects.for_user(caller.user)
        .filter(pk__in=lines.filter(model=model._meta.label).order_by().values("object_id"))
        .exists()
        for model in owned_models()
        if issubclass(model, TrackedModel)
        and model.household_lookup.count("__") == 1  # others move with these
    )


def reasons_of(groups: Iterable[Group]) -> list[str]:
    """The codes of REASONS for which a request with these entries cannot be undone."""
    groups, reasons, impossible = list(groups), set(), impossible_labels()
    for group in groups:
        rules = impossible.get(group.model) if group.undo_of is None else None  # what an undo wrote goes back
        if rules and rules.impossible and group.action in rules.impossible_actions:
            reasons.add(rules.impossible)
    if any(group.channel == OF_ARCHIVES for group in groups):
        reasons.add("ARCHIVE")
    if not all(group.is_by_a_person for group in groups):
        reasons.add("COMMAND")
    if len({group.transaction for group in groups}) > 1:
        reasons.add("SEVERAL_REQUESTS")
    if sum(group.entries for group in groups if group.action not in SUMMARIES) > MOST_ROWS:
        reasons.add(TOO_MANY_ROWS)
    return [code for code in REASONS if code in reasons]


def undoable(request_ids: Iterable[str], user: Any, *, sees_all: bool = False) -> set[str]:
    """Those of the requests that the user may undo, unless what they wrote was changed since. With two queries."""
    caller, groups_by_request = Caller(user, sees_all), dict[str, list[Group]]()
    names = ("request_id", *Group._fields[:-1])
    lines = entries_of(set(request_ids)).order_by().values_list(*names).annotate(entries=ENTRIES)
    for request_id, *columns in lines:
        groups_by_request.setdefault(request_id, []).append(Group._make(columns))
    roles = caller.roles()
    return {pk for pk, groups in groups_by_request.items() if may_undo(groups, caller, roles)}


def may_undo(groups: list[Group], caller: Caller, roles: Mapping[UUID, str]) -> bool:
    """Whether the caller may undo a request with these entries. What others wrote with the same id does not count."""
    own = {group.transaction for group in groups if caller.sees_all or group.household_id in {*roles, None}}
    groups = [group for group in groups if group.transaction in own]
    return not reasons_of(groups) and all(
        caller.may_write(apps.get_model(group.model), group.household_id, roles) for group in groups
    )
