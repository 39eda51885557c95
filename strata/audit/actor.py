"""Who is acting now, in which request and by which channel: what every change is signed with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """`channel` is "api", "admin" or "command:NAME"; `user` is None where nobody is logged in."""

    user: Any = None
    request_id: str = ""
    channel: str = ""


_current: ContextVar[Actor] = ContextVar("strata_actor", default=Actor())


def current() -> Actor:
    return _current.get()


def begin(**fields: Any) -> None:
    """Start a new actor for this request; nothing of the one before is kept."""
    _current.set(Actor(**fields))


def identify(user: Any) -> None:
    """Name the user of the actor at work, once authentication has found it."""
    _current.set(replace(_current.get(), user=user))


@contextmanager
def acting(**fields: Any) -> Iterator[None]:
    """Act as `fields` say for the length of a block: for commands and tests."""
    token = _current.set(Actor(**fields))
    try:
        yield
    finally:
        _current.reset(token)
