"""XML to a tree of nodes that know their line. Document types, entities and references outside are refused."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from xml.etree.ElementTree import ParseError  # only the name of an error: defusedxml reads # nosec B405

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from imports.reading.refusals import FileRefused

DEEPEST = 5_000
FEW = 16  # so many children are looked through as fast as an index of them, which takes more memory than they do
NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


class Node:
    """`tag` is the local name, without a namespace."""

    __slots__ = ("_by_tag", "attributes", "children", "line", "parent", "tag", "text")

    def __init__(self, tag: str, attributes: Mapping[str, str], parent: Node | None, line: int) -> None:
        self.tag, self.parent, self.line = tag, parent, line
        self.attributes = attributes or NO_ATTRIBUTES
        self.children: list[Node] = []
        self.text = ""
        self._by_tag: dict[str, list[Node]] | None = None

    def all(self, tag: str) -> list[Node]:
        """The children of this name, in their order. The tree is complete when this is asked."""
        if len(self.children) <= FEW:
            return [child for child in self.children if child.tag == tag]
        if self._by_tag is None:
            self._by_tag = {}
            for child in self.children:
                self._by_tag.setdefault(child.tag, []).append(child)
        return self._by_tag.get(tag, [])

    def first(self, *path: str) -> Node | None:
        node: Node | None = self
        for tag in path:
            node = next(iter(node.all(tag)), None) if node else None
        return node

    def value(self, *path: str) -> str:
        """The text of the node at the end of the path, "" where there is none."""
        node = self.first(*path)
        return node.text.strip() if node else ""

    def walk(self) -> Iterator[Node]:
        """The node and all below it, in the order of the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class _Builder:
    def __init__(self, without: Collection[str]) -> None:
        self.without, self.left_out = without, 0  # how deep it is in an element that is left out
        self.root: Node | None = None
        self.here: Node | None = None
        self.parser: Any = None
        self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FileRefused("BROKEN_FILE", self.parser.CurrentLineNumber)
        name = sys.intern(tag.rpartition("}")[2])
        if self.left_out or name in self.without:
            self.left_out += 1
            return
        node = Node(name, attributes, self.here, self.parser.CurrentLineNumber)
        if self.here is None:
            self.root = node
        else:
            self.here.children.append(node)
        self.here = node

    def end(self, tag: str) -> None:
        self.depth -= 1
        if self.left_out:
            self.left_out -= 1
            return
        self.here = self.here.parent if self.here else None

    def data(self, text: str) -> None:
        if self.here is not None and not self.left_out and (self.here.text or not text.isspace()):
            self.here.text += text

    def close(self) -> Node | None:
        return self.root


def parse_xml(data: bytes, without: Collection[str] = ()) -> Node:
    """`without` names elements that are left out with all that is in them, to save memory.

    Raises FileRefused: BROKEN_FILE with the line, or ENTITIES_REFUSED.
    """
    builder = _Builder(without)
    parser = DefusedXMLParser(target=builder, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    builder.parser = parser.parser
    try:
        parser.feed(data)
        root = parser.close()
    except DefusedXmlException:
        raise FileRefused("ENTITIES_REFUSED") from None
    except ParseError as error:
        raise FileRefused("BROKEN_FILE", error.position[0]) from None
    except (ValueError, LookupError):  # an encoding that is none
        raise FileRefused("BROKEN_FILE") from None
    if not isinstance(root, Node):
        raise FileRefused("BROKEN_FILE")
    return root
