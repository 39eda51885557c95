"""Alice owns two households: what is of one takes nothing from the other, and its members learn nothing of it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portfolios.models import Household, Membership
from tests.conftest import rows_of

API = "/api/v1"
THINGS = ("category", "tag", "asset-type", "portfolio", "asset")


@pytest.fixture
def other(alice_user, charlie_user, world):
    """Alice's second household, of which Charlie is a member; the world is her first."""
    household = Household.objects.create(name="Other")
    for user in (alice_user, charlie_user):
        Membership.objects.create(household=household, user=user, role="owner", accepted_at=timezone.now())
    return rows_of(household, "Other")


BODIES = {
    "categories parent_id": lambda here, there: {"name": "New", "parent_id": there["category"]},
    "allocation-targets category_id": lambda here, there: {"share": "0.1", "category_id": there["category"]},
    "allocation-targets tag_id": lambda here, there: {"share": "0.1", "tag_id": there["tag"]},
    "allocation-targets asset_type_id": lambda here, there: {
        "share": "0.1",
        "asset_type_id": there["asset-type"],
    },
    "allocation-targets asset_id": lambda here, there: {"share": "0.1", "asset_id": there["asset"]},
    "allocation-targets portfolio_id": lambda here, there: {
        "share": "0.1",
        "group": "PERSONAL_PROPERTY",
        "portfolio_id": there["portfolio"],
    },
    "assets asset_type_id": lambda here, there: {
        "name": "New",
        "portfolio_id": here["portfolio"],
        "asset_type_id": there["asset-type"],
    },
    "assets tag_ids": lambda here, there: {
        "name": "New",
        "portfolio_id": here["portfolio"],
        "asset_type_id": here["asset-type"],
        "tag_ids": [there["tag"]],
    },
    "assets category_ids": lambda here, there: {
        "name": "New",
        "portfolio_id": here["portfolio"],
        "asset_type_id": here["asset-type"],
        "category_ids": [there["category"]],
    },
}


def ids(rows) -> dict[str, str]:
    return {name: str(rows[name].pk) for name in THINGS}


def require_absent(answer, word: str) -> None:
    assert (answer.status_code, answer.json()["code"].endswith("_NOT_FOUND")) == (404, True), answer.content
    assert word not in answer.content.decode()


@pytest.mark.parametrize("what", BODIES)
def test_what_is_made_in_one_takes_nothing_from_the_other(what, alice, charlie, world, other):
    path, body = what.split()[0], BODIES[what]
    of_one = {} if path == "assets" else {"household_id": str(other["household"].pk)}
    created = alice.post(f"{API}/{path}", of_one | body(ids(other), ids(other)))
    assert created.status_code == 201, created.content
    require_absent(alice.post(f"{API}/{path}", of_one | body(ids(other), ids(world))), "ecret")
    assert "ecret" not in charlie.get(f"{API}/{path}").content.decode()


PATHS = {"category": "categories", "asset": "assets"}
CHANGES = {
    "category parent_id": lambda there: {"parent_id": there["category"]},
    "asset asset_type_id": lambda there: {"asset_type_id": there["asset-type"]},
    "asset tag_ids": lambda there: {"tag_ids": [there["tag"]]},
    "asset category_ids": lambda there: {"category_ids": [there["category"]]},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_in_one_takes_nothing_from_the_other(what, alice, world, other):
    thing, change = what.split()[0], CHANGES[what]
    path = f"{API}/{PATHS[thing]}/{other[thing].pk}"
    for method in ("patch", "put"):
        require_absent(getattr(alice, method)(path, {"name": "New", **change(ids(world))}), "ecret")


@pytest.mark.parametrize("method", ["post", "delete"])
def test_labels_of_the_other_are_neither_attached_nor_detached(method, alice, world, other):
    act = getattr(alice, method)
    for label, plural in (("tag", "tags"), ("category", "categories")):
        require_absent(act(f"{API}/assets/{other['asset'].pk}/{plural}/{world[label].pk}"), "ecret")
    path = f"{API}/categories/{world['category'].pk}/assets"
    require_absent(alice.post(path, {"asset_id": str(other["asset"].pk)}), "ecret")
