"""The code blocks of the worked example in docs, each with the file it belongs to, applied to a source tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAGES = ("docs/adding-a-resource.md", "docs/testing-a-resource.md")
FILE_NAME = re.compile(r"\*\*`([^`]+)`\*\*")
FENCE = re.compile(r"```(python|diff|toml)\n(.*?)```\n", re.DOTALL)


class Block(NamedTuple):
    path: str
    language: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Yields each block with the last file name above it."""
    path, end = "", 0
    for fence in FENCE.finditer(page):
        path = (FILE_NAME.findall(page[end : fence.start()]) or [path])[-1]
        yield Block(path, fence[1], fence[2])
        end = fence.end()


def apply(tree: Path) -> list[str]:
    """Writes new files and applies diffs to existing ones. Returns the paths of all of them."""
    contents = applied(tree)
    for path, content in contents.items():
        (tree / path).write_text(content)
    return [*contents]


def applied(tree: Path) -> dict[str, str]:
    """By its path, the content of each file that the blocks add or change. Nothing is written."""
    contents: dict[str, str] = {}
    for path, language, text in (block for page in PAGES for block in blocks((tree / page).read_text())):
        if "NNNN" in path:
            path, text = number_migration(tree, path, text)
        if language == "diff":
            content = contents[path] if path in contents else (tree / path).read_text()
            contents[path] = apply_diff(content, text, path)
        else:
            assert path not in contents and not (tree / path).exists(), f"{path} exists: change it by a diff"
            contents[path] = text
    return contents


def number_migration(tree: Path, path: str, text: str) -> tuple[str, str]:
    """The path with the next free number, and the text with the name of the previous migration."""
    previous = max(migration.stem for migration in (tree / path).parent.glob("[0-9]*.py"))
    number = f"{int(previous[:4]) + 1:04}"
    return path.replace("NNNN", number), text.replace("PREVIOUS", previous)


def apply_diff(content: str, diff: str, path: str) -> str:
    """The content after a diff without line numbers. Its context and removed lines must occur exactly once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    count = content.count(old)
    assert count == 1, f"{path} has these lines {count} times:\n{old}"
    return content.replace(old, new)


if __name__ == "__main__":
    applied(Path())
