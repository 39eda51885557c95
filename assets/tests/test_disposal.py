"""Disposing of an asset: on which days it may be, a second time, and its recorded sale.

An asset is worth nothing from the day of its disposal. So that day is neither before its acquisition nor before its
first value: otherwise the asset would never have been worth anything.
"""

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from assets.classification.seeds import TypeId
from assets.models import Asset
from assets.services.entries.disposal import DISPOSAL
from tests.factories import create_asset
from tests.refusals import assert_conflict

API = "/api/v1"


def dispose(client, asset, on, **proceeds):
    return client.post(f"{API}/assets/{asset.pk}/dispose", {"on": on, **proceeds})


def field_and_message_of_400(answer):
    assert answer.status_code == 400, answer.content
    (error,) = answer.json()["errors"]
    return error["field"], error["message"]


def test_asset_may_not_be_disposed_of_before_its_first_value(alice, shares):
    refused = dispose(alice, shares, "1999-01-01", proceeds="5")
    assert field_and_message_of_400(refused) == (
        "on",
        "It lies before 2024-06-01, the day of its first value.",
    )
    shares.refresh_from_db()
    assert (shares.disposed_on, shares.transactions.count()) == (None, 0)
    assert dispose(alice, shares, "2024-06-01", proceeds="5").status_code == 200


def test_asset_may_not_be_disposed_of_before_its_acquisition(alice, flat_bought_in_march):
    flat_bought_in_march.snapshots.all().delete()
    refused = dispose(alice, flat_bought_in_march, "2024-02-29")
    assert field_and_message_of_400(refused) == ("on", "It lies before 2024-03-01, when it was acquired.")
    assert dispose(alice, flat_bought_in_march, "2024-03-01").status_code == 200


def test_asset_without_values_may_be_disposed_of_on_any_day(alice, portfolio):
    bike = create_asset(portfolio, "Bike", TypeId.PERSONAL_PROPERTY)
    assert dispose(alice, bike, "1999-01-01").status_code == 200


# --- twice ---


@pytest.mark.parametrize(
    ("again", "field"),
    [
        ({"on": "2024-07-02", "proceeds": "5"}, "on"),
        ({"on": "2024-07-01", "proceeds": "6"}, "proceeds"),
        ({"on": "2024-07-01"}, "proceeds"),
        ({"on": "2024-07-01", "proceeds": "0"}, "proceeds"),
        ({"proceeds": "5"}, "on"),  # which is today
    ],
)
def test_second_disposal_with_another_day_or_other_proceeds_is_409_and_says_what_is_recorded(
    alice, shares, again, field
):
    assert dispose(alice, shares, "2024-07-01", proceeds="5").status_code == 200
    refused = alice.post(f"{API}/assets/{shares.pk}/dispose", again)
    recorded = "It was disposed of on 2024-07-01 for 5.00 EUR: reinstate it first."
    assert_conflict(refused, "ALREADY_DISPOSED", field=field, message=recorded)


def test_same_disposal_again_is_200_and_changes_nothing(alice, shares):
    first = dispose(alice, shares, "2024-07-01", proceeds="5")
    again = dispose(alice, shares, "2024-07-01", proceeds="5")
    assert (again.status_code, again.json(), again["ETag"]) == (200, first.json(), first["ETag"])
    assert shares.transactions.count() == 1


def test_second_disposal_is_409_if_the_recorded_sale_has_another_currency(alice, shares):
    dispose(alice, shares, "2024-07-01", proceeds="5")
    path = f"{API}/assets/{shares.pk}/transactions/{shares.transactions.get().pk}"
    assert alice.patch(path, {"currency": "USD"}).status_code == 200
    refused = dispose(alice, shares, "2024-07-01", proceeds="5")
    recorded = "It was disposed of on 2024-07-01 for 5.00 USD: reinstate it first."
    assert_conflict(refused, "ALREADY_DISPOSED", field="proceeds", message=recorded)
    assert alice.patch(path, {"currency": "EUR"}).status_code == 200
    assert dispose(alice, shares, "2024-07-01", proceeds="5").status_code == 200


def test_second_disposal_with_proceeds_is_409_if_the_first_had_none(alice, shares):
    path = f"{API}/assets/{shares.pk}/dispose"
    assert [alice.post(path, {"on": "2024-07-01"}).status_code for _ in range(2)] == [200, 200]
    refused = alice.post(path, {"on": "2024-07-01", "proceeds": "5"})
    recorded = "It was disposed of on 2024-07-01 without proceeds: reinstate it first."
    assert_conflict(refused, "ALREADY_DISPOSED", message=recorded)
    assert alice.post(f"{API}/assets/{shares.pk}/reinstate").status_code == 200
    assert dispose(alice, shares, "2024-08-01", proceeds="5").status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"on": "2024-07-02"}, "on"),
        ({"occurred_at": "2024-07-01T00:00:00Z"}, "occurred_at"),
        ({"type": "INCOME"}, "type"),
        ({"source": "bank"}, "source"),
        ({"external_id": None}, "external_id"),
    ],
)
def test_recorded_sale_keeps_its_day_type_and_ids(alice, shares, change, field):
    dispose(alice, shares, "2024-07-01", proceeds="5")
    path = f"{API}/assets/{shares.pk}/transactions/{shares.transactions.get().pk}"
    read = alice.get(path).json()
    for refused in (alice.patch(path, change), alice.put(path, read | change)):
        assert_conflict(refused, "DISPOSAL_IS_FIXED", field=field)
    assert alice.patch(path, {"note": "to Bob", "fee": "1"}).status_code == 200


def test_transaction_cannot_be_sent_with_the_source_and_id_of_a_disposal(alice, shares):
    path = f"{API}/assets/{shares.pk}/transactions"
    sale = {"type": "DISPOSE", "amount": "5", "source": DISPOSAL, "external_id": DISPOSAL}
    assert_conflict(alice.post(path, sale), "DISPOSAL_IS_FIXED")
    other = alice.post(path, sale | {"external_id": "1"}).json()
    refused = alice.patch(f"{path}/{other['id']}", {"external_id": DISPOSAL})
    assert_conflict(refused, "DISPOSAL_IS_FIXED")


def test_acquisition_may_not_be_after_the_disposal(alice, shares):
    assert dispose(alice, shares, "2024-07-01").status_code == 200
    path = f"{API}/assets/{shares.pk}"
    refused = alice.patch(path, {"acquired_on": "2024-07-02"})
    assert field_and_message_of_400(refused) == (
        "acquired_on",
        "It lies after 2024-07-01, when it was disposed of.",
    )
    assert alice.patch(path, {"acquired_on": "2024-07-01"}).status_code == 200


def test_database_refuses_an_acquisition_after_the_disposal(flat_bought_in_march):
    """Whatever writes it: this write asks no rule."""
    flats = Asset.objects.filter(pk=flat_bought_in_march.pk)
    flats.update(disposed_on="2024-03-01")
    with pytest.raises(IntegrityError, match="asset_not_disposed_of_before_it_was_acquired"), atomic():
        flats.update(disposed_on="2024-02-29")


def test_value_after_the_disposal_is_a_finding_of_the_quality_report(alice, portfolio, shares):
    assert dispose(alice, shares, "2024-07-01").status_code == 200
    path = f"{API}/portfolios/{portfolio.pk}/quality?on=2024-12-31"
    assert alice.get(path).json()["findings"] == []
    created = alice.post(f"{API}/assets/{shares.pk}/snapshots", {"value": "1", "on": "2024-08-01"}).json()
    (finding,) = alice.get(path).json()["findings"]
    assert (finding["code"], finding["on"]) == ("VALUE_AFTER_DISPOSAL", "2024-08-01")
    assert alice.delete(finding["link"]).status_code == 204
    assert finding["link"].endswith(created["id"])
    assert alice.get(path).json()["findings"] == []
