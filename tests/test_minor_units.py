"""Minor units such as GBp, a hundredth of GBP, are refused wherever a currency is read, with the factor."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import resolve

from strata.fields.currencies import CURRENCY_PATTERN, CurrencyField
from tests.admin_forms import errors_of, form_data, url
from tests.all_routes import ABSENT, fields_of_bodies, path_for, routes
from tests.documented import openapi
from tests.valid_requests import BODIES, empty_body

pytestmark = pytest.mark.usefixtures("shared_world")

REFUSED = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ZAC": "ZAR", "ILA": "ILS"}
API = "/api/v1"


def names_factor(text: str, code: str) -> bool:
    return f"100 {code} are 1 {REFUSED[code]}" in text


# --- the API ---

BODY_FIELDS = [field for field in fields_of_bodies() if field.schema.get("pattern") == CURRENCY_PATTERN]


def query_parameters() -> list[tuple[str, str]]:
    """(route, parameter) of every query parameter that is a currency in the schema."""
    document = openapi()
    return [
        (resolve(re.sub(r"{\w+}", ABSENT, path)).url_name, parameter["name"])
        for path, methods in document["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", ())
        if CURRENCY_PATTERN
        in (parameter["schema"].get("pattern"), parameter["schema"].get("items", {}).get("pattern"))
    ]


QUERIES = query_parameters()


def test_all_currencies_of_the_api_are_tested():
    assert {str(field) for field in fields_of_bodies() if "currency" in field.name} == set(
        map(str, BODY_FIELDS)
    )
    assert len(BODY_FIELDS) >= 8 and len(QUERIES) >= 12


@pytest.mark.parametrize("field", BODY_FIELDS, ids=str)
def test_body_with_a_minor_unit_is_refused(field, alice_user, alice, world):
    alice_user.is_superuser = True
    alice_user.save()
    good = BODIES.get(field.route.name, empty_body)(world)
    for code in REFUSED:
        answer = getattr(alice, field.method)(path_for(field.route, world), good | {field.name: code})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"], error["code"]) == (400, field.name, "minor_unit")
        assert names_factor(error["message"], code)


@pytest.mark.parametrize(("name", "parameter"), QUERIES)
def test_query_with_a_minor_unit_is_refused(name, parameter, alice, world):
    (route,) = (route for route in routes() if route.name == name)
    for code in REFUSED:
        answer = alice.get(path_for(route, world), {parameter: code})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"]) == (400, parameter)
        assert names_factor(error["message"], code)


# --- the admin ---


def currency_fields():
    return [
        (model, field.name)
        for model in admin.site._registry
        for field in model._meta.concrete_fields
        if isinstance(field, CurrencyField)
    ]


def test_admin_form_with_a_minor_unit_is_refused(rita, household, portfolio):
    tested = set()
    for model, name in currency_fields():
        page = rita.get(url(model, "add"))
        if page.status_code != 200 or name not in page.context["adminform"].form.fields:
            continue
        tested.add((model.__name__, name))
        for code in REFUSED:
            answer = rita.post(url(model, "add"), form_data(page) | {name: code})
            assert answer.status_code == 200
            assert names_factor(errors_of(answer), code), (model, name, code)
    assert tested >= {
        ("Portfolio", "base_currency"),
        ("Asset", "currency"),
        ("Transaction", "currency"),
        ("ExchangeRate", "currency"),
    }


# --- commands and files ---


@pytest.mark.parametrize("code", REFUSED)
def test_file_of_rates_with_a_minor_unit_is_refused(code, db, tmp_path):
    own, ecb = tmp_path / "own.csv", tmp_path / "ecb.csv"
    own.write_text(f"currency,on,units_per_euro\n{code},2026-01-02,87.2\n")
    ecb.write_text(f"Date,USD,{code},\n2026-01-02,1.1,87.2,\n")
    for path in (own, ecb):
        with pytest.raises(CommandError) as refusal:
            call_command("load_rates", str(path))
        assert names_factor(str(refusal.value), code)


@pytest.mark.parametrize("code", REFUSED)
def test_terminal_chart_in_a_minor_unit_is_refused(code, portfolio):
    with pytest.raises(CommandError) as refusal:
        call_command("networth", currency=code)
    assert names_factor(str(refusal.value), code)
