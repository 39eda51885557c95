"""The events of many assets in one order, in which what arrives at an asset comes after it left another. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from operator import attrgetter
from uuid import UUID

from assets.holdings.events import Action, AssetEvents, Event, Ledger, Trade, TradeType

type Happening = tuple[UUID, Event]
type Run = tuple[UUID, Sequence[Event]]


def timeline(ledger: Ledger, until: date = date.max) -> Iterator[Run]:
    """(asset, events) of all events up to a day, in the order in which their effects have to be computed.

    The order of each asset is kept, with one exception: where two assets send each other something in orders that
    contradict each other, a leg in waits for its leg out. Assets without links come one after the other, each with all
    of its events at once.
    """
    for assets in linked_assets(ledger):
        if len(assets) == 1:
            (asset,) = assets
            yield asset.asset_id, events_until(asset, until)
        else:
            yield from ((pk, (event,)) for pk, event in _merged(assets) if event.on <= until)


def events_until(asset: AssetEvents, until: date) -> Sequence[Event]:
    events = asset.events
    if events and events[-1].on > until:
        events = events[: bisect_right(events, until, key=attrgetter("on"))]
    return events


def linked_assets(ledger: Ledger) -> list[list[AssetEvents]]:
    """The assets in groups that nothing links: assets between which something moves are in one group."""
    group_of: dict[UUID, list[UUID]] = {asset_id: [asset_id] for asset_id in ledger}
    for asset_id, other_id in _links(ledger):
        group, other_group = group_of[asset_id], group_of[other_id]
        if group is not other_group:
            group += other_group
            group_of.update(dict.fromkeys(other_group, group))
    groups = {id(group): group for group in group_of.values()}
    return [[ledger[asset_id] for asset_id in group] for group in groups.values()]


def _links(ledger: Ledger) -> Iterator[tuple[UUID, UUID]]:
    for asset_id, asset in ledger.items():
        for other in filter(None, map(attrgetter("other_asset_id"), asset.events)):
            if other in ledger:
                yield asset_id, other


def _merged(assets: Iterable[AssetEvents]) -> Iterator[Happening]:
    actions: defaultdict[date, list[tuple[UUID, Action]]] = defaultdict(list)
    trades: defaultdict[date, dict[UUID, deque[Trade]]] = defaultdict(dict)
    leaving: set[UUID | None] = set()  # transfers whose leg out is still to come
    for asset in assets:
        for event in asset.events:
            if isinstance(event, Action):
                actions[event.on].append((asset.asset_id, event))
                continue
            trades[event.on].setdefault(asset.asset_id, deque()).append(event)
            if is_leg_out(event):
                leaving.add(event.transfer_id)
    waiting: dict[UUID | None, tuple[UUID, Trade]] = {}
    for on in sorted({*actions, *trades}):
        yield from sorted(actions[on], key=lambda pair: (pair[1].action_id, pair[0]))
        yield from _trades_of_a_day(trades[on], leaving, waiting)


def _trades_of_a_day(
    queues: dict[UUID, deque[Trade]],
    leaving: set[UUID | None],
    waiting: dict[UUID | None, tuple[UUID, Trade]],
) -> Iterator[tuple[UUID, Trade]]:
    """Each asset's trades up to a leg in whose leg out is still to come; then the next asset's, until all are done."""
    while any(queues.values()):
        progress = False
        for asset_id, queue in queues.items():
            while queue and (is_leg_out(queue[0]) or queue[0].transfer_id not in leaving):
                progress = True
                trade = queue.popleft()
                yield asset_id, trade
                if is_leg_out(trade):
                    leaving.discard(trade.transfer_id)
                    if trade.transfer_id in waiting:
                        yield waiting.pop(trade.transfer_id)
        if not progress:
            asset_id, queue = next((pk, queue) for pk, queue in queues.items() if queue)
            trade = queue.popleft()
            waiting[trade.transfer_id] = asset_id, trade


def is_leg_out(trade: Trade) -> bool:
    """Where units are not counted, the leg out is the one that closes its asset."""
    if trade.type is not TradeType.TRANSFER:
        return False
    return trade.closes if trade.quantity is None else trade.quantity < 0
