"""A price list's GBp is a hundredth of GBP: wherever a currency is read it is refused by name, with the factor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from django.contrib import admin
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import resolve

from strata.fields.currencies import CURRENCY_PATTERN, CurrencyField
from tests.admin_forms import errors_of, form_data, url
from tests.all_routes import ABSENT, fields_of_bodies, path_for, routes
from tests.valid_requests import BODIES, empty_body

REFUSED = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ZAC": "ZAR", "ILA": "ILS"}
API = "/api/v1"


def says_so(text: str, code: str) -> bool:
    return f"100 {code} are 1 {REFUSED[code]}" in text


# --- the API ---

BODY_FIELDS = [field for field in fields_of_bodies() if field.schema.get("pattern") == CURRENCY_PATTERN]


def query_parameters() -> list[tuple[str, str]]:
    """(route, parameter) of all that the schema says to be a currency."""
    document = yaml.load((Path(__file__).parent.parent / "openapi.yaml").read_text(), yaml.CSafeLoader)
    return [
        (resolve(re.sub(r"{\w+}", ABSENT, path)).url_name, one["name"])
        for path, methods in document["paths"].items()
        for one in methods.get("get", {}).get("parameters", ())
        if CURRENCY_PATTERN in (one["schema"].get("pattern"), one["schema"].get("items", {}).get("pattern"))
    ]


QUERIES = query_parameters()


def test_every_currency_of_the_api_is_among_them():
    assert {str(field) for field in fields_of_bodies() if "currency" in field.name} == set(
        map(str, BODY_FIELDS)
    )
    assert len(BODY_FIELDS) >= 8 and len(QUERIES) >= 12


@pytest.mark.parametrize("field", BODY_FIELDS, ids=str)
def test_a_body_with_a_minor_unit_is_refused(field, alice_user, alice, world):
    alice_user.is_superuser = True
    alice_user.save()
    good = BODIES.get(field.route.name, empty_body)(world)
    for code in REFUSED:
        answer = getattr(alice, field.method)(path_for(field.route, world), good | {field.name: code})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"], error["code"]) == (400, field.name, "minor_unit")
        assert says_so(error["message"], code)


@pytest.mark.parametrize(("name", "parameter"), QUERIES)
def test_a_query_with_a_minor_unit_is_refused(name, parameter, alice, world):
    (route,) = (route for route in routes() if route.name == name)
    for code in REFUSED:
        answer = alice.get(path_for(route, world), {parameter: code})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"]) == (400, parameter)
        assert says_so(error["message"], code)


# --- the admin ---


def currency_fields():
    return [
        (model, field.name)
        for model in admin.site._registry
        for field in model._meta.concrete_fields
        if isinstance(field, CurrencyField)
    ]


def test_a_form_of_the_admin_with_a_minor_unit_is_refused(rita, household, portfolio):
    tried = set()
    for model, name in currency_fields():
        page = rita.get(url(model, "add"))
        if page.status_code != 200 or name not in page.context["adminform"].form.fields:
            continue
        tried.add((model.__name__, name))
        for code in REFUSED:
            answer = rita.post(url(model, "add"), form_data(page) | {name: code})
            assert answer.status_code == 200
            assert says_so(errors_of(answer), code), (model, name, code)
    assert tried >= {
        ("Portfolio", "base_currency"),
        ("Asset", "currency"),
        ("Transaction", "currency"),
        ("ExchangeRate", "currency"),
    }


# --- commands and files ---


@pytest.mark.parametrize("code", REFUSED)
def test_a_file_of_rates_with_a_minor_unit_is_refused_whole(code, db, tmp_path):
    own, ecb = tmp_path / "own.csv", tmp_path / "ecb.csv"
    own.write_text(f"currency,on,units_per_euro\n{code},2026-01-02,87.2\n")
    ecb.write_text(f"Date,USD,{code},\n2026-01-02,1.1,87.2,\n")
    for path in (own, ecb):
        with pytest.raises(CommandError) as refusal:
            call_command("load_rates", str(path))
        assert says_so(str(refusal.value), code)


@pytest.mark.parametrize("code", REFUSED)
def test_the_terminals_chart_in_a_minor_unit_is_refused(code, portfolio):
    with pytest.raises(CommandError) as refusal:
        call_command("networth", currency=code)
    assert says_so(str(refusal.value), code)
