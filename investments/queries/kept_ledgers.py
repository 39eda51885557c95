"""The ledgers that this process read last, kept as long as nothing has changed that they were read from.

To read thousands of transactions takes longer than to calculate with them. The key has the state of the portfolios: it
is another one after every write that a report about them depends on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from assets.holdings.events import Ledger
from investments.queries.ledgers import InvestedAsset, invested_assets, ledger_of
from strata.audit import clock

MOST_EVENTS = 40_000  # of all ledgers together; about half a kilobyte each


class InvestedLedger(NamedTuple):
    """The assets of a report, by name, and the events of these and of all that are linked to them. Not changed."""

    assets: Mapping[UUID, InvestedAsset]
    ledger: Ledger

    @property
    def size(self) -> int:
        return sum(len(asset.events) + 1 for asset in self.ledger.values())


class KeptLedgers:
    """At most `most` events; the ledger that was not used for the longest time goes first."""

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, InvestedLedger] = OrderedDict()
        self._lock = Lock()

    def get_or_read(self, key: Hashable, read: Callable[[], InvestedLedger]) -> InvestedLedger:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        ledger = read()
        if ledger.size <= self._most:
            with self._lock:
                self._kept[key] = ledger
                while sum(kept.size for kept in self._kept.values()) > self._most:
                    self._kept.popitem(last=False)
        return ledger

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


KEPT = KeptLedgers()


def invested_ledger(
    portfolio_ids: Collection[UUID],
    only_assets: Collection[UUID] | None,
    *,
    include_all: bool,
    state: Hashable | None,
) -> InvestedLedger:
    """The ledger of the portfolios' assets, or of `only_assets` of them.

    It is read again without a `state`, and under known_at.
    """

    def read() -> InvestedLedger:
        assets = invested_assets(portfolio_ids, only_assets, include_all=include_all)
        return InvestedLedger(assets, ledger_of(assets.values()))

    if state is None or clock.known_at() is not None:
        return read()
    only = None if only_assets is None else frozenset(only_assets)
    return KEPT.get_or_read((state, only, include_all), read)
