"""Which files of the domain a call passes through, in the order in which they are entered."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from inspect import CO_GENERATOR
from pathlib import Path
from types import CodeType, FrameType

from django.conf import settings

DOMAIN = ("portfolios", "assets", "investments", "reports")
NOT_DOMAIN = {"api", "admin", "rules", "tests"}  # interfaces, and checks of plain values
PURE = "Pure: no Django, no kernel"  # the contract that names the pure calculations
TOOL = 4  # of the numbers that sys.monitoring leaves to programs
MONITORING = sys.monitoring


@contextmanager
def entered_files() -> Iterator[list[str]]:
    """The files that are entered meanwhile, one entry for each time.

    A file is entered when a function in it is called and the nearest caller in a file of the domain is not in it. To
    come back to a caller is none. A generator function is entered where it is called, and not where its rows are taken.
    """
    entries: list[str] = []

    def enter(code: CodeType, caller: FrameType | None) -> None:
        if (path := domain_file(code.co_filename)) and path != file_of(caller):
            entries.append(path)

    def function_begins(code: CodeType, offset: int) -> None:
        if not code.co_flags & CO_GENERATOR:
            enter(code, sys._getframe(1).f_back)

    def is_called(code: CodeType, offset: int, function: object, first: object) -> None:
        called = getattr(getattr(function, "__func__", function), "__code__", None)
        if isinstance(called, CodeType) and called.co_flags & CO_GENERATOR:
            enter(called, sys._getframe(1))

    events = MONITORING.events
    MONITORING.use_tool_id(TOOL, "call paths")
    try:
        MONITORING.register_callback(TOOL, events.PY_START, function_begins)
        MONITORING.register_callback(TOOL, events.CALL, is_called)
        MONITORING.set_events(TOOL, events.PY_START | events.CALL)
        yield entries
    finally:
        MONITORING.set_events(TOOL, events.NO_EVENTS)
        MONITORING.free_tool_id(TOOL)


def file_of(frame: FrameType | None) -> str | None:
    """The file of the domain in which this frame is, or the nearest one above it."""
    while frame is not None:
        if path := domain_file(frame.f_code.co_filename):
            return path
        frame = frame.f_back
    return None


@cache
def domain_file(filename: str) -> str | None:
    """The path in the repository of a file that counts: one of the domain, which is no pure calculation."""
    path = Path(filename)
    if not path.is_relative_to(settings.BASE_DIR):
        return None
    parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
    if parts[0] not in DOMAIN or NOT_DOMAIN.intersection(parts):
        return None
    module = ".".join(parts)
    is_pure = any(module == pure or module.startswith(f"{pure}.") for pure in pure_modules())
    return None if is_pure else "/".join(parts)


@cache
def pure_modules() -> tuple[str, ...]:
    contracts = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return tuple(*(contract["source_modules"] for contract in contracts if contract["name"] == PURE))
