"""The backup and the databases of the earlier Stratas."""

import json
from datetime import date

import pytest

from assets.models import Asset, AssetSnapshot, AssetTag, Category, Transaction
from imports.reading.containers.databases import read_database
from imports.reading.refusals import FileRefused
from imports.tests.all_formats import own
from imports.tests.import_requests import commit, preview, rows, undo, values_of
from imports.tests.strata_databases import strata_database
from imports.tests.trackers.sums import read, reasons

pytestmark = pytest.mark.usefixtures("shared_rows")
BACKUP = own("strata-backup.json")


def test_backup_becomes_assets_with_labels_values_and_transactions(alice, portfolio):
    shown = preview(alice, portfolio, BACKUP)
    assert (shown["counts"]["asset"]["create"], shown["counts"]["value"]["create"]) == (4, 4)
    refused = [(row["line"], row["reason"]["code"]) for row in rows(alice, shown, outcome="refuse")]
    assert [code for _, code in refused] == ["UNKNOWN_TYPE", "MISSING_FIELD", "BAD_NUMBER", "UNKNOWN_TYPE"]
    commit(alice, shown)
    assert values_of(portfolio) == [
        ("Mortgage", "2024-01-31", "-180000.0000"),
        ("Old shares", "2024-01-31", "500.0000"),
        ("Savings", "2024-01-31", "1000.5000"),
        ("Savings", "2024-02-29", "1200.0000"),
    ]
    shares = Asset.objects.get(name="Old shares")
    assert (shares.disposed_on, str(shares.quantity), shares.currency) == (date(2024, 1, 31), "2.5", "EUR")
    bought = Transaction.objects.get(asset=shares)
    assert (bought.type, bought.amount, bought.external_id) == ("ACQUIRE", 250, "x1")
    assert AssetTag.objects.get(asset__name="Savings").tag.name == "Liquid"
    assert Category.objects.get(asset_links__asset__name="Savings").parent.name == "Money"
    undo(alice, shown)
    assert not Asset.objects.filter(portfolio=portfolio).exists()


def test_database_has_what_is_owed_as_the_backup_has_it_and_the_earlier_one_with_signs(alice, portfolio):
    for has_portfolios, currency in ((False, "EUR"), (True, "CHF")):
        shown = preview(alice, portfolio, strata_database(has_portfolios=has_portfolios))
        commit(alice, shown)
        debt = AssetSnapshot.objects.get(asset__name="Debt")
        assert (debt.value, debt.on, debt.asset.currency) == (-900, date(2024, 1, 31), currency)
        undo(alice, shown)


def test_database_with_several_portfolios_asks_for_one():
    more = "INSERT INTO portfolios VALUES ('p2', 'Other', 'EUR');"
    more += "INSERT INTO assets VALUES ('a3', 'X', 1, 0, 't1', 'p2');"
    data = strata_database(has_portfolios=True, more=more)
    reading, _ = read(data)
    assert [(question.code, question.choices) for question in reading.questions] == [
        ("PORTFOLIO", ("p1", "p2"))
    ]
    reading, portfolio_rows = read(data, portfolio="p2")
    assert (reading.questions, list(reading.accounts)) == ([], ["X|EUR"])
    assert {code for _, code in reasons(portfolio_rows)} == {"SKIPPED_BY_YOU"}


def test_category_that_is_its_own_parent_ends():
    content = json.loads(BACKUP)
    content["data"]["categories"][1]["parentId"] = "c2"
    reading, _ = read(json.dumps(content).encode())
    assert reading.accounts["Savings|EUR"].details.categories == (("Money", "Banks"),)


def test_only_tables_of_a_database_are_read():
    assert "everything" not in read_database(strata_database(has_portfolios=False))


def test_database_with_a_log_is_read_and_a_damaged_one_refused():
    data = strata_database(has_portfolios=False)
    assert read_database(data[:18] + b"\x02\x02" + data[20:])["assets"]
    with pytest.raises(FileRefused) as refused:
        read_database(data[:1000])
    assert refused.value.code == "BROKEN_FILE"


def test_statement_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr("imports.reading.containers.databases.MOST_SECONDS", -1)
    monkeypatch.setattr("imports.reading.containers.databases.STEPS", 1)
    with pytest.raises(FileRefused):
        read_database(strata_database(has_portfolios=False))


@pytest.mark.parametrize("damage", [b"tags (\xa6d", b"tags \xa6\xa6\xa6"])
def test_names_that_are_no_text_make_a_damaged_file(damage):
    data = strata_database(has_portfolios=False).replace(b"tags (id", damage, 1)
    with pytest.raises(FileRefused, match="BROKEN_FILE"):
        read_database(data)
