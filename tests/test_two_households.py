"""Alice owns two households. Rows of one cannot use rows of the other, and its members learn nothing about it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portfolios.models import Household, Membership
from tests.conftest import rows_of

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"
RESOURCES = ("category", "tag", "asset-type", "portfolio", "asset")


@pytest.fixture
def other(alice_user, charlie_user, world):
    """The rows of Alice's second household, which Charlie owns too. `world` is her first."""
    household = Household.objects.create(name="Other")
    for user in (alice_user, charlie_user):
        Membership.objects.create(household=household, user=user, role="owner", accepted_at=timezone.now())
    return rows_of(household, "Other")


BODIES = {
    "categories parent_id": lambda own, foreign: {"name": "New", "parent_id": foreign["category"]},
    "allocation-targets category_id": lambda own, foreign: {
        "share": "0.1",
        "category_id": foreign["category"],
    },
    "allocation-targets tag_id": lambda own, foreign: {"share": "0.1", "tag_id": foreign["tag"]},
    "allocation-targets asset_type_id": lambda own, foreign: {
        "share": "0.1",
        "asset_type_id": foreign["asset-type"],
    },
    "allocation-targets asset_id": lambda own, foreign: {"share": "0.1", "asset_id": foreign["asset"]},
    "allocation-targets portfolio_id": lambda own, foreign: {
        "share": "0.1",
        "group": "PERSONAL_PROPERTY",
        "portfolio_id": foreign["portfolio"],
    },
    "assets asset_type_id": lambda own, foreign: {
        "name": "New",
        "portfolio_id": own["portfolio"],
        "asset_type_id": foreign["asset-type"],
    },
    "assets tag_ids": lambda own, foreign: {
        "name": "New",
        "portfolio_id": own["portfolio"],
        "asset_type_id": own["asset-type"],
        "tag_ids": [foreign["tag"]],
    },
    "assets category_ids": lambda own, foreign: {
        "name": "New",
        "portfolio_id": own["portfolio"],
        "asset_type_id": own["asset-type"],
        "category_ids": [foreign["category"]],
    },
}


def ids_of(rows) -> dict[str, str]:
    return {name: str(rows[name].pk) for name in RESOURCES}


def require_absent(answer, word: str) -> None:
    assert (answer.status_code, answer.json()["code"].endswith("_NOT_FOUND")) == (404, True), answer.content
    assert word not in answer.content.decode()


@pytest.mark.parametrize("case", BODIES)
def test_new_row_cannot_use_a_row_of_the_other_household(case, alice, charlie, world, other):
    path, body = case.split()[0], BODIES[case]
    household = {} if path == "assets" else {"household_id": str(other["household"].pk)}
    created = alice.post(f"{API}/{path}", household | body(ids_of(other), ids_of(other)))
    assert created.status_code == 201, created.content
    require_absent(alice.post(f"{API}/{path}", household | body(ids_of(other), ids_of(world))), "ecret")
    assert "ecret" not in charlie.get(f"{API}/{path}").content.decode()


PATHS = {"category": "categories", "asset": "assets"}
CHANGES = {
    "category parent_id": lambda foreign: {"parent_id": foreign["category"]},
    "asset asset_type_id": lambda foreign: {"asset_type_id": foreign["asset-type"]},
    "asset tag_ids": lambda foreign: {"tag_ids": [foreign["tag"]]},
    "asset category_ids": lambda foreign: {"category_ids": [foreign["category"]]},
}


@pytest.mark.parametrize("case", CHANGES)
def test_changed_row_cannot_use_a_row_of_the_other_household(case, alice, world, other):
    resource, change = case.split()[0], CHANGES[case]
    path = f"{API}/{PATHS[resource]}/{other[resource].pk}"
    for method in ("patch", "put"):
        require_absent(getattr(alice, method)(path, {"name": "New", **change(ids_of(world))}), "ecret")


@pytest.mark.parametrize("method", ["post", "delete"])
def test_labels_of_the_other_household_cannot_be_attached_or_detached(method, alice, world, other):
    request = getattr(alice, method)
    for label, plural in (("tag", "tags"), ("category", "categories")):
        require_absent(request(f"{API}/assets/{other['asset'].pk}/{plural}/{world[label].pk}"), "ecret")
    path = f"{API}/categories/{world['category'].pk}/assets"
    require_absent(alice.post(path, {"asset_id": str(other["asset"].pk)}), "ecret")
