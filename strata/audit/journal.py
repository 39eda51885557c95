"""Reading the journal: what happened to a row, who did it, and the old and new values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from django.db.models import Case, Exists, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce

from strata.audit.locating import located, place_of
from strata.audit.models import Action, Deletion, HistoryEntry, JournalEntry
from strata.audit.recording import row_image
from strata.fields.money import MoneyField
from strata.fields.numbers import money_text
from strata.tenancy.guards import cascading
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import READERS, households_of

SELF_EVIDENT = ("id", "created_at", "updated_at", "created_by_id", "updated_by_id", "revision")


@dataclass(frozen=True, slots=True)
class Changed:
    """A field that changed, as text. An id has the name of its row beside it, where the reader may see that row.

    The id of a row that the reader may not see is blank; then `hides_before` or `hides_after` is true.
    """

    name: str
    before: str
    after: str
    before_name: str | None = None
    after_name: str | None = None
    hides_before: bool = False
    hides_after: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one row of `model`. A deletion has the values before it, and none after it."""

    entry: HistoryEntry
    model: type[models.Model]
    fields: list[Changed]


# --- which lines ---


def lines_of(
    model: type[models.Model], pk: UUID, *, children: bool = False, kinds: Collection[type] = ()
) -> models.QuerySet[HistoryEntry]:
    """The journal entries of a row. With `children` also those of rows that belong or belonged to it.

    `kinds` are the models of these children; empty for all.
    """
    return HistoryEntry.objects.of([pk, *(children_ever(model, pk, kinds) if children else ())])


def lines_for(
    lines: models.QuerySet[HistoryEntry], user: Any, model: type[models.Model], pk: UUID
) -> models.QuerySet[HistoryEntry]:
    """The entries of a row that the user may read: those of the user's households, and those of shared rows.

    A row may have moved here from another household. Then the entry of the move is included, without the values before
    it (`arrives`); the entries before it belong to the other household. Only owners read entries of invitations
    (`history_readers`).
    """
    own_ids, lines = households_of(user), for_their_readers(lines, user)
    readable = Q(household_id__in=own_ids) | Q(household_id=None)
    # Rows further down move with their parent, without an entry of their own. Rows without a household never move.
    if not issubclass(model, Owned) or model.household_lookup.count("__") > 1:
        return lines.filter(readable)
    later = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__gt=OuterRef("id")).order_by("id")
    lines = lines.annotate(household_after=Subquery(later.values("household_id")[:1]), is_last=~Exists(later))
    arrives = Q(object_id=pk) & ~readable & (Q(household_after__in=own_ids) | Q(is_last=True))
    lines = lines.annotate(arrives=Case(When(arrives, then=True), default=False))
    return lines.filter(readable | Q(arrives=True))


def for_their_readers(lines: models.QuerySet[HistoryEntry], user: Any) -> models.QuerySet[HistoryEntry]:
    """Remove the entries of models that the user's role in the household may not read."""
    if user.is_superuser:
        return lines
    for model in apps.get_models():
        if issubclass(model, Owned) and model.history_readers != READERS:
            readable = Q(household_id__in=households_of(user, model.history_readers))
            lines = lines.filter(~Q(model=model._meta.label) | readable)
    return lines


def children_ever(model: type[models.Model], pk: UUID, kinds: Collection[type] = ()) -> list[UUID]:
    """Ids of the rows that belong to this one, and of those that once did, found by their images."""
    households = set(lines_of(model, pk).order_by().values_list("household_id", flat=True))
    stored = str(pk) if connection.features.has_native_uuid_field else pk.hex
    querysets: list[models.QuerySet[Any]] = []
    for relation in cascading(model):
        child, parent = relation.related_model, relation.field
        if kinds and child not in kinds:
            continue
        images = JournalEntry.objects.filter(household_id__in=households, model=child._meta.label)
        images = images.filter(before__isnull=False, **{f"before__{parent.attname}": stored})
        querysets.append(images.order_by().values_list("object_id"))
        querysets.append(child._base_manager.filter(**{parent.name: pk}).order_by().values_list("pk"))
    return [row[0] for row in querysets[0].union(*querysets[1:]).order_by()] if querysets else []


def deletions_below(
    model: type[models.Model], pk: UUID, children: Collection[type[models.Model]], most: int
) -> list[int]:
    """The newest deletions of rows that belonged to this one, but for those that were deleted along with it."""
    own = list(lines_of(model, pk).order_by().values_list("household_id", "request_id", "action"))
    along = {request_id for _, request_id, action in own if action == Action.DELETE}
    stored = str(pk) if connection.features.has_native_uuid_field else pk.hex
    ids: list[int] = []
    for relation in cascading(model):
        label = relation.related_model._meta.label
        if relation.related_model in children:
            deletions = JournalEntry.objects.filter(
                household_id__in={household_id for household_id, *_ in own},
                model=label,
                action=Action.DELETE,
                before__isnull=False,
                **{f"before__{relation.field.attname}": stored},
            )
            deletions = deletions.annotate(in_request=Coalesce("write__request_id", "request_id"))
            deletions = deletions.exclude(in_request__in=along)
            ids += deletions.order_by("-id").values_list("pk", flat=True)[:most]
    return ids


def entries_in(household_id: UUID, labels: Collection[str]) -> models.QuerySet[JournalEntry]:
    """The entries of rows of these models in the household, in the order in which they were written.

    As they are stored: one that is packed stands for the creations of its rows. Whatever the form, `by_name`,
    `in_request` and `by_channel` say who wrote it, and `own_count` is that of a write of many rows. Without those of
    rows that are being written in steps, which all have one instant.
    """
    entries = JournalEntry.objects.filter(household_id=household_id, model__in=labels)
    unseen = Deletion.objects.filter(finished_at=None, write_id__isnull=False).order_by()
    if instants := list(unseen.values_list("at", flat=True)):
        entries = entries.exclude(action=Action.CREATE, at__in=instants)
    return entries.annotate(
        by_name=Coalesce("write__actor_name", "actor_name"),
        in_request=Coalesce("write__request_id", "request_id"),
        by_channel=Coalesce("write__channel", "channel"),
        own_count=Case(When(packed=None, then="count")),
    ).order_by("id")


def any_was_recorded(ids: Collection[UUID]) -> bool:
    """Whether one of these rows is here or ever was, as far as the journal says."""
    return HistoryEntry.objects.of(ids).order_by().exists()


def any_written_since(hidden: Deletion, household_id: UUID, labels: Collection[str]) -> bool:
    """Whether rows of these models in the household were written since the first step of what is hidden, which itself
    does not count.
    """
    since = JournalEntry.objects.filter(household_id=household_id, pk__gt=hidden.journal_after)
    return since.filter(model__in=labels).exclude(write_id=hidden.write_id).exists()


def changed_outside(channels: str, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the rows that were changed or deleted through a channel that does not begin with `channels`."""
    entries = HistoryEntry.objects.filter(object_id__listed=list(ids), is_packed=False)
    outside = entries.filter(action__in=(Action.UPDATE, Action.DELETE)).exclude(channel__startswith=channels)
    return set(outside.order_by().values_list("object_id", flat=True))


def channel_of_last_change(pk: UUID, column: str, value: Any) -> str | None:
    """Through which channel the column of the row got the value that it has, as images show it. None: never changed."""
    changes = HistoryEntry.objects.of([pk]).filter(action=Action.UPDATE).order_by("-id")
    for before, channel in changes.values_list("before", "channel"):
        if before is not None and before[column] != value:
            return str(channel)
    return None


def count_of_changes_by(channel: str) -> int:
    return HistoryEntry.objects.filter(channel=channel, action=Action.UPDATE, is_packed=False).count()


def changes_of(labels: Iterable[str]) -> tuple[type[models.Model], str]:
    """SQL for what counts changes and deletions of rows of these models: the table, and the condition."""
    return JournalEntry, f"before IS NOT NULL AND model IN ({', '.join(map(repr, labels))})"


def deletion_of(model: type[models.Model], pk: UUID) -> JournalEntry | None:
    """The last entry of the row, if it is the deletion."""
    last = JournalEntry.objects.filter(object_id=pk, model=model._meta.label).order_by("-id").first()
    return last if last and last.action == Action.DELETE else None


# --- what they say ---


def history_of(
    row: models.Model, most: int, user: Any, *, deleted_below: Collection[type[models.Model]] = ()
) -> list[Event]:
    """The newest `most` changes of a row, newest first; also deletions of rows of the models that belonged to it."""
    lines = lines_of(type(row), row.pk)
    if deletions := deletions_below(type(row), row.pk, deleted_below, most):
        lines = HistoryEntry.objects.of([row.pk], or_entries=deletions)
    if not user.is_superuser:
        lines = lines_for(lines, user, type(row), row.pk)
    lines = with_undone_by(with_what_came_after(lines)).order_by("-id", "-object_id")[:most]
    return events_of(lines, user, all_names=user.is_superuser, near=[row.pk, *place_of(row).values()])


def with_what_came_after(lines: models.QuerySet[HistoryEntry]) -> models.QuerySet[Any]:
    """Each entry with `image_after`: the image in the next entry of the same row."""
    later = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__gt=OuterRef("id"))
    return lines.annotate(image_after=Subquery(later.order_by("id").values("before")[:1]))


def with_undone_by(lines: models.QuerySet[HistoryEntry]) -> models.QuerySet[Any]:
    """Each entry with `undone_by`: the request_id of the undo of its request, if there was one; of several the last."""
    later = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__gt=OuterRef("id"))
    undos = later.filter(undo_of=OuterRef("request_id")).order_by("-id")
    undo = Coalesce("write__request_id", "request_id")
    return lines.annotate(undone_by=Subquery(undos.values_list(undo)[:1]))


def events_of(
    lines: Iterable[Any], user: Any, *, all_names: bool = False, near: Collection[UUID] = ()
) -> list[Event]:
    """The events of these entries (of `with_what_came_after`). The number of queries does not depend on their number.

    `near` are the row that the entries are of and those that it is below, which say where the rows are stored. Related
    rows have names where the user may see them; with `all_names` all have. Ids of rows in households that the
    user does not see are blank: such as the portfolio of another household that an asset came from or went to.
    """
    lines = list(lines)
    current_images = images_now([line for line in lines if line.image_after is None], near)
    events = []
    for line in lines:
        after = line.image_after or current_images.get(line.object_id) or {}
        if line.action == Action.DELETE:
            after = {}
        model = apps.get_model(line.model)
        before = {} if getattr(line, "arrives", False) else line.before or {}
        events.append(Event(line, model, differences(model, before, after)))
    return named(events, None if all_names else user)


def images_now(lines: Sequence[HistoryEntry], near: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The present images of the rows of these entries, with one query for each model."""
    images = {}
    for label in {line.model for line in lines}:
        model = apps.get_model(label)
        ids = {line.object_id for line in lines if line.model == label}
        rows: models.QuerySet[Any] = located(model._base_manager.all(), ids, near)
        for pk, image in rows.order_by().values_list("pk", row_image(model)):
            images[pk] = json.loads(image) if isinstance(image, str) else image
    return images


def differences(model: type[models.Model], before: dict[str, Any], after: dict[str, Any]) -> list[Changed]:
    return [
        Changed(name, shown(model, name, before.get(name)), shown(model, name, after.get(name)))
        for name in after or before
        if name not in SELF_EVIDENT and before.get(name) != after.get(name)
    ]


def shown(model: type[models.Model], attname: str, value: Any) -> str:
    """The value as a person writes it. The journal stores an amount in 1/10,000 units, and SQLite true as 1."""
    field = field_of(model, attname)
    if isinstance(field, models.BooleanField) and value is not None:
        return "true" if value else "false"
    if isinstance(field, MoneyField) and value is not None:
        amount: Any = field.from_db_value(value, None, connection)
        return money_text(amount)
    if value and field is not None and isinstance(getattr(field, "target_field", field), models.UUIDField):
        return str(UUID(value))
    return "" if value is None else str(value)


def field_of(model: type[models.Model], attname: str) -> models.Field[Any, Any] | None:
    return next((field for field in model._meta.concrete_fields if field.attname == attname), None)


# --- what the rows are called ---


def named(events: list[Event], user: Any) -> list[Event]:
    """Add the names of related rows to the events, with one query for each model."""
    ids_by_model: dict[type[models.Model], set[str]] = {}
    for event in events:
        for changed in event.fields:
            if target := target_of(event.model, changed.name):
                ids_by_model.setdefault(target, set()).update(filter(None, (changed.before, changed.after)))
    names = {target: names_of(target, ids, user) for target, ids in ids_by_model.items()}
    nameless = {
        pk
        for target, ids in ids_by_model.items()
        if stays_in_its_household(target)
        for pk in ids - names[target].keys()
    }
    hidden = ids_of_other_households(nameless, user) if nameless and user is not None else set()

    def with_names(model: type[models.Model], changed: Changed) -> Changed:
        target = target_of(model, changed.name)
        known = names.get(target, {}) if target else {}
        may_be_hidden = target is not None and stays_in_its_household(target)
        hides_before, hides_after = (may_be_hidden and pk in hidden for pk in (changed.before, changed.after))
        return Changed(
            changed.name,
            "" if hides_before else changed.before,
            "" if hides_after else changed.after,
            known.get(changed.before),
            known.get(changed.after),
            hides_before,
            hides_after,
        )

    return [
        Event(event.entry, event.model, [with_names(event.model, changed) for changed in event.fields])
        for event in events
    ]


def stays_in_its_household(model: type[models.Model]) -> bool:
    """Whether its rows belong directly to a household, and so never move: portfolios, categories and others."""
    return issubclass(model, Owned) and model.household_lookup == "household"


def ids_of_other_households(ids: Collection[str], user: Any) -> set[str]:
    """The ids without an entry in a household of the user or among shared rows. Deleted rows have entries too."""
    readable = Q(household_id__in=households_of(user)) | Q(household_id=None)
    lines = HistoryEntry.objects.of({UUID(pk) for pk in ids}).filter(readable).order_by()
    return set(ids) - {str(pk) for pk in lines.values_list("object_id", flat=True).distinct()}


def target_of(model: type[models.Model], attname: str) -> type[models.Model] | None:
    """The model that a foreign key column refers to."""
    field = field_of(model, attname)
    return field.related_model if field is not None and field.is_relation else None


def names_of(model: type[models.Model], ids: Collection[str], user: Any) -> dict[str, str]:
    """The names, by id, of the rows that the user may see; of all rows where `user` is None."""
    rows = model._default_manager.filter(pk__in=ids)
    if user is not None and hasattr(rows, "for_user"):
        rows = rows.for_user(user)
    return {str(row.pk): str(row) for row in rows}
