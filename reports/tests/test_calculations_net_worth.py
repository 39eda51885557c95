"""Net worth on a series of days: each day's own rates, groups, and amounts without a rate."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.rates.book import Rate, RateBook
from assets.valuation.series import Missing, ValueSeries, convert_total, fold
from reports.calculations.net_worth import net_worth
from reports.calculations.rounding import rounded
from tests.factories import day

pytestmark = pytest.mark.on_sqlite


def past(currency: str, *points: tuple[int, str], disposed: int | None = None) -> ValueSeries:
    days, values = [day(on) for on, _ in points], [Decimal(value) for _, value in points]
    return ValueSeries(currency, days, values, None if disposed is None else day(disposed))


def book(**rows) -> RateBook:
    """USD=[(day number, units per euro), ...]"""
    return RateBook(
        Rate(currency, day(on), Decimal(units)) for currency, points in rows.items() for on, units in points
    )


def series(assets, days, rates, *, currency="EUR", grouped=False, places=2):
    return net_worth(
        fold(assets, [day(n) for n in days]), currency=currency, places=places, rates=rates, grouped=grouped
    )


def test_each_day_has_its_own_rate():
    rates = book(USD=[(0, "1.25"), (2, "1.60")])
    points = series([((), past("USD", (0, "1000")))], range(3), rates)
    assert [str(point.net) for point in points] == ["800.00", "800.00", "625.00"]


def test_household_by_hand_in_euro_and_in_dollars():
    rates = book(USD=[(0, "1.25"), (2, "1.60")])
    assets = [
        (("home",), past("EUR", (0, "250000"), disposed=3)),
        (("debt",), past("EUR", (0, "-200000"), (2, "-198000.50"))),
        (("cash",), past("USD", (1, "1000"))),
    ]
    euro = series(assets, range(4), rates, grouped=True)
    # day 1: 250000 - 200000 + 1000 / 1.25 = 50800; day 2: 250000 - 198000.50 + 1000 / 1.60 = 52624.50
    assert [str(point.net) for point in euro] == ["50000.00", "50800.00", "52624.50", "-197375.50"]
    assert [str(point.assets) for point in euro] == ["250000.00", "250800.00", "250625.00", "625.00"]
    assert [str(point.liabilities) for point in euro] == ["-200000.00"] * 2 + ["-198000.50"] * 2
    assert {key: str(value) for key, value in euro[2].groups.items()} == {
        "home": "250000.00",
        "debt": "-198000.50",
        "cash": "625.00",
    }
    dollars = series(assets, range(4), rates, currency="USD")
    # day 0: 50000 x 1.25; day 3: (0 - 198000.50) x 1.60 + 1000 = -315800.80
    assert [str(point.net) for point in dollars] == ["62500.00", "63500.00", "84199.20", "-315800.80"]


def test_amount_without_a_rate_is_left_out_and_named():
    rates = book(USD=[(0, "1.25")])
    assets = [
        (("a",), past("USD", (0, "10"))),
        (("a",), past("CHF", (0, "3"), (1, "4"))),
        ((), past("EUR", (0, "1"))),
    ]
    first, later = series(assets, (1, 11), rates, grouped=True)
    assert (first.net, first.complete, first.missing_rates) == (
        9,
        False,
        (Missing("CHF", day(1), Decimal(4)),),
    )
    assert dict(first.groups) == {"a": 8, None: 1}
    # Eleven days on, the dollar's rate is too old as well.
    assert [(gap.currency, gap.amount) for gap in later.missing_rates] == [("CHF", 4), ("USD", 10)]
    assert (later.net, dict(later.groups)) == (1, {"a": 0, None: 1})


def test_zero_needs_no_rate_but_two_amounts_that_cancel_do():
    assert series([((), past("CHF", (0, "0")))], [0], book())[0].complete
    (point,) = series([((), past("CHF", (0, "5"))), ((), past("CHF", (0, "-5")))], [0], book())
    assert point.missing_rates == (Missing("CHF", day(0), Decimal(0)),)


def test_disposed_asset_needs_no_rate():
    assert [p.complete for p in series([((), past("CHF", (0, "5"), disposed=1))], range(2), book())] == [
        False,
        True,
    ]


def test_asset_with_two_tags_counts_once_in_all_and_under_each():
    assets = [
        (("red", "blue"), past("EUR", (0, "10"))),
        (("red",), past("EUR", (0, "5"))),
        ((), past("EUR", (0, "1"))),
    ]
    (point,) = series(assets, [0], book(), grouped=True)
    assert point.net == 16
    assert dict(point.groups) == {"red": 15, "blue": 10, None: 1}


def test_groups_are_rounded_so_that_they_add_up():
    rates = book(USD=[(0, "3")])
    assets = [((key,), past("USD", (0, "1"))) for key in "abc"]
    (point,) = series(assets, [0], rates, grouped=True)
    assert point.net == 1
    assert list(point.groups.values()) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]


def test_half_a_cent_rounds_as_if_divided_by_hand():
    (point,) = series([((), past("USD", (0, "0.09")))], [0], book(USD=[(0, "1.2")]))
    assert point.net == Decimal("0.08")  # 0.075, half to even


def test_places_are_the_currencys():
    assert (
        str(
            series([((), past("EUR", (0, "10")))], [0], book(JPY=[(0, "160.55")]), currency="JPY", places=0)[
                0
            ].net
        )
        == "1606"
    )


numbers = st.decimals(-(10**6), 10**6, places=2)
rates_of = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["0.7", "1.2", "1.5", "3", "1.0823"])), max_size=4
)


@st.composite
def holdings(draw):
    points = sorted(dict(draw(st.lists(st.tuples(st.integers(0, 30), numbers), max_size=5))).items())
    currency, disposed = draw(st.sampled_from(["EUR", "USD", "CHF"])), draw(st.none() | st.integers(0, 30))
    return ValueSeries(
        currency,
        [day(on) for on, _ in points],
        [value for _, value in points],
        None if disposed is None else day(disposed),
    )


keys = st.sampled_from([(), ("a",), ("b",), ("a", "b")])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(keys, holdings()), max_size=5),
    rates_of,
    rates_of,
    st.sampled_from(["EUR", "USD", "CHF"]),
)
def test_every_point_equals_the_values_of_its_day_added_up(assets, usd, chf, currency):
    rates = book(USD=dict(usd).items(), CHF=dict(chf).items())
    points = series(assets, range(0, 31, 6), rates, currency=currency, grouped=True)

    def exact(on, chosen):
        amounts: dict[str, Decimal] = {}
        for history in chosen:
            amounts[history.currency] = amounts.get(history.currency, Decimal(0)) + (
                history.value_on(on) or 0
            )
        return convert_total(amounts, currency, on=on, rates=rates)

    for point in points:
        total = exact(point.on, [history for _, history in assets])
        assert point.net == rounded(total.value, 2)
        assert point.assets + point.liabilities == point.net
        assert point.assets >= 0 >= point.liabilities
        assert set(total.missing) <= set(point.missing_rates)
        overlap = any(len(tags) > 1 for tags, _ in assets)
        assert overlap or not point.groups or sum(point.groups.values()) == point.net
        for key, value in point.groups.items():
            of_group = exact(point.on, [h for tags, h in assets if key in (tags or (None,))]).value
            assert abs(Fraction(value) - of_group) < Fraction(1, 100)
