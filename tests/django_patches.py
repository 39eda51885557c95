"""A plugin of pytest: what the suite changes in Django and WhiteNoise, for the whole session."""

from functools import cache
from importlib import import_module

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.template.base import Template
from django.test.signals import template_rendered
from django.utils import timezone
from whitenoise.middleware import WhiteNoiseMiddleware

from assets.classification.seeds import shared_types
from assets.models import AssetType, ExchangeRate
from assets.rates.conversion_rates import add_conversion_rates

# The migrations that make a table append-only, by triggers.
APPEND_ONLY = (
    "strata.migrations.0002_the_journal_stands",
    "assets.migrations.0006_rates_stand",
    "strata.migrations.0019_forms_of_entries",
    "strata.migrations.0021_entries_that_nobody_has_seen",
)


@cache
def may_suspend_triggers() -> bool:
    """Whether the tests' role is a superuser of PostgreSQL: then rows can be deleted without triggers."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True, scope="session")
def _flush_empties_tables_with_triggers(django_db_setup):
    """Between tests Django empties every table. Some tables have triggers against this, which are removed meanwhile."""
    migrations = [import_module(name) for name in APPEND_ONLY]
    # Backwards, because a later migration uses a function of an earlier one.
    drop = [text for migration in reversed(migrations) for text in migration.DROP_TRIGGERS[connection.vendor]]
    create = [
        statement for migration in migrations for statement in migration.CREATE_TRIGGERS[connection.vendor]
    ]
    usual = connection.ops.sql_flush

    def sql_flush(style, tables, **options):
        if tables and may_suspend_triggers():
            # TRUNCATE would create new files for 50 tables and their indexes, though most have only a few rows.
            names = (connection.ops.quote_name(name) for name in tables)
            return [
                "SET LOCAL session_replication_role = replica",
                *(f"DELETE FROM {name}" for name in names),
            ]
        statements = usual(style, tables, **options)
        return [*drop, *statements, *create] if statements else []

    connection.ops.sql_flush = sql_flush


@pytest.fixture(autouse=True, scope="session")
def _flush_restores_rows_of_migrations(django_db_setup):
    """After a flush, add the shared types and the fixed rates again: the next test on this worker needs them."""
    usual = connection.ops.execute_sql_flush

    def execute_sql_flush(statements):
        usual(statements)
        # Without journal entries, like the flush itself.
        QuerySet(AssetType).bulk_create([AssetType(**row) for row in shared_types()])
        add_conversion_rates(QuerySet(ExchangeRate), timezone.now())

    connection.ops.execute_sql_flush = execute_sql_flush


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_searched_once():
    """Each test client starts the middleware again, and WhiteNoise would search all the folders each time."""
    usual, known_files = WhiteNoiseMiddleware.add_files_from_finders, {}

    def add_files_from_finders(self):
        known = known_files.setdefault((self.static_prefix, self.max_age), self.files)
        if known is self.files:
            usual(self)
        self.files = known

    WhiteNoiseMiddleware.add_files_from_finders = add_files_from_finders


@pytest.fixture(autouse=True, scope="session")
def _only_whole_pages_are_noted():
    """Django's test client copies the context of each template. A page of the admin includes up to a hundred others."""

    def render(template, context):
        if context.template is template:
            template_rendered.send(sender=template, template=template, context=context)
        return template.nodelist.render(context)

    Template._render = render
