"""What the tests that walk all routes and models need to know of a resource, said once for all of them.

An entry is enough for a resource with a list, a row and a history (`tag-list`, `tag-detail`, `tag-history`) whose rows
are like any other. What is special about a resource is in the tables of the tests themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from django.db import models

from assets.models import Asset, AssetType, Category, Tag
from portfolios.models import Household

PARTS = ("detail", "history", "list")


class Place(NamedTuple):
    """Where a sample row is added. `word` is in its names, and in those of no other row of the household."""

    household: Household
    asset: Asset
    word: str
    on: date

    @property
    def code(self) -> str:
        return self.word.upper().replace(" ", "_")


class Resource(NamedTuple):
    """`columns` are those of a new row. `edited` is a column with a text, of which a test writes another one.

    `body` makes a valid body of a POST from the rows of `world`, and `changed_body` one of a PUT: the same, if it is
    left out. `fixed` are the read-only fields that a PUT may send back. The numbers are those of queries.
    """

    model: type[models.Model]
    columns: Callable[[Place], dict[str, Any]]
    edited: str
    body: Callable[[dict[str, Any]], dict[str, Any]]
    fixed: frozenset[str]
    queries_of_list: int
    queries_of_history: int
    changed_body: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def add(self, place: Place) -> Any:
        return self.model._default_manager.create(**self.columns(place))


IN_HOUSEHOLD = frozenset({"household_id"})


def id_of(world: dict[str, Any], name: str) -> str:
    return str(world[name].pk)


# By the base name of the routes, which is the key of the row in `world` too.
RESOURCES = {
    "asset-type": Resource(
        AssetType,
        lambda place: {"household": place.household, "code": place.code, "label": f"{place.word} type"},
        edited="label",
        body=lambda world: {"code": "NEW", "label": "New", "household_id": id_of(world, "household")},
        changed_body=lambda world: {"code": world["asset-type"].code, "label": "New"},
        fixed=IN_HOUSEHOLD,
        queries_of_list=1,
        queries_of_history=4,
    ),
    "category": Resource(
        Category,
        lambda place: {"household": place.household, "name": f"{place.word} category"},
        edited="name",
        body=lambda world: {"name": "New", "household_id": id_of(world, "household")},
        changed_body=lambda world: {"name": "New"},
        fixed=IN_HOUSEHOLD,
        queries_of_list=1,
        queries_of_history=4,
    ),
    "tag": Resource(
        Tag,
        lambda place: {"household": place.household, "name": f"{place.word} tag"},
        edited="name",
        body=lambda world: {"name": "New", "household_id": id_of(world, "household")},
        changed_body=lambda world: {"name": "New"},
        fixed=IN_HOUSEHOLD,
        queries_of_list=1,
        queries_of_history=4,
    ),
}
