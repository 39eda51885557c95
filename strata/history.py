"""Every write leaves its trace: the models and querysets that record who changed what, in the same transaction.

The journal is an undo log (see Change). Images of rows are made by the database itself, in one statement for one
row or a million, and hold each column as it is stored, decimals as text.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connections, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone

from strata import actor
from strata.ids import uuid7
from strata.models.change import Change
from strata.money import ExactField
from strata.names import key_fields, with_keys
from strata.ownership import HouseholdQuerySet, Owned


class TrackedQuerySet(HouseholdQuerySet):
    """A queryset whose writes are recorded: there is no quiet way round the journal."""

    def bulk_create(self, objs, *args, **kwargs):
        objs = list(objs)
        kwargs.pop("ignore_conflicts", None)  # what was not written must not be recorded: a conflict raises
        for obj in objs:
            obj.sign(adding=True)
        with transaction.atomic(using=self.db):
            made = super().bulk_create(objs, *args, **kwargs)
            Change.objects.using(self.db).bulk_create([creation_of(obj) for obj in made], batch_size=2000)
            raise_revisions(self.model, {obj.pk for obj in made})
        return made

    def bulk_update(self, objs, fields, batch_size=None):
        keys = key_fields(self.model, fields)
        for obj in objs:
            obj.sign(adding=False)
            for key in keys:
                self.model._meta.get_field(key).pre_save(obj, False)
        return super().bulk_update(objs, {*fields, *keys, "updated_at", "updated_by"}, batch_size)

    def update(self, **fields):
        with transaction.atomic(using=self.db):
            rows = locked(self)
            record(rows, Change.Action.UPDATE)
            raise_revisions(self.model, rows)
            fields.setdefault("updated_at", timezone.now())
            fields.setdefault("updated_by", actor.current().user)
            changed = super(TrackedQuerySet, rows).update(**with_keys(self.model, fields))
            raise_revisions(self.model, rows)
        return changed

    update.alters_data = True

    def delete(self):
        """Delete by set, children first, so that each level leaves its own trace."""
        with transaction.atomic(using=self.db):
            rows = locked(self)
            children = 0
            for relation in cascading(self.model):
                kept = relation.related_model._base_manager.filter(
                    **{f"{relation.field.name}__in": rows.values("pk")}
                )
                children += kept.delete()[0]
            raise_revisions(self.model, rows)
            record(rows, Change.Action.DELETE)
            deleted, detail = super(TrackedQuerySet, rows).delete()
        return deleted + children, detail

    delete.alters_data = True
    delete.queryset_only = True

    def update_unrecorded(self, **fields):
        """For what is derived and never a truth (a revision, a staleness mark); not for anything a person entered."""
        return super().update(**fields)

    update_unrecorded.alters_data = True


class TrackedModel(Owned):
    """A row with a time-sorted id, its author, and a history. `portfolio_lookup` is the way to its portfolio."""

    portfolio_lookup: str | None = None

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(editable=False, default=timezone.now)
    updated_at = models.DateTimeField(editable=False, default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    objects = TrackedQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def sign(self, *, adding: bool) -> None:
        """Put the actor's name and the time on the row; what a body said of either is overwritten."""
        self.updated_at, self.updated_by = timezone.now(), actor.current().user
        if adding:
            self.created_at, self.created_by = self.updated_at, self.updated_by

    def save(self, *args, **kwargs):
        adding = self._state.adding
        self.sign(adding=adding)
        if kwargs.get("update_fields") is not None:
            named = set(kwargs["update_fields"])
            kwargs["update_fields"] = {*named, *key_fields(type(self), named), "updated_at", "updated_by"}
        with transaction.atomic():
            if not adding:
                before = locked(type(self)._base_manager.filter(pk=self.pk))
                record(before, Change.Action.UPDATE)
                raise_revisions(type(self), before)
            super().save(*args, **kwargs)
            if adding:
                creation_of(self).save(force_insert=True)
            raise_revisions(type(self), {self.pk})

    def delete(self, *args, **kwargs):
        deleted = type(self)._base_manager.filter(pk=self.pk).delete()
        self._state.adding = True
        return deleted


def creation_of(row: TrackedModel) -> Change:
    """The journal's line for a new row: it needs no image, the row itself is there."""
    return Change(
        **signature(),
        at=row.created_at,
        model=row._meta.label,
        object_id=row.pk,
        household_id=row.owning_household_id(),
        action=Change.Action.CREATE,
    )


def signature() -> dict[str, Any]:
    who = actor.current()
    user = who.user
    return {
        "actor_id": user.pk if user else None,
        "actor_name": user.get_username() if user else "",
        "request_id": who.request_id,
        "road": who.road,
    }


def locked(rows: models.QuerySet) -> models.QuerySet:
    """The same rows by id, locked where the database locks rows (SQLite's transaction has locked them all)."""
    model = rows.model
    plain = model._base_manager.using(rows.db).filter(pk__in=rows.order_by().values("pk"))
    if connections[rows.db].features.has_select_for_update:
        ids = list(plain.order_by("pk").select_for_update().values_list("pk", flat=True))
        return model._base_manager.using(rows.db).filter(pk__in=ids)
    return plain


def record(rows: models.QuerySet, action: str) -> None:
    """Write the rows' images into the journal, before they are updated or deleted, in one INSERT ... SELECT."""
    constants = _constants(rows.model, action)
    selected = rows.order_by().annotate(
        journal_household=F(_household_column(rows.model)),
        journal_before=image_of(rows.model),
        **{f"journal_{name}": value for name, value in constants.items()},
    )
    names = [f"journal_{name}" for name in constants]
    query = selected.values_list("pk", "journal_household", "journal_before", *names).query
    try:
        sql, params = query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return
    columns = ", ".join(f'"{name}"' for name in ("object_id", "household_id", "before", *constants))
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f'INSERT INTO "{Change._meta.db_table}" ({columns}) {sql}', params)


def _constants(model: type[models.Model], action: str) -> dict[str, Any]:
    values = {**signature(), "at": timezone.now(), "model": model._meta.label, "action": action}
    return {name: _typed(name, value) for name, value in values.items()}


def _typed(column: str, value: Any) -> Any:
    field = Change._meta.get_field(column)
    field = field.target_field if field.is_relation else field
    kind = models.UUIDField() if isinstance(field, models.UUIDField) else type(field)()
    return Cast(Value(value, output_field=kind), kind)


def _household_column(model: type[Owned]) -> str:
    return f"{model.household_lookup}_id" if model.household_lookup else "pk"


def image_of(model: type[models.Model]) -> JSONObject:
    """The row as one JSON object: column by column, as stored; exact decimals as text, so that no digit is lost."""
    return JSONObject(
        **{
            field.attname: _column(field)
            for field in model._meta.local_concrete_fields
            if field.name != "name_key"
        }
    )


def _column(field: models.Field) -> Any:
    return Cast(F(field.attname), models.TextField()) if isinstance(field, ExactField) else F(field.attname)


def cascading(model: type[models.Model]) -> list[Any]:
    """The relations through which deleting rows of `model` deletes other tracked rows."""
    return [
        relation
        for relation in model._meta.related_objects
        if relation.on_delete is models.CASCADE and issubclass(relation.related_model, TrackedModel)
    ]


def raise_revisions(model: type[TrackedModel], rows: models.QuerySet | set) -> None:
    """Count up the revision of every portfolio that the rows belong to: an unchanged one is unchanged data."""
    if model.portfolio_lookup is None:
        return
    portfolio: Any = model
    for name in model.portfolio_lookup.split("__"):
        portfolio = portfolio._meta.get_field(name).related_model
    chosen = rows if isinstance(rows, models.QuerySet) else model._base_manager.filter(pk__in=rows)
    ids = chosen.order_by().values(f"{model.portfolio_lookup}_id")
    portfolio._base_manager.filter(pk__in=ids).update_unrecorded(revision=F("revision") + 1)
