"""Every error outside of the API is a page that looks like the others, and leads back to the dashboard."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.test import Client
from django.urls import path

from portfolios.models import Portfolio
from tests.admin_forms import staff, url

# What a page says does not depend on the database.
pytestmark = [pytest.mark.django_db, pytest.mark.on_sqlite]


def broken(request):
    raise RuntimeError("on purpose")


def suspicious(request):
    raise SuspiciousOperation


urlpatterns = [
    path("broken", broken),
    path("suspicious", suspicious),
    path("admin/", admin.site.urls),
]
handler400, handler403 = "strata.server.error_pages.bad_request", "strata.server.error_pages.forbidden"
handler404, handler500 = "strata.server.error_pages.page_not_found", "strata.server.error_pages.server_error"


def require_page(answer, status: int, heading: str) -> str:
    page = answer.content.decode()
    assert answer.status_code == status
    assert re.search(r"<main\b.*<h1>(.*?)</h1>", page, re.DOTALL)[1] == heading
    assert f"<title>{heading} | Strata</title>" in page
    assert '<a class="back" href="/admin/">Back to the dashboard</a>' in page
    assert page.count("<h1") == page.count("<main") == 1
    assert answer["X-Request-Id"] in page
    return page


def test_page_that_is_not_there():
    require_page(Client().get("/nowhere"), 404, "Page not found")
    require_page(Client().get("/static/nowhere.css"), 404, "Page not found")


def test_page_that_the_user_may_not_open(vera_user):
    require_page(staff(vera_user).get(url(Portfolio, "add")), 403, "You may not do that")


def test_form_without_its_token(vera_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(vera_user)
    require_page(client.post("/admin/login/", {"username": "vera"}), 403, "You may not do that")


def test_malformed_request_and_broken_code(settings):
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    require_page(client.get("/suspicious"), 400, "Strata cannot do that")
    page = require_page(client.get("/broken"), 500, "Something went wrong")
    assert "whether it was saved" in page
