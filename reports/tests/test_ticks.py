"""The label of a tick is the position of the tick, in every picture."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import plotext
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.calculations.allocation import Allocation, Slice
from reports.calculations.net_worth import Point
from reports.rendering import drawing
from reports.rendering.drawing import ChartOptions
from reports.rendering.plots import allocation_plot, net_worth_plot
from reports.rendering.terminal import chart
from reports.rendering.ticks import tick_labels

pytestmark = pytest.mark.on_sqlite

UNITS = {"": 1.0, "million": 1e6, "billion": 1e9, "trillion": 1e12}
STEPS = [float(f"{digits}e{power}") for digits, power in product(("1", "2", "2.5", "5"), range(-4, 25))]
FIRST = date(2026, 1, 1)


def read(label: str) -> float:
    return float(label.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def says(label: str, tick: float, step: float, unit: float = 1) -> bool:
    return abs(read(label) * unit - tick) <= 1e-6 * step


# --- labels ---


@given(
    st.sampled_from(STEPS),
    st.integers(-40, 40),
    st.integers(1, 12),
    st.sampled_from([1e7, 1e15]),
)
def test_every_label_reads_back_as_its_tick(step, first, count, plain_below):
    ticks = [number * step for number in range(first, first + count)]
    for tick, label in zip(ticks, tick_labels(ticks, plain_below=plain_below), strict=True):
        assert says(label, tick, step), (label, tick)


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([-2.5, 0, 2.5, 5, 7.5], ["-2.5", "0.0", "2.5", "5.0", "7.5"]),
        ([0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0, 0.1, 0.2, 0.1 * 3], ["0.0", "0.1", "0.2", "0.3"]),
        ([0, 2500, 5000], ["0", "2,500", "5,000"]),
        ([0, 1.5e15, 3e15], ["0", "1.5e+15", "3e+15"]),
        ([-1e-20, 1], ["0", "1"]),
        ([0], ["0"]),
        ([], []),
    ],
)
def test_labels_have_the_digits_that_they_need(ticks, labels):
    assert tick_labels(ticks) == labels


# --- pictures ---


def points(highest: Decimal, lowest: Decimal) -> list[Point]:
    worth = [(Decimal(0), Decimal(0)), (highest, lowest), (highest / 3, lowest / 2)]
    return [
        Point(FIRST + timedelta(days=number), owned, owed, owned + owed, {}, ())
        for number, (owned, owed) in enumerate(worth)
    ]


def allocated(highest: Decimal, lowest: Decimal) -> Allocation:
    owned, owed = (Slice("a", highest, Decimal(1)),), (Slice("b", lowest, None),)
    return Allocation(FIRST, "EUR", highest, lowest, owned, owed, overlap=False, missing_rates=())


amounts = st.builds(
    lambda digits, power: Decimal(digits).scaleb(power), st.integers(1, 9999), st.integers(-6, 20)
)


@settings(max_examples=15, deadline=None)
@given(amounts, amounts, st.sampled_from(["svg", "png"]))
def test_ticks_of_a_picture_are_where_their_labels_say(highest, lowest, format):
    drawn, finish = [], drawing._finish
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_finish", lambda axes, theme: (drawn.append(axes), finish(axes, theme)))
        net_worth_plot(points(highest, -lowest), currency="EUR", options=ChartOptions(format))
        allocation_plot(allocated(highest, -lowest), labels={}, options=ChartOptions(format))
    assert_ticks(drawn[0].yaxis)
    assert_ticks(drawn[1].xaxis)


@pytest.mark.parametrize(("step", "sign"), list(product(STEPS, (1, -1))))
def test_ticks_of_every_step_are_where_their_labels_say(step, sign):
    axis = drawing._matplotlib().figure.Figure().add_subplot().yaxis
    ticks = [sign * step * number for number in range(8)]
    axis.set_ticks(ticks)
    drawing.money_axis(axis, ticks, "EUR")
    assert_ticks(axis)


def assert_ticks(axis) -> None:
    unit = UNITS[axis.get_label_text().removeprefix("EUR").strip()]
    ticks, labels = (
        list(axis.get_majorticklocs()),
        [label.get_text() for label in axis.get_majorticklabels()],
    )
    assert len(labels) == len(ticks) >= 2
    for tick, label in zip(ticks, labels, strict=True):
        assert says(label, tick, abs(ticks[1] - ticks[0]), unit), (tick, label)


@settings(max_examples=60, deadline=None)
@given(amounts, amounts)
def test_ticks_of_the_terminal_are_where_their_labels_say(highest, lowest):
    given_ticks = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotext, "yticks", lambda *ticks: given_ticks.append(ticks))
        chart(points(highest, -lowest), width=80, height=20, colour=False, unicode=True)
    ((ticks, labels),) = given_ticks
    for tick, label in zip(ticks, labels, strict=True):
        assert says(label, tick, abs(ticks[1] - ticks[0]))


def test_labels_of_the_terminal_are_printed_whole():
    drawn = chart(points(Decimal("0.3"), Decimal("-0.1")), width=80, height=20, colour=False, unicode=True)
    assert {"0.30┤", "0.25┤", "-0.10┤"} <= {line.strip().split("┤")[0] + "┤" for line in drawn.splitlines()}
