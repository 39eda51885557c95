"""What is no household's leaves its trace as well: users and tokens, without what is secret of them."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from strata.audit.clock import written_at
from strata.audit.models import Change
from strata.audit.tracking import TrackedQuerySet, signature
from strata.fields.names import key_fields, with_keys

ANOTHER = "(not shown)"


class TracedQuerySet(models.QuerySet):
    """Every write of a field that the model names leaves a line; so does what goes with a deleted row."""

    def bulk_create(self, objs, *args, **kwargs):
        if kwargs.get("update_conflicts"):
            raise TypeError("An upsert would change rows without a trace: look first, then create or update.")
        with transaction.atomic():
            made = super().bulk_create(list(objs), *args, **kwargs)
            note(self.model, {row.pk: None for row in made}, Change.Action.CREATE)
        return made

    def update(self, **fields):
        fields = with_keys(self.model, fields)
        with transaction.atomic():
            before = images(self) if seen(self.model, fields) else {}
            changed = super().update(**fields)
            note_changes(self.model, before)
        return changed

    update.alters_data = True

    def delete(self):
        with transaction.atomic():
            ids = list(self.values_list("pk", flat=True))
            rows = self.model._default_manager.filter(pk__in=ids)
            for relation in going_along(self.model):
                of_these = {f"{relation.field.name}__in": ids}
                relation.related_model._default_manager.filter(**of_these).delete()
            note(self.model, told(self.model, images(rows)), Change.Action.DELETE)
            return super(TracedQuerySet, rows).delete()

    delete.alters_data = True
    delete.queryset_only = True


class Traced(models.Model):
    """`traced_fields` are told in the journal; of `secret_fields` it is only told that they changed."""

    traced_fields: tuple[str, ...] = ()
    secret_fields: tuple[str, ...] = ()

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        adding, named = self._state.adding, kwargs.get("update_fields")
        if named is not None:
            kwargs["update_fields"] = {*named, *key_fields(type(self), named)}
        told_of = not adding and (named is None or seen(type(self), named))
        with transaction.atomic():
            before = images(type(self)._default_manager.filter(pk=self.pk)) if told_of else {}
            super().save(*args, **kwargs)
            if adding:
                note(type(self), {self.pk: None}, Change.Action.CREATE)
            note_changes(type(self), before)

    def delete(self, *args, **kwargs):
        return type(self)._default_manager.filter(pk=self.pk).delete()


def seen(model: type[models.Model], fields: Any) -> bool:
    return bool(set(fields) & {*fields_of(model)})


def fields_of(model: type[models.Model]) -> tuple[str, ...]:
    """None of the models that migrations know: they have names and no rules."""
    return (*getattr(model, "traced_fields", ()), *getattr(model, "secret_fields", ()))


def going_along(model: type[models.Model]) -> list[Any]:
    kinds = (TrackedQuerySet, TracedQuerySet)
    return [
        one
        for one in model._meta.related_objects
        if one.on_delete is models.CASCADE and isinstance(one.related_model._default_manager.all(), kinds)
    ]


def images(rows: models.QuerySet) -> dict[Any, dict[str, Any]]:
    return {row["pk"]: row for row in rows.order_by().values("pk", *fields_of(rows.model))}


def told(model: type[models.Model], found: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """The images as the journal holds them."""
    return {
        pk: {name: plain_value(image[name]) for name in getattr(model, "traced_fields", ())}
        for pk, image in found.items()
    }


def plain_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | str) else str(value)


def note_changes(model: type[models.Model], before: dict[Any, dict[str, Any]]) -> None:
    if not before:
        return
    after = images(model._default_manager.filter(pk__in=before))
    changed = {pk: image for pk, image in before.items() if image != after.get(pk)}
    lines = told(model, changed)
    for pk, image in lines.items():
        for name in getattr(model, "secret_fields", ()):
            if changed[pk][name] != after[pk][name]:
                image[name] = ANOTHER
    note(model, lines, Change.Action.UPDATE)


def note(model: type[models.Model], lines: dict[Any, Any], action: str) -> None:
    if not fields_of(model):
        return
    at, signed, label = written_at(), signature(), model._meta.label
    Change.objects.bulk_create(
        Change(**signed, at=at, model=label, object_id=pk, action=action, before=image)
        for pk, image in lines.items()
    )
