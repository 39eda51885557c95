"""Imports that wrote the same rows are undone in any order: what one of them has changed stays until its own undo."""

from datetime import date
from itertools import permutations

import pytest

from assets.models import Asset, AssetSnapshot
from imports.tests.import_requests import commit, failures, preview, undo, values_of
from strata.audit import deletions
from tests.factories import add_value, create_asset

pytestmark = pytest.mark.usefixtures("shared_rows")
HEADER = b"account,date,balance,currency\n"
FIRST = HEADER + b"Savings,2025-01-31,100,EUR\nSavings,2025-02-28,200,EUR\n"
SECOND = HEADER + b"Savings,2025-02-28,250,EUR\nSavings,2025-03-31,300,EUR\n"
THIRD = HEADER + b"Savings,2025-02-28,270,EUR\nSavings,2025-03-31,330,EUR\nSavings,2025-04-30,400,EUR\n"
FILES = (FIRST, SECOND, THIRD)


def imported(client, portfolio, data):
    new_import = preview(client, portfolio, data)
    commit(client, new_import)
    return new_import


def amounts(portfolio) -> list:
    return [(on, int(value.removesuffix(".0000"))) for _, on, value in values_of(portfolio)]


def test_what_a_later_import_has_changed_or_added_stays(alice, portfolio):
    first, second = [imported(alice, portfolio, data) for data in (FIRST, SECOND)]
    refused = undo(alice, first, expected=409)["errors"]
    assert [(error["field"], error["code"]) for error in refused] == [
        ("line 3", "IN_USE"),
        ("line 2", "IN_USE"),
    ]
    undone = undo(alice, first, force=True)
    assert (undone["removed"]["value"], undone["removed"]["asset"]) == (1, 0)
    assert [(row["row_type"], row["name"]) for row in undone["kept"]] == [("asset", "Savings")]
    assert amounts(portfolio) == [("2025-02-28", 250), ("2025-03-31", 300)]
    removed = undo(alice, second)["removed"]
    assert (removed["value"], removed["asset"]) == (2, 1)
    assert not Asset.objects.exists()


def test_an_asset_of_which_a_later_import_has_only_changed_values_stays(alice, portfolio):
    first = imported(alice, portfolio, FIRST)
    second = imported(alice, portfolio, FIRST.replace(b"200", b"250"))
    assert [row["name"] for row in undo(alice, first, force=True)["kept"]] == ["Savings"]
    assert amounts(portfolio) == [("2025-02-28", 250)]
    assert undo(alice, second)["restored"]["value"] == 0
    assert not Asset.objects.exists()


def test_a_value_from_before_all_imports_is_given_back_by_the_last_undo(alice, portfolio):
    savings = create_asset(portfolio, "Savings")
    add_value(savings, 7, date(2025, 2, 28))
    first, second = [imported(alice, portfolio, data) for data in (FIRST, SECOND)]
    refused = undo(alice, first, expected=409)["errors"]
    assert [(error["field"], error["code"]) for error in refused] == [("line 3", "IN_USE")]
    undone = undo(alice, first, force=True)
    assert (undone["restored"]["value"], [row["name"] for row in undone["kept"]]) == (0, ["Savings"])
    assert amounts(portfolio) == [("2025-02-28", 250), ("2025-03-31", 300)]
    assert undo(alice, second)["restored"]["value"] == 1
    assert amounts(portfolio) == [("2025-02-28", 7)]
    assert Asset.objects.get() == savings


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("has_value", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_any_order_the_newest_import_that_is_left_counts(
    alice, portfolio, order, has_value, is_large, monkeypatch
):
    if is_large:
        monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    if has_value:
        add_value(create_asset(portfolio, "Savings"), 7, date(2025, 2, 28))
    before = amounts(portfolio)
    imports = [imported(alice, portfolio, data) for data in FILES]
    left = [dict(line.split(",")[1:3] for line in data.decode().split()[1:]) for data in FILES]
    for number in order:
        is_newest = all(not days for days in left[number + 1 :])
        undo(alice, imports[number], force=not is_newest)
        left[number] = {}
        wanted = dict(before)
        for days in left:
            wanted |= {on: int(value) for on, value in days.items()}
        assert amounts(portfolio) == sorted(wanted.items())
    deletions.finish_all()
    assert (Asset.objects.count(), failures()) == (int(has_value), [])


def test_an_import_that_was_undone_before_the_next_one_is_not_looked_at(alice, portfolio):
    """What the value was before is what somebody has entered again."""
    add_value(create_asset(portfolio, "Savings"), 7, date(2025, 2, 28))
    undo(alice, imported(alice, portfolio, FIRST))
    by_hand = AssetSnapshot.objects.get()
    by_hand.value = 200
    by_hand.save()
    second = imported(alice, portfolio, SECOND)
    undo(alice, second)
    assert amounts(portfolio) == [("2025-02-28", 200)]


def test_a_value_that_was_edited_after_the_later_import_is_its_own(alice, portfolio):
    first, second = [imported(alice, portfolio, data) for data in (FIRST, SECOND)]
    by_hand = AssetSnapshot.objects.get(on="2025-02-28")
    by_hand.value = 255
    by_hand.save()
    undo(alice, first, force=True)
    assert ("2025-02-28", 255) in amounts(portfolio)
    refused = undo(alice, second, expected=409)["errors"]
    assert [(error["field"], error["code"]) for error in refused] == [("line 2", "EDITED")]
    undo(alice, second, force=True)
    assert not Asset.objects.exists()
