"""The journal, which records every write and cannot be changed; and the stored answers for repeated requests."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from typing import Any, NoReturn, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from strata.fields.id_lists import IdListField
from strata.fields.ids import uuid7

PACKED_SPAN_MS = (
    60_000  # within which the ids of a packed entry were made: so it is looked for in a minute of ids
)
SIGNED = ("actor_id", "actor_name", "request_id", "channel")
BITS_BELOW_MS = 80  # of a UUID of version 7, which begins with its millisecond
Row = TypeVar("Row", bound=models.Model, covariant=True)  # covariant as in the stubs of Django


class ImmutableQuerySet(models.QuerySet[Row, Row]):
    """Rows can be added and read. Update and delete are refused, also in Django's internal methods."""

    def update(self, **fields: Any) -> NoReturn:
        raise TypeError("What is recorded cannot be changed.")

    def delete(self) -> NoReturn:
        raise TypeError("What is recorded cannot be deleted.")

    delete.queryset_only = True  # type: ignore[attr-defined]  # Django's, not in the stubs

    def bulk_update(
        self, objs: Iterable[Row], fields: Iterable[str], batch_size: int | None = None
    ) -> NoReturn:
        raise TypeError("What is recorded cannot be changed.")

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        if kwargs.get("update_conflicts"):
            raise TypeError("What is recorded cannot be changed.")
        return super().bulk_create(objs, *args, **kwargs)

    def _update(self, values: Any, *args: Any, **kwargs: Any) -> int:
        """Django tries an UPDATE first for a row with an id, such as from a dump. 0 rows make it insert the row."""
        if self.exists():
            raise TypeError("What is recorded cannot be changed.")
        return 0

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise TypeError("What is recorded cannot be deleted.")


class HistoryQuerySet(ImmutableQuerySet[Row]):
    def of(self, ids: Collection[UUID], *, or_entries: Collection[int] = ()) -> Self:
        """The entries of these rows, and those with the ids `or_entries`. With several, one query more is made."""
        if len(ids) == 1:
            (pk,) = ids
            own = Q(object_id=pk, first_id__range=(earliest_first(pk), pk), last_id__gte=pk)
            return self.filter(own | Q(id__in=or_entries) if or_entries else own)
        if not ids:
            return self.none()
        bounds = Q(first_id__range=(earliest_first(min(ids)), max(ids)), last_id__gte=min(ids))
        return self.filter(
            bounds, Q(is_packed=False) | Q(id__in=packed_with(ids)), object_id__listed=list(ids)
        )


def earliest_first(pk: UUID) -> UUID:
    """The least id that the first of a packed entry with this row can have."""
    return UUID(int=max(0, pk.int - (PACKED_SPAN_MS << BITS_BELOW_MS)))


def packed_with(ids: Collection[UUID]) -> list[int]:
    """Ids of the packed entries whose bounds have one of these rows between them."""
    if not ids:
        return []
    ordered = sorted(ids)
    packed = JournalEntry.objects.order_by().filter(packed__isnull=False, last_id__gte=ordered[0])
    packed = packed.filter(object_id__range=(earliest_first(ordered[0]), ordered[-1]))
    return [
        pk
        for pk, first, last in packed.values_list("id", "object_id", "last_id")
        if last and bisect_left(ordered, first) < bisect_right(ordered, last)
    ]


class Action(models.TextChoices):
    CREATE = "create", _("Created")
    UPDATE = "update", _("Changed")
    DELETE = "delete", _("Deleted")
    # of a portfolio: many rows below it in one write, each of which has an entry of its own
    UPDATE_VALUES = "update_values", _("Updated values")
    ADD_TRANSACTIONS = "add_transactions", _("Added transactions")
    UNDO = "undo", _("Undone")


class Signed(models.Model):
    """Who wrote something, by which channel and in which request."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("actor"),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    actor_name = models.CharField(_("user"), max_length=150, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    channel = models.CharField(_("via"), max_length=64, blank=True, db_column="road")

    class Meta:
        abstract = True


class Immutable(models.Model):
    """A row that is added and then only read."""

    objects = ImmutableQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("What is recorded cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("What is recorded cannot be deleted.")


class Recorded(Signed):
    """What an entry says of one write of one row: who, when, by which channel, and the row as it was before.

    `before` is None for a creation, also for that by the undo of a deletion. The row after the write is the next
    entry's `before`, or the present row: so a row that was never edited is not stored twice. Entries are ordered by
    `id`; `at` is for people and `known_at`.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("date"))
    model = models.CharField(_("model"), max_length=64)
    object_id = models.UUIDField(_("object id"))
    household_id = models.UUIDField(_("household id"), null=True)
    action = models.CharField(_("action"), max_length=32, choices=Action)
    count = models.PositiveIntegerField(_("count"), null=True)  # of a write of many rows: how many
    undo_of = models.CharField(
        _("undo of"), max_length=64, null=True
    )  # of an undo: the request_id of what it undid
    before = models.JSONField(_("before"), null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.model} {self.object_id}"


class JournalWrite(Immutable, Signed):
    """What the entries of one transaction have in common, stored once (docs/decisions/0044)."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        db_table = "strata_write"
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=("request_id",), condition=~Q(request_id=""), name="write_of_request"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.request_id}"


class JournalEntry(Immutable, Recorded):
    """An entry as it is stored, in one of three forms (docs/decisions/0044). Only `strata.audit` reads it.

    By itself: all columns of Recorded. Of a write: `write` has who, which request and which channel, and these columns
    are empty. Packed: so too, and it is the entry of the creations of all rows in `packed`, in the order of their ids,
    of which `object_id` is the first and `last_id` the last.
    """

    write = models.ForeignKey(
        JournalWrite,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    last_id = models.UUIDField(null=True)
    packed = IdListField(null=True)

    class Meta:
        db_table = "strata_change"  # the name of the model before 0012; nothing in the journal is altered
        verbose_name, verbose_name_plural = _("change"), _("changes")
        ordering = ("-id",)
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=("object_id", "id"), name="change_of_object"),
            models.Index(
                fields=("household_id", "model", "at"),
                condition=Q(before__isnull=False),
                name="change_with_an_image",
            ),
            models.Index(fields=("request_id",), condition=~Q(request_id=""), name="change_of_request"),
            models.Index(
                fields=("object_id", "undo_of"), condition=Q(undo_of__isnull=False), name="change_that_undoes"
            ),
            # A row that an undo made again: it was deleted until then, although it is older.
            models.Index(
                fields=("household_id", "model", "at"),
                condition=Q(undo_of__isnull=False, before__isnull=True),
                name="change_that_restores",
            ),
            models.Index(fields=("write",), condition=Q(write__isnull=False), name="change_of_write"),
            models.Index(
                fields=("object_id", "last_id"),
                condition=Q(packed__isnull=False),
                name="change_that_is_packed",
            ),
        )


class HistoryEntry(Immutable, Recorded):
    """An entry as it is read: a view with one for each row, in whatever form it is stored.

    `last_id` and `first_id` bound the ids of those that are stored with it; without others they are its own.
    """

    first_id = models.UUIDField()
    last_id = models.UUIDField()
    is_packed = models.BooleanField()

    objects = HistoryQuerySet.as_manager()  # type: ignore[misc]  # the plugin takes it for a variable of the row

    class Meta:
        db_table = "strata_history"
        managed = False
        verbose_name, verbose_name_plural = _("change"), _("changes")
        ordering = ("-id", "-object_id")
        base_manager_name = "objects"


class Deletion(models.Model):
    """A deletion of many rows: hidden in the household `holder_id`, and removed in steps until `finished_at`.

    The other columns are those of the journal entries that all of its rows get (strata.audit.deletions).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.CharField(max_length=64)
    object_id = models.UUIDField()
    household_id = models.UUIDField(null=True)
    holder_id = models.UUIDField()
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=64, blank=True)
    undo_of = models.CharField(max_length=64, null=True)
    finished_at = models.DateTimeField(null=True)
    recorded = models.JSONField(
        null=True
    )  # labels of models whose rows have their entries since they were hidden
    # Of a household that is being written in steps (hidden_writes): until when only its writer may remove it, and which
    # entries are removed with it. They are later than `journal_after`, and of the household or of this JournalWrite.
    written_until = models.DateTimeField(null=True)
    journal_after = models.BigIntegerField(null=True)
    write_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("holder_id",), condition=Q(finished_at=None), name="deletion_unfinished"),
        )

    def __str__(self) -> str:
        return f"{self.model} {self.object_id}"


class IdempotentAnswer(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    household_id = models.UUIDField(null=True)
    household_ids = models.JSONField(null=True)  # of a write in several households: all of them
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "key"), name="idempotent_answer_one_per_user_and_key"),
        )

    def __str__(self) -> str:
        return f"{self.status} {self.created_at:%Y-%m-%d %H:%M}"
