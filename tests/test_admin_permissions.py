"""What staff may see and change in the admin, and what they may not: every page and form of the registry."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.urls import reverse

from conftest import member
from portfolios.models import Household, Membership
from strata.accounts.models import ApiToken, User
from strata.audit.models import JournalEntry
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests.admin_forms import form_data, staff, url
from tests.sample_rows import sample_rows

pytestmark = pytest.mark.usefixtures("shared_samples")
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
PAGES = {model: page for model, page in admin.site._registry.items()}
SUPERUSERS_ONLY = {"User", "JournalEntry", "AccessAttempt", "PriceSource"}
SCOPED = [
    model for model in PAGES if hasattr(model, "household_lookup") and model.__name__ not in SUPERUSERS_ONLY
]
by_name = {"ids": lambda model: model.__name__}


@pytest.fixture(scope="module")
def shared_samples(shared_rows, django_db_blocker):
    """Both of the households below, made once for all tests of this module, like `shared_rows`."""
    household = shared_rows["household"]
    household.name = "Secret"
    with django_db_blocker.unblock():
        household.save()
        own = Household.objects.create(name="Own")
        dora = member(own, "dora", OWNER)
        shared_rows["foreign_rows"] = sample_rows("Secret", household=household)
        shared_rows["own_rows"] = sample_rows("Own", household=own, user=dora, member=dora.memberships.get())


@pytest.fixture
def foreign_rows(shared):
    """One row of every model in Alice's household, each named Secret."""
    return shared["foreign_rows"]


@pytest.fixture
def own_rows(shared):
    """One row of every model in Dora's household, each named Own. Dora owns it and is staff."""
    return shared["own_rows"]


@pytest.fixture
def dora(own_rows):
    return staff(own_rows[User])


def foreign_keys(model) -> list[models.ForeignKey]:
    """The model's editable foreign keys to rows of a household."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.is_relation and field.editable and hasattr(field.related_model, "household_lookup")
    ]


# --- rows of another household look as if they did not exist ---


def test_models_of_a_household_are_in_the_registry():
    assert {"Asset", "AssetSnapshot", "Transaction", "Category", "Tag", "AssetType", "Household"} <= {
        model.__name__ for model in SCOPED
    }


def response_to(client, method, model, page_name, pk):
    """Redirects, status and page, without the requested id and the CSRF token."""
    answer = getattr(client, method)(url(model, page_name, pk), {"post": "yes"}, follow=True)
    page = answer.content.decode().replace(pk, "ID")
    return answer.redirect_chain, answer.status_code, re.sub(r'"csrfmiddlewaretoken" value="\w+"', "", page)


@pytest.mark.parametrize("model", SCOPED, **by_name)
def test_foreign_row_is_answered_as_if_it_did_not_exist(foreign_rows, dora, model):
    before = JournalEntry.objects.count()
    for page_name in ("change", "delete", "history"):
        for method in ("get", "post"):
            foreign = response_to(dora, method, model, page_name, str(foreign_rows[model].pk))
            assert foreign == response_to(dora, method, model, page_name, ABSENT), (page_name, method)
            assert "doesn’t exist" in foreign[2], (page_name, method)
    assert JournalEntry.objects.count() == before


@pytest.mark.parametrize("model", PAGES, **by_name)
def test_no_page_of_staff_shows_a_foreign_name(foreign_rows, own_rows, dora, model):
    own = own_rows[model]
    pages = [url(model), url(model) + "?q=e", url(model, "add")]
    pages += [url(model, name, own.pk) for name in ("change", "delete", "history")]
    for page in pages:
        answer = dora.get(page, follow=True)
        assert b"Secret" not in answer.content, page
        assert answer.status_code in (200, 403), page
    expected = 403 if model.__name__ in SUPERUSERS_ONLY else 200
    assert dora.get(url(model)).status_code == expected


def filters_by_rows():
    """Yields (model, parameter, model of the rows) for every filter by rows."""
    for model, page in PAGES.items():
        for list_filter in page.list_filter:
            if isinstance(list_filter, tuple):
                yield (
                    model,
                    f"{list_filter[0]}__id__exact",
                    get_fields_from_path(model, list_filter[0])[-1].related_model,
                )
            elif not isinstance(list_filter, str):
                yield from (
                    (model, list_filter.parameter_name, row)
                    for row in SCOPED
                    if row._meta.model_name == list_filter.parameter_name
                )


def test_no_filter_reaches_foreign_rows(foreign_rows, own_rows, dora):
    parameters = set()
    for model, parameter, row_model in filters_by_rows():
        parameters.add(parameter)
        own = dora.get(url(model), {parameter: str(own_rows[row_model].pk)})
        assert own.context["cl"].result_count >= 1, (model, parameter)
        foreign, absent = (
            dora.get(url(model), {parameter: pk}) for pk in (str(foreign_rows[row_model].pk), ABSENT)
        )
        counts = [answer.context["cl"].result_count for answer in (foreign, absent)]
        # Django neither shows nor applies a filter with a single choice.
        assert counts[0] == counts[1], (model, parameter)
        assert b"Secret" not in foreign.content, (model, parameter)
    assert parameters >= {"portfolio__id__exact", "tags__id__exact", "category", "household__id__exact"}


@pytest.mark.parametrize("model", PAGES, **by_name)
def test_unknown_lookup_is_refused(rita, model):
    for lookup in (
        "id__regex",
        "created_by__password__startswith",
        "user__password__startswith",
        "pk__in",
        "x",
    ):
        assert rita.get(url(model), {lookup: "("}).status_code == 400, lookup


@pytest.mark.parametrize("model", PAGES, **by_name)
def test_autocomplete_offers_no_foreign_row(foreign_rows, dora, model):
    for field in model._meta.concrete_fields:
        if field.is_relation:
            query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
            answer = dora.get(reverse("admin:autocomplete"), query | {"field_name": field.name, "term": ""})
            assert answer.status_code in (200, 403), field
            assert b"Secret" not in answer.content, field
            if field in foreign_keys(model) and field.related_model in PAGES:
                assert b"Own" in answer.content, field


# --- forged forms ---


@pytest.mark.parametrize("model", [model for model in SCOPED if foreign_keys(model)], **by_name)
def test_forged_change_cannot_point_to_a_foreign_row(foreign_rows, own_rows, dora, model):
    page = url(model, "change", own_rows[model].pk)
    data = form_data(dora.get(page))
    assert dora.post(page, data).status_code == 302, "an unchanged form is accepted"
    data = form_data(dora.get(page))
    for field in foreign_keys(model):
        dora.post(page, data | {field.name: str(foreign_rows[field.related_model].pk)})
        stored = model.objects.get(pk=own_rows[model].pk)
        assert getattr(stored, field.attname) == getattr(own_rows[model], field.attname), field.name


@pytest.mark.parametrize("model", [model for model in SCOPED if foreign_keys(model)], **by_name)
def test_forged_addition_cannot_point_to_a_foreign_row(foreign_rows, own_rows, dora, model):
    add = url(model, "add")
    if dora.get(add).status_code == 403:
        assert not PAGES[model].has_add_permission(dora.get("/admin/").wsgi_request)
        return
    filled_keys = [field for field in foreign_keys(model) if getattr(own_rows[model], field.attname)]
    own = {field.name: str(own_rows[field.related_model].pk) for field in filled_keys}
    data = {
        name: value for name, value in form_data(dora.get(url(model, "change", own_rows[model].pk))).items()
    }
    data = {
        name: value for name, value in data.items() if "observed_at" not in name and "occurred_at" not in name
    }
    data = {name: value for name, value in data.items() if "-" not in name or name.endswith("_FORMS")} | own
    data |= {name: "0" for name in data if name.endswith("_FORMS")} | {"version": ""}
    data |= {
        f"snapshots-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")
    }  # of the page that adds an asset
    data |= {name: "ANOTHER" for name in ("name", "code", "external_id") if name in data}
    if "on" in data:
        data["on"] = "2026-02-03"
    before, shown = model.objects.count(), dora.get(add).context["adminform"].form.fields
    for field in [field for field in foreign_keys(model) if field.name in shown]:
        answer = dora.post(add, data | {field.name: str(foreign_rows[field.related_model].pk)})
        assert (answer.status_code, model.objects.count()) == (200, before), field.name
        assert field.name in answer.context["adminform"].form.errors, field.name
    if not data.keys() & {"name", "code", "on"}:
        own_rows[model].delete()  # a second row would be a duplicate
    before = model.objects.count()
    answer = dora.post(add, data)
    assert answer.status_code == 302, answer.context["errors"]
    assert model.objects.count() == before + 1


@pytest.mark.parametrize("label", ["categories", "tags"])
def test_foreign_label_is_refused(foreign_rows, own_rows, dora, label):
    asset = next(row for model, row in own_rows.items() if model.__name__ == "Asset")
    page = url(type(asset), "change", asset.pk)
    foreign = next(
        row
        for model, row in foreign_rows.items()
        if model._meta.verbose_name_plural == label and row.name == "Secret"
    )
    answer = dora.post(page, form_data(dora.get(page)) | {label: str(foreign.pk)})
    assert label in answer.context["adminform"].form.errors
    assert not getattr(asset, label).filter(pk=foreign.pk).exists()


def test_forged_inline_changes_no_foreign_row(foreign_rows, own_rows, dora):
    rows = {model.__name__: (row, own_rows[model]) for model, row in foreign_rows.items()}
    foreign, _ = rows["Transaction"]
    asset = rows["Asset"][1]
    page = url(type(asset), "change", asset.pk)
    data = form_data(dora.get(page)) | {"transactions-0-id": str(foreign.pk), "transactions-0-amount": "9"}
    assert dora.post(page, data).status_code == 200
    stored = foreign.amount
    foreign.refresh_from_db()
    assert (foreign.amount, foreign.asset) == (stored, rows["Asset"][0])


# --- roles ---


@pytest.mark.parametrize("model", SCOPED, **by_name)
def test_viewers_write_nothing(own_rows, model):
    vera = staff(member(own_rows[Household], "vera2", VIEWER))
    form_of_dora = form_data(staff(own_rows[User]).get(url(model, "change", own_rows[model].pk)))
    before = JournalEntry.objects.count()
    assert vera.get(url(model, "change", own_rows[model].pk)).status_code == 200
    assert vera.post(url(model, "change", own_rows[model].pk), form_of_dora).status_code == 403
    assert vera.post(url(model, "delete", own_rows[model].pk), {"post": "yes"}).status_code == 403
    if model is not Household:  # everyone may create a household
        assert vera.post(url(model, "add"), form_of_dora).status_code == 403
    vera.post(url(model), {"action": "dispose_of", "_selected_action": str(own_rows[model].pk), "index": "0"})
    assert JournalEntry.objects.count() == before


def test_editors_do_not_change_households_or_members(own_rows):
    bob = staff(member(own_rows[Household], "bob2", EDITOR))
    page = url(Household, "change", own_rows[Household].pk)
    form = form_data(staff(own_rows[User]).get(page))
    before = JournalEntry.objects.count()
    assert bob.post(page, form).status_code == 403
    assert bob.post(url(Household, "delete", own_rows[Household].pk), {"post": "yes"}).status_code == 403
    assert JournalEntry.objects.count() == before


def test_moving_an_asset_needs_write_access_to_both_households(foreign_rows, own_rows, dora):
    Membership.objects.create(
        household=foreign_rows[Household],
        user=own_rows[User],
        role=VIEWER,
        accepted_at=foreign_rows[Household].created_at,
    )
    rows = {model.__name__: (row, own_rows[model]) for model, row in foreign_rows.items()}
    asset, destination = rows["Asset"][1], rows["Portfolio"][0]
    page = url(type(asset), "change", asset.pk)
    answer = dora.post(page, form_data(dora.get(page)) | {"portfolio": str(destination.pk)})
    assert "portfolio" in answer.context["adminform"].form.errors
    assert b"Secret" in dora.get(url(type(asset))).content  # Dora may read it


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_disabled_user_or_former_staff_loses_access_at_once(own_rows, dora, change):
    assert dora.get("/admin/").status_code == 200
    User.objects.filter(pk=own_rows[User].pk).update(**change)
    answer = dora.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")


def test_staff_see_and_revoke_their_own_tokens_only(foreign_rows, own_rows, dora):
    foreign, own = foreign_rows[ApiToken], own_rows[ApiToken]
    assert dora.post(url(ApiToken, "delete", foreign.pk), {"post": "yes"}).status_code == 302
    assert dora.post(url(ApiToken, "delete", own.pk), {"post": "yes"}).status_code == 302
    assert list(ApiToken.objects.values_list("pk", flat=True)) == [foreign.pk]
