"""The tree of categories: paths, subtrees and reading order, all in linear time, and the limit of its depth."""

from __future__ import annotations

from uuid import UUID

import pytest

from assets.classification.seeds import TypeId
from assets.classification.tree import (
    MOST_LEVELS,
    Tree,
    ancestors,
    in_circles,
    in_reading_order,
    move_problem,
    subtree,
)
from assets.doctor import categories_without_cycles
from assets.models import Asset, AssetCategory, AssetSnapshot, Category
from assets.services.classification import update_category
from strata.doctor import Level
from strata.exceptions import Invalid
from strata.fields.ids import uuid7
from tests.steps import steps_during

API = "/api/v1"
DEEP = 1200


def pk(number: int) -> UUID:
    return UUID(int=number)


class Counted(dict):
    """Parents that count how often they are looked up."""

    asked = 0

    def get(self, *args):
        self.asked += 1
        return super().get(*args)

    def __getitem__(self, key):
        self.asked += 1
        return super().__getitem__(key)

    def __contains__(self, key):
        self.asked += 1
        return super().__contains__(key)


def chain(length: int) -> Counted:
    return Counted({pk(number): pk(number - 1) if number else None for number in range(length)})


def branched() -> dict[UUID, UUID | None]:
    """0 with 1 (with 3) and 2; 4 alone; 5 and 6 in a circle, with 7 below it."""
    pairs = {0: None, 1: 0, 2: 0, 3: 1, 4: None, 5: 6, 6: 5, 7: 6}
    return {pk(child): None if parent is None else pk(parent) for child, parent in pairs.items()}


FUNCTIONS = {
    "ancestors": lambda parents: ancestors(pk(len(parents) - 1), parents),
    "subtree": lambda parents: subtree([pk(0)], parents),
    "in_circles": in_circles,
    "shown_at": lambda parents: Tree({}, parents).shown_at(1),
    "shown_at every level": lambda parents: Tree({}, parents).shown_at(len(parents)),
    "shown_below": lambda parents: Tree({}, parents).shown_below(pk(3), 2),
    "subtree of the tree": lambda parents: Tree({}, parents).subtree(pk(0)),
    "move_problem": lambda parents: move_problem(pk(0), pk(len(parents) - 1), parents),
    "has_children": lambda parents: [*map(Tree({}, parents).has_children, list(parents))],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_twice_as_many_categories_are_asked_twice_as_often(name):
    few, many = chain(DEEP), chain(2 * DEEP)
    FUNCTIONS[name](few)
    FUNCTIONS[name](many)
    assert many.asked <= 2 * few.asked + 10
    assert many.asked <= 8 * len(many)


def test_each_level_shows_what_stands_there():
    tree = Tree({}, branched())
    shown = {name: tree.shown_at(level) for name, level in (("first", 1), ("second", 2), ("all", 9))}
    assert [shown["first"][pk(number)] for number in range(5)] == [pk(0), pk(0), pk(0), pk(0), pk(4)]
    assert [shown["second"][pk(number)] for number in range(5)] == [pk(0), pk(1), pk(2), pk(1), pk(4)]
    assert [shown["all"][pk(number)] for number in range(5)] == [pk(number) for number in range(5)]
    assert tree.shown_below(pk(0), 1) == {pk(0): pk(0), pk(1): pk(1), pk(2): pk(2), pk(3): pk(1)}
    assert tree.shown_below(pk(1), 5) == {pk(1): pk(1), pk(3): pk(3)}


def test_a_circle_ends_no_function():
    parents = branched()
    assert in_circles(parents) == {pk(5), pk(6), pk(7)}
    assert ancestors(pk(7), parents) == [pk(7), pk(6), pk(5)]
    assert subtree([pk(5)], parents) == {pk(5), pk(6), pk(7)}
    assert Tree({}, parents).shown_at(1).keys() == parents.keys()
    assert move_problem(pk(6), pk(7), parents) == "cycle"


def test_reading_order_has_each_below_its_parent():
    rows = [(child, parent, str(child.int), None) for child, parent in branched().items()]
    tree_rows = [(row.name, row.depth, row.below, row.in_cycle) for row in in_reading_order(rows)]
    assert tree_rows == [
        ("0", 0, 3, False), ("1", 1, 1, False), ("3", 2, 0, False), ("2", 1, 0, False), ("4", 0, 0, False),
        ("5", 0, 0, True), ("6", 0, 0, True), ("7", 0, 0, True),
    ]  # fmt: skip
    assert {row.name: row.path for row in in_reading_order(rows)}["3"] == ("0", "1", "3")


def test_reading_order_of_a_chain_is_no_deep_recursion():
    rows = [(child, parent, str(child.int), None) for child, parent in chain(20 * DEEP).items()]
    *_, last = in_reading_order(rows)
    assert (last.depth, len(last.path)) == (20 * DEEP - 1, 20 * DEEP)


# --- in the database ---


def deep(household, levels: int) -> list[Category]:
    """A chain from the top down, deeper than allowed; earlier versions could create it."""
    ids = [uuid7() for _ in range(levels)]
    rows = [
        Category(
            id=category_id,
            household=household,
            name=f"Level {number}",
            parent_id=ids[number - 1] if number else None,
        )
        for number, category_id in enumerate(ids)
    ]
    return Category.objects.bulk_create(rows)


def test_a_deep_chain_is_allocated_at_once(alice, household, portfolio):
    """Linear: 450 steps for each category, with the requests; 2,000 when each one's path is found separately."""
    categories = deep(household, DEEP)
    for number in (0, 5, DEEP - 1):
        asset = Asset.objects.create(
            portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=str(number), currency="EUR"
        )
        AssetCategory.objects.create(asset=asset, category=categories[number])
        at = "2026-01-01T12:00:00Z"
        AssetSnapshot.objects.create(asset=asset, value=1, on="2026-01-01", observed_at=at)
    paths = (
        "allocation?group_by=category",
        f"allocation?group_by=category&category={categories[0].pk}",
        f"assets?category={categories[2].pk}",
    )
    answers, steps = steps_during(lambda: [alice.get(f"{API}/{path}").json() for path in paths])
    assert steps < 1000 * DEEP
    top, below, page = answers
    assert [(group["name"], group["value"]) for group in top["asset_groups"]] == [("Level 0", "3.00")]
    assert {(group["name"], group["value"]) for group in below["asset_groups"]} == {
        ("Level 0", "1.00"),
        ("Level 1", "2.00"),
    }
    assert page["count"] == 2


def test_a_new_category_stands_64_levels_deep_at_most(alice, household):
    categories = deep(household, MOST_LEVELS - 1)
    last = {"name": "Last", "parent_id": str(categories[-1].pk)}
    created = alice.post(f"{API}/categories", last)
    assert created.status_code == 201
    refused = alice.post(f"{API}/categories", {"name": "Beyond", "parent_id": created.json()["id"]})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert (error["field"], error["code"]) == ("parent_id", "too_deep")


def test_a_category_is_moved_with_all_that_stands_below_it(alice, household):
    categories = deep(household, MOST_LEVELS - 1)
    moved = Category.objects.create(household=household, name="Moved")
    Category.objects.create(household=household, name="Below", parent=moved)
    path = f"{API}/categories/{moved.pk}"
    refused = alice.patch(path, {"parent_id": str(categories[-1].pk)})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "too_deep")
    assert alice.patch(path, {"parent_id": str(categories[-2].pk)}).status_code == 200
    with pytest.raises(Invalid, match="levels deep"):
        update_category(moved.pk, {"parent_id": categories[-1].pk})


def test_a_tree_that_is_deeper_keeps_working(alice, household):
    categories = deep(household, 2 * MOST_LEVELS)
    path = f"{API}/categories/{categories[-2].pk}"
    assert alice.patch(path, {"name": "Renamed"}).status_code == 200
    assert alice.patch(path, {"parent_id": str(categories[-3].pk)}).status_code == 200  # as it is
    assert alice.patch(path, {"parent_id": str(categories[1].pk)}).status_code == 200
    assert [level for level, _ in categories_without_cycles()] == [Level.OK]
