"""Of a large import the rows of new accounts are written in steps before its commit: to everybody it is one act."""

import zlib
from collections import Counter
from itertools import chain

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, Instrument, Transaction
from assets.valuation.upkeep import is_outdated
from imports.models import ImportBlock, ImportedRows, ImportFile
from imports.services.writing import hidden_values
from imports.tests.import_requests import (
    IMPORTS,
    LONG,
    answers,
    commit,
    failures,
    preview,
    rows,
    send,
    undo,
    values_of,
)
from portfolios.models import Household, Portfolio
from strata.audit import deletions, hidden_writes
from strata.audit.models import Deletion, HistoryEntry, JournalEntry, JournalWrite
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")
API, RANK = "/api/v1", "rank\\\\t"
LISTS = ("/assets", "/values", "/transactions", "/instruments", "/portfolios", "/imports", "/net-worth")
OF_MANY = (
    "update_values",
    "add_transactions",
)  # entries of portfolios: one for all rows, or one for each step
# New accounts, one that is there, a security, and a day that the file has twice; in blocks of two rows.
MIXED = (
    b"account,date,balance,currency,ticker,notes\nCabin,2025-01-31,100,EUR,,first\nCabin,2025-02-28,200,EUR,,\n"
    b"Boat,2025-01-31,9,USD,,\nSavings,2025-01-31,41,EUR,,\nSavings,2025-02-28,42,EUR,,\nBoat,2025-03-31,7,USD,,\n"
    b"Plan,2025-01-31,2,USD,MSFT,\nCabin,2025-03-31,300,EUR,,\nPlan,2025-02-28,3.5,USD,MSFT,\n"
    b"Boat,2025-04-30,not a number,USD,,\nCabin,2025-03-31,301,EUR,,\nTruck,2025-01-31,5,EUR,,\n"
)
# Bookings with balances of two new accounts and of one that is there, and a row that is refused.
BOOKINGS = (
    b"id,date,description,amount,balance,currency,account\n"
    b"A1,2025-02-02,Pay,500,500,EUR,Main\nA2,2025-02-02,Rent,-300,200,EUR,Main\n"
    b"B1,2025-02-03,Gift,9,9,EUR,Other\nS1,2025-02-03,Interest,2,7,EUR,Savings\n"
    b"A3,2025-02-04,Food,-50,150,EUR,Main\nA4,not a day,x,-50,150,EUR,Main\n"
    b"S2,2025-02-05,Fee,-1,6,EUR,Savings\nA5,2025-02-04,Food,-20,130,EUR,Main\n"
)


# Balances alone: which of two of one day counts is said by a rank, when the bank has made the file.
RANKED = b"""OFXHEADER:100
DATA:OFXSGML

<OFX><SIGNONMSGSRSV1><SONRS><DTSERVER>20250402080000</SONRS></SIGNONMSGSRSV1><BANKMSGSRSV1>
<STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>100<ACCTTYPE>CHECKING</BANKACCTFROM>
<LEDGERBAL><BALAMT>111<DTASOF>20250401200000</LEDGERBAL></STMTRS></STMTTRNRS>
<STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>200<ACCTTYPE>SAVINGS</BANKACCTFROM>
<LEDGERBAL><BALAMT>222<DTASOF>20250401200000</LEDGERBAL></STMTRS></STMTTRNRS>
</BANKMSGSRSV1></OFX>
"""


class Killed(BaseException):
    """The process ends here, and nothing after it is done."""


@pytest.fixture
def in_steps(monkeypatch):
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "STEP", 2)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(hidden_values, "BLOCKS_AT_A_TIME", 1)
    monkeypatch.setattr(hidden_values, "BOOKINGS_AT_A_TIME", 1)
    monkeypatch.setattr(hidden_values, "ASSETS_AT_A_TIME", 2)
    monkeypatch.setattr("imports.services.blocks.ROWS", 2)


@pytest.fixture
def savings(portfolio):
    asset = create_asset(portfolio, "Savings")
    add_value(asset, 5, day(0))
    return asset


def counts():
    journal = (JournalEntry, HistoryEntry)
    return {each._meta.label: each._base_manager.count() for each in apps.get_models() if each not in journal}


def at_step(monkeypatch, number, do):
    """Do something before the step with this number, from 1, or before each of them (0)."""
    step, begun = hidden_writes.step, []

    def counted(*args):
        begun.append(args)
        if number in (0, len(begun)):
            do()
        return step(*args)

    monkeypatch.setattr(hidden_writes, "step", counted)
    return begun


def worth(client):
    """The answer, with names for the ids."""
    text = client.get(f"{API}/net-worth").content.decode()
    named = (model.objects.values_list("pk", "name") for model in (Asset, Instrument))
    for pk, name in chain(*named):
        text = text.replace(str(pk), name)
    return text


def without_ids(row):
    return (
        [{**item, "id": bool(item["id"])} for item in row["becomes"]],
        row["outcome"],
        row["reason"],
        row["read"],
    )


def bookings_of(portfolio):
    """In the order of each account's day."""
    rows = Transaction.objects.filter(asset__portfolio=portfolio).order_by("asset__name", "on", "position")
    names = ("asset__name", "on", "position", "type", "amount", "note", "source", "external_id")
    return list(rows.values_list(*names))


def ids_in(rows_of_import, row_type):
    return {item["id"] for row in rows_of_import for item in row["becomes"] if item["row_type"] == row_type}


@pytest.mark.parametrize("data", [MIXED, BOOKINGS], ids=["values", "bookings"])
def test_it_is_what_a_commit_at_once_makes(alice, portfolio, savings, in_steps, monkeypatch, data):
    new_import = preview(alice, portfolio, data)
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletions, "MOST_AT_ONCE", 1000)
        at_once = commit(alice, new_import)
        values, read = values_of(portfolio), list(map(without_ids, rows(alice, new_import)))
        bookings = bookings_of(portfolio)
        net_worth = worth(alice)
        entries = sorted(
            HistoryEntry.objects.exclude(action__in=OF_MANY).values_list("model", "action", "channel")
        )
        transaction.set_rollback(True)
    steps = at_step(monkeypatch, 0, lambda: None)

    done = commit(alice, new_import)

    assert len(steps) > 4
    assert {**done, "committed_at": ""} == {**at_once, "committed_at": ""}
    assert (values_of(portfolio), bookings_of(portfolio)) == (values, bookings)
    assert list(map(without_ids, rows(alice, new_import))) == read
    assert worth(alice) == net_worth
    assert not any(is_outdated(pk) for pk in Portfolio.objects.values_list("pk", flat=True))
    history = HistoryEntry.objects.exclude(action__in=OF_MANY).values_list("model", "action", "channel")
    assert sorted(history) == entries
    assert failures() == [] and not Deletion.objects.exists()
    assert set(Household.objects.values_list("pk", flat=True)) == {portfolio.household_id}
    becomes = rows(alice, new_import)
    new_values = AssetSnapshot.objects.exclude(on=day(0)).values_list("pk", flat=True)
    assert ids_in(becomes, "value") == set(map(str, new_values))
    assert ids_in(becomes, "transaction") == set(map(str, Transaction.objects.values_list("pk", flat=True)))
    assert commit(alice, new_import) == done
    again = preview(alice, portfolio, data)
    assert not any(count["create"] + count["update"] for count in again["counts"].values())


@pytest.mark.parametrize("data", [MIXED, BOOKINGS], ids=["values", "bookings"])
def test_nobody_sees_it_before_the_commit(alice, portfolio, savings, in_steps, monkeypatch, data):
    new_import = preview(alice, portfolio, data)
    before, instants, seen = answers(alice, LISTS), [], []
    history = alice.get(f"{API}/portfolios/{portfolio.pk}/history").json()

    def look():
        same_history = alice.get(f"{API}/portfolios/{portfolio.pk}/history").json() == history
        seen.append((answers(alice, LISTS) == before, same_history, failures()))
        instants.append(timezone.now())

    steps = at_step(monkeypatch, 0, look)
    commit(alice, new_import)

    assert len(seen) == len(steps) > 4
    assert all(each == (True, True, []) for each in seen)
    assert answers(alice, LISTS) != before
    assert all(answers(alice, LISTS, instant)[:4] == before[:4] for instant in instants), (
        "it begins with the commit"
    )
    assert len({tuple(answers(alice, LISTS, instant)) for instant in instants}) == 1
    new_history = alice.get(f"{API}/portfolios/{portfolio.pk}/history").json()["results"]
    assert len(new_history) > len(history["results"])
    for action, model in (("update_values", AssetSnapshot), ("add_transactions", Transaction)):
        in_new_accounts = model.objects.exclude(asset=savings).count()
        counted = [entry["count"] for entry in new_history if entry["action"] == action]
        assert in_new_accounts in [*counted, 0]


def test_a_copy_that_somebody_has_is_no_longer_the_newest(alice, portfolio, in_steps):
    """Where no other value is written in the commit."""
    path = f"{API}/portfolios/{portfolio.pk}/net-worth?interval=month&start=2025-01-31&end=2025-02-28"
    new_import = preview(alice, portfolio, LONG)
    copy = alice.get(path)
    revision = Portfolio.objects.get(pk=portfolio.pk).revision
    commit(alice, new_import)
    assert alice.get(path, headers={"If-None-Match": copy["ETag"]}).status_code == 200
    assert Portfolio.objects.get(pk=portfolio.pk).revision > revision


def test_shown_assets_are_of_whoever_commits_them_and_of_that_instant(alice, alice_user, portfolio, in_steps):
    new_import = preview(alice, portfolio, LONG)
    begun = timezone.now()
    commit(alice, new_import)
    for asset in Asset.objects.all():
        assert (asset.created_by, asset.updated_by) == (alice_user, alice_user)
        assert asset.created_at == asset.updated_at > begun


@pytest.mark.parametrize("number", [1, 3, 6])
def test_what_a_killed_process_has_written_is_removed_by_the_next_command(
    alice, portfolio, savings, in_steps, monkeypatch, number
):
    new_import = preview(alice, portfolio, MIXED)
    before, entries, shown = counts(), JournalEntry.objects.count(), answers(alice, LISTS)
    writes = JournalWrite._meta.label

    def end_here():
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(hidden_writes, "remove", lambda write_id: None)
        at_step(patch, number, end_here)
        with pytest.raises(Killed):
            alice.post(f"{IMPORTS}/{new_import['id']}/commit")
    assert answers(alice, LISTS) == shown

    call_command("finish_deletions", verbosity=0)
    assert Household.objects.count() == 2, "its process may still be there"
    assert Deletion.objects.update(written_until=timezone.now()) == 1
    call_command("finish_deletions", verbosity=0)

    assert {**counts(), writes: 0} == {**before, writes: 0}
    assert JournalEntry.objects.count() == entries
    assert answers(alice, LISTS) == shown
    assert commit(alice, new_import)["made"]["value"] == 8


def test_a_process_that_took_too_long_writes_nothing(alice, portfolio, savings, in_steps, monkeypatch):
    new_import = preview(alice, portfolio, MIXED)
    before = counts()
    at_step(monkeypatch, 4, lambda: Deletion.objects.update(written_until=timezone.now()))
    assert commit(alice, new_import, 409)["code"] == "INTERRUPTED"
    assert {**counts(), JournalWrite._meta.label: 0} == {**before, JournalWrite._meta.label: 0}


def test_what_is_written_beside_it_makes_it_stale(alice, portfolio, savings, in_steps, monkeypatch):
    new_import = preview(alice, portfolio, MIXED)
    at_step(monkeypatch, 3, lambda: add_value(savings, 6, day(1)))
    assert commit(alice, new_import, 409)["code"] == "IMPORT_STALE"
    assert Asset.objects.get() == savings
    assert Household.objects.count() == 1
    assert not ImportedRows.objects.exists() and not Deletion.objects.exists()
    assert alice.patch(f"{IMPORTS}/{new_import['id']}", {"options": {}}).status_code == 200
    assert commit(alice, new_import)["made"]["value"] == 8


def test_a_write_to_another_asset_of_the_portfolio_stays(alice, portfolio, savings, in_steps, monkeypatch):
    other = create_asset(portfolio, "Other")
    new_import = preview(alice, portfolio, MIXED)
    at_step(monkeypatch, 3, lambda: add_value(other, 600, day(1)))
    assert commit(alice, new_import)["made"]["value"] == 8
    assert not is_outdated(portfolio.pk)
    assert ("Other", day(1).isoformat(), "600.0000") in values_of(portfolio)


def test_options_that_are_changed_meanwhile_count(alice, portfolio, savings, in_steps, monkeypatch):
    new_import = preview(alice, portfolio, MIXED)
    skip = {"options": {"accounts": {"Boat|USD": {"skip": True}}}}
    patched = []

    def change():
        if not patched:
            patched.append(alice.patch(f"{IMPORTS}/{new_import['id']}", skip).status_code)

    at_step(monkeypatch, 4, change)
    done = commit(alice, new_import)
    assert patched == [200]
    assert (done["made"]["value"], Asset.objects.filter(name="Boat").count()) == (6, 0)
    assert Household.objects.count() == 1 and failures() == []


def test_a_second_commit_meanwhile_writes_it_once(alice, portfolio, savings, in_steps, monkeypatch):
    new_import = preview(alice, portfolio, MIXED)
    others = []

    def commit_too():
        if not others:
            others.append(None)
            others[:] = [commit(alice, new_import)]

    at_step(monkeypatch, 4, commit_too)
    done = commit(alice, new_import)
    assert [done] == others
    assert len(values_of(portfolio)) == 9
    assert Household.objects.count() == 1 and failures() == []


@pytest.mark.parametrize(("data", "assets"), [(MIXED, 4), (BOOKINGS, 2)], ids=["values", "bookings"])
def test_it_is_undone_as_any_other(alice, portfolio, savings, in_steps, data, assets):
    before = values_of(portfolio)
    new_import = preview(alice, portfolio, data)
    commit(alice, new_import)
    undone = undo(alice, new_import)
    assert undone["removed"]["asset"] == assets
    assert (values_of(portfolio), bookings_of(portfolio)) == (before, [])
    call_command("finish_deletions", verbosity=0)
    assert Asset.objects.get() == savings
    assert failures() == []


def test_labels_shares_and_a_sale_are_those_of_the_asset(alice, portfolio, in_steps, monkeypatch):
    """A tracker of things has them for each; all belong to the asset that is shown."""
    data = (
        b"HB.name,HB.quantity,HB.purchase_price,HB.purchase_time,HB.location,HB.tags,HB.sold_time,HB.sold_price\n"
        b"Drill,1,80,2024-01-05,Garage / Shelf,tools; loud,,\nSofa,1,900,2023-05-01,House,,2025-02-01,300\n"
    )
    steps = at_step(monkeypatch, 0, lambda: None)
    new_import = preview(alice, portfolio, data, options={"currency": "EUR"})
    assert new_import["format"] == "homebox"
    commit(alice, new_import)
    assert steps
    drill, sofa = Asset.objects.order_by("name")
    assert {tag.name for tag in drill.tags.all()} == {"tools", "loud"}
    assert [category.name for category in drill.categories.all()] == ["Shelf"]
    assert sofa.disposed_on.isoformat() == "2025-02-01"
    assert not is_outdated(portfolio.pk) and failures() == []
    undo(alice, new_import)
    call_command("finish_deletions", verbosity=0)
    assert not Asset.objects.exists() and failures() == []


def test_a_command_leaves_nothing_where_it_is_killed(alice, portfolio, in_steps, monkeypatch, tmp_path):
    path = tmp_path / "values.csv"
    path.write_bytes(MIXED)
    before = counts()

    def end_here():
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(hidden_writes, "remove", lambda write_id: None)
        at_step(patch, 4, end_here)
        with pytest.raises(Killed):
            call_command("import_file", path, portfolio=str(portfolio.pk), yes=True, verbosity=0)
    assert alice.get(IMPORTS).json()["results"] == []
    Deletion.objects.update(written_until=timezone.now())
    call_command("finish_deletions", verbosity=0)
    assert {**counts(), JournalWrite._meta.label: 0} == {**before, JournalWrite._meta.label: 0}

    with pytest.raises(SystemExit) as ended:  # a row is refused
        call_command("import_file", path, portfolio=str(portfolio.pk), yes=True, verbosity=0)
    assert ended.value.code == 1
    assert len(values_of(portfolio)) == 8
    assert ImportBlock.objects.count() == 6 and not ImportFile.objects.exists()
    assert failures() == [] and Household.objects.count() == 1


def test_a_viewer_makes_nothing(alice, vera, portfolio, in_steps, monkeypatch):
    new_import = preview(alice, portfolio, MIXED)
    before = counts()
    begun = at_step(monkeypatch, 0, lambda: None)
    assert vera.post(f"{IMPORTS}/{new_import['id']}/commit").status_code == 403
    assert {**counts(), JournalWrite._meta.label: 0} == {**before, JournalWrite._meta.label: 0}
    assert send(vera, portfolio, MIXED).status_code == 403
    assert begun == []


def test_a_commit_that_will_be_refused_writes_nothing_before_it(
    alice, portfolio, savings, in_steps, monkeypatch
):
    new_import = preview(alice, portfolio, MIXED)
    add_value(savings, 6, day(1))
    begun = at_step(monkeypatch, 0, lambda: None)
    assert commit(alice, new_import, 409)["code"] == "IMPORT_STALE"
    assert begun == []


@pytest.mark.parametrize("data", [LONG, BOOKINGS, RANKED], ids=["values", "bookings", "ranks of balances"])
def test_days_and_references_of_shown_rows_are_those_of_the_import(alice, portfolio, in_steps, data):
    """By them the undo knows what it takes back, and a later import what it may replace."""
    new_import = preview(alice, portfolio, data)
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletions, "MOST_AT_ONCE", 1000)
        commit(alice, new_import)
        at_once = written_of(new_import)
        transaction.set_rollback(True)
    commit(alice, new_import)
    assert written_of(new_import) == at_once
    assert (RANK in str(at_once)) is (data is RANKED)


def written_of(new_import):
    rows = ImportedRows.objects.filter(file_import=new_import["id"])
    names = dict(Asset.objects.values_list("pk", "name"))
    columns = rows.values_list("asset_id", "made_asset", "days", "references")
    return sorted(
        (names[pk], made_asset, bytes(days), zlib.decompress(keys)) for pk, made_asset, days, keys in columns
    )


def test_entries_are_those_of_the_household_and_of_one_instant(alice, portfolio, in_steps):
    """Its archive has them, and `?known_at=` shows all of the values or none."""
    new_import = preview(alice, portfolio, MIXED)
    commit(alice, new_import)
    new_assets = Asset.objects.filter(name__in=("Boat", "Cabin", "Truck"))
    values = set(AssetSnapshot.objects.filter(asset__in=new_assets).values_list("pk", flat=True))
    entries = HistoryEntry.objects.filter(object_id__in=values)
    assert Counter(entries.values_list("action", flat=True)) == {"create": 6}
    assert set(entries.values_list("household_id", flat=True)) == {portfolio.household_id}
    assert entries.values("at").distinct().count() == 1
    of_others = JournalEntry.objects.exclude(model="strata.User").exclude(household_id=portfolio.household_id)
    assert not of_others.exists()


def test_it_may_take_longer_than_it_may_stand_still(
    alice, portfolio, savings, in_steps, monkeypatch, time_machine
):
    """Each step gives it time for the next one."""
    new_import = preview(alice, portfolio, MIXED)
    time_machine.move_to(timezone.now(), tick=False)
    most = hidden_writes.WRITTEN_FOR
    begun = at_step(monkeypatch, 0, lambda: time_machine.shift(most * 0.9))
    assert commit(alice, new_import)["made"]["value"] == 8
    assert len(begun) > 4


def test_a_commit_with_an_open_question_writes_nothing_before_it(alice, portfolio, in_steps, monkeypatch):
    new_import = preview(alice, portfolio, LONG.replace(b",EUR", b"").replace(b",currency", b""))
    begun = at_step(monkeypatch, 0, lambda: None)
    assert commit(alice, new_import, 409)["code"] == "QUESTIONS_OPEN"
    assert begun == []
