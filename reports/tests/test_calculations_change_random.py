"""Why net worth changed, for random histories: the identity, and the definitions calculated day by day."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.rates.book import MissingRate, Rate, RateBook
from assets.valuation.formulas.shares import Share, as_text, parts, share_changes_of, shares_in
from assets.valuation.series import ValueSeries, convert_total, fold, money, ten_thousandths
from reports.calculations.attribution import UNIT_PLACES, CashFlow, ExplainedAsset, split_changes
from reports.calculations.change import change_between
from reports.calculations.net_worth import net_worth
from reports.calculations.rounding import rounded
from tests import factories

pytestmark = pytest.mark.on_sqlite

FIRST = date(2024, 2, 20)
day = partial(factories.day, first=FIRST)
SPAN = 24  # days that histories live in
CURRENCIES = ("EUR", "USD", "JPY")
PARTS = ("net_flows", "income", "expenses", "value_change", "fx_change", "added", "removed")
SIGNS = dict.fromkeys(PARTS, 1) | {"expenses": -1, "removed": -1}


# --- random households ---

numbers = st.integers(0, SPAN)
currencies = st.sampled_from(CURRENCIES)
values = st.integers(-500_000, 2_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
amounts = st.integers(0, 500_000).map(lambda cents: Decimal(cents).scaleb(-2))
costs = st.sampled_from([Decimal(0), Decimal(0), Decimal("1.99"), Decimal("0.0333")])
kinds = st.sampled_from(["balance", "value"])
quotes = st.sampled_from(
    [Decimal(text) for text in ("1.2", "0.7", "3", "1.0823", "163.07", "0.000000000000000007")]
)

cash_flows = st.builds(
    CashFlow,
    st.sampled_from(["ACQUIRE", "DISPOSE", "ADJUST", "INCOME", "EXPENSE"]),
    numbers.map(day),
    currencies,
    amounts,
    costs,
    costs,
    is_early=st.booleans(),
    moves_whole=st.booleans(),
)


shares = st.dictionaries(
    st.just(date.min) | numbers.map(day),
    st.sampled_from([Decimal(text) for text in ("0.5", "0.333333", "0.000001", "1")]),
    max_size=3,
)


class Owned(NamedTuple):
    """The key of an asset: with it the days calculate the household's share again."""

    name: int
    wholes: tuple[tuple[date, Decimal], ...]
    shares: tuple[tuple[date, Decimal], ...]

    def share_on(self, on: date) -> Fraction:
        known = [share for first, share in self.shares if first <= on]
        return Fraction(known[-1]) if known else Fraction(1)

    def whole_on(self, on: date) -> Fraction | None:
        known = [value for valued_on, value in self.wholes if valued_on <= on]
        return Fraction(known[-1]) if known else None


@st.composite
def asset_histories(draw, name):
    points = sorted(draw(st.dictionaries(numbers, values, max_size=6)).items())
    days, amounts = [day(on) for on, _ in points], [value for _, value in points]
    whole = ValueSeries(draw(currencies), days, amounts, draw(st.none() | numbers.map(day)))
    key = Owned(name, tuple(zip(days, amounts, strict=True)), tuple(sorted(draw(shares).items())))
    owned = shares_in(as_text(Share(None if on == date.min else on, share) for on, share in key.shares))
    stored = [ten_thousandths(value) for value in amounts]
    held_on, held = parts(days, stored, owned, start=date.min, end=date.max)
    past = replace(whole, days=held_on, values=[money(value) for value in held])
    changes = share_changes_of(owned, whole, date.min, date.max)
    return ExplainedAsset(key, draw(kinds), past, draw(st.lists(cash_flows, max_size=4)), changes)


@st.composite
def households(draw):
    return [draw(asset_histories(name)) for name in range(draw(st.integers(0, 4)))]


@st.composite
def books(draw):
    """Rates with gaps: a day's rate serves two more days."""
    rows = {code: draw(st.dictionaries(numbers, quotes, max_size=16)) for code in CURRENCIES[1:]}
    rates = (Rate(code, day(on), units) for code, row in rows.items() for on, units in row.items())
    return RateBook(rates, max_age_days=2)


@st.composite
def books_without_gaps(draw):
    rows = {
        code: {-1: draw(quotes), **draw(st.dictionaries(numbers, quotes, max_size=5))}
        for code in CURRENCIES[1:]
    }
    rates = (Rate(code, day(on), units) for code, row in rows.items() for on, units in row.items())
    return RateBook(rates, max_age_days=99)


windows = st.tuples(numbers, numbers).map(lambda pair: (day(min(pair)), day(max(pair))))


# --- the same, calculated day by day ---


def value_of(asset: ExplainedAsset, on: date) -> Fraction:
    """The newest value; zero before the first and from the disposal on."""
    if asset.history.disposed_on is not None and asset.history.disposed_on <= on:
        return Fraction(0)
    seen = [value for day_, value in zip(asset.history.days, asset.history.values, strict=True) if day_ <= on]
    return Fraction(seen[-1]) if seen else Fraction(0)


def first_day(asset: ExplainedAsset) -> date | None:
    living = [
        on for on in asset.history.days if asset.history.disposed_on is None or on < asset.history.disposed_on
    ]
    return min(living, default=None)


def cash_flows_on(asset: ExplainedAsset, on: date) -> list[CashFlow]:
    """The cash flows that take effect on a day; a trade before the first value does so on its day, if not early."""
    flows = []
    for cash_flow in asset.cash_flows:
        effective = cash_flow.on
        if cash_flow.type in ("ACQUIRE", "DISPOSE") and not cash_flow.is_early:
            if not asset.history.days:
                continue
            effective = max(effective, min(asset.history.days))
        if effective == on and cash_flow.type != "ADJUST":
            flows.append(cash_flow)
    if is_debt(asset, on):  # of what moves whole the debt moves
        return [flow._replace(amount=-flow.amount) if flow.moves_whole else flow for flow in flows]
    return flows


def is_debt(asset: ExplainedAsset, on: date) -> bool:
    values = [
        value for day_, value in zip(asset.history.days, asset.history.values, strict=True) if day_ <= on
    ]
    return bool(values) and values[-1] < 0


def to_money(amount: Fraction) -> Fraction:
    return Fraction(round(amount * 10_000), 10_000)


def moved_by_share(asset: ExplainedAsset, on: date) -> tuple[Fraction, bool]:
    """What a change of the share moves on a day without a trade, and whether the share rises."""
    key, eve = asset.asset, on - timedelta(days=1)
    before, after, whole = key.share_on(eve), key.share_on(on), key.whole_on(on)
    gone = asset.history.disposed_on is not None and asset.history.disposed_on <= on
    traded = any(flow.type in ("ACQUIRE", "DISPOSE") for flow in asset.cash_flows if flow.on == on)
    if gone or traded or whole is None or key.whole_on(eve) is None:
        return Fraction(0), True
    return to_money(whole * after) - to_money(whole * before), after > before


def explained(asset: ExplainedAsset, on: date, currency: str, rates: RateBook) -> dict[str, Fraction]:
    """One day of one asset, as measures.md defines it."""
    own, eve = asset.history.currency, on - timedelta(days=1)
    before, after = value_of(asset, eve), value_of(asset, on)
    fx = before * (rates.rate(own, currency, on=on) - rates.rate(own, currency, on=eve))
    moved, is_rise = moved_by_share(asset, on)
    rest = (after - before - moved) * rates.rate(own, currency, on=on)
    moved *= rates.rate(own, currency, on=on)
    by_share = {"added": moved if is_rise else Fraction(0), "removed": Fraction(0) if is_rise else -moved}
    today = cash_flows_on(asset, on)

    def total(type_: str, *, sign: int = 0) -> Fraction:
        """The amounts of a type, with (sign 1) or net of (-1) their fees and taxes."""
        return sum(
            (Fraction(m.amount + sign * (m.fee + m.tax)) * rates.rate(m.currency, currency, on=on))
            for m in today
            if m.type == type_
        )

    income = total("INCOME")
    expenses = total("EXPENSE") + sum(
        Fraction(m.fee + m.tax) * rates.rate(m.currency, currency, on=on) for m in today
    )
    day_ = dict.fromkeys(PARTS, Fraction(0)) | {"fx_change": fx, "income": income, "expenses": expenses}
    day_ |= by_share
    if asset.kind == "balance":
        return day_ | {"net_flows": rest - income + expenses}
    net_flows = (
        total("ACQUIRE", sign=1)
        - total("DISPOSE", sign=-1)
        - total("INCOME", sign=-1)
        + total("EXPENSE", sign=1)
    )
    types = [m.type for m in today]
    opened = "ACQUIRE" in types or (after < 0 and "DISPOSE" in types)  # short sales open what is below zero
    closed = "DISPOSE" in types or (before < 0 and "ACQUIRE" in types)
    added = rest if on == first_day(asset) and not opened else Fraction(0)
    removed = Fraction(0)
    if on == asset.history.disposed_on and not closed:
        removed = before * rates.rate(own, currency, on=on)
    value_change = rest - net_flows - income + expenses - added + removed
    added, removed = added + by_share["added"], removed + by_share["removed"]
    return day_ | {"net_flows": net_flows, "added": added, "removed": removed, "value_change": value_change}


def exact_net(assets, on, currency, rates) -> Fraction:
    """Net worth from valuation alone."""
    sums: dict[str, Decimal] = {}
    for asset in assets:
        source = asset.history.currency
        sums[source] = sums.get(source, Decimal(0)) + (asset.history.value_on(on) or 0)
    total = convert_total(sums, currency, on=on, rates=rates)
    assert total.complete
    return total.value


def summed(parts) -> Fraction | Decimal:
    return sum(SIGNS[name] * getattr(parts, name) for name in PARTS)


# --- properties ---


@settings(max_examples=400, deadline=None)
@given(households(), windows, currencies, books(), st.sampled_from([0, 2, 4]))
def test_parts_add_up_to_the_difference_to_the_cent_always(assets, window, currency, rates, places):
    start, end = window
    change = change_between(assets, start=start, end=end, currency=currency, places=places, rates=rates)

    included = [asset for asset in assets if asset.asset not in change.left_out]
    assert set(change.rows) == {asset.asset for asset in included}
    assert change.total.start_value == rounded(exact_net(included, start, currency, rates), places)
    assert change.total.end_value == rounded(exact_net(included, end, currency, rates), places)
    assert change.total.end_value - change.total.start_value == summed(change.total)
    for row in change.rows.values():
        assert row.end_value - row.start_value == summed(row)
    for name in ("start_value", "end_value", *PARTS):
        assert sum(getattr(row, name) for row in change.rows.values()) == getattr(change.total, name)
    assert bool(change.left_out) <= bool(change.missing_rates)


@settings(max_examples=400, deadline=None)
@given(households(), windows, currencies, books_without_gaps())
def test_every_part_is_the_sum_of_its_days(assets, window, currency, rates):
    start, end = window
    splits = split_changes(assets, start=start, end=end, currency=currency, rates=rates)

    assert (splits.left_out, splits.missing_rates) == ((), ())
    days = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
    for asset in assets:
        by_day = [explained(asset, on, currency, rates) for on in days]
        split = splits.by_asset[asset.asset]
        assert split.end_value - split.start_value == sum(split.signed())
        for name in PARTS:
            exact = sum(part[name] for part in by_day)
            carried = Fraction(getattr(split, name), 10**UNIT_PLACES)
            assert abs(carried - exact) < Fraction(1, 10**25), name
    assert splits.net_end - splits.net_start == sum(
        SIGNS[name] * explained(asset, on, currency, rates)[name]
        for asset in assets
        for on in days
        for name in PARTS
    )


@settings(max_examples=300, deadline=None)
@given(households(), windows, numbers, currencies, books_without_gaps())
def test_windows_that_follow_each_other_add_up(assets, window, cut, currency, rates):
    start, end = window
    middle = min(max(day(cut), start), end)

    def split(first, last):
        return split_changes(assets, start=first, end=last, currency=currency, rates=rates).by_asset

    whole, first_part, second_part = split(start, end), split(start, middle), split(middle, end)
    for name, whole_split in whole.items():
        assert [
            a + b for a, b in zip(first_part[name].signed(), second_part[name].signed(), strict=True)
        ] == whole_split.signed()


@settings(max_examples=300, deadline=None)
@given(households(), windows, currencies, books())
def test_what_is_not_needed_changes_nothing(assets, window, currency, rates):
    """Assets in the report's currency need few values; no asset needs values superseded before the start."""
    start, end = window

    def reduced(asset):
        past = asset.history
        points = list(zip(past.days, past.values, strict=True))
        newest = max((on for on, _ in points if on <= start), default=None)
        needed_points = [
            (on, value) for on, value in points if on <= end and (newest is None or on >= newest)
        ]
        if past.currency == currency and needed_points:
            eve = past.last_day(end)
            needed = {
                needed_points[0][0],
                needed_points[-1][0],
                max((on for on, _ in needed_points if on <= eve), default=eve),
            }
            for flow in asset.cash_flows:
                if flow.moves_whole:
                    moved_on = max(flow.on, past.days[0])
                    needed.add(max((on for on, _ in needed_points if on <= moved_on), default=moved_on))
            needed_points = [point for point in needed_points if point[0] in needed]
        slim = ValueSeries(
            past.currency,
            [on for on, _ in needed_points],
            [value for _, value in needed_points],
            past.disposed_on,
        )
        moved = [m for m in asset.cash_flows if m.on <= end and (newest is None or m.on > start)]
        shared = [change for change in asset.share_changes if start < change.on <= end]
        return asset._replace(history=slim, cash_flows=moved, share_changes=shared)

    options = {"start": start, "end": end, "currency": currency, "places": 2, "rates": rates}
    assert change_between(map(reduced, assets), **options) == change_between(assets, **options)


@settings(max_examples=300, deadline=None)
@given(households(), windows, currencies, books())
def test_ten_thousandths_give_what_decimals_give(assets, window, currency, rates):
    stored = [
        asset._replace(
            history=replace(asset.history, values=[ten_thousandths(value) for value in asset.history.values])
        )
        for asset in assets
    ]
    options = {"start": window[0], "end": window[1], "currency": currency, "rates": rates}
    assert split_changes(stored, **options) == split_changes(assets, **options)


@settings(max_examples=300, deadline=None)
@given(
    households(),
    windows,
    currencies,
    books_without_gaps(),
    st.lists(st.sampled_from("xyz"), min_size=4, max_size=4),
)
def test_groups_add_up_and_their_ends_are_those_of_net_worth(assets, window, currency, rates, names):
    groups = {asset.asset: (names[asset.asset.name],) for asset in assets}
    options = {"currency": currency, "places": 2, "rates": rates}
    change = change_between(assets, start=window[0], end=window[1], groups=groups, **options)

    histories = [(groups[asset.asset], asset.history) for asset in assets]
    points = net_worth(fold(histories, sorted({*window})), grouped=True, **options)
    assert (change.total.start_value, change.total.end_value) == (points[0].net, points[-1].net)
    for name in ("start_value", "end_value", *PARTS):
        assert sum(getattr(row, name) for row in change.rows.values()) == getattr(change.total, name)
    for key, row in change.rows.items():
        assert row.end_value - row.start_value == summed(row)
        assert abs(row.start_value - points[0].groups[key]) <= Decimal("0.01")
        assert abs(row.end_value - points[-1].groups[key]) <= Decimal("0.01")


@settings(max_examples=300, deadline=None)
@given(
    households(),
    windows,
    currencies,
    books_without_gaps(),
    st.none() | st.lists(st.lists(st.sampled_from("xyz"), max_size=2), min_size=4, max_size=4),
    st.integers(0, 4),
)
def test_no_figure_is_further_than_a_cent_from_what_it_is_exactly(
    assets, window, currency, rates, names, places
):
    """Every row adds up, the total is the sum of the rows, and each figure is one of the two nearest."""
    groups = None if names is None else {asset.asset: tuple(names[asset.asset.name]) for asset in assets}
    options = {"start": window[0], "end": window[1], "currency": currency, "rates": rates}
    change = change_between(assets, groups=groups, places=places, **options)
    exact = split_changes(assets, **options)

    nets = (rounded(exact.net_start, places), rounded(exact.net_end, places))
    assert (change.total.start_value, change.total.end_value) == nets
    assert_near(change.total, exact.by_asset.values(), places)
    for key, row in change.rows.items():
        assert_near(
            row, [split for asset, split in exact.by_asset.items() if is_in(asset, key, groups)], places
        )
    if not change.overlap:
        for name in ("start_value", "end_value", *PARTS):
            assert sum(getattr(row, name) for row in change.rows.values()) == getattr(change.total, name)


def is_in(asset, key, groups) -> bool:
    return asset == key if groups is None else key in (groups[asset] or (None,))


def assert_near(row, splits, places):
    assert row.end_value - row.start_value == summed(row)
    for name in ("start_value", "end_value", *PARTS):
        exact = Fraction(sum(getattr(split, name) for split in splits), 10**UNIT_PLACES)
        # The ends of the total are rounded from exact nets; the sums here are exact only to 10**-20.
        assert abs(Fraction(getattr(row, name)) - exact) <= Fraction(1, 10**places) + Fraction(1, 10**20), (
            name
        )


@settings(max_examples=300, deadline=None)
@given(households(), windows, currencies, books())
def test_what_is_left_out_lacks_a_rate_that_it_needs(assets, window, currency, rates):
    start, end = window
    splits = split_changes(assets, start=start, end=end, currency=currency, rates=rates)
    for asset in assets:
        days = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
        needed = [on for on in days if value_of(asset, on) != value_of(asset, on - timedelta(days=1))]
        needed += [on for on in (start, end) if value_of(asset, on)]
        lacking = [on for on in needed if lacks(rates, asset.history.currency, currency, on)]
        assert (asset.asset in splits.left_out) == bool(lacking)
        if lacking:
            assert any(
                gap.amount_in == asset.history.currency and gap.on in lacking for gap in splits.missing_rates
            )


def lacks(rates: RateBook, source: str, target: str, on: date) -> bool:
    try:
        rates.rate(source, target, on=on)
    except MissingRate:
        return True
    return False
