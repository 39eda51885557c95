"""The admin: every page opens, staff see only their own households, and changes can be read in the history."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, Tag, Transaction
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.admin_forms import staff
from tests.strata_apps import APPS


@pytest.fixture
def asset(portfolio):
    row = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="<b>Checking</b>", currency="EUR"
    )
    now = timezone.now()
    AssetSnapshot.objects.create(asset=row, value="1234.50", on=now.date(), observed_at=now)
    return row


@pytest.fixture
def root(db):
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


def page(model, name="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


OURS = [m for m in admin.site._registry if m._meta.app_label in APPS]


@pytest.mark.parametrize("model", OURS, ids=lambda m: m.__name__)
def test_lists_and_forms_open(root, asset, model):
    assert root.get(page(model)).status_code == 200
    assert root.get(page(model) + "?q=a").status_code == 200
    assert root.get(page(model, "add")).status_code in (200, 403)
    row = model.objects.first()
    if row is not None:
        assert root.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", OURS, ids=lambda m: m.__name__)
def test_a_list_shows_fifty_rows_a_page(root, db, model):
    assert root.get(page(model)).context["cl"].list_per_page == 50


@pytest.mark.parametrize("model", [Asset, Category, Tag, AssetSnapshot], ids=lambda m: m.__name__)
def test_list_takes_a_fixed_number_of_queries(root, household, portfolio, asset, model):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert root.get(page(model)).status_code == 200
        return len(seen)

    Category.objects.create(household=household, name="one")
    Tag.objects.create(household=household, name="one")
    queries()
    before = queries()
    for number in range(9):
        row = Asset.objects.create(
            portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=str(number), currency="EUR"
        )
        AssetSnapshot.objects.create(asset=row, value="1", on="2026-01-01", observed_at=timezone.now())
        Category.objects.create(household=household, name=str(number))
        Tag.objects.create(household=household, name=str(number))
    assert queries() == before


def test_login_page_opens_for_nobody(client, db):
    answer = client.get("/admin/login/")
    assert (answer.status_code, b'name="username"' in answer.content) == (200, True)
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"].split("style-src")[0]


def test_staff_see_their_own_households_only(asset, charlie_user, vera_user):
    shown = b"&lt;b&gt;Checking"
    assert shown in staff(vera_user).get(page(Asset)).content
    stranger = staff(charlie_user)
    assert shown not in stranger.get(page(Asset)).content
    assert stranger.get(page(Asset, "change", asset.pk)).status_code == 302


def test_viewers_may_not_change(asset, vera_user, household):
    tag = Tag.objects.create(household=household, name="old")
    answer = staff(vera_user).post(page(Tag, "change", tag.pk), {"household": household.pk, "name": "new"})
    assert answer.status_code == 403
    tag.refresh_from_db()
    assert tag.name == "old"


def test_duplicate_name_is_an_error_of_the_form(root, household):
    Tag.objects.create(household=household, name="Blue")
    answer = root.post(page(Tag, "add"), {"household": household.pk, "name": "BLUE"})
    assert (answer.status_code, Tag.objects.count()) == (200, 1)
    assert b"taken" in answer.content


def test_change_is_signed_and_shown_as_text_in_the_history(root, household):
    tag = Tag.objects.create(household=household, name="old")
    body = {"name": "<i>new</i>", "version": tag.updated_at.isoformat()}
    assert root.post(page(Tag, "change", tag.pk), body).status_code == 302
    change = JournalEntry.objects.filter(object_id=tag.pk).latest("id")
    assert (change.actor_name, change.channel, change.before["name"]) == ("root", "admin", "old")
    shown = root.get(page(Tag, "history", tag.pk)).content.decode()
    assert "&lt;i&gt;new&lt;/i&gt;" in shown
    assert "<i>new</i>" not in shown
    assert "root" in shown


def test_deleting_is_recorded(root, household):
    tag = Tag.objects.create(household=household, name="old")
    assert root.post(page(Tag, "delete", tag.pk), {"post": "yes"}).status_code == 302
    assert JournalEntry.objects.get(object_id=tag.pk, action="delete").before["name"] == "old"


def test_current_value_is_in_the_list(root, asset):
    assert b"1,234.50" in root.get(page(Asset)).content


def snapshot_form(asset, **fields):
    return {"asset": asset.pk, "value": "7", "note": "", "observed_at_0": "", "observed_at_1": "", **fields}


def test_day_alone_is_enough_for_a_value(root, asset):
    answer = root.post(page(AssetSnapshot, "add"), snapshot_form(asset, on="2026-01-31"))
    assert answer.status_code == 302, answer.context["errors"]
    row = AssetSnapshot.objects.get(on="2026-01-31")
    assert row.observed_at.isoformat() == "2026-01-31T11:00:00+00:00"  # noon in Berlin


def test_day_that_contradicts_the_instant_is_refused(root, asset):
    body = snapshot_form(asset, on="2026-01-31", observed_at_0="2026-02-02", observed_at_1="10:00:00")
    assert root.post(page(AssetSnapshot, "add"), body).status_code == 200
    assert AssetSnapshot.objects.count() == 1


def test_what_the_api_refuses_of_a_transaction_the_admin_refuses(root, asset):
    body = {
        "asset": asset.pk,
        "type": "ACQUIRE",
        "fee": "0",
        "tax": "0",
        "currency": "EUR",
        "on": "2026-01-31",
    }
    body |= {"position": "0", "occurred_at_0": "", "occurred_at_1": "", "note": "", "source": ""}
    assert root.post(page(Transaction, "add"), body).status_code == 200
    assert root.post(page(Transaction, "add"), body | {"quantity": "-1", "amount": "5"}).status_code == 200
    assert not Transaction.objects.exists()
    assert (
        root.post(page(Transaction, "add"), body | {"quantity": "2", "unit_price": "1.5"}).status_code == 302
    )
    assert Transaction.objects.get().amount == 3


def test_category_below_itself_is_refused(root, household):
    top = Category.objects.create(household=household, name="Top")
    low = Category.objects.create(household=household, name="Low", parent=top)
    body = {"household": household.pk, "name": "Top", "parent": low.pk}
    assert root.post(page(Category, "change", top.pk), body).status_code == 200
    top.refresh_from_db()
    assert top.parent is None


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model._meta.label)
def test_names_of_models_are_spelt_as_a_person_would(model):
    for name in (str(model._meta.verbose_name), str(model._meta.verbose_name_plural)):
        assert not re.search(r"[^aeiou]ys$|\b[Aa]pi\b", name), name
