"""The days of a series' points."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.calculations.intervals import INTERVALS, days_between, months_before

pytestmark = pytest.mark.on_sqlite


def texts(start: str, end: str, interval: str) -> list[str]:
    return [
        day.isoformat() for day in days_between(date.fromisoformat(start), date.fromisoformat(end), interval)
    ]


def test_days_are_every_day_with_both_ends():
    assert texts("2024-02-27", "2024-03-01", "day") == [
        "2024-02-27",
        "2024-02-28",
        "2024-02-29",
        "2024-03-01",
    ]


def test_weeks_end_on_sunday():
    # 2024-07-01 is a Monday, 2024-07-07 a Sunday.
    assert texts("2024-07-01", "2024-07-16", "week") == ["2024-07-07", "2024-07-14", "2024-07-16"]
    assert texts("2024-07-07", "2024-07-14", "week") == ["2024-07-07", "2024-07-14"]


def test_months_end_where_the_calendar_says_in_leap_years_too():
    assert texts("2024-01-15", "2024-03-10", "month") == ["2024-01-31", "2024-02-29", "2024-03-10"]
    assert texts("2023-02-28", "2023-03-31", "month") == ["2023-02-28", "2023-03-31"]
    assert texts("1900-02-01", "1900-03-01", "month") == ["1900-02-28", "1900-03-01"]


def test_quarters_and_years_end_with_the_calendars():
    assert texts("2023-11-05", "2024-07-01", "quarter") == [
        "2023-12-31",
        "2024-03-31",
        "2024-06-30",
        "2024-07-01",
    ]
    assert texts("2022-06-01", "2024-02-29", "year") == ["2022-12-31", "2023-12-31", "2024-02-29"]


@pytest.mark.parametrize("interval", INTERVALS)
def test_one_day_is_one_point(interval):
    assert texts("2024-02-29", "2024-02-29", interval) == ["2024-02-29"]


def test_end_before_start_and_other_intervals_are_refused():
    with pytest.raises(ValueError, match="before start"):
        texts("2024-01-02", "2024-01-01", "day")
    with pytest.raises(ValueError, match="unknown interval"):
        texts("2024-01-01", "2024-01-02", "fortnight")


@pytest.mark.parametrize("interval", INTERVALS)
def test_last_days_of_the_calendar_are_reached(interval):
    assert days_between(date(9999, 12, 1), date.max, interval)[-1] == date.max


@given(st.dates(date(1800, 1, 1), date(2200, 1, 1)), st.integers(0, 900), st.sampled_from(INTERVALS))
def test_points_ascend_to_the_end_and_each_period_has_one(start, length, interval):
    end = start + timedelta(days=length)
    days = days_between(start, end, interval)
    assert days == sorted(set(days))
    assert days[-1] == end
    assert days[0] >= start
    periods = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
    gaps = [(later - earlier).days for earlier, later in zip([start, *days], days, strict=False)]
    assert max(gaps) <= periods[interval]
    for day in days[:-1]:
        tomorrow = day + timedelta(days=1)
        assert {
            "day": True,
            "week": tomorrow.weekday() == 0,
            "month": tomorrow.day == 1,
            "quarter": tomorrow.day == 1 and tomorrow.month in (1, 4, 7, 10),
            "year": (tomorrow.day, tomorrow.month) == (1, 1),
        }[interval]


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 11, 24), 60, date(2021, 11, 24)),
    ],
)
def test_months_before_end_with_the_month(day, months, before):
    assert months_before(day, months) == before
