"""Fixtures for all tests. Alice owns the household, Bob may edit, Vera may only read, Charlie is no member."""

import gc
from functools import cache, partial
from importlib import import_module

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.template.base import Template
from django.test.signals import template_rendered
from django.utils import timezone
from rest_framework.test import APIClient
from whitenoise.middleware import WhiteNoiseMiddleware

from assets.classification.seeds import shared_types
from assets.models import AssetType, ExchangeRate
from assets.rates.conversion_rates import add_conversion_rates
from portfolios.models import Household, Membership, Portfolio
from reports.dashboard.kept import KEPT
from reports.menu import STALE_VALUES
from strata.accounts.models import User
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests import documented, template_database
from tests.large_frame import call_in_large_frame

WITH_TRIGGERS = ("strata.migrations.0002_the_journal_stands", "assets.migrations.0006_rates_stand")


def pytest_sessionstart(session):
    documented.watch()


def pytest_collection_finish(session):
    """As gunicorn.conf.py does: what is imported stays, so the garbage collection need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_collection_modifyitems(items):
    for item in items:
        item.setup = partial(call_in_large_frame, item.setup)
        item.runtest = partial(call_in_large_frame, item.runtest)


def pytest_sessionfinish(session):
    """Send the results from a worker of xdist to the process that started it."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["documented"] = [dict(documented.checked), dict(documented.left_out)]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    checked, left_out = getattr(node, "workeroutput", {}).get("documented", ({}, {}))
    documented.checked.update(checked)
    documented.left_out.update(left_out)


def pytest_terminal_summary(terminalreporter):
    if documented.checked:
        for line in documented.summary(documented.checked, documented.left_out):
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _no_throttle(settings):
    settings.API_THROTTLE = "off"


@pytest.fixture(autouse=True)
def _no_kept_pages():
    """The ids and revisions of one test may come again in another."""
    KEPT.clear()
    STALE_VALUES.clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    template_database.use(connection)


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
    migrations = [import_module(name) for name in WITH_TRIGGERS]
    drop = [statement for migration in migrations for statement in migration.FALL[connection.vendor]]
    create = [statement for migration in migrations for statement in migration.STAND[connection.vendor]]
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


def client_of(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def household(db):
    return Household.objects.create(name="Household")


def member(household, name, role):
    user = User.objects.create(username=name)
    if role:
        Membership.objects.create(household=household, user=user, role=role, accepted_at=timezone.now())
    return user


@pytest.fixture
def alice_user(household):
    return member(household, "alice", OWNER)


@pytest.fixture
def bob_user(household):
    return member(household, "bob", EDITOR)


@pytest.fixture
def vera_user(household):
    return member(household, "vera", VIEWER)


@pytest.fixture
def charlie_user(household):
    return member(household, "charlie", None)


@pytest.fixture
def alice(alice_user):
    return client_of(alice_user)


@pytest.fixture
def bob(bob_user):
    return client_of(bob_user)


@pytest.fixture
def vera(vera_user):
    return client_of(vera_user)


@pytest.fixture
def charlie(charlie_user):
    return client_of(charlie_user)


@pytest.fixture
def portfolio(household):
    return Portfolio.objects.create(
        household=household, name="Main", base_currency="EUR", time_zone="Europe/Berlin"
    )
