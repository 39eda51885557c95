"""Concurrent writers do not deadlock, and each gets a true response to its own write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.utils import timezone

from assets.classification.tree import in_circles
from assets.models import Asset, AssetCategory, AssetSnapshot, AssetType, Category, Tag
from assets.rates.writer import record_rate
from assets.valuation import upkeep
from conftest import client_of, member
from portfolios.models import Household, Membership, Portfolio
from reports.models import AllocationTarget
from strata.accounts.models import User
from strata.db import retry
from strata.tenancy.roles import EDITOR, OWNER
from strata.tenancy.writes import locked_parent
from tests.admin_forms import change_form_data, staff, url
from tests.factories import create_asset
from tests.interleaving import retry_reasons, run_interleaved

API = "/api/v1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_postgresql]
type Write = Callable[["World"], Any]


class World:
    """A household with two portfolios, an asset with a value and labels in one of them, and two users who write."""

    def __init__(self) -> None:
        self.household = Household.objects.create(name="Household")
        self.alice = member(self.household, f"alice {uuid4()}", OWNER)
        self.bob = member(self.household, f"bob {uuid4()}", EDITOR)
        self.rita = User.objects.create(username=f"rita {uuid4()}", is_superuser=True)
        self.shared = AssetType.objects.create(code=f"SHARED_{uuid4().hex.upper()}", label="Shared")
        self.portfolio, self.other = (self.create(Portfolio, name=name) for name in ("Main", "Other"))
        self.type = self.create(AssetType, code="OWN", label="Own")
        self.categories = [self.create(Category, name=name) for name in ("One", "Two", "Three")]
        self.targeted = self.create(Category, name="Targeted")
        self.sibling = self.create(Category, name="Sibling", parent=self.categories[2])
        self.create(AllocationTarget, category=self.targeted, share="0.7")
        self.tag = self.create(Tag, name="Tag")
        self.asset, self.second = (create_asset(self.portfolio, name) for name in ("Checking", "Savings"))
        for asset in (self.asset, self.second):
            AssetCategory.objects.create(asset=asset, category=self.categories[0])
        now = timezone.now()
        self.value = AssetSnapshot.objects.create(asset=self.asset, value=1, on=now.date(), observed_at=now)
        self.target = self.create(AllocationTarget, asset=self.asset, share="0.1")

    def create(self, model, **fields):
        return model.objects.create(household=self.household, **fields)

    def ask(self, method: str, path: str, body: dict | None = None, user=None, **headers) -> Any:
        client = client_of(user or self.alice)
        client.raise_request_exception = False
        return getattr(client, method)(f"{API}/{path}", body, **headers)

    def post(self, row, page: str, data: dict) -> Any:
        """Posts a form of the admin as Alice."""
        client = staff(self.alice)
        client.raise_request_exception = False
        return client.post(url(type(row), page, row.pk), data)


def outcome(answer: Any) -> tuple[int, str]:
    """Status and error code of a response."""
    is_json = answer.get("Content-Type") == "application/json"
    return answer.status_code, answer.json().get("code", "") if is_json else ""


WRITES: dict[str, Write] = {
    "delete the asset": lambda w: w.ask("delete", f"assets/{w.asset.pk}"),
    "delete another asset": lambda w: w.ask("delete", f"assets/{w.second.pk}"),
    "rename the asset": lambda w: w.ask("patch", f"assets/{w.asset.pk}", {"name": "New"}),
    "move the asset": lambda w: w.ask("patch", f"assets/{w.asset.pk}", {"portfolio_id": str(w.other.pk)}),
    "use the type": lambda w: w.ask("patch", f"assets/{w.asset.pk}", {"asset_type_id": str(w.type.pk)}),
    "add an asset": lambda w: w.ask(
        "post",
        "assets",
        {"name": "New", "portfolio_id": str(w.portfolio.pk), "asset_type_id": str(w.type.pk), "value": "1"},
    ),
    "label the asset": lambda w: w.ask("post", f"assets/{w.asset.pk}/categories/{w.categories[1].pk}"),
    "dispose of the asset": lambda w: w.ask("put", f"assets/{w.asset.pk}/dispose", {"proceeds": "1"}),
    "add a value": lambda w: w.ask("post", f"assets/{w.asset.pk}/snapshots", {"value": "2"}),
    "correct a value": lambda w: w.ask(
        "patch", f"assets/{w.asset.pk}/snapshots/{w.value.pk}", {"value": "3"}
    ),
    "store a total": lambda w: w.ask("post", f"portfolios/{w.portfolio.pk}/snapshots", {}),
    "delete the portfolio": lambda w: w.ask("delete", f"portfolios/{w.portfolio.pk}"),
    "rename the portfolio": lambda w: w.ask("patch", f"portfolios/{w.portfolio.pk}", {"name": "New"}),
    "delete the category": lambda w: w.ask("delete", f"categories/{w.categories[0].pk}"),
    "move a category": lambda w: w.ask(
        "patch", f"categories/{w.categories[1].pk}", {"parent_id": str(w.categories[2].pk)}
    ),
    **{
        f"move category {number}": lambda w, number=number: w.ask(
            "patch",
            f"categories/{w.categories[number].pk}",
            {"parent_id": str(w.categories[(number + 1) % 3].pk)},
        )
        for number in range(3)
    },
    "move a category with a target": lambda w: w.ask(
        "patch", f"categories/{w.targeted.pk}", {"parent_id": str(w.categories[2].pk)}
    ),
    "add a target for its new sibling": lambda w: w.ask(
        "post", "allocation-targets", {"category_id": str(w.sibling.pk), "share": "0.7"}
    ),
    "delete the type": lambda w: w.ask("delete", f"asset-types/{w.type.pk}"),
    "add an asset of a shared type": lambda w: w.ask(
        "post",
        "assets",
        {"name": "New", "portfolio_id": str(w.portfolio.pk), "asset_type_id": str(w.shared.pk)},
    ),
    "delete the shared type": lambda w: w.ask("delete", f"asset-types/{w.shared.pk}", user=w.rita),
    "delete the tag": lambda w: w.ask("delete", f"tags/{w.tag.pk}"),
    "add a target for a tag": lambda w: w.ask(
        "post", "allocation-targets", {"tag_id": str(w.tag.pk), "share": "0.1"}
    ),
    "delete the asset in the admin": lambda w: w.post(w.asset, "delete", {"post": "yes"}),
    "delete the category in the admin": lambda w: w.post(w.categories[0], "delete", {"post": "yes"}),
    "move a category in the admin": lambda w: w.post(
        w.categories[1],
        "change",
        change_form_data(staff(w.alice), w.categories[1]) | {"parent": w.categories[2].pk},
    ),
    "delete the household": lambda w: w.ask("delete", f"households/{w.household.pk}"),
    "remove Bob": lambda w: w.ask(
        "delete",
        f"households/{w.household.pk}/members/{Membership.objects.get(user=w.bob, household=w.household).pk}",
    ),
    "Bob adds a value": lambda w: w.ask("post", f"assets/{w.asset.pk}/snapshots", {"value": "2"}, user=w.bob),
    "Bob adds an asset": lambda w: w.ask(
        "post",
        "assets",
        {"name": "B", "portfolio_id": str(w.portfolio.pk), "asset_type_id": str(w.type.pk)},
        user=w.bob,
    ),
}
COMMANDS: dict[str, Write] = {
    "add a rate": lambda w: retry.run_in_transaction(
        lambda: record_rate("USD", date(2026, 1, 1), Decimal(1))
    ),
    "rebuild": lambda w: upkeep.rebuild(w.portfolio.pk),
    "add two values": lambda w: retry.run_in_transaction(lambda: add_two_values(w)),
}


def add_two_values(world: World) -> None:
    """Raising a revision twice makes PostgreSQL check the foreign key at COMMIT: KEY SHARE on the household."""
    assets = Asset.objects.select_related("portfolio")
    asset = locked_parent(AssetSnapshot, assets, world.asset.pk, "asset")
    for day in ("2026-01-01", "2026-01-02"):
        AssetSnapshot.objects.create(asset=asset, value=1, on=day, observed_at=f"{day}T12:00:00Z")


class Race(NamedTuple):
    """The outcome of a race in which the first writer stopped at one point."""

    point: int
    answers: list[Any]
    retries: list[str]


def run_races(monkeypatch, *names: str) -> list[Race]:
    """Runs the writes once for each stopping point of the first one, each time in a new world."""
    writes = WRITES | COMMANDS
    races = []
    for point in count(1):
        world = World()
        with retry_reasons(monkeypatch) as retries, monkeypatch.context() as patch:
            patch.setattr(retry, "PAUSE_SECONDS", (0, 0))
            works = [partial(writes[name], world) for name in names]
            answers, was_stopped = run_interleaved(*works, stop_after=point)
        if not was_stopped:
            return races
        races.append(Race(point, answers, retries))
    raise AssertionError("the first writer ends")


def outcomes_of(race: Race) -> list[tuple[int, str]]:
    return [outcome(answer) for answer in race.answers if hasattr(answer, "status_code")]


# Each pair runs in both orders. The codes are those that a writer who comes too late may get.
PAIRS: dict[tuple[str, str], set[str]] = {
    ("correct a value", "delete the asset"): {"ASSET_NOT_FOUND"},
    ("correct a value", "delete the portfolio"): {"ASSET_NOT_FOUND", "PORTFOLIO_NOT_FOUND"},
    ("add a value", "delete the portfolio"): {"ASSET_NOT_FOUND", "PORTFOLIO_NOT_FOUND"},
    ("rename the asset", "delete the portfolio"): {"ASSET_NOT_FOUND"},
    ("add an asset", "delete the portfolio"): {"PORTFOLIO_NOT_FOUND"},
    ("add an asset", "delete the type"): {"ASSET_TYPE_NOT_FOUND", "IN_USE"},
    ("use the type", "delete the type"): {"ASSET_TYPE_NOT_FOUND", "IN_USE"},
    ("add an asset of a shared type", "delete the shared type"): {
        "ASSET_TYPE_NOT_FOUND",
        "IN_USE",
        "CONFLICT",
    },
    ("add a target for a tag", "delete the tag"): {"TAG_NOT_FOUND"},
    ("store a total", "delete the portfolio"): {"PORTFOLIO_NOT_FOUND"},
    ("Bob adds a value", "remove Bob"): {"ASSET_NOT_FOUND", "FORBIDDEN"},
    ("Bob adds an asset", "remove Bob"): {"PORTFOLIO_NOT_FOUND", "FORBIDDEN"},
    ("delete the category", "delete the asset"): set(),
    ("delete the category", "delete another asset"): set(),
    ("delete the category", "label the asset"): set(),
    ("delete the category", "dispose of the asset"): set(),
    ("move the asset", "add a value"): set(),
    ("move the asset", "delete the portfolio"): {"ASSET_NOT_FOUND", "PORTFOLIO_NOT_FOUND"},
    ("add an asset", "delete the household"): {"PORTFOLIO_NOT_FOUND"},
    ("delete the asset in the admin", "correct a value"): {"ASSET_NOT_FOUND"},
    ("delete the category in the admin", "delete the asset"): set(),
    ("move a category in the admin", "delete the asset in the admin"): set(),
    ("rebuild", "correct a value"): set(),
    ("add a rate", "delete the category"): set(),
    ("add two values", "delete the category"): set(),
}
DONE = {(200, ""), (201, ""), (204, ""), (302, "")}


@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize("pair", PAIRS, ids=" | ".join)
def test_two_writers_both_succeed_or_one_is_told_what_no_longer_exists(monkeypatch, pair, swapped):
    """There is no deadlock, at whichever point the first writer stops."""
    races = run_races(monkeypatch, *(pair[::-1] if swapped else pair))
    assert len(races) > 1
    for race in races:
        assert retry.DEADLOCK not in race.retries, (race.point, race.retries)
        assert not [error for error in race.answers if isinstance(error, BaseException)], race
        outcomes = outcomes_of(race)
        assert DONE & set(outcomes), (race.point, outcomes)
        assert {code for _, code in outcomes} <= {"", *PAIRS[pair]}, (race.point, outcomes)
        for answer in race.answers:
            if hasattr(answer, "status_code") and outcome(answer)[1] == "CONFLICT":
                assert "asset type" in answer.json()["message"]


def test_write_below_an_asset_that_moved_meanwhile_is_repeated(monkeypatch):
    """It had locked the asset's former portfolio."""
    races = run_races(monkeypatch, "move the asset", "add a value")
    assert {reason for race in races for reason in race.retries} == {"Restart"}


def test_three_concurrent_moves_of_categories_make_no_cycle(monkeypatch):
    for race in run_races(monkeypatch, *(f"move category {number}" for number in range(3))):
        assert retry.DEADLOCK not in race.retries
        assert sorted(outcomes_of(race)) == [(200, ""), (200, ""), (400, "VALIDATION_ERROR")], outcomes_of(
            race
        )
    assert not in_circles(dict(Category.objects.values_list("id", "parent_id")))


def test_concurrent_changes_cannot_make_targets_exceed_1(monkeypatch):
    """A category with a target moves while a target is set for its new sibling."""
    for race in run_races(monkeypatch, "move a category with a target", "add a target for its new sibling"):
        assert sorted(status for status, _ in outcomes_of(race)) in ([200, 400], [201, 409]), outcomes_of(
            race
        )
