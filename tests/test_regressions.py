"""Fourteen defects of the prototype before 0.1.0, one number each: none of them may come back."""

from decimal import Decimal

import pytest
from django.db import connection

from assets.models import AssetSnapshot, Category
from tests.factories import create_asset
from tests.refusals import assert_conflict

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking")


def add_value(client, asset, status=201, **body):
    answer = client.post(f"{API}/assets/{asset.pk}/snapshots", body)
    assert answer.status_code == status, answer.content
    return answer.json()


def current_value(client, asset, query=""):
    return client.get(f"{API}/assets/{asset.pk}{query}").json()["current_value"]


def test_01_writes_are_stored(alice, asset):
    created = add_value(alice, asset, value="1.00")
    assert AssetSnapshot.objects.get(pk=created["id"]).value == Decimal("1.00")


def test_02_snapshots_and_transactions_are_listed(alice, asset):
    add_value(alice, asset, value="1.00", on="2026-01-01")
    created = alice.post(
        f"{API}/assets/{asset.pk}/transactions", {"type": "ACQUIRE", "quantity": "2", "unit_price": "3"}
    )
    assert created.json()["amount"] == "6.00"
    assert len(alice.get(f"{API}/assets/{asset.pk}/snapshots").json()["results"]) == 1
    assert len(alice.get(f"{API}/assets/{asset.pk}/transactions/").json()["results"]) == 1


def test_03_offsets_of_instants_are_respected(alice, asset):
    add_value(alice, asset, value="2", observed_at="2026-01-10T22:00:00Z")
    add_value(alice, asset, value="1", observed_at="2026-01-11T01:00:00+05:00")
    assert current_value(alice, asset) == "2.00"


@pytest.mark.parametrize("value", ["12345678901234.5678", "-99999999999999.9999", "0.0001", "4000.129"])
def test_04_money_comes_back_as_it_was_sent(alice, asset, value):
    assert add_value(alice, asset, value=value)["value"] == value
    assert current_value(alice, asset) == value


def test_04_money_that_cannot_be_stored_exactly_is_refused(alice, asset):
    refused = add_value(alice, asset, status=400, value="12345678901234567.89")
    assert refused["errors"][0]["field"] == "value"


def test_05_second_value_of_an_instant_is_a_conflict(alice, asset):
    add_value(alice, asset, value="1", observed_at="2026-01-10T22:00:00Z")
    assert (
        add_value(alice, asset, 409, value="2", observed_at="2026-01-10T22:00:00Z")["code"]
        == "DUPLICATE_SNAPSHOT"
    )


def test_05_future_values_do_not_count_today(alice, asset):
    add_value(alice, asset, value="5", on="2099-01-01")
    assert (current_value(alice, asset), current_value(alice, asset, "?on=2099-01-01")) == (None, "5.00")


def test_06_put_keeps_absent_fields(alice, portfolio, asset):
    asset.quantity = 3
    asset.save()
    alice.patch(f"{API}/portfolios/{portfolio.pk}", {"base_currency": "USD"})
    put = alice.put(f"{API}/portfolios/{portfolio.pk}/", {"name": "New"}).json()
    assert (put["name"], put["base_currency"], put["total_value"]) == ("New", "USD", "0.00")
    assert alice.put(f"{API}/assets/{asset.pk}", {"name": "New"}).json()["quantity"] == "3"


def test_07_attaching_a_label_returns_the_changed_asset(alice, household, asset):
    tag = alice.post(f"{API}/tags/", {"name": "blue"}).json()
    attached = alice.post(f"{API}/assets/{asset.pk}/tags/{tag['id']}/").json()
    assert [tag["name"] for tag in attached["tags"]] == ["blue"]
    category = Category.objects.create(household=household, name="Cash")
    answer = alice.post(f"{API}/categories/{category.pk}/assets", {"asset_id": str(asset.pk)}).json()
    assert [category["id"] for category in answer["categories"]] == [str(category.pk)]
    for path in (f"tags/{tag['id']}", f"categories/{category.pk}"):
        assert alice.delete(f"{API}/assets/{asset.pk}/{path}").status_code == 204
        assert alice.delete(f"{API}/assets/{asset.pk}/{path}").status_code == 204
    assert alice.get(f"{API}/assets/{asset.pk}").json()["tags"] == []


def test_08_disposed_asset_stays_in_the_past_and_can_come_back(alice, portfolio, asset):
    add_value(alice, asset, value="100", on="2026-01-01")
    path = f"{API}/assets/{asset.pk}"
    for _ in range(2):
        answer = alice.put(f"{path}/dispose/", {"on": "2026-02-01", "proceeds": "90"})
        assert (answer.status_code, answer.json()["disposed"], answer.json()["disposed_on"]) == (
            200,
            True,
            "2026-02-01",
        )
    assert len(alice.get(f"{path}/transactions").json()["results"]) == 1
    days = [current_value(alice, asset, f"?on={on}") for on in ("2025-12-31", "2026-01-31", "2026-02-01")]
    assert days == [None, "100.00", "0.00"]
    reinstated = alice.post(f"{path}/reinstate").json()
    assert (reinstated["disposed"], reinstated["current_value"]) == (False, "100.00")
    assert alice.get(f"{path}/transactions").json()["results"] == []


BAD_VALUES = (
    "NaN",
    "Infinity",
    "1e400",
    "1e999999",
    "9" * 5000,
    "٣",
    "",
    " ",
    None,
    True,
    [],
    {},
    "1,5",
    "0x1",
)


@pytest.mark.parametrize("value", BAD_VALUES)
def test_09_bad_numbers_are_refused_by_name_and_break_nothing(alice, asset, value):
    answer = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "value")
    assert alice.get(f"{API}/assets/{asset.pk}/snapshots").json()["results"] == []


@pytest.mark.parametrize(
    "body", [b'{"name": "\\ud800"}', b'{"name": NaN}', b"\xff", b"[" * 200_000, b"null", b"[]"]
)
def test_09_bad_json_is_refused(alice, body):
    answer = alice.post(f"{API}/tags", body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "status", "errors", "request_id"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 300, "a\x00b", "a\u202eb", 7, None])
def test_10_bad_names_are_refused(alice, name):
    for path in ("portfolios", "tags", "categories"):
        answer = alice.post(f"{API}/{path}", {"name": name})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "name")


@pytest.mark.parametrize("currency", ["XXXX", "", "EU", "XXX", 5])
def test_10_unknown_currencies_are_refused(alice, currency):
    answer = alice.post(f"{API}/portfolios", {"name": "P", "base_currency": currency})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "base_currency")


def test_10_names_are_unique_whatever_the_case(alice, household):
    for path in ("portfolios", "tags", "categories"):
        assert alice.post(f"{API}/{path}", {"name": "Straße"}).status_code == 201
        taken = alice.post(f"{API}/{path}", {"name": " STRASSE "})
        assert_conflict(taken, "DUPLICATE_NAME")


def test_10_category_names_are_unique_among_siblings_only(alice, household):
    tops = [alice.post(f"{API}/categories", {"name": name}).json()["id"] for name in ("A", "B")]
    for top in tops:
        assert alice.post(f"{API}/categories", {"name": "Same", "parent_id": top}).status_code == 201


def test_11_cycle_in_the_database_breaks_no_list(alice, household, asset):
    top = Category.objects.create(household=household, name="Top")
    low = Category.objects.create(household=household, name="Low", parent=top)
    with connection.cursor() as cursor:
        key = low.pk.hex if connection.vendor == "sqlite" else str(low.pk)
        cursor.execute("UPDATE assets_category SET parent_id = %s WHERE name = 'Top'", [key])
    for path in ("categories", f"categories/{top.pk}/children", f"assets?category={top.pk}"):
        assert alice.get(f"{API}/{path}").status_code == 200


def test_11_cycle_is_refused(alice, household):
    top = Category.objects.create(household=household, name="Top")
    low = Category.objects.create(household=household, name="Low", parent=top)
    for parent in (top, low):
        answer = alice.patch(f"{API}/categories/{top.pk}", {"parent_id": str(parent.pk)})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "parent_id")


def test_12_request_without_a_token_is_refused(client, asset):
    for path in ("assets", f"assets/{asset.pk}", "portfolios", "me"):
        answer = client.get(f"{API}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")
        assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "query", ["colour=red", "page_size=201", "page=0", "page=x", "ordering=secret", "disposed=1"]
)
def test_12_unknown_or_bad_parameters_are_refused_by_name(alice, asset, query):
    answer = alice.get(f"{API}/assets?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, query.split("=")[0])


def test_14_snapshot_is_found_only_below_its_own_asset(alice, portfolio, asset):
    other = create_asset(portfolio, "Other")
    created = add_value(alice, asset, value="1")
    path = f"{API}/assets/{other.pk}/snapshots/{created['id']}"
    for answer in (alice.get(path), alice.patch(path, {"value": "2"}), alice.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "SNAPSHOT_NOT_FOUND")
    assert current_value(alice, asset) == "1.00"
