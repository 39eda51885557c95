"""Assets in the API, in short: create, read, change and delete one, and how each is refused.

Alice owns the household, Bob may edit, Vera may only read, Charlie is a stranger.
"""

import pytest

ASSETS = "/api/v1/assets"
FLAT = {
    "name": "Flat",
    "portfolio": "Main",
    "type": "REAL_ESTATE",
    "currency": "EUR",
    "value": "250000",
    "on": "2024-06-01",
}


@pytest.fixture
def flat(alice, portfolio):
    """The address of a flat."""
    return alice.post(ASSETS, FLAT)["Location"]


def error_of(refused):
    (error,) = refused.json()["errors"]
    return error["field"], error["message"]


def test_editor_creates_an_asset_with_its_first_value(bob, portfolio):
    created = bob.post(ASSETS, FLAT)
    assert created.status_code == 201
    assert created["Location"] == f"http://testserver/api/v1/assets/{created.json()['id']}"
    shown = {
        "name": "Flat",
        "currency": "EUR",
        "current_value": "250000.00",
        "current_value_on": "2024-06-01",
        "disposed": False,
        "portfolio": {"id": str(portfolio.pk), "name": "Main"},
    }
    assert created.json() | shown == created.json()
    assert created.json()["asset_type"]["label"] == "Real estate"


def test_asset_of_an_unknown_type_is_refused(alice, portfolio):
    refused = alice.post(ASSETS, FLAT | {"type": "CASTLE"})
    assert (refused.status_code, refused.json()["code"]) == (404, "ASSET_TYPE_NOT_FOUND")
    assert error_of(refused) == ("type", "Asset type not found.")


def test_viewer_reads_an_asset(vera, flat):
    read = vera.get(flat)
    assert read.status_code == 200
    assert (read.json()["name"], read.json()["current_value"]) == ("Flat", "250000.00")


def test_stranger_finds_no_such_asset(charlie, flat):
    refused = charlie.get(flat)
    assert (refused.status_code, refused.json()["code"]) == (404, "ASSET_NOT_FOUND")


def test_editor_changes_some_fields_and_the_others_stay(bob, flat):
    changed = bob.patch(flat, {"name": "House", "acquired_on": "2020-03-01"})
    assert changed.status_code == 200
    shown = changed.json()
    assert (shown["name"], shown["acquired_on"], shown["currency"]) == ("House", "2020-03-01", "EUR")


def test_currency_stays_once_there_is_a_value(alice, flat):
    refused = alice.patch(flat, {"currency": "USD"})
    assert refused.status_code == 409
    assert error_of(refused)[0] == "currency"
    assert alice.get(flat).json()["currency"] == "EUR"


def test_editor_deletes_an_asset(bob, flat):
    assert bob.delete(flat).status_code == 204
    assert bob.get(flat).status_code == 404


def test_viewer_may_not_delete_an_asset(alice, vera, flat):
    refused = vera.delete(flat)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert alice.get(flat).status_code == 200
