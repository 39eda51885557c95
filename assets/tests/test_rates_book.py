"""RateBook: which rate counts, how long it is valid, its direction, and that conversions are exact."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.rates.book import MissingRate, Money, Rate, RateBook, winning_rates
from tests import factories

pytestmark = pytest.mark.on_sqlite

MONDAY = date(2024, 7, 1)
day = partial(factories.day, first=MONDAY)


def book(*rows, **options) -> RateBook:
    """Rows are (currency, day number, units per euro)."""
    return RateBook((Rate(code, day(on), Decimal(units)) for code, on, units in rows), **options)


# --- which rate counts ---


def test_manual_beats_ecb_beats_demo_whatever_the_order():
    sources = {"demo": "1.3", "manual": "1.1", "ecb": "1.2"}
    rates = [Rate("USD", MONDAY, Decimal(units), source) for source, units in sources.items()]
    for order in (rates, rates[::-1]):
        assert [rate.source for rate in winning_rates(order)] == ["manual"]
        assert [rate.source for rate in winning_rates([r for r in order if r.source != "manual"])] == ["ecb"]


def test_of_one_source_the_rate_recorded_last_stands():
    first, last = (Rate("USD", MONDAY, Decimal(units), "ecb", number) for number, units in enumerate("12"))
    assert winning_rates([last, first]) == winning_rates([first, last]) == [last]


def test_winners_are_one_for_each_currency_and_day():
    rates = [
        Rate("USD", day(0), Decimal(1)),
        Rate("USD", day(1), Decimal(1)),
        Rate("CHF", day(0), Decimal(1)),
    ]
    assert sorted((r.currency, r.on) for r in winning_rates(rates)) == sorted(
        (r.currency, r.on) for r in rates
    )


def test_book_takes_the_winner():
    rates = [Rate("USD", MONDAY, Decimal("1.6"), "manual"), Rate("USD", MONDAY, Decimal("1.25"), "ecb", 9)]
    assert RateBook(rates).rate("EUR", "USD", on=MONDAY) == Fraction("1.6")


@pytest.mark.parametrize("units", ["0", "-1"])
def test_rate_that_is_not_positive_is_refused(units):
    with pytest.raises(ValueError, match="greater than zero"):
        book(("USD", 0, units))


# --- how long it is valid ---


def test_rate_serves_its_day_and_the_ten_after():
    rates = book(("USD", 0, "1.25"))
    assert rates.rate("EUR", "USD", on=day(10)) == Fraction(5, 4)
    with pytest.raises(MissingRate) as gap:
        rates.rate("EUR", "USD", on=day(11))
    assert (gap.value.currency, gap.value.on) == ("USD", day(11))


def test_rate_never_serves_a_day_before_it():
    with pytest.raises(MissingRate):
        book(("USD", 0, "1.25")).rate("EUR", "USD", on=day(-1))


def test_age_is_a_choice():
    rates = book(("USD", 0, "1.25"), max_age_days=0)
    assert rates.rate("EUR", "USD", on=day(0)) == Fraction(5, 4)
    with pytest.raises(MissingRate):
        rates.rate("EUR", "USD", on=day(1))


def test_each_leg_stands_at_its_own_last_day():
    rates = book(("USD", 0, "1.25"), ("CHF", 3, "0.5"), ("USD", 5, "2"))
    assert rates.rate("USD", "CHF", on=day(4)) == Fraction("0.5") / Fraction("1.25")
    assert rates.rate("USD", "CHF", on=day(5)) == Fraction("0.25")


# --- lasting rates ---

LASTING = Rate("BGN", day(0), Decimal("1.95583"), lasting=True)


def test_a_lasting_rate_holds_until_a_newer_one():
    rates = RateBook([LASTING, Rate("BGN", day(400), Decimal(2))])
    for number in (0, 11, 399):
        assert rates.rate("EUR", "BGN", on=day(number)) == Fraction("1.95583")
    assert rates.rate("EUR", "BGN", on=day(410)) == 2
    with pytest.raises(MissingRate):
        rates.rate("EUR", "BGN", on=day(411))
    with pytest.raises(MissingRate):
        rates.rate("EUR", "BGN", on=day(-1))


def test_a_newer_rate_of_the_same_day_ends_it():
    corrected = Rate("BGN", day(0), Decimal(2), sequence=1)
    with pytest.raises(MissingRate):
        RateBook([LASTING, corrected]).rate("EUR", "BGN", on=day(11))


def test_a_demo_rate_ends_none_that_lasts():
    rates = RateBook(
        [LASTING, Rate("BGN", day(5), Decimal(3), "demo"), Rate("USD", day(5), Decimal(1), "demo")]
    )
    assert rates.rate("EUR", "BGN", on=day(5)) == rates.rate("EUR", "BGN", on=day(50)) == Fraction("1.95583")
    assert rates.rate("EUR", "USD", on=day(5)) == 1


# --- jumps ---


def jumps(*units: str, code="USD") -> list[tuple[int, str, str]]:
    rates = book(*((code, number, rate) for number, rate in enumerate(units)))
    return [((jump.on - MONDAY).days, str(jump.before), str(jump.units)) for jump in rates.jumps(code)]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (["1.08", "108", "1.09"], [(1, "1.08", "108")]),
        (["1.08", "0.108", "1.09"], [(1, "1.08", "0.108")]),
        (["1.08", "108", "109", "110"], [(1, "1.08", "108")]),
        (["1.08", "108"], [(1, "1.08", "108")]),
        (["1.08", "108", "1.08", "0.01", "1.08"], [(1, "1.08", "108"), (3, "1.08", "0.01")]),
        (["1.08", "5.3", "1.08"], []),
        (["1", "5"], [(1, "1", "5")]),
        (["1.08"], []),
        ([], []),
    ],
)
def test_a_rate_many_times_the_one_before_is_named_once(units, expected):
    assert jumps(*units) == expected


# --- direction ---


def test_rate_is_what_one_unit_of_the_source_is_worth_in_the_target():
    rates = book(("USD", 0, "1.25"), ("JPY", 0, "160"))
    assert rates.rate("USD", "EUR", on=day(0)) == Fraction("0.8")
    assert rates.rate("EUR", "USD", on=day(0)) == Fraction("1.25")
    assert rates.rate("USD", "JPY", on=day(0)) == 128


def test_currency_in_itself_is_one_without_any_rate():
    assert book().rate("XAU", "XAU", on=day(0)) == 1
    assert book().rate("EUR", "EUR", on=day(0)) == 1
    assert book().rate("EUR", "EUR", on=day(0)) == 1


def test_missing_rate_names_the_leg_that_is_missing():
    rates = book(("USD", 0, "1.25"))
    for pair in (("USD", "CHF"), ("CHF", "USD")):
        with pytest.raises(MissingRate) as gap:
            rates.rate(*pair, on=day(0))
        assert gap.value.currency == "CHF"


# --- exactness ---


def test_amount_converts_as_if_divided_by_hand():
    converted = book(("USD", 0, "1.2")).convert(Money(Decimal("0.09"), "USD"), "EUR", on=day(0))
    assert converted == Money(Fraction("0.075"), "EUR")  # a rate of 0.8333 would make it 0.07499...


units = st.decimals(min_value="0.0001", max_value="99999", places=5)


@given(units, units, st.decimals(min_value=-(10**11), max_value=10**11, places=4))
def test_there_and_back_is_exact(usd, chf, amount):
    rates = book(("USD", 0, usd), ("CHF", 0, chf))
    converted = rates.convert(Money(amount, "USD"), "CHF", on=day(2))
    assert rates.convert(converted, "USD", on=day(2)) == Money(Fraction(amount), "USD")


@given(st.lists(units, min_size=6, max_size=6), st.sampled_from(["EUR", "USD", "CHF"]))
def test_grid_equals_the_rates_one_by_one(several, target):
    rows = [("USD", 0, several[0]), ("USD", 2, several[1]), ("USD", 40, several[2])]
    rates = book(*rows, ("CHF", 1, several[3]), ("CHF", 9, several[4]), ("CHF", 45, several[5]))
    days = [day(number) for number in range(-1, 60)]
    for day_rates in rates.grid(target, ["USD", "EUR", "CHF", "USD"], days):
        for source in ("EUR", "USD", "CHF"):
            try:
                expected = rates.rate(source, target, on=day_rates.on)
            except MissingRate:
                assert source not in day_rates.numerators
                assert day_rates.lacking & {source, target} == set(
                    rates.lacking(source, target, on=day_rates.on)
                )
            else:
                assert Fraction(day_rates.numerators[source], day_rates.denominator) == expected


def test_grid_has_a_line_for_every_day():
    days = [day(0), day(7), day(400)]
    assert [line.on for line in book(("USD", 0, "1.25")).grid("EUR", ["USD"], days)] == days
    assert [dict(line.numerators) for line in book().grid("EUR", ["USD"], days)] == [{"EUR": 1}] * 3
