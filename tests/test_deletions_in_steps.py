"""A deletion of many rows hides them at once and removes them in steps: to everybody it is one act."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, AssetType, Category, MonthlyValues, Transaction
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget
from strata import processes
from strata.audit import deletions
from strata.audit.models import Deletion, JournalEntry
from strata.db.command_locks import one_at_a_time
from strata.doctor import Level, examine
from tests.conftest import RANDOM_SEED
from tests.dumps import dump
from tests.factories import add_value, create_asset, day
from tests.random_household import RandomHousehold
from tests.test_known_at import read

API = "/api/v1"
REPORTS = (
    "/portfolios",
    "/assets",
    "/net-worth",
    "/net-worth?start=2023-12-01&end=2024-02-01",
    "/transactions",
    "/values",
)


@pytest.fixture
def in_steps_of(monkeypatch):
    """Every deletion of more than one row below is one in steps, of so many rows."""

    def shorten(rows: int) -> None:
        monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
        monkeypatch.setattr(deletions, "STEP", rows)
        monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)

    return shorten


@pytest.fixture
def full(alice, portfolio):
    """The portfolio with three assets, twelve values, transactions, labels, a target and a saved total."""
    assets = [create_asset(portfolio, name) for name in ("Checking", "Savings", "Card")]
    for asset in assets:
        for number in range(4):
            add_value(asset, 100 + number, day(number * 20))
    checking = assets[0]
    for body in (
        {"type": "INCOME", "on": "2024-01-03", "amount": "5"},
        {"type": "EXPENSE", "on": "2024-01-04", "amount": "2"},
    ):
        assert alice.post(f"{API}/assets/{checking.pk}/transactions", body).status_code == 201
    tag = alice.post(f"{API}/tags", {"name": "Daily"}).json()
    assert alice.post(f"{API}/assets/{checking.pk}/tags/{tag['id']}").status_code in (200, 201, 204)
    target = alice.post(
        f"{API}/allocation-targets", {"portfolio_id": str(portfolio.pk), "tag_id": tag["id"], "share": "0.5"}
    )
    assert target.status_code == 201, target.content
    assert alice.post(f"{API}/portfolios/{portfolio.pk}/snapshots", {"on": "2024-03-01"}).status_code == 201
    return portfolio


def steps(deletion: Deletion, number: int) -> None:
    for _ in range(number):
        with transaction.atomic():
            deletions.remove_step(deletion.pk)


def answers(client, instant=None):
    return {path: read(client, API + path, instant) for path in REPORTS}


def failures():
    return [finding for finding in examine() if finding.level is Level.FAIL]


def test_everything_is_hidden_at_once_and_removed_in_steps(alice, full, in_steps_of):
    before, instant = answers(alice), timezone.now()
    of_old = {key: image for key, image in dump().items() if key[0] not in ("portfolios.Household",)}
    in_steps_of(4)
    answer = alice.delete(f"{API}/portfolios/{full.pk}")
    assert answer.status_code == 204
    deletion = Deletion.objects.get()
    assert (deletion.object_id, deletion.household_id) == (full.pk, full.household_id)
    assert AssetSnapshot.objects.count() == 12
    hidden = answers(alice)
    assert (
        str(full.pk).encode() in before["/portfolios"][1]
        and str(full.pk).encode() not in hidden["/portfolios"][1]
    )
    assert not AllocationTarget.objects.exists()
    for path in (f"/portfolios/{full.pk}", f"/assets/{Asset.objects.first().pk}"):
        assert alice.get(API + path).status_code == 404
    history = alice.get(f"{API}/portfolios/{full.pk}/history").json()

    seen, rows = set(), []
    while deletions.unfinished().exists():
        assert answers(alice) == hidden
        assert answers(alice, instant) == before
        assert failures() == []
        seen.add(AssetSnapshot.objects.count())
        with transaction.atomic():
            rows.append(deletions.remove_step(deletion.pk))
    assert len(seen) > 3 and max(row for row in rows if row is not None) <= 4 + deletions.PARENTS_AT_A_TIME
    assert answers(alice) == hidden and answers(alice, instant) == before
    assert failures() == []
    assert alice.get(f"{API}/portfolios/{full.pk}/history").json() == history

    removed = JournalEntry.objects.filter(action="delete", request_id=deletion.request_id)
    assert {(entry.model, str(entry.object_id)) for entry in removed} == {
        key for key in of_old if key not in dump()
    }
    assert removed.count() == removed.values("object_id").distinct().count()
    assert set(removed.values_list("at", "household_id", "channel")) == {
        (deletion.at, full.household_id, "api")
    }
    assert not Household.objects.filter(pk=deletion.holder_id).exists()
    assert not MonthlyValues.objects.exists()


def test_the_journal_is_that_of_a_deletion_at_once(alice, full, in_steps_of):
    def deleted():
        lines = JournalEntry.objects.filter(action="delete")
        return sorted((line.model, str(line.object_id), str(line.before)) for line in lines)

    with transaction.atomic():
        assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
        at_once = deleted()
        transaction.set_rollback(True)
    in_steps_of(5)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    deletions.finish_all()
    assert deleted() == at_once


def test_its_name_is_free_at_once(alice, full, in_steps_of):
    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    again = alice.post(f"{API}/portfolios", {"name": full.name, "base_currency": "EUR"})
    assert again.status_code == 201
    deletions.finish_all()
    assert [row["id"] for row in alice.get(f"{API}/portfolios").json()["results"]] == [again.json()["id"]]


def test_an_asset_leaves_the_totals_at_once(alice, full, in_steps_of):
    asset = Asset.objects.get(name="Savings")
    before, instant = answers(alice), timezone.now()
    in_steps_of(2)
    assert alice.delete(f"{API}/assets/{asset.pk}").status_code == 204
    assert asset.pk in set(Asset.objects.values_list("pk", flat=True))
    hidden = answers(alice)
    assert len(alice.get(f"{API}/assets").json()["results"]) == 2
    while deletions.unfinished().exists():
        assert answers(alice) == hidden and answers(alice, instant) == before
        assert failures() == []
        steps(Deletion.objects.get(), 1)
    assert not Asset.objects.filter(pk=asset.pk).exists()
    assert not Portfolio.objects.filter(name=deletions.HIDDEN).exists()


def test_a_household_is_gone_for_its_members(alice, bob, full, in_steps_of):
    in_steps_of(3)
    assert alice.delete(f"{API}/households/{full.household_id}").status_code == 204
    for client in (alice, bob):
        assert client.get(f"{API}/households/{full.household_id}").status_code == 404
        assert client.get(f"{API}/assets").json()["results"] == []
    assert AssetSnapshot.objects.count() == 12
    call_command("finish_deletions", verbosity=0)
    assert not Household.objects.filter(pk=full.household_id).exists()
    assert not AssetSnapshot.objects.exists() and not Transaction.objects.exists()


def test_a_tree_of_categories_is_removed_from_its_leaves(alice, full, in_steps_of):
    """A step may have a category without those below it."""
    in_steps_of(2)
    parent = None
    for level in range(3):
        parent = Category.objects.create(household=full.household, name=f"Level {level}", parent=parent)
    assert alice.delete(f"{API}/households/{full.household_id}").status_code == 204
    call_command("finish_deletions", verbosity=0)
    assert not Category.objects.filter(household=full.household_id).exists()
    assert not Household.objects.filter(pk=full.household_id).exists()


def test_what_was_interrupted_is_continued_by_the_next_command(alice, full, in_steps_of, capsys):
    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    steps(Deletion.objects.get(), 2)
    assert deletions.unfinished().exists() and AssetSnapshot.objects.exists()
    call_command("rebuild", dry_run=True, verbosity=0)
    assert deletions.unfinished().exists()
    call_command("rebuild", verbosity=0)
    assert not deletions.unfinished().exists() and not AssetSnapshot.objects.exists()


def test_undo_is_refused_from_the_start(alice, full, in_steps_of, monkeypatch):
    monkeypatch.setattr("strata.audit.undo.request.MOST_ROWS", 10)
    in_steps_of(4)
    answer = alice.delete(f"{API}/portfolios/{full.pk}")
    for _ in range(2):
        undo = alice.post(f"{API}/undo/{answer['X-Request-Id']}")
        assert undo.status_code == 409
        assert [error["code"] for error in undo.json()["errors"]] == ["TOO_MANY_ROWS"]
        deletions.finish_all()


def test_a_label_that_is_deleted_while_rows_are_hidden_is_there_in_the_past(alice, full, in_steps_of):
    """The link from a hidden asset is recorded in the household that hides it."""
    asset, instant = Asset.objects.get(name="Checking"), timezone.now()
    before = read(alice, f"{API}/assets/{asset.pk}", instant)
    assert b"Daily" in before[1]
    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    (tag,) = alice.get(f"{API}/tags").json()["results"]
    assert alice.delete(f"{API}/tags/{tag['id']}").status_code == 204
    assert read(alice, f"{API}/assets/{asset.pk}", instant) == before
    deletions.finish_all()
    assert read(alice, f"{API}/assets/{asset.pk}", instant) == before


@pytest.fixture
def own_type(alice, household):
    body = {"household_id": str(household.pk), "code": "BOAT", "label": "Boat", "group": "FINANCIAL"}
    return alice.post(f"{API}/asset-types", body).json()


@pytest.fixture
def security(alice, household):
    body = {"instrument_type": "share", "symbol": "BOAT", "name": "Boats", "currency": "EUR"}
    return alice.post(f"{API}/instruments", {"household_id": str(household.pk), **body}).json()


def test_what_only_hidden_rows_use_can_be_deleted(alice, full, own_type, security, in_steps_of):
    type_path, security_path = f"{API}/asset-types/{own_type['id']}", f"{API}/instruments/{security['id']}"
    Asset.objects.filter(name="Card").update(asset_type=own_type["id"], instrument=security["id"])
    instant = timezone.now()
    lists = [f"{API}/asset-types", f"{API}/instruments", f"{API}/assets"]
    before = [read(alice, path, instant) for path in lists]
    assert [alice.delete(path).json()["code"] for path in (type_path, security_path)] == ["IN_USE"] * 2

    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    assert alice.patch(security_path, {"currency": "USD"}).status_code == 200
    assert [alice.delete(path).status_code for path in (type_path, security_path)] == [204, 204]

    assert [alice.get(path).status_code for path in (type_path, security_path)] == [404, 404]
    body = {key: own_type[key] for key in ("household_id", "code", "label", "group")}
    assert alice.post(f"{API}/asset-types", body).status_code == 201
    newest_first = list(deletions.unfinished().order_by("-id").values_list("pk", flat=True))
    for waiting in (newest_first, newest_first):
        assert [read(alice, path, instant) for path in lists] == before and failures() == []
        for deletion_id in waiting:
            deletions.finish(deletion_id)
    assert [read(alice, path, instant) for path in lists] == before
    assert not Deletion.objects.filter(finished_at=None).exists() and failures() == []
    assert not Household.objects.filter(name=deletions.HIDDEN).exists()
    assert not AssetType.objects.filter(pk=own_type["id"]).exists()
    for gone in (own_type, security):
        assert JournalEntry.objects.filter(object_id=gone["id"], action="delete").count() == 1


def test_an_undo_brings_nothing_back_below_what_is_hidden(alice, full, own_type, in_steps_of):
    asset, in_use = Asset.objects.get(name="Savings"), Asset.objects.get(name="Card")
    Asset.objects.filter(name__in=("Savings", "Card")).update(asset_type=own_type["id"])
    deleted = alice.delete(f"{API}/assets/{asset.pk}")
    in_steps_of(2)
    assert alice.delete(f"{API}/assets/{in_use.pk}").status_code == 204
    assert alice.delete(f"{API}/asset-types/{own_type['id']}").status_code == 204
    undo = alice.post(f"{API}/undo/{deleted['X-Request-Id']}")
    assert undo.status_code == 409
    assert {error["code"] for error in undo.json()["errors"]} == {"PARENT_GONE"}


@pytest.mark.parametrize("seed", [int(os.environ[RANDOM_SEED])])
def test_the_past_is_repeated_while_rows_are_removed(alice, household, in_steps_of, seed, monkeypatch):
    in_steps_of(2)
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 0)
    random_household = RandomHousehold(alice, household, seed)
    known = []
    for turn in range(24):
        random_household.delete_asset() if turn % 6 == 5 else random_household.edit()
        waiting = list(deletions.unfinished())
        if waiting and random_household.random.random() < 0.7:
            steps(random_household.random.choice(waiting), 1)
        if random_household.random.random() < 0.3:
            instant = timezone.now()
            known += [(path, instant, read(alice, API + path)) for path in random_household.random_paths()]
    assert Deletion.objects.exists()
    for _ in range(2):
        for path, instant, before in known:
            assert read(alice, API + path, instant) == before, (seed, path)
        assert failures() == []
        deletions.finish_all()


@pytest.mark.django_db(transaction=True)
def test_a_writer_waits_for_one_step_at_most(alice, full, in_steps_of):
    """A step is held open: other writes are done meanwhile on PostgreSQL, and right after it on SQLite."""
    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    deletion = Deletion.objects.get()

    def write():
        try:
            return alice.post(f"{API}/portfolios", {"name": "New", "base_currency": "EUR"}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            deletions.remove_step(deletion.pk)
            written = pool.submit(write)
            if connection.vendor == "postgresql":
                assert written.result(timeout=10) == 201
        assert written.result(timeout=20) == 201
    assert deletions.unfinished().exists()
    deletions.finish_all()
    assert not AssetSnapshot.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_processes_work_one_after_the_other(alice, full, in_steps_of):
    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204

    def finish():
        try:
            return deletions.finish_all()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        removed = sum(each.result(timeout=60) for each in [pool.submit(finish), pool.submit(finish)])
    entries = JournalEntry.objects.filter(action="delete", at=Deletion.objects.get().at)
    assert entries.filter(model="assets.AssetSnapshot").count() == 12
    assert entries.count() == entries.values("object_id").distinct().count()
    assert removed >= 12 and failures() == []


@pytest.mark.django_db(transaction=True)
def test_one_process_removes_at_a_time_also_between_its_steps(alice, full, in_steps_of, monkeypatch):
    """Where three did so, the pauses of one were the steps of the others, and a writer waited for seven seconds."""
    in_steps_of(4)
    assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
    after_steps, step = [], deletions.step_of_many

    def watched(work):
        result = step(work)
        after_steps.append(is_removing())
        return result

    monkeypatch.setattr(deletions, "step_of_many", watched)

    deletions.finish_all()

    assert len(after_steps) > 3 and all(after_steps)
    assert not is_removing()


@pytest.mark.django_db(transaction=True)
def test_steps_pause_once_they_have_held_the_lock_for_long(monkeypatch):
    """Nobody waits for them on PostgreSQL, where only rows are locked."""
    pauses, clock = [], iter(range(100))
    of_steps = SimpleNamespace(sleep=pauses.append, monotonic=lambda: next(clock) / 10)  # each takes 0.1 s
    monkeypatch.setattr(deletions, "time", of_steps)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0.12)
    if hasattr(connections["default"], "strata_held"):
        del connections["default"].strata_held
    pauses_after = []
    for _ in range(6):
        assert deletions.step_of_many(lambda: "done") == "done"
        pauses_after.append(pauses.count(deletions.PAUSE_SECONDS))
    assert pauses_after == ([0, 0, 1, 1, 1, 2] if connection.vendor == "sqlite" else [0] * 6)


def is_removing() -> bool:
    try:
        with one_at_a_time(deletions.REMOVAL, someone_does):
            return False
    except ZeroDivisionError:
        return True


def someone_does():
    raise ZeroDivisionError


def test_the_server_starts_the_command_once_the_deletion_is_stored(
    alice, full, in_steps_of, settings, monkeypatch, django_capture_on_commit_callbacks
):
    started = []
    monkeypatch.setattr(deletions, "start_command", lambda *arguments: started.append(arguments))
    settings.FINISH_DELETIONS_IN_BACKGROUND = True
    in_steps_of(4)
    with django_capture_on_commit_callbacks(execute=True):
        assert alice.delete(f"{API}/portfolios/{full.pk}").status_code == 204
        assert started == []
    assert started == [("finish_deletions",)]
    assert processes.start_command is not deletions.start_command


@pytest.mark.on_sqlite
def test_nobody_else_works_in_steps_during_a_pause(monkeypatch):
    """Who waits for the lock of SQLite would get it in none of the pauses of two: a write waited for five seconds."""
    monkeypatch.setattr(deletions, "run_in_transaction", lambda work: work())
    monkeypatch.setattr(deletions, "MOST_HELD_SECONDS", 0)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 60)
    steps, other = [], Thread(target=lambda: deletions.step_of_many(lambda: steps.append("other")))

    def pause(seconds: float) -> None:
        if seconds == deletions.PAUSE_SECONDS and not steps:
            other.start()
            other.join(0.3)
            steps.append("after the pause")

    monkeypatch.setattr(deletions.time, "sleep", pause)
    deletions.step_of_many(lambda: None)
    other.join()
    assert steps == ["after the pause", "other"]
