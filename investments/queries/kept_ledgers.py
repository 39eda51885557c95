"""What this process read and calculated last, kept as long as nothing has changed that it follows from: ledgers, lots,
and the performance of a period, whose page and charts ask for the same.

The key has the state of the portfolios: it is another one after every write that a report about them depends on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from threading import Lock
from typing import NamedTuple, Protocol
from uuid import UUID

from assets.holdings.events import Ledger
from investments.calculations.lot_results import AssetLots
from investments.queries.ledgers import InvestedAsset, invested_assets, ledger_of
from strata.audit import clock

MOST_EVENTS = 40_000  # of all ledgers together; about half a kilobyte each
MOST_LOTS = 25_000  # about a quarter of a kilobyte each
MOST_DAYS = 20_000  # of all chains of days together; about a quarter of a kilobyte each


class InvestedLedger(NamedTuple):
    """The assets of a report, by name, and the events of these and of all that are linked to them. Not changed."""

    assets: Mapping[UUID, InvestedAsset]
    ledger: Ledger

    @property
    def size(self) -> int:
        return sum(len(asset.events) + 1 for asset in self.ledger.values())


class FoundLots(NamedTuple):
    """The lots of each asset on a day. Not changed."""

    by_asset: Mapping[UUID, AssetLots]

    @property
    def size(self) -> int:
        return sum(lots.count + 1 for lots in self.by_asset.values())


class Sized(Protocol):
    @property
    def size(self) -> int: ...


class KeptByState[Value: Sized]:
    """Values of at most this size together; the one that was not used for the longest time goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def get_or_read(self, key: Hashable, read: Callable[[], Value]) -> Value:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = read()
        if value.size <= self._most:
            with self._lock:
                self._kept[key] = value
                while sum(kept.size for kept in self._kept.values()) > self._most:
                    self._kept.popitem(last=False)
        return value

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


KEPT = KeptByState[InvestedLedger](MOST_EVENTS)
KEPT_LOTS = KeptByState[FoundLots](MOST_LOTS)


def may_keep(state: Hashable | None) -> bool:
    return state is not None and clock.known_at() is None


def kept_lots(
    state: Hashable | None, key: Hashable, find: Callable[[], Mapping[UUID, AssetLots]]
) -> Mapping[UUID, AssetLots]:
    """What `find` gives, which follows from the state and the key."""
    if not may_keep(state):
        return find()
    return KEPT_LOTS.get_or_read((state, key), lambda: FoundLots(find())).by_asset


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

    if not may_keep(state):
        return read()
    only = None if only_assets is None else frozenset(only_assets)
    return KEPT.get_or_read((state, only, include_all), read)
