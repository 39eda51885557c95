"""Of a large import the values of assets that are there are prepared before its commit, which only writes them."""

import random
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, Transaction
from assets.services.entries import prepared_batches
from assets.services.entries.prepared_batches import PreparedTransactions, PreparedValues, SameRow
from assets.services.entries.transaction_batches import TransactionRow
from assets.services.entries.value_batches import ValueRow
from assets.valuation.upkeep import is_outdated
from imports.models import Import, ImportedRows
from imports.services.writing import commits, hidden_values, undoing
from imports.tests.import_requests import answers, commit, failures, preview, rows, undo
from portfolios.models import Household
from strata.audit import deletions
from strata.audit.models import HistoryEntry, JournalEntry
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")
LISTS = ("/assets", "/values", "/net-worth")
DAYS = 70


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    """Two rows in a block, and each import is a large one."""
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(hidden_values, "PREPARED_AT_A_TIME", 1)
    monkeypatch.setattr("imports.services.blocks.ROWS", 2)


@pytest.fixture
def savings(portfolio):
    """It has values of some days, one day has two."""
    asset = create_asset(portfolio, "Savings")
    for number in (0, 3, 40):
        add_value(asset, 100 + number, day(number))
    add_value(asset, 7, day(3), hour=20)
    return asset


def table(*lines):
    return b"account,date,balance,currency,notes\n" + "".join(f"{line}\n" for line in lines).encode()


def line(number, value, note="", account="Savings"):
    return f"{account},{day(number).isoformat()},{value},EUR,{note}"


def stored(portfolio):
    names = ("asset__name", "on", "observed_at", "value", "note")
    of_portfolio = AssetSnapshot.objects.filter(asset__portfolio=portfolio)
    return list(of_portfolio.order_by("asset__name", "on", "observed_at").values_list(*names))


def remembered(new_import):
    columns = ImportedRows.objects.filter(file_import=new_import["id"]).order_by("asset_id")
    return [
        (pk, bytes(days), bytes(keys))
        for pk, days, keys in columns.values_list("asset_id", "days", "references")
    ]


def entries():
    return sorted(HistoryEntry.objects.values_list("model", "action", "channel", "household_id"))


def at_once(client, new_import, portfolio):
    """What a commit that prepares nothing makes. It is rolled back."""
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletions, "MOST_AT_ONCE", 1_000)
        done = commit(client, new_import)
        written = (
            stored(portfolio),
            remembered(new_import),
            entries(),
            client.get("/api/v1/net-worth").content,
        )
        transaction.set_rollback(True)
    return {**done, "committed_at": ""}, written


def refuse_to_write(monkeypatch):
    def refuse(*args):
        raise AssertionError("It was not prepared.")

    monkeypatch.setattr(commits, "record_items", refuse)


FILE = table(
    line(-50, 1),
    line(0, 100),
    line(1, 11, "new"),
    line(3, 33, "changed"),
    line(40, 140),
    line(41, "-5"),
    line(75, 2),
)


def test_it_is_what_a_commit_at_once_makes(alice, portfolio, savings, monkeypatch):
    new_import = preview(alice, portfolio, FILE)
    expected = at_once(alice, new_import, portfolio)
    refuse_to_write(monkeypatch)
    done = commit(alice, new_import)
    written = stored(portfolio), remembered(new_import), entries(), alice.get("/api/v1/net-worth").content
    assert ({**done, "committed_at": ""}, written) == expected
    assert (done["made"]["value"], done["updated"]["value"]) == (4, 1)
    assert not is_outdated(portfolio.pk) and failures() == []
    ids = {item["id"] for row in rows(alice, new_import) for item in row["becomes"]}
    assert ids <= set(map(str, AssetSnapshot.objects.values_list("pk", flat=True)))
    assert Household.objects.count() == 1


def test_a_command_prepares_them_too(alice, portfolio, savings, monkeypatch, tmp_path):
    path = tmp_path / "values.csv"
    path.write_bytes(FILE)
    expected = at_once(alice, preview(alice, portfolio, FILE), portfolio)
    refuse_to_write(monkeypatch)
    call_command("import_file", path, portfolio=str(portfolio.pk), yes=True, verbosity=0)
    assert stored(portfolio) == expected[1][0]
    assert not is_outdated(portfolio.pk) and failures() == []


def test_bookings_of_a_day_stay_in_the_order_of_the_file(alice, portfolio, savings):
    """Also those of different batches, and after one that is there."""
    head = b"id,date,description,amount,currency,account\n"
    lines = [f"S{number},2025-02-03,x,{number},EUR,Savings\n".encode() for number in range(1, 9)]
    commit(alice, preview(alice, portfolio, head + lines[0]))
    new_import = preview(alice, portfolio, head + b"".join(lines))
    done = commit(alice, new_import)
    rows_of_day = Transaction.objects.order_by("position").values_list("position", "external_id")
    assert list(rows_of_day) == [(number - 1, f"S{number}") for number in range(1, 9)]
    assert done["made"]["transaction"] == 7
    made_by_it = Transaction.objects.exclude(external_id="S1")
    assert set(made_by_it.values_list("created_at", flat=True)) == {
        Import.objects.latest("created_at").committed_at
    }
    assert undo(alice, new_import)["removed"]["transaction"] == 7
    assert Transaction.objects.count() == 1 and failures() == []


def test_a_row_about_one_of_another_batch_is_not_prepared(portfolio, savings):
    values, bookings = PreparedValues(portfolio), PreparedTransactions(portfolio)
    value = ValueRow(savings.pk, Decimal(1), on=day(1))
    columns = {"type": "INCOME", "amount": Decimal(1), "on": day(1), "source": "s", "external_id": "1"}
    for prepared, row in ((values, value), (bookings, TransactionRow(savings.pk, columns))):
        prepared.add({0: row})
        with pytest.raises(SameRow):
            prepared.add({0: row})


def test_values_are_of_whoever_commits_and_of_that_instant(alice, alice_user, bob, portfolio, savings):
    new_import = preview(bob, portfolio, FILE)
    commit(alice, new_import)
    at = Import.objects.get().committed_at
    new = AssetSnapshot.objects.filter(on=day(1)).get()
    changed = AssetSnapshot.objects.filter(on=day(3)).latest("observed_at")
    assert (new.created_by, new.updated_by, new.created_at, new.updated_at) == (
        alice_user,
        alice_user,
        at,
        at,
    )
    assert (changed.updated_by, changed.updated_at) == (alice_user, at) and changed.created_at < at
    assert AssetSnapshot.objects.get(on=day(0)).updated_at < at, "it has not changed"
    assert set(JournalEntry.objects.filter(at=at).values_list("at", flat=True)) == {at}


def test_the_past_before_the_commit_stays(alice, portfolio, savings):
    new_import = preview(alice, portfolio, FILE)
    before, instant = answers(alice, LISTS), timezone.now()
    copy = alice.get("/api/v1/net-worth")
    commit(alice, new_import)
    assert answers(alice, LISTS, instant)[:2] == before[:2]
    assert answers(alice, LISTS) != before
    again = alice.get("/api/v1/net-worth", headers={"If-None-Match": copy["ETag"]})
    assert again.status_code == 200


def test_more_rows_than_should_be_in_memory_are_written_by_the_commit(alice, portfolio, savings, monkeypatch):
    new_import = preview(alice, portfolio, FILE + table(line(1, 5, account="New")).split(b"\n", 1)[1])
    expected = at_once(alice, new_import, portfolio)
    monkeypatch.setattr(prepared_batches, "MOST_ROWS", 2)
    record_items, recorded = commits.record_items, []

    def record(items, assets):
        recorded.extend(items)
        return record_items(items, assets)

    monkeypatch.setattr(commits, "record_items", record)
    done = commit(alice, new_import)
    assert len(recorded) == 5, "those of the new account are hidden"
    assert ({**done, "committed_at": ""}, stored(portfolio)) == (expected[0], expected[1][0])
    assert undo(alice, new_import)["removed"]["value"] == 5
    assert not is_outdated(portfolio.pk)


def undone_at_once(client, new_import, portfolio):
    """What an undo that prepares nothing leaves. It is rolled back."""
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletions, "MOST_AT_ONCE", 1_000)
        done = undo(client, new_import, force=True)
        left = stored(portfolio), entries(), client.get("/api/v1/net-worth").content
        transaction.set_rollback(True)
    return {**done, "undone_at": ""}, left


def refuse_to_remove(monkeypatch):
    def refuse(*args):
        assert not args[-3 if len(args) > 2 else 0], "It was not prepared."

    monkeypatch.setattr(undoing, "remove_rows", refuse)
    monkeypatch.setattr(undoing, "restore_values", refuse)


def test_it_is_undone_as_any_other(alice, portfolio, savings, monkeypatch):
    before, net_worth = stored(portfolio), alice.get("/api/v1/net-worth").content
    new_import = preview(alice, portfolio, FILE)
    commit(alice, new_import)
    instant, imported = timezone.now(), answers(alice, LISTS)
    add_value(savings, 55, day(41), hour=20)
    expected = undone_at_once(alice, new_import, portfolio)
    refuse_to_remove(monkeypatch)
    done = undo(alice, new_import)
    left = stored(portfolio), entries(), alice.get("/api/v1/net-worth").content
    assert ({**done, "undone_at": ""}, left) == expected
    assert (done["removed"]["value"], done["restored"]["value"]) == (4, 1)
    added = [row for row in left[0] if row not in before]
    assert [(row[1], row[3]) for row in added] == [(day(41), 55)]
    assert len(left[0]) == len(before) + 1 and net_worth != left[2]
    assert answers(alice, LISTS, instant)[:2] == imported[:2]
    assert not is_outdated(portfolio.pk) and failures() == []


def test_what_is_changed_after_it_was_compared_is_named(alice, portfolio, savings, monkeypatch):
    new_import = preview(alice, portfolio, FILE)
    commit(alice, new_import)
    compared = undoing.prepared_reversal

    def change(*args):
        prepared = compared(*args)
        value = AssetSnapshot.objects.get(asset=savings, on=day(1))
        value.value = 12
        value.save()
        return prepared

    monkeypatch.setattr(undoing, "prepared_reversal", change)
    before = len(stored(portfolio))
    refusal = undo(alice, new_import, 409)
    assert [error["code"] for error in refusal["errors"]] == ["EDITED"]
    assert len(stored(portfolio)) == before and not is_outdated(portfolio.pk)


def test_a_value_that_is_added_after_it_was_compared_counts(alice, portfolio, savings, monkeypatch):
    new_import = preview(alice, portfolio, FILE)
    commit(alice, new_import)
    compared = undoing.prepared_reversal

    def add(*args):
        prepared = compared(*args)
        add_value(savings, 600, day(41), hour=23)
        return prepared

    monkeypatch.setattr(undoing, "prepared_reversal", add)
    assert undo(alice, new_import)["removed"]["value"] == 4
    assert (day(41), 600) in {(row[1], row[3]) for row in stored(portfolio)}
    assert not is_outdated(portfolio.pk) and failures() == []


def after_preparing(monkeypatch, do):
    """Do something between the preparation and the commit."""
    prepare = hidden_values.HiddenValues.prepare

    def prepared(self, blocks):
        prepare(self, blocks)
        do()

    monkeypatch.setattr(hidden_values.HiddenValues, "prepare", prepared)


def test_what_is_written_to_the_asset_meanwhile_makes_it_stale(alice, portfolio, savings, monkeypatch):
    new_import = preview(alice, portfolio, FILE)
    after_preparing(monkeypatch, lambda: add_value(savings, 6, day(2)))
    assert commit(alice, new_import, 409)["code"] == "IMPORT_STALE"
    assert len(stored(portfolio)) == 5 and not is_outdated(portfolio.pk)


def test_what_is_written_to_another_asset_meanwhile_stays(alice, portfolio, savings, monkeypatch):
    other = create_asset(portfolio, "Other")
    new_import = preview(alice, portfolio, FILE)
    refuse_to_write(monkeypatch)
    after_preparing(monkeypatch, lambda: add_value(other, 600, day(1)))
    assert commit(alice, new_import)["made"]["value"] == 4
    assert ("Other", day(1)) in {row[:2] for row in stored(portfolio)}
    assert not is_outdated(portfolio.pk) and failures() == []


def test_what_is_there_only_while_it_is_prepared_does_not_count(alice, portfolio, savings, monkeypatch):
    """Somebody enters a value, and deletes it before the commit: the state is the same, and was not meanwhile."""
    new_import = preview(alice, portfolio, FILE)
    expected = at_once(alice, new_import, portfolio)
    prepare = hidden_values.HiddenValues.prepare

    def prepared(self, blocks):
        value = add_value(savings, 6, day(1))
        prepare(self, blocks)
        value.delete()

    monkeypatch.setattr(hidden_values.HiddenValues, "prepare", prepared)
    assert {**commit(alice, new_import), "committed_at": ""} == expected[0]
    assert stored(portfolio) == expected[1][0]
    assert not is_outdated(portfolio.pk) and failures() == []


@pytest.mark.parametrize(
    "changes",
    [{"counts_in_net_worth": False}, {"disposed_on": day(20)}, {"currency": "USD"}],
    ids=["not counted", "disposed of", "in dollars"],
)
def test_other_assets_keep_their_derived_data(alice, portfolio, savings, changes):
    Asset.objects.filter(pk=savings.pk).update(**changes)
    currency = changes.get("currency", "EUR")
    new_import = preview(alice, portfolio, FILE.replace(b"EUR", currency.encode()))
    expected = at_once(alice, new_import, portfolio)
    done = commit(alice, new_import)
    assert {**done, "committed_at": ""} == expected[0]
    assert stored(portfolio) == expected[1][0]
    assert not is_outdated(portfolio.pk)
    undo(alice, new_import)
    assert not is_outdated(portfolio.pk)


def test_assets_that_are_owned_in_part_are_written_by_the_commit(alice, portfolio, savings):
    response = alice.put(
        f"/api/v1/assets/{savings.pk}/ownership",
        {"shares": [{"on": day(0).isoformat(), "share": "0.5"}]},
        format="json",
    )
    new_import = preview(alice, portfolio, FILE)
    expected = at_once(alice, new_import, portfolio)
    assert response.status_code == 200, response.content
    assert {**commit(alice, new_import), "committed_at": ""} == expected[0]
    assert stored(portfolio) == expected[1][0]
    assert not is_outdated(portfolio.pk)
    expected = undone_at_once(alice, new_import, portfolio)
    assert {**undo(alice, new_import), "undone_at": ""} == expected[0]
    assert stored(portfolio) == expected[1][0]
    assert not is_outdated(portfolio.pk)


@pytest.mark.parametrize("seed", range(4))
def test_derived_data_is_right_after_random_files(alice, portfolio, seed):
    chance = random.Random(seed)
    for name in ("Savings", "Other"):
        asset = create_asset(portfolio, name)
        for number in chance.sample(range(DAYS), 12):
            add_value(asset, chance.randint(-5, 5), day(number))
    for _ in range(3):
        lines = [
            line(number, chance.randint(-5, 5), account=name)
            for name in ("Savings", "Other", "New")
            for number in chance.sample(range(-20, DAYS), 20)
        ]
        new_import = preview(alice, portfolio, table(*lines))
        expected = at_once(alice, new_import, portfolio)
        done = commit(alice, new_import)
        assert ({**done, "committed_at": "", "result": ""}) == {**expected[0], "result": ""}
        assert stored(portfolio) == expected[1][0]
        assert not is_outdated(portfolio.pk)
    expected = undone_at_once(alice, new_import, portfolio)
    assert {**undo(alice, new_import, force=True), "undone_at": ""} == expected[0]
    assert stored(portfolio) == expected[1][0]
    assert not is_outdated(portfolio.pk) and failures() == []
