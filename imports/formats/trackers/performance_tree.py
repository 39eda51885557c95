"""The XML of Portfolio Performance as a tree in which every reference leads to what it refers to.

Its writer stores each object once, where it meets it first, and refers to it by a path or by an id elsewhere.
"""

from __future__ import annotations

import re

from imports.reading.containers.markup import Node

_STEP = re.compile(r"([^\[\]]+)(?:\[([0-9]{1,7})\])?")
MOST_STEPS = 10_000
MOST_REFERENCES = 100


class ObjectTree:
    def __init__(self, root: Node) -> None:
        self.root = root
        self._known: dict[int, Node | None] = {}
        self._by_id: dict[str, Node] | None = None

    def object(self, node: Node | None) -> Node | None:
        """The node itself, or the one that it refers to; None where that does not exist."""
        if node is None or "reference" not in node.attributes:
            return node
        key = id(node)
        if key not in self._known:
            self._known[key] = None  # what a circle of references leads to
            self._known[key] = self._resolved(node)
        return self._known[key]

    def _resolved(self, node: Node) -> Node | None:
        target: Node | None = node
        for _ in range(MOST_REFERENCES):
            if target is None or "reference" not in target.attributes:
                return target
            target = self._referred(target, target.attributes["reference"])
        return None

    def _referred(self, node: Node, reference: str) -> Node | None:
        if reference.isdigit():
            return self._with_id(reference)
        target: Node | None = self.root.parent if reference.startswith("/") else node
        for step in reference.strip("/").split("/")[:MOST_STEPS]:
            target = self._step(target, step)
            if target is None:
                return None
        return target

    def _step(self, node: Node | None, step: str) -> Node | None:
        """One step of a path. It may lead through an object that is itself a reference."""
        if step == ".":
            return node
        if node is None or step == "..":
            return node.parent if node else None
        match = _STEP.fullmatch(step)
        node = node if not match or node.all(match[1]) else self.object(node)
        if match is None or node is None:
            return None
        children = node.all(match[1])
        place = int(match[2] or 1) - 1
        return children[place] if 0 <= place < len(children) else None

    def _with_id(self, reference: str) -> Node | None:
        if self._by_id is None:
            self._by_id = {}
            for node in self.root.walk():
                if "id" in node.attributes and "reference" not in node.attributes:
                    self._by_id.setdefault(node.attributes["id"], node)
        return self._by_id.get(reference)

    def child(self, node: Node | None, *path: str) -> Node | None:
        """The object at the end of the path."""
        for tag in path:
            node = self.object(node.first(tag)) if node else None
        return node

    def text(self, node: Node | None, *path: str) -> str:
        target = self.child(node, *path)
        return target.text.strip() if target else ""

    def children(self, node: Node | None, tag: str) -> list[Node]:
        """The objects of this name below the node, each once."""
        objects: dict[int, Node] = {}
        for child in node.all(tag) if node else ():
            if (target := self.object(child)) is not None:
                objects.setdefault(id(target), target)
        return list(objects.values())
