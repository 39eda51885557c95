"""Findings about values: each problem is reported, and nothing is reported for good data."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.rates.book import Rate, RateBook
from assets.valuation.series import ValueSeries, ten_thousandths
from reports.calculations.quality import Code, Examined, findings, value_series
from tests.factories import day

pytestmark = pytest.mark.on_sqlite

RATES = RateBook([Rate("USD", day(0), Decimal("1.25"))])


def asset(
    *points, name="Thing", id=1, type="STOCKS", currency="EUR", disposed=None, stale=30, owed=False, traded=()
) -> Examined:
    days, values = [day(on) for on, _ in points], [Decimal(value) for _, value in points]
    past = ValueSeries(currency, days, values, None if disposed is None else day(disposed))
    return Examined(id, name, type, past, stale, owed, [day(on) for on in traded])


def findings_of(*assets, on=5):
    return findings(assets, on=day(on), currency="EUR", rates=RATES)


def codes(*assets, on=5) -> list[tuple[str, date | None]]:
    return [(finding.code, finding.on) for finding in findings_of(*assets, on=on)]


def test_asset_in_order_has_no_findings():
    assert findings_of(asset((0, "100"), (4, "102"))) == []


# --- what there is on the day ---


def test_asset_without_a_value_is_named():
    (finding,) = findings_of(asset())
    assert (finding.code, finding.asset, finding.on) == (Code.NO_VALUE, 1, None)
    assert (finding.severity, finding.message) == ("warning", "It has no value yet.")


def test_value_dated_later_is_none_yet():
    assert codes(asset((6, "1"))) == [(Code.NO_VALUE, None)]


def test_value_is_stale_the_day_after_its_types_period():
    assert codes(asset((0, "1"), stale=5)) == []
    assert codes(asset((0, "1"), stale=4)) == [(Code.STALE_VALUE, day(0))]
    assert (
        findings_of(asset((0, "1"), stale=4))[0].message
        == "Its value is 5 days old; for its type 4 are usual."
    )


def test_missing_rate_is_named_unless_the_value_is_zero():
    assert codes(asset((0, "1"), currency="CHF")) == [(Code.MISSING_RATE, day(5))]
    assert codes(asset((0, "0"), currency="CHF")) == []
    assert codes(asset((0, "1"), currency="USD"), on=10) == []
    assert codes(asset((0, "1"), currency="USD"), on=11) == [(Code.MISSING_RATE, day(11))]


def test_liability_that_counts_as_owned_is_named():
    assert codes(asset((0, "5"), owed=True)) == [(Code.POSITIVE_LIABILITY, day(0))]
    assert codes(asset((0, "-5"), owed=True)) == codes(asset((0, "0"), owed=True)) == []
    assert codes(asset((0, "5"), owed=False)) == []


@pytest.mark.parametrize(
    ("points", "disposed", "meant"),
    [
        ([(0, "1"), (4, "2"), (5, "3")], 2, 5),
        ([(3, "1")], 2, 3),
        ([(2, "1")], 2, 2),  # nothing of it ever counts
        ([(0, "1"), (2, "2")], 2, None),  # of the day of its sale
        ([(0, "1"), (4, "0")], 2, None),
        ([(0, "1"), (4, "2"), (6, "3")], 2, 4),  # what is dated later is not looked at
        ([(0, "1"), (4, "2")], None, None),
        ([(0, "1"), (4, "2")], 6, None),
    ],
)
def test_value_that_counts_nothing_since_the_disposal_is_found(points, disposed, meant):
    expected = [] if meant is None else [(Code.VALUE_AFTER_DISPOSAL, day(meant))]
    assert codes(asset(*points, disposed=disposed)) == expected


def test_what_is_disposed_of_needs_no_value_nor_rate_nor_care():
    gone = {"disposed": 5, "stale": 0, "owed": True, "currency": "CHF"}
    assert codes(asset((0, "5"), **gone)) == codes(asset(**gone)) == []
    assert [code for code, _ in codes(asset((0, "5"), **gone), on=4)] == [
        Code.MISSING_RATE,
        Code.POSITIVE_LIABILITY,
        Code.STALE_VALUE,
    ]


# --- jumps ---


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("100", "1000", "ten times as much"),
        ("100", "1050", "ten times as much"),
        ("100", "950", "ten times as much"),
        ("1000", "10.2", "a hundredth of it"),
        ("12.34", "1234", "a hundred times as much"),
        ("-100", "-10", "a tenth of it"),
    ],
)
def test_value_off_by_a_digit_is_named(before, after, words):
    (finding,) = findings_of(asset((0, before), (1, after)))
    assert (finding.code, finding.on) == (Code.SUSPICIOUS_JUMP, day(1))
    assert finding.message == f"It goes from {before} to {after}: about {words}."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("100", "949"),
        ("100", "1051"),
        ("100", "500"),
        ("0", "100"),
        ("100", "0"),
        ("1", "1000"),
        ("100", "100"),
    ],
)
def test_other_changes_are_no_jumps(before, after):
    assert codes(asset((0, before), (1, after))) == []


def test_value_that_jumps_back_is_named_once():
    assert codes(asset((0, "100"), (1, "1000"), (2, "101"))) == [(Code.SUSPICIOUS_JUMP, day(1))]
    twice = asset((0, "100"), (1, "1000"), (2, "101"), (3, "1000"))
    assert [on for _, on in codes(twice)] == [day(1), day(3)]


def test_trade_explains_a_jump():
    assert codes(asset((0, "100"), (2, "1000"), traded=[2])) == []
    assert codes(asset((0, "100"), (2, "1000"), traded=[1])) == []
    assert codes(asset((0, "100"), (2, "1000"), traded=[0, 3])) == [(Code.SUSPICIOUS_JUMP, day(2))]


def test_changed_sign_is_a_note():
    (finding,) = findings_of(asset((0, "100"), (1, "0"), (2, "-40")))
    assert (finding.code, finding.on, finding.severity) == (Code.CHANGED_SIGN, day(2), "note")
    assert finding.message == "It changes its sign, from 100 to -40."


def test_jumps_of_what_is_gone_and_of_days_to_come():
    assert codes(asset((0, "100"), (1, "1000"), disposed=3)) == [(Code.SUSPICIOUS_JUMP, day(1))]
    assert codes(asset((0, "100"), (3, "1000"), disposed=3)) == []
    assert codes(asset((0, "100"), (6, "1000"))) == []


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_history_whose_most_is_exactly_nine_times_its_least_is_not_compared(monkeypatch, sign):
    monkeypatch.setattr(value_series, "_factor", lambda *values: pytest.fail("compared"))
    assert codes(asset(*[(on, f"{sign}{value}") for on, value in enumerate((100, 900, 500))])) == []


SOME = st.sampled_from([-1000, -900, -100, -10, 0, 10, 89, 90, 91, 100, 900, 950, 1000, 1050])


@given(st.lists(SOME, max_size=5))
def test_what_is_not_compared_has_nothing_to_find(values):
    examined = asset(*enumerate(values))
    compared = [*value_series._jumps(examined), *value_series._changed_signs(examined)]
    assert list(value_series.through_its_history(examined)) == compared


@given(st.lists(SOME, min_size=2, max_size=12), st.integers(1, 4))
def test_a_history_in_pieces_has_the_jumps_and_signs_of_its_pairs(values, piece):
    examined = asset(*enumerate(values))
    jumps, undone = [], None
    for on, pair in enumerate(pairwise(values), start=1):
        factor = value_series._factor(*pair)
        if factor and factor != undone:
            jumps.append(day(on))
            undone = 1 / factor
        else:
            undone = None
    signed = [(on, value) for on, value in enumerate(values) if value]
    signs = [day(on) for (_, before), (on, after) in pairwise(signed) if (before > 0) != (after > 0)]
    with patch.object(value_series, "PIECE", piece):
        seen = list(value_series.through_its_history(examined))
    assert [finding.on for finding in seen if finding.code == Code.SUSPICIOUS_JUMP] == jumps
    assert [finding.on for finding in seen if finding.code == Code.CHANGED_SIGN] == signs


def test_one_wrong_value_of_a_long_history_is_compared_with_its_neighbours_alone():
    compared = []
    wrong = asset(*((on, "1000" if on == 300 else "100") for on in range(1000)))
    with patch.object(value_series, "_factor", lambda *pair: compared.append(pair)):
        list(value_series.through_its_history(wrong))
    assert len(compared) <= 2 * value_series.PIECE


# --- duplicates ---


def test_same_name_type_currency_and_values_are_a_duplicate_of_the_first():
    first = asset((0, "10"), (2, "20"), name="Gold  coin", id="first")
    second = asset((1, "99"), (2, "20"), (3, "21"), name="gold COIN", id="second")
    (finding,) = findings_of(first, second)
    assert (finding.code, finding.asset, finding.other, finding.on) == (
        Code.POSSIBLE_DUPLICATE, "second", "first", day(2),
    )  # fmt: skip


@pytest.mark.parametrize("different", [{"name": "Other"}, {"type": "BONDS"}, {"currency": "USD"}])
def test_other_name_type_or_currency_is_no_duplicate(different):
    assert codes(asset((0, "10"), id=1), asset((0, "10"), id=2, **different)) == []


def test_values_that_differ_once_or_never_meet_are_no_duplicates():
    assert codes(asset((0, "10"), (1, "11"), id=1), asset((0, "10"), (1, "12"), id=2)) == []
    assert codes(asset((0, "10"), id=1), asset((1, "10"), id=2)) == []
    assert codes(asset((0, "0"), id=1), asset((0, "0"), id=2)) == []


def test_each_duplicate_is_named_once():
    three = [asset((0, "10"), id=number) for number in range(3)]
    assert [(f.asset, f.other) for f in findings_of(*three)] == [(1, 0), (2, 0)]


def test_the_other_of_a_duplicate_is_the_first_that_agrees_whatever_day_they_share():
    """The third shares its oldest day with the second, and a later one with both."""
    first = asset((2, "10"), (4, "12"), id=1)
    second = asset((0, "9"), (2, "10"), (4, "12"), id=2)
    third = asset((0, "9"), (2, "10"), (4, "12"), id=3)
    (_, whole) = findings_of(first, second, third)
    later = [
        replace(examined, history=asset((2, "10"), (4, "12")).history) for examined in (first, second, third)
    ]
    (_, later_on) = findings_of(*later)
    assert (whole.other, whole.key) == (later_on.other, later_on.key) == (1, later_on.key)


def test_warnings_come_first():
    severities = [f.severity for f in findings_of(asset((0, "100"), (1, "-40")), asset())]
    assert severities == ["warning", "note"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["0", "1", "10", "-10", "100.5", "1000", "12.5"]), max_size=8))
def test_ten_thousandths_give_what_decimals_give(values):
    plain = asset(*enumerate(values), stale=1, owed=True)
    past = plain.history
    stored = ValueSeries(past.currency, past.days, [ten_thousandths(value) for value in past.values])
    other = Examined(plain.asset, plain.name, plain.type, stored, 1, True)
    assert findings_of(other, on=9) == findings_of(plain, on=9)
