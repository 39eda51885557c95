"""Checks the shape of the code, which no other tool looks at. `make lint` runs it.

A folder of code has at most 14 modules (besides `__init__.py`; folders of tests and of migrations are exempt), a file
of code or text at most 500 lines, and an import inside of a function a comment that says why it is there.
"""

from __future__ import annotations

import ast
import subprocess  # nosemgrep: no-shell - git, which lists the files, and no shell
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

MAX_MODULES = 14
MAX_LINES = 500
LIMITED = {".py", ".md"}
EXEMPT_FOLDERS = {"tests", "migrations"}
OLDEST_FIRST = "CHANGELOG.md"  # grows with each release


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    paths = [PurePosixPath(name) for name in listed.stdout.split("\0") if name]
    problems = problems_of({path: root / path for path in paths if (root / path).exists()})
    print(*problems, sep="\n")
    return bool(problems)


def problems_of(files: dict[PurePosixPath, Path]) -> list[str]:
    """What is wrong with these files, by their path in the repository."""
    texts = {path: files[path].read_text() for path in files if path.suffix in LIMITED}
    return [*crowded_folders(texts), *long_files(texts), *unexplained_imports(texts)]


def crowded_folders(paths: Iterable[PurePosixPath]) -> Iterator[str]:
    modules = [path for path in paths if path.suffix == ".py" and path.name != "__init__.py"]
    per_folder = Counter(path.parent for path in modules if not EXEMPT_FOLDERS.intersection(path.parts))
    for folder, count in sorted(per_folder.items()):
        if count > MAX_MODULES:
            yield f"{folder}: {count} modules, more than {MAX_MODULES}. Make a folder of those that belong together."


def long_files(texts: dict[PurePosixPath, str]) -> Iterator[str]:
    for path, text in texts.items():
        count = text.count("\n")
        if count > MAX_LINES and path.name != OLDEST_FIRST and "migrations" not in path.parts:
            yield f"{path}: {count} lines, more than {MAX_LINES}. Split it by subject."


def unexplained_imports(texts: dict[PurePosixPath, str]) -> Iterator[str]:
    for path, text in texts.items():
        if path.suffix == ".py":
            lines = text.splitlines()
            for number in imports_in_functions(ast.parse(text)):
                if not has_comment(lines, number):
                    yield f"{path}:{number}: an import in a function. Move it to the top, or say why in a comment."


def imports_in_functions(tree: ast.Module) -> list[int]:
    """The lines of imports in functions; of several in a row the first."""
    numbers = set()
    for function in ast.walk(tree):
        for block in blocks(function) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else ():
            previous: ast.stmt | None = None
            for statement in block:
                if is_import(statement) and not (previous and is_import(previous)):
                    numbers.add(statement.lineno)
                previous = statement
    return sorted(numbers)


def blocks(function: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statements of the function, and of each `if`, `with` and `try` in it."""
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, name, None), list):
                yield block


def is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def has_comment(lines: list[str], number: int) -> bool:
    """At the end of the line, or above it."""
    return "#" in lines[number - 1] or lines[number - 2].lstrip().startswith("#")


if __name__ == "__main__":
    sys.exit(main())
