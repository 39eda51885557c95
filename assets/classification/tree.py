"""The tree of categories, given as each category's parent (None at the top). Pure; every function takes linear time.

Every function also ends if categories form a cycle. Only a write without Strata can cause one; such categories have no
path to the top.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

MOST_LEVELS = 64  # for categories that are created or moved; older trees may be deeper
type Parents = Mapping[UUID, UUID | None]


def ancestors(start: UUID, parents: Parents) -> list[UUID]:
    """`start` and the categories above it, nearest first; stops at a cycle."""
    path: dict[UUID, None] = {}
    current: UUID | None = start
    while current is not None and current not in path:
        path[current] = None
        current = parents.get(current)
    return list(path)


def children_of(parents: Parents) -> dict[UUID | None, list[UUID]]:
    """The children of each parent, in the order given. None is the parent of those whose parent is not given."""
    children: dict[UUID | None, list[UUID]] = {}
    for child, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(child)
    return children


def levels_below(roots: Iterable[UUID], children: Mapping[UUID | None, Collection[UUID]]) -> dict[UUID, int]:
    """The roots (level 1) and all categories below them, each after its parent and in the order of siblings."""
    levels: dict[UUID, int] = {}
    waiting = [(root, 1) for root in reversed(list(roots))]
    while waiting:
        current, level = waiting.pop()
        if current not in levels:
            levels[current] = level
            waiting += [(child, level + 1) for child in reversed(list(children.get(current, ())))]
    return levels


def subtree(roots: Iterable[UUID], parents: Parents) -> set[UUID]:
    """The roots and all categories below them."""
    return set(levels_below(roots, children_of(parents)))


def in_circles(parents: Parents) -> set[UUID]:
    """The categories that have no path to the top."""
    children = children_of(parents)
    return parents.keys() - levels_below(children.get(None, ()), children).keys()


def move_problem(category: UUID, parent: UUID, parents: Parents) -> str | None:
    """Why a category, new or not, may not be below `parent`: a code. None if it may, or is already."""
    above = ancestors(parent, parents)
    if category in above:
        return "cycle"
    if category in parents and parents[category] == parent:
        return None
    if len(above) + max(levels_below([category], children_of(parents)).values()) > MOST_LEVELS:
        return "too_deep"
    return None


@dataclass(frozen=True)
class Tree:
    """The names and parents of the categories of several households."""

    names: Mapping[UUID, str]
    parents: Parents

    @cached_property
    def children(self) -> dict[UUID | None, list[UUID]]:
        return children_of(self.parents)

    def has_children(self, category: Hashable) -> bool:
        return category is not None and category in self.children

    def path(self, category: UUID) -> list[UUID]:
        """From the top down to the category itself; empty for an unknown id."""
        return ancestors(category, self.parents)[::-1] if category in self.parents else []

    def subtree(self, root: UUID) -> set[UUID]:
        return set(levels_below([root], self.children))

    def shown_at(self, level: int) -> dict[UUID, UUID]:
        """For each category its ancestor on that level (1 at the top), or itself if it is above that level."""
        shown = self._shown(levels_below(self.children.get(None, ()), self.children), level)
        for category in self.parents.keys() - shown.keys():  # in a cycle
            path = self.path(category)
            shown[category] = path[min(level, len(path)) - 1]
        return shown

    def shown_below(self, root: UUID, level: int) -> dict[UUID, UUID]:
        """The same, but only for the categories below a root; its children are on level 1."""
        return self._shown(levels_below([root], self.children), level + 1)

    def _shown(self, levels: Mapping[UUID, int], most: int) -> dict[UUID, UUID]:
        shown: dict[UUID, UUID] = {}
        for category, level in levels.items():  # parents come first
            parent = self.parents[category]
            shown[category] = category if level <= most or parent is None else shown[parent]
        return shown


# --- in reading order ---


@dataclass(frozen=True, slots=True)
class TreeRow:
    """`above` is None and `depth` is 0 at the top; `below` is the number of all categories below."""

    id: UUID
    household: Any
    name: str
    above: TreeRow | None = None
    depth: int = 0
    below: int = 0
    in_cycle: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the top down."""
        names, row = [self.name], self.above
        while row is not None:
            names.append(row.name)
            row = row.above
        return tuple(reversed(names))


def in_reading_order(categories: Iterable[tuple[UUID, UUID | None, str, Any]]) -> list[TreeRow]:
    """Rows from (id, parent, name, household), given in the order of siblings. Those in a cycle come last, flat."""
    rows = {row[0]: row for row in categories}
    parents = {pk: parent if parent in rows else None for pk, parent, _, _ in rows.values()}
    children = children_of(parents)
    levels = levels_below(children.get(None, ()), children)
    below = dict.fromkeys(levels, 0)
    for pk in reversed(levels):  # children first
        if (parent := parents[pk]) is not None:
            below[parent] += below[pk] + 1
    placed: dict[UUID | None, TreeRow] = {}
    for pk, level in levels.items():
        above = placed.get(parents[pk])
        placed[pk] = TreeRow(pk, rows[pk][3], rows[pk][2], above, level - 1, below[pk])
    lost = [TreeRow(pk, row[3], row[2], in_cycle=True) for pk, row in rows.items() if pk not in placed]
    return [*placed.values(), *lost]
