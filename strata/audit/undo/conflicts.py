"""Why an undo would overwrite or break what was written since: one entry for each row that prevents it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import Count, Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from strata.audit.deletions import without_hidden
from strata.audit.images import changed_columns, row_from
from strata.audit.models import HistoryEntry
from strata.audit.tracking import TrackedModel
from strata.audit.undo.rows import CHANGED, REMOVED, RESTORED, UndoneRow, UndoneRows, stored_now
from strata.audit.undo.rules import rules_of
from strata.exceptions import Conflict, StrataError

SHOWN_CONFLICTS = 100  # as many as an answer names; the others are only counted

# In English in the API, and in the user's language in the admin.
RESTORED_ALREADY = gettext_noop("%(name)s exists again. It was changed meanwhile by %(who)s.")
CHANGED_MEANWHILE = gettext_noop("%(name)s was changed meanwhile by %(who)s.")
DELETED_MEANWHILE = gettext_noop("%(name)s was deleted meanwhile by %(who)s.")
IN_USE = gettext_noop("%(name)s is in use meanwhile by %(who)s: %(what)s.")
LOST_ITS_PARENT = gettext_noop("%(name)s has lost its %(what)s, which was deleted meanwhile by %(who)s.")
AGAINST_A_RULE = gettext_noop("%(name)s cannot go back: %(what)s")


@dataclass(frozen=True, slots=True)
class RowConflict:
    """A row that is not as the request left it, or that would break a rule.

    `sentence` names the row, and `what`. `by` is the id of the row that was written by whom the sentence names.
    """

    row: UndoneRow
    code: str
    sentence: str
    what: str = ""
    by: UUID | None = None
    who: str = ""


class UndoConflict(Conflict):
    """409 UNDO_CONFLICT: nothing was written. `sentences` are those of the admin."""

    def __init__(self, errors: list[dict[str, Any]], sentences: list[str]) -> None:
        self.errors, self.sentences = errors, list(dict.fromkeys(sentences))
        super().__init__("UNDO_CONFLICT", f"{_('Nothing was undone.')} {self.sentences[0]}")


def refuse(conflicts: Iterable[RowConflict]) -> None:
    """Raise UndoConflict where there are any. Only those that are shown are put into words."""
    conflicts = list(conflicts)
    if not conflicts:
        return
    shown = conflicts[:SHOWN_CONFLICTS]
    people = last_writers(shown)
    errors, sentences = [], []
    for conflict in shown:
        subject, day = title_of(conflict.row)
        who = conflict.who or people.get(conflict.by or conflict.row.pk, "")
        words = {"name": subject, "who": who or _("somebody"), "what": conflict.what}
        sentence = _(conflict.sentence) % words
        sentences.append(sentence)
        errors.append(
            {
                "field": f"{conflict.row.model._meta.label}/{conflict.row.pk}",
                "code": conflict.code,
                "message": f"{sentence.removesuffix('.')} ({day_text(day)})." if day else sentence,
            }
        )
    rest = [{"field": None, "code": each.code, "message": ""} for each in conflicts[SHOWN_CONFLICTS:]]
    raise UndoConflict([*errors, *rest], sentences)


def last_writers(conflicts: list[RowConflict]) -> dict[UUID, str]:
    """Who wrote each of these rows last."""
    ids = [conflict.by or conflict.row.pk for conflict in conflicts]
    since = min((conflict.row.entry_id for conflict in conflicts), default=0)
    lines = HistoryEntry.objects.filter(object_id__listed=ids, id__gt=since, is_packed=False).order_by("id")
    return {
        pk: name or channel for pk, name, channel in lines.values_list("object_id", "actor_name", "channel")
    }


# --- what a row is called ---


def title_of(row: UndoneRow) -> tuple[str, date | None]:
    """The subject and the day of a row, as it is now or as it last was."""
    rules = rules_of(row.model)
    stored = stored_now([row], rules.read(row.model)).first()
    image = row.now or row.after or row.before or {}
    shown = stored or row_from(row.model, image)
    try:
        return rules.subject(shown), rules.day(shown)
    except ObjectDoesNotExist:  # what the name is made of was deleted too
        return capfirst(str(row.model._meta.verbose_name)), rules.day(shown)


def day_text(day: date) -> str:
    """28 Nov 2026, as the API's sentences have it in every language."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# --- found before anything is written ---


def conflicts_with_later_writes(rows: UndoneRows) -> list[RowConflict]:
    changed = list(rows_written_since(rows))
    if changed:
        return changed  # what follows would only repeat it
    return [*rows_in_use(rows), *rows_without_parent(rows), *duplicates(rows)]


def rows_written_since(rows: UndoneRows) -> Iterator[RowConflict]:
    for row in rows:
        if row.outcome == RESTORED:
            if row.now is not None:
                yield RowConflict(row, "CHANGED", RESTORED_ALREADY)
        elif row.now is None:
            yield RowConflict(row, "GONE", DELETED_MEANWHILE)
        elif row.after is not None and changed_columns(row.model, row.after, row.now):
            yield RowConflict(row, "CHANGED", CHANGED_MEANWHILE)


def rows_in_use(rows: UndoneRows) -> Iterator[RowConflict]:
    """Rows that are removed, while rows of later requests belong to them or refer to them."""
    for model in rows.models:
        removed = {row.pk: row for row in rows.with_outcome(REMOVED, model)}
        for relation in referring(model) if removed else ():
            child, key = relation.related_model, relation.field
            users = users_of(rows, child, key, list(removed))
            counts = users.values_list(key.attname, "created_by__username").annotate(count=Count("pk"))
            for pk, username, count in counts.order_by(key.attname):
                what = rules_of(child).count_text(child, count)
                yield RowConflict(removed[pk], "IN_USE", IN_USE, what, who=username or "")


def referring(model: type[models.Model]) -> list[Any]:
    """The foreign keys of tracked rows to rows of the model."""
    relations: Iterable[Any] = model._meta.related_objects
    return [
        relation
        for relation in relations
        if isinstance(relation, models.ManyToOneRel)
        and issubclass(relation.related_model, TrackedModel)
        and is_binding(relation)
    ]


def is_binding(relation: Any) -> bool:
    """Whether a row that is referred to has to be there. A deletion that leaves the key as it is needs no such row."""
    return relation.on_delete is not models.DO_NOTHING


def users_of(rows: UndoneRows, child: Any, key: Any, ids: list[UUID]) -> models.QuerySet[Any]:
    """The rows that refer to these by `key`, but for those that are removed with them, or go back to another one."""
    gone = rows.ids(REMOVED, child)
    gone |= {row.pk for row in rows.with_outcome(CHANGED, child) if key.attname in row.columns}
    users: models.QuerySet[Any] = child._base_manager.filter(**{f"{key.name}__pk__among": ids}).order_by()
    return users.exclude(pk__among=list(gone)) if gone else users


def rows_without_parent(rows: UndoneRows) -> Iterator[RowConflict]:
    """Rows that would refer to a row that was deleted since."""
    for model in rows.models:
        for key in references(model):
            named = [
                (row, UUID(pk)) for row in coming_back(rows, model, key.attname) if (pk := named_by(row, key))
            ]
            target = key.related_model
            ids = {pk for _, pk in named} - rows.ids(RESTORED, target)
            stored = without_hidden(target._base_manager.filter(pk__among=list(ids))).values_list(
                "pk", flat=True
            )
            missing = ids - set(stored)
            noun = str(target._meta.verbose_name)
            for row, parent_id in named:
                if parent_id in missing:
                    yield RowConflict(row, "PARENT_GONE", LOST_ITS_PARENT, noun, by=parent_id)


def references(model: type[models.Model]) -> list[Any]:
    fields: Iterable[Any] = model._meta.concrete_fields
    return [
        field
        for field in fields
        if field.is_relation
        and issubclass(field.related_model, TrackedModel)
        and is_binding(field.remote_field)
    ]


def named_by(row: UndoneRow, key: Any) -> str | None:
    return row.before.get(key.attname) if row.before else None


def coming_back(rows: UndoneRows, model: type[TrackedModel], *columns: str) -> list[UndoneRow]:
    """The rows that are restored, and those that go back to an earlier value of one of these columns."""
    changed = rows.with_outcome(CHANGED, model)
    return [
        *rows.with_outcome(RESTORED, model),
        *(row for row in changed if not set(columns).isdisjoint(row.columns)),
    ]


# --- unique constraints ---


def duplicates(rows: UndoneRows) -> Iterator[RowConflict]:
    """Rows whose key another row has got since. Each row is named once."""
    seen = set()
    for model in rows.models:
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint):
                for row in breaking(rows, model, constraint):
                    if row.pk not in seen:
                        seen.add(row.pk)
                        refusal = rules_of(model).duplicate
                        yield RowConflict(row, refusal.code, AGAINST_A_RULE, refusal.message)


def breaking(
    rows: UndoneRows, model: type[TrackedModel], constraint: models.UniqueConstraint
) -> Iterator[UndoneRow]:
    names = [model._meta.get_field(name).attname for name in constraint.fields]  # type: ignore[union-attr]
    keys: dict[tuple[Any, ...], UndoneRow] = {}
    for row in coming_back(rows, model, *sources(model, names)):
        stored = row.before_row
        if meets(stored, constraint.condition) and None not in (key := key_of(stored, names)):
            keys[key] = row
    if not keys:
        return
    others = model._base_manager.order_by().filter(constraint.condition or Q())
    own = [*rows.ids(REMOVED, model), *rows.ids(CHANGED, model)]
    for name, values in zip(names, zip(*keys, strict=True), strict=True):
        others = others.filter(**{lookup_for(model, name): list(set(values))})
    others = others.exclude(pk__among=own) if own else others
    for key in others.values_list(*names):
        if key in keys:
            yield keys[key]


def lookup_for(model: type[models.Model], column: str) -> str:
    """The lookup of many values in the column: ids are one parameter."""
    field: Any = next(field for field in model._meta.concrete_fields if field.attname == column)
    return f"{field.name}__pk__among" if field.is_relation else f"{column}__in"


def sources(model: type[models.Model], names: Iterable[str]) -> set[str]:
    """The columns, and instead of the key of a name the name."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    return {getattr(fields[name], "source", name) for name in names}


def key_of(row: TrackedModel, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def meets(row: TrackedModel, condition: Q | None) -> bool:
    """Whether the row meets the condition of a constraint, which compares columns with constants."""
    if condition is None:
        return True
    pairs = [child for child in condition.children if isinstance(child, tuple)]
    return all(getattr(row, column_of(row, name)) == value for name, value in pairs)


def column_of(row: TrackedModel, name: str) -> str:
    field: Any = row._meta.get_field(name)
    return str(field.attname)


# --- found once all is written ---


def broken_rules(rows: UndoneRows, broken: Iterable[tuple[UUID, StrataError]]) -> Iterator[RowConflict]:
    by_id = {row.pk: row for row in rows}
    for pk, refusal in broken:
        code = refusal.code if refusal.code != "VALIDATION_ERROR" else refusal.field_code.upper()
        yield RowConflict(by_id[pk], code, AGAINST_A_RULE, refusal.message)
