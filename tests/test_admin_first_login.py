"""A new user's first login by the API or the admin creates a household, and every link shown works."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from assets.models import Asset
from conftest import member
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.tenancy.roles import VIEWER
from tests.admin_forms import staff, url

PASSWORD = "correct horse battery"


@pytest.fixture
def nora(db) -> User:
    return User.objects.create_user("nora", password=PASSWORD, is_staff=True)


def by_admin(user) -> Client:
    browser = Client()
    answer = browser.post(
        "/admin/login/", {"username": user.username, "password": PASSWORD, "next": "/admin/"}
    )
    assert answer.status_code == 302
    return browser


def by_api(user) -> Client:
    answer = Client().post(
        "/api/v1/auth/token", {"username": user.username, "password": PASSWORD}, "application/json"
    )
    assert answer.status_code == 201
    return Client(headers={"Authorization": f"Bearer {answer.json()['token']}"})


LOGINS = pytest.mark.parametrize("log_in", [by_admin, by_api])


@LOGINS
def test_login_without_a_household_creates_one(nora, log_in):
    log_in(nora)
    log_in(nora)
    household = Household.objects.get()
    assert [(row.user, row.role) for row in household.memberships.all()] == [(nora, "owner")]
    assert household.created_by == nora
    assert JournalEntry.objects.get(object_id=household.pk).actor_name == "nora"


@LOGINS
def test_login_of_a_member_creates_no_household(household, log_in):
    vera = member(household, "vera", VIEWER)
    vera.set_password(PASSWORD)
    vera.is_staff = True
    vera.save()
    log_in(vera)
    assert Household.objects.get() == household


def test_refused_admin_login_creates_no_household(nora):
    User.objects.update(is_staff=False)
    Client().post("/admin/login/", {"username": "nora", "password": PASSWORD})
    assert not Household.objects.exists()


def test_links_of_the_first_page_open(nora):
    browser = by_admin(nora)
    page = browser.get("/admin/").content.decode()
    assert url(Portfolio, "add") in page and url(Asset, "add") in page
    for path in (url(Portfolio, "add"), url(Asset, "add")):
        assert browser.get(path).status_code == 200


def test_links_that_would_be_refused_are_not_shown(vera_user):
    browser = staff(vera_user)
    page = browser.get("/admin/").content.decode()
    links = set(re.findall(r'href="(/admin/[^"]*)"', page))
    assert links and not {url(Portfolio, "add"), url(Asset, "add")} & links
    for path in links - {reverse("admin:logout")}:
        assert browser.get(path).status_code == 200, path
    assert "may only look" in page


def test_refusal_in_the_admin_links_to_the_overview(vera_user):
    answer = staff(vera_user).get(url(Portfolio, "add"))
    assert answer.status_code == 403
    assert 'href="/admin/"' in answer.content.decode()


def test_refusal_outside_the_admin_does_not_link_to_it(vera_user):
    assert "/admin/" not in Client().get("/nowhere").content.decode()
