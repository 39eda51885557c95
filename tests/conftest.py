"""Fixtures of these tests: the database for servers, the random seed, and `world`, a household's rows.

A server test uses the `database` of the pass that runs (see conftest.py at the top), so it runs on both.

`world` is a household with one row of every type that a path can name.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from assets.classification.seeds import TypeId
from assets.models import (
    Asset,
    AssetSnapshot,
    ExchangeRate,
    Growth,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    Loan,
    LoanRate,
    PriceSource,
    Tag,
    Transaction,
)
from conftest import OTHER_MARK, PASS, member
from imports.services.previews import Upload, create_import
from portfolios.models import Household, Membership, Portfolio
from reports.api import chart_views
from reports.api.asset import asset_charts
from reports.api.investments import charts as investment_charts
from reports.models import AllocationTarget
from reports.queries import quality_report
from reports.rendering import drawing
from reports.services.portfolio_snapshots import take_snapshot
from reports.statement import document, pdf_view
from strata.accounts.models import ApiToken, User
from strata.accounts.services import issue_token
from strata.audit.actor import acting
from strata.tenancy.roles import OWNER, VIEWER
from tests.admin_forms import staff
from tests.databases import PostgresqlServer, SqliteFiles
from tests.resources import RESOURCES, Place

RANDOM_SEED = "RANDOM_SEED"


def pytest_configure(config) -> None:
    """Draws the seed once for all processes of a run, which inherit the environment.

    Servers run on the first worker, and their time is measured: what the others calculate gives way to them.
    """
    os.environ.setdefault(RANDOM_SEED, str(random.SystemRandom().randrange(2**32)))
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        os.nice(5)


def pytest_report_header() -> list[str]:
    return [
        f"servers: on {PASS}; tests marked {OTHER_MARK} belong to the other pass",
        f"random seed {os.environ[RANDOM_SEED]} ({RANDOM_SEED}=... repeats it)",
    ]


def pytest_collection_modifyitems(items) -> None:
    """Runs tests that start servers first, and so on one worker: they mostly wait, and two would disturb each other."""
    items.sort(key=lambda item: item.get_closest_marker("server") is None)


def pytest_terminal_summary(terminalreporter) -> None:
    """Prints what the tests measured, or why they did not, whether they passed or not."""
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "figures":
                    terminalreporter.write_line(
                        f"figures: {PASS}: {report.nodeid.rpartition('::')[2]}: {value}"
                    )


@pytest.fixture
def figures(record_property):
    """Call it with a measurement; the summary prints it."""
    return lambda measurement: record_property("figures", measurement)


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """SqliteFiles or a PostgresqlServer, depending on the pass."""
    if PASS == "sqlite":
        yield SqliteFiles(tmp_path_factory.mktemp("sqlite"))
        return
    server = PostgresqlServer()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def url(database) -> str:
    """The URL of a migrated database with the user alice, used by this test only."""
    return database.fresh(f"strata_{uuid4().hex}")


@pytest.fixture(scope="module")
def shared_world(shared_rows, django_db_blocker):
    """`world`, made once for all tests of a module, like `shared_rows`, which it is a part of."""
    with django_db_blocker.unblock():
        shared_rows["world"] = rows_of(shared_rows["household"], "Secret", portfolio=shared_rows["portfolio"])


@pytest.fixture
def world(household, portfolio, shared):
    """A household's rows by their type. Every name contains "ecret", so that a test can search for leaks."""
    return shared.get("world") or rows_of(household, "Secret", portfolio=portfolio)


def rows_of(household, word: str, portfolio=None) -> dict:
    """One row of every type that a path can name, each with `word` in its name."""
    portfolio = portfolio or Portfolio.objects.create(household=household, name=word, base_currency="EUR")
    now = timezone.now()
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"{word} asset", currency="EUR"
    )
    user = User.objects.create(username=f"{word}-somebody")
    Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"{word} empty", currency="EUR"
    )
    place = Place(household, asset, word, now.date())
    rows = {name: resource.add(place) for name, resource in RESOURCES.items()}
    tag, request_id = rows["tag"], str(uuid4())
    with acting(user=user, request_id=request_id, channel="api"):
        Tag.objects.filter(pk=tag.pk).update(name=f"{word} label")
    tag.refresh_from_db()
    no_value = next(issue for issue in quality_report(portfolio) if issue.name.endswith("empty"))
    instrument = Instrument.objects.create(household=household, symbol=word, name=word, currency="EUR")
    return {
        **rows,
        "household": household,
        "portfolio": portfolio,
        "asset": asset,
        "asset-schedule": loan(portfolio, f"{word} loan"),
        "asset-terms": growing_asset(portfolio, f"{word} growth"),
        "asset-snapshot": AssetSnapshot.objects.create(
            asset=asset, value="1", on=now.date(), observed_at=now
        ),
        "on": SimpleNamespace(pk=now.date()),
        "transaction": Transaction.objects.create(
            asset=asset, type="INCOME", amount="1", currency="EUR", on=now.date(), occurred_at=now
        ),
        "portfolio-snapshot": take_snapshot(portfolio.pk),
        "key": SimpleNamespace(pk=no_value.finding.key),
        "request": SimpleNamespace(pk=request_id),
        "allocation-target": AllocationTarget.objects.create(household=household, group="OTHER", share="0.1"),
        "instrument": instrument,
        "instrument-action": InstrumentAction.objects.create(
            household=household, instrument=instrument, type="rename", on=now.date(), symbol=word
        ),
        "import": create_import(
            Upload(portfolio.pk, f"account,date,balance,currency\n{word},2026-01-31,1,EUR\n".encode(), word)
        ),
        "member": Membership.objects.create(household=household, user=user, accepted_at=now),
        "price-source": add_source(instrument),
        "exchange-rate": ExchangeRate.objects.get_or_create(
            currency="USD", on="2026-01-01", defaults={"units_per_euro": "1.1"}
        )[0],
    }


def add_source(instrument) -> PriceSource:
    """A source of the installation, which the instrument has."""
    source, _ = PriceSource.objects.get_or_create(
        name="Secret source", defaults={"source_type": "json", "url": "https://example.org/{symbol}.json"}
    )
    InstrumentSource.objects.create(instrument=instrument, source=source, symbol="SECRET")
    return source


def loan(portfolio: Portfolio, name: str) -> Asset:
    """A loan of 100 that is paid back next year."""
    today = timezone.now().date()
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.MORTGAGE, name=name, currency="EUR", valuation="loan"
    )
    days = {"started_on": today, "first_payment_on": today + timedelta(days=365)}
    Loan.objects.create(asset=asset, principal=100, term=1, **days)
    LoanRate.objects.create(asset=asset, on=today, rate="0.04")
    return asset


def growing_asset(portfolio: Portfolio, name: str) -> Asset:
    """An asset that is valued by terms. It has no value: nothing was recorded."""
    asset = Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TypeId.CHECKING_ACCOUNT,
        name=name,
        currency="EUR",
        valuation="growth",
    )
    Growth.objects.create(asset=asset, rate="0.03")
    return asset


@pytest.fixture
def charts_as_text(monkeypatch):
    """Replaces charts and PDFs by the data that they show: names cannot be found in pixels, and drawing takes long."""

    def describe(*args, **options) -> bytes:
        return f'<svg width="1" height="1">{args} {options}</svg>'.encode()

    for module in (chart_views, asset_charts, investment_charts, document):
        for name in [name for name in vars(module) if name.endswith("_plot")]:
            monkeypatch.setattr(module, name, describe)
    monkeypatch.setattr(pdf_view, "pdf_of", str.encode)
    monkeypatch.setattr(
        drawing, "_render", lambda *args: pytest.fail("Name the chart's module in charts_as_text.")
    )


# --- browsers that are logged in to the admin ---


@pytest.fixture
def alices(alice_user) -> Client:
    return staff(alice_user)


@pytest.fixture
def bobs(bob_user) -> Client:
    return staff(bob_user)


@pytest.fixture
def rita(db) -> Client:
    """A superuser who is in no household."""
    return staff(User.objects.create(username="rita", is_superuser=True))


# --- users of every role, each with a token ---


@pytest.fixture
def people(household, alice_user, bob_user, vera_user, charlie_user):
    removed = member(household, "rosa", VIEWER)
    removed.memberships.all().delete()
    return {
        "owner": alice_user,
        "editor": bob_user,
        "viewer": vera_user,
        "stranger": charlie_user,
        "staff": User.objects.create(username="sam", is_staff=True),
        "superuser": User.objects.create(username="rita", is_staff=True, is_superuser=True),
        "invited": User.objects.create(username="ivan"),
        "removed": removed,
        "disabled": member(household, "dora", OWNER),
        "newcomer": User.objects.create(username="newcomer"),
    }


@pytest.fixture
def callers(people):
    clients = {"nobody": APIClient()}
    for role, user in people.items():
        clients[role] = APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(user)[1]}")
    ApiToken.objects.update(
        last_used_at=timezone.now()
    )  # else each request that is rolled back writes it again
    User.objects.filter(pk=people["disabled"].pk).update(is_active=False)
    return clients


@pytest.fixture
def charlies_world(db, world, people):
    """One row of every type in the stranger's own household."""
    household = Household.objects.create(name="Charlie's")
    membership = Membership.objects.create(
        household=household, user=people["stranger"], role=OWNER, accepted_at=timezone.now()
    )
    return {
        **rows_of(household, "Own"),
        "member": membership,
        **{name: world[name] for name in ("token", "invitation")},
    }
