"""The day of a disposal: never before all values, or the asset would never have been worth anything."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from assets.services.disposal import DISPOSAL
from strata.fields.dates import noon
from tests.test_admin_permissions import form_data, staff, url

API = "/api/v1"


@pytest.fixture
def flat(portfolio):
    """Acquired before its first value."""
    asset = Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TypeId.REAL_ESTATE,
        name="Flat",
        currency="EUR",
        acquired_on="2024-03-01",
    )
    add(asset, "2024-06-01")
    return asset


@pytest.fixture
def shares(portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.STOCKS, name="Shares", currency="EUR"
    )
    add(asset, "2024-06-01")
    return asset


def add(asset, on):
    on = date.fromisoformat(on)
    AssetSnapshot.objects.create(asset=asset, value="100", on=on, observed_at=noon(on, "UTC"))


def dispose(client, asset, on):
    return client.post(f"{API}/assets/{asset.pk}/dispose", {"on": on, "proceeds": "5"})


def refusal(answer):
    assert answer.status_code == 400, answer.content
    (error,) = answer.json()["errors"]
    return error["field"], error["message"]


def test_disposal_before_the_first_value_is_refused_and_changes_nothing(alice, shares):
    refused = dispose(alice, shares, "1999-01-01")
    assert refusal(refused) == ("on", "It lies before 2024-06-01, the day of its first value.")
    shares.refresh_from_db()
    assert (shares.disposed_on, shares.transactions.count()) == (None, 0)
    assert dispose(alice, shares, "2024-06-01").status_code == 200


def test_disposal_before_the_acquisition_is_refused(alice, flat):
    flat.snapshots.all().delete()
    refused = dispose(alice, flat, "2024-02-29")
    assert refusal(refused) == ("on", "It lies before 2024-03-01, when it was acquired.")
    assert dispose(alice, flat, "2024-03-01").status_code == 200


def test_disposal_of_what_has_no_value_is_taken(alice, portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.PERSONAL_PROPERTY, name="Bike", currency="EUR"
    )
    assert dispose(alice, asset, "1999-01-01").status_code == 200


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
def test_another_disposal_is_a_conflict_that_says_what_is_recorded(alice, shares, again, field):
    assert dispose(alice, shares, "2024-07-01").status_code == 200
    refused = alice.post(f"{API}/assets/{shares.pk}/dispose", again)
    assert (refused.status_code, refused.json()["code"]) == (409, "ALREADY_DISPOSED")
    (error,) = refused.json()["errors"]
    assert error["field"] == field
    assert error["message"] == "It was disposed of on 2024-07-01 for 5.00 EUR: reinstate it first."


def test_the_same_disposal_again_changes_nothing(alice, shares):
    first = dispose(alice, shares, "2024-07-01")
    again = dispose(alice, shares, "2024-07-01")
    assert (again.status_code, again.json(), again["ETag"]) == (200, first.json(), first["ETag"])
    assert shares.transactions.count() == 1


def test_the_same_amount_in_another_currency_is_another_disposal(alice, shares):
    dispose(alice, shares, "2024-07-01")
    path = f"{API}/assets/{shares.pk}/transactions/{shares.transactions.get().pk}"
    assert alice.patch(path, {"currency": "USD"}).status_code == 200
    refused = dispose(alice, shares, "2024-07-01")
    assert (refused.status_code, refused.json()["code"]) == (409, "ALREADY_DISPOSED")
    (error,) = refused.json()["errors"]
    assert error["field"] == "proceeds"
    assert error["message"] == "It was disposed of on 2024-07-01 for 5.00 USD: reinstate it first."
    assert alice.patch(path, {"currency": "EUR"}).status_code == 200
    assert dispose(alice, shares, "2024-07-01").status_code == 200


def test_a_disposal_without_proceeds_says_so(alice, shares):
    path = f"{API}/assets/{shares.pk}/dispose"
    assert [alice.post(path, {"on": "2024-07-01"}).status_code for _ in range(2)] == [200, 200]
    refused = alice.post(path, {"on": "2024-07-01", "proceeds": "5"})
    assert (
        refused.json()["message"] == "It was disposed of on 2024-07-01 without proceeds: reinstate it first."
    )
    assert alice.post(f"{API}/assets/{shares.pk}/reinstate").status_code == 200
    assert dispose(alice, shares, "2024-08-01").status_code == 200


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
def test_the_sale_that_a_disposal_recorded_stays_with_it(alice, shares, change, field):
    dispose(alice, shares, "2024-07-01")
    path = f"{API}/assets/{shares.pk}/transactions/{shares.transactions.get().pk}"
    read = alice.get(path).json()
    for refused in (alice.patch(path, change), alice.put(path, read | change)):
        assert (refused.status_code, refused.json()["code"]) == (409, "DISPOSAL_IS_FIXED")
        assert refused.json()["errors"][0]["field"] == field
    assert alice.patch(path, {"note": "to Bob", "fee": "1"}).status_code == 200


def test_no_other_transaction_passes_for_the_sale_of_a_disposal(alice, shares):
    path = f"{API}/assets/{shares.pk}/transactions"
    sale = {"type": "DISPOSE", "amount": "5", "source": DISPOSAL, "external_id": DISPOSAL}
    assert alice.post(path, sale).json()["code"] == "DISPOSAL_IS_FIXED"
    other = alice.post(path, sale | {"external_id": "1"}).json()
    assert alice.patch(f"{path}/{other['id']}", {"external_id": DISPOSAL}).status_code == 409


def test_acquisition_is_not_put_after_the_disposal(alice, shares):
    assert dispose(alice, shares, "2024-07-01").status_code == 200
    path = f"{API}/assets/{shares.pk}"
    refused = alice.patch(path, {"acquired_on": "2024-07-02"})
    assert refusal(refused) == ("acquired_on", "It lies after 2024-07-01, when it was disposed of.")
    assert alice.patch(path, {"acquired_on": "2024-07-01"}).status_code == 200


def test_values_entered_later_are_found_by_the_quality_report(alice, portfolio, shares):
    assert dispose(alice, shares, "2024-07-01").status_code == 200
    path = f"{API}/portfolios/{portfolio.pk}/quality?on=2024-12-31"
    assert alice.get(path).json()["findings"] == []
    created = alice.post(f"{API}/assets/{shares.pk}/snapshots", {"value": "1", "on": "2024-08-01"}).json()
    (finding,) = alice.get(path).json()["findings"]
    assert (finding["code"], finding["on"]) == ("VALUE_AFTER_DISPOSAL", "2024-08-01")
    assert alice.delete(finding["link"]).status_code == 204
    assert finding["link"].endswith(created["id"])
    assert alice.get(path).json()["findings"] == []


# --- the admin ---


def test_admin_keeps_a_sale_on_the_day_of_its_disposal(alice_user, alice, shares):
    dispose(alice, shares, "2024-07-01")
    sale, client = shares.transactions.get(), staff(alice_user)
    path = url(Transaction, "change", sale.pk)
    refused = client.post(
        path, form_data(client.get(path)) | {"on": "2024-07-02", "occurred_at_0": "", "occurred_at_1": ""}
    )
    assert list(refused.context["adminform"].form.errors) == ["on"]
    path = url(Asset, "change", shares.pk)
    moved = form_data(client.get(path)) | {"transactions-0-on": "2024-07-02"}
    assert "reinstate the asset first" in client.post(path, moved).content.decode()
    refused = client.post(path, form_data(client.get(path)) | {"disposed_on": "2024-07-02"})
    assert list(refused.context["adminform"].form.errors) == ["disposed_on"]
    sale.refresh_from_db()
    assert str(sale.on) == "2024-07-01"
    assert client.post(path, form_data(client.get(path)) | {"disposed_on": ""}).status_code == 302
    assert not shares.transactions.exists()


@pytest.mark.parametrize("on", ["2024-02-29", "2024-05-31"])
def test_admin_refuses_such_a_day_by_its_field(alice_user, flat, on):
    client, path = staff(alice_user), url(Asset, "change", flat.pk)
    refused = client.post(path, form_data(client.get(path)) | {"disposed_on": on})
    assert list(refused.context["adminform"].form.errors) == ["disposed_on"]
    assert client.post(path, form_data(client.get(path)) | {"disposed_on": "2024-06-02"}).status_code == 302


def test_admin_leaves_a_day_alone_that_is_there_already(alice_user, shares):
    Asset.objects.filter(pk=shares.pk).update(disposed_on="1999-01-01")
    client, path = staff(alice_user), url(Asset, "change", shares.pk)
    assert client.post(path, form_data(client.get(path)) | {"name": "Other"}).status_code == 302


def test_admin_says_what_it_could_not_dispose_of_today(alice_user, flat, shares):
    later = timezone.now().date() + timedelta(days=9)
    Asset.objects.filter(pk=flat.pk).update(acquired_on=later)
    chosen = {"action": "dispose_of", "_selected_action": [str(flat.pk), str(shares.pk)], "index": "0"}
    answer = staff(alice_user).post(url(Asset), chosen, follow=True)
    messages = [str(message) for message in answer.context["messages"]]
    assert messages == [f"Flat: It lies before {later}, when it was acquired.", "Disposed of: 1 of 2."]
