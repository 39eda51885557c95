"""The day of a disposal: never one that would make nothing of all that an asset was worth."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from assets.models import Asset, AssetSnapshot
from assets.seeds import type_id
from strata.days import noon
from tests.test_admin_doors import filled, staff, url

API = "/api/v1"


@pytest.fixture
def flat(portfolio):
    """Acquired before its first value."""
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=type_id(4), name="Flat", currency="EUR", acquired_on="2024-03-01"
    )
    add(asset, "2024-06-01")
    return asset


@pytest.fixture
def shares(portfolio):
    asset = Asset.objects.create(portfolio=portfolio, asset_type_id=type_id(5), name="Shares", currency="EUR")
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
    asset = Asset.objects.create(portfolio=portfolio, asset_type_id=type_id(9), name="Bike", currency="EUR")
    assert dispose(alice, asset, "1999-01-01").status_code == 200


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
    made = alice.post(f"{API}/assets/{shares.pk}/snapshots", {"value": "1", "on": "2024-08-01"}).json()
    (finding,) = alice.get(path).json()["findings"]
    assert (finding["code"], finding["on"]) == ("VALUE_AFTER_DISPOSAL", "2024-08-01")
    assert alice.delete(finding["link"]).status_code == 204
    assert finding["link"].endswith(made["id"])
    assert alice.get(path).json()["findings"] == []


# --- the admin ---


@pytest.mark.parametrize("on", ["2024-02-29", "2024-05-31"])
def test_admin_refuses_such_a_day_by_its_field(alice_user, flat, on):
    client, path = staff(alice_user), url(Asset, "change", flat.pk)
    refused = client.post(path, filled(client.get(path)) | {"disposed_on": on})
    assert list(refused.context["adminform"].form.errors) == ["disposed_on"]
    assert client.post(path, filled(client.get(path)) | {"disposed_on": "2024-06-02"}).status_code == 302


def test_admin_leaves_a_day_alone_that_is_there_already(alice_user, shares):
    Asset.objects.filter(pk=shares.pk).update(disposed_on="1999-01-01")
    client, path = staff(alice_user), url(Asset, "change", shares.pk)
    assert client.post(path, filled(client.get(path)) | {"name": "Other"}).status_code == 302


def test_admin_says_what_it_could_not_dispose_of_today(alice_user, flat, shares):
    later = timezone.now().date() + timedelta(days=9)
    Asset.objects.filter(pk=flat.pk).update(acquired_on=later)
    chosen = {"action": "dispose_of", "_selected_action": [str(flat.pk), str(shares.pk)], "index": "0"}
    answer = staff(alice_user).post(url(Asset), chosen, follow=True)
    told = [str(message) for message in answer.context["messages"]]
    assert told == [f"Flat: It lies before {later}, when it was acquired.", "Disposed of: 1 of 2."]
