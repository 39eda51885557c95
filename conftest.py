"""Fixtures for all tests. Alice owns the household, Bob may edit, Vera may only read, Charlie is no member.

A run of pytest is on SQLite or, with TEST_DATABASE_URL, on PostgreSQL. A test that concerns one of the two, or no
database, is marked `on_sqlite` or `on_postgresql`; the pass on the other deselects it, and pytest reports how many.
"""

import gc
import os
import pickle
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from assets.rates.kept import KEPT as KEPT_RATES
from investments.queries.kept_ledgers import KEPT as KEPT_LEDGERS
from investments.queries.kept_ledgers import KEPT_LOTS
from investments.queries.performance import KEPT_PERFORMANCES
from portfolios.models import Household, Membership, Portfolio
from reports.dashboard.kept import KEPT
from reports.menu import STALE_VALUES
from strata.accounts.models import User
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests import documented, template_database
from tests.fake_source import FakeSource, registered
from tests.large_frame import call_in_large_frame

pytest_plugins = ("tests.django_patches", "tests.release_databases")

PASS = "postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite"
OTHER_MARK = {"postgresql": "on_sqlite", "sqlite": "on_postgresql"}[PASS]


def pytest_sessionstart(session):
    documented.watch()


def pytest_collection_finish(session):
    """As gunicorn.conf.py does: what is imported stays, so the garbage collection need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_collection_modifyitems(config, items):
    of_other_pass = [item for item in items if item.get_closest_marker(OTHER_MARK)]
    if of_other_pass:
        items[:] = [item for item in items if not item.get_closest_marker(OTHER_MARK)]
        config.hook.pytest_deselected(items=of_other_pass)
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
def _nothing_is_kept():
    """The ids and revisions of one test may come again in another, and each starts with no rates loaded."""
    KEPT.clear()
    for kept in (KEPT_LEDGERS, KEPT_LOTS, KEPT_PERFORMANCES):
        kept.clear()
    KEPT_RATES.clear()
    STALE_VALUES.clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    template_database.use(connection)


def client_of(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture(scope="module")
def shared_rows(django_db_setup, django_db_blocker):
    """The household, its people and its portfolio, made once for all tests of a module, which need not make them again.

    A module asks for it by `pytestmark = pytest.mark.usefixtures("shared_rows")`. The rows are in a transaction that is
    open while its tests run; each test is rolled back to a savepoint. Not for tests with transactions of their own.
    """
    around_all_tests = transaction.atomic()
    around_all_tests._from_testcase = True  # like that of each test, it is none of the program's
    with django_db_blocker.unblock(), around_all_tests:
        household = Household.objects.create(name="Household")
        yield {
            "household": household,
            "portfolio": portfolio_of(household),
            **{f"{name}_user": member(household, name, role) for name, role in PEOPLE.items()},
        }
        transaction.set_rollback(True)


@pytest.fixture
def shared(request, db) -> dict[str, Any]:
    """This test's copies of them; empty where the module shares none."""
    if "shared_rows" not in request.fixturenames:
        return {}
    connection.run_on_commit.clear()  # what made the rows is over
    # ten times faster than deepcopy
    pickled = pickle.dumps(request.getfixturevalue("shared_rows"))
    return pickle.loads(pickled)  # nosemgrep: no-shell - the rows of this process


@pytest.fixture
def household(shared):
    return shared.get("household") or Household.objects.create(name="Household")


PEOPLE = {"alice": OWNER, "bob": EDITOR, "vera": VIEWER, "charlie": None}


def member(household, name, role):
    user = User.objects.create(username=name)
    if role:
        Membership.objects.create(household=household, user=user, role=role, accepted_at=timezone.now())
    return user


@pytest.fixture
def alice_user(household, shared):
    return shared.get("alice_user") or member(household, "alice", PEOPLE["alice"])


@pytest.fixture
def bob_user(household, shared):
    return shared.get("bob_user") or member(household, "bob", PEOPLE["bob"])


@pytest.fixture
def vera_user(household, shared):
    return shared.get("vera_user") or member(household, "vera", PEOPLE["vera"])


@pytest.fixture
def charlie_user(household, shared):
    return shared.get("charlie_user") or member(household, "charlie", PEOPLE["charlie"])


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


def portfolio_of(household) -> Portfolio:
    return Portfolio.objects.create(
        household=household, name="Main", base_currency="EUR", time_zone="Europe/Berlin"
    )


@pytest.fixture
def portfolio(household, shared):
    return shared.get("portfolio") or portfolio_of(household)


@pytest.fixture(params=[True, False], ids=["stored", "computed"])
def source(request):
    """A source of values of which the test says what they are; each test has one with stored and one with computed
    values.
    """
    source = FakeSource(is_stored=request.param)
    with registered(source):
        yield source
