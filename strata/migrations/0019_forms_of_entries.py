"""Entries of one write share who wrote it, and those of many new rows are packed (docs/decisions/0044).

Entries that are there stay as they are. Backwards, each of the new forms becomes entries by themselves, with new ids in
the same order: the former version knows no other form. 0023 has copied them before, all but the last.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import strata.fields.id_lists
from strata.migrations._entries_by_themselves import complete_copy, drop_copy, exchange

journal = import_module("strata.migrations.0002_the_journal_stands")

# The columns of the view, and its parts: entries by themselves, those of a write, and the rows of those that are packed.
SELECTED = (
    "SELECT c.id, c.at, {who}.actor_id, {who}.actor_name, {request} AS request_id, {who}.road, c.model,"
    " {row} AS object_id, c.household_id, c.action, {count} AS count, c.undo_of, c.before, c.object_id AS first_id,"
    " {last} AS last_id, {is_packed} AS is_packed FROM strata_change c"
)
OF_WRITE = " JOIN strata_write w ON w.id = c.write_id"
UNPACKED = {"row": "c.object_id", "count": "c.count", "last": "c.object_id"}
PACKED = {"count": "NULL", "last": "c.last_id"}
ROWS = {
    "sqlite": ("row.value", ", json_each(c.packed) AS row"),
    "postgresql": ("packed_row.id", " CROSS JOIN LATERAL unnest(c.packed) AS packed_row(id)"),
}


def parts_of_view(vendor, request, condition=""):
    """`request` is the column or a constant; `condition` is of it, with a place for the table."""
    row, rows = ROWS[vendor]
    false, true = ("0", "1") if vendor == "sqlite" else ("FALSE", "TRUE")
    by_itself = SELECTED.format(who="c", request=request.format("c"), is_packed=false, **UNPACKED)
    of_write = SELECTED.format(who="w", request=request.format("w"), is_packed=false, **UNPACKED)
    packed = SELECTED.format(who="w", request=request.format("w"), row=row, is_packed=true, **PACKED)
    of_write_too = " AND c.write_id IS NOT NULL" + condition.format("w")
    return [
        f"{by_itself} WHERE c.write_id IS NULL{condition.format('c')}",
        f"{of_write}{OF_WRITE} WHERE c.packed IS NULL{of_write_too}",
        f"{packed}{OF_WRITE}{rows} WHERE c.packed IS NOT NULL{of_write_too}",
    ]


# SQLite uses a partial index only where the view itself has its condition. The other entries have no request.
PARTS = {
    "sqlite": [
        *parts_of_view("sqlite", "{}.request_id", " AND NOT ({}.request_id = '')"),
        *parts_of_view("sqlite", "''", " AND {}.request_id = ''"),
    ],
    "postgresql": parts_of_view("postgresql", "{}.request_id"),
}
VIEW = {vendor: f"CREATE VIEW strata_history AS {' UNION ALL '.join(parts)}" for vendor, parts in PARTS.items()}
CREATE_TRIGGERS = {
    "sqlite": [
        *(
            f"CREATE TRIGGER write_refuses_{verb.lower()} BEFORE {verb} ON strata_write"
            f" BEGIN SELECT RAISE(ABORT, '{journal.REFUSAL}'); END"
            for verb in ("UPDATE", "DELETE")
        ),
        "CREATE TRIGGER write_refuses_replacement BEFORE INSERT ON strata_write"
        " WHEN EXISTS (SELECT 1 FROM strata_write WHERE id = NEW.id)"
        f" BEGIN SELECT RAISE(ABORT, '{journal.REFUSAL}'); END",
    ],
    "postgresql": [
        "CREATE TRIGGER write_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON strata_write"
        " FOR EACH STATEMENT EXECUTE FUNCTION strata_change_stands()",
    ],
}
DROP_TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER write_refuses_update",
        "DROP TRIGGER write_refuses_delete",
        "DROP TRIGGER write_refuses_replacement",
    ],
    "postgresql": ["DROP TRIGGER write_stands ON strata_write"],
}

def create_triggers(apps, schema_editor):
    for statement in CREATE_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    for statement in DROP_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def create_view(apps, schema_editor):
    schema_editor.execute(VIEW[schema_editor.connection.vendor])


def drop_view(apps, schema_editor):
    schema_editor.execute("DROP VIEW strata_history")


def give_each_row_an_entry(apps, schema_editor):
    entries = apps.get_model("strata", "JournalEntry")._base_manager.using(schema_editor.connection.alias)
    if not entries.filter(write__isnull=False).exists():
        drop_copy(apps, schema_editor)
        return
    complete_copy(apps, schema_editor)
    drop_view(apps, schema_editor)
    exchange(apps, schema_editor)
    create_view(apps, schema_editor)
    for statement in journal.CREATE_TRIGGERS[schema_editor.connection.vendor]:
        if "CREATE FUNCTION" not in statement:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = (("strata", "0018_households_written_in_steps"),)
    operations = (
        migrations.CreateModel(
            name="JournalWrite",
            fields=[
                ("actor_name", models.CharField(blank=True, max_length=150, verbose_name="user")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                (
                    "channel",
                    models.CharField(blank=True, db_column="road", max_length=64, verbose_name="via"),
                ),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="actor",
                    ),
                ),
            ],
            options={
                "db_table": "strata_write",
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("request_id", ""), _negated=True),
                        fields=["request_id"],
                        name="write_of_request",
                    )
                ],
            },
        ),
        migrations.AddField(
            "JournalEntry",
            "write",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="strata.journalwrite",
            ),
        ),
        migrations.AddField("JournalEntry", "last_id", models.UUIDField(null=True)),
        migrations.AddField("JournalEntry", "packed", strata.fields.id_lists.IdListField(null=True)),
        migrations.RunPython(create_triggers, drop_triggers),
        migrations.RunPython(create_view, drop_view),
        migrations.RunPython(migrations.RunPython.noop, give_each_row_an_entry),
        migrations.CreateModel(
            name="HistoryEntry",
            fields=[
                ("actor_name", models.CharField(blank=True, max_length=150, verbose_name="user")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                (
                    "channel",
                    models.CharField(blank=True, db_column="road", max_length=64, verbose_name="via"),
                ),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="date")),
                ("model", models.CharField(max_length=64, verbose_name="model")),
                ("object_id", models.UUIDField(verbose_name="object id")),
                ("household_id", models.UUIDField(null=True, verbose_name="household id")),
                ("action", models.CharField(max_length=32, verbose_name="action")),
                ("count", models.PositiveIntegerField(null=True, verbose_name="count")),
                ("undo_of", models.CharField(max_length=64, null=True, verbose_name="undo of")),
                ("before", models.JSONField(null=True, verbose_name="before")),
                ("first_id", models.UUIDField()),
                ("last_id", models.UUIDField()),
                ("is_packed", models.BooleanField()),
            ],
            options={
                "db_table": "strata_history",
                "ordering": ("-id", "-object_id"),
                "managed": False,
                "base_manager_name": "objects",
            },
        ),
    )
