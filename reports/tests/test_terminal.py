"""Net worth in characters: as wide as the terminal, and only with characters that a pipe can take."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.valuation.series import Missing
from reports.calculations.net_worth import Point
from reports.rendering.terminal import chart, gaps, round_numbers, table

pytestmark = pytest.mark.on_sqlite


def point(month: int, assets="300000.00", liabilities="-200000.00", missing=()) -> Point:
    owned, owed = Decimal(assets), Decimal(liabilities)
    return Point(date(2024, month, 1), owned, owed, owned + owed, {}, missing)


GAP = (Missing("CHF", date(2024, 2, 1), Decimal(5)),)
POINTS = [point(1), point(2, "310000.50"), point(3, "290000.00")]


def drawn(points=POINTS, *, width=80, height=20, colour=False, unicode=True) -> str:
    return chart(points, width=width, height=height, colour=colour, unicode=unicode)


def test_zero_line_stands_between_assets_and_liabilities():
    lines = drawn().splitlines()
    zero = next(number for number, line in enumerate(lines) if line.strip().startswith("0├"))
    assert any("•••" in line for line in lines[:zero])
    assert any("•••" in line for line in lines[zero + 1 :])


def test_axes_have_thousands_and_dates():
    shown = drawn()
    assert "200,000┤" in shown
    assert "-200,000┤" in shown
    assert "2024-01-01" in shown
    assert "2024-03-01" in shown


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_no_line_is_wider_than_asked_for(width):
    assert max(map(len, drawn(width=width).splitlines())) <= width


def test_there_are_no_escape_codes_without_colour():
    assert "\x1b" not in drawn()
    assert "\x1b[" in drawn(colour=True)


def test_terminal_without_unicode_gets_plain_letters():
    assert drawn(unicode=False).isascii()


@pytest.mark.parametrize(
    "points", [[point(1)], [point(1, "0", "0")] * 2, [point(1, "1e30", "0"), point(2, "0.01", "0")]]
)
def test_one_day_nothing_and_extremes_are_drawn(points):
    assert "2024-01-01" in drawn(points)


@pytest.mark.parametrize(
    ("lowest", "highest", "marks"),
    [(0, 100, [0, 50, 100]), (-7, 12, [-10, 0, 10, 20]), (0, 0, [0, 0.5]), (-3e9, 0, [-4e9, -2e9, 0])],
)
def test_round_numbers_stand_around_the_range(lowest, highest, marks):
    assert round_numbers(lowest, highest, most=3) == marks


def test_table_has_every_figure_and_the_change():
    first, second, third = table(POINTS, width=80).splitlines()[1:]
    assert first.split() == ["2024-01-01", "300,000.00", "-200,000.00", "100,000.00"]
    assert second.split() == ["2024-02-01", "310,000.50", "-200,000.00", "110,000.50", "+10,000.50"]
    assert third.split()[-1] == "-20,000.50"


def test_narrow_table_has_the_date_and_the_net():
    lines = table(POINTS, width=30).splitlines()
    assert lines[0].split() == ["date", "net", "worth"]
    assert lines[1].split() == ["2024-01-01", "100,000.00"]
    assert max(map(len, lines)) <= 30


def test_incomplete_days_are_marked_and_explained():
    points = [POINTS[0], point(2, missing=GAP)]
    assert [line.endswith("*") for line in table(points, width=30).splitlines()] == [False, False, True]
    assert gaps(points) == "* incomplete: 1 of 2 days lack a rate of CHF."
    assert gaps(POINTS) == ""
