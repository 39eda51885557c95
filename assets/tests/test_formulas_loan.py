"""The schedule of a loan: cases whose figures are known from elsewhere, each rule, and what holds for all loans."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.valuation.formulas import loan as formula
from assets.valuation.formulas import loan_terms
from assets.valuation.formulas.day_counts import DAY_COUNTS
from assets.valuation.formulas.loan import Anchor, Row, schedule
from assets.valuation.formulas.loan_terms import ExtraPayment, Holiday, LoanTerms, Rate, dues

pytestmark = pytest.mark.on_sqlite

START = date(2020, 1, 1)
EURO = 10_000


def loan(principal="100000", rate="0.04", first="2020-02-01", **terms) -> LoanTerms:
    rates = terms.pop("rates", None) or (Rate(START, Decimal(rate)),)
    if "payment" in terms:
        terms["payment"] = Decimal(terms["payment"])
    else:
        terms.setdefault("term", 360)
    return LoanTerms(Decimal(principal), START, date.fromisoformat(first), rates, **terms)


def annuity(balance: int, rate: Fraction, payments: int) -> Fraction:
    return Fraction(*formula.annuity(balance, rate, payments))


def euros(amount: int) -> str:
    return str(Decimal(amount).scaleb(-4).quantize(Decimal("0.01")))


def shown(row: Row) -> list[str]:
    return [str(row.on), *map(euros, row[1:])]


# --- figures known from elsewhere ---


def test_german_annuity_with_interest_rounded_each_year_mathelounge_847349():
    terms = loan("500000", frequency="yearly", first="2021-01-01", payment="30000")
    plan = schedule(terms)
    after = [plan.rows[number].balance for number in (9, 27)]
    assert [abs(after[0] - 3_799_389_300) <= 200, after[1]] == [
        True,
        3_241_500,
    ]  # the source's tolerance is .02
    assert abs(plan.total_interest - 3_403_371_400) <= 200
    assert euros(plan.total_interest) == "340337.12"


def test_principal_of_the_first_payment_is_what_a_savings_plan_needs_excel_pmt():
    first = schedule(loan("50000", "0.06", term=216, places=None)).rows[0]
    assert first.principal == 1_290_812  # 129.0811608680
    exact = annuity(50_000, Fraction(5, 1000), 216) - 250
    assert abs(exact - Fraction("129.0811608680")) < Fraction(1, 10**10)


def test_interest_and_principal_of_months_13_to_24_excel_cumipmt_cumprinc():
    rows = schedule(loan(rate="0.10", places=None)).rows
    year = rows[12:24]
    assert abs(sum(row.interest for row in year) - 99_167_725) <= 12  # each of 12 is rounded to be shown
    assert abs(sum(row.principal for row in year) - 6_140_863) <= 12
    assert (len(rows), rows[-1].balance) == (360, 0)


@pytest.mark.parametrize("day_count, interest", [("30/360", "183.888889"), ("act/365", "183.835616")])
def test_accrued_interest_of_22_months_and_2_days_excel_accrint(day_count, interest):
    parts, position = DAY_COUNTS[day_count]
    days = position(date(2013, 12, 4)) - position(date(2012, 2, 2))
    assert abs(Fraction(100 * days, parts) - Fraction(interest)) < Fraction(1, 10**6)
    terms = LoanTerms(
        Decimal(1000),
        date(2012, 2, 2),
        date(2013, 12, 4),
        (Rate(date(2012, 2, 2), Decimal("0.1")),),
        loan_type="bullet",
        term=1,
        day_count=day_count,
    )
    (row,) = schedule(terms).rows
    assert (euros(row.interest), row.balance) == (f"{Decimal(interest):.2f}", 0)


# --- types of loans ---


def test_payments_of_an_annuity_are_equal_but_the_last_one():
    rows = schedule(loan("1000", "0.12", term=3)).rows
    assert [shown(row) for row in rows] == [
        ["2020-02-01", "340.02", "10.00", "330.02", "0.00", "669.98"],
        ["2020-03-01", "340.02", "6.70", "333.32", "0.00", "336.66"],
        ["2020-04-01", "340.03", "3.37", "336.66", "0.00", "0.00"],
    ]


def test_principal_of_each_payment_is_fixed():
    rows = schedule(loan("1000", "0.12", term=3, loan_type="fixed_principal")).rows
    assert [shown(row)[1:] for row in rows] == [
        ["343.33", "10.00", "333.33", "0.00", "666.67"],
        ["340.00", "6.67", "333.33", "0.00", "333.34"],
        ["336.67", "3.33", "333.34", "0.00", "0.00"],
    ]


def test_payment_of_a_loan_with_fixed_principal_is_its_principal():
    rows = schedule(loan("1000", "0.12", payment="400", loan_type="fixed_principal")).rows
    assert [euros(row.principal) for row in rows] == ["400.00", "400.00", "200.00"]


def test_interest_only_pays_the_principal_at_the_end():
    rows = schedule(loan("1000", "0.12", term=3, loan_type="interest_only")).rows
    assert [euros(row.payment) for row in rows] == ["10.00", "10.00", "1010.00"]


def test_bullet_adds_interest_until_the_end():
    rows = schedule(loan("1000", "0.12", term=3, loan_type="bullet")).rows
    assert [shown(row)[1:] for row in rows] == [
        ["0.00", "10.00", "-10.00", "0.00", "1010.00"],
        ["0.00", "10.10", "-10.10", "0.00", "1020.10"],
        ["1030.30", "10.20", "1020.10", "0.00", "0.00"],
    ]


def test_loan_without_interest_is_divided_evenly():
    rows = schedule(loan("100", "0", term=3)).rows
    assert [euros(row.payment) for row in rows] == ["33.33", "33.33", "33.34"]


def test_yen_have_no_places():
    plan = schedule(loan("1000000", "0.0123", term=12, places=0))
    assert {amount % EURO for row in plan.rows for amount in row[1:]} == {0}


# --- days ---


def test_payments_keep_the_day_of_the_month_cut_to_its_end():
    days = [due.on for due, _ in zip(dues(loan(first="2020-01-31")), range(4), strict=False)]
    assert days == [date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30)]


@pytest.mark.parametrize(
    "frequency, second",
    [
        ("weekly", "2020-02-08"),
        ("monthly", "2020-03-01"),
        ("quarterly", "2020-05-01"),
        ("half_yearly", "2020-08-01"),
        ("yearly", "2021-02-01"),
    ],
)
def test_payments_are_a_period_apart(frequency, second):
    assert schedule(loan(frequency=frequency, term=2)).rows[1].on == date.fromisoformat(second)


def test_every_month_of_30_360_is_a_twelfth_even_a_short_one():
    rows = schedule(loan("120000", "0.10", first="2020-01-31", term=9, loan_type="interest_only")).rows
    assert [euros(row.interest) for row in rows[1:]] == ["1000.00"] * 8


@pytest.mark.parametrize(
    "day_count, january, february",
    [
        ("30/360", "1000.00", "1000.00"),
        ("act/365", "1019.18", "953.42"),  # 31 and 29 days
        ("act/360", "1033.33", "966.67"),
        ("act/act", "1016.39", "950.82"),  # of 366
    ],
)
def test_interest_of_a_month_follows_the_day_count(day_count, january, february):
    rows = schedule(loan("120000", "0.10", term=9, loan_type="interest_only", day_count=day_count)).rows
    assert [euros(row.interest) for row in rows[:2]] == [january, february]


def test_days_of_two_years_are_parts_of_each_of_them():
    parts, position = DAY_COUNTS["act/act"]
    days = position(date(2021, 1, 11)) - position(date(2020, 12, 22))
    assert Fraction(days, parts) == Fraction(10, 366) + Fraction(10, 365)


# --- rates ---


def test_payment_is_computed_again_over_the_payments_left_when_the_rate_changes():
    rates = (Rate(START, Decimal("0.04")), Rate(date(2022, 1, 1), Decimal("0.05")))
    rows = schedule(loan(rates=rates)).rows
    after = euros(round(annuity(rows[23].balance, Fraction(5, 1200), 336)))
    assert [euros(row.payment) for row in rows[22:26]] == ["477.42", "477.42", after, after]
    assert (len(rows), rows[-1].balance) == (360, 0)


def test_given_payment_stays_when_the_rate_changes_and_the_end_moves():
    rates = (Rate(START, Decimal("0.04")), Rate(date(2022, 1, 1), Decimal("0.05")))
    rows = schedule(loan(rates=rates, payment="477.42")).rows
    assert {row.payment for row in rows[:-1]} == {4_774_200}
    assert len(rows) > 360


def test_interest_of_a_divided_period_is_the_sum_of_its_parts():
    rates = (Rate(START, Decimal("0.12")), Rate(date(2020, 1, 11), Decimal("0.24")))
    row = schedule(loan("1000", rates=rates, loan_type="interest_only")).rows[0]
    assert euros(row.interest) == "16.67"  # 10 days at 12 %, 20 at 24 %: 3.333... and 13.333...


# --- extra payments ---


def with_extra(effect: str, on="2023-01-01", amount="10000", **terms):
    extra = ExtraPayment(date.fromisoformat(on), Decimal(amount), effect)
    return schedule(loan(extra_payments=(extra,), **terms))


def test_extra_payment_comes_after_the_payment_of_its_day():
    row = with_extra("shorten").rows[35]
    plain = schedule(loan()).rows[35]
    assert (row.on, row.payment, row.interest) == (date(2023, 1, 1), plain.payment, plain.interest)
    assert (row.extra, row.balance) == (10_000 * EURO, plain.balance - 10_000 * EURO)


def test_extra_payment_between_payments_has_a_row_and_divides_the_period():
    rows = with_extra("shorten", on="2020-01-16", amount="50000").rows
    assert shown(rows[0]) == ["2020-01-16", "0.00", "0.00", "0.00", "50000.00", "50000.00"]
    assert euros(rows[1].interest) == "250.00"  # 15 days of 100,000 and 15 of 50,000


def test_extra_payment_that_shortens_keeps_the_payment():
    rows = with_extra("shorten").rows
    assert {row.payment for row in rows[:-1]} == {4_774_200}
    assert len(rows) < 360


def test_extra_payment_that_lowers_keeps_the_term():
    rows = with_extra("lower").rows
    lower = round(annuity(rows[35].balance, Fraction(4, 1200), 324) / 100) * 100
    assert [row.payment for row in rows[35:38]] == [4_774_200, lower, lower]
    assert (len(rows), rows[-1].balance) == (360, 0)


def test_extra_payment_that_shortens_keeps_a_given_principal():
    plan = with_extra("shorten", on="2020-02-01", amount="50000", loan_type="fixed_principal", term=10)
    assert [euros(row.principal) for row in plan.rows] == ["10000.00"] * 5


def test_later_rate_is_spread_over_the_shorter_term():
    rates = (Rate(START, Decimal("0.04")), Rate(date(2024, 1, 1), Decimal("0.05")))
    rows = with_extra("shorten", rates=rates).rows
    same_rate = with_extra("shorten").rows
    assert len(rows) == len(same_rate) < 360
    left = len(rows) - 48
    assert rows[48].payment == round(annuity(rows[47].balance, Fraction(5, 1200), left) / 100) * 100


def test_interest_up_to_the_extra_payment_that_pays_off_is_due_with_the_next_payment():
    """14 days of 75,124.65 at 4 %: an extra payment pays back principal alone."""
    plan = with_extra("shorten", on="2020-02-15", amount="1000000", term=4)
    assert [shown(row) for row in plan.rows[1:]] == [
        ["2020-02-15", "0.00", "0.00", "0.00", "75124.65", "0.00"],
        ["2020-03-01", "116.86", "116.86", "0.00", "0.00", "0.00"],
    ]
    assert (plan.payoff_on, euros(plan.total_interest)) == (date(2020, 3, 1), "450.19")
    assert schedule(loan(term=4), [Anchor(date(2020, 2, 15), 0)]).payoff_on == date(2020, 2, 15)


@pytest.mark.parametrize(
    ("loan_type", "last"),
    [
        ("fixed_principal", ["2020-03-01", "116.67", "116.67", "0.00", "0.00", "0.00"]),
        ("interest_only", ["2020-03-01", "155.56", "155.56", "0.00", "0.00", "0.00"]),
        ("bullet", ["2020-05-01", "157.11", "0.52", "156.59", "0.00", "0.00"]),
    ],
)
def test_interest_is_due_after_an_extra_payment_that_pays_off_loans_of_other_types(loan_type, last):
    plan = with_extra("lower", on="2020-02-15", amount="1000000", term=4, loan_type=loan_type)
    assert (shown(plan.rows[-1]), plan.payoff_on) == (last, date.fromisoformat(last[0]))


def test_no_more_is_paid_than_is_owed():
    plan = with_extra("lower", amount="1000000")
    assert (plan.rows[-1].balance, plan.payoff_on) == (0, date(2023, 1, 1))
    assert plan.rows[-1].extra == schedule(loan()).rows[35].balance


# --- holidays ---


def test_in_a_holiday_interest_is_added_and_the_end_moves():
    holiday = Holiday(date(2020, 3, 1), date(2020, 4, 30))
    rows = schedule(loan("1000", "0.12", term=3, holidays=(holiday,))).rows
    assert [shown(row) for row in rows] == [
        ["2020-02-01", "340.02", "10.00", "330.02", "0.00", "669.98"],
        ["2020-03-01", "0.00", "6.70", "-6.70", "0.00", "676.68"],
        ["2020-04-01", "0.00", "6.77", "-6.77", "0.00", "683.45"],
        ["2020-05-01", "340.02", "6.83", "333.19", "0.00", "350.26"],
        ["2020-06-01", "340.02", "3.50", "336.52", "0.00", "13.74"],
        ["2020-07-01", "13.88", "0.14", "13.74", "0.00", "0.00"],
    ]


def test_interest_only_has_as_many_payments_besides_the_holiday():
    holiday = Holiday(date(2020, 2, 1), date(2020, 2, 1))
    rows = schedule(loan("1000", "0.12", term=2, loan_type="interest_only", holidays=(holiday,))).rows
    assert [euros(row.payment) for row in rows] == ["0.00", "10.10", "1020.10"]


def test_equal_repayment_after_a_holiday_is_spread_over_the_payments_still_needed():
    holiday, dearer = Holiday(date(2020, 2, 1), date(2020, 3, 31)), Rate(date(2020, 4, 15), Decimal("0.24"))
    terms = loan("1000", "0.12", term=4, loan_type="fixed_principal", holidays=(holiday,))
    rows = schedule(terms._replace(rates=(*terms.rates, dearer))).rows
    assert [
        euros(row.principal) for row in rows
    ] == [  # 770.10 are left after the first: 4 more of 250 or less
        "-10.00",
        "-10.10",
        "250.00",
        "192.52",
        "192.52",
        "192.52",
        "192.54",
    ]


def test_looking_ahead_finds_each_day_of_payment_once(monkeypatch):
    numbers = []
    original = loan_terms._due
    monkeypatch.setattr(
        loan_terms, "_due", lambda terms, number: numbers.append(number) or original(terms, number)
    )
    weeks = [START + timedelta(weeks=number) for number in range(1, 200)]
    terms = loan(
        rates=(Rate(START, Decimal("0.04")), *(Rate(on, Decimal("0.03")) for on in weeks)),
        extra_payments=tuple(ExtraPayment(on, Decimal(1)) for on in weeks),
        holidays=tuple(Holiday(on, on) for on in weeks),
    )

    schedule(terms)

    assert numbers == sorted(set(numbers))


# --- recorded balances ---


def test_recorded_balance_continues_with_the_payment_computed_again():
    plan = schedule(loan(), [Anchor(date(2020, 6, 15), 90_000 * EURO)])
    assert plan.balances[date(2020, 6, 15)] == 90_000 * EURO
    expected = round(annuity(90_000 * EURO, Fraction(4, 1200), 355) / 100) * 100
    assert [row.payment for row in plan.rows[4:6]] == [4_774_200, expected]
    assert (len(plan.rows), plan.rows[-1].balance) == (360, 0)


def test_recorded_balance_keeps_a_given_payment():
    plan = schedule(loan(payment="477.42"), [Anchor(date(2020, 6, 15), 90_000 * EURO)])
    assert {row.payment for row in plan.rows[:-1]} == {4_774_200}


def test_recorded_balance_comes_after_the_payment_of_its_day():
    plan = schedule(loan(), [Anchor(date(2020, 2, 1), 90_000 * EURO)])
    assert (euros(plan.rows[0].interest), plan.rows[0].balance) == ("333.33", 90_000 * EURO)
    assert euros(plan.rows[1].interest) == "300.00"


def test_balance_recorded_after_the_end_is_due_with_the_next_payment():
    plan = schedule(loan("1000", "0.12", term=3), [Anchor(date(2020, 9, 15), 50 * EURO)])
    assert shown(plan.rows[-1]) == ["2020-10-01", "50.27", "0.27", "50.00", "0.00", "0.00"]
    assert plan.payoff_on == date(2020, 10, 1)


def test_recorded_balance_of_nothing_ends_the_loan():
    plan = schedule(loan(), [Anchor(date(2020, 3, 10), 0)])
    assert (len(plan.rows), plan.payoff_on) == (2, date(2020, 3, 10))


def test_payment_that_never_covers_the_interest_never_pays_off():
    assert schedule(loan(payment="300")).payoff_on is None


# --- what holds for all loans ---

cents = st.integers(1, 10**8).map(lambda cents: Decimal(cents).scaleb(-2))
rates = st.integers(0, 2000).map(lambda points: Decimal(points).scaleb(-4))
days = st.dates(date(2020, 1, 2), date(2032, 1, 1))


@st.composite
def loans(draw) -> LoanTerms:
    changes = draw(st.lists(st.tuples(days, rates), max_size=3, unique_by=lambda rate: rate[0]))
    extras = draw(
        st.lists(
            st.tuples(days, cents, st.sampled_from(["shorten", "lower"])),
            max_size=3,
            unique_by=lambda extra: extra[0],
        )
    )
    holidays = draw(st.lists(st.tuples(days, st.integers(0, 300)), max_size=2))
    return LoanTerms(
        principal=draw(cents),
        started_on=START,
        first_payment_on=draw(st.dates(date(2020, 1, 2), date(2021, 1, 1))),
        rates=(Rate(START, draw(rates)), *sorted(Rate(*change) for change in changes)),
        frequency=draw(st.sampled_from(["weekly", "monthly", "quarterly", "half_yearly", "yearly"])),
        loan_type=draw(st.sampled_from(["annuity", "fixed_principal", "interest_only", "bullet"])),
        term=draw(st.integers(1, 40)),
        day_count=draw(st.sampled_from([*DAY_COUNTS])),
        places=draw(st.sampled_from([0, 2, None])),
        extra_payments=tuple(sorted(ExtraPayment(*extra) for extra in extras)),
        holidays=tuple(
            Holiday(start, date.fromordinal(start.toordinal() + length)) for start, length in sorted(holidays)
        ),
    )


@given(loans())
@settings(max_examples=60, deadline=None)
def test_every_loan_with_a_term_is_paid_off_and_its_rows_add_up(terms):
    plan = schedule(terms)
    principal = int(terms.principal * EURO)
    assert (plan.rows[-1].balance, plan.payoff_on) == (0, plan.rows[-1].on)
    assert sum(row.principal + row.extra for row in plan.rows) == principal
    capitalised = sum(max(-row.principal, 0) for row in plan.rows)
    assert sum(max(row.principal, 0) + row.extra for row in plan.rows) == principal + capitalised
    balance = principal
    for row in plan.rows:
        assert row.payment == row.interest + row.principal
        balance -= row.principal + row.extra
        assert row.balance == balance >= 0
        assert min(row.payment, row.interest, row.extra) >= 0
    assert [row.on for row in plan.rows] == sorted({row.on for row in plan.rows})


@given(loans())
@settings(max_examples=50, deadline=None)
def test_recording_what_a_given_payment_leaves_changes_nothing(terms):
    payment = Decimal(max(terms.principal / 20, Decimal(1)) + terms.principal)
    terms = terms._replace(term=None, payment=payment, loan_type="annuity", places=2)
    plain = schedule(terms)
    anchors = [Anchor(row.on, row.balance) for row in plain.rows[::2]]
    assert schedule(terms, anchors).rows == plain.rows
