"""Usernames that differ in case, width or the encoding of accents are the same: at login, invitation and creation."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient

from conftest import client_of
from strata.accounts.models import User
from tests.admin_forms import url

API = "/api/v1"
PASSWORD = "correct horse battery"
WRITTEN = {
    "dora": ("dora", "DORA", "Dora", " dora ", "ｄｏｒａ", "do\u200bra", "dora\u1160"),
    "Éloïse": ("éloïse", "ÉLOÏSE", "e\u0301loi\u0308se", "E\u0301LOI\u0308SE"),
    "Жанна": ("жанна", "ЖАННА"),
    "Straße": ("straße", "STRASSE", "STRAẞE"),
    "Σίσυφος": ("σίσυφος", "ΣΊΣΥΦΟΣ"),
}
TWICE = [(name, written) for name, ways in WRITTEN.items() for written in ways]


def log_in(username):
    return APIClient().post(f"{API}/auth/token", {"username": username, "password": PASSWORD})


@pytest.fixture
def root(db):
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "written"), TWICE)
def test_names_are_one_whatever_the_case_or_width(name, written):
    user = User.objects.create_user(name, password=PASSWORD)
    assert log_in(written).status_code == 201
    assert user.api_tokens.count() == 1
    browser = Client().post("/admin/login/", {"username": written, "password": PASSWORD, "next": "/"})
    assert browser.status_code == 200, "a known name, who is no staff"
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(written.strip().swapcase())
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(username=User.normalize_username(written))])


@pytest.mark.django_db
def test_letters_that_share_a_capital_are_two_users():
    dotted, dotless = (User.objects.create_user(name, password=PASSWORD) for name in ("iris", "\u0131ris"))
    assert log_in("iris").status_code == 201
    assert (dotted.api_tokens.count(), dotless.api_tokens.count()) == (1, 0)


def renamed_by_its_field(user):
    user.username = "Émile"
    user.save(update_fields=["username"])


WAYS = {
    "save": renamed_by_its_field,
    "update": lambda user: User.objects.filter(pk=user.pk).update(username="Émile"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("rename", WAYS.values(), ids=WAYS)
def test_a_new_name_is_known_and_the_old_one_free(rename):
    rename(User.objects.create_user("Éloïse", password=PASSWORD))
    assert [log_in(name).status_code for name in ("ÉMILE", "éloïse")] == [201, 401]
    User.objects.create_user("éloïse")


def test_the_admin_says_that_a_name_is_taken(root):
    User.objects.create_user("Éloïse")
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    for name in ("ÉLOÏSE", "", "no spaces"):
        answer = root.post(url(User, "add"), {"username": name, **passwords})
        assert "username" in answer.context["adminform"].form.errors
    for name in ("iris", "\u0131ris"):
        assert root.post(url(User, "add"), {"username": name, **passwords}).status_code == 302, name
    other = User.objects.create_user("other")
    answer = root.post(url(User, "change", other.pk), {"username": "éloïse", "is_active": "on"})
    assert "username" in answer.context["adminform"].form.errors


@pytest.mark.django_db
def test_the_command_says_that_a_name_is_taken(monkeypatch):
    User.objects.create_user("Éloïse")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    with pytest.raises(CommandError, match="already exists"):
        call_command("create_user", "éloïse", "--password-stdin")


def test_an_invitation_finds_its_user(alice, household):
    somebody = User.objects.create_user("Éloïse")
    body = {"username": "ÉLOÏSE", "role": "viewer"}
    created = alice.post(f"{API}/households/{household.pk}/invitations", body)
    assert (created.status_code, created.json()["username"]) == (201, "ÉLOÏSE")
    accepted = client_of(somebody).post(f"{API}/invitations/{created.json()['id']}/accept")
    assert (accepted.status_code, accepted.json()["user_id"]) == (200, str(somebody.pk))
