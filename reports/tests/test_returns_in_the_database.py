"""Random portfolios at market prices: returns and flows agree with exact fractions, and with the report of change.

Two portfolios hold the same two securities, one of them in dollars, and the first has an account and a house, of which
the household owns a share that changes. The house moves whole to the other portfolio. What the others hold, and what
moves between them, is what the oracle of lots says; flows and values are made of that here, from the definitions alone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from assets.classification.seeds import TypeId
from assets.holdings.reading import read_ledger
from assets.models import AssetSnapshot, ExchangeRate, Instrument, InstrumentAction, Transaction
from assets.services.entries.transfers import transfer
from assets.services.instruments.prices import LoadTerms, record_prices
from assets.services.ownership import put_shares
from assets.valuation.formulas.shares import Share
from assets.valuation.upkeep import rebuild
from investments.queries.holdings import lots_of_assets
from investments.queries.performance import performance
from investments.tests.oracle import UNIT, oracle, rests
from portfolios.lot_method import LotMethod
from portfolios.models import Portfolio
from reports.queries import change_report
from strata.fields.dates import noon
from strata.fields.ids import uuid7
from tests.factories import create_asset

FIRST, SPAN = date(2024, 1, 1), 30
KINDS = ["ACQUIRE", "ACQUIRE", "ACQUIRE", "DISPOSE", "DISPOSE", "INCOME", "IN_KIND", "EXPENSE", "ADJUST"]
EXACT = [LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO, LotMethod.SPECIFIC]
ACTIONS = ["split", "stock_dividend", "return_of_capital", "spin_off", "merger"]


def on_day(number: int) -> date:
    return FIRST + timedelta(days=number)


class World:
    """Written by set, from a seed. `EUR` and `USD` are the securities, by their currency.

    With `gaps` prices are missing on some days, and count for two more days.
    """

    def __init__(self, household, seed, *, gaps=False):
        self.random = Random(seed)
        self.household, self.gaps = household, gaps
        self.portfolios = [
            Portfolio.objects.create(household=household, name=name) for name in ("One", "Two")
        ]
        self.make_prices()
        self.assets = {
            (number, code): create_asset(
                portfolio,
                code,
                TypeId.STOCKS,
                currency=code,
                instrument=self.instruments[code],
                valuation="market",
            )
            for number, portfolio in enumerate(self.portfolios)
            for code in self.instruments
        }
        self.account = create_asset(self.portfolios[0], "Account")
        self.balances = {on_day(number): self.cents(0, 10**7) for number in range(0, SPAN, 4)}
        AssetSnapshot.objects.bulk_create(
            AssetSnapshot(asset=self.account, value=value, on=on, observed_at=noon(on, "UTC"))
            for on, value in self.balances.items()
        )
        self.make_house()
        rows = [row for asset in self.assets.values() for row in self.trades(asset)]
        rows += [self.row(self.account, on_day(8), "INCOME", amount="5.5")]
        rows += [leg for number in range(3 * (seed % 2)) for leg in self.transfer(50 + number)]
        Transaction.objects.bulk_create(rows)
        self.make_actions()
        self.move_house()
        for portfolio in self.portfolios:
            rebuild(portfolio.pk)
        self.ledger = read_ledger([asset.pk for asset in self.assets.values()])

    def cents(self, least, most):
        return Decimal(self.random.randrange(least, most)) / 100

    def make_prices(self):
        self.rates = {on_day(n): Decimal(self.random.randrange(80, 160)) / 100 for n in range(SPAN + 1)}
        ExchangeRate.objects.bulk_create(
            ExchangeRate(currency="USD", on=on, units_per_euro=units) for on, units in self.rates.items()
        )
        self.instruments, self.prices = {}, {}
        for code in ("EUR", "USD"):
            instrument = Instrument.objects.create(
                household=self.household,
                symbol=code,
                name=code,
                currency=code,
                max_age_days=2 if self.gaps else None,
            )
            cents = {number: self.random.randrange(500, 3000) for number in range(SPAN + 1)}
            if self.gaps:
                cents = {number: price for number, price in cents.items() if self.random.random() < 0.4}
            rows = [(on_day(number).toordinal(), number, price, 2) for number, price in cents.items()]
            record_prices({instrument.pk: rows}, LoadTerms("test"))
            self.instruments[code] = instrument
            self.prices[code] = {on_day(number): Fraction(price, 100) for number, price in cents.items()}

    def make_house(self):
        """It has a value from the first day on, and is the household's by a share of some days."""
        self.house = create_asset(self.portfolios[0], "House", TypeId.REAL_ESTATE)
        days = [0, *self.random.sample(range(1, SPAN), 6)]
        self.house_values = {on_day(number): self.cents(10**6, 10**8) for number in days}
        AssetSnapshot.objects.bulk_create(
            AssetSnapshot(asset=self.house, value=value, on=on, observed_at=noon(on, "UTC"))
            for on, value in self.house_values.items()
        )
        self.moves_on = on_day(self.random.randrange(2, SPAN))
        changes = self.random.sample(range(1, SPAN), 2)
        shares = {on_day(number): Decimal(self.random.randrange(1, 10**6)) / 10**6 for number in changes}
        if self.random.random() < 0.5:
            shares[self.moves_on] = Decimal("0.75")
        self.shares = {FIRST - timedelta(days=9): Decimal("0.333333")} | dict(sorted(shares.items()))
        put_shares(self.house.pk, [Share(on, share) for on, share in self.shares.items()])

    def move_house(self):
        """What is recorded later is of the asset that it becomes."""
        moved = transfer(self.house.pk, to_portfolio_id=self.portfolios[1].pk, on=self.moves_on)
        later = AssetSnapshot.objects.filter(asset=self.house, on__gt=self.moves_on)
        later.update(asset=moved.leg_in.asset_id)

    def row(self, asset, on, kind, position=0, **values):
        values.setdefault("currency", asset.currency)
        return Transaction(
            asset=asset, on=on, occurred_at=noon(on, "UTC"), type=kind, position=position, **values
        )

    def trades(self, asset):
        for number in range(self.random.randrange(4, 10)):
            kind = self.random.choice(KINDS) if number else "ACQUIRE"
            on = on_day(self.random.randrange(1, SPAN) if number else 1)
            values = {"amount": self.cents(0, 10**5), "quantity": self.cents(1, 5000)}
            values |= {"fee": self.cents(0, 200), "tax": self.cents(0, 200)}
            if kind in ("INCOME", "EXPENSE"):
                values["quantity"] = None
            elif kind == "ADJUST":
                values = {"quantity": values["quantity"] - 25 or Decimal(1)}
            elif self.random.random() < 0.2:
                values["currency"] = "USD" if asset.currency == "EUR" else "EUR"
            yield self.row(asset, on, "INCOME" if kind == "IN_KIND" else kind, number, **values)

    def transfer(self, position):
        code, source = self.random.choice(["EUR", "USD"]), self.random.randrange(2)
        on, pk, quantity = on_day(self.random.randrange(2, SPAN)), uuid7(), self.cents(1, 3000)
        common = {"position": position, "transfer_id": pk}
        yield self.row(self.assets[source, code], on, "TRANSFER", id=pk, quantity=-quantity, **common)
        yield self.row(self.assets[1 - source, code], on, "TRANSFER", quantity=quantity, **common)

    def make_actions(self):
        days = self.random.sample(range(2, SPAN), 3)
        for number in sorted(days):
            kind = self.random.choice(ACTIONS)
            values = {"numerator": self.random.randrange(1, 4), "denominator": self.random.randrange(1, 4)}
            if kind == "return_of_capital":
                values = {"amount": self.cents(1, 300)}
            elif kind in ("spin_off", "merger"):
                values["to_instrument"] = self.instruments["USD"]
                values["cost_ratio" if kind == "spin_off" else "cash_cost_ratio"] = Decimal("0.25")
                values |= {"cash": self.cents(1, 300)} if kind == "merger" else {}
            InstrumentAction.objects.create(
                household=self.household,
                instrument=self.instruments["EUR"],
                type=kind,
                on=on_day(number),
                **values,
            )

    # --- by hand ---

    def rate(self, code, target, on):
        in_euros = {"EUR": Fraction(1), "USD": 1 / Fraction(self.rates[on])}
        return in_euros[code] / in_euros[target]

    def price_on(self, code, on):
        """In shares of the day; None where the last one is too old."""
        days = [day for day in self.prices[code] if day <= on and (not self.gaps or (on - day).days <= 2)]
        if not days:
            return None
        price, priced_on = self.prices[code][max(days)], max(days)
        for action in InstrumentAction.objects.filter(instrument=self.instruments[code]):
            if priced_on < action.on <= on and action.type in ("split", "stock_dividend"):
                ratio = Fraction(action.numerator, action.denominator)
                price /= ratio if action.type == "split" else 1 + ratio
        return price

    def value_of(self, on, portfolio):
        """The value of a portfolio at the end of a day, in euros, and the assets that have no price then."""
        events = {pk: cut(asset, on) for pk, asset in self.ledger.items()}
        state = oracle(events, LotMethod.FIFO, self.rate)
        value, unpriced = Fraction(0), set()
        for (owner, code), asset in self.assets.items():
            held = sum(quantity for _, quantity, _ in rests(state[asset.pk], LotMethod.FIFO))
            if owner != portfolio or not held:
                continue
            price = self.price_on(code, on)
            if price is None:
                unpriced.add(asset.pk)
            else:
                value += Fraction(held, UNIT) * price * self.rate(code, "EUR", on)
        if portfolio == 0:
            value += Fraction(max(each for each in self.balances.items() if each[0] <= on)[1])
        if (portfolio == 0) is (on < self.moves_on):
            value += self.house_on(on)
        return value, unpriced

    def house_on(self, on, share_of=None):
        """The household's part of the house; with the share of another day."""
        whole = max(each for each in self.house_values.items() if each[0] <= on)[1]
        return Fraction(whole) * self.share_on(share_of or on)

    def share_on(self, on):
        return Fraction(max(each for each in self.shares.items() if each[0] <= on)[1])

    def flows(self, portfolio):
        """What came into a portfolio on each day less what went out, in euros."""
        flows = defaultdict(Fraction)
        state = oracle(self.ledger, LotMethod.FIFO, self.rate)
        code_of = {asset.pk: code for (_, code), asset in self.assets.items()}
        owner_of = {asset.pk: owner for (owner, _), asset in self.assets.items()}
        for pk, of_asset in state.items():
            for on, source, quantity, cost in of_asset.arrived:
                price = self.price_on(code_of[pk], on)
                worth = Fraction(cost, 10_000) if price is None else Fraction(quantity, UNIT) * price
                worth *= self.rate(code_of[pk], "EUR", on)
                flows[on] += worth * ((owner_of[pk] == portfolio) - (owner_of[source] == portfolio))
            for on, paid in of_asset.paid.items():
                if owner_of[pk] == portfolio:
                    flows[on] -= Fraction(paid, 10_000) * self.rate(code_of[pk], "EUR", on)
        for row in Transaction.objects.filter(asset__in=[each.pk for each in self.assets.values()]):
            if owner_of[row.asset_id] == portfolio:
                flows[row.on] += flow_of(row) * self.rate(row.currency, "EUR", row.on)
        for on in self.shares:
            if FIRST < on != self.moves_on and (portfolio == 0) is (on < self.moves_on):
                flows[on] += self.house_on(on) - self.house_on(on, share_of=on - timedelta(days=1))
        flows[self.moves_on] += self.house_on(self.moves_on) * (1 if portfolio else -1)
        if portfolio == 0:
            days = sorted(self.balances)
            for before, on in pairwise(days):
                flows[on] += Fraction(self.balances[on] - self.balances[before])
            flows[on_day(8)] -= Fraction(11, 2)
        return flows


def cut(asset, on):
    return asset._replace(events=[event for event in asset.events if event.on <= on])


def flow_of(row):
    amount, costs = Fraction(row.amount or 0), Fraction((row.fee or 0) + (row.tax or 0))
    match row.type:
        case "ACQUIRE" | "EXPENSE":
            return amount + costs
        case "DISPOSE":
            return costs - amount
        case "INCOME":
            return costs if row.quantity else costs - amount
    return Fraction(0)


@pytest.fixture(params=[*range(6), 10, 21])  # 10 and 21 sell on the first day all that they have bought
def world(request, household):
    return World(household, request.param)


def days_agree(report, world, number) -> Fraction:
    """Compare value and flow of each day; the product of the returns of the days. None of the assets lacks a price."""
    flows, (value, _), factor = world.flows(number), world.value_of(FIRST, number), Fraction(1)
    for day in report.chain:
        (end, _), flow = world.value_of(day.on, number), flows[day.on]
        assert abs(day.end - 10_000 * end) < 10, (day.on, "value")
        assert abs(day.inflow - day.outflow - 10_000 * flow) < 10, (day.on, "flow")
        if value + max(flow, 0) > 0:
            factor *= (end + max(-flow, 0)) / (value + max(flow, 0))
        value = end
    return factor


def test_returns_agree_with_exact_fractions_and_flows_with_the_report_of_change(world):
    for number, portfolio in enumerate(world.portfolios):
        report = performance([portfolio], start=FIRST, end=on_day(SPAN), currency="EUR")
        factor = days_agree(report, world, number)
        assert report.measures.twr is not None
        assert abs(Fraction(report.measures.twr) + 1 - factor) < Fraction(1, 10**5) * max(factor, 1)
        parts = change_report([portfolio], start=FIRST, end=on_day(SPAN), currency="EUR").change.total
        moved = parts.net_flows + parts.added - parts.removed
        assert abs(10_000 * moved - report.measures.net_flows) <= 200


@pytest.mark.parametrize("seed", [*range(4), 11, 22])
def test_gaps_are_named_and_values_and_flows_agree_with_exact_fractions(household, seed):
    """An asset without a price that counts is left out of the value; what moves there is what it cost."""
    world = World(household, 100 + seed, gaps=True)
    lacking = 0
    for number, portfolio in enumerate(world.portfolios):
        report = performance([portfolio], start=FIRST, end=on_day(SPAN), currency="EUR")
        days_agree(report, world, number)
        for day in report.chain:
            unpriced = world.value_of(day.on, number)[1]
            assert {gap.asset_id for gap in report.gaps if gap.has(day.on)} == unpriced, day.on
            lacking += bool(unpriced)
        assert (report.measures.twr is None) is bool(report.gaps)
        end = world.value_of(on_day(SPAN), number)[1]
        assert (report.measures.end_value is None) is bool(end)
        change = change_report([portfolio], start=FIRST, end=on_day(SPAN), currency="EUR").change
        assert set(change.left_out) == end
    assert lacking


def test_lots_of_what_is_stored_agree_with_the_oracle(world):
    for method in EXACT:
        state = oracle(world.ledger, method, world.rate)
        reports = lots_of_assets(world.portfolios, on=on_day(SPAN), method=method)
        for report in (each for each in reports if each.asset.id in state):
            expected = state[report.asset.id]
            assert sorted((lot.quantity, lot.cost) for lot in report.lots.open) == sorted(
                (quantity, cost) for _, quantity, cost in rests(expected, method)
            )
            gained = sum(proceeds - cost for *_, cost, proceeds in expected.closed)
            assert sum(lot.proceeds - lot.cost for lot in report.lots.closed) == gained
            assert sum(gap.proceeds for gap in report.lots.missing) == sum(
                each[1] for each in expected.missing
            )
