"""Entries of a household that is being written in steps may be deleted until its last step; all others stay as before.

The trigger of SQLite names strata_deletion: a later migration that copies that table drops the trigger before, and
creates it again. One that copies strata_change creates all of its triggers again.
"""

from importlib import import_module

from django.db import migrations, models

journal = import_module("strata.migrations.0002_the_journal_stands")

UNSEEN = (
    "EXISTS (SELECT 1 FROM strata_deletion d WHERE d.finished_at IS NULL AND d.written_until IS NOT NULL"
    " AND (d.holder_id = OLD.household_id OR d.write_id = OLD.write_id))"
)
OF_STATEMENTS = "FOR EACH STATEMENT EXECUTE FUNCTION strata_change_stands()"
CREATE_TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER change_refuses_delete",
        "CREATE TRIGGER change_refuses_delete BEFORE DELETE ON strata_change"
        f" WHEN NOT {UNSEEN} BEGIN SELECT RAISE(ABORT, '{journal.REFUSAL}'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION strata_change_was_seen() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {UNSEEN} THEN RETURN OLD; END IF;"
        f" RAISE EXCEPTION '{journal.REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
        "DROP TRIGGER change_stands ON strata_change",
        f"CREATE TRIGGER change_stands BEFORE UPDATE OR TRUNCATE ON strata_change {OF_STATEMENTS}",
        "CREATE TRIGGER change_refuses_delete BEFORE DELETE ON strata_change"
        " FOR EACH ROW EXECUTE FUNCTION strata_change_was_seen()",
    ],
}
DROP_TRIGGERS = {
    "sqlite": ["DROP TRIGGER change_refuses_delete", journal.CREATE_TRIGGERS["sqlite"][1]],
    "postgresql": [
        "DROP TRIGGER change_refuses_delete ON strata_change",
        "DROP TRIGGER change_stands ON strata_change",
        f"CREATE TRIGGER change_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON strata_change {OF_STATEMENTS}",
        "DROP FUNCTION strata_change_was_seen()",
    ],
}


def create_triggers(apps, schema_editor):
    for statement in CREATE_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    for statement in DROP_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = (("strata", "0020_indexes_of_the_forms"),)
    operations = (
        migrations.AddField("Deletion", "write_id", models.BigIntegerField(null=True)),
        migrations.AddField("Deletion", "journal_after", models.BigIntegerField(null=True)),
        migrations.AddField("Deletion", "recorded", models.JSONField(null=True)),
        migrations.RunPython(create_triggers, drop_triggers),
    )
