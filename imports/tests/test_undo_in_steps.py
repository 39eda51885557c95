"""The undo of a large import hides whole assets at once and removes their rows in steps: to all it is one act."""

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, Instrument, Transaction
from imports.models import Import
from imports.services import errors
from imports.services.previews import Upload, create_import
from imports.services.writing import undoing
from imports.tests.import_requests import IMPORTS, LONG, answers, commit, failures, preview, undo, values_of
from portfolios.models import Household
from strata.audit import deletions
from strata.audit.models import Deletion, HistoryEntry
from strata.fields.ids import uuid7
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")
API = "/api/v1"
LISTS = ("/assets", "/values", "/transactions", "/instruments")
WITH_SECURITIES = (
    b"account,date,balance,currency,ticker\nSavings,2025-01-31,100,EUR,\nSavings,2025-02-28,200,EUR,\n"
    b"House,2025-01-31,9,EUR,\nHouse,2025-02-28,8,EUR,\nHouse,2025-03-31,7,EUR,\nPlan,2025-01-31,2,USD,MSFT\n"
    b"Plan,2025-02-28,3.5,USD,MSFT\nCoins,2025-01-31,0.5,BTC,\n"
)


@pytest.fixture
def in_steps(monkeypatch):
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "STEP", 1)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)


def test_to_everybody_it_is_one_act(alice, portfolio, in_steps):
    add_value(create_asset(portfolio, "Savings"), 5, day(0))
    nothing_imported = answers(alice, LISTS)
    new_import = preview(alice, portfolio, WITH_SECURITIES)
    commit(alice, new_import)
    before, instant = answers(alice, LISTS), timezone.now()
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletions, "MOST_AT_ONCE", 1000)
        at_once = undo(alice, new_import)
        assert not Deletion.objects.exists()
        transaction.set_rollback(True)
    entries = HistoryEntry.objects.count()

    undone = undo(alice, new_import)

    assert undone == at_once
    assert {name: count for name, count in undone["removed"].items() if count} == {
        "asset": 3,
        "value": 5,
        "transaction": 3,
        "instrument": 2,
    }
    assert AssetSnapshot.objects.filter(asset__name="House").count() == 3, "they are hidden"
    steps = 0
    while True:
        assert (answers(alice, LISTS), answers(alice, LISTS, instant), failures()) == (
            nothing_imported,
            before,
            [],
        )
        assert undo(alice, new_import) == undone
        if steps == 4:  # the process is killed, and the next command goes on
            call_command("finish_deletions", verbosity=0)
        if not deletions.unfinished().exists():
            break
        steps += 1
        with transaction.atomic():
            deletions.remove_step(Deletion.objects.get().pk)
    assert steps == 4
    assert (Asset.objects.count(), Instrument.objects.filter(household__isnull=False).count()) == (1, 0)
    assert Household.objects.count() == 1

    removed = HistoryEntry.objects.order_by("id")[entries:].values_list(
        "action", "object_id", "at", "request_id", "channel", "household_id"
    )
    deleted = [entry for entry in removed if entry[0] == "delete"]
    assert len(deleted) == len({entry[1] for entry in deleted}) >= 3 + 5 + 3 + 2
    assert len({entry[2:] for entry in deleted}) == 1
    assert preview(alice, portfolio, WITH_SECURITIES)["counts"]["value"]["create"] == 5


def test_what_was_written_after_the_comparison_is_seen(alice, portfolio, in_steps):
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    compared = undoing.compare(Import.objects.get().pk)
    add_value(Asset.objects.get(name="House"), 5, day(0))
    with pytest.raises(errors.EditedSince), transaction.atomic():
        undoing.undo_import(Import.objects.get().pk, before=compared)
    assert len(values_of(portfolio)) == 4


def test_what_is_in_use_stays_beside_what_is_hidden(alice, portfolio, in_steps):
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    add_value(Asset.objects.get(name="Savings"), 5, day(0))
    kept = undo(alice, new_import, force=True)["kept"]
    assert [row["name"] for row in kept] == ["Savings"]
    assert [name for name, *_ in values_of(portfolio)] == ["Savings"]
    assert alice.get(f"{IMPORTS}/{new_import['id']}").json()["status"] == "undone"
    call_command("finish_deletions", verbosity=0)
    assert (Asset.objects.get().name, failures()) == ("Savings", [])
    assert preview(alice, portfolio, LONG)["counts"]["asset"]["create"] == 1


@pytest.mark.on_sqlite
@pytest.mark.parametrize("model", [AssetSnapshot, Transaction])
def test_rows_are_compared_by_their_ids_and_not_by_reading_the_household(portfolio, model):
    row = create_import(Upload(portfolio.pk, LONG))
    rows = undoing.in_household(row, model).filter(pk__in=[uuid7() for _ in range(1_000)])
    first = rows.order_by().explain().splitlines()[0]
    assert f"SEARCH {model._meta.db_table} USING INDEX" in first
    assert "(id=?)" in first
