"""In the admin days are ISO, in and out, and amounts have the decimals of their currency: all by the registry."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import models

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from portfolios.models import Portfolio
from strata.fields.dates import DayFormField
from strata.fields.money import MoneyField
from tests.admin_forms import change_form_data, errors_of, form_data, inputs_of, save, url
from tests.sample_rows import sample_rows

PAGES = admin.site._registry
ANOTHER_ORDER = re.compile(
    r"\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\b\d{1,2} (January|February|March|April|May|June|July|August|September|October"
    r"|November|December)\b|\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z.]* \d"
)
WRONG = (
    "11/05/2026",
    "11.05.2026",
    "05-11-2026",
    "2026/05/11",
    "11 May 2026",
    "20260511",
    "2026-5-1",
    "٢٠٢٦-٠١-٠١",
)


@pytest.fixture
def rows(rita, household):
    return sample_rows("Own", household=household)


def days_of(page) -> dict[str, forms.BoundField]:
    """By the name of the input of a day every field of the page and its inlines that has one."""
    found = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        found += [*inline.formset.initial_forms, inline.formset.empty_form]
    return {
        f"{bound.html_name}{'_0' if isinstance(bound.field, forms.SplitDateTimeField) else ''}": bound
        for form in found
        for bound in form
        if isinstance(bound.field, forms.DateField | forms.SplitDateTimeField | forms.DateTimeField)
    }


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_day_of_every_form_is_iso_and_says_so(rita, rows, model):
    for page in (url(model, "change", rows[model].pk), url(model, "add")):
        opened = rita.get(page)
        if opened.status_code != 200 or not inputs_of(opened):
            continue
        shown = opened.content.decode()
        for name, bound in days_of(opened).items():
            assert "YYYY-MM-DD" in bound.help_text, name
            assert 'placeholder="YYYY-MM-DD"' in str(bound), name
            assert str(bound.help_text).split(".")[0] in shown, name
            if value := inputs_of(opened).get(name):
                assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)), (name, value)
            if "__prefix__" in name:
                continue
            for wrong in WRONG:
                answer = rita.post(page, form_data(opened) | {name: wrong})
                assert (answer.status_code, "YYYY-MM-DD" in errors_of(answer)) == (200, True), (name, wrong)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_no_page_writes_a_day_in_another_order(rita, rows, model):
    for page in (
        url(model),
        *(url(model, where, rows[model].pk) for where in ("change", "delete", "history")),
    ):
        answer = rita.get(page)
        if answer.status_code == 200:
            assert not days_in_another_order(answer), page


def days_in_another_order(page) -> list[str]:
    """In what a person reads of it."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page.content.decode(), flags=re.S)
    return [found[0] for found in ANOTHER_ORDER.finditer(text)]


@pytest.mark.parametrize("name", ["start", "end"])
def test_the_first_page_takes_iso_days_alone(alices, portfolio, rows, name):
    answer = alices.get("/admin/", {name: "11/05/2026"})
    assert f"{name}: Enter a day as YYYY-MM-DD." in answer.content.decode()
    assert not days_in_another_order(answer)


def test_the_page_of_what_needs_care_takes_iso_days_alone(alices, portfolio):
    page = url(Portfolio, "quality", portfolio.pk)
    assert "on: Enter a day as YYYY-MM-DD." in alices.get(page, {"on": "11/05/2026"}).content.decode()
    assert "on: Enter a year from" in alices.get(page, {"on": "1066-10-14"}).content.decode()
    right = alices.get(page, {"on": "2026-05-11"}).content.decode()
    assert "As of 2026-05-11" in right
    assert "YYYY-MM-DD" not in right


def test_no_filter_takes_a_day():
    """One that does has to read ISO days alone, and say so where another form is asked for."""
    for page in PAGES.values():
        for list_filter in page.list_filter:
            path = (
                list_filter
                if isinstance(list_filter, str)
                else list_filter[0]
                if isinstance(list_filter, tuple)
                else None
            )
            field = path and get_fields_from_path(page.model, path)[-1]
            assert not isinstance(field, models.DateField), list_filter


def test_a_day_field_takes_blanks_around_it():
    assert str(DayFormField().clean(" 2026-05-11 ")) == "2026-05-11"


# --- amounts ---


def asset_in(portfolio, currency) -> Asset:
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=currency, currency=currency
    )


def amounts_of(model) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if isinstance(field, MoneyField)]


MONEY = [model for model in PAGES if amounts_of(model)]
CASES = [
    ("EUR", "1.234", "at most 2 decimal places"),
    ("EUR", "1.230", "at most 2 decimal places"),
    ("EUR", "0.001", "at most 2 decimal places"),
    ("JPY", "1.5", "no decimal places"),
    ("JPY", "1.000", "no decimal places"),
    ("KWD", "1.2345", "at most 3 decimal places"),
]
TAKEN = [("EUR", "1234.56"), ("EUR", "1.5"), ("JPY", "1234"), ("KWD", "1.234"), ("XAU", "1.2345")]


def body_of(model, asset, name, amount) -> dict[str, str]:
    body = {"asset": asset.pk, "on": "2026-01-31", "version": "", name: amount}
    if model is Transaction:
        body = {"type": "ACQUIRE", "amount": "1", "fee": "0", "tax": "0"} | body
    return body


def test_every_page_with_amounts_is_walked():
    assert set(MONEY) == {AssetSnapshot, Transaction}


@pytest.mark.parametrize(("currency", "amount", "why"), CASES)
def test_no_form_takes_more_decimals_than_the_currency_has(alices, portfolio, currency, amount, why):
    asset = asset_in(portfolio, currency)
    for model in MONEY:
        for name in amounts_of(model):
            answer = alices.post(url(model, "add"), body_of(model, asset, name, amount))
            assert answer.status_code == 200, (model, name)
            assert f"{currency} has {why}" in errors_of(answer), (model, name)
        assert not model.objects.exists()
    for prefix, name in (("snapshots", "value"), ("transactions", "amount"), ("transactions", "fee")):
        data = change_form_data(alices, asset) | {
            f"{prefix}-TOTAL_FORMS": "1",
            f"{prefix}-0-on": "2026-01-31",
            f"{prefix}-0-{name}": amount,
        }
        answer = save(alices, asset, data)
        assert f"{currency} has {why}" in errors_of(answer), (prefix, name)


@pytest.mark.parametrize(("currency", "amount"), TAKEN)
def test_what_the_currency_has_is_taken(alices, portfolio, currency, amount):
    asset = asset_in(portfolio, currency)
    for model in MONEY:
        for place, name in enumerate(amounts_of(model)):
            body = body_of(model, asset, name, amount) | {"on": f"2026-02-0{place + 1}"}
            assert alices.post(url(model, "add"), body).status_code == 302, (model, name)


def test_the_api_keeps_its_four_places_and_a_form_leaves_them_alone(alices, alice, portfolio):
    asset = asset_in(portfolio, "EUR")
    created = alice.post(f"/api/v1/assets/{asset.pk}/snapshots", {"value": "1.2345", "on": "2026-01-31"})
    assert created.status_code == 201
    row = AssetSnapshot.objects.get()
    data = change_form_data(alices, row)
    assert data["value"] == "1.2345"
    assert save(alices, row, data | {"note": "touched"}).status_code == 302
    row.refresh_from_db()
    assert (str(row.value), row.note) == ("1.2345", "touched")
    assert save(alices, row, change_form_data(alices, row) | {"value": "1.2346"}).status_code == 200


def test_another_currency_has_its_own_decimals(alices, portfolio):
    asset = asset_in(portfolio, "EUR")
    assert (
        alices.post(url(Transaction, "add"), body_of(Transaction, asset, "amount", "10.5")).status_code == 302
    )
    row = Transaction.objects.get()
    answer = save(alices, row, change_form_data(alices, row) | {"currency": "JPY"})
    assert "JPY has no decimal places" in errors_of(answer)
    assert (
        save(alices, row, change_form_data(alices, row) | {"currency": "JPY", "amount": "10"}).status_code
        == 302
    )
    assert change_form_data(alices, row)["amount"] == "10", "and is shown as it may be sent again"


# --- what a move does ---


def test_the_form_says_that_a_move_takes_the_whole_past_along(alices, vera_user, portfolio):
    asset = asset_in(portfolio, "EUR")
    assert b"moves its whole past" in alices.get(url(Asset, "change", asset.pk)).content
    assert b"moves its whole past" not in alices.get(url(Asset, "add")).content
