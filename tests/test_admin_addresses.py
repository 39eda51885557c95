"""Impossible URLs of the admin: each is refused with a message, and nothing is logged as an error."""

from __future__ import annotations

import logging

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.admin_forms import url
from tests.sample_rows import sample_rows

pytestmark = pytest.mark.usefixtures("own_rows")

PAGES = admin.site._registry
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
TEXTS = ("", "x", "\x00", "9" * 400, "-1.2", ABSENT)
LIST_PARAMETERS = (
    "q",
    "p",
    "o",
    "all",
    "e",
    "_to_field",
    "_popup",
    "_facets",
    "_source_model",
    "_changelist_filters",
)
UNKNOWN_LOOKUPS = (
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
    """A function that returns the log records that are errors or have a traceback."""
    caplog.set_level(logging.DEBUG)
    return lambda: [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


@pytest.fixture(scope="module")
def own_rows(shared_rows, django_db_blocker):
    """A row of every model, made once for all tests here."""
    with django_db_blocker.unblock():
        sample_rows("Own", household=shared_rows["household"])


@pytest.fixture
def unbroken(rita):
    """Rita, for whom an exception in a view becomes a 500, as on a server."""
    rita.raise_request_exception = False
    return rita


@pytest.fixture
def targets(unbroken, faults):
    """Where answers redirect to. Each address is opened once, at the end, with all messages until then."""
    addresses = set()
    yield addresses
    for address in addresses:
        assert unbroken.get(address, follow=True).status_code == 200, address
        assert faults() == [], address


def filters_of(page) -> set[str]:
    """The query parameters that the filters of a page may use."""
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


def note_target(answer, targets: set[str]) -> None:
    if answer.status_code == 302:
        targets.add(answer.url)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_list_with_impossible_parameters_logs_no_error(unbroken, faults, targets, model):
    parameters = [(name, text) for name in (*LIST_PARAMETERS, *filters_of(PAGES[model])) for text in TEXTS]
    for name, text in (*parameters, *((name, "x") for name in UNKNOWN_LOOKUPS)):
        answer = unbroken.get(url(model), {name: text})
        assert answer.status_code in (200, 302, 400), (name, text[:9])
        note_target(answer, targets)
        assert faults() == [], (name, text[:9])


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_unknown_lookup_is_refused_by_name(unbroken, faults, model):
    answer = unbroken.get(url(model), {"id__regex": "("})
    assert (answer.status_code, b"id__regex" in answer.content) == (400, True)
    assert faults() == []


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_page_of_an_invalid_key_logs_no_error(unbroken, faults, targets, model):
    for page in ("change", "delete", "history"):
        for text in ("x", "9" * 400, "_00", "-1", "x" * 3000, "%", "☃", "a_0Ab"):
            answer = unbroken.get(url(model, page, text))
            assert answer.status_code in (200, 302, 403, 404), (page, text[:9])
            note_target(answer, targets)
            assert faults() == [], (page, text[:9])


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_action_with_impossible_input_logs_no_error(unbroken, faults, targets, model):
    for action in ("", "x", "\x00", "delete_selected", *(name for name in PAGES[model].actions or ())):
        for chosen in ("x", "\x00", "9" * 400, ABSENT, ""):
            for extra in ({}, {"select_across": "x"}, {"index": "x"}, {"index": "9" * 400}):
                body = {"action": action, "_selected_action": chosen, "index": "0"} | extra
                answer = unbroken.post(url(model), body)
                assert answer.status_code in (200, 302, 400, 403), (action, chosen[:9], extra)
                note_target(answer, targets)
                assert faults() == [], (action, chosen[:9], extra)


OTHER_PATHS = [
    reverse("admin:index"),
    reverse("admin:search"),
    reverse("admin:autocomplete"),
    reverse("admin:jsi18n"),
    reverse("admin:password_change"),
    "/admin/r/1/x/",
    "/admin/no/such/page/",
    "/admin/assets/",
]


@pytest.mark.parametrize("path", OTHER_PATHS)
def test_other_pages_accept_any_parameter(unbroken, faults, path):
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
