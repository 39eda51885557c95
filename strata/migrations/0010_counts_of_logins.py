"""Counts of the attempts to log in, by name (docs/decisions/0014)."""

from django.db import migrations, models

from strata.db.collation import CodeField
from strata.fields.ids import uuid7


class Migration(migrations.Migration):
    dependencies = (("strata", "0009_one_form_of_usernames"),)
    operations = (
        migrations.CreateModel(
            "LoginCount",
            [
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("name_key", CodeField("name", max_length=600)),
                (
                    "address",
                    CodeField(blank=True, default="", help_text="Empty: all addresses.", max_length=45),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_attempt_at", models.DateTimeField()),
                ("failures", models.PositiveIntegerField("failures since the last login", default=0)),
                ("last_failure_at", models.DateTimeField(null=True)),
                (
                    "failures_before_login",
                    models.PositiveIntegerField("failures before the last login", default=0),
                ),
                ("last_login_at", models.DateTimeField("last login", null=True)),
            ],
            {"verbose_name": "account login", "ordering": ("name_key", "address")},
        ),
        migrations.AddConstraint(
            "LoginCount",
            models.UniqueConstraint(
                fields=("name_key", "address"), name="login_count_one_for_each_name_and_address"
            ),
        ),
        migrations.AddIndex(
            "LoginCount", models.Index(fields=("last_attempt_at",), name="login_count_by_age")
        ),
    )
