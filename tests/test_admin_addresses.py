"""Addresses of the admin that ask for what cannot be: refused in a sentence, and no fault in the log."""

from __future__ import annotations

import logging

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.admin_forms import url
from tests.sample_rows import sample_rows

PAGES = admin.site._registry
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
TEXTS = ("", "x", "\x00", "9" * 400, "-1.2", ABSENT)
LISTS = ("q", "p", "o", "all", "e", "_to_field", "_popup", "_facets", "_source_model", "_changelist_filters")
IMPOSSIBLE = (
    "id__regex",
    "name__regex",
    "user__password__startswith",
    "pk__in",
    "x",
    "id",
    "_",
    "\x00",
    "created_at__gte",
)


@pytest.fixture
def faults(caplog):
    """What the log says that is an error, or has a traceback."""
    caplog.set_level(logging.DEBUG)
    return lambda: [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


@pytest.fixture
def unbroken(rita, household):
    sample_rows("Own", household=household)
    rita.raise_request_exception = False
    return rita


def filters_of(page) -> set[str]:
    names = set()
    for list_filter in page.list_filter:
        name = (
            list_filter
            if isinstance(list_filter, str)
            else list_filter[0]
            if isinstance(list_filter, tuple)
            else list_filter.parameter_name
        )
        names |= {name, f"{name}__exact", f"{name}__isnull", f"{name}__id__exact", f"{name}__in"}
    return names


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_list_asked_for_what_cannot_be_logs_no_fault(unbroken, faults, model):
    asked = [(name, text) for name in (*LISTS, *filters_of(PAGES[model])) for text in TEXTS]
    for name, text in (*asked, *((name, "x") for name in IMPOSSIBLE)):
        answer = unbroken.get(url(model), {name: text}, follow=True)
        assert answer.status_code in (200, 400), (name, text[:9])
        assert faults() == [], (name, text[:9])


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_what_no_filter_offers_is_refused_in_a_sentence(unbroken, faults, model):
    answer = unbroken.get(url(model), {"id__regex": "("})
    assert (answer.status_code, b"id__regex" in answer.content) == (400, True)
    assert faults() == []


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_row_asked_for_by_what_is_no_key_logs_no_fault(unbroken, faults, model):
    for where in ("change", "delete", "history"):
        for text in ("x", "9" * 400, "_00", "-1", "x" * 3000, "%", "☃", "a_0Ab"):
            answer = unbroken.get(url(model, where, text), follow=True)
            assert answer.status_code in (200, 403, 404), (where, text[:9])
            assert faults() == [], (where, text[:9])


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_an_action_asked_for_what_cannot_be_logs_no_fault(unbroken, faults, model):
    for action in ("", "x", "\x00", "delete_selected", *(name for name in PAGES[model].actions or ())):
        for chosen in ("x", "\x00", "9" * 400, ABSENT, ""):
            for more in ({}, {"select_across": "x"}, {"index": "x"}, {"index": "9" * 400}):
                body = {"action": action, "_selected_action": chosen, "index": "0"} | more
                answer = unbroken.post(url(model), body, follow=True)
                assert answer.status_code in (200, 400, 403), (action, chosen[:9], more)
                assert faults() == [], (action, chosen[:9], more)


OTHER = [
    reverse("admin:index"),
    reverse("admin:search"),
    reverse("admin:autocomplete"),
    reverse("admin:jsi18n"),
    reverse("admin:password_change"),
    "/admin/r/1/x/",
    "/admin/no/such/page/",
    "/admin/assets/",
]


@pytest.mark.parametrize("path", OTHER)
def test_every_other_address_takes_anything(unbroken, faults, path):
    names = (
        "s",
        "term",
        "app_label",
        "model_name",
        "field_name",
        "page",
        "extended",
        "next",
        "on",
        "start",
        "x",
        "\x00",
    )
    for name in names:
        for text in TEXTS:
            answer = unbroken.get(path, {name: text})
            assert answer.status_code < 500, (path, name, text[:9])
            assert faults() == [], (path, name, text[:9])
