"""A refusal names the field of the body or the parameter that it is about."""

import json

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Category
from conftest import client_of
from portfolios.models import Household, Portfolio
from tests.all_routes import ABSENT

API = "/api/v1"


def fields_of_errors(answer, status=400):
    assert answer.status_code == status, answer.content
    return [error["field"] for error in answer.json()["errors"]]


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(portfolio=portfolio, asset_type_id=TypeId.STOCKS, name="Fund", currency="EUR")


@pytest.mark.parametrize("name", ["amount", "fee", "tax", "unit_price"])
def test_adjustment_that_takes_away_names_a_field_with_money(alice, asset, name):
    path = f"{API}/assets/{asset.pk}/transactions"
    adjusted = {"type": "ADJUST", "quantity": "-1"}
    assert fields_of_errors(alice.post(path, adjusted | {name: "1"})) == [name]
    assert alice.post(path, adjusted | {"fee": "0", "tax": "0"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"name": "x", "name": "y"}', ["name"]),
        ('{"name": NaN}', ["name"]),
        ('{"name": "x", "category_ids": [["x"], [-Infinity]]}', ["category_ids"]),
        (r'{"name": "\ud800"}', ["name"]),
        (r'{"category_ids": ["\udfff"]}', ["category_ids"]),
        (r'{"\ud800": 1, "\ud800": 2}', []),
        (r'{"\ud800": NaN}', []),
        (r'{"\ud800": "\ud800"}', []),
        ("[NaN]", []),
        ("NaN", []),
    ],
)
def test_invalid_json_names_its_member(alice, body, named):
    answer = alice.post(f"{API}/tags", body, content_type="application/json")
    assert fields_of_errors(answer) == named
    assert answer.json()["code"] == "MALFORMED"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("assets?portfolio={portfolio}", "portfolio"),
        ("assets?portfolio_id={portfolio}", "portfolio_id"),
        ("net-worth?portfolio={portfolio}", "portfolio"),
        ("allocation/chart.svg?portfolio={portfolio}", "portfolio"),
        ("allocation?group_by=category&category={category}", "category"),
        ("net-worth?group_by=asset&category={category}", "category"),
    ],
)
def test_parameter_with_a_foreign_id_is_refused_like_one_with_an_absent_id(alice, alice_user, query, named):
    elsewhere = Household.objects.create(name="Elsewhere")
    foreign = Portfolio.objects.create(household=elsewhere, name="There")
    category = Category.objects.create(household=elsewhere, name="There")
    bodies = []
    for ids in (
        {"portfolio": foreign.pk, "category": category.pk},
        dict.fromkeys(("portfolio", "category"), ABSENT),
    ):
        answer = client_of(alice_user).get(f"{API}/{query.format(**ids)}")
        assert fields_of_errors(answer, 404) == [named]
        bodies.append(json.loads(answer.content) | {"request_id": ""})
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("field", ["tag_ids", "category_ids"])
def test_an_entry_of_a_list_is_named_by_its_place(alice, portfolio, field):
    answer = alice.post(
        "/api/v1/assets", {"name": "Giro", "portfolio_id": str(portfolio.pk), field: ["x", 5]}
    )
    fields = [entry["field"] for entry in answer.json()["errors"]]
    assert {f"{field}[0]", f"{field}[1]"} <= set(fields)
