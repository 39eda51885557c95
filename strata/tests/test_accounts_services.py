"""What the services of users and tokens refuse, whoever calls them, and that the admin and the commands call them."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import is_password_usable
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from strata.accounts import services
from strata.accounts.models import ApiToken, User
from strata.accounts.services import WeakPassword, change_password, create_user, issue_token, revoke_token
from strata.audit.models import JournalEntry
from strata.exceptions import Conflict, Forbidden, Invalid, NotFound
from strata.fields.ids import uuid7

PASSWORD, ANOTHER = "correct horse battery", "staple of a new kind"


@pytest.fixture
def dora(db):
    return create_user("dora", PASSWORD, email="dora@example.org")


@pytest.fixture
def root(db):
    browser = Client()
    browser.force_login(create_user("root", PASSWORD, is_superuser=True))
    return browser


def refuse(row):
    raise Conflict("CHANGED_MEANWHILE", "Somebody else has changed it.")


def locks_users(sql: str) -> bool:
    """On SQLite, where one transaction writes at a time, the same statement only reads."""
    locks = "FOR NO KEY UPDATE" in sql or connection.vendor == "sqlite"
    return sql.startswith('SELECT "strata_user"."id"') and locks


# --- users ---


def test_new_user_may_log_in_and_has_no_rights(dora):
    assert dora.check_password(PASSWORD)
    assert (dora.username, dora.email) == ("dora", "dora@example.org")
    assert (dora.is_active, dora.is_staff, dora.is_superuser) == (True, False, False)
    assert JournalEntry.objects.filter(model="strata.User", object_id=dora.pk, action="create").count() == 1


def test_superuser_is_staff_too(db):
    assert create_user("root", PASSWORD, is_superuser=True).is_staff


def test_user_without_a_password_cannot_log_in_by_one(db):
    assert not create_user("sso", None).has_usable_password()


@pytest.mark.parametrize(
    ("username", "password", "email", "field"),
    [
        ("DORA", PASSWORD, "", "username"),
        ("", PASSWORD, "", "username"),
        ("d d", PASSWORD, "", "username"),
        ("x" * 151, PASSWORD, "", "username"),
        ("emil", PASSWORD, "nonsense", "email"),
        ("emil", "", "", "password"),
        ("emil", "short", "", "password"),
        ("emil", "8472950163847", "", "password"),
        ("emiliano", "emiliano1", "", "password"),
        ("d d", PASSWORD, "nonsense", None),
    ],
)
def test_user_is_refused_by_field(dora, username, password, email, field):
    with pytest.raises(Invalid) as refused:
        create_user(username, password, email=email)
    assert refused.value.field == field
    assert list(User.objects.all()) == [dora]


def test_weak_password_is_refused_with_every_reason(db):
    with pytest.raises(WeakPassword) as refused:
        create_user("emil", "1234")
    assert len(refused.value.messages) == 3
    assert all(message in str(refused.value) for message in refused.value.messages)


def test_name_that_was_taken_after_it_was_checked_is_a_conflict(dora, monkeypatch):
    monkeypatch.setattr(services, "require_valid", lambda user: None)
    with pytest.raises(Conflict) as refused:
        create_user("Dora", PASSWORD)
    assert (refused.value.code, refused.value.field) == ("DUPLICATE_NAME", "username")
    assert list(User.objects.all()) == [dora]


def test_update_changes_what_it_names(dora):
    User.objects.filter(pk=dora.pk).update(first_name="Dora")
    services.update_user(dora.pk, {"username": "Dorothea", "is_staff": True})
    dora.refresh_from_db()
    assert (dora.username, dora.username_key, dora.first_name) == ("Dorothea", "dorothea", "Dora")
    assert dora.is_staff and dora.check_password(PASSWORD)


def test_update_that_changes_nothing_writes_nothing(dora):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        services.update_user(dora.pk, {"username": "dora", "is_active": True})
    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]


def test_update_refuses_a_name_that_is_taken(dora):
    emil = create_user("emil", PASSWORD)
    with pytest.raises(Invalid, match="already exists") as refused:
        services.update_user(emil.pk, {"username": "DORA"})
    assert refused.value.field == "username"
    emil.refresh_from_db()
    assert emil.username == "emil"


@pytest.mark.parametrize(
    "write",
    [
        lambda pk, precondition: services.update_user(
            pk, {"email": "a@example.org"}, precondition=precondition
        ),
        lambda pk, precondition: change_password(pk, ANOTHER, precondition=precondition),
    ],
    ids=["update", "password"],
)
def test_user_is_written_only_if_the_precondition_holds_and_the_user_exists(dora, write):
    with pytest.raises(Conflict):
        write(dora.pk, refuse)
    dora.refresh_from_db()
    assert (dora.email, dora.check_password(PASSWORD)) == ("dora@example.org", True)
    with pytest.raises(NotFound):
        write(uuid7(), lambda user: None)


# --- passwords ---


def test_changed_password_deletes_the_tokens_of_the_user_alone(dora):
    emil = create_user("emil", PASSWORD)
    issue_token(dora)
    kept, _ = issue_token(emil)
    assert change_password(dora.pk, ANOTHER).check_password(ANOTHER)
    dora.refresh_from_db()
    assert dora.check_password(ANOTHER)
    assert list(ApiToken.objects.all()) == [kept]


@pytest.mark.parametrize("weak", ["", "short", "password123", "8472950163847", "dora@example.org"])
def test_weak_password_changes_nothing(dora, weak):
    token, _ = issue_token(dora)
    with pytest.raises(WeakPassword) as refused:
        change_password(dora.pk, weak)
    dora.refresh_from_db()
    assert (refused.value.field, dora.check_password(PASSWORD)) == ("password", True)
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_password_can_be_taken_away(dora):
    change_password(dora.pk, None)
    dora.refresh_from_db()
    assert not is_password_usable(dora.password)


# --- tokens ---


def test_token_is_what_was_asked_for(dora):
    end = timezone.now() + timedelta(days=1)
    token, secret = issue_token(dora, name="  phone ", scope="read", expires_at=end)
    token.refresh_from_db()
    assert (token.user, token.name, token.scope, token.expires_at) == (dora, "phone", "read", end)
    assert secret.startswith(token.prefix)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "a\u202eb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"scope": "admin"}, "scope"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "expires_at"),
    ],
)
def test_token_is_refused_by_field(dora, given, field):
    with pytest.raises(Invalid) as refused:
        issue_token(dora, **given)
    assert refused.value.field == field
    assert not ApiToken.objects.exists()


def test_disabled_user_gets_no_token(dora):
    dora.is_active = False
    dora.save()
    with pytest.raises(Forbidden, match="'dora' is disabled"):
        issue_token(dora)
    assert not ApiToken.objects.exists()


def test_token_is_revoked_once_and_only_if_the_precondition_holds(dora):
    token, _ = issue_token(dora)
    with pytest.raises(Conflict):
        revoke_token(token.pk, precondition=refuse)
    assert ApiToken.objects.filter(pk=token.pk).exists()
    revoke_token(token.pk)
    assert not ApiToken.objects.exists()
    with pytest.raises(NotFound) as refused:
        revoke_token(token.pk)
    assert refused.value.code == "TOKEN_NOT_FOUND"


def test_password_and_token_lock_the_user_first(dora):
    token, _ = issue_token(dora)
    for write in (lambda: revoke_token(token.pk), lambda: change_password(dora.pk, ANOTHER)):
        with CaptureQueriesContext(connection) as queries:
            write()
        statements = [query["sql"] for query in queries if not query["sql"].startswith("SAVEPOINT")]
        assert locks_users(statements[0])


# --- who calls them ---


def test_password_changed_in_the_admin_deletes_the_tokens(root, dora):
    issue_token(dora)
    page = f"/admin/strata/user/{dora.pk}/password/"
    version = root.get(page).context["form"]["version"].value()
    form = {"password1": ANOTHER, "password2": ANOTHER, "usable_password": "true", "version": version}
    assert root.post(page, form).status_code == 302
    dora.refresh_from_db()
    assert (dora.check_password(ANOTHER), ApiToken.objects.count()) == (True, 0)


def test_password_is_taken_away_in_the_admin(root, dora):
    page = f"/admin/strata/user/{dora.pk}/password/"
    version = root.get(page).context["form"]["version"].value()
    form = {"usable_password": "false", "unset-password": "1", "version": version}
    assert root.post(page, form).status_code == 302
    dora.refresh_from_db()
    assert not dora.has_usable_password()


def test_own_password_changed_in_the_admin_keeps_this_session_and_no_token(dora):
    User.objects.filter(pk=dora.pk).update(is_staff=True)
    browser = Client()
    browser.force_login(User.objects.get(pk=dora.pk))
    issue_token(dora)
    form = {"old_password": PASSWORD, "new_password1": ANOTHER, "new_password2": ANOTHER}
    assert browser.post("/admin/password_change/", form).status_code == 302
    assert (browser.get("/admin/").status_code, ApiToken.objects.count()) == (200, 0)


@pytest.mark.parametrize(
    ("usable", "is_usable"), [("true", True), ("false", False)], ids=["with a password", "without"]
)
def test_user_added_in_the_admin(root, usable, is_usable):
    form = {"username": "emil", "usable_password": usable, "password1": PASSWORD, "password2": PASSWORD}
    added = root.post("/admin/strata/user/add/", form)
    emil = User.objects.get(username="emil")
    assert (added.status_code, added["Location"]) == (302, f"/admin/strata/user/{emil.pk}/change/")
    assert (emil.has_usable_password(), emil.check_password(PASSWORD)) == (is_usable, is_usable)


@pytest.mark.parametrize("refused", [Conflict("DUPLICATE_NAME", services.NAME_TAKEN, "username")])
def test_what_the_service_refuses_after_the_form_has_passed_is_a_message(root, monkeypatch, refused):
    def create(*args, **kwargs):
        raise refused

    monkeypatch.setattr(services, "create_user", create)
    form = {"username": "emil", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    answer = root.post("/admin/strata/user/add/", form, follow=True)
    assert str(services.NAME_TAKEN) in answer.content.decode()
    assert not User.objects.filter(username="emil").exists()


def test_token_revoked_in_the_admin(root, dora):
    token, _ = issue_token(dora)
    assert root.post(f"/admin/strata/apitoken/{token.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ApiToken.objects.exists()


def test_command_says_what_the_service_refuses(dora, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    with pytest.raises(CommandError, match="^--name: Enter a text without the character"):
        call_command("create_token", "dora", "--name", "a\u202eb", "--dry-run", stdout=io.StringIO())
    with pytest.raises(CommandError, match=f"^{services.NAME_TAKEN}$"):
        call_command("create_user", "Dora", "--password-stdin", "--dry-run", stdout=io.StringIO())
