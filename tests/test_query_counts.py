"""Every list and report takes a fixed number of queries, the same for few rows and for many; so does a PATCH.

A new list or report fails here until its number is in QUERIES.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import pytest
from django.db import connection
from django.urls import resolve
from django.utils import timezone

from assets.models import (
    Asset,
    AssetSnapshot,
    Category,
    ExchangeRate,
    Instrument,
    InstrumentAction,
    Transaction,
)
from assets.services.labels import label_asset
from imports.services.previews import Upload, create_import
from investments.queries.kept_ledgers import KEPT as KEPT_LEDGERS
from investments.queries.performance import KEPT_PERFORMANCES
from portfolios.models import Household, Invitation, Membership, Portfolio
from reports.api.views import Report
from reports.models import AllocationTarget
from reports.services.portfolio_snapshots import take_snapshot
from strata.accounts.models import User
from strata.accounts.services import issue_token
from strata.fields.dates import noon
from strata.tenancy.roles import EDITOR, OWNER
from tests.all_routes import Route, path_for, routes
from tests.factories import record_price
from tests.resources import RESOURCES, Place
from tests.tenancy import Queries
from tests.valid_requests import SUPERUSERS_SEE

FIRST = date(2026, 1, 1)
QUERIES = {
    **{f"{name}-list": resource.queries_of_list for name, resource in RESOURCES.items()},
    **{f"{name}-history": resource.queries_of_history for name, resource in RESOURCES.items()},
    "allocation": 5,
    "allocation-chart.png": 6,
    "allocation-chart.svg": 6,
    "allocation-target-history": 4,
    "allocation-target-list": 1,
    "asset-chart.png": 4,
    "asset-chart.svg": 4,
    "asset-history": 11,
    "asset-holding": 10,
    "asset-list": 3,
    "asset-lots": 10,
    "asset-performance": 13,
    "asset-snapshot-history": 5,
    "asset-snapshot-list": 2,
    "asset-values": 4,
    "instrument-action-history": 6,
    "instrument-action-list": 2,
    "instrument-history": 4,
    "instrument-list": 1,
    "instrument-price-list": 3,
    "category-children": 2,
    "change": 8,
    "exchange-rate-list": 1,
    "household-history": 10,
    "household-invitation-list": 2,
    "household-list": 2,
    "income": 3,
    "income-chart.png": 3,
    "income-chart.svg": 3,
    "import-history": 4,
    "import-list": 1,
    "invitation-list": 1,
    "lots": 9,
    "member-list": 2,
    "me-summary": 18,
    "net-worth": 5,
    "net-worth-chart.png": 4,
    "net-worth-chart.svg": 4,
    "performance": 12,
    "performance-chart.png": 12,
    "performance-chart.svg": 12,
    "portfolio-allocation": 6,
    "portfolio-allocation-chart.png": 6,
    "portfolio-allocation-chart.svg": 6,
    "portfolio-change": 6,
    "portfolio-history": 4,
    "portfolio-income": 3,
    "portfolio-income-chart.png": 3,
    "portfolio-export": 5,
    "net-worth-statement.pdf": 18,
    "portfolio-statement.pdf": 19,
    "portfolio-income-chart.svg": 3,
    "portfolio-list": 3,
    "portfolio-net-worth": 4,
    "portfolio-net-worth-chart.png": 4,
    "portfolio-net-worth-chart.svg": 4,
    "portfolio-performance": 12,
    "portfolio-performance-chart.png": 12,
    "portfolio-performance-chart.svg": 12,
    "portfolio-quality": 12,
    "portfolio-snapshot-history": 5,
    "portfolio-snapshot-list": 4,
    "realised-gains": 8,
    "recorded-transaction-list": 1,
    "recorded-value-list": 1,
    "token-list": 1,
    "transaction-history": 5,
    "transaction-list": 2,
}
QUERY_STRINGS = {
    "asset-history": "include=children&page_size=200",
    "household-history": "include=members",
    "net-worth": "group_by=portfolio",
    "performance-chart.png": "end=2026-01-11",
    "performance-chart.svg": "end=2026-01-11",
    "portfolio-performance-chart.png": "end=2026-01-11",
    "portfolio-performance-chart.svg": "end=2026-01-11",
    "recorded-transaction-list": "page_size=200",
    "allocation": "group_by=portfolio",
    "asset-values": "interval=day",
    "change": "group_by=portfolio",
    "net-worth-chart.png": "interval=day&end=2026-01-11",
    "net-worth-chart.svg": "interval=day&end=2026-01-11",
}


def view_of(route: Route):
    return resolve(path_for(route, {})).func


def is_list(route: Route) -> bool:
    if "get" not in route.methods:
        return False
    view = view_of(route)
    return (
        getattr(view, "actions", {}).get("get") == "list"
        or view.initkwargs.get("is_list_action")
        or issubclass(view.cls, Report)
    )


UNCHANGED = {"asset-values"}  # all new values are the same
# A schedule is of a loan: its queries are counted in assets/tests/test_terms.py.
LISTED = {
    route.name: route
    for route in routes()
    if is_list(route) and route.name not in {*SUPERUSERS_SEE, "asset-schedule"}
}


class GrowingWorld:
    """A world that gets more rows of everything that a list shows or a report counts."""

    def __init__(self, world, user) -> None:
        self.world, self.user, self.number = world, user, 0

    def grow(self, rounds: int) -> None:
        for _ in range(rounds):
            self.number += 1
            self.word, self.on = f"More {self.number}", FIRST + timedelta(days=self.number)
            place = Place(self.world["household"], self.world["asset"], self.word, self.on)
            self.rows = {name: resource.add(place) for name, resource in RESOURCES.items()}
            self.add_labels()
            self.add_assets()
            self.add_people()
            self.edit_rows()

    def add_labels(self) -> None:
        household = self.world["household"]
        self.tag, self.type = self.rows["tag"], self.rows["asset-type"]
        self.category = Category.objects.create(
            household=household, name=self.word, parent=self.world["category"]
        )
        Instrument.objects.create(household=household, symbol="MORE", name=self.word, currency="EUR")
        InstrumentAction.objects.create(
            household=household, instrument=self.world["instrument"], type="rename", on=self.on, symbol="X"
        )
        record_price(self.world["instrument"], self.on)
        AllocationTarget.objects.create(household=household, tag=self.tag, share="0.01")
        ExchangeRate.objects.create(currency="USD", on=self.on, units_per_euro="1.25")

    def add_assets(self) -> None:
        portfolio = Portfolio.objects.create(household=self.world["household"], name=self.word)
        for parent in (portfolio, self.world["portfolio"]):
            asset = Asset.objects.create(
                portfolio=parent, asset_type=self.type, name=self.word, currency="USD"
            )
            label_asset(asset.pk, category_ids=[self.category.pk], tag_ids=[self.tag.pk])
            self.add_value(asset)
        self.add_value(self.world["asset"])
        take_snapshot(self.world["portfolio"].pk, on=self.on)
        table = f"account,date,balance,currency\n{self.word},2026-01-31,1,EUR\n"
        create_import(Upload(self.world["portfolio"].pk, table.encode()))

    def add_value(self, asset) -> None:
        at = noon(self.on, "UTC")
        AssetSnapshot.objects.create(asset=asset, value=f"7.{self.number:02}", on=self.on, observed_at=at)
        for kind, quantity in [("ACQUIRE", "2"), ("DISPOSE", "1"), ("INCOME", None)]:
            amounts = {"amount": "1", "quantity": quantity, "currency": "USD"}
            Transaction.objects.create(asset=asset, type=kind, on=self.on, occurred_at=at, **amounts)

    def add_people(self) -> None:
        """Adds a member and an invitation, and for the user a household, an invitation to another and a token."""
        own, other = [Household.objects.create(name=self.word) for _ in range(2)]
        in_household = {"household": self.world["household"]}
        Membership.objects.create(user=self.new_user(), role=EDITOR, **in_household)
        Invitation.objects.create(username=f"{self.word}{User.objects.count()}", role=EDITOR, **in_household)
        Membership.objects.create(household=own, user=self.user, role=OWNER)
        Invitation.objects.create(household=other, username=self.user.username)
        issue_token(self.user, name=self.word)

    def new_user(self) -> User:
        return User.objects.create(username=f"{self.word} {User.objects.count()}")

    def edit_rows(self) -> None:
        edits = {
            **{name: {resource.edited: f"{self.word}'s own"} for name, resource in RESOURCES.items()},
            "household": {"name": self.word},
            "portfolio": {"name": f"{self.word}'s own"},
            "asset": {"name": self.word, "asset_type": self.type},
            "asset-snapshot": {"note": self.word},
            "transaction": {"note": self.word},
            "portfolio-snapshot": {"note": self.word},
            "allocation-target": {"share": f"0.{self.number:02}"},
            "import": {"file_name": self.word},
            "instrument": {"name": self.word},
            "instrument-action": {"symbol": self.word},
        }
        for name, fields in edits.items():
            type(self.world[name]).objects.filter(pk=self.world[name].pk).update(**fields)


class Cost(NamedTuple):
    queries: int
    rows: int | None  # of a list
    content: bytes


def ask(client, route: Route, world) -> Cost:
    KEPT_LEDGERS.clear(), KEPT_PERFORMANCES.clear()  # several reports have the same
    queries = Queries()
    with connection.execute_wrapper(queries):
        answer = client.get(f"{path_for(route, world)}?{QUERY_STRINGS.get(route.name, '')}")
        assert answer.status_code == 200, answer.content
        content = answer.getvalue()  # a file is read while it is sent
    is_json = answer["Content-Type"] == "application/json"
    rows = answer.json().get("results") if is_json else None
    return Cost(queries.count, rows if rows is None else len(rows), content)


def value_all_by_hand(world) -> None:
    """Delete what has computed values: these take queries of their own."""
    for name in ("asset-terms", "asset-schedule"):
        world[name].delete()


@pytest.mark.usefixtures("charts_as_text")
def test_every_list_and_report_takes_its_number_of_queries(alice, alice_user, world, time_machine):
    """At noon: totals take a query for each day that is today somewhere, and in the evening Berlin is a day ahead."""
    time_machine.move_to(datetime.combine(timezone.now().date() + timedelta(days=1), time(12), UTC))
    value_all_by_hand(world)
    growing_world = GrowingWorld(world, alice_user)

    def costs():
        growing_world.grow(5)
        return {name: ask(alice, route, world) for name, route in LISTED.items()}

    few, many = costs(), costs()
    assert {name: cost.queries for name, cost in few.items()} == QUERIES
    assert {name: cost.queries for name, cost in many.items()} == QUERIES
    for name, cost in many.items():  # the data has grown
        assert name in UNCHANGED or cost.content != few[name].content, name
        assert cost.rows is None or cost.rows >= few[name].rows + 5, name


# A PATCH of one text: the row is looked up, locked, read, and written with its line in the journal; the answer is read.
# In a test the transaction is a savepoint, which is two statements too.
# Where no figure of a portfolio depends on the row, no revision is raised.
PATCHES = {
    "asset": 11,
    "asset-snapshot": 9,
    "asset-type": 8,
    "category": 8,
    "household": 9,
    "portfolio": 10,
    "tag": 8,
    "transaction": 9,
}
# PostgreSQL locks the rows that guard it too: of an asset the household and the portfolio, of a transfer both legs.
LOCKS = {"asset": 2, "portfolio": 2, "transaction": 2}


def test_a_patch_reads_nothing_twice(alice, world):
    value_all_by_hand(world)
    columns = {"asset-snapshot": "note", "asset-type": "label", "transaction": "note"}
    locks = connection.features.has_select_for_update
    details = {route.name: route for route in routes()}
    for name, queries in PATCHES.items():
        path = path_for(details[f"{name}-detail"], world)
        cost = Queries()
        with connection.execute_wrapper(cost):
            answer = alice.patch(path, {columns.get(name, "name"): "Other"})
        assert answer.status_code == 200, answer.content
        assert cost.count == queries + locks * LOCKS.get(name, 1), name
