"""The tags of an OFX file, of 1.x (SGML, where values have no end tags) and of 2.x (XML), as aggregates with values.

One reader for both, since files with the header of XML and tags that are not closed exist. No entity is defined by
the file: only the predefined ones are replaced. A file that is cut, or lacks a tag around a row, is refused.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from sys import intern

from imports.reading.files import File
from imports.reading.refusals import FileRefused
from imports.reading.texts import ENCODINGS, decode

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9_.:-]*)\s*(/?)>")
_START = re.compile(r"<OFX>", re.IGNORECASE)
_CHARSET = re.compile(rb"CHARSET:\s*([0-9A-Za-z-]+)|encoding=[\"']([0-9A-Za-z-]+)", re.IGNORECASE)
DEEPEST = 200
# A file where one of these has lost its start or its end would lose a row without a word.
AGGREGATES = frozenset(
    {
        "OFX",
        "STMTTRNRS",
        "STMTRS",
        "CCSTMTTRNRS",
        "CCSTMTRS",
        "BANKACCTFROM",
        "CCACCTFROM",
        "BANKTRANLIST",
        "STMTTRN",
        "LEDGERBAL",
        "INVSTMTTRNRS",
        "INVSTMTRS",
        "INVACCTFROM",
        "INVTRANLIST",
        "INVBANKTRAN",
        "INVTRAN",
        "SECID",
        "INVBAL",
        "INVPOSLIST",
        "INVPOS",
        "SECLIST",
        "SECINFO",
    }
)


class Aggregate:
    """A tag with others inside. `values` are the texts of those that have one, `children` the rest, in their order."""

    __slots__ = ("children", "line", "tag", "values")

    def __init__(self, tag: str, line: int) -> None:
        self.tag, self.line = tag, line
        self.values: dict[str, str] = {}
        self.children: list[Aggregate] = []

    def all(self, tag: str) -> Iterator[Aggregate]:
        return (child for child in self.children if child.tag == tag)

    def first(self, *path: str) -> Aggregate | None:
        node = self
        for tag in path:
            for child in node.children:
                if child.tag == tag:
                    node = child
                    break
            else:
                return None
        return node

    def value(self, *path: str) -> str:
        """The text at the end of the path, "" where there is none."""
        if len(path) == 1:
            return self.values.get(path[0], "")
        if not self.children:
            return ""
        node = self.first(*path[:-1])
        return node.values.get(path[-1], "") if node else ""

    def walk(self) -> Iterator[Aggregate]:
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def text_of(file: File) -> str:
    """UTF-8 where it is that, else what the header of the file says, else the likely encoding."""
    declared = _CHARSET.search(file.data[:1_000])
    name = (declared[1] or declared[2]).decode("ascii").lower() if declared else ""
    name = f"cp{name}" if name.isdigit() else name
    if file.encoding is None and name in ENCODINGS and name != "utf-8":
        try:
            return decode(file.data, "utf-8").text
        except FileRefused:
            return decode(file.data, name).text
    return file.text.text


def without_cdata(text: str) -> str:
    """Sections of CDATA as other text."""
    first, *sections = text.split("<![CDATA[")
    parts = [first]
    for section in sections:
        inside, end, after = section.partition("]]>")
        if not end:
            raise FileRefused("BROKEN_FILE")
        parts += (html.escape(inside), after)
    return "".join(parts)


def parse_ofx(file: File) -> Aggregate:
    """The aggregate OFX. Raises FileRefused."""
    text = text_of(file).replace("\r\n", "\n").replace("\r", "\n")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FileRefused("ENTITIES_REFUSED")
    text = without_cdata(text)
    start = _START.search(text)
    if start is None:
        raise FileRefused("UNKNOWN_FORMAT")
    root = Aggregate("", 1)
    builder = _Builder(root, 1 + text.count("\n", 0, start.start()))
    builder.read(text, start.start())
    if len(builder.open) > 1 or not root.children:
        raise FileRefused("BROKEN_FILE", builder.line)
    return root


class _Builder:
    def __init__(self, root: Aggregate, line: int) -> None:
        self.line = line
        self.open = [root]
        self.names: Counter[str] = Counter()

    def read(self, text: str, at: int) -> None:
        """Each tag, with the text up to the next one."""
        match = _TAG.search(text, at)
        while match:
            self.line += text.count("\n", at, match.start())
            at = match.start()
            following = _TAG.search(text, match.end())
            value = text[match.end() : following.start() if following else len(text)]
            closes, tag, is_empty = match.groups()
            tag = intern(tag.upper())  # a file with 100,000 rows has half a million tags
            if closes:
                self.end(tag)
            elif not is_empty:
                value = html.unescape(value) if "&" in value else value
                self.start(tag, value.strip())
            match = following

    def start(self, tag: str, value: str) -> None:
        """A tag with a text is a value, with or without an end tag."""
        if value and tag not in AGGREGATES:
            self.open[-1].values.setdefault(tag, value)
            return
        if len(self.open) > DEEPEST:
            raise FileRefused("BROKEN_FILE", self.line)
        node = Aggregate(tag, self.line)
        self.open[-1].children.append(node)
        self.open.append(node)
        self.names[tag] += 1

    def end(self, tag: str) -> None:
        if not self.names[tag]:
            if tag in AGGREGATES:
                raise FileRefused("BROKEN_FILE", self.line)
            return
        at = len(self.open) - 1
        while self.open[at].tag != tag:
            at -= 1
        closed, unclosed = self.open[at], self.open[at + 1 :]
        del self.open[at:]
        self.names[tag] -= 1
        for node in unclosed:  # a value that is empty and has no end tag: what follows it is its sibling
            if node.tag in AGGREGATES:
                raise FileRefused("BROKEN_FILE", node.line)
            self.names[node.tag] -= 1
            for name, value in node.values.items():
                closed.values.setdefault(name, value)
            closed.children.extend(node.children)
            node.values, node.children = {}, []
