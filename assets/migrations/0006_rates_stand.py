"""The database itself refuses to change a rate, as it refuses to change the journal (strata 0002).

A later migration that alters the table creates it again on SQLite, without its triggers: it must add them again, or
the test that asks each database to change a rate fails.
"""

from django.db import migrations

REFUSAL = "A rate cannot be changed: add a newer one."
CREATE_TRIGGERS = {
    "sqlite": [
        *(
            f"CREATE TRIGGER rate_refuses_{verb.lower()} BEFORE {verb} ON assets_exchangerate"
            f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            for verb in ("UPDATE", "DELETE")
        ),
        # INSERT OR REPLACE deletes the row that it replaces, and fires no trigger for it.
        "CREATE TRIGGER rate_refuses_replacement BEFORE INSERT ON assets_exchangerate"
        " WHEN EXISTS (SELECT 1 FROM assets_exchangerate WHERE id = NEW.id)"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION assets_rate_stands() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER rate_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON assets_exchangerate"
        " FOR EACH STATEMENT EXECUTE FUNCTION assets_rate_stands()",
    ],
}
DROP_TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER rate_refuses_update",
        "DROP TRIGGER rate_refuses_delete",
        "DROP TRIGGER rate_refuses_replacement",
    ],
    "postgresql": [
        "DROP TRIGGER rate_stands ON assets_exchangerate",
        "DROP FUNCTION assets_rate_stands()",
    ],
}


def create_triggers(apps, schema_editor):
    for statement in CREATE_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    for statement in DROP_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = (("assets", "0005_fill_daily_steps"),)
    operations = (
        migrations.AlterModelOptions(
            "exchangerate", {"ordering": ("-on", "currency", "-id"), "base_manager_name": "objects"}
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    )
