"""The journal for rows that belong to no household: users and tokens, without their secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models, transaction

from strata.audit.models import Action
from strata.audit.recording import write_entries
from strata.audit.tracking import TrackedQuerySet
from strata.fields.names import key_fields, with_keys

NOT_SHOWN = "(not shown)"
Row = TypeVar("Row", bound=models.Model)


class FieldLoggedQuerySet(models.QuerySet[Row, Row]):
    """Every write of a logged field adds a journal entry. So does each row that is deleted along with another."""

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        if kwargs.get("update_conflicts"):
            raise TypeError("An upsert would change rows without a journal entry: create or update them.")
        with transaction.atomic():
            created = super().bulk_create(list(objs), *args, **kwargs)
            log(self.model, {row.pk: None for row in created}, Action.CREATE)
        return created

    def update(self, **fields: Any) -> int:
        fields = with_keys(self.model, fields)
        with transaction.atomic():
            before = images(self) if is_logged(self.model, fields) else {}
            changed = super().update(**fields)
            write_changes(self.model, before)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]  # Django's, not in the stubs

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            ids = list(self.values_list("pk", flat=True))
            rows: Any = self.model._default_manager.filter(pk__in=ids)
            for relation in logged_children(self.model):
                of_these = {f"{relation.field.name}__in": ids}
                relation.related_model._default_manager.filter(**of_these).delete()
            log(self.model, journal_images(self.model, images(rows)), Action.DELETE)
            deleted: tuple[int, dict[str, int]] = super(FieldLoggedQuerySet, rows).delete()
        return deleted

    delete.alters_data = True  # type: ignore[attr-defined]  # Django's, not in the stubs
    delete.queryset_only = True  # type: ignore[attr-defined]  # Django's, not in the stubs


class FieldLogged(models.Model):
    """The journal holds the values of `logged_fields`. For `secret_fields` it records only that they changed."""

    logged_fields: tuple[str, ...] = ()
    secret_fields: tuple[str, ...] = ()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        adding, named = self._state.adding, kwargs.get("update_fields")
        if named is not None:
            kwargs["update_fields"] = {*named, *key_fields(type(self), named)}
        logs_update = not adding and (named is None or is_logged(type(self), named))
        with transaction.atomic():
            before = images(type(self)._default_manager.filter(pk=self.pk)) if logs_update else {}
            super().save(*args, **kwargs)
            if adding:
                log(type(self), {self.pk: None}, Action.CREATE)
            write_changes(type(self), before)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        return type(self)._default_manager.filter(pk=self.pk).delete()


def is_logged(model: type[models.Model], fields: Any) -> bool:
    return bool(set(fields) & {*fields_of(model)})


def fields_of(model: type[models.Model]) -> tuple[str, ...]:
    """The logged and secret fields. None for the models inside migrations: they do not have these attributes."""
    return (*getattr(model, "logged_fields", ()), *getattr(model, "secret_fields", ()))


def logged_children(model: type[models.Model]) -> list[Any]:
    kinds = (TrackedQuerySet, FieldLoggedQuerySet)
    return [
        relation
        for relation in model._meta.related_objects
        if relation.on_delete is models.CASCADE
        and isinstance(relation.related_model._default_manager.all(), kinds)
    ]


def images(rows: models.QuerySet[Any]) -> dict[Any, dict[str, Any]]:
    return {row["pk"]: row for row in rows.order_by().values("pk", *fields_of(rows.model))}


def journal_images(model: type[models.Model], images: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """The images as the journal stores them."""
    return {
        pk: {name: plain_value(image[name]) for name in getattr(model, "logged_fields", ())}
        for pk, image in images.items()
    }


def plain_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | str) else str(value)


def write_changes(model: type[models.Model], before: dict[Any, dict[str, Any]]) -> None:
    if not before:
        return
    after = images(model._default_manager.filter(pk__in=before))
    changed = {pk: image for pk, image in before.items() if image != after.get(pk)}
    lines = journal_images(model, changed)
    for pk, image in lines.items():
        for name in getattr(model, "secret_fields", ()):
            if changed[pk][name] != after[pk][name]:
                image[name] = NOT_SHOWN
    log(model, lines, Action.UPDATE)


def log(model: type[models.Model], images_by_id: dict[Any, Any], action: Action) -> None:
    if fields_of(model):
        write_entries(model, action, ((pk, None, image) for pk, image in images_by_id.items()))
