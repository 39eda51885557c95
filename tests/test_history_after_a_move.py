"""The history of an asset from another household begins with the move for members who could not see it before."""

from __future__ import annotations

import pytest
from django.utils import timezone

from assets.models import Asset, AssetSnapshot
from conftest import client_of, member
from portfolios.models import Household, Membership, Portfolio
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests.admin_forms import staff, url
from tests.factories import create_asset

API = "/api/v1"


@pytest.fixture
def second_household(alice_user):
    """Alice's second household. Nina is a member of it, but not of the first."""
    household = Household.objects.create(name="Second")
    Membership.objects.create(household=household, user=alice_user, role=OWNER, accepted_at=timezone.now())
    return household


@pytest.fixture
def nina_user(second_household):
    return member(second_household, "nina", VIEWER)


@pytest.fixture
def second_portfolio(second_household):
    return Portfolio.objects.create(household=second_household, name="Second portfolio")


@pytest.fixture
def asset(portfolio):
    portfolio.name = "Secret portfolio"
    portfolio.save()
    return create_asset(portfolio, "Secret name")


@pytest.fixture
def path(alice, bob, asset, second_portfolio):
    """The asset's path. Bob, of the first household, wrote and corrected a value and the notes; then Alice moved it."""
    path = f"{API}/assets/{asset.pk}"
    value = bob.post(
        f"{path}/snapshots", {"value": "1117.53", "on": "2026-01-31", "note": "Secret note"}
    ).json()
    bob.patch(f"{path}/snapshots/{value['id']}", {"value": "222", "note": ""})
    bob.patch(path, {"notes": "Secret notes"})
    body = {"portfolio_id": str(second_portfolio.pk), "name": "Yacht", "notes": ""}
    assert alice.patch(path, body).status_code == 200
    return path


def events(client, path) -> list[dict]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def hides_secrets(content: bytes) -> bool:
    """Whether nothing from before the move is in the content."""
    return not any(word in content for word in (b"ecret", b"bob", b"1117.53"))


@pytest.mark.parametrize("query", ["", "?include=children", "?page_size=1"])
def test_new_member_reads_nothing_from_before_the_move(nina_user, path, query):
    answer = client_of(nina_user).get(f"{path}/history{query}")
    (event,) = answer.json()["results"]
    assert (event["action"], event["actor"], answer.json()["next"]) == ("update", "alice", None)
    assert hides_secrets(answer.content)


def test_move_shows_values_after_it_but_not_before(nina_user, second_portfolio, path):
    (event,) = events(client_of(nina_user), f"{path}/history")
    fields = {change["field"]: change for change in event["fields_changed"]}
    assert {value["before"] for value in fields.values()} == {""}
    assert fields["name"]["after"] == "Yacht"
    assert fields["portfolio_id"]["after_name"] == second_portfolio.name


def test_new_member_reads_what_is_written_after_the_move(alice, nina_user, path):
    snapshot = AssetSnapshot.objects.get()
    alice.patch(f"{path}/snapshots/{snapshot.pk}", {"value": "333"})
    alice.patch(path, {"name": "Boat"})
    newest, corrected, move = events(client_of(nina_user), f"{path}/history?include=children")
    assert newest["fields_changed"] == [{"field": "name", "before": "Yacht", "after": "Boat"}]
    assert {"field": "value", "before": "222.00", "after": "333.00"} in corrected["fields_changed"]
    assert move["model"] == "Asset"


def test_history_of_a_value_from_before_the_move_is_empty(nina_user, path):
    answer = client_of(nina_user).get(f"{path}/snapshots/{AssetSnapshot.objects.get().pk}/history")
    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_member_of_both_households_reads_the_whole_history(alice, path):
    moved, *earlier = events(alice, f"{path}/history?include=children")
    assert [row["actor"] for row in (moved, *earlier)] == ["alice", "bob", "bob", "bob", ""]
    assert {"field": "name", "before": "Secret name", "after": "Yacht"} in moved["fields_changed"]


def test_member_of_the_first_household_no_longer_finds_the_history(bob, path):
    assert bob.get(f"{path}/history").status_code == 404


def test_after_the_asset_returns_its_first_members_read_their_part_and_the_return(
    alice, bob, portfolio, path
):
    alice.patch(path, {"name": "Their secret"})
    alice.patch(path, {"portfolio_id": str(portfolio.pk), "name": "Home again"})
    returned, left, *_, created = events(bob, f"{path}/history")
    assert {change["before"] for change in returned["fields_changed"]} == {""}
    assert {"field": "name", "before": "Secret name", "after": "Yacht"} in left["fields_changed"]
    assert created["action"] == "create"
    assert b"Their secret" not in bob.get(f"{path}/history").content


@pytest.fixture
def moved_twice_more(alice, portfolio, second_portfolio, path):
    """The asset's path, after it went back to the first household and again to the second."""
    for destination in (portfolio, second_portfolio):
        assert alice.patch(path, {"portfolio_id": str(destination.pk)}).status_code == 200
    return path


def portfolios_named(client, path) -> list[tuple[str, str]]:
    """The ids of the portfolio before and after each move, newest first, as the client sees them."""
    fields = [field for event in events(client, path) for field in event["fields_changed"]]
    return [(field["before"], field["after"]) for field in fields if field["field"] == "portfolio_id"]


def test_id_of_the_foreign_portfolio_is_hidden(nina_user, portfolio, second_portfolio, moved_twice_more):
    nina, own_id = client_of(nina_user), str(second_portfolio.pk)
    assert portfolios_named(nina, f"{moved_twice_more}/history") == [("", own_id), (own_id, ""), ("", own_id)]
    for path in (f"{moved_twice_more}/history?include=children", f"{API}/portfolios/{own_id}/history"):
        assert str(portfolio.pk) not in str(events(nina, path))


def test_id_of_the_foreign_portfolio_is_hidden_after_deletions(alice, nina_user, portfolio, moved_twice_more):
    nina, foreign_id = client_of(nina_user), str(portfolio.pk)
    assert alice.delete(f"{API}/portfolios/{portfolio.pk}").status_code == 204
    assert foreign_id not in nina.get(f"{moved_twice_more}/history").content.decode()
    assert alice.delete(moved_twice_more).status_code == 204
    assert foreign_id not in nina.get(f"{moved_twice_more}/history").content.decode()


def test_members_read_the_id_of_their_own_portfolio(alice, bob, household, portfolio, path):
    """Also after the portfolio is deleted."""
    home = str(portfolio.pk)
    alice.patch(path, {"portfolio_id": home})
    assert portfolios_named(bob, f"{path}/history") == [("", home), (home, ""), ("", home)]
    other = str(Portfolio.objects.create(household=household, name="Other").pk)
    alice.patch(path, {"portfolio_id": other})
    assert alice.delete(f"{API}/portfolios/{home}").status_code == 204
    assert portfolios_named(bob, f"{path}/history") == [(home, other), ("", home), (home, ""), ("", home)]


def test_member_of_both_households_reads_both_ids(alice, portfolio, second_portfolio, moved_twice_more):
    first, second = str(portfolio.pk), str(second_portfolio.pk)
    moves = portfolios_named(alice, f"{moved_twice_more}/history")
    assert moves == [(first, second), (second, first), (first, second), ("", first)]


def test_admin_hides_the_id_of_the_foreign_portfolio(second_household, portfolio, moved_twice_more, asset):
    nora = staff(member(second_household, "nora", EDITOR))
    assert str(portfolio.pk) not in nora.get(url(Asset, "history", asset.pk)).content.decode()


def test_history_of_a_deleted_asset_hides_what_was_before_the_move(alice, nina_user, path):
    alice.delete(path)
    answer = client_of(nina_user).get(f"{path}/history?include=children")
    assert [row["model"] for row in answer.json()["results"]] == ["Asset", "AssetSnapshot", "Asset"]
    assert hides_secrets(answer.content)


def test_admin_hides_what_was_before_the_move(second_household, path, asset):
    nora = staff(member(second_household, "nora", EDITOR))
    page = nora.get(url(Asset, "history", asset.pk))
    assert page.status_code == 200 and hides_secrets(page.content)


def test_superuser_reads_the_whole_history_in_the_admin(rita, path, asset):
    assert "Secret name" in rita.get(url(Asset, "history", asset.pk)).content.decode()


def test_admin_shows_no_id_of_a_portfolio_that_the_user_may_not_see(
    alice, bob_user, portfolio, second_portfolio, path, asset
):
    """Bob saw the asset leave and reads about it after the return."""
    alice.patch(path, {"portfolio_id": str(portfolio.pk)})
    page = staff(bob_user).get(url(Asset, "history", asset.pk)).content.decode()
    assert "Portfolio (not visible to you)" in page
    assert str(second_portfolio.pk) not in page


def test_superuser_reads_the_names_of_both_portfolios(rita, path, asset, second_portfolio):
    page = rita.get(url(Asset, "history", asset.pk)).content.decode()
    assert str(second_portfolio) in page and "not visible to you" not in page
