"""Portfolios, types, categories and tags may be named by code or name, in bodies and in queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetType, Category, Tag
from assets.services.labels import label_asset
from portfolios.models import Household, Membership, Portfolio
from tests.all_routes import ABSENT

API = "/api/v1"
CODES = {"type": "ASSET_TYPE", "categories": "CATEGORY", "tags": "TAG", "parent": "CATEGORY"}


@pytest.fixture
def labels(household):
    top = Category.objects.create(household=household, name="Savings")
    return {
        "top": top,
        "below": Category.objects.create(household=household, name="Café", parent=top),
        "blue": Tag.objects.create(household=household, name="Blue"),
        "red": Tag.objects.create(household=household, name="Red"),
        "own": AssetType.objects.create(household=household, code="BIKES", label="Stocks of bikes"),
    }


@pytest.fixture
def asset(portfolio, labels):
    asset = Asset.objects.create(portfolio=portfolio, asset_type_id=TypeId.CASH, name="Cash", currency="EUR")
    label_asset(asset.pk, category_ids=[labels["below"].pk], tag_ids=[labels["blue"].pk])
    return asset


@pytest.fixture
def second(alice_user, household):
    """Another household of Alice, with rows that have the same names."""
    second = Household.objects.create(name="Second")
    Membership.objects.create(household=second, user=alice_user, role="owner", accepted_at=timezone.now())
    Portfolio.objects.create(household=second, name="MAIN")
    Category.objects.create(household=second, name="savings")
    Tag.objects.create(household=second, name="blue")
    AssetType.objects.create(household=second, code="BIKES", label="Bikes")
    return second


def refused(answer):
    (error,) = answer.json()["errors"]
    return answer.status_code, answer.json()["code"], error["field"]


NEW = {"name": "New", "portfolio": "main", "type": "CHECKING_ACCOUNT"}


# --- in bodies ---


def test_new_asset_is_described_by_names(alice, labels, portfolio):
    names = {
        "categories": ["cafe\u0301", str(labels["top"].pk)],
        "tags": ["BLUE", {"id": str(labels["red"].pk)}],
    }
    created = alice.post(f"{API}/assets", NEW | names)
    assert created.status_code == 201, created.content
    row = created.json()
    assert (row["portfolio"]["name"], row["asset_type"]["code"]) == ("Main", "CHECKING_ACCOUNT")
    assert {category["name"] for category in row["categories"]} == {"Café", "Savings"}
    assert {tag["name"] for tag in row["tags"]} == {"Blue", "Red"}


@pytest.mark.parametrize("named", ["checking account", "CHECKING_ACCOUNT", TypeId.CHECKING_ACCOUNT])
def test_type_goes_by_code_name_or_id(alice, portfolio, named):
    created = alice.post(f"{API}/assets", NEW | {"type": str(named)})
    assert created.json()["asset_type"]["id"] == str(TypeId.CHECKING_ACCOUNT)


def test_code_goes_before_a_name(alice, portfolio, household):
    AssetType.objects.create(household=household, code="ODD", label="LOAN")
    assert alice.post(f"{API}/assets", NEW | {"type": "LOAN"}).json()["asset_type"]["id"] == str(TypeId.LOAN)


def test_asset_is_changed_by_names(alice, asset, labels, household):
    other = Portfolio.objects.create(household=household, name="Other")
    path = f"{API}/assets/{asset.pk}"
    changes = {"portfolio": "other", "type": "bikes", "tags": ["Red"], "categories": []}
    assert alice.patch(path, {"type": "LOAN"}).json()["asset_type"]["code"] == "LOAN"
    assert refused(alice.patch(path, changes)) == (404, "ASSET_TYPE_NOT_FOUND", "type")
    row = alice.patch(path, changes | {"type": "BIKES"}).json()
    assert (row["portfolio"]["id"], row["asset_type"]["code"]) == (str(other.pk), "BIKES")
    assert ([tag["name"] for tag in row["tags"]], row["categories"]) == (["Red"], [])


def test_what_a_get_gave_is_accepted(alice, asset, labels):
    path = f"{API}/assets/{asset.pk}"
    shown = alice.get(path).json()
    for send in (alice.put, alice.patch):
        assert send(path, shown).json() | {"updated_at": ""} == shown | {"updated_at": ""}
    assert (
        alice.put(path, shown | {"type": "CASH", "portfolio_id": shown["portfolio"]["id"]}).status_code == 200
    )
    more = alice.put(path, shown | {"tags": [*shown["tags"], "Red"]}).json()
    assert {tag["name"] for tag in more["tags"]} == {"Blue", "Red"}
    fewer = alice.put(path, more | {"tags": more["tags"][:1]}).json()
    assert fewer["tags"] == more["tags"][:1]
    by_ids = alice.put(path, fewer | {"tag_ids": [str(labels["red"].pk)]}).json()
    assert [tag["name"] for tag in by_ids["tags"]] == ["Red"]


def test_row_of_a_get_that_is_not_the_present_one_is_refused(alice, asset, household):
    other = Portfolio.objects.create(household=household, name="Other")
    path = f"{API}/assets/{asset.pk}"
    stale = {"portfolio": {"id": str(other.pk), "name": "Other"}}
    assert refused(alice.patch(path, stale)) == (400, "VALIDATION_ERROR", "portfolio")


def test_name_and_id_must_agree(alice, asset, labels, portfolio, household):
    other = Portfolio.objects.create(household=household, name="Other")
    names_and_ids = {
        "portfolio": ("Main", {"portfolio_id": portfolio.pk}, {"portfolio_id": other.pk}),
        "type": ("LOAN", {"asset_type_id": TypeId.LOAN}, {"asset_type_id": TypeId.CASH}),
        "tags": (["Red"], {"tag_ids": [labels["red"].pk]}, {"tag_ids": [labels["blue"].pk]}),
        "categories": (["Savings"], {"category_ids": [labels["top"].pk]}, {"category_ids": []}),
    }
    for field, (name, same, different) in names_and_ids.items():
        assert alice.patch(f"{API}/assets/{asset.pk}", {field: name, **same}, "json").status_code == 200, (
            field
        )
        answer = alice.patch(f"{API}/assets/{asset.pk}", {field: name, **different}, "json")
        assert refused(answer) == (400, "VALIDATION_ERROR", field)


def test_category_is_put_below_a_named_one(alice, labels, household):
    body = {"name": "New", "household_id": str(household.pk), "parent": "SAVINGS"}
    created = alice.post(f"{API}/categories", body).json()
    assert created["parent_id"] == str(labels["top"].pk)
    path = f"{API}/categories/{created['id']}"
    assert alice.patch(path, {"parent": None}).json()["parent_id"] is None
    assert refused(alice.patch(path, {"parent": "Nowhere"})) == (404, "CATEGORY_NOT_FOUND", "parent")


def test_target_names_its_group(alice, labels, portfolio):
    for group, column, pk in (
        ({"tag": "blue"}, "tag_id", labels["blue"].pk),
        ({"category": "savings"}, "category_id", labels["top"].pk),
        ({"type": "CASH"}, "asset_type_id", TypeId.CASH),
    ):
        created = alice.post(
            f"{API}/allocation-targets", {"portfolio": "MAIN", "share": "0.2", **group}
        ).json()
        assert (created["portfolio_id"], created[column]) == (str(portfolio.pk), str(pk))
    assert len(alice.get(f"{API}/allocation-targets?portfolio=main").json()["results"]) == 3


AMBIGUOUS = {
    "portfolio": ("Main", Portfolio),
    "type": ("BIKES", AssetType),
    "categories": (["Savings"], Category),
    "tags": (["Blue"], Tag),
}


@pytest.mark.parametrize("field", AMBIGUOUS)
def test_name_of_several_rows_is_refused_with_their_ids(alice, bob, labels, portfolio, second, field):
    name, model = AMBIGUOUS[field]
    body = NEW | {"portfolio": str(portfolio.pk)} | {field: name}
    answer = alice.post(f"{API}/assets", body)
    assert refused(answer) == (409, "AMBIGUOUS_NAME", field)
    codes = {
        "type": {"code": "BIKES"},
        "portfolio": {"name_key": "main"},
        "categories": {"name_key": "savings"},
    }
    for row in model.objects.filter(**codes.get(field, {"name_key": "blue"})):
        assert str(row.pk) in answer.json()["message"]
    assert bob.post(f"{API}/assets", body).status_code == 201  # Bob does not see the second household


@pytest.mark.parametrize("field", AMBIGUOUS)
def test_name_of_no_row_is_not_found(alice, charlie, labels, portfolio, field):
    name = AMBIGUOUS[field][0]
    expected = 404, f"{CODES.get(field, field.upper())}_NOT_FOUND", field
    assert refused(charlie.post(f"{API}/assets", NEW | {field: name})) in (
        expected,
        (404, "PORTFOLIO_NOT_FOUND", "portfolio"),
    )
    nothing = ["Nothing"] if isinstance(name, list) else "Nothing"
    assert refused(alice.post(f"{API}/assets", NEW | {field: nothing})) == expected


@pytest.mark.parametrize(
    "bad", [1, True, [], {"name": "Main"}, {"id": "x"}, {"id": ABSENT, "odd": 1}, "", "\u202e"]
)
def test_what_is_no_name_is_refused(alice, asset, bad):
    for field in ("portfolio", "type"):
        answer = alice.patch(f"{API}/assets/{asset.pk}", {field: bad})
        assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (400, field)
    answer = alice.patch(f"{API}/assets/{asset.pk}", {"tags": [bad]})
    assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (400, "tags")


def test_ids_fields_take_only_ids(alice, portfolio):
    body = {"name": "New", "portfolio_id": "Main", "asset_type_id": "CASH", "tag_ids": ["Blue"]}
    answer = alice.post(f"{API}/assets", body)
    assert answer.status_code == 400
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} >= {
        "portfolio_id",
        "asset_type_id",
    }
    missing = alice.post(f"{API}/assets", {"name": "New"})
    assert {error["field"] for error in missing.json()["errors"]} == {"portfolio_id", "asset_type_id"}


def test_names_of_a_body_take_a_fixed_number_of_queries(alice, asset, household, django_assert_num_queries):
    names = [Tag.objects.create(household=household, name=f"Tag {number}").name for number in range(20)]

    def queries(tags):
        with CaptureQueriesContext(connection) as captured:
            assert alice.patch(f"{API}/assets/{asset.pk}", {"tags": tags}).status_code == 200
        return sum("assets_tag" in query["sql"] and "name_key" in query["sql"] for query in captured)

    assert queries(names) == queries(names[:1])


# --- in queries ---


@pytest.mark.parametrize(
    "query",
    [
        "portfolio=MAIN",
        "type=CASH",
        "type=cash",
        "category=savings",
        "category=CAFE\u0301",
        "tag=blue",
        "tag=red&tag=blue",
    ],
)
@pytest.mark.parametrize("path", ["assets", "allocation", "net-worth/change"])
def test_query_takes_names(alice, asset, labels, path, query):
    if path != "assets" and query.count("=") > 1:
        return
    answer = alice.get(f"{API}/{path}?{query}")
    assert answer.status_code == 200, answer.content
    if path == "assets":
        assert [row["name"] for row in answer.json()["results"]] == ["Cash"]


@pytest.mark.parametrize("parameter", ["portfolio", "type", "category", "tag"])
@pytest.mark.parametrize(
    "path", ["assets", "values", "transactions", "allocation", "net-worth", "net-worth/chart.svg"]
)
def test_query_by_a_name_of_several_or_none_is_refused(alice, bob, asset, second, labels, path, parameter):
    name = {"portfolio": "main", "type": "BIKES", "category": "SAVINGS", "tag": "Blue"}[parameter]
    assert refused(alice.get(f"{API}/{path}", {parameter: name})) == (409, "AMBIGUOUS_NAME", parameter)
    assert bob.get(f"{API}/{path}", {parameter: name}).status_code == 200
    code = f"{CODES.get(parameter, parameter.upper())}_NOT_FOUND"
    for nothing in ("Nothing", ABSENT):
        assert refused(alice.get(f"{API}/{path}", {parameter: nothing})) == (404, code, parameter)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("assets?name=CASH", ["Cash"]),
        ("assets?name=Cas", []),
        ("portfolios?name=main", ["Main"]),
        ("categories?name=cafe\u0301", ["Café"]),
        ("tags?name=RED&name=blue", ["Blue", "Red"]),
        ("asset-types?code=CASH", ["Cash"]),
        ("asset-types?code=CAS", []),
    ],
)
def test_exact_filters(alice, asset, query, names):
    rows = alice.get(f"{API}/{query}").json()["results"]
    assert [row.get("name") or row["label"] for row in rows] == names


def test_names_are_those_that_were_known(alice, asset):
    at = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    Tag.objects.get(name="Blue")
    alice.patch(f"{API}/tags/{Tag.objects.get(name='Blue').pk}", {"name": "Green"})
    assert alice.get(f"{API}/assets?tag=blue").status_code == 404
    assert len(alice.get(f"{API}/assets", {"tag": "blue", "known_at": at}).json()["results"]) == 1
    assert alice.get(f"{API}/allocation", {"tag": "blue", "known_at": at}).status_code == 200
