"""Quantities on days, from trades and corporate actions. Pure: without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from uuid import UUID

import pytest

from assets.holdings.events import (
    QUANTITY_UNIT,
    Action,
    ActionType,
    AssetEvents,
    Event,
    Ledger,
    Trade,
    TradeType,
    event_order,
    quantity_units,
)
from assets.holdings.quantities import Quantities, quantities
from assets.holdings.timeline import timeline
from tests.factories import FIRST_DAY, day

pytestmark = pytest.mark.on_sqlite  # no database can change it

A, B, C = (UUID(int=number) for number in (1, 2, 3))
ids = (UUID(int=number) for number in count(1000))


def trade(kind: str, on: int, quantity: int | None = None, **values: object) -> Trade:
    units = None if quantity is None else quantity * QUANTITY_UNIT
    at = datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(days=on)
    return Trade(next(ids), TradeType(kind), day(on), at, values.pop("position", 0), "EUR", units, **values)  # type: ignore[arg-type]


def action(kind: str, on: int, numerator: int = 1, denominator: int = 1, **values: object) -> Action:
    return Action(next(ids), ActionType(kind), day(on), numerator, denominator, **values)  # type: ignore[arg-type]


def transfer(on: int, quantity: int, source: UUID, target: UUID, **values: int) -> tuple[Trade, Trade]:
    pk = next(ids)
    leaving = trade("TRANSFER", on, -quantity, transfer_id=pk, other_asset_id=target)
    arriving = trade("TRANSFER", on, quantity, transfer_id=pk, other_asset_id=source, **values)
    return leaving, arriving


def ledger(events: dict[UUID, list[Event]], **values: object) -> Ledger:
    return {pk: AssetEvents(pk, "EUR", sorted(of, key=event_order), **values) for pk, of in events.items()}  # type: ignore[arg-type]


def steps(result: Quantities) -> list[tuple[int, Fraction]]:
    pairs = zip(result.days, result.units, strict=True)
    return [((on - FIRST_DAY).days, Fraction(units, QUANTITY_UNIT)) for on, units in pairs]


def of(*events: Event, **values: object) -> Quantities:
    return quantities(ledger({A: list(events)}, **values))[A]


def test_a_quantity_holds_until_it_changes():
    result = of(trade("ACQUIRE", 0, 10), trade("DISPOSE", 5, 4), trade("INCOME", 9, 1), trade("EXPENSE", 9))
    assert steps(result) == [(0, 10), (5, 6), (9, 7)]
    assert [result.on(day(number)) // QUANTITY_UNIT for number in (-1, 0, 4, 5, 99)] == [0, 10, 10, 6, 7]


def test_a_split_takes_effect_before_the_trades_of_its_day():
    """measures.md, Splits: 10 shares, then 2 for 1, then 1 for 10."""
    buy, split, joined = trade("ACQUIRE", 0, 10), action("split", 3, 2), action("split", 6, 1, 10)
    assert steps(of(buy, split, joined)) == [(0, 10), (3, 20), (6, 2)]
    assert steps(of(buy, trade("DISPOSE", 3, 20), split)) == [(0, 10), (3, 0)]


def test_a_ratio_that_does_not_divide_stays_exact():
    thirds = of(trade("ACQUIRE", 0, 10), action("split", 1, 1, 3), action("split", 2, 3))
    assert steps(thirds) == [(0, 10), (1, Fraction(10, 3)), (2, 10)]
    assert steps(of(trade("ACQUIRE", 0, 10), action("stock_dividend", 1, 1, 20))) == [
        (0, 10),
        (1, Fraction(21, 2)),
    ]


def test_selling_more_than_is_held_is_named_and_a_later_purchase_counts_in_full():
    result = of(trade("ACQUIRE", 0, 10), trade("DISPOSE", 1, 12), trade("ACQUIRE", 2, 5))
    assert steps(result) == [(0, 10), (1, 0), (2, 5)]
    assert (result.missing_on(day(0)), result.missing_on(day(1))) == (0, 2 * QUANTITY_UNIT)


def test_a_short_sale_is_negative_where_it_is_allowed():
    sales = [trade("DISPOSE", 0, 5), trade("ADJUST", 1, -1), trade("ACQUIRE", 2, 7)]
    result = of(*sales, allow_short=True)
    assert steps(result) == [(0, -5), (2, 2)]
    assert [gap.on for gap in result.missing] == [day(1)]  # a correction is never a short sale


def test_the_quantity_of_the_asset_counts_where_no_trade_has_one():
    opening = {"opening_quantity": 3 * QUANTITY_UNIT, "opening_on": day(2)}
    split = action("split", 1, 5), action("split", 4, 2)
    assert steps(of(trade("ACQUIRE", 3), *split, **opening)) == [(2, 3), (4, 6)]
    assert steps(of(trade("ACQUIRE", 3), trade("DISPOSE", 6, closes=True), **opening)) == [(2, 3), (6, 0)]
    assert steps(of(trade("ACQUIRE", 3, 1), **opening)) == [(3, 1)]


def test_shares_arrive_by_spin_off_and_merger():
    events = {
        A: [trade("ACQUIRE", 0, 10), action("spin_off", 2, 1, 4, to_asset_id=B)],
        B: [trade("DISPOSE", 2, 1), action("merger", 5, 2, to_asset_id=C)],
        C: [],
    }
    result = quantities(ledger(events))
    assert steps(result[A]) == [(0, 10)]
    assert steps(result[B]) == [(2, Fraction(3, 2)), (5, 0)]
    assert steps(result[C]) == [(5, 3)]


def test_an_action_without_an_asset_for_its_shares_has_no_effect():
    assert steps(of(trade("ACQUIRE", 0, 10), action("merger", 2))) == [(0, 10)]


def test_only_what_is_there_is_transferred():
    leaving, arriving = transfer(3, 12, A, B)
    result = quantities(ledger({A: [trade("ACQUIRE", 0, 10), leaving], B: [arriving]}))
    assert (steps(result[A]), steps(result[B])) == ([(0, 10), (3, 0)], [(3, 10)])
    assert result[A].missing_on(day(3)) == 2 * QUANTITY_UNIT
    assert steps(quantities(ledger({B: [arriving]}))[B]) == [(3, 12)]  # where the other asset is not given


def in_order(events, **until):
    return [(asset_id, event) for asset_id, run in timeline(events, **until) for event in run]


def test_a_leg_in_waits_for_its_leg_out_whatever_their_positions():
    leaving, arriving = transfer(0, 5, A, B)
    leaving = leaving._replace(position=9)
    sale = trade("DISPOSE", 0, 5, position=1)
    events = ledger({B: [arriving, sale], A: [trade("ACQUIRE", 0, 5), leaving]})
    assert [event for _, event in in_order(events)][-2:] == [arriving, sale]
    assert not quantities(events)[B].missing


def test_legs_that_wait_for_each_other_come_after_what_they_wait_for():
    out_a, in_b = transfer(0, 1, A, B)
    out_b, in_a = transfer(0, 1, B, A)
    events = ledger({A: [in_a, out_a._replace(position=1)], B: [in_b, out_b._replace(position=1)]})
    order = [event for _, event in in_order(events)]
    assert len(order) == 4
    assert order.index(in_b) > order.index(events[A].events[1])


def test_quantities_are_ints_of_eighteen_places():
    assert quantity_units(Decimal("0.000000000000000001")) == 1


def test_timeline_ends_with_a_day_for_linked_assets_and_for_others():
    leaving, arriving = transfer(5, 1, A, B)
    events = ledger(
        {
            A: [trade("ACQUIRE", 1, 5), leaving],
            B: [arriving, trade("DISPOSE", 9, 1)],
            C: [trade("ACQUIRE", on, 1) for on in (1, 5, 6)],
        }
    )
    for until in range(11):
        expected = [pair for pair in in_order(events) if pair[1].on <= day(until)]
        assert in_order(events, until=day(until)) == expected
