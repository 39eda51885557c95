"""The journal, which records every write and cannot be changed; and the stored answers for repeated requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from strata.fields.ids import uuid7

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


class Action(models.TextChoices):
    CREATE = "create", _("Created")
    UPDATE = "update", _("Changed")
    DELETE = "delete", _("Deleted")
    # of a portfolio: many rows below it in one write, each of which has an entry of its own
    UPDATE_VALUES = "update_values", _("Updated values")
    ADD_TRANSACTIONS = "add_transactions", _("Added transactions")
    UNDO = "undo", _("Undone")


class JournalEntry(models.Model):
    """One write of one row: who, when, by which channel, and the row as it was before.

    `before` is None for a creation, also for that by the undo of a deletion. The row after the write is the next
    entry's `before`, or the present row: so a row that was never edited is not stored twice. Entries are ordered by
    `id`; `at` is for people and `known_at`.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("date"))
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
    model = models.CharField(_("model"), max_length=64)
    object_id = models.UUIDField(_("object id"))
    household_id = models.UUIDField(_("household id"), null=True)
    action = models.CharField(_("action"), max_length=32, choices=Action)
    count = models.PositiveIntegerField(_("count"), null=True)  # of a write of many rows: how many
    undo_of = models.CharField(
        _("undo of"), max_length=64, null=True
    )  # of an undo: the request_id of what it undid
    before = models.JSONField(_("before"), null=True)

    objects = ImmutableQuerySet.as_manager()

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
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.model} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("What is recorded cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("What is recorded cannot be deleted.")


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
    # of a household that is being written in steps: until when only its writer may remove it (hidden_writes)
    written_until = models.DateTimeField(null=True)

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
