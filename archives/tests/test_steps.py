"""Many rows are restored in steps: seen by nobody before the last one, and removed if that never comes."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import date, timedelta
from urllib.parse import quote

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from archives.rows.contents import JOURNAL, MODELS
from archives.rows.ids import ID
from archives.services import restoring
from archives.tests.archives import archive_of, changed, contents, differences, restored, with_old_ids
from assets.models import Asset, AssetSnapshot, AssetType, Category, Instrument, MonthlyValues, Tag
from assets.valuation import upkeep
from assets.valuation.upkeep import is_outdated
from conftest import client_of
from portfolios.models import Household, Membership, Portfolio
from strata.accounts.models import User
from strata.audit import deletions, hidden_writes
from strata.audit.models import Deletion, HistoryEntry, JournalEntry, JournalWrite
from strata.doctor import Level, examine
from strata.exceptions import StrataError
from tests.factories import add_value, create_asset

pytestmark = pytest.mark.django_db
API = "/api/v1"
AMONG_ENTRIES = -1


class Killed(BaseException):
    """The process ends here, and nothing after it is done."""


@pytest.fixture(autouse=True)
def in_steps(monkeypatch):
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "STEP", 2)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(restoring, "STEP", 3)
    monkeypatch.setattr(upkeep, "ASSETS_AT_A_TIME", 1)


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


def at_step(monkeypatch, number: int, do, begun: list[int] | None = None) -> list[int]:
    """Do something before one of the steps; `begun`, which is returned, gets an item for each step that was begun.

    0 is before each of them, AMONG_ENTRIES before the second one that writes entries of the journal.
    """
    begun = [] if begun is None else begun
    step, entries = hidden_writes.step, JournalEntry.objects.count()

    def counted(*args):
        begun.append(len(begun))
        if number == AMONG_ENTRIES and JournalEntry.objects.count() == entries:
            return step(*args)
        if number <= 0 or len(begun) == number:
            do()
        return step(*args)

    monkeypatch.setattr(hidden_writes, "step", counted)
    return begun


def kill(monkeypatch, number: int, data: bytes, **values) -> None:
    def end_here():
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(hidden_writes, "remove", lambda write_id: None)
        at_step(patch, number, end_here)
        with pytest.raises(Killed):
            restored(data, **values)


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


@pytest.mark.parametrize("number", [1, 9, AMONG_ENTRIES])
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
    assert JournalEntry.objects.count() == entries
    assert restored(data).counts["assets.assetsnapshot"] == 10


def test_its_ids_can_be_kept_after_a_kill_among_the_entries_of_its_history(db, monkeypatch):
    savepoint = transaction.savepoint_create()
    new_home = Household.objects.create(name="New home")
    Membership.objects.create(household=new_home, user=User.objects.create(username="ann"), role="owner")
    Tag.objects.bulk_create(Tag(household=new_home, name=str(number)) for number in range(5))
    data, owner = archive_of(new_home), User.objects.create(username="zoe")
    transaction.savepoint_rollback(savepoint)
    owner.save(force_insert=True)

    kill(monkeypatch, AMONG_ENTRIES, data, owner=owner)
    let_its_time_pass()
    call_command("finish_deletions", verbosity=0)
    result = restored(data, owner=owner)

    assert (result.remapped, result.household_id) == (False, new_home.pk)
    assert JournalEntry.objects.filter(object_id=new_home.pk, action="create").count() == 1


def test_a_process_that_took_too_long_does_not_go_on(home, monkeypatch):
    data, before = archive_of(home), counts()
    at_step(monkeypatch, 6, let_its_time_pass)
    with pytest.raises(StrataError) as refused:
        restored(data)
    assert refused.value.code == "INTERRUPTED"
    assert counts() == before


def test_what_is_written_to_it_while_it_is_derived_counts(home, monkeypatch):
    """Such as a price of a shared security: it raises the revision, and the derived data of some assets is there."""

    def write_beside():
        hidden = Asset.objects.exclude(portfolio__household=home)
        if MonthlyValues.objects.filter(asset__in=hidden).exists() and not noticed:
            noticed.append(add_value(hidden.order_by("-pk").first(), 77, date(2026, 9, 9)))

    data, noticed = archive_of(home), []
    at_step(monkeypatch, 0, write_beside)
    result = restored(data)
    assert noticed
    assert not any(is_outdated(pk) for pk in Portfolio.objects.values_list("pk", flat=True))
    assert result.counts["assets.assetsnapshot"] == 10


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
    assert refused.value.field == "data/assets.assetsnapshot.jsonl, line 2"
    assert counts() == before
    assert JournalEntry.objects.count() == entries


def test_ids_that_are_taken_do_not_remove_the_rows_that_have_them(home, monkeypatch):
    """Two restore the same file at once, and both may keep its ids."""
    savepoint = transaction.savepoint_create()
    data, rows = archive_of(home), contents(archive_of(home))
    transaction.savepoint_rollback(savepoint)
    for name in ("any_is_here", "any_value_is_here"):
        monkeypatch.setattr(f"archives.services.checking.{name}", lambda asked: False)
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


# --- as a replacement of what a household has ---

REPLACED = ("/assets", "/net-worth", "/values", "/instruments", "/categories")
LOOK_EACH = 4  # steps


@pytest.fixture
def other_archive(home) -> bytes:
    """An archive of what the household had, which has other rows since: a value and an asset more, a category less."""
    data = archive_of(home)
    asset = Asset.objects.get(name="First")
    add_value(asset, 7, date(2026, 6, 1))
    create_asset(asset.portfolio, "Third")
    Category.objects.filter(children=None).first().delete()
    return data


def replace(data: bytes, household, owner, **values):
    return restored(data, owner, mode="replace", household_id=household.pk, confirm=household.name, **values)


def answers(client, instant=None):
    at = f"?known_at={quote(instant.isoformat())}" if instant else ""
    return [client.get(f"{API}{path}{at}").content for path in REPLACED]


def without_ids_and_instants(members):
    """The rows as texts in which each id is a number, in the order of the archive, without when they were written."""
    numbers: dict[str, str] = {}
    members = {name: rows for name, rows in members.items() if name != JOURNAL}
    for rows in members.values():
        for row in rows:
            for name in ("created_at", "updated_at", "created_by", "updated_by"):
                row.pop(name, None)
    return ID.sub(lambda match: numbers.setdefault(match[0], str(len(numbers))), json.dumps(members))


def test_a_replacement_in_steps_is_one_act(home, alice, alice_user, other_archive, monkeypatch):
    before, instant, original = answers(alice), timezone.now(), contents(other_archive)
    seen, steps, entries = [], [], JournalEntry.objects.count()

    def look():
        if len(steps) % LOOK_EACH == 0:
            seen.append((answers(alice) == before, answers(alice, instant) == before, problems()))
            assert contents(archive_of(home))[JOURNAL] == entries_before

    entries_before = contents(archive_of(home))[JOURNAL]
    with monkeypatch.context() as patch:
        at_step(patch, 0, look, steps)
        replace(other_archive, home, alice_user)
    assert len(seen) == len(steps) // LOOK_EACH > 3
    assert set(seen) == {(True, True, ())}

    after = answers(alice)
    assert without_ids_and_instants(contents(archive_of(home))) == without_ids_and_instants(original)
    assert Deletion.objects.filter(finished_at=None).count() == 1
    rows_of_both = AssetSnapshot.objects.count()
    while deletions.unfinished().exists():
        for _ in range(3 * LOOK_EACH):
            deletions.remove_step(Deletion.objects.get().pk)
        assert (answers(alice), answers(alice, instant), problems()) == (after, before, ())
    assert (answers(alice), answers(alice, instant), problems()) == (after, before, ())
    assert (rows_of_both, AssetSnapshot.objects.count()) == (21, 10)
    assert Household.objects.count() == 1
    assert not any(is_outdated(pk) for pk in Portfolio.objects.values_list("pk", flat=True))

    written = HistoryEntry.objects.order_by("id")[entries:]
    assert {(entry.household_id, entry.channel) for entry in written} == {(home.pk, "archive")}
    assert Counter(entry.action for entry in written if entry.model == "assets.AssetSnapshot") == {
        "create": 10,
        "delete": 11,
    }
    assert len({(entry.action, entry.object_id) for entry in written}) == len(written)
    assert [entry.object_id for entry in written if entry.action == "update"] == [home.pk]
    existing = {(model._meta.label, pk) for model in MODELS for pk in ids_of(model)}
    assert {(entry.model, entry.object_id) for entry in written if entry.action == "create"} <= existing


def ids_of(model):
    return model._base_manager.values_list("pk", flat=True)


@pytest.mark.parametrize("number", [2, AMONG_ENTRIES])
def test_a_replacement_that_was_killed_leaves_the_household_as_it_was(
    home, alice, alice_user, other_archive, monkeypatch, number
):
    before, rows, entries = answers(alice), counts(), JournalEntry.objects.count()
    of_replacing = {"mode": "replace", "household_id": home.pk, "confirm": home.name}
    kill(monkeypatch, number, other_archive, owner=alice_user, **of_replacing)
    assert answers(alice) == before
    assert (JournalEntry.objects.count() > entries) is (number == AMONG_ENTRIES)
    let_its_time_pass()
    call_command("finish_deletions", verbosity=0)
    assert (answers(alice), counts()) == (before, rows)
    assert JournalEntry.objects.count() == entries
    assert replace(other_archive, home, alice_user).counts["assets.assetsnapshot"] == 10


def test_a_replacement_is_refused_before_anything_is_written(home, alice_user, other_archive, monkeypatch):
    steps, rows, entries = at_step(monkeypatch, 0, lambda: None), counts(), JournalEntry.objects.count()
    with pytest.raises(StrataError) as refused:
        restored(other_archive, alice_user, mode="replace", household_id=home.pk, confirm="Other")
    assert (refused.value.code, steps) == ("CONFIRM", [])
    replace(other_archive, home, alice_user, dry_run=True)
    assert len(steps) > 10
    assert (counts(), JournalEntry.objects.count()) == (rows, entries)


def home_asset(home):
    return Asset.objects.get(name="First", portfolio__household=home)


EDITS = {
    "a value": lambda home: add_value(home_asset(home), 9, date(2026, 7, 7)),
    "a tag": lambda home: Tag.objects.create(household=home, name="New"),
    "a deletion": lambda home: Category.objects.filter(household=home, children=None).first().delete(),
}


@pytest.mark.parametrize("number", [2, AMONG_ENTRIES])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_while_it_is_written_is_not_lost(home, alice_user, other_archive, monkeypatch, number, edit):
    """It would be gone from the present with the old rows, although its request was answered with 200."""
    edited = []

    def edit_once():
        if not edited:
            edit(home)
            edited.append(without_journal(archive_of(home)))

    with monkeypatch.context() as patch:
        at_step(patch, number, edit_once)
        with pytest.raises(StrataError) as refused:
            replace(other_archive, home, alice_user)
    assert (refused.value.status, refused.value.code) == (409, "ARCHIVE_STALE")
    assert without_journal(archive_of(home)) == edited[0]
    assert Household.objects.count() == 1
    assert replace(other_archive, home, alice_user).counts["assets.assetsnapshot"] == 10


def without_journal(data):
    return {name: rows for name, rows in contents(data).items() if name != JOURNAL}


def test_a_new_member_while_it_is_written_loses_nothing(home, alice_user, other_archive, monkeypatch):
    def join_once():
        user, created = User.objects.get_or_create(username="new")
        if created:
            Membership.objects.create(household=home, user=user, role="viewer")

    at_step(monkeypatch, 2, join_once)
    replace(other_archive, home, alice_user)
    assert Membership.objects.filter(household=home, user__username="new").exists()


def test_only_entries_of_what_is_being_written_may_be_deleted(home, other_archive, alice_user, monkeypatch):
    """While one household is written, the database refuses to delete the entries of all others."""

    def delete_all():
        with pytest.raises(DatabaseError, match="The history cannot be changed"), transaction.atomic():
            connection.cursor().execute("DELETE FROM strata_change")

    at_step(monkeypatch, AMONG_ENTRIES, delete_all)
    replace(other_archive, home, alice_user)
    entries = JournalEntry.objects.count()
    delete_all()
    assert JournalEntry.objects.count() == entries
