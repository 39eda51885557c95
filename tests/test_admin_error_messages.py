"""Every form of the admin shows a rule's own message, whatever the error's code is."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils import timezone

from assets.models import AssetSnapshot, Transaction
from strata.accounts.models import User
from tests.admin_forms import change_form_data, errors_of, inputs_of, save, url
from tests.factories import create_asset
from tests.sample_rows import sample_rows
from tests.strata_apps import APPS

# What a form says does not depend on the database.
pytestmark = pytest.mark.on_sqlite

MODELS = [model for model in admin.site._registry if model._meta.app_label in APPS]
MESSAGE = "As the rule says it."


@pytest.fixture
def request_of_root(rf, db):
    request = rf.get("/admin/")
    request.user = User.objects.create(username="root", is_staff=True, is_superuser=True)
    return request


def forms_of(page, request, row):
    """Yields the forms of the page and its inlines, for a new row and for the given row."""
    for obj in (None, row):
        allowed = page.has_change_permission(request, obj) if obj else page.has_add_permission(request)
        if not allowed:
            continue
        yield page.get_form(request, obj, change=obj is not None)
        for formset, _ in page.get_formsets_with_inlines(request, obj):
            yield formset.form


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_error_code_replaces_a_rules_message(model, request_of_root):
    row = sample_rows("Row", user=request_of_root.user)[model]
    for form_class in forms_of(admin.site.get_model_admin(model), request_of_root, row):
        for name, field in form_class().fields.items():
            for code in field.error_messages:
                form = form_class({})
                form._errors, form.cleaned_data = ErrorDict(), {}
                form._update_errors(ValidationError({name: ValidationError(MESSAGE, code=code)}))
                assert form.errors == {name: [MESSAGE]}, (form_class, name, code)


@pytest.fixture
def asset(portfolio):
    row = create_asset(portfolio, "Flat")
    AssetSnapshot.objects.create(asset=row, value="1", on="2024-01-31", observed_at=timezone.now())
    return row


def test_a_disposal_before_the_first_value_names_its_day(alices, asset):
    errors = errors_of(save(alices, asset, change_form_data(alices, asset) | {"disposed_on": "2024-01-01"}))
    assert "It lies before 2024-01-31, the day of its first value." in errors


def test_transaction_without_an_amount_says_what_to_send(alices, asset):
    page = inputs_of(alices.get(url(Transaction, "add")))
    data = {name: value for name, value in page.items() if value is not None}
    transaction = {
        "asset": asset.pk,
        "type": "INCOME",
        "amount": "",
        "on": "2024-02-01",
        "occurred_at_0": "",
        "occurred_at_1": "",
    }
    errors = errors_of(alices.post(url(Transaction, "add"), data | transaction))
    assert "Send an amount, or a quantity and a unit price." in errors
