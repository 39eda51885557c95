"""No form of the admin overwrites a change made after it was opened: every model of the registry."""

from __future__ import annotations

import threading

import pytest
from django import forms
from django.contrib import admin
from django.db import connection, connections, transaction
from django.db.models import CharField
from django.test import Client

from portfolios.models import Membership
from strata.accounts.models import User
from strata.accounts.services import issue_token
from strata.admin import forms as editing
from strata.fields.money import NumberFormField
from tests.admin_forms import change_form_data, errors_of, form_data, save, staff, url
from tests.sample_rows import sample_rows

PAGES = admin.site._registry
# Only the program writes these rows, or they never change.
NO_FORM = {"ApiToken", "JournalEntry", "AccessAttempt", "LoginCount", "ExchangeRate"}
PASSWORD = "another long battery"


def edited(form, value: str) -> dict[str, str]:
    """Another value for the first number of the form, else its first text, else its first choice."""
    inputs = [
        field
        for field in form
        if field.name != "version" and not field.field.disabled and not field.is_hidden
    ]
    for bound in inputs:
        if bound.name == "denominator":  # a split has only its ratio
            return {bound.html_name: str(len(value))}
        if isinstance(bound.field, NumberFormField):
            return {bound.html_name: f"0.0{len(value)}"}
    for bound in inputs:
        if isinstance(bound.field, forms.CharField) and (bound.field.max_length or 10) > 3:
            return {bound.html_name: value.upper() if bound.name == "code" else value}
    bound = next(bound_field for bound_field in inputs if isinstance(bound_field.field, forms.ChoiceField))
    return {bound.html_name: bound.field.choices[len(value) % 2][0]}


def forms_of(page) -> list:
    """The page's form, and the first of each of its inlines whose rows can be changed."""
    shown = page.context["inline_admin_formsets"]
    inlines = [inline.formset.initial_forms for inline in shown if inline.has_change_permission]
    return [page.context["adminform"].form, *(rows[0] for rows in inlines if rows)]


def stored_rows(model) -> list:
    return list(model._base_manager.order_by("pk").values())


@pytest.fixture
def rows(rita, household):
    return sample_rows("Own", household=household)


def test_pages_with_forms_are_in_the_registry():
    assert {model.__name__ for model in PAGES} - NO_FORM >= {"User", "Household", "Asset", "Transaction"}
    assert not any(page.list_editable for page in PAGES.values())


@pytest.mark.parametrize(
    "model", [page for page in PAGES if page.__name__ not in NO_FORM], ids=lambda model: model.__name__
)
def test_stale_form_is_refused_and_overwrites_nothing(rita, rows, model):
    row = rows[model]
    page = rita.get(url(model, "change", row.pk))
    opened = form_data(page)
    for form in forms_of(page):
        second, first = edited(form, "Mine"), edited(form, "Their")
        fresh = change_form_data(rita, row)
        assert save(rita, row, fresh | first).status_code == 302, errors_of(save(rita, row, fresh | first))
        before = stored_rows(type(form.instance))
        answer = save(rita, row, opened | second)
        assert (answer.status_code, str(editing.STALE) in errors_of(answer)) == (200, True), form
        assert save(rita, row, {**fresh, **second, f"{form.add_prefix('version')}": ""}).status_code == 200
        assert stored_rows(type(form.instance)) == before
        opened = change_form_data(rita, row)


@pytest.mark.parametrize(
    "model", [page for page in PAGES if page.__name__ in NO_FORM], ids=lambda model: model.__name__
)
def test_model_without_a_form_refuses_one(rita, rows, model):
    before = stored_rows(model)
    assert rita.post(url(model, "change", rows[model].pk), {"version": "", "name": "x"}).status_code == 403
    assert stored_rows(model) == before


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_row_changed_meanwhile_is_not_deleted(rita, rows, model):
    row, page = rows[model], url(model, "delete", rows[model].pk)
    opened = rita.get(page)
    if opened.status_code == 403 or opened.context["protected"]:
        return
    version = opened.context["version"]
    assert f'name="version" value="{version}"' in opened.content.decode()
    if model.__name__ in NO_FORM:
        text = next(
            field for field in model._meta.concrete_fields if isinstance(field, CharField) and field.editable
        )
        model._base_manager.filter(pk=row.pk).update(**{text.name: "Other"})
    else:
        form = forms_of(rita.get(url(model, "change", row.pk)))[0]
        assert save(rita, row, change_form_data(rita, row) | edited(form, "Their")).status_code == 302
    answer = rita.post(page, {"post": "yes", "version": version}, follow=True)
    assert str(editing.STALE) in answer.content.decode()
    assert model._base_manager.filter(pk=row.pk).exists()


def test_inline_does_not_delete_a_row_changed_meanwhile(rita, household, rows):
    """Django does not validate a form that is marked for deletion."""
    member = rows[Membership]
    opened = change_form_data(rita, household)
    prefix = next(name[:-3] for name, value in opened.items() if str(value) == str(member.pk))
    Membership.objects.filter(pk=member.pk).update(role="owner")
    answer = save(rita, household, opened | {f"{prefix}-DELETE": "on"})
    assert str(editing.STALE) in errors_of(answer)
    assert Membership.objects.filter(pk=member.pk, role="owner").exists()


# --- users ---


@pytest.fixture
def dora(db):
    return User.objects.create_user("dora", password="correct horse battery", first_name="Dora")


def test_stale_form_does_not_enable_a_disabled_user(rita, dora):
    _, secret = issue_token(dora)
    opened = change_form_data(rita, dora)
    User.objects.filter(pk=dora.pk).update(is_active=False)
    answer = save(rita, dora, opened | {"first_name": "Mine"})
    assert str(editing.STALE) in errors_of(answer)
    dora.refresh_from_db()
    assert (dora.is_active, dora.first_name) == (False, "Dora")
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_login_meanwhile_does_not_make_a_form_stale(rita, dora):
    opened = change_form_data(rita, dora)
    User.objects.filter(pk=dora.pk).update(last_login="2026-01-01T00:00Z")
    assert save(rita, dora, opened | {"first_name": "Mine"}).status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"username": "dorothea"}])
def test_stale_page_sets_no_password(rita, dora, change):
    page = f"/admin/strata/user/{dora.pk}/password/"
    opened = rita.get(page)
    version = opened.context["form"]["version"].value()
    assert f'value="{version}"' in opened.content.decode()
    User.objects.filter(pk=dora.pk).update(**change)
    body = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    for form in (body | {"version": version}, body):
        answer = rita.post(page, form)
        assert (answer.status_code, str(editing.STALE) in answer.content.decode()) == (200, True)
    dora.refresh_from_db()
    assert not dora.check_password(PASSWORD)
    fresh = rita.get(page).context["form"]["version"].value()
    assert rita.post(page, body | {"version": fresh}).status_code == 302
    dora.refresh_from_db()
    assert dora.check_password(PASSWORD)
    assert all(getattr(dora, name) == value for name, value in change.items())


def test_changing_the_own_password_writes_nothing_else(dora, monkeypatch):
    """The user is disabled between reading the row and checking the form."""
    browser = staff(dora)
    monkeypatch.setattr("strata.accounts.models.User.set_password", set_after_disabling(User.set_password))
    body = {"old_password": "correct horse battery", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert browser.post("/admin/password_change/", body).status_code == 302
    dora.refresh_from_db()
    assert (dora.is_active, dora.check_password(PASSWORD)) == (False, True)


def set_after_disabling(set_password):
    def disabled_meanwhile(self, raw_password):
        User.objects.filter(pk=self.pk).update(is_active=False)
        return set_password(self, raw_password)

    return disabled_meanwhile


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_second_of_two_concurrent_saves_of_a_user_is_refused(rita, dora):
    """The first transaction locks the row. The form was opened before and reads the row afterwards."""
    opened, answers = change_form_data(rita, dora), []

    def post():
        answers.append(save(rita, dora, opened | {"first_name": "Mine"}))
        connections.close_all()

    with transaction.atomic():
        User.objects.filter(pk=dora.pk).update(is_active=False)
        second = threading.Thread(target=post)
        second.start()
        wait_until_a_session_is_blocked()
    second.join()
    assert str(editing.STALE) in errors_of(answers[0])
    dora.refresh_from_db()
    assert (dora.is_active, dora.first_name) == (False, "Dora")


def wait_until_a_session_is_blocked() -> None:
    """Polls until a session of this database waits for a lock."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute("SELECT pg_sleep(0.01)")
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("No session waits for a lock.")
