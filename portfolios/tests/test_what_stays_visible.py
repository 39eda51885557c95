"""What a new member sees of the past, and what stays visible to whom after a deletion, as the documentation says."""

from __future__ import annotations

import pytest
from django.utils import timezone

from conftest import client_of
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.admin_forms import staff

API = "/api/v1"


@pytest.fixture
def newcomer(household, portfolio, alice):
    """Joins after the portfolio was renamed."""
    before = timezone.now()
    assert alice.patch(f"{API}/portfolios/{portfolio.pk}", {"name": "Renamed"}).status_code == 200
    created = alice.post(
        f"{API}/households/{household.pk}/invitations", {"username": "nina", "role": "viewer"}
    )
    client = client_of(User.objects.create(username="nina"))
    client.before = before.isoformat().replace("+00:00", "Z")
    assert client.post(f"{API}/invitations/{created.json()['id']}/accept").status_code == 200
    return client


def test_a_newcomer_sees_the_past_and_the_journal(newcomer, portfolio):
    path = f"{API}/portfolios/{portfolio.pk}"
    assert newcomer.get(path, {"known_at": newcomer.before}).json()["name"] == "Main"
    lines = newcomer.get(f"{path}/history").json()["results"]
    assert [(line["actor"], line["action"]) for line in lines] == [("alice", "update"), ("", "create")]


def test_what_is_left_of_a_deleted_portfolio_is_for_all_members(newcomer, alice, charlie, portfolio):
    path = f"{API}/portfolios/{portfolio.pk}"
    assert alice.delete(path).status_code == 204
    assert newcomer.get(path).status_code == 404
    lines = newcomer.get(f"{path}/history").json()["results"]
    assert lines[0]["action"] == "delete"
    assert {change["before"] for change in lines[0]["fields_changed"]} >= {"Renamed"}
    assert newcomer.get(path, {"known_at": newcomer.before}).json()["name"] == "Main"
    assert charlie.get(f"{path}/history").status_code == 404


def test_what_is_left_of_a_deleted_household_is_for_superusers(newcomer, alice, alice_user, household):
    portfolio = Portfolio.objects.get()
    assert alice.delete(f"{API}/households/{household.pk}").status_code == 204
    assert not Household.objects.exists()
    for client in (alice, newcomer):
        for path in (f"households/{household.pk}/history", f"portfolios/{portfolio.pk}/history"):
            assert client.get(f"{API}/{path}").status_code == 404
        past = client.get(f"{API}/portfolios/{portfolio.pk}", {"known_at": newcomer.before})
        assert past.status_code == 404
    line = JournalEntry.objects.get(object_id=portfolio.pk, action="delete")
    rita = staff(User.objects.create(username="rita", is_superuser=True))
    assert "Renamed" in rita.get(f"/admin/strata/journalentry/{line.pk}/change/").content.decode()
    assert staff(alice_user).get(f"/admin/strata/journalentry/{line.pk}/change/").status_code == 403
