"""The category tree in reading order: each category after its parent, siblings by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Branch:
    """`depth` is 0 at the top; `below` counts all categories below; `path` has the names from the top down."""

    id: UUID
    household: Any
    path: tuple[str, ...]
    below: int = 0
    in_cycle: bool = False

    @property
    def depth(self) -> int:
        return len(self.path) - 1


def in_tree_order(categories: Iterable[tuple[UUID, UUID | None, str, Any]]) -> list[Branch]:
    """From (id, parent, name, household) in the order of siblings. What stands in a circle comes last, flat."""
    rows = {row[0]: row for row in categories}
    children: dict[UUID | None, list[UUID]] = {}
    for pk, parent, _, _ in rows.values():
        children.setdefault(parent if parent in rows else None, []).append(pk)
    placed: dict[UUID, Branch] = {}
    waiting = [(pk, ()) for pk in reversed(children.get(None, []))]
    while waiting:
        pk, above = waiting.pop()
        path = (*above, rows[pk][2])
        placed[pk] = Branch(pk, rows[pk][3], path)
        waiting += [(child, path) for child in reversed(children.get(pk, []))]
    lost = [Branch(pk, row[3], (row[2],), in_cycle=True) for pk, row in rows.items() if pk not in placed]
    return [*_counted(list(placed.values())), *lost]


def _counted(branches: list[Branch]) -> list[Branch]:
    """In reading order what stands below a branch follows it, until one that is no deeper."""
    counted, open_branches = list(branches), []
    for place, branch in enumerate(branches):
        while open_branches and branches[open_branches[-1]].depth >= branch.depth:
            open_branches.pop()
        for above in open_branches:
            counted[above] = replace(counted[above], below=counted[above].below + 1)
        open_branches.append(place)
    return counted
