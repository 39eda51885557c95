"""Fixtures for all tests. Alice owns the household, Bob may edit, Vera may only read, Charlie is no member."""

import gc
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from assets.rates.kept import KEPT as KEPT_RATES
from portfolios.models import Household, Membership, Portfolio
from reports.dashboard.kept import KEPT
from reports.menu import STALE_VALUES
from strata.accounts.models import User
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests import documented, template_database
from tests.large_frame import call_in_large_frame

pytest_plugins = ("tests.django_patches",)


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
def _nothing_is_kept():
    """The ids and revisions of one test may come again in another, and each starts with no rates loaded."""
    KEPT.clear()
    KEPT_RATES.clear()
    STALE_VALUES.clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    template_database.use(connection)


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
