"""The code of docs/adding-a-resource.md: its blocks, each with the file that it is for, applied to a tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAGE = "docs/adding-a-resource.md"
NAMED = re.compile(r"\*\*`([^`]+)`\*\*")
FENCE = re.compile(r"```(python|diff)\n(.*?)```\n", re.DOTALL)


class Block(NamedTuple):
    path: str
    language: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Each block with the last file that was named above it."""
    path, end = "", 0
    for fence in FENCE.finditer(page):
        path = (NAMED.findall(page[end : fence.start()]) or [path])[-1]
        yield Block(path, fence[1], fence[2])
        end = fence.end()


def apply(tree: Path) -> list[str]:
    """Writes new files and changes those that exist; the paths of all of them."""
    paths = []
    for path, language, text in blocks((tree / PAGE).read_text()):
        if "NNNN" in path:
            path, text = numbered(tree, path, text)
        file = tree / path
        if language == "diff":
            file.write_text(changed(file.read_text(), text, path))
        else:
            assert not file.exists(), f"{path} exists: change it by a diff"
            file.write_text(text)
        paths.append(path)
    return paths


def numbered(tree: Path, path: str, text: str) -> tuple[str, str]:
    """The migration with the number that comes next and the name of the one before it."""
    previous = max(one.stem for one in (tree / path).parent.glob("[0-9]*.py"))
    number = f"{int(previous[:4]) + 1:04}"
    return path.replace("NNNN", number), text.replace("PREVIOUS", previous)


def changed(content: str, diff: str, path: str) -> str:
    """The file after a diff without line numbers: what it takes away and leaves must be there exactly once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    count = content.count(old)
    assert count == 1, f"{path} has these lines {count} times:\n{old}"
    return content.replace(old, new)
