"""Axes, steps and waterfalls: the geometry of the dashboard's pictures."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from assets.rendering.axes import amount_axis, day_ticks
from assets.rendering.step_chart import Curve, stacked, step_chart
from reports.rendering.waterfall import waterfall

pytestmark = pytest.mark.on_sqlite  # no database can change it

DAYS = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 4)]


def decimals(*values) -> list[Decimal]:
    return [Decimal(str(value)) for value in values]


@pytest.mark.parametrize(
    "values",
    [(194728.46, 226960.43), (0, 0), (5, 5), (-3, -1), ("1e13", "2e13"), (0, "0.01"), (-200, 400), (99, 100)],
)
def test_amount_axis_fits_the_values_and_has_a_few_round_ticks(values):
    low, high = decimals(*values)
    axis = amount_axis([low, high])
    assert axis.low <= low <= high <= axis.high
    assert axis.high - axis.low <= (high - low) * Decimal("1.11") + (abs(high) / 5 or 2) * (low == high)
    assert 1 <= len(axis.ticks) <= 8
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
    steps = {after - before for before, after in pairwise(axis.ticks)}
    assert len(steps) <= 1
    assert all(len(step.normalize().as_tuple().digits) <= 2 for step in steps)


@pytest.mark.parametrize("span", [0, 1, 5, 30, 90, 365, 800, 3650, 40000])
def test_there_are_a_few_labelled_days_within_the_range(span):
    start = date(1903, 5, 17)
    end = start + timedelta(days=span)
    _, days = day_ticks(start, end)
    assert 1 <= len(days) <= 8
    assert days == sorted(set(days))
    assert start <= days[0] <= days[-1] <= end


def test_line_is_made_of_steps_and_the_last_day_has_a_width():
    chart = step_chart(DAYS, [Curve("Net", "red", decimals(0, 100, 50))], incomplete=[False, True, False])
    ((line, _),) = chart.lines
    assert line == "M0.0 1000.0H250.0V47.6H750.0V523.8H1000"
    assert chart.gaps == "M250.0 47.6H750.0"
    assert chart.last == ("75.00", "52.38")


def test_areas_are_stacked_above_and_below_zero():
    values = (("A", decimals(1, -1)), ("B", decimals(2, 2)), ("C", decimals(-3, -4)))
    areas = stacked([(name, "red", numbers) for name, numbers in values])
    assert [list(area.values) for area in areas] == [decimals(1, -1), decimals(3, 2), decimals(-3, -5)]
    assert [list(area.base or ()) for area in areas] == [decimals(0, 0), decimals(1, 0), decimals(0, -1)]


@pytest.mark.parametrize(
    ("start", "parts"), [(100, (10, -5)), (0, ()), (0, (5,)), (-10, (30, -40)), (-1000, (10, -20)), (7, ())]
)
def test_bars_of_a_waterfall_join_and_stay_within_the_picture(start, parts):
    picture = waterfall(Decimal(start), decimals(*parts))
    ends = [(Decimal(bar.left), Decimal(bar.left) + Decimal(bar.width)) for bar in picture.bars]
    assert len(ends) == len(parts) + 2
    assert all(0 <= left <= right <= Decimal("100.02") for left, right in ends)
    for before, after in pairwise(ends):
        assert any(abs(edge - other_edge) <= Decimal("0.02") for edge in before for other_edge in after)
    assert picture.cut is (start in (100, -1000) and bool(parts))


def test_line_with_fewer_values_than_days_begins_later():
    days = [date(2024, 1, 1) + timedelta(days=count) for count in range(4)]
    short, whole = Curve("short", "", decimals(1, 2)), Curve("whole", "", decimals(0, 1, 2, 3))
    picture = step_chart(days, [short, whole], incomplete=[False] * 4)
    starts = [path.split(" ")[0] for path, _colour in picture.lines]
    assert starts == ["M500.0", "M0.0"]


def test_incomplete_days_that_follow_each_other_are_one_dashed_part():
    """A dash is three pixels long, a day of a year fewer: each day for itself was drawn without a gap."""
    curve = Curve("Net", "red", decimals(0, 100, 50))
    assert (
        step_chart(DAYS, [curve], incomplete=[True, True, True]).gaps
        == "M0.0 1000.0H250.0V47.6H750.0V523.8H1000"
    )
    assert (
        step_chart(DAYS, [curve], incomplete=[True, False, True]).gaps == "M0.0 1000.0H250.0M750.0 523.8H1000"
    )
