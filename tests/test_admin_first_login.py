"""A new user's first login makes no household, and every link of the first page works."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from assets.models import Asset
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
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
def test_login_makes_no_household(nora, log_in):
    """`create_user` makes it, else the first write through the API."""
    log_in(nora)
    assert not Household.objects.exists()


def test_user_of_the_api_alone_learns_why_the_admin_is_closed(nora):
    User.objects.update(is_staff=False)
    send = lambda password: Client().post("/admin/login/", {"username": "nora", "password": password})  # noqa: E731
    assert "this user may use the API only" in send(PASSWORD).content.decode()
    wrong = send("another").content.decode()
    assert "The username or the password is wrong." in wrong and "API only" not in wrong


def test_home_is_the_admin(db):
    assert Client().get("/")["Location"] == "/admin/"


def test_menu_has_swagger_as_the_documentation_of_the_api(vera_user):
    page = staff(vera_user).get("/admin/").content.decode()
    link = re.search(r'<a href="/swagger".*?</a>', page, re.DOTALL)
    assert "API documentation" in link[0]


def test_first_page_is_the_welcome(nora):
    assert "Welcome: add what you own and owe" in by_admin(nora).get("/admin/").content.decode()


def test_links_that_would_be_refused_are_not_shown(vera_user):
    browser = staff(vera_user)
    page = browser.get("/admin/").content.decode()
    links = set(re.findall(r'href="(/admin/[^"]*)"', page))
    assert links and not {url(Portfolio, "add"), url(Asset, "add")} & links
    for path in links - {reverse("admin:logout")}:
        response = browser.get(path, follow=True)
        assert response.status_code == 200, path
        assert not any("login" in address for address, _ in response.redirect_chain), path
