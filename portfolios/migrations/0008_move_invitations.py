"""Replace each membership that is not accepted yet by an invitation with the same id; the journal records it.

Backwards, an invitation for a name that no user has cannot be kept: only the journal knows of it then.
"""

from django.db import migrations
from django.utils import timezone

from strata.audit.recording import row_image
from strata.migrations._name_keys import WRITTEN_BY
from strata.fields.names import name_key

KEPT = ("id", "household_id", "role", "created_at", "updated_at", "created_by_id", "updated_by_id")
MEMBERSHIP, INVITATION = "portfolios.Membership", "portfolios.Invitation"


def to_invitations(apps, schema_editor):
    move = Move(apps, schema_editor.connection.alias)
    names = dict(move.users.values_list("pk", "username"))
    for member in move.members.filter(accepted_at=None).order_by("pk"):
        move.gone(MEMBERSHIP, member)
        username = names[member.user_id]
        move.come(INVITATION, move.invitations, member, username=username, username_key=name_key(username))


def to_memberships(apps, schema_editor):
    move = Move(apps, schema_editor.connection.alias)
    keys = {key: pk for pk, key in move.users.values_list("pk", "username_key")}
    for invitation in move.invitations.order_by("pk"):
        move.gone(INVITATION, invitation)
        user = keys.get(invitation.username_key)
        if user and not move.members.filter(household=invitation.household_id, user=user).exists():
            move.come(MEMBERSHIP, move.members, invitation, user_id=user, accepted_at=None)


class Move:
    """A row of one table becomes a row of the other; each end has its line in the journal."""

    def __init__(self, apps, alias):
        def rows(label):
            return apps.get_model(label)._base_manager.using(alias)

        self.users, self.journal = rows("strata.User"), rows("strata.Change")
        self.members, self.invitations = rows(MEMBERSHIP), rows(INVITATION)
        self.now = timezone.now()

    def gone(self, label, row):
        rows = type(row)._base_manager.using(self.journal.db).filter(pk=row.pk)
        self.note(label, row, "delete", rows.values_list(row_image(type(row)), flat=True).get())
        rows.delete()

    def come(self, label, rows, row, **fields):
        rows.bulk_create([rows.model(**{name: getattr(row, name) for name in KEPT}, **fields)])
        self.note(label, row, "create", None)

    def note(self, label, row, action, before):
        self.journal.create(
            at=self.now,
            road=WRITTEN_BY,
            model=label,
            object_id=row.pk,
            household_id=row.household_id,
            action=action,
            before=before,
        )


class Migration(migrations.Migration):
    dependencies = (
        ("portfolios", "0007_invitations_are_rows"),
        ("strata", "0009_one_form_of_usernames"),
    )
    run_before = (("strata", "0011_the_channel_of_a_change"),)  # which renames the journal's `road`
    operations = (migrations.RunPython(to_invitations, to_memberships),)
