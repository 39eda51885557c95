"""In every form and page of the admin, days are ISO and amounts have at most the decimals of their currency."""

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

# How a form writes and reads a day or an amount does not depend on the database.
pytestmark = pytest.mark.on_sqlite

PAGES = admin.site._registry
OTHER_DATE_FORMAT = re.compile(
    r"\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\b\d{1,2} (January|February|March|April|May|June|July|August|September|October"
    r"|November|December)\b|\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z.]* \d"
)
NOT_ISO = (
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
    """The date fields of the page and its inlines, by the name of their input."""
    page_forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        page_forms += [*inline.formset.initial_forms, inline.formset.empty_form]
    return {
        f"{bound.html_name}{'_0' if isinstance(bound.field, forms.SplitDateTimeField) else ''}": bound
        for form in page_forms
        for bound in form
        if isinstance(bound.field, forms.DateField | forms.SplitDateTimeField | forms.DateTimeField)
    }


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_date_field_takes_and_shows_iso_and_says_so(rita, rows, model):
    for page in (url(model, "change", rows[model].pk), url(model, "add")):
        opened = rita.get(page)
        if opened.status_code != 200 or not inputs_of(opened):
            continue
        shown, unchanged = opened.content.decode(), form_data(opened)
        for name, bound in days_of(opened).items():
            assert "YYYY-MM-DD" in bound.help_text, name
            assert 'placeholder="YYYY-MM-DD"' in str(bound), name
            assert str(bound.help_text).split(".")[0] in shown, name
            if value := unchanged.get(name):
                assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)), (name, value)
            if "__prefix__" in name:
                continue
            for text in NOT_ISO:
                answer = rita.post(page, unchanged | {name: text})
                assert (answer.status_code, "YYYY-MM-DD" in errors_of(answer)) == (200, True), (name, text)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_no_page_shows_a_day_in_another_format(rita, rows, model):
    for page in (
        url(model),
        *(url(model, name, rows[model].pk) for name in ("change", "delete", "history")),
    ):
        answer = rita.get(page)
        if answer.status_code == 200:
            assert not days_in_other_formats(answer), page


def days_in_other_formats(page) -> list[str]:
    """The days in the page's visible text that are not ISO."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page.content.decode(), flags=re.S)
    return [match[0] for match in OTHER_DATE_FORMAT.finditer(text)]


@pytest.mark.parametrize(("name", "label"), [("start", "From"), ("end", "To")])
def test_dashboard_takes_only_iso_days(alices, portfolio, rows, name, label):
    answer = alices.get("/admin/", {name: "11/05/2026"})
    assert f"{label}: Enter a day as YYYY-MM-DD." in answer.content.decode()


def test_quality_page_takes_only_iso_days(alices, portfolio):
    page = url(Portfolio, "quality", portfolio.pk)
    assert "Date: Enter a day as YYYY-MM-DD." in alices.get(page, {"on": "11/05/2026"}).content.decode()
    assert "Date: Enter a year from" in alices.get(page, {"on": "1066-10-14"}).content.decode()
    dated = alices.get(page, {"on": "2026-05-11"}).content.decode()
    assert "As of 2026-05-11" in dated
    assert "YYYY-MM-DD" not in dated


def test_no_filter_is_by_a_day():
    """A filter by a day would have to take only ISO days and say so."""
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


def test_day_field_ignores_surrounding_blanks():
    assert str(DayFormField().clean(" 2026-05-11 ")) == "2026-05-11"


# --- amounts ---


def create_account(portfolio, currency) -> Asset:
    """An asset in the currency, and named after it."""
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=currency, currency=currency
    )


def amounts_of(model) -> list[str]:
    """The names of the model's fields that hold money."""
    return [field.name for field in model._meta.concrete_fields if isinstance(field, MoneyField)]


MONEY = [model for model in PAGES if amounts_of(model)]
TOO_PRECISE = [
    ("EUR", "1.2345", "at most 2 decimal places"),
    ("EUR", "0.001", "at most 2 decimal places"),
    ("JPY", "1.5", "no decimal places"),
    ("KWD", "1.2345", "at most 3 decimal places"),
]
ACCEPTED = [("EUR", "1234.56"), ("EUR", "1.5"), ("JPY", "1234"), ("KWD", "1234.567"), ("XAU", "1.2345")]


def body_of(model, asset, name, amount) -> dict[str, str]:
    body = {"asset": asset.pk, "on": "2026-01-31", "version": "", name: amount}
    if model is Transaction:
        body = {"type": "ACQUIRE", "amount": "1", "fee": "0", "tax": "0"} | body
    return body


def test_values_and_transactions_are_the_only_models_with_amounts():
    assert set(MONEY) == {AssetSnapshot, Transaction}


@pytest.mark.parametrize(("currency", "amount", "why"), TOO_PRECISE)
def test_form_refuses_more_decimals_than_the_currency_has(alices, portfolio, currency, amount, why):
    asset = create_account(portfolio, currency)
    for model in MONEY:
        for name in amounts_of(model):
            answer = alices.post(url(model, "add"), body_of(model, asset, name, amount))
            assert answer.status_code == 200, (model, name)
            assert f"{currency} has {why}" in errors_of(answer), (model, name)
        assert not model.objects.exists()
    for prefix, name in (("transactions", "amount"), ("transactions", "fee")):
        data = change_form_data(alices, asset) | {
            f"{prefix}-TOTAL_FORMS": "1",
            f"{prefix}-0-on": "2026-01-31",
            f"{prefix}-0-{name}": amount,
        }
        answer = save(alices, asset, data)
        assert f"{currency} has {why}" in errors_of(answer), (prefix, name)


@pytest.mark.parametrize(("currency", "amount"), ACCEPTED)
def test_form_takes_the_decimals_of_the_currency(alices, portfolio, currency, amount):
    asset = create_account(portfolio, currency)
    for model in MONEY:
        for number, name in enumerate(amounts_of(model)):
            body = body_of(model, asset, name, amount) | {"on": f"2026-02-0{number + 1}"}
            assert alices.post(url(model, "add"), body).status_code == 302, (model, name)


def test_form_keeps_the_four_decimals_of_a_value_from_the_api(alices, alice, portfolio):
    asset = create_account(portfolio, "EUR")
    created = alice.post(f"/api/v1/assets/{asset.pk}/snapshots", {"value": "1.2345", "on": "2026-01-31"})
    assert created.status_code == 201
    row = AssetSnapshot.objects.get()
    data = change_form_data(alices, row)
    assert data["value"] == "1.2345"
    assert save(alices, row, data | {"note": "touched"}).status_code == 302
    row.refresh_from_db()
    assert (str(row.value), row.note) == ("1.2345", "touched")
    assert save(alices, row, change_form_data(alices, row) | {"value": "1.2346"}).status_code == 200


def test_decimals_are_those_of_the_transactions_currency(alices, portfolio):
    asset = create_account(portfolio, "EUR")
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
    assert change_form_data(alices, row)["amount"] == "10", "the form shows an amount that it accepts"


# --- the notice about a move ---


def test_change_form_says_that_a_move_includes_the_history(alices, vera_user, portfolio):
    asset = create_account(portfolio, "EUR")
    assert b"moves its whole past" in alices.get(url(Asset, "change", asset.pk)).content
    assert b"moves its whole past" not in alices.get(url(Asset, "add")).content
