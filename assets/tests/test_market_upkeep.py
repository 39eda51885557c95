"""The derived data of assets at market prices is what their values give, after any writes; and those are what an
independent reading of the rows gives, in fractions.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import count

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from assets import valuation
from assets.classification.seeds import TypeId
from assets.holdings.reading import quantities_of
from assets.models import (
    Asset,
    AssetSnapshot,
    ForgottenPortfolio,
    Instrument,
    InstrumentAction,
    MonthlyDeltas,
    MonthlyValues,
    Transaction,
)
from assets.prices.store import forget_packs, instruments_with_prices, recorded_prices, wrong_packs
from assets.services.entries.transfers import transfer
from assets.services.instrument_actions import add_action, delete_action
from assets.services.instruments.prices import LoadTerms, record_prices
from assets.valuation import gaps, months, quantities, reading, registry, upkeep
from assets.valuation.deltas import calculated, stored
from assets.valuation.sources.markets import calculated_quantities
from portfolios.models import Household, Portfolio
from strata.exceptions import StrataError
from tests import factories

FIRST = date(2024, 1, 20)  # a month ends on the 13th day
NOON = datetime(2024, 1, 20, 12, tzinfo=UTC)
LONGEST = 30
SHOWN = [FIRST + timedelta(number) for number in range(-2, LONGEST + 15)]
EURO = 10_000
day = partial(factories.day, first=FIRST)

NUMBERS = st.integers(0, LONGEST)
DAYS = st.integers(0, LONGEST)
QUANTITIES = st.sampled_from(["1", "2", "3", "0.5", "0.000001", "7.25"])
PRICES = st.sampled_from([1, 2, 3, 7, 19])
TRADES = st.sampled_from(["ACQUIRE", "DISPOSE", "ADJUST+", "ADJUST-", "INCOME"])
ACTIONS = st.sampled_from(["split", "stock_dividend", "spin_off", "merger"])


def assert_in_step(*, is_complete: bool) -> None:
    """Of what is not forgotten. Quantities that are not there are no fault; `is_complete` says that they have to be."""
    derived = Portfolio.objects.exclude(pk__in=ForgottenPortfolio.objects.values("portfolio"))
    for portfolio_id in derived.values_list("pk", flat=True):
        assert stored(portfolio_id) == calculated(portfolio_id)
        assert not gaps.differences(portfolio_id)
    every_asset = Asset.objects.values_list("pk", flat=True)
    assert not MonthlyValues.objects.exclude(asset__in=every_asset).exists()
    assets = dict(Asset.objects.filter(portfolio__in=derived).values_list("pk", "valuation"))
    assert months.stored(assets) == months.calculated(assets)
    at_market = {pk for pk, valuation in assets.items() if valuation == "market"}
    held, expected = quantities.stored(assets), calculated_quantities(at_market)
    assert held == (expected if is_complete else {pk: expected.get(pk) for pk in held})


class MarketWrites(RuleBasedStateMachine):
    """Three portfolios of two households, and every kind of write that changes a value at market prices."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        first, second = (Household.objects.create(name=name) for name in "HK")
        self.households = [first, second]
        self.portfolios = [
            Portfolio.objects.create(household=household, name=name, time_zone="UTC")
            for household, name in ((first, "a"), (first, "b"), (second, "c"))
        ]
        self.moments = count(1)
        self.has_forgotten = False
        self.instruments = [
            Instrument.objects.create(symbol=symbol, name=symbol, currency="EUR", max_age_days=age)
            for symbol, age in (("S", 3), ("T", None), ("U", 1))
        ]
        self.new_asset(number=0, held=0, quantity="2", acquired=None, valued="market")
        self.new_asset(number=1, held=1, quantity=None, acquired=None, valued="market")
        self.load_prices(prices=[(0, 2, 3), (1, 4, 7)])

    def teardown(self):
        try:
            self.all_readers_agree()
            self.values_are_those_of_the_rows()
            if self.has_forgotten:
                self.derive_again()
                self.in_step()
                assert not wrong_packs(instruments_with_prices())
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @invariant()
    def in_step(self):
        assert_in_step(is_complete=not self.has_forgotten)

    def all_readers_agree(self):
        ids = [portfolio.pk for portfolio in self.portfolios]
        refs = valuation.asset_refs(ids, "portfolio", {})
        monthly, values = (
            reading.drop_zeros(reading.from_series(refs, SHOWN, derived=derived)) for derived in (True, False)
        )
        grid = reading.drop_zeros(reading.from_values_in_sql(refs, SHOWN))
        by_deltas = reading.drop_zeros(reading.from_deltas(ids, SHOWN, reading.Grouped("portfolio")))
        assert monthly == values == grid == by_deltas
        on = day(LONGEST // 2)
        for in_sql in (False, True):
            rows = valuation.with_current_value(Asset.objects.order_by("pk"), on, in_sql=in_sql)
            from_series = {ref.id: series for ref, series in reading._value_series(refs, on, on)}
            for row in rows:
                if row.pk in from_series:
                    value = from_series[row.pk].value_on(on)
                    assert row.current_value == (None if value is None else Decimal(value) / EURO)

    def values_are_those_of_the_rows(self):
        market = list(Asset.objects.filter(valuation="market").select_related("portfolio"))
        read = registry.values({asset.pk: asset.valuation for asset in market}, date.min, date.max)
        by_asset = {pk: dict(zip(days, amounts, strict=True)) for pk, days, amounts in read}
        for asset in market:
            expected = Expected(asset)
            value = None
            for on in SHOWN:
                value = by_asset.get(asset.pk, {}).get(on, value)
                assert value == expected.value_on(on), (asset, on)

    # --- what there is ---

    def an_asset(self, number: int) -> Asset:
        assets = list(Asset.objects.order_by("pk"))
        return assets[number % len(assets)]

    def an_instrument(self, number: int) -> Instrument:
        return self.instruments[number % len(self.instruments)]

    def a_portfolio(self, number: int) -> Portfolio:
        return self.portfolios[number % len(self.portfolios)]

    def at(self, on: int) -> datetime:
        return NOON + timedelta(days=on, seconds=next(self.moments))

    # --- what is derived ---

    @rule(number=NUMBERS, also_prices=st.booleans())
    def forget_what_is_derived(self, number, also_prices):
        """As `rebuild --forget` does. What follows is written into what is forgotten."""
        self.has_forgotten = True
        upkeep.forget(self.a_portfolio(number).pk)
        if also_prices:
            forget_packs(instruments_with_prices())

    @precondition(lambda self: ForgottenPortfolio.objects.exists())
    @rule()
    def derive_again(self):
        """As the next report does that may write."""
        for portfolio in self.portfolios:
            upkeep.derive_if_forgotten(portfolio.pk)
        assert not ForgottenPortfolio.objects.exists()

    # --- prices and instruments ---

    @rule(prices=st.lists(st.tuples(NUMBERS, DAYS, PRICES), min_size=1, max_size=4))
    def load_prices(self, prices):
        rows: dict = {}
        for number, (instrument, on, price) in enumerate(prices):
            of_instrument = rows.setdefault(self.an_instrument(instrument).pk, {})
            of_instrument[on] = (day(on).toordinal(), number, price, number % 2)
        revisions = dict(Portfolio.objects.values_list("pk", "revision"))
        before = {pk: stored(pk) for pk in revisions}
        with suppress(StrataError):  # all of them are refused
            record_prices({pk: [*days.values()] for pk, days in rows.items()}, LoadTerms("test"))
        holding = set(Asset.objects.filter(instrument__in=rows).values_list("portfolio_id", flat=True))
        raised = {
            pk for pk, revision in Portfolio.objects.values_list("pk", "revision") if revision > revisions[pk]
        }
        assert all(stored(pk) != before[pk] for pk in raised - holding)  # of what is linked to those

    @rule(number=NUMBERS, on=DAYS, price=PRICES, adjusted_to=DAYS)
    def load_adjusted_prices(self, number, on, price, adjusted_to):
        terms = LoadTerms("feed", adjusted_to=day(adjusted_to))
        with suppress(StrataError):  # after splits it may look a hundred times too high
            record_prices({self.an_instrument(number).pk: [(day(on).toordinal(), 0, price, 0)]}, terms)

    @rule(number=NUMBERS, unit=st.sampled_from(["1", "1/100", "1/3"]), age=st.sampled_from([None, 1, 5]))
    def change_an_instrument(self, number, unit, age):
        instrument = self.an_instrument(number)
        instrument.refresh_from_db()
        instrument.quote_unit, instrument.max_age_days = unit, age
        instrument.save()

    @rule(
        number=NUMBERS,
        into=NUMBERS,
        kind=ACTIONS,
        on=DAYS,
        ratio=st.sampled_from([(2, 1), (3, 2), (1, 3)]),
        owner=st.sampled_from([None, 0, 1]),
    )
    def act(self, number, into, kind, on, ratio, owner):
        values = {"type": kind, "numerator": ratio[0], "denominator": ratio[1]}
        if kind in ("spin_off", "merger"):
            values["to_instrument_id"] = self.an_instrument(into).pk
        if kind == "spin_off":
            values["cost_ratio"] = Decimal("0.5")
        household_id = None if owner is None else self.households[owner].pk
        with suppress(StrataError, ValidationError), transaction.atomic():
            add_action(household_id, instrument_id=self.an_instrument(number).pk, on=day(on), **values)

    @precondition(lambda self: InstrumentAction.objects.exists())
    @rule(number=NUMBERS)
    def take_an_action_back(self, number):
        actions = list(InstrumentAction.objects.order_by("pk"))
        delete_action(actions[number % len(actions)].pk)

    @precondition(lambda self: InstrumentAction.objects.exists())
    @rule(on=DAYS, numerator=st.integers(1, 4))
    def change_actions_by_set(self, on, numerator):
        InstrumentAction.objects.filter(on__gte=day(on)).update(numerator=numerator)

    # --- transactions ---

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, kind=TRADES, on=DAYS, quantity=QUANTITIES)
    def trade(self, number, kind, on, quantity):
        self.new_trade(number, kind, on, quantity).save()

    def new_trade(self, number, kind, on, quantity) -> Transaction:
        asset = self.an_asset(number)
        sign = -1 if kind == "ADJUST-" else 1
        return Transaction(
            asset=asset,
            type=kind.rstrip("+-"),
            on=day(on),
            occurred_at=self.at(on),
            quantity=sign * Decimal(quantity),
            amount=Decimal(5),
            currency="EUR",
        )

    @precondition(lambda self: Asset.objects.exists())
    @rule(trades=st.lists(st.tuples(NUMBERS, TRADES, DAYS, QUANTITIES), max_size=4))
    def trade_many(self, trades):
        Transaction.objects.bulk_create(self.new_trade(*trade) for trade in trades)

    @precondition(lambda self: self.trades().exists())
    @rule(number=NUMBERS, other=NUMBERS, on=DAYS, quantity=st.none() | QUANTITIES)
    def change_a_trade(self, number, other, on, quantity):
        trade = self.a_trade(number)
        trade.asset, trade.on, trade.occurred_at = self.an_asset(other), day(on), self.at(on)
        trade.quantity = quantity and Decimal(quantity)
        trade.save()

    def trades(self):
        return Transaction.objects.filter(transfer_id=None).order_by("pk")

    def a_trade(self, number: int) -> Transaction:
        trades = list(self.trades())
        return trades[number % len(trades)]

    @precondition(lambda self: self.trades().exists())
    @rule(number=NUMBERS)
    def delete_a_trade(self, number):
        self.a_trade(number).delete()

    @rule(first=DAYS)
    def delete_trades_by_set(self, first):
        Transaction.objects.filter(on__gte=day(first)).delete()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, other=NUMBERS, on=DAYS, quantity=QUANTITIES)
    def move_shares(self, number, other, on, quantity):
        with suppress(StrataError, ValidationError, IntegrityError), transaction.atomic():
            transfer(
                self.an_asset(number).pk,
                to_asset_id=self.an_asset(other).pk,
                on=day(on),
                quantity=Decimal(quantity),
            )

    @precondition(lambda self: Transaction.objects.filter(transfer_id__isnull=False).exists())
    @rule(number=NUMBERS, quantity=QUANTITIES)
    def change_a_leg(self, number, quantity):
        """One of the two alone, as an undo by sets may do it for a moment."""
        legs = list(Transaction.objects.filter(transfer_id__isnull=False).order_by("pk"))
        leg = legs[number % len(legs)]
        leg.quantity = Decimal(quantity) * (1 if leg.quantity > 0 else -1)
        leg.save()

    # --- recorded values ---

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, on=DAYS, value=st.sampled_from([0, 1, 10, -4]))
    def record_a_value(self, number, on, value):
        AssetSnapshot.objects.create(
            asset=self.an_asset(number), value=value, on=day(on), observed_at=self.at(on)
        )

    @rule(first=DAYS, value=st.sampled_from([0, 1, 10, -4]))
    def change_values_by_set(self, first, value):
        AssetSnapshot.objects.filter(on__gte=day(first)).update(value=value)

    @rule(first=DAYS)
    def delete_values_by_set(self, first):
        AssetSnapshot.objects.filter(on__gte=day(first)).delete()

    # --- assets and portfolios ---

    @rule(
        number=NUMBERS,
        held=NUMBERS,
        quantity=st.none() | QUANTITIES,
        acquired=st.none() | DAYS,
        valued=st.sampled_from(["market", "market", "manual"]),
    )
    def new_asset(self, number, held, quantity, acquired, valued):
        Asset.objects.create(
            portfolio=self.a_portfolio(number),
            asset_type_id=TypeId.STOCKS,
            name="x",
            currency="EUR",
            instrument=self.an_instrument(held),
            quantity=quantity and Decimal(quantity),
            acquired_on=None if acquired is None else day(acquired),
            valuation=valued,
        )

    @precondition(lambda self: Asset.objects.exists())
    @rule(
        number=NUMBERS,
        place=NUMBERS,
        held=NUMBERS,
        quantity=st.none() | QUANTITIES,
        acquired=st.none() | DAYS,
        valued=st.sampled_from(["market", "market", "manual"]),
    )
    def change_an_asset(self, number, place, held, quantity, acquired, valued):
        asset = self.an_asset(number)
        asset.portfolio, asset.instrument = self.a_portfolio(place), self.an_instrument(held)
        asset.quantity = quantity and Decimal(quantity)
        asset.acquired_on = None if acquired is None else day(acquired)
        asset.disposed_on = None
        asset.valuation = valued
        asset.save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, on=st.none() | DAYS, counts=st.booleans())
    def dispose_of_an_asset_or_count_it(self, number, on, counts):
        asset = self.an_asset(number)
        asset.disposed_on = None if on is None or asset.acquired_on else day(on)
        asset.counts_in_net_worth = counts
        asset.save(update_fields=["disposed_on", "counts_in_net_worth"])

    @rule(held=NUMBERS, valued=st.sampled_from(["market", "manual"]))
    def value_assets_otherwise_by_set(self, held, valued):
        Asset.objects.filter(instrument=self.an_instrument(held)).update(valuation=valued)

    @rule(number=NUMBERS, held=NUMBERS)
    def give_assets_another_instrument_by_set(self, number, held):
        Asset.objects.filter(portfolio=self.a_portfolio(number)).update(instrument=self.an_instrument(held))

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def delete_an_asset(self, number):
        self.an_asset(number).delete()

    @rule(number=NUMBERS, allow=st.booleans())
    def allow_short_sales(self, number, allow):
        portfolio = self.a_portfolio(number)
        portfolio.refresh_from_db()
        portfolio.allow_short = allow
        portfolio.save()

    @precondition(lambda self: len(self.portfolios) > 1)
    @rule(number=st.integers(0, 3 * LONGEST))
    def delete_a_portfolio(self, number):
        if number < len(self.portfolios):  # not often
            portfolio = self.portfolios.pop(number)
            key = portfolio.pk
            portfolio.delete()
            assert not MonthlyDeltas.objects.filter(portfolio_id=key).exists()


class Expected:
    """An asset's value on a day, looked up for that day alone: quantity x last price, in fractions.

    The quantities are those of assets.holdings, which has an oracle of its own.
    """

    def __init__(self, asset: Asset) -> None:
        instrument = Instrument.objects.get(pk=asset.instrument_id)
        self.firsts = {
            row.pk: date.fromordinal(min(price.on for price in prices))
            for row in Instrument.objects.all()
            if (prices := recorded_prices(row.pk, None, None))
        }
        self.held = quantities_of([asset.pk], first_prices=self.firsts)[asset.pk]
        self.ratios = self.ratios_of(instrument, asset.portfolio.household_id)
        self.max_age = 10 if instrument.max_age_days is None else instrument.max_age_days
        unit = Fraction(instrument.quote_unit)
        self.prices = {
            date.fromordinal(row.on): Fraction(row.number, 10**row.scale)
            * unit
            * self.ratio(date.fromordinal(row.on), row.adjusted_to)
            for row in recorded_prices(instrument.pk, None, None)
        }
        snapshots = AssetSnapshot.objects.filter(asset=asset).order_by("on", "observed_at")
        self.anchors = {row.on: Fraction(row.value) for row in snapshots}

    @staticmethod
    def ratios_of(instrument: Instrument, household_id) -> list[tuple[date, Fraction]]:
        rows = InstrumentAction.objects.filter(instrument=instrument, type__in=["split", "stock_dividend"])
        own = {
            (row.type, row.on, Fraction(row.numerator, row.denominator))
            for row in rows
            if row.household_id == household_id
        }
        ratios = [
            (row.type, row.on, Fraction(row.numerator, row.denominator))
            for row in rows
            if row.household_id == household_id
            or (
                row.household_id is None
                and (row.type, row.on, Fraction(row.numerator, row.denominator)) not in own
            )
        ]
        return [(on, ratio + 1 if kind == "stock_dividend" else ratio) for kind, on, ratio in ratios]

    def ratio(self, on: date, until: int) -> Fraction:
        """What one share of the day becomes up to another day, an ordinal."""
        ratio = Fraction(1)
        for split_on, each in self.ratios:
            if on < split_on and split_on.toordinal() <= until:
                ratio *= each
        return ratio

    def quantity_on(self, on: date) -> Fraction:
        return Fraction(self.held.on(on)) / 10**18

    def value_on(self, on: date) -> int | None:
        held = zip(
            self.held.days, self.held.units, strict=True
        )  # bought and sold on the first day is nothing
        was_held = any(units for other, units in held if other <= on)
        if not was_held and not any(other <= on for other in self.anchors):
            return None
        if on in self.anchors:
            return int(self.anchors[on] * EURO)
        quantity = self.quantity_on(on)
        if not quantity:
            return self.value_of_nothing_on(on)
        days = [
            other
            for other in {*self.prices, *self.anchors}
            if other <= on and (self.quantity_on(other) or other not in self.anchors)
        ]
        last = max(days, default=None)
        if last is None or (on - last).days > self.max_age:
            return None
        price = self.prices.get(last, Fraction(0))
        if last in self.anchors:
            price = self.anchors[last] / self.quantity_on(last)
        return round(quantity * price / self.ratio(last, on.toordinal()) * EURO)

    def value_of_nothing_on(self, on: date) -> int:
        """What was sold is worth nothing; what was never held is worth what was recorded last."""
        anchored = max((other for other in self.anchors if other <= on), default=None)
        changes = [other for other in self.held.days if other <= on]
        if anchored is None or any(
            self.quantity_on(other) for other in (anchored, *changes) if other >= anchored
        ):
            return 0
        return int(self.anchors[anchored] * EURO)


def test_after_any_writes_market_values_are_those_of_the_rows_and_derived_data_is_in_step(db):
    run_state_machine_as_test(
        MarketWrites,
        settings=settings(max_examples=12, stateful_step_count=20, deadline=None),
    )
