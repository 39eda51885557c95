"""By which others learn that prices are about to change, and that they have changed: valuation, for what it derives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date
from uuid import UUID

type ChangedDays = Mapping[UUID, Sequence[date]]
type PriceHook = Callable[[ChangedDays], AbstractContextManager[None]]

_hooks: list[PriceHook] = []


def register_hook(hook: PriceHook) -> None:
    """`hook(days)` surrounds each write of prices: these days of these instruments get another price.

    It is entered before the write and left after it, in its transaction, with the instruments locked.
    """
    if hook in _hooks:
        raise TypeError(f"{hook!r} is registered")
    _hooks.append(hook)


def unregister_hook(hook: PriceHook) -> None:
    """For tests."""
    _hooks.remove(hook)


@contextmanager
def writing_prices(days: Callable[[], ChangedDays]) -> Iterator[None]:
    """Around a write of prices. `days` is only called where somebody wants to know them."""
    with ExitStack() as stack:
        if _hooks:
            changed = days()
            for hook in _hooks:
                stack.enter_context(hook(changed))
        yield
