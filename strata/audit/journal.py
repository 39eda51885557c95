"""Reading the journal: what happened to one row, who did it, and what changed from what to what."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from django.db.models import Case, Exists, OuterRef, Q, Subquery, When

from strata.audit.models import JournalEntry
from strata.audit.tracking import row_image
from strata.fields.money import MoneyField
from strata.fields.numbers import money_text
from strata.tenancy.guards import cascading
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import READERS, households_of

SELF_EVIDENT = ("id", "created_at", "updated_at", "created_by_id", "updated_by_id", "revision")


@dataclass(frozen=True, slots=True)
class Changed:
    """A field that changed, as text; with the names of the rows meant, where it names rows that the reader may see.

    The id of a row that the reader may not see is blank; `hides_before` and `hides_after` say that there is one.
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
    """One change of one row of `model`. A deletion tells what there was, and nothing after it."""

    entry: JournalEntry
    model: type[models.Model]
    fields: list[Changed]


# --- which lines ---


def lines_of(
    model: type[models.Model], pk: UUID, *, children: bool = False, kinds: Collection[type] = ()
) -> models.QuerySet:
    """The lines about a row; with `children` also those about what is deleted with it, deleted by itself or not.

    Of `kinds` alone, where any are named.
    """
    if not children:
        return JournalEntry.objects.filter(object_id=pk)
    return JournalEntry.objects.filter(object_id__among=[pk, *children_ever(model, pk, kinds)])


def lines_for(lines: models.QuerySet, user: Any, model: type[models.Model], pk: UUID) -> models.QuerySet:
    """Those of a row's lines that the user may read: written in a household of theirs, or what all share.

    And of a row that came from another household the line that brought it, which tells nothing of what was before
    (`arrives`): what lies before it was that household's. Lines of invitations are for owners (`history_readers`).
    """
    mine, lines = households_of(user), for_their_readers(lines, user)
    readable = Q(household_id__in=mine) | Q(household_id=None)
    # What stands deeper moves with what it belongs to, without a line of its own; what has no household never moves.
    if not issubclass(model, Owned) or model.household_lookup.count("__") > 1:
        return lines.filter(readable)
    later = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__gt=OuterRef("id")).order_by("id")
    lines = lines.annotate(household_after=Subquery(later.values("household_id")[:1]), is_last=~Exists(later))
    arrives = Q(object_id=pk) & ~readable & (Q(household_after__in=mine) | Q(is_last=True))
    lines = lines.annotate(arrives=Case(When(arrives, then=True), default=False))
    return lines.filter(readable | Q(arrives=True))


def for_their_readers(lines: models.QuerySet, user: Any) -> models.QuerySet:
    """Without those of models whose lines only some roles of a household read, where the user has none of these."""
    if user.is_superuser:
        return lines
    for model in apps.get_models():
        if issubclass(model, Owned) and model.history_readers != READERS:
            readable = Q(household_id__in=households_of(user, model.history_readers))
            lines = lines.filter(~Q(model=model._meta.label) | readable)
    return lines


def children_ever(model: type[models.Model], pk: UUID, kinds: Collection[type] = ()) -> list[UUID]:
    """Ids of the rows that belong to this one, and of those that did: their images say so."""
    households = set(lines_of(model, pk).order_by().values_list("household_id", flat=True))
    stored = str(pk) if connection.features.has_native_uuid_field else pk.hex
    querysets: list[models.QuerySet] = []
    for relation in cascading(model):
        child, parent = relation.related_model, relation.field
        if kinds and child not in kinds:
            continue
        images = JournalEntry.objects.filter(household_id__in=households, model=child._meta.label)
        images = images.filter(before__isnull=False, **{f"before__{parent.attname}": stored})
        querysets.append(images.order_by().values_list("object_id"))
        querysets.append(child._base_manager.filter(**{parent.name: pk}).order_by().values_list("pk"))
    return [row[0] for row in querysets[0].union(*querysets[1:]).order_by()] if querysets else []


def deletion_of(model: type[models.Model], pk: UUID) -> JournalEntry | None:
    """The row's last line, where that says that it was deleted."""
    last = JournalEntry.objects.filter(object_id=pk, model=model._meta.label).order_by("-id").first()
    return last if last and last.action == JournalEntry.Action.DELETE else None


# --- what they say ---


def history_of(row: models.Model, most: int, user: Any) -> list[Event]:
    """The newest `most` changes of a row, newest first."""
    lines = lines_of(type(row), row.pk)
    if not user.is_superuser:
        lines = lines_for(lines, user, type(row), row.pk)
    lines = with_what_came_after(lines).order_by("-id")[:most]
    return events_of(lines, user, all_names=user.is_superuser)


def with_what_came_after(lines: models.QuerySet) -> models.QuerySet:
    """Each line with the image in its row's next one."""
    later = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__gt=OuterRef("id"))
    return lines.annotate(image_after=Subquery(later.order_by("id").values("before")[:1]))


def events_of(lines: Iterable[JournalEntry], user: Any, *, all_names: bool = False) -> list[Event]:
    """The events that these lines (with_what_came_after) are, in a number of queries that their number does not raise.

    Related rows are named where the user may see them, or with `all_names` wherever they are. Ids of what belongs to
    households that the user does not see are left blank: those of the portfolio that an asset came from or went to.
    """
    lines = list(lines)
    standing = images_now([line for line in lines if line.image_after is None])
    events = []
    for line in lines:
        after = line.image_after or standing.get(line.object_id) or {}
        if line.action == JournalEntry.Action.DELETE:
            after = {}
        model = apps.get_model(line.model)
        before = {} if getattr(line, "arrives", False) else line.before or {}
        events.append(Event(line, model, differences(model, before, after)))
    return named(events, None if all_names else user)


def images_now(lines: Sequence[JournalEntry]) -> dict[UUID, dict[str, Any]]:
    """The lines' rows as the journal would hold them: one query for each model."""
    images = {}
    for label in {line.model for line in lines}:
        model = apps.get_model(label)
        rows = model._base_manager.filter(pk__in={line.object_id for line in lines if line.model == label})
        for pk, image in rows.order_by().values_list("pk", row_image(model)):
            images[pk] = json.loads(image) if isinstance(image, str) else image
    return images


def differences(model: type[models.Model], before: dict, after: dict) -> list[Changed]:
    return [
        Changed(name, shown(model, name, before.get(name)), shown(model, name, after.get(name)))
        for name in after or before
        if name not in SELF_EVIDENT and before.get(name) != after.get(name)
    ]


def shown(model: type[models.Model], attname: str, value: Any) -> str:
    """As a person would write it: in the journal an amount is an integer of 1/10,000 units, an id what is stored."""
    field = field_of(model, attname)
    if isinstance(field, MoneyField) and value is not None:
        return money_text(field.from_db_value(value, None, None))
    if value and field is not None and isinstance(getattr(field, "target_field", field), models.UUIDField):
        return str(UUID(value))
    return "" if value is None else str(value)


def field_of(model: type[models.Model], attname: str) -> models.Field | None:
    return next((field for field in model._meta.concrete_fields if field.attname == attname), None)


# --- what the rows are called ---


def named(events: list[Event], user: Any) -> list[Event]:
    """The events with the names of related rows; one query for each model that they name rows of."""
    meant: dict[type[models.Model], set[str]] = {}
    for event in events:
        for changed in event.fields:
            if target := target_of(event.model, changed.name):
                meant.setdefault(target, set()).update(filter(None, (changed.before, changed.after)))
    names = {target: names_of(target, ids, user) for target, ids in meant.items()}
    nameless = {
        pk
        for target, ids in meant.items()
        if stays_in_its_household(target)
        for pk in ids - names[target].keys()
    }
    hidden = ids_of_other_households(nameless, user) if nameless and user is not None else set()

    def with_names(model: type[models.Model], changed: Changed) -> Changed:
        target = target_of(model, changed.name)
        known = names.get(target, {})
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
    """Whether its rows belong to a household themselves, and so never leave it: portfolios, categories and the like."""
    return issubclass(model, Owned) and model.household_lookup == "household"


def ids_of_other_households(ids: Collection[str], user: Any) -> set[str]:
    """Those that no line names of a household of the user or of what all share: the journal knows deleted rows too."""
    readable = Q(household_id__in=households_of(user)) | Q(household_id=None)
    lines = JournalEntry.objects.filter(readable, object_id__in=ids).order_by()
    return set(ids) - {str(pk) for pk in lines.values_list("object_id", flat=True).distinct()}


def target_of(model: type[models.Model], attname: str) -> type[models.Model] | None:
    """The model whose rows a column names."""
    field = field_of(model, attname)
    return field.related_model if field is not None and field.is_relation else None


def names_of(model: type[models.Model], ids: Collection[str], user: Any) -> dict[str, str]:
    """By id the names of the rows that the user may see; of all, where there is no user."""
    rows = model._default_manager.filter(pk__in=ids)
    if user is not None and hasattr(rows, "for_user"):
        rows = rows.for_user(user)
    return {str(row.pk): str(row) for row in rows}
