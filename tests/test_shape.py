"""scripts/shape.py finds folders and files that are too large, and imports in functions without a reason."""

from __future__ import annotations

import importlib.util
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.on_sqlite  # no database can change it

SCRIPT = Path(__file__).parent.parent / "scripts" / "shape.py"


@pytest.fixture(scope="module")
def shape():
    spec = importlib.util.spec_from_file_location("shape", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_has_at_most_fourteen_modules(shape):
    modules = [PurePosixPath(f"assets/services/m{number}.py") for number in range(14)]
    package = [PurePosixPath("assets/services/__init__.py"), PurePosixPath("assets/services/entries/m.py")]
    assert not list(shape.crowded_folders(modules + package))
    (problem,) = shape.crowded_folders([*modules, *package, PurePosixPath("assets/services/m14.py")])
    assert problem.startswith("assets/services: 15 modules")


@pytest.mark.parametrize("folder", ["assets/tests", "assets/migrations", "tests"])
def test_a_folder_of_tests_or_migrations_may_have_more(shape, folder):
    assert not list(shape.crowded_folders(PurePosixPath(f"{folder}/m{number}.py") for number in range(99)))


def test_a_file_has_at_most_500_lines(shape):
    texts = {PurePosixPath(name): "x\n" * 501 for name in ("docs/a.md", "assets/b.py", "CHANGELOG.md")}
    texts[PurePosixPath("docs/c.md")] = "x\n" * 500
    assert [problem.partition(":")[0] for problem in shape.long_files(texts)] == ["docs/a.md", "assets/b.py"]


def test_an_import_in_a_function_needs_a_reason(shape):
    text = """\
import json
def f():
    import csv
    import xml  # the second of two
    if json:
        # only where there is a chart
        import html
        import zlib
    class C:
        def g(self):
            import re
            x = 1
            import ast  # 80 ms of each start
"""
    problems = shape.unexplained_imports({PurePosixPath("a.py"): text})
    assert [problem.split(": ")[0] for problem in problems] == ["a.py:3", "a.py:11"]
