"""doctor and rebuild during writes: they compare data of one moment, and only one rebuild runs at a time."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from functools import partial
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connection, connections

from assets.classification.seeds import TypeId
from assets.management.commands.rebuild import WAITS
from assets.models import Asset, AssetSnapshot, MonthlyDeltas
from assets.valuation import deltas, months
from strata.db.command_locks import one_at_a_time
from strata.doctor import Level, examine
from tests import factories
from tests.factories import add_value
from tests.serving import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
day = partial(factories.day, first=date(2024, 1, 27))  # a month ends on the sixth day


@pytest.fixture
def asset(portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Thing", currency="EUR"
    )
    add_value(asset, 1, day(0))
    return asset


class Writer(Thread):
    """Another client, on a connection of its own."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.work, self.done = work, False

    def run(self) -> None:
        try:
            self.work()
            self.done = True
        finally:
            connections.close_all()


def during(monkeypatch, module, look_away: Callable[[], None]) -> list[int]:
    """Calls `look_away` after the stored data is read and before the other is calculated. Returns the list of calls."""
    usual, calls = module.stored, []

    def stored(*args):
        result = usual(*args)
        calls.append(1)
        look_away()
        return result

    monkeypatch.setattr(module, "stored", stored)
    return calls


def writes(asset, on: int) -> Callable[[], None]:
    def write():
        writer = Writer(lambda: add_value(asset, on + 1, day(on)))
        writer.start()
        writer.join()
        assert writer.done

    return write


def out_of(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def assert_in_step(asset) -> None:
    assert deltas.stored(asset.portfolio_id) == deltas.calculated(asset.portfolio_id) != {}
    assert months.stored([asset.pk]) == months.calculated({asset.pk: "manual"}) != {}


@pytest.mark.parametrize("module", [deltas, months])
def test_doctor_finds_nothing_wrong_where_others_write_meanwhile(asset, monkeypatch, module):
    calls = during(monkeypatch, module, writes(asset, len(module.__name__)))
    broken = [
        finding for finding in examine() if finding.level is Level.FAIL and finding.subject != "settings"
    ]
    assert (broken, len(calls)) == ([], 1)
    monkeypatch.undo()
    assert AssetSnapshot.objects.count() == 2
    assert_in_step(asset)


@pytest.mark.parametrize("module", [deltas, months])
def test_a_rebuild_that_is_tried_takes_no_write_for_a_mistake(asset, monkeypatch, module):
    calls = during(monkeypatch, module, writes(asset, 40))
    assert out_of("rebuild", "--dry-run") == "Would rebuild 1; 0 needed repair.\n"
    assert len(calls) == 1
    assert AssetSnapshot.objects.count() == 2


def test_a_rebuild_takes_no_write_for_a_mistake_and_loses_none(asset, monkeypatch):
    """The writer waits for the portfolio: comparison and rebuild are under one lock."""
    writer = Writer(lambda: add_value(asset, 41, day(40)))

    def look_away():
        writer.start()
        if connection.vendor == "postgresql":
            wait_for(lambda: writer.done or somebody_waits())

    during(monkeypatch, deltas, look_away)
    assert out_of("rebuild") == "Rebuilt 1; 0 needed repair.\n"
    writer.join()
    monkeypatch.undo()
    assert writer.done
    assert AssetSnapshot.objects.count() == 2
    assert_in_step(asset)


WAITING = """SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks WHERE database =
    (SELECT oid FROM pg_database WHERE datname = current_database()))"""


def somebody_waits() -> bool:
    """Whether a connection to this database waits for a lock. (pg_stat_activity is fixed within a transaction.)"""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return cursor.fetchone()[0] > 0


def test_the_second_rebuild_says_that_it_waits(asset):
    MonthlyDeltas.objects.update(owned_low=1)
    out = io.StringIO()
    second = Writer(lambda: call_command("rebuild", stdout=out))
    with one_at_a_time("rebuild", lambda: pytest.fail("nobody else is at work")):
        second.start()
        wait_for(lambda: out.getvalue() == f"{WAITS}\n")
        assert deltas.stored(asset.portfolio_id) != deltas.calculated(asset.portfolio_id)
    second.join()
    assert out.getvalue() == f"{WAITS}\nRebuilt 1; 1 needed repair.\n{asset.portfolio_id}\n"
    assert_in_step(asset)
    assert out_of("rebuild") == "Rebuilt 1; 0 needed repair.\n"


def test_the_next_has_the_lock_of_one_that_failed(asset):
    with pytest.raises(ZeroDivisionError), one_at_a_time("rebuild", pytest.fail):
        1 / 0  # noqa: B018
    with one_at_a_time("rebuild", pytest.fail):
        pass
