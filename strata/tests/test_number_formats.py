"""Numbers are read exactly as they are written, asked about where two readings are possible, and refused otherwise."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strata.fields.number_formats import (
    LONGEST,
    NO_BREAK_SPACE,
    NumberFormat,
    Problem,
    Question,
    RefusedNumber,
    number_text,
    percentage_text,
    read_number,
    rounded_text,
    signed_text,
)

# No test here asks the database.
pytestmark = pytest.mark.on_sqlite

ENGLISH, GERMAN, SWISS, FRENCH = NumberFormat
FORMATS = st.sampled_from(NumberFormat)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("1\u2019234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1\u00a0234\u202f567.8", "1234567.8"),
        ("1.234.567", "1234567"),
        ("1,23", "1.23"),
        ("0.5", "0.5"),
        (",5", "0.5"),
        ("+12", "12"),
        ("-12", "-12"),
        ("\u2212 12", "-12"),
        ("(12.50)", "-12.50"),
        ("12 EUR", "12"),
        ("eur12", "12"),
        ("€ -12", "-12"),
        ("-€12", "-12"),
        ("(12 €)", "-12"),
        ("€ (12)", "-12"),
        ("  7\t", "7"),
        ("-0", "0"),
        ("007", "7"),
    ],
)
@pytest.mark.parametrize("number_format", NumberFormat)
def test_what_has_one_reading_is_read_in_every_format(text, number, number_format):
    assert str(read_number(text, number_format, 2, "EUR")) == number


@pytest.mark.parametrize(
    ("text", "number_format", "readings"),
    [
        ("1,234", ENGLISH, "1234"),
        ("1.234", GERMAN, "1234"),
        ("1'234", SWISS, "1234"),
        ("1 234", FRENCH, "1234"),
        ("1.234", ENGLISH, ["1234"]),
        ("1.234", SWISS, ["1234"]),
        ("1.234", FRENCH, ["1234"]),
        ("1,234", GERMAN, ["1234"]),
        ("-€12,500", FRENCH, ["-12500"]),
    ],
)
def test_one_mark_and_three_digits_are_certain_only_in_the_users_own_grouping(text, number_format, readings):
    result = read_number(text, number_format, 2, "EUR")
    if isinstance(readings, str):
        assert result == D(readings)
    else:
        assert result == Question(text, tuple(map(D, readings)))


@pytest.mark.parametrize("number_format", [ENGLISH, SWISS, FRENCH])
def test_the_question_has_both_readings_where_the_currency_has_three_decimals(number_format):
    assert read_number("1.234", number_format, 3, "KWD") == Question("1.234", (D(1234), D("1.234")))


def test_a_quantity_is_certain_in_the_users_own_decimal_mark():
    assert read_number("1.234", ENGLISH, 18) == D("1.234")
    assert read_number("1,234", GERMAN, 18) == D("1.234")
    assert read_number("1.234", FRENCH, 18) == Question("1.234", (D(1234), D("1.234")))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem.EMPTY),
        (" \u00a0", Problem.EMPTY),
        ("1" * (LONGEST + 1), Problem.TOO_LONG),
        ("1,23,456", Problem.WRONG_GROUPS),
        ("1.234.56", Problem.WRONG_GROUPS),
        ("1,234 567", Problem.WRONG_GROUPS),
        ("1.234.567,890,1", Problem.WRONG_GROUPS),
        ("0,123,456", Problem.WRONG_GROUPS),
        ("1  234", Problem.WRONG_GROUPS),
        ("5.", Problem.WRONG_GROUPS),
        ("12 USD", Problem.OTHER_CURRENCY),
        ("$12", Problem.OTHER_CURRENCY),
        ("12 apples", Problem.NOT_A_NUMBER),
        ("1e3", Problem.NOT_A_NUMBER),
        ("NaN", Problem.NOT_A_NUMBER),
        ("--5", Problem.NOT_A_NUMBER),
        ("5-", Problem.NOT_A_NUMBER),
        ("-(5)", Problem.NOT_A_NUMBER),
        ("(5", Problem.NOT_A_NUMBER),
        ("EUR 5 EUR", Problem.OTHER_CURRENCY),
        ("٣", Problem.NOT_A_NUMBER),
        ("1.2345", Problem.TOO_MANY_DECIMALS),
        ("0.123", Problem.TOO_MANY_DECIMALS),
        ("1,234.567", Problem.TOO_MANY_DECIMALS),
        ("1234.500", Problem.TOO_MANY_DECIMALS),
    ],
)
def test_anything_else_is_refused_with_the_reason(text, problem):
    with pytest.raises(RefusedNumber) as refusal:
        read_number(text, ENGLISH, 2, "EUR")
    assert refusal.value.problem == problem


@pytest.mark.parametrize(
    ("text", "currency", "places"),
    [("12 zł", "PLN", 2), ("kr 12", "SEK", 2), ("12 kr.", "DKK", 2), ("¥12", "JPY", 0)],
)
def test_a_currency_has_its_symbols(text, currency, places):
    assert read_number(text, ENGLISH, places, currency) == 12


ANYTHING = st.text() | st.text("0123456789.,' \u00a0\u202f\u2019+-\u2212()€$EURkd²٣", max_size=20)


@given(ANYTHING, FORMATS, st.integers(0, 18), st.sampled_from(["", "EUR", "JPY", "KWD", "XAU"]))
@example("-" + "9" * 60, ENGLISH, 2, "EUR")
def test_no_text_raises_anything_but_the_refusal(text, number_format, places, currency):
    try:
        result = read_number(text, number_format, places, currency)
    except RefusedNumber:
        return
    readings = result.readings if isinstance(result, Question) else (result,)
    assert readings
    for number in readings:
        assert type(number) is D
        assert -number.as_tuple().exponent <= places


@given(
    st.decimals(min_value=-(10**20), max_value=10**20, allow_nan=False, places=18)
    | st.decimals(min_value=-(10**14), max_value=10**14, allow_nan=False, places=2),
    FORMATS,
    st.integers(0, 4),
)
def test_what_is_written_is_read_again_exactly(number, number_format, places):
    assert read_number(number_text(number, number_format, places), number_format, 18) == number


@given(st.decimals(min_value=-(10**14), max_value=10**14, allow_nan=False, places=3), FORMATS)
def test_an_amount_is_read_again_exactly_or_asked_about(number, number_format):
    amount = read_number(number_text(number, number_format, 3), number_format, 3, "KWD")
    assert number in (amount.readings if isinstance(amount, Question) else (amount,))


# --- writing ---


@pytest.mark.parametrize(
    ("number_format", "text"),
    [
        (ENGLISH, "-1,234,567.50"),
        (GERMAN, "-1.234.567,50"),
        (SWISS, "-1'234'567.50"),
        (FRENCH, "-1 234 567,50".replace(" ", NO_BREAK_SPACE)),
    ],
)
def test_numbers_are_written_in_the_users_format(number_format, text):
    assert number_text(D("-1234567.5"), number_format, 2) == text


def test_written_numbers_keep_every_decimal_and_rounded_ones_round_half_away_from_zero():
    assert number_text(D("1.23450"), ENGLISH, 2) == "1.2345"
    assert number_text(D("-0"), ENGLISH) == "0"
    assert rounded_text(D("2.5"), ENGLISH) == "3"
    assert rounded_text(D("-2.5"), ENGLISH, signed=True) == "-3"
    assert rounded_text(D("32231.97"), GERMAN, signed=True) == "+32.232"
    assert rounded_text(D("-0.4"), ENGLISH, signed=True) == "0"
    assert signed_text(D("5"), ENGLISH, 2) == "+5.00"


def test_a_percentage_has_one_decimal_a_sign_and_a_no_break_space():
    assert percentage_text(D("0.1655"), ENGLISH) == "+16.6\u00a0%"
    assert percentage_text(D("-0.009"), GERMAN) == "-0,9\u00a0%"
    assert percentage_text(D("0.25"), GERMAN, signed=False) == "25,0\u00a0%"
