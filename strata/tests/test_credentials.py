"""What is stored of a password or a token, where they may appear, and that weak passwords are refused everywhere."""

from __future__ import annotations

import io
import logging
import re
from base64 import b64encode

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from strata.accounts.services import issue_token
from strata.server.logs import JsonLines

API = "/api/v1"
PASSWORD = "correct horse battery"
WEAK = ("short", "password123", "8472950163847")


@pytest.fixture
def dora(household):
    return get_user_model().objects.create_user("dora", password=PASSWORD)


@pytest.fixture
def root(household):
    user = get_user_model().objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.force_login(user)
    return client


# --- passwords ---


@pytest.mark.parametrize("weak", WEAK)
def test_admin_adds_no_user_with_a_weak_password(weak, root):
    form = {"username": "eve", "password1": weak, "password2": weak, "usable_password": "true"}
    page = root.post("/admin/strata/user/add/", form)
    assert page.status_code == 200
    assert "password2" in page.context["adminform"].form.errors
    assert not get_user_model().objects.filter(username="eve").exists()
    assert (
        root.post(
            "/admin/strata/user/add/", form | dict.fromkeys(("password1", "password2"), PASSWORD)
        ).status_code
        == 302
    )
    assert get_user_model().objects.get(username="eve").check_password(PASSWORD)


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize("where", ["strata/user/{}/password/", "password_change/"])
def test_admin_changes_no_password_to_a_weak_one(where, weak, root, dora):
    form = {
        "old_password": PASSWORD,
        "new_password1": weak,
        "new_password2": weak,
        "password1": weak,
        "password2": weak,
    }
    path = "/admin/" + where.format(dora.pk)
    assert root.post(path, form | {"usable_password": "true"}).status_code in (200, 404)
    for user in get_user_model().objects.all():
        assert user.check_password(PASSWORD), user


@pytest.mark.parametrize("weak", WEAK)
def test_changepassword_takes_no_weak_one(weak, dora, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt="": weak)
    with pytest.raises(CommandError):
        call_command("changepassword", "dora", stdout=io.StringIO(), stderr=io.StringIO())
    dora.refresh_from_db()
    assert dora.check_password(PASSWORD)


def test_createsuperuser_without_a_terminal_takes_no_weak_one(db, monkeypatch):
    """Django's own command accepts any DJANGO_SUPERUSER_PASSWORD."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "short")
    with pytest.raises(CommandError, match="too short"):
        call_command("createsuperuser", username="root2", email="", interactive=False, stdout=io.StringIO())
    assert not get_user_model().objects.filter(username="root2").exists()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", username="root2", email="", interactive=False, stdout=io.StringIO())
    assert get_user_model().objects.get(username="root2").check_password(PASSWORD)


# --- what is stored ---


def test_dump_of_the_database_has_hashes_and_prefixes_only(dora):
    token, secret = issue_token(dora)
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    dump = out.getvalue()
    assert token.digest in dump and token.prefix in dump
    assert secret not in dump and secret.removeprefix(token.prefix) not in dump
    assert PASSWORD not in dump
    assert not re.search(r"strata_[A-Za-z0-9_-]{20,}", dump)


@pytest.mark.django_db(transaction=True)
def test_no_column_of_any_table_has_a_token_or_a_password_after_a_day_of_use(dora):
    """After a login by the API with a key, one in the admin, and a failed one: a backup contains no more than this."""
    created = APIClient().post(
        f"{API}/auth/token", {"username": "dora", "password": PASSWORD}, headers={"Idempotency-Key": "k"}
    )
    secret = created.json()["token"]
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert (
        client.post(f"{API}/portfolios", {"name": "x"}, headers={"Idempotency-Key": "k"}).status_code == 201
    )
    APIClient().post(f"{API}/auth/token", {"username": "dora", "password": "nearly " + PASSWORD})
    Client().post(
        "/admin/login/", {"username": "dora", "password": PASSWORD, "next": f"/admin/?token={secret}"}
    )
    tables = connection.introspection.table_names()
    assert "strata_apitoken" in tables
    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = repr(
                [
                    [bytes(value) if isinstance(value, memoryview) else value for value in row]
                    for row in cursor.fetchall()
                ]
            )
        assert secret not in rows and PASSWORD not in rows, table


# --- where it may appear ---


@pytest.fixture
def lines(caplog):
    for name in (None, "strata", "django", "django.request", "django.server", "axes"):
        caplog.set_level(logging.DEBUG, name)
    return lambda: [JsonLines().format(record) for record in caplog.records] + [caplog.text]


def test_no_line_of_any_logger_has_a_token_or_a_password(dora, lines):
    _, secret = issue_token(dora)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}", raise_request_exception=False)
    client.get(f"{API}/me")
    client.get(f"{API}/me", {"token": secret})
    client.get(f"{API}/{secret}")
    client.post(f"{API}/tags", {"name": secret}, headers={"Idempotency-Key": secret})
    APIClient().post(f"{API}/auth/token", {"username": secret, "password": PASSWORD})
    APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}x").get(f"{API}/me")
    Client().post("/admin/login/", {"username": "dora", "password": PASSWORD})
    log = "\n".join(lines())
    assert "request" in log
    assert secret not in log
    assert PASSWORD not in log


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "auth", "authorization", "key"])
def test_token_in_a_url_lets_nobody_in(name, dora):
    _, secret = issue_token(dora)
    for value in (secret, f"Bearer {secret}"):
        assert APIClient().get(f"{API}/me", {name: value}).status_code == 401


def test_token_in_a_cookie_or_a_body_lets_nobody_in(dora):
    _, secret = issue_token(dora)
    client = APIClient()
    client.cookies["token"] = client.cookies["sessionid"] = client.cookies["Authorization"] = secret
    assert client.get(f"{API}/me").status_code == 401
    assert client.post(f"{API}/tags", {"name": "x", "token": secret}).status_code == 401


def test_there_is_no_basic_authentication_anywhere(dora):
    basic = "Basic " + b64encode(f"dora:{PASSWORD}".encode()).decode()
    for path in ("/api/v1/me", "/admin/", "/api/v1/auth/tokens"):
        answer = Client().get(path, headers={"Authorization": basic})
        assert answer.status_code in (401, 302), path
        assert "basic" not in answer.headers.get("WWW-Authenticate", "").lower()


def test_tokens_are_recognisable(dora):
    """A prefix, by which a scanner for leaked secrets recognises our tokens, and 256 random bits."""
    secrets = {issue_token(dora)[1] for _ in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch(r"strata_[A-Za-z0-9_-]{43}", secret) for secret in secrets)
