"""The SQL of each new migration stops nobody: no statement locks a large table for as long as it reads or writes it."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from tests.strata_apps import APPS

pytestmark = pytest.mark.on_postgresql
# The last migration of each app before this rule. They stay as they are.
BEFORE = {"strata": 17, "portfolios": 14, "assets": 43, "reports": 1, "imports": 1}
LARGE = (
    "assets.AssetSnapshot",
    "assets.Transaction",
    "assets.MonthlyDeltas",
    "assets.MonthlyValues",
    "strata.JournalEntry",
)
# By what a statement does: with a lock that others wait for, it reads or writes all rows.
STOPPING = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)[^;]*ON {table}\b": "use AddIndexConcurrently",
    r"ALTER TABLE {table}\b[^;]*SET NOT NULL": "add a constraint NOT VALID, validate it, and then set NOT NULL",
    r"ALTER TABLE {table}\b[^;]*ALTER COLUMN [^;]*\bTYPE\b": "add another column, and fill it in batches",
    r"ALTER TABLE {table}\b[^;]*ADD CONSTRAINT (?![^;]*NOT VALID)": "add it NOT VALID, and validate it afterwards",
    r"ALTER TABLE {table}\b[^;]*ADD COLUMN [^;]*DEFAULT (random|gen_random_uuid|clock_timestamp)": "fill in batches",
    r"(UPDATE|DELETE FROM) {table}\b": "fill in batches, by a command",
}


def stopping(sql: str, tables: list[str]) -> list[str]:
    """What each statement that would stop others should be, by its table."""
    plain = sql.replace('"', "")
    return [
        f"{table}: {advice}"
        for table in tables
        for pattern, advice in STOPPING.items()
        if re.search(pattern.replace("{table}", table), plain, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    ("sql", "is_stopping"),
    [
        ('CREATE INDEX "x" ON "large" ("a");', True),
        ('CREATE UNIQUE INDEX "x" ON "large" ("a");', True),
        ('CREATE INDEX CONCURRENTLY "x" ON "large" ("a");', False),
        ('CREATE INDEX "x" ON "larger" ("a");', False),
        ('ALTER TABLE "large" ALTER COLUMN "a" SET NOT NULL;', True),
        ('ALTER TABLE "large" ADD COLUMN "a" integer DEFAULT 0 NOT NULL;', False),
        ('ALTER TABLE "large" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;', True),
        ('ALTER TABLE "large" ADD CONSTRAINT "c" CHECK (a > 0);', True),
        ('ALTER TABLE "large" ADD CONSTRAINT "c" CHECK (a > 0) NOT VALID;', False),
        ('ALTER TABLE "large" VALIDATE CONSTRAINT "c";', False),
        ('UPDATE "large" SET "a" = 1;', True),
        ('ALTER TABLE "small" ALTER COLUMN "a" SET NOT NULL; CREATE INDEX "x" ON "small" ("a");', False),
    ],
)
def test_what_stops_others_is_seen(sql, is_stopping):
    assert bool(stopping(sql, ["large"])) is is_stopping


@pytest.mark.django_db
def test_new_migrations_stop_nobody(capsys):
    tables = [apps.get_model(label)._meta.db_table for label in LARGE]
    problems = {}
    for app, name in sorted(MigrationLoader(None).disk_migrations):
        if app not in APPS or int(name[:4]) <= BEFORE.get(app, 0):
            continue
        call_command("sqlmigrate", app, name)
        if advice := stopping(capsys.readouterr().out, tables):
            problems[f"{app}.{name}"] = advice
    assert problems == {}
