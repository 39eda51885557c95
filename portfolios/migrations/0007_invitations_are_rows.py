"""A table for invitations (docs/decisions/0010)."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import strata.fields.ids
import strata.fields.names

ROLES = [("owner", "Owner"), ("editor", "Editor"), ("viewer", "Viewer")]


def author():
    return models.ForeignKey(
        db_index=False,
        editable=False,
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


def moment():
    return models.DateTimeField(default=django.utils.timezone.now, editable=False)


class Migration(migrations.Migration):
    dependencies = (
        ("portfolios", "0006_saved_totals_of_any_size"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )
    operations = (
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", moment()),
                ("updated_at", moment()),
                ("username", strata.fields.names.NameField(max_length=150)),
                ("username_key", strata.fields.names.NameKeyField(source="username")),
                ("role", models.CharField(choices=ROLES, default="viewer", max_length=6)),
                ("created_by", author()),
                (
                    "household",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="portfolios.household",
                    ),
                ),
                ("updated_by", author()),
            ],
            options={
                "ordering": ("created_at", "id"),
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["username_key"], name="invitation_by_name")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("household", "username_key"), name="invitation_one_for_each_name"
                    )
                ],
            },
        ),
    )
