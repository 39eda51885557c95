"""Household: the tenancy boundary; Membership: a user with a role in it; Invitation: who may become a member."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portfolios.models.lot_method import LOT_METHODS
from strata.audit.tracking import TrackedModel
from strata.fields.names import NameField, NameKeyField
from strata.tenancy.roles import EDITOR, OWNER, OWNERS, VIEWER


class Household(TrackedModel):
    belongs_to = ""

    name = NameField(_("name"))
    name_key = NameKeyField()
    lot_method = models.CharField(
        _("lots sold first"),
        max_length=8,
        choices=LOT_METHODS,
        null=True,
        blank=True,
        help_text=_("First in, first out if empty. A portfolio or an asset may have another."),
    )
    # Its assets are invented: reports leave it out beside real ones, and value it at invented rates too.
    is_demo = models.BooleanField(_("demo data"), default=False, db_default=False, editable=False)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("household"), _("households")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = OWNER, _("Owner")
    EDITOR = EDITOR, _("Editor")
    VIEWER = VIEWER, _("Viewer")


ROLES_IN_SENTENCES = (gettext_noop("owner"), gettext_noop("editor"), gettext_noop("viewer"))


class Membership(TrackedModel):
    """A user who is a member of a household since `accepted_at`, with the rights of the role."""

    Role = Role

    belongs_to = "household"
    known_since = None  # whoever sees the present also sees the past

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=6, choices=Role, default=Role.VIEWER)
    accepted_at = models.DateTimeField(_("joined on"), default=timezone.now)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("member"), _("members")
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(fields=("household", "user"), name="membership_one_per_user"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Invitation(TrackedModel):
    """An invitation to a username. Whoever has the name when accepting becomes a member; until then it gives no rights.

    The name is as the inviting owner typed it. No user is looked up, so that an invitation does not reveal whether a
    user exists. An accepted invitation becomes the membership with the same id.
    """

    belongs_to = "household"
    known_since = None  # the same as for memberships
    history_readers = OWNERS  # only they see invitations

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="invitations"
    )
    username = NameField(_("username"), max_length=150)
    username_key = NameKeyField(source="username")
    role = models.CharField(_("role"), max_length=6, choices=Role, default=Role.VIEWER)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("invitation"), _("invitations")
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("household", "username_key"), name="invitation_one_for_each_name"
            ),
        )
        indexes = (models.Index(fields=("username_key",), name="invitation_by_name"),)

    def __str__(self) -> str:
        return f"{self.username} ({self.get_role_display()})"
