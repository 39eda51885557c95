"""The journal of an asset that came from another household: whoever did not see it there reads on from the move."""

from __future__ import annotations

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from conftest import client_of, member
from portfolios.models import Household, Membership, Portfolio
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests.admin_forms import staff, url

API = "/api/v1"


@pytest.fixture
def there(alice_user):
    """Alice's second household, where she is alone with Nina, who is not in the first."""
    household = Household.objects.create(name="There")
    Membership.objects.create(household=household, user=alice_user, role=OWNER, accepted_at=timezone.now())
    return household


@pytest.fixture
def nina_user(there):
    return member(there, "nina", VIEWER)


@pytest.fixture
def portfolio_there(there):
    return Portfolio.objects.create(household=there, name="Portfolio there")


@pytest.fixture
def asset(portfolio):
    portfolio.name = "Secret portfolio"
    portfolio.save()
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Secret name", currency="EUR"
    )


@pytest.fixture
def path(alice, bob, asset, portfolio_there):
    """Bob, of the first household, wrote a value, corrected it and renamed the asset; then Alice moved it."""
    path = f"{API}/assets/{asset.pk}"
    value = bob.post(
        f"{path}/snapshots", {"value": "1117.53", "on": "2026-01-31", "note": "Secret note"}
    ).json()
    bob.patch(f"{path}/snapshots/{value['id']}", {"value": "222", "note": ""})
    bob.patch(path, {"notes": "Secret notes"})
    body = {"portfolio_id": str(portfolio_there.pk), "name": "Yacht", "notes": ""}
    assert alice.patch(path, body).status_code == 200
    return path


def events(client, path) -> list[dict]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def hides(content: bytes) -> bool:
    return not any(word in content for word in (b"ecret", b"bob", b"1117.53"))


@pytest.mark.parametrize("query", ["", "?include=children", "?page_size=1"])
def test_whoever_did_not_see_it_before_reads_nothing_from_before(nina_user, path, query):
    answer = client_of(nina_user).get(f"{path}/history{query}")
    (event,) = answer.json()["results"]
    assert (event["action"], event["actor"], answer.json()["next"]) == ("update", "alice", None)
    assert hides(answer.content)


def test_the_move_tells_what_came_and_not_what_it_was(nina_user, portfolio_there, path):
    (event,) = events(client_of(nina_user), f"{path}/history")
    fields = {change["field"]: change for change in event["fields_changed"]}
    assert {value["before"] for value in fields.values()} == {""}
    assert fields["name"]["after"] == "Yacht"
    assert fields["portfolio_id"]["after_name"] == portfolio_there.name


def test_what_is_written_after_the_move_is_read_by_all_of_them(alice, nina_user, path):
    snapshot = AssetSnapshot.objects.get()
    alice.patch(f"{path}/snapshots/{snapshot.pk}", {"value": "333"})
    alice.patch(path, {"name": "Boat"})
    newest, corrected, move = events(client_of(nina_user), f"{path}/history?include=children")
    assert newest["fields_changed"] == [{"field": "name", "before": "Yacht", "after": "Boat"}]
    assert {"field": "value", "before": "222.00", "after": "333.00"} in corrected["fields_changed"]
    assert move["model"] == "Asset"


def test_the_history_of_a_value_from_before_says_nothing_of_it(nina_user, path):
    answer = client_of(nina_user).get(f"{path}/snapshots/{AssetSnapshot.objects.get().pk}/history")
    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_whoever_is_in_both_reads_all_of_it(alice, path):
    lines = events(alice, f"{path}/history?include=children")
    assert [row["actor"] for row in lines] == ["alice", "bob", "bob", "bob", ""]
    assert {"field": "name", "before": "Secret name", "after": "Yacht"} in lines[0]["fields_changed"]


def test_whoever_stays_behind_no_longer_finds_it(bob, path):
    assert bob.get(f"{path}/history").status_code == 404


def test_after_it_came_back_they_read_their_own_part_and_that_it_came(alice, bob, portfolio, path):
    alice.patch(path, {"name": "Their secret"})
    alice.patch(path, {"portfolio_id": str(portfolio.pk), "name": "Home again"})
    back, left, *_, created = events(bob, f"{path}/history")
    assert {change["before"] for change in back["fields_changed"]} == {""}
    assert {"field": "name", "before": "Secret name", "after": "Yacht"} in left["fields_changed"]
    assert created["action"] == "create"
    assert b"Their secret" not in bob.get(f"{path}/history").content


@pytest.fixture
def to_and_fro(alice, portfolio, portfolio_there, path):
    """Back in the first household, and then in the second again."""
    for there in (portfolio, portfolio_there):
        assert alice.patch(path, {"portfolio_id": str(there.pk)}).status_code == 200
    return path


def portfolios_named(client, path) -> list[tuple[str, str]]:
    fields = [field for event in events(client, path) for field in event["fields_changed"]]
    return [(field["before"], field["after"]) for field in fields if field["field"] == "portfolio_id"]


def test_of_the_portfolio_elsewhere_not_even_the_id_is_read(
    nina_user, portfolio, portfolio_there, to_and_fro
):
    nina, there = client_of(nina_user), str(portfolio_there.pk)
    assert portfolios_named(nina, f"{to_and_fro}/history") == [("", there), (there, ""), ("", there)]
    for path in (f"{to_and_fro}/history?include=children", f"{API}/portfolios/{there}/changes"):
        assert str(portfolio.pk) not in nina.get(path).content.decode()


def test_nor_is_it_after_that_portfolio_or_the_asset_is_deleted(alice, nina_user, portfolio, to_and_fro):
    nina, elsewhere = client_of(nina_user), str(portfolio.pk)
    assert alice.delete(f"{API}/portfolios/{portfolio.pk}").status_code == 204
    assert elsewhere not in nina.get(f"{to_and_fro}/history").content.decode()
    assert alice.delete(to_and_fro).status_code == 204
    assert elsewhere not in nina.get(f"{to_and_fro}/history").content.decode()


def test_the_id_of_their_own_portfolio_is_read_by_those_who_stayed_behind(
    alice, bob, household, portfolio, path
):
    """After it is deleted, too."""
    home = str(portfolio.pk)
    alice.patch(path, {"portfolio_id": home})
    assert portfolios_named(bob, f"{path}/history") == [("", home), (home, ""), ("", home)]
    other = str(Portfolio.objects.create(household=household, name="Other").pk)
    alice.patch(path, {"portfolio_id": other})
    assert alice.delete(f"{API}/portfolios/{home}").status_code == 204
    assert portfolios_named(bob, f"{path}/history") == [(home, other), ("", home), (home, ""), ("", home)]


def test_who_is_in_both_reads_both_ids(alice, portfolio, portfolio_there, to_and_fro):
    home, there = str(portfolio.pk), str(portfolio_there.pk)
    moves = portfolios_named(alice, f"{to_and_fro}/history")
    assert moves == [(home, there), (there, home), (home, there), ("", home)]


def test_the_admin_hides_the_id_too(there, portfolio, to_and_fro, asset):
    nina = staff(member(there, "nora", EDITOR))
    assert str(portfolio.pk) not in nina.get(url(Asset, "history", asset.pk)).content.decode()


def test_of_one_that_was_deleted_after_the_move_it_is_the_same(alice, nina_user, path):
    alice.delete(path)
    answer = client_of(nina_user).get(f"{path}/history?include=children")
    assert [row["model"] for row in answer.json()["results"]] == ["Asset", "AssetSnapshot", "Asset"]
    assert hides(answer.content)


def test_the_admin_shows_as_much(there, path, asset):
    nina = staff(member(there, "nora", EDITOR))
    page = nina.get(url(Asset, "history", asset.pk))
    assert page.status_code == 200 and hides(page.content)


def test_a_superuser_reads_all_of_it_in_the_admin(rita, path, asset):
    assert "Secret name" in rita.get(url(Asset, "history", asset.pk)).content.decode()


def test_a_portfolio_that_is_not_seen_is_no_bare_id_in_the_admin(
    alice, bob_user, portfolio, portfolio_there, path, asset
):
    """Bob saw it leave, and reads that once it is back."""
    alice.patch(path, {"portfolio_id": str(portfolio.pk)})
    page = staff(bob_user).get(url(Asset, "history", asset.pk)).content.decode()
    assert "a portfolio that you do not see" in page
    assert str(portfolio_there.pk) not in page


def test_a_superuser_reads_the_names_of_both_portfolios(rita, path, asset, portfolio_there):
    page = rita.get(url(Asset, "history", asset.pk)).content.decode()
    assert str(portfolio_there) in page and "that you do not see" not in page
