"""The admin's doors, generated from its registry: what staff may see and write, and what they may not, by any form."""

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

ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
PAGES = {model: page for model, page in admin.site._registry.items()}
SCOPED = [model for model in PAGES if hasattr(model, "household_lookup")]
SUPERUSERS_ONLY = {"User", "JournalEntry", "AccessAttempt"}
by_name = {"ids": lambda model: model.__name__}


@pytest.fixture
def foreign_rows(household):
    """Alice's world: everything in it is called Secret."""
    household.name = "Secret"
    household.save()
    return sample_rows("Secret", household=household)


@pytest.fixture
def mine(household):
    """Dora's own world, with a row of everything as well; she owns it, and is staff."""
    own = Household.objects.create(name="Own")
    dora = member(own, "dora", OWNER)
    return sample_rows("Own", household=own, user=dora, member=dora.memberships.get())


@pytest.fixture
def dora(mine):
    return staff(mine[User])


def foreign_keys(model) -> list[models.ForeignKey]:
    return [
        field
        for field in model._meta.concrete_fields
        if field.is_relation and field.editable and hasattr(field.related_model, "household_lookup")
    ]


# --- another household's rows are as if they did not exist ---


def test_every_model_with_a_household_is_walked():
    assert {"Asset", "AssetSnapshot", "Transaction", "Category", "Tag", "AssetType", "Household"} <= {
        model.__name__ for model in SCOPED
    }


def seen_of(client, method, model, where, pk):
    """All that an answer tells, but for the id that was asked for."""
    answer = getattr(client, method)(url(model, where, pk), {"post": "yes"}, follow=True)
    page = answer.content.decode().replace(pk, "ID")
    return answer.redirect_chain, answer.status_code, re.sub(r'"csrfmiddlewaretoken" value="\w+"', "", page)


@pytest.mark.parametrize("model", SCOPED, **by_name)
def test_a_foreign_row_is_answered_as_one_that_does_not_exist(foreign_rows, dora, model):
    before = JournalEntry.objects.count()
    for where in ("change", "delete", "history"):
        for method in ("get", "post"):
            theirs_seen = seen_of(dora, method, model, where, str(foreign_rows[model].pk))
            assert theirs_seen == seen_of(dora, method, model, where, ABSENT), (where, method)
            assert "doesn’t exist" in theirs_seen[2], (where, method)
    assert JournalEntry.objects.count() == before


@pytest.mark.parametrize("model", PAGES, **by_name)
def test_no_page_of_staff_shows_a_foreign_name(foreign_rows, mine, dora, model):
    own = mine[model]
    pages = [url(model), url(model) + "?q=e", url(model, "add")]
    pages += [url(model, name, own.pk) for name in ("change", "delete", "history")]
    for page in pages:
        answer = dora.get(page, follow=True)
        assert b"Secret" not in answer.content, page
        assert answer.status_code in (200, 403), page
    wanted = 403 if model.__name__ in SUPERUSERS_ONLY else 200
    assert dora.get(url(model)).status_code == wanted


def filters_of_rows():
    """(model, parameter, the model whose rows it takes) of every filter that takes rows."""
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


def test_no_filter_reaches_foreign_rows(foreign_rows, mine, dora):
    seen = set()
    for model, parameter, of in filters_of_rows():
        seen.add(parameter)
        found = dora.get(url(model), {parameter: str(mine[of].pk)})
        assert found.context["cl"].result_count >= 1, (model, parameter)
        foreign, absent = (dora.get(url(model), {parameter: pk}) for pk in (str(foreign_rows[of].pk), ABSENT))
        counts = [answer.context["cl"].result_count for answer in (foreign, absent)]
        assert counts[0] == counts[1], (
            model,
            parameter,
        )  # a filter of a single choice is not shown, nor applied
        assert b"Secret" not in foreign.content, (model, parameter)
    assert seen >= {"portfolio__id__exact", "tags__id__exact", "category", "household__id__exact"}


@pytest.mark.parametrize("model", PAGES, **by_name)
def test_what_no_filter_offers_is_refused(rita, model):
    for lookup in (
        "id__regex",
        "created_by__password__startswith",
        "user__password__startswith",
        "pk__in",
        "x",
    ):
        assert rita.get(url(model), {lookup: "("}).status_code == 400, lookup


@pytest.fixture
def rita(db):
    return staff(User.objects.create(username="rita", is_superuser=True))


@pytest.mark.parametrize("model", PAGES, **by_name)
def test_autocomplete_offers_no_foreign_row(foreign_rows, dora, model):
    for field in model._meta.concrete_fields:
        if field.is_relation:
            asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
            answer = dora.get(reverse("admin:autocomplete"), asked | {"field_name": field.name, "term": ""})
            assert answer.status_code in (200, 403), field
            assert b"Secret" not in answer.content, field
            if field in foreign_keys(model) and field.related_model in PAGES:
                assert b"Own" in answer.content, field


# --- forged forms ---


@pytest.mark.parametrize("model", [model for model in SCOPED if foreign_keys(model)], **by_name)
def test_a_forged_change_reaches_no_foreign_row(foreign_rows, mine, dora, model):
    page = url(model, "change", mine[model].pk)
    data = form_data(dora.get(page))
    assert dora.post(page, data).status_code == 302, "untouched, it is taken"
    data = form_data(dora.get(page))
    for field in foreign_keys(model):
        dora.post(page, data | {field.name: str(foreign_rows[field.related_model].pk)})
        stored = model.objects.get(pk=mine[model].pk)
        assert getattr(stored, field.attname) == getattr(mine[model], field.attname), field.name


@pytest.mark.parametrize("model", [model for model in SCOPED if foreign_keys(model)], **by_name)
def test_a_forged_addition_reaches_no_foreign_row(foreign_rows, mine, dora, model):
    add = url(model, "add")
    if dora.get(add).status_code == 403:
        assert not PAGES[model].has_add_permission(dora.get("/admin/").wsgi_request)
        return
    named = [field for field in foreign_keys(model) if getattr(mine[model], field.attname)]
    own = {field.name: str(mine[field.related_model].pk) for field in named}
    data = {name: value for name, value in form_data(dora.get(url(model, "change", mine[model].pk))).items()}
    data = {
        name: value for name, value in data.items() if "observed_at" not in name and "occurred_at" not in name
    }
    data = {name: value for name, value in data.items() if "-" not in name or name.endswith("_FORMS")} | own
    data |= {name: "0" for name in data if name.endswith("_FORMS")} | {"version": ""}
    data |= {name: "ANOTHER" for name in ("name", "code", "external_id") if name in data}
    if "on" in data:
        data["on"] = "2026-02-03"
    before = model.objects.count()
    for field in foreign_keys(model):
        answer = dora.post(add, data | {field.name: str(foreign_rows[field.related_model].pk)})
        assert (answer.status_code, model.objects.count()) == (200, before), field.name
        assert field.name in answer.context["adminform"].form.errors, field.name
    if not data.keys() & {"name", "code", "on"}:
        mine[model].delete()  # nothing would tell a second one from it
    before = model.objects.count()
    answer = dora.post(add, data)
    assert answer.status_code == 302, answer.context["errors"]
    assert model.objects.count() == before + 1


@pytest.mark.parametrize("label", ["categories", "tags"])
def test_a_forged_label_is_refused(foreign_rows, mine, dora, label):
    asset = next(row for model, row in mine.items() if model.__name__ == "Asset")
    page = url(type(asset), "change", asset.pk)
    foreign = next(
        row
        for model, row in foreign_rows.items()
        if model._meta.verbose_name_plural == label and row.name == "Secret"
    )
    answer = dora.post(page, form_data(dora.get(page)) | {label: str(foreign.pk)})
    assert label in answer.context["adminform"].form.errors
    assert not getattr(asset, label).filter(pk=foreign.pk).exists()


def test_a_forged_row_of_an_inline_changes_nothing_foreign(foreign_rows, mine, dora):
    rows = {model.__name__: (row, mine[model]) for model, row in foreign_rows.items()}
    foreign, _ = rows["AssetSnapshot"]
    asset = rows["Asset"][1]
    page = url(type(asset), "change", asset.pk)
    data = form_data(dora.get(page)) | {"snapshots-0-id": str(foreign.pk), "snapshots-0-value": "9"}
    assert dora.post(page, data).status_code == 200
    foreign.refresh_from_db()
    assert (foreign.value, foreign.asset) == (1, rows["Asset"][0])


# --- roles ---


@pytest.mark.parametrize("model", SCOPED, **by_name)
def test_viewers_write_nothing(mine, model):
    vera = staff(member(mine[Household], "vera2", VIEWER))
    dora_sees = form_data(staff(mine[User]).get(url(model, "change", mine[model].pk)))
    before = JournalEntry.objects.count()
    assert vera.get(url(model, "change", mine[model].pk)).status_code == 200
    assert vera.post(url(model, "change", mine[model].pk), dora_sees).status_code == 403
    assert vera.post(url(model, "delete", mine[model].pk), {"post": "yes"}).status_code == 403
    if model is not Household:  # anyone may make one of their own
        assert vera.post(url(model, "add"), dora_sees).status_code == 403
    vera.post(url(model), {"action": "dispose_of", "_selected_action": str(mine[model].pk), "index": "0"})
    assert JournalEntry.objects.count() == before


def test_editors_do_not_change_households_or_members(mine):
    bob = staff(member(mine[Household], "bob2", EDITOR))
    page = url(Household, "change", mine[Household].pk)
    form = form_data(staff(mine[User]).get(page))
    before = JournalEntry.objects.count()
    assert bob.post(page, form).status_code == 403
    assert bob.post(url(Household, "delete", mine[Household].pk), {"post": "yes"}).status_code == 403
    assert JournalEntry.objects.count() == before


def test_moving_a_thing_needs_the_right_at_both_ends(foreign_rows, mine, dora):
    Membership.objects.create(
        household=foreign_rows[Household],
        user=mine[User],
        role=VIEWER,
        accepted_at=foreign_rows[Household].created_at,
    )
    rows = {model.__name__: (row, mine[model]) for model, row in foreign_rows.items()}
    asset, there = rows["Asset"][1], rows["Portfolio"][0]
    page = url(type(asset), "change", asset.pk)
    answer = dora.post(page, form_data(dora.get(page)) | {"portfolio": str(there.pk)})
    assert "portfolio" in answer.context["adminform"].form.errors
    assert b"Secret" in dora.get(url(type(asset))).content  # seen, but not written into


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_is_disabled_or_no_longer_staff_is_out_at_once(mine, dora, change):
    assert dora.get("/admin/").status_code == 200
    User.objects.filter(pk=mine[User].pk).update(**change)
    answer = dora.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")


def test_staff_see_and_revoke_their_own_tokens_only(foreign_rows, mine, dora):
    foreign, own = foreign_rows[ApiToken], mine[ApiToken]
    assert dora.post(url(ApiToken, "delete", foreign.pk), {"post": "yes"}).status_code == 302
    assert dora.post(url(ApiToken, "delete", own.pk), {"post": "yes"}).status_code == 302
    assert list(ApiToken.objects.values_list("pk", flat=True)) == [foreign.pk]
