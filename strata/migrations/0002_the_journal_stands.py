"""Triggers by which the database itself refuses changes of the journal, and an index for images since an instant.

A later migration that alters the table creates it again on SQLite, without its triggers. It must add them again;
otherwise the test that tries to change the journal on each database fails.
"""

from django.db import migrations, models

REFUSAL = "The history cannot be changed."
CREATE_TRIGGERS = {
    "sqlite": [
        *(
            f"CREATE TRIGGER change_refuses_{verb.lower()} BEFORE {verb} ON strata_change"
            f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            for verb in ("UPDATE", "DELETE")
        ),
        # INSERT OR REPLACE deletes the replaced row without firing a trigger.
        "CREATE TRIGGER change_refuses_replacement BEFORE INSERT ON strata_change"
        " WHEN EXISTS (SELECT 1 FROM strata_change WHERE id = NEW.id)"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION strata_change_stands() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER change_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON strata_change"
        " FOR EACH STATEMENT EXECUTE FUNCTION strata_change_stands()",
    ],
}
DROP_TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER change_refuses_update",
        "DROP TRIGGER change_refuses_delete",
        "DROP TRIGGER change_refuses_replacement",
    ],
    "postgresql": [
        "DROP TRIGGER change_stands ON strata_change",
        "DROP FUNCTION strata_change_stands()",
    ],
}


def create_triggers(apps, schema_editor):
    for statement in CREATE_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    for statement in DROP_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = (("strata", "0001_users_tokens_and_the_journal"),)
    operations = (
        migrations.AlterModelOptions(
            "user",
            {"verbose_name": "user", "verbose_name_plural": "users", "base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            "apitoken", {"ordering": ("-created_at", "-id"), "base_manager_name": "objects"}
        ),
        migrations.AlterModelOptions("change", {"ordering": ("-id",), "base_manager_name": "objects"}),
        migrations.RemoveIndex("change", "change_in_household"),
        migrations.AddIndex(
            "change",
            models.Index(
                fields=["household_id", "model", "at"],
                condition=models.Q(before__isnull=False),
                name="change_with_an_image",
            ),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    )
