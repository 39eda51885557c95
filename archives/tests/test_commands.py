"""manage.py archive and restore."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from archives.tests.archives import contents
from assets.models import AssetSnapshot
from portfolios.models import Household, Membership
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.factories import add_value, create_asset

pytestmark = pytest.mark.django_db


def run(name: str, *args, **options) -> str:
    out = io.StringIO()
    call_command(name, *map(str, args), stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def home(household, portfolio, alice_user, bob_user):
    add_value(create_asset(portfolio, "Checking"), "12.34", date(2026, 1, 31))
    return household


def test_a_household_goes_into_a_private_file_and_comes_back(home, tmp_path):
    file = tmp_path / "home.zip"
    assert "Wrote Household" in run("archive", "Household", file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["home.zip"]

    output = run("restore", file)

    assert "with other ids" in output and "bob: editor, member" in output
    copy = Household.objects.exclude(pk=home.pk).get()
    assert sorted(copy.memberships.values_list("user__username", "role")) == [
        ("alice", "owner"), ("bob", "editor"),
    ]  # fmt: skip
    assert AssetSnapshot.objects.filter(asset__portfolio__household=copy).count() == 1
    assert contents(file.read_bytes())["data/portfolios.membership.jsonl"][0]["user"] == "alice"


def test_members_who_are_no_users_here_are_invited(home, tmp_path):
    file, ann = tmp_path / "home.zip", User.objects.create(username="ann")
    run("archive", home.pk, file)
    User.objects.filter(username="bob").update(username="robert", username_key="robert")
    output = run("restore", file, owner="ann")
    assert "bob: editor, invited" in output
    copy = Household.objects.exclude(pk=home.pk).get()
    assert Membership.objects.get(household=copy, user=ann).role == "owner"
    assert list(copy.invitations.values_list("username", "role")) == [("bob", "editor")]


def test_nothing_is_overwritten_and_names_must_be_clear(home, tmp_path):
    file = tmp_path / "home.zip"
    file.write_text("precious")
    with pytest.raises(CommandError, match="exists already"):
        run("archive", "Household", file)
    assert file.read_text() == "precious"
    with pytest.raises(CommandError, match="There is no household"):
        run("archive", "Nowhere", tmp_path / "x.zip")
    Household.objects.create(name="Household")
    with pytest.raises(CommandError, match="Several households"):
        run("archive", "Household", tmp_path / "x.zip")


def test_restore_says_why_it_refuses(home, tmp_path):
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(CommandError, match="ARCHIVE_NOT_ZIP"):
        run("restore", tmp_path / "x.zip")
    with pytest.raises(CommandError, match="No such file"):
        run("restore", tmp_path / "nowhere.zip")
    with pytest.raises(CommandError, match="There is no user"):
        run("restore", tmp_path / "x.zip", owner="nobody")
    with pytest.raises(CommandError, match="--household"):
        run("restore", tmp_path / "x.zip", mode="replace")


def test_replace_by_command_asks_for_the_name(home, tmp_path):
    file = tmp_path / "home.zip"
    run("archive", "Household", file)
    AssetSnapshot.objects.all().delete()
    with pytest.raises(CommandError, match="CONFIRM"):
        run("restore", file, mode="replace", household=str(home.pk))
    entries = JournalEntry.objects.count()
    assert "Would restore" in run(
        "restore", file, mode="replace", household="Household", confirm="Household", dry_run=True
    )
    assert JournalEntry.objects.count() == entries
    run("restore", file, mode="replace", household="Household", confirm="Household")
    assert AssetSnapshot.objects.get().asset.portfolio.household_id == home.pk
