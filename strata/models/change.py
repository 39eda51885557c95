"""Change: the journal that every write leaves behind, and that nothing may alter."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ImmutableQuerySet(models.QuerySet):
    """Rows may be added and read; updating or deleting them is refused."""

    def update(self, **fields):
        raise TypeError("The history cannot be changed.")

    def delete(self):
        raise TypeError("The history cannot be deleted.")

    def bulk_update(self, objs, fields, batch_size=None):
        raise TypeError("The history cannot be changed.")


class Change(models.Model):
    """One write of one row: who, when, by which road, and the row as it was before.

    `before` is None for a creation. What came after is the next change's `before`, or the row as it stands: so
    a row that was never edited is not stored twice. Rows are ordered by `id`; `at` is for people and `known_at`.
    """

    class Action(models.TextChoices):
        CREATE = "create"
        UPDATE = "update"
        DELETE = "delete"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    actor_name = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    road = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=64)
    object_id = models.UUIDField()
    household_id = models.UUIDField(null=True)
    action = models.CharField(max_length=6, choices=Action)
    before = models.JSONField(null=True)

    objects = ImmutableQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("object_id", "id"), name="change_of_object"),
            models.Index(fields=("household_id", "model", "at"), name="change_in_household"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.model} {self.object_id}"

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise TypeError("The history cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise TypeError("The history cannot be deleted.")
