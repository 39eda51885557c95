"""Forms take what is owed as a positive amount; the API and everything stored keep the sign."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from tests.admin_forms import change_form_data, save, staff, url

API = "/api/v1"


@pytest.fixture
def mortgage(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.MORTGAGE, name="Mortgage", currency="EUR"
    )


def add(client, asset, value, **more):
    body = {"asset": asset.pk, "value": value, "on": "2026-01-31", "version": "", **more}
    assert client.post(url(AssetSnapshot, "add"), body).status_code == 302
    return AssetSnapshot.objects.get()


@pytest.mark.parametrize(
    ("typed", "in_my_favour", "stored"),
    [
        ("180,000", {}, "-180000"),
        ("12.50", {"in_my_favour": "on"}, "12.5"),
        ("-12.50", {}, "12.5"),
        ("0", {}, "0"),
    ],
)
def test_an_amount_owed_is_stored_below_zero(alices, mortgage, typed, in_my_favour, stored):
    assert add(alices, mortgage, typed, **in_my_favour).value == D(stored)


def test_what_is_owned_keeps_its_sign(alices, portfolio):
    account = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Account", currency="EUR"
    )
    row = add(alices, account, "-5", in_my_favour="on")
    assert row.value == -5
    page = alices.get(url(AssetSnapshot, "change", row.pk)).content.decode()
    assert ("Amount owed" in page, "In my favour" in page) == (False, False)
    assert change_form_data(alices, row)["value"] == "-5.00"


def test_the_form_of_a_debt_shows_the_amount_owed_and_changes_sides_by_the_checkbox(alices, mortgage):
    row = add(alices, mortgage, "180000")
    page = alices.get(url(AssetSnapshot, "change", row.pk)).content.decode()
    assert "Amount owed" in page
    assert "Positive, as on the statement." in page
    data = change_form_data(alices, row)
    assert (data["value"], data.get("in_my_favour")) == ("180,000.00", None)
    assert save(alices, row, data | {"note": "only this"}).status_code == 302
    row.refresh_from_db()
    assert row.value == -180000
    assert save(alices, row, change_form_data(alices, row) | {"in_my_favour": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.value == 180000
    data = change_form_data(alices, row)
    assert (data["value"], bool(data["in_my_favour"])) == ("180,000.00", True)


def test_the_page_of_a_debt_takes_and_shows_amounts_owed(alices, mortgage):
    add(alices, mortgage, "180000")
    page = alices.get(url(Asset, "change", mortgage.pk)).content.decode()
    assert 'aria-label="Amount owed"' in page
    assert "180,000.00 owed" in page
    body = {"value": "179000", "on": "2026-02-28"}
    answer = alices.post(f"/admin/assets/asset/{mortgage.pk}/value/", body, follow=True)
    assert "Saved the value for 2026-02-28." in answer.content.decode()
    assert set(AssetSnapshot.objects.values_list("value", flat=True)) == {D(-180000), D(-179000)}


def test_lists_say_what_is_owed_and_the_api_keeps_the_sign(alices, alice, mortgage):
    row = add(alices, mortgage, "180000")
    for model in (AssetSnapshot, Asset):
        page = alices.get(url(model)).content.decode()
        assert "180,000.00 owed" in page
        assert "-180,000.00" not in page
    AssetSnapshot.objects.update(value=D(3))
    assert "3.00 in your favour" in alices.get(url(AssetSnapshot)).content.decode()
    path = f"{API}/assets/{mortgage.pk}/snapshots/{row.pk}"
    assert alice.patch(path, {"value": "-7"}).json()["value"] == "-7.00"


def test_a_viewer_sees_the_page_of_a_debt(vera_user, alices, mortgage):
    row = add(alices, mortgage, "5")

    veras = staff(vera_user)
    for model, pk in ((AssetSnapshot, row.pk), (Asset, mortgage.pk)):
        assert veras.get(url(model, "change", pk)).status_code == 200
