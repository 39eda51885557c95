"""Household: the border of what people see of each other; Membership: who is inside, and with what right."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from strata.history import TrackedModel
from strata.names import NameField, NameKeyField
from strata.ownership import EDITOR, OWNER, VIEWER


class Household(TrackedModel):
    household_lookup = ""

    name = NameField()
    name_key = NameKeyField()

    class Meta(TrackedModel.Meta):
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.name


class Membership(TrackedModel):
    """`accepted_at` is empty while it is an invitation, which gives no rights."""

    class Role(models.TextChoices):
        OWNER = OWNER
        EDITOR = EDITOR
        VIEWER = VIEWER

    household_lookup = "household"
    known_since = None  # who may see the past is who may see the present

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role, default=Role.VIEWER)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta(TrackedModel.Meta):
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(fields=("household", "user"), name="membership_one_per_user"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"
