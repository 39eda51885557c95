"""create_user: the user, the password, and the first household."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from assets.models import Category
from portfolios.management.commands import create_user
from portfolios.models import Household, Membership
from strata.accounts.models import User
from strata.audit.models import JournalEntry

PASSWORD = "correct horse battery staple"


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("create_user", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def stdin(monkeypatch, db):
    def give(text: str) -> None:
        monkeypatch.setattr(create_user.sys, "stdin", io.StringIO(text))

    give(PASSWORD)
    return give


# --- the user ---


def test_password_is_one_line_of_stdin(stdin):
    stdin(f"{PASSWORD}\nsecond line\n")
    run("alice", "--email", "alice@example.org", "--password-stdin")
    user = User.objects.get()
    assert user.check_password(PASSWORD)
    assert (user.username, user.email, user.is_staff, user.is_superuser) == (
        "alice",
        "alice@example.org",
        True,
        False,
    )


def test_password_is_asked_for_twice_on_a_terminal(db, monkeypatch):
    monkeypatch.setattr(create_user.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    answers = iter([PASSWORD, PASSWORD, PASSWORD, "another"])
    monkeypatch.setattr(create_user.getpass, "getpass", lambda prompt: next(answers))
    run("alice", "--superuser")
    with pytest.raises(CommandError, match="differ"):
        run("bob")
    user = User.objects.get()
    assert user.is_superuser
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "password", "reason"),
    [
        (["Alice"], PASSWORD, "user_name_unique|already|exists"),
        (["bob"], "12345678", "too common|numeric"),
        (["bob"], "", "too short"),
        (["b b"], PASSWORD, "valid username"),
        (["bob", "--email", "nonsense"], PASSWORD, "valid email"),
        (["bob", "--household", " "], PASSWORD, "^--household: Enter a text that is not blank"),
        (["bob", "--household", "x" * 201], PASSWORD, "^--household: Enter at most 200"),
        (["bob", "--household", "Ours", "--no-household"], PASSWORD, "not allowed with"),
    ],
)
def test_refusal_names_the_reason_and_writes_nothing(stdin, arguments, password, reason):
    User.objects.create(username="alice")
    stdin(password)
    with pytest.raises(CommandError, match=reason):
        run(*arguments, "--password-stdin")
    assert (User.objects.count(), Household.objects.count()) == (1, 0)


def test_refusal_without_a_terminal_says_how(stdin):
    with pytest.raises(CommandError, match="--password-stdin"):
        run("alice")


@pytest.mark.parametrize(
    ("arguments", "is_staff"), [([], True), (["--staff"], True), (["--api-only"], False)]
)
def test_user_may_use_the_admin_unless_it_is_for_the_api_alone(stdin, arguments, is_staff):
    run("anna", "--password-stdin", *arguments)
    assert User.objects.get().is_staff is is_staff


# --- the household ---


def test_household_begins_in_the_language_of_the_user(stdin):
    assert "the household Haushalt von anna" in run("anna", "--password-stdin", "--language", "de")
    assert User.objects.get().language == "de"
    assert Category.objects.filter(name="Immobilien").exists()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [([], "anna's household"), (["--household", " Lindenstrasse 4 "], "Lindenstrasse 4")],
)
def test_user_owns_a_household_with_the_starter_categories(stdin, arguments, name):
    assert run("anna", "--password-stdin", *arguments) == f"Made the user anna and the household {name}.\n"
    membership = Membership.objects.get()
    assert (membership.user.username, membership.household.name, membership.role) == ("anna", name, "owner")
    assert Category.objects.filter(household=membership.household).exists()
    assert JournalEntry.objects.get(object_id=membership.household_id).channel == "command:create_user"


def test_no_household_is_made_where_none_is_wanted(stdin):
    assert run("anna", "--password-stdin", "--no-household") == "Made the user anna.\n"
    assert not Household.objects.exists()


def test_dry_run_names_both_and_writes_nothing(stdin):
    would = "Would make the user anna and the household anna's household.\n"
    assert run("anna", "--password-stdin", "--dry-run") == would
    assert not User.objects.exists() and not Household.objects.exists()
