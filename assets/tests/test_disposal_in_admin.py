"""Disposing of an asset in the admin: the day of a recorded sale, a day that is too early, and the action."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assets.models import Asset, Transaction
from tests.admin_forms import form_data, staff, url


@pytest.fixture
def sale(alice, shares):
    """The transaction that a disposal on 2024-07-01 recorded."""
    body = {"on": "2024-07-01", "proceeds": "5"}
    assert alice.post(f"/api/v1/assets/{shares.pk}/dispose", body).status_code == 200
    return shares.transactions.get()


def day_in_database(sale):
    return str(Transaction.objects.get(pk=sale.pk).on)


def test_admin_refuses_another_day_of_a_recorded_sale(alice_user, sale):
    client, path = staff(alice_user), url(Transaction, "change", sale.pk)
    moved = {"on": "2024-07-02", "occurred_at_0": "", "occurred_at_1": ""}
    refused = client.post(path, form_data(client.get(path)) | moved)
    assert list(refused.context["adminform"].form.errors) == ["on"]
    assert day_in_database(sale) == "2024-07-01"


def test_admin_refuses_another_day_of_a_recorded_sale_on_the_page_of_its_asset(alice_user, shares, sale):
    client, path = staff(alice_user), url(Asset, "change", shares.pk)
    refused = client.post(path, form_data(client.get(path)) | {"transactions-0-on": "2024-07-02"})
    assert "reinstate the asset first" in refused.content.decode()
    assert day_in_database(sale) == "2024-07-01"


def test_admin_refuses_a_day_of_disposal_that_differs_from_the_recorded_sale(alice_user, shares, sale):
    client, path = staff(alice_user), url(Asset, "change", shares.pk)
    refused = client.post(path, form_data(client.get(path)) | {"disposed_on": "2024-07-02"})
    assert list(refused.context["adminform"].form.errors) == ["disposed_on"]
    assert day_in_database(sale) == "2024-07-01"


def test_admin_deletes_the_recorded_sale_when_the_day_of_disposal_is_emptied(alice_user, shares, sale):
    client, path = staff(alice_user), url(Asset, "change", shares.pk)
    assert client.post(path, form_data(client.get(path)) | {"disposed_on": ""}).status_code == 302
    assert not shares.transactions.exists()


@pytest.mark.parametrize("on", ["2024-02-29", "2024-05-31"])
def test_admin_shows_a_too_early_day_as_an_error_of_disposed_on(alice_user, flat_bought_in_march, on):
    client, path = staff(alice_user), url(Asset, "change", flat_bought_in_march.pk)
    refused = client.post(path, form_data(client.get(path)) | {"disposed_on": on})
    assert list(refused.context["adminform"].form.errors) == ["disposed_on"]
    assert client.post(path, form_data(client.get(path)) | {"disposed_on": "2024-06-02"}).status_code == 302


def test_admin_saves_other_fields_beside_a_stored_day_that_is_too_early(alice_user, shares):
    Asset.objects.filter(pk=shares.pk).update(disposed_on="1999-01-01")
    client, path = staff(alice_user), url(Asset, "change", shares.pk)
    assert client.post(path, form_data(client.get(path)) | {"name": "Other"}).status_code == 302


def test_admin_action_says_which_assets_it_could_not_dispose_of_today(
    alice_user, flat_bought_in_march, shares
):
    later = timezone.now().date() + timedelta(days=9)
    Asset.objects.filter(pk=flat_bought_in_march.pk).update(acquired_on=later)
    chosen = {
        "action": "dispose_of",
        "_selected_action": [str(flat_bought_in_march.pk), str(shares.pk)],
        "index": "0",
    }
    answer = staff(alice_user).post(url(Asset), chosen, follow=True)
    messages = [str(message) for message in answer.context["messages"]]
    assert messages == [
        f"Flat: It lies before {later}, when it was acquired.",
        "Marked as sold today: 1 of 2.",
    ]
