"""Models and querysets that record in the journal who changed what, in the transaction of the write.

The journal is an undo log (see JournalEntry). An image holds each column as it is stored, decimals as text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connections, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from strata.audit import actor
from strata.audit.clock import written_at
from strata.audit.guarding import (
    by_ids,
    destination,
    guard_new_rows,
    guard_rows,
    guard_stored_row,
)
from strata.audit.locating import RowIds, ids_of, located, place_of
from strata.audit.models import Action
from strata.audit.recording import write_creation, write_journal, write_new_rows
from strata.db.bulk import insert_instances, update_rows
from strata.exceptions import NotFound, resource_name
from strata.fields.ids import uuid7
from strata.fields.names import key_fields, with_keys
from strata.tenancy.guards import cascading
from strata.tenancy.querysets import HouseholdQuerySet, Owned

PARENTS_AT_A_TIME = 50
MANY_ROWS = 200  # from here on, one COPY is faster than the statements of Django
Row = TypeVar("Row", bound="TrackedModel", covariant=True)  # covariant as in the stubs of Django


class DerivedData:
    """Data that is derived from the rows of a model and updated with each write. Apps register it for a model.

    The methods are called inside the transaction of the write, while the portfolios of the rows are locked. A
    write of an existing row that changes none of the fields `derived_from` calls none of them.
    """

    derived_from: frozenset[str] | None = None  # names of fields; None for all

    def changes_with(self, fields: Collection[str] | None) -> bool:
        """Whether a write of these fields of existing rows (None: of all) changes the derived data."""
        return fields is None or self.derived_from is None or not self.derived_from.isdisjoint(fields)

    def capture(self, ids: RowIds) -> Any:
        """Before a write: what `update` needs to know about the rows. It becomes `before`."""

    def update(self, ids: RowIds, before: Any) -> None:
        """After a write: update the derived data. `before` is None for new rows."""

    def update_new(self, rows: Sequence[Any]) -> None:
        """After rows were inserted: update the derived data. Override it where the rows say more than their ids."""
        self.update(ids_of(rows), None)

    def forget(self, ids: list[UUID]) -> bool:
        """Before a deletion: delete at once all data derived from these rows and from their children, if possible.

        Returns whether it did. Then `update` is not called for each of them: hundreds of thousands would take minutes.
        """
        return False


_derived: dict[type[models.Model], DerivedData] = {}


def register_derived(model: type[models.Model], derived: DerivedData) -> None:
    if model in _derived:
        raise TypeError(f"{model.__name__} already has derived data: {_derived[model]!r}")
    _derived[model] = derived


def derived_from(model: type[models.Model]) -> DerivedData:
    return _derived.get(model, NOTHING_DERIVED)


NOTHING_DERIVED = DerivedData()


class TrackedQuerySet(HouseholdQuerySet[Row]):
    """A queryset that records all its writes in the journal."""

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        objs = list(objs)
        if kwargs.get("update_conflicts"):
            raise TypeError("An existing row is changed with update(), which records the change.")
        # A conflict raises: rows that are not written must not be recorded.
        kwargs.pop("ignore_conflicts", None)
        with transaction.atomic(using=self.db):
            guard_new_rows(self.model, objs)
            sign_rows(objs, adding=True)
            if len(objs) < MANY_ROWS:
                super().bulk_create(objs, *args, **kwargs)
            else:
                insert_instances(objs)
            write_new_rows(objs)
            derived_from(self.model).update_new(objs)
        return objs

    def bulk_update(self, objs: Iterable[Row], fields: Iterable[str], batch_size: int | None = None) -> int:
        keys = key_fields(self.model, fields)
        with transaction.atomic(using=self.db):
            for obj in objs:
                obj.sign(adding=False)
                for key in keys:
                    field: Any = self.model._meta.get_field(key)
                    field.pre_save(obj, False)
            return super().bulk_update(objs, {*fields, *keys}, batch_size)  # calls update(), which signs

    def update_each(self, objs: Iterable[Row], fields: Collection[str]) -> None:
        """As `bulk_update`, of rows that stay below their parents: in one statement, however many there are."""
        objs, keys = list(objs), key_fields(self.model, fields)
        names = [*fields, *keys, "updated_at", "updated_by"]
        located_by = self.model.located_by
        written: list[Any] = [self.model._meta.get_field(name) for name in (*located_by, *names)]
        with transaction.atomic(using=self.db):
            rows, ids = guard_rows(self.located(objs))
            write_journal(rows, Action.UPDATE, number=len(ids))
            sign_rows(objs, adding=False)
            with updating_derived_data(self.model, ids, fields=fields):
                stored = [stored_values(obj, written, self.db) for obj in objs]
                update_rows(self.model, names, stored, located_by=located_by)

    update_each.alters_data = True  # type: ignore[attr-defined]  # Django's, not in the stubs

    def located(self, objs: Collection[Row]) -> TrackedQuerySet[Row]:
        """Those of the rows that these objects are, looked up by all that locates them."""
        ids = ids_of(objs)
        return located(self, ids, ids.places)

    def update(self, **fields: Any) -> int:
        with transaction.atomic(using=self.db):
            to = destination(self.model, fields)
            rows, ids = guard_rows(self, to=to)
            write_journal(rows, Action.UPDATE, number=len(ids))
            fields.setdefault("updated_at", written_at(self.db))
            fields.setdefault("updated_by", actor.current().user)
            if to is not None:
                ids.places.add(to)
            with updating_derived_data(self.model, ids, fields=fields):
                changed = super(TrackedQuerySet, rows).update(**with_keys(self.model, fields))
        return changed

    update.alters_data = True  # type: ignore[attr-defined]  # Django's, not in the stubs

    def delete(
        self, *, derive: bool = True, inside: bool = False, known: list[UUID] | None = None
    ) -> tuple[int, dict[str, int]]:
        """Delete all rows of the queryset. Children are deleted first, so that they are recorded too.

        `derive` is False where the derived data was already deleted with that of the parents. `inside` is True where
        the parents are in a portfolio whose guards are locked and whose revision is already raised. `known` are the ids
        by which the rows are selected, where nothing else selects them: many are not read again then.
        """
        with transaction.atomic(using=self.db, savepoint=False):
            rows, ids = by_ids(self) if inside else guard_rows(self, for_delete=True, known=known)
            derive = derive and not derived_from(self.model).forget(ids)
            inside = inside or self.model.portfolio_lookup is not None
            below = cascading(self.model)
            children = sum(delete_related(relation, ids, derive, inside) for relation in below)
            write_journal(rows, Action.DELETE, number=len(ids))
            with updating_derived_data(self.model, ids, derive=derive):
                deleted, detail = super(TrackedQuerySet, rows).delete()
        return deleted + children, detail

    delete.alters_data = True  # type: ignore[attr-defined]  # Django's, not in the stubs
    delete.queryset_only = True  # type: ignore[attr-defined]  # Django's, not in the stubs

    def update_unrecorded(self, **fields: Any) -> int:
        """For derived values such as a revision or a mark for outdated data. Never for data that a person entered."""
        return super().update(**fields)

    update_unrecorded.alters_data = True  # type: ignore[attr-defined]  # Django's, not in the stubs


class TrackedModel(Owned):
    """A row with a time-sorted id, its author, and a history.

    `known_since` is the name of the field with the instant since when the row is known. A model without it is shown as
    it is today when the past of a household is read (see strata.audit.point_in_time). `shared_rows_are_always_known`:
    rows that all households share are shown in the past before they were created too: a household that was restored
    from an archive may be older than this installation. `raises_revision` is False where writes of its rows change no
    figure of their portfolio. `computed_columns` are calculated from other rows: an undo does not compare them.
    `located_by` is the column, if any, that look-ups by id name too: a table that is partitioned by it needs that to
    find the row at once. Such a model notes its place in `from_db`.
    """

    raises_revision = True
    located_by: tuple[str, ...] = ()
    _place: dict[str, Any] | None
    computed_columns: tuple[str, ...] = ()
    known_since: str | None = "created_at"
    shared_rows_are_always_known = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False, default=timezone.now)
    updated_at = models.DateTimeField(_("updated at"), editable=False, default=timezone.now)
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

    objects = TrackedQuerySet.as_manager()  # type: ignore[misc]  # the plugin takes it for a variable of the row

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def sign(self, *, adding: bool) -> None:
        """Set the actor and the time on the row. Values that came with a request are overwritten."""
        sign_rows([self], adding=adding)

    def save(self, *args: Any, **kwargs: Any) -> None:
        adding = self._state.adding
        if kwargs.get("update_fields") is not None:
            named = set(kwargs["update_fields"])
            kwargs["update_fields"] = {*named, *key_fields(type(self), named), "updated_at", "updated_by"}
        # All or nothing: a caller that continues after an error must roll back first.
        with transaction.atomic(savepoint=False):
            if adding:
                guard_new_rows(type(self), [self])
                self.sign(adding=True)
            else:
                stored = guard_stored_row(self)
                self.sign(adding=False)
                recorded = write_journal(stored, Action.UPDATE, number=1)
                if not recorded:  # the row was deleted: Django would insert it again
                    raise NotFound(resource_name(type(self)))
            model = type(self)
            if adding:
                super().save(*args, **kwargs)
                write_creation(self, self.created_at)
                derived_from(model).update_new([self])
            else:
                ids = ids_of([self])
                ids.places.update(place_of(self).values())
                with updating_derived_data(model, ids, fields=kwargs.get("update_fields")):
                    super().save(*args, **kwargs)
        self.note_place()

    def note_place(self) -> None:
        """Remember where the row is stored, after it was read or written."""
        if self.located_by:
            noted = {name: vars(self)[name] for name in self.located_by if name in vars(self)}
            self._place = noted if len(noted) == len(self.located_by) else None

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        self.note_place()

    def _do_update(self, base_qs: Any, *args: Any, **kwargs: Any) -> Any:
        """Django's statement of a save, which names the id."""
        djangos: Any = super()  # the stubs do not have it
        rows = base_qs.filter(**place_of(self)) if self.located_by else base_qs
        return djangos._do_update(rows, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        deleted = type(self)._base_manager.filter(pk=self.pk, **place_of(self)).delete()
        self._state.adding = True
        return deleted


def sign_rows(rows: Iterable[TrackedModel], *, adding: bool) -> None:
    """`sign` for all rows: the actor and the time are asked for once."""
    at, user = written_at(), actor.current().user
    names = ("updated", "created") if adding else ("updated",)
    signed: dict[str, Any] = {f"{name}_at": at for name in names}
    signed |= {f"{name}_by_id": None if user is None else user.pk for name in names}
    users = {f"{name}_by": user for name in names}
    for row in rows:  # as the descriptors do, which look at more
        row.__dict__.update(signed)
        row._state.fields_cache.update(users)


def stored_values(row: models.Model, fields: Iterable[Any], using: str) -> list[Any]:
    """The key and these fields of the row, as the database stores them."""
    fields = (row._meta.pk, *fields)
    return [field.get_db_prep_save(field.pre_save(row, False), connections[using]) for field in fields]


def delete_related(relation: Any, ids: list[UUID], derive: bool, inside: bool) -> int:
    """Delete the related rows of one relation, in batches: a million ids are never in memory at once."""
    children = relation.related_model._base_manager
    return sum(
        children.filter(**{f"{relation.field.name}__in": batch}).delete(derive=derive, inside=inside)[0]
        for batch in batched(ids, PARENTS_AT_A_TIME)
    )


@contextmanager
def updating_derived_data(
    model: type[TrackedModel],
    ids: RowIds,
    *,
    derive: bool = True,
    fields: Collection[str] | None = None,
) -> Iterator[None]:
    """Around a write of rows whose guards are locked: updates what is derived from them. `fields` are those written."""
    derived = derived_from(model)
    if fields is not None:
        # Of a foreign key the column may be named.
        fields = {model._meta.get_field(name).name for name in fields}
    derive = derive and derived.changes_with(fields)
    before = derived.capture(ids) if derive else None
    yield
    if derive:
        derived.update(ids, before)
