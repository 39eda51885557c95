"""What these tests share: the database of the pass for servers, the seed of what is drawn at random, and a world.

The suite runs once on SQLite and once, with TEST_DATABASE_URL, on PostgreSQL. A server test takes the `database` of
the pass it is in, and so runs on each of them. One that concerns a single database, or none, is marked `on_sqlite`
or `on_postgresql`: it belongs to that pass alone, and the other one deselects it (pytest counts what it deselects).

The world is a household with one row of everything that a path may name.
"""

from __future__ import annotations

import os
import random
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Category, ExchangeRate, Tag, Transaction
from portfolios.models import Membership, Portfolio
from reports.models import AllocationTarget
from reports.queries import quality_report
from reports.services.portfolio_snapshots import take_snapshot
from strata.accounts.models import User
from tests.admin_forms import staff
from tests.databases import PostgresqlServer, SqliteFiles

PASS = "postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite"
RANDOM_SEED = "RANDOM_SEED"
OTHER = {"postgresql": "on_sqlite", "sqlite": "on_postgresql"}[PASS]


def pytest_configure(config) -> None:
    """Drawn once for all processes of a run, which inherit the environment."""
    os.environ.setdefault(RANDOM_SEED, str(random.SystemRandom().randrange(2**32)))


def pytest_report_header() -> list[str]:
    return [
        f"servers: on {PASS}; tests marked {OTHER} belong to the other pass",
        f"random seed {os.environ[RANDOM_SEED]} ({RANDOM_SEED}=... repeats it)",
    ]


def pytest_collection_modifyitems(config, items) -> None:
    """What starts servers comes first, and so on one worker: it waits a lot, and two would be in each other's way."""
    items.sort(key=lambda item: item.get_closest_marker("server") is None)
    elsewhere = [item for item in items if item.get_closest_marker(OTHER)]
    if elsewhere:
        items[:] = [item for item in items if item not in elsewhere]
        config.hook.pytest_deselected(items=elsewhere)


def pytest_terminal_summary(terminalreporter) -> None:
    """What the tests measured, whether they passed or not."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "figures":
                    terminalreporter.write_line(
                        f"figures: {PASS}: {report.nodeid.rpartition('::')[2]}: {value}"
                    )


@pytest.fixture
def figures(record_property):
    """Call it with what is worth reading in the summary."""
    return lambda told: record_property("figures", told)


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """SqliteFiles or a PostgresqlServer, whichever this pass is on."""
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
    """Of a database that is migrated, has the user alice in it, and is this test's own."""
    return database.fresh(f"strata_{uuid4().hex}")


@pytest.fixture
def world(household, portfolio):
    """A household's rows. Every name in it has "ecret" in it, so that a leak can be looked for."""
    return rows_of(household, "Secret", portfolio=portfolio)


def rows_of(household, word: str, portfolio=None) -> dict:
    portfolio = portfolio or Portfolio.objects.create(household=household, name=word, base_currency="EUR")
    now = timezone.now()
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"{word} asset", currency="EUR"
    )
    somebody = User.objects.create(username=f"{word}-somebody")
    Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"{word} empty", currency="EUR"
    )
    without_a_value = next(issue for issue in quality_report(portfolio) if issue.name.endswith("empty"))
    return {
        "household": household,
        "portfolio": portfolio,
        "asset": asset,
        "asset-snapshot": AssetSnapshot.objects.create(
            asset=asset, value="1", on=now.date(), observed_at=now
        ),
        "transaction": Transaction.objects.create(
            asset=asset, type="INCOME", amount="1", currency="EUR", on=now.date(), occurred_at=now
        ),
        "portfolio-snapshot": take_snapshot(portfolio),
        "key": SimpleNamespace(pk=without_a_value.finding.key),
        "category": Category.objects.create(household=household, name=f"{word} category"),
        "tag": Tag.objects.create(household=household, name=f"{word} tag"),
        "allocation-target": AllocationTarget.objects.create(household=household, group="OTHER", share="0.1"),
        "asset-type": AssetType.objects.create(household=household, code=word.upper(), label=f"{word} type"),
        "member": Membership.objects.create(household=household, user=somebody, accepted_at=now),
        "exchange-rate": ExchangeRate.objects.get_or_create(
            currency="USD", on="2026-01-01", defaults={"units_per_euro": "1.1"}
        )[0],
    }


# --- browsers in the admin ---


@pytest.fixture
def alices(alice_user) -> Client:
    return staff(alice_user)


@pytest.fixture
def bobs(bob_user) -> Client:
    return staff(bob_user)


@pytest.fixture
def rita(db) -> Client:
    """A superuser of no household."""
    return staff(User.objects.create(username="rita", is_superuser=True))
