"""What every list and every report costs: as many queries for some rows as for many, and no more than is said here.

A new one fails here until QUERIES says what it costs.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from assets.models import Asset, AssetSnapshot, AssetType, Category, ExchangeRate, Tag, Transaction
from assets.services.classification import label
from portfolios.models import Household, Invitation, Membership, Portfolio
from reports.api.views import Report
from reports.models import AllocationTarget
from reports.services.portfolio_snapshots import take_snapshot
from strata.accounts.models import ApiToken, User
from strata.api.views import LISTS
from strata.fields.dates import noon
from strata.tenancy.roles import EDITOR, OWNER
from tests.all_routes import Route, path_for, routes

FIRST = date(2026, 1, 1)
QUERIES = {
    "allocation": 5,
    "allocation-chart.png": 6,
    "allocation-chart.svg": 6,
    "allocation-target-history": 4,
    "allocation-target-list": 1,
    "asset-history": 10,
    "asset-list": 4,
    "asset-snapshot-history": 5,
    "asset-snapshot-list": 2,
    "asset-type-history": 4,
    "asset-type-list": 1,
    "category-children": 2,
    "category-history": 4,
    "category-list": 1,
    "change": 7,
    "exchange-rate-list": 1,
    "household-history": 9,
    "household-invitation-list": 3,
    "household-list": 2,
    "invitation-list": 1,
    "member-list": 2,
    "net-worth": 5,
    "net-worth-chart.png": 4,
    "net-worth-chart.svg": 4,
    "portfolio-allocation": 6,
    "portfolio-allocation-chart.png": 6,
    "portfolio-allocation-chart.svg": 6,
    "portfolio-change": 5,
    "portfolio-history": 4,
    "portfolio-list": 3,
    "portfolio-net-worth": 4,
    "portfolio-net-worth-chart.png": 4,
    "portfolio-net-worth-chart.svg": 4,
    "portfolio-quality": 6,
    "portfolio-snapshot-history": 5,
    "portfolio-snapshot-list": 4,
    "tag-history": 4,
    "tag-list": 1,
    "token-list": 1,
    "transaction-history": 5,
    "transaction-list": 2,
}
ASKED = {
    "asset-history": "include=children&page_size=200",
    "household-history": "include=members",
    "net-worth": "group_by=portfolio",
    "allocation": "group_by=portfolio",
    "change": "group_by=portfolio",
    "net-worth-chart.png": "interval=day&end=2026-01-11",
    "net-worth-chart.svg": "interval=day&end=2026-01-11",
}


def is_list(route: Route) -> bool:
    if "get" not in route.methods:
        return False
    view = resolve(path_for(route, {})).func
    return getattr(view, "actions", {}).get("get") in LISTS or issubclass(view.cls, Report)


LISTED = {route.name: route for route in routes() if is_list(route)}


class Growing:
    """A world in which there is more of everything that a list shows or a report counts."""

    def __init__(self, world, user) -> None:
        self.world, self.user, self.number = world, user, 0

    def grow(self, rounds: int) -> None:
        for _ in range(rounds):
            self.number += 1
            self.word, self.on = f"More {self.number}", FIRST + timedelta(days=self.number)
            self.labels()
            self.holdings()
            self.people()
            self.edits()

    def labels(self) -> None:
        household, number = self.world["household"], self.number
        self.category = Category.objects.create(
            household=household, name=self.word, parent=self.world["category"]
        )
        self.tag = Tag.objects.create(household=household, name=self.word)
        self.type = AssetType.objects.create(household=household, code=f"MORE_{number}", label=self.word)
        AllocationTarget.objects.create(household=household, tag=self.tag, share="0.01")
        ExchangeRate.objects.create(currency="USD", on=self.on, units_per_euro="1.25")

    def holdings(self) -> None:
        portfolio = Portfolio.objects.create(household=self.world["household"], name=self.word)
        for where in (portfolio, self.world["portfolio"]):
            asset = Asset.objects.create(
                portfolio=where, asset_type=self.type, name=self.word, currency="USD"
            )
            label(asset, category_ids=[self.category.pk], tag_ids=[self.tag.pk])
            self.value(asset)
        self.value(self.world["asset"])
        take_snapshot(self.world["portfolio"], on=self.on)

    def value(self, asset) -> None:
        at = noon(self.on, "UTC")
        AssetSnapshot.objects.create(asset=asset, value="7", on=self.on, observed_at=at)
        Transaction.objects.create(
            asset=asset, type="INCOME", amount="1", currency="USD", on=self.on, occurred_at=at
        )

    def people(self) -> None:
        """Members, and those who are invited; the user is a member of another household, and invited to a third."""
        mine, other = [Household.objects.create(name=self.word) for _ in range(2)]
        in_household = {"household": self.world["household"]}
        Membership.objects.create(user=self.somebody(), role=EDITOR, **in_household)
        Invitation.objects.create(username=f"{self.word}{User.objects.count()}", role=EDITOR, **in_household)
        Membership.objects.create(household=mine, user=self.user, role=OWNER)
        Invitation.objects.create(household=other, username=self.user.username)
        ApiToken.issue(self.user, name=self.word)

    def somebody(self) -> User:
        return User.objects.create(username=f"{self.word} {User.objects.count()}")

    def edits(self) -> None:
        edits = {
            "household": {"name": self.word},
            "portfolio": {"name": f"{self.word}'s own"},
            "asset": {"name": self.word, "asset_type": self.type},
            "asset-snapshot": {"note": self.word},
            "transaction": {"note": self.word},
            "portfolio-snapshot": {"note": self.word},
            "category": {"name": f"{self.word}'s own"},
            "tag": {"name": f"{self.word}'s own"},
            "allocation-target": {"share": f"0.{self.number:02}"},
            "asset-type": {"label": self.word},
        }
        for name, fields in edits.items():
            type(self.world[name]).objects.filter(pk=self.world[name].pk).update(**fields)


class Asked(NamedTuple):
    queries: int
    rows: int | None  # of a list
    content: bytes


def ask(client, route: Route, world) -> Asked:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"{path_for(route, world)}?{ASKED.get(route.name, '')}")
    assert answer.status_code == 200, answer.content
    is_json = answer["Content-Type"] == "application/json"
    rows = answer.json().get("results") if is_json else None
    return Asked(len(queries), rows if rows is None else len(rows), answer.content)


def test_every_list_and_report_takes_as_many_queries_however_much_there_is(alice, alice_user, world):
    growing = Growing(world, alice_user)

    def costs():
        growing.grow(5)
        return {name: ask(alice, route, world) for name, route in LISTED.items()}

    few, many = costs(), costs()
    assert {name: cost.queries for name, cost in few.items()} == QUERIES
    assert {name: cost.queries for name, cost in many.items()} == QUERIES
    for name, cost in many.items():  # or it could not have cost more
        assert cost.content != few[name].content, name
        assert cost.rows is None or cost.rows >= few[name].rows + 5, name
