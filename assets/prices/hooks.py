"""By which others learn that prices are about to change, and that they have changed: valuation, for what it derives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date
from typing import NamedTuple
from uuid import UUID

type ChangedDays = Mapping[UUID, Sequence[date]]


class PriceHook(NamedTuple):
    """`portfolios(instrument_ids)` are those with values that prices of these instruments may change. They are locked
    before the instruments.

    `around_write(days)` surrounds each write of prices: these days of these instruments get another price. It is
    entered before the write and left after it, in its transaction, with the portfolios and the instruments locked.
    """

    portfolios: Callable[[Collection[UUID]], set[UUID]]
    around_write: Callable[[ChangedDays], AbstractContextManager[None]]


_hooks: list[PriceHook] = []


def register_hook(hook: PriceHook) -> None:
    if hook in _hooks:
        raise TypeError(f"{hook!r} is registered")
    _hooks.append(hook)


def unregister_hook(hook: PriceHook) -> None:
    """For tests."""
    _hooks.remove(hook)


def portfolios_of(instrument_ids: Collection[UUID]) -> set[UUID]:
    """The portfolios with values that prices of these instruments may change."""
    return set[UUID]().union(*(hook.portfolios(instrument_ids) for hook in _hooks))


@contextmanager
def writing_prices(days: Callable[[], ChangedDays]) -> Iterator[None]:
    """Around a write of prices. `days` is only called where somebody wants to know them."""
    with ExitStack() as stack:
        if _hooks:
            changed = days()
            for hook in _hooks:
                stack.enter_context(hook.around_write(changed))
        yield
