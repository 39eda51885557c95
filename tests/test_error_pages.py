"""Every error outside of the API is a page that looks like the others, and leads back to the dashboard."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
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


def require_page(answer, status: int, heading: str, *, in_admin: bool = False) -> str:
    page = answer.content.decode()
    assert answer.status_code == status
    assert re.search(r"<main\b.*<h1>(.*?)</h1>", page, re.DOTALL)[1].strip() == heading
    assert ('id="nav-sidebar' in page) == in_admin
    assert re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1].strip() == f"{heading} | Strata"
    assert '<a class="back" href="/admin/">Back to the dashboard</a>' in page
    assert page.count("<h1") == page.count("<main") == 1
    assert answer["X-Request-Id"] in page
    return page


def test_page_that_is_not_there():
    require_page(Client().get("/nowhere"), 404, "Page not found")
    require_page(Client().get("/static/nowhere.css"), 404, "Page not found")


def test_page_that_the_user_may_not_open(vera_user):
    page = staff(vera_user).get(url(Portfolio, "add"))
    require_page(page, 403, "You may not do that", in_admin=True)


def test_user_of_the_admin_keeps_the_menu(vera_user):
    veras = staff(vera_user)
    for address in ("/admin/nowhere/", "/admin/update-values/?portfolio=x", "/admin/assets/asset/x/change/"):
        answer = veras.get(address)
        if answer.status_code == 404:
            page = require_page(answer, 404, "Page not found", in_admin=True)
            assert 'href="/admin/update-values/"' in page and "There is no page at this address." in page
    require_page(veras.get("/nowhere"), 404, "Page not found")
    assert veras.get("/admin/nowhere/").status_code == 404


def test_menu_is_left_out_where_the_database_is_what_failed(vera_user, monkeypatch):
    veras = staff(vera_user)

    def unreachable(request):
        raise OperationalError("gone")

    monkeypatch.setattr(admin.site, "each_context", unreachable)
    require_page(veras.get("/admin/nowhere/"), 404, "Page not found")


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
