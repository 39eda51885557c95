"""A large new household is written in steps: seen by nobody before the last one, and removed if that never comes."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from archives.rows.contents import JOURNAL, MODELS
from archives.services import restoring
from archives.tests.archives import archive_of, changed, contents, differences, restored, with_old_ids
from assets.models import Asset, AssetType, Category, Instrument
from assets.valuation.upkeep import is_outdated
from conftest import client_of
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from strata.audit import deletions, hidden_writes
from strata.audit.models import Deletion, HistoryEntry, JournalEntry, JournalWrite
from strata.doctor import Level, examine
from strata.exceptions import StrataError
from tests.factories import add_value, create_asset

pytestmark = pytest.mark.django_db
API = "/api/v1"


class Killed(BaseException):
    """The process ends here, and nothing after it is done."""


@pytest.fixture(autouse=True)
def in_steps(monkeypatch):
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "STEP", 2)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(restoring, "STEP", 3)


@pytest.fixture
def home(household, portfolio, alice_user, alice):
    """Each of its assets has a type, a security and a category of its own, and five values."""
    own_type = AssetType.objects.create(household=household, code="BOAT", label="Boat", group="FINANCIAL")
    security = Instrument.objects.create(
        household=household, instrument_type="share", symbol="BOAT", name="Boats", currency="EUR"
    )
    parent = Category.objects.create(household=household, name="Things")
    Category.objects.create(household=household, name="Boats", parent=parent)
    for name in ("First", "Second"):
        asset = create_asset(portfolio, name)
        Asset.objects.filter(pk=asset.pk).update(asset_type=own_type, instrument=security)
        for number in range(5):
            add_value(asset, 100 + number, date(2026, 1, 1) + timedelta(days=number * 20))
    return household


def counts() -> dict[str, int]:
    """The rows of each table but the journal, whose rows stay for ever."""
    return {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model not in (JournalEntry, HistoryEntry, JournalWrite)
    }


def at_step(monkeypatch, number: int, do) -> list[int]:
    """Do something before one of the steps; returns a list with an item for each step that was begun."""
    begun, step = [], hidden_writes.step

    def counted(*args):
        begun.append(len(begun))
        if len(begun) == number or number == 0:
            do()
        return step(*args)

    monkeypatch.setattr(hidden_writes, "step", counted)
    return begun


def kill(monkeypatch, number: int, data: bytes) -> None:
    def end_here():
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(hidden_writes, "remove", lambda write_id: None)
        at_step(patch, number, end_here)
        with pytest.raises(Killed):
            restored(data)


def let_its_time_pass() -> None:
    assert Deletion.objects.filter(finished_at=None).update(written_until=timezone.now()) == 1


def test_it_is_what_a_restoration_at_once_makes(home, monkeypatch):
    data, steps = archive_of(home), at_step(monkeypatch, 0, lambda: None)

    result = restored(data)

    assert len(steps) > 10
    copy = Household.objects.get(pk=result.household_id)
    original = contents(data)
    rows = with_old_ids(contents(archive_of(copy)), copy.pk.int ^ home.pk.int, original)
    event = rows[JOURNAL].pop()
    assert (event["model"], event["channel"]) == ("portfolios.Household", "archive")
    assert all(entry.pop("request_id") or True for entry in [*rows[JOURNAL], *original[JOURNAL]])
    assert differences(rows, original) == []
    assert not any(is_outdated(pk) for pk in Portfolio.objects.values_list("pk", flat=True))
    assert not Deletion.objects.exists()


def test_nobody_sees_it_before_its_last_step(home, alice, monkeypatch):
    paths = ("/households", "/portfolios", "/assets", "/net-worth", "/values", "/instruments")

    def answers():
        return [alice.get(API + path).content for path in paths]

    data, before, seen = archive_of(home), answers(), []
    steps = at_step(monkeypatch, 0, lambda: seen.append((answers() == before, problems())))

    restored(data)

    assert len(seen) == len(steps) > 10
    assert set(seen) == {(True, ())}
    assert len(alice.get(f"{API}/households").json()["results"]) == 2


def problems() -> tuple[str, ...]:
    return tuple(str(finding) for finding in examine() if finding.level is Level.FAIL)


@pytest.mark.parametrize("number", [1, 4, 9, 14])
def test_what_a_killed_process_has_written_is_removed_by_the_next_command(home, monkeypatch, number):
    data, before, entries = archive_of(home), counts(), JournalEntry.objects.count()
    kill(monkeypatch, number, data)
    hidden = Household.objects.exclude(pk=home.pk).get()
    assert not hidden.memberships.exists()

    call_command("finish_deletions", verbosity=0)
    assert Household.objects.count() == 2, "its process may still be there"

    let_its_time_pass()
    call_command("finish_deletions", verbosity=0)

    assert counts() == before
    actions = JournalEntry.objects.order_by("id")[entries:].values_list("household_id", "action")
    assert not [entry for entry in actions if entry != (hidden.pk, "create")]
    assert restored(data).counts["assets.assetsnapshot"] == 10


def test_a_process_that_took_too_long_does_not_go_on(home, monkeypatch):
    data, before = archive_of(home), counts()
    at_step(monkeypatch, 6, let_its_time_pass)
    with pytest.raises(StrataError) as refused:
        restored(data)
    assert refused.value.code == "INTERRUPTED"
    assert counts() == before


def test_a_dry_run_leaves_nothing(home):
    data, before, entries = archive_of(home), counts(), JournalEntry.objects.count()
    result = restored(data, dry_run=True)
    assert result.counts["assets.assetsnapshot"] == 10
    assert counts() == before
    assert JournalEntry.objects.count() == entries


def test_rows_that_contradict_each_other_leave_nothing(home):
    def same_instant(members):
        first, second, *_ = members["data/assets.assetsnapshot.jsonl"]
        second.update(asset_id=first["asset_id"], observed_at=first["observed_at"], on=first["on"])

    data, before, entries = changed(archive_of(home), same_instant), counts(), JournalEntry.objects.count()
    with pytest.raises(StrataError) as refused:
        restored(data)
    assert "Two rows contradict each other" in str(refused.value.message)
    assert counts() == before
    assert JournalEntry.objects.count() == entries


def test_ids_that_are_taken_do_not_remove_the_rows_that_have_them(home, monkeypatch):
    """Two restore the same file at once, and both may keep its ids."""
    savepoint = transaction.savepoint_create()
    data, rows = archive_of(home), contents(archive_of(home))
    transaction.savepoint_rollback(savepoint)
    monkeypatch.setattr("archives.services.checking.any_is_here", lambda ids: False)
    with pytest.raises(StrataError) as refused:
        restored(data)
    assert "Two rows contradict each other" in str(refused.value.message)
    assert contents(archive_of(home)) == rows


def test_over_http_and_again_with_the_same_key(home, alice_user):
    client, data, before = client_of(alice_user), archive_of(home), counts()
    answers = []
    for _ in range(2):
        file = io.BytesIO(data)
        file.name = "home.zip"
        answers.append(
            client.post(f"{API}/archives", {"file": file}, format="multipart", HTTP_IDEMPOTENCY_KEY="once")
        )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Household.objects.count() == before["portfolios.Household"] + 1
    assert {model: counts()[model._meta.label] for model in MODELS if model is Portfolio} == {Portfolio: 2}
    assert not Deletion.objects.exists()
    assert User.objects.count() == before["strata.User"]
