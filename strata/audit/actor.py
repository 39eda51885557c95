"""The actor: the user, the request and the channel that every change is recorded with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """`channel` is "api", "admin", "command:NAME" or "import:ID"; `user` is None where nobody is logged in.

    `undo_of` is the request_id of what is being undone, else None.
    """

    user: Any = None
    request_id: str = ""
    channel: str = ""
    undo_of: str | None = None


_current: ContextVar[Actor] = ContextVar("strata_actor", default=Actor())


def current() -> Actor:
    return _current.get()


def begin(**fields: Any) -> None:
    """Start a new actor for this request. It replaces the actor of the request before."""
    _current.set(Actor(**fields))


def identify(user: Any) -> None:
    """Set the user of the current actor, after authentication."""
    _current.set(replace(_current.get(), user=user))


@contextmanager
def acting(**fields: Any) -> Iterator[None]:
    """Set the actor inside a block: for commands and tests."""
    token = _current.set(Actor(**fields))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def caused_by(channel: str) -> Iterator[None]:
    """Inside the block the actor writes by this channel."""
    token = _current.set(replace(_current.get(), channel=channel))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def undoing(request_id: str) -> Iterator[None]:
    """Inside the block the actor undoes what this request wrote."""
    token = _current.set(replace(_current.get(), undo_of=request_id))
    try:
        yield
    finally:
        _current.reset(token)
