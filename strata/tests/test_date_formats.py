"""Days are read in the user's format and in ISO 8601, and in no other."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.fields.date_formats import DateFormat, RefusedDay, day_and_month_text, day_text, read_day

# No test here asks the database.
pytestmark = pytest.mark.on_sqlite

NAMED, POINTS, SLASHES, AMERICAN, ISO = DateFormat
GERMAN = ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
DAYS = st.dates(date(1800, 1, 1), date(2200, 12, 31))
THIRD_OF_APRIL, FOURTH_OF_MARCH = date(2026, 4, 3), date(2026, 3, 4)


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("3 Apr 2026", NAMED, THIRD_OF_APRIL),
        ("03 april 2026", NAMED, THIRD_OF_APRIL),
        ("4. Mär 2026", NAMED, FOURTH_OF_MARCH),
        ("03.04.2026", POINTS, THIRD_OF_APRIL),
        ("3.4.2026", POINTS, THIRD_OF_APRIL),
        ("03/04/2026", SLASHES, THIRD_OF_APRIL),
        ("03/04/2026", AMERICAN, FOURTH_OF_MARCH),
        (" 2026-04-03 ", ISO, THIRD_OF_APRIL),
    ],
)
def test_a_day_is_read_in_the_users_format(text, date_format, day):
    assert read_day(text, date_format, GERMAN) == day


def test_day_without_its_year_is_in_the_same_format():
    texts = [day_and_month_text(FOURTH_OF_MARCH, date_format, GERMAN) for date_format in DateFormat]
    assert texts == ["4 Mär", "04.03.", "04/03", "03/04", "03-04"]


@pytest.mark.parametrize(
    ("text", "date_format"),
    [
        ("03/04/2026", NAMED),
        ("03/04/2026", POINTS),
        ("03/04/2026", ISO),
        ("03.04.2026", SLASHES),
        ("3 Apr 2026", POINTS),
        ("3 Foo 2026", NAMED),
        ("3 ² 2026", NAMED),
        ("3.4.26", POINTS),
        ("2026-4-3", ISO),
        ("20260403", ISO),
        ("٢٠٢٦-٠١-٠١", ISO),
        ("", ISO),
    ],
)
def test_a_day_in_another_format_is_refused(text, date_format):
    with pytest.raises(RefusedDay) as refusal:
        read_day(text, date_format)
    assert not refusal.value.is_no_day


def test_a_day_that_no_calendar_has_is_refused_as_that():
    with pytest.raises(RefusedDay) as refusal:
        read_day("30.02.2026", POINTS)
    assert refusal.value.is_no_day


@given(DAYS, st.sampled_from(DateFormat), st.sampled_from(DateFormat))
def test_what_is_written_is_read_again_and_iso_always(day, date_format, other):
    assert read_day(day_text(day, date_format, GERMAN), date_format, GERMAN) == day
    assert read_day(day_text(day, ISO), other) == day


@given(st.text() | st.text("0123456789./- MayJun²", max_size=14), st.sampled_from(DateFormat))
def test_no_text_raises_anything_but_the_refusal(text, date_format):
    with suppress(RefusedDay):
        assert type(read_day(text, date_format)) is date
