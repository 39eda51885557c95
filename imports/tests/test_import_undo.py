"""Undo of an import, over HTTP."""

import pytest

from assets.models import Asset, AssetSnapshot
from imports.tests.import_requests import IMPORTS, LONG, commit, preview, undo, values_of
from portfolios.models import Household, Membership, Portfolio
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")


def test_undo_removes_exactly_what_the_import_made(alice, portfolio):
    asset = create_asset(portfolio, "Savings")
    add_value(asset, 5, day(0))
    before = values_of(portfolio)
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    undone = undo(alice, new_import)
    assert undone["removed"] == {
        "asset": 1,
        "value": 3,
        "transaction": 0,
        "instrument": 0,
        "price": 0,
        "action": 0,
    }
    assert (values_of(portfolio), Asset.objects.count()) == (before, 1)
    assert undo(alice, new_import) == undone
    assert commit(alice, new_import, expected=409)["code"] == "IMPORT_UNDONE"
    assert preview(alice, portfolio)["counts"]["value"]["create"] == 3


def test_undo_gives_updated_values_their_earlier_content_back(alice, portfolio):
    commit(alice, preview(alice, portfolio))
    update = preview(alice, portfolio, LONG.replace(b"28,200", b"28,250"))
    commit(alice, update)
    assert undo(alice, update)["restored"] == {"value": 1, "transaction": 0}
    assert ("Savings", "2025-02-28", "200.0000") in values_of(portfolio)


def test_edited_rows_are_named_and_removed_only_by_force(alice, portfolio):
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    edited = AssetSnapshot.objects.get(on="2025-02-28")
    edited.value = 1
    edited.save()
    AssetSnapshot.objects.get(asset__name="House").delete()
    refused = undo(alice, new_import, expected=409)
    assert refused["code"] == "IMPORT_EDITED"
    assert [(error["field"], error["code"]) for error in refused["errors"]] == [
        ("line 3", "EDITED"),
        ("line 4", "DELETED"),
    ]
    assert undo(alice, new_import, force=True)["removed"]["value"] == 2
    assert values_of(portfolio) == []


def test_asset_that_is_used_elsewhere_stays_until_its_last_user_is_undone(alice, portfolio):
    first = preview(alice, portfolio)
    commit(alice, first)
    later = preview(alice, portfolio, LONG + b"House,2025-02-28,10,EUR\n")
    commit(alice, later)
    refused = undo(alice, first, expected=409)
    assert [error["code"] for error in refused["errors"]] == ["IN_USE"]
    kept = undo(alice, first, force=True)["kept"]
    assert [row["name"] for row in kept] == ["House"]
    assert undo(alice, later)["removed"]["asset"] == 1
    assert not Asset.objects.exists()


def test_undo_leaves_an_asset_that_has_moved_to_another_household(alice, alice_user, portfolio):
    """Whoever undoes the import may have no rights there any more."""
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    other = Household.objects.create(name="Other")
    membership = Membership.objects.create(household=other, user=alice_user, role="owner")
    elsewhere = Portfolio.objects.create(household=other, name="Elsewhere")
    house = Asset.objects.get(name="House")
    moved = alice.patch(f"/api/v1/assets/{house.pk}", {"portfolio_id": str(elsewhere.pk)})
    assert moved.status_code == 200, moved.content
    membership.delete()
    refused = undo(alice, new_import, expected=409)
    assert [(error["field"], error["code"]) for error in refused["errors"]] == [("line 4", "DELETED")]
    undone = undo(alice, new_import, force=True)
    assert (undone["removed"]["asset"], undone["removed"]["value"]) == (1, 2)
    assert values_of(elsewhere) == [("House", "2025-01-31", "9.0000")]


def test_preview_cannot_be_undone_but_deleted(alice, portfolio):
    new_import = preview(alice, portfolio)
    assert undo(alice, new_import, expected=409)["code"] == "IMPORT_NOT_COMMITTED"
    assert alice.delete(f"{IMPORTS}/{new_import['id']}").status_code == 204
    assert alice.get(f"{IMPORTS}/{new_import['id']}").status_code == 404
    committed = preview(alice, portfolio)
    commit(alice, committed)
    for response in (
        alice.delete(f"{IMPORTS}/{committed['id']}"),
        alice.patch(f"{IMPORTS}/{committed['id']}", {}),
    ):
        assert (response.status_code, response.json()["code"]) == (409, "IMPORT_COMMITTED")
