"""Random portfolios at market prices: returns and flows agree with exact fractions, and with the report of change.

Two portfolios hold the same two securities, one of them in dollars, and the first has an account. What their assets
hold, and what moves between them, is what the oracle of lots says; flows and values are made of that here, from the
definitions alone.
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
from assets.services.instruments.prices import LoadTerms, record_prices
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
    """Written by set, from a seed. `EUR` and `USD` are the securities, by their currency."""

    def __init__(self, household, seed):
        self.random = Random(seed)
        self.household = household
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
        rows = [row for asset in self.assets.values() for row in self.trades(asset)]
        rows += [self.row(self.account, on_day(8), "INCOME", amount="5.5")]
        rows += [leg for _ in range(3 * (seed % 2)) for leg in self.transfer()]
        Transaction.objects.bulk_create(rows)
        self.make_actions()
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
                household=self.household, symbol=code, name=code, currency=code
            )
            cents = [self.random.randrange(500, 3000) for _ in range(SPAN + 1)]
            rows = [(on_day(number).toordinal(), number, price, 2) for number, price in enumerate(cents)]
            record_prices({instrument.pk: rows}, LoadTerms("test"))
            self.instruments[code] = instrument
            self.prices[code] = {on_day(number): Fraction(price, 100) for number, price in enumerate(cents)}

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

    def transfer(self):
        code, source = self.random.choice(["EUR", "USD"]), self.random.randrange(2)
        on, pk, quantity = on_day(self.random.randrange(2, SPAN)), uuid7(), self.cents(1, 3000)
        common = {"position": 50, "transfer_id": pk}
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

    def value_of(self, number, on, portfolio):
        """The value of an asset of the portfolio at the end of a day, in euros."""
        events = {pk: cut(asset, on) for pk, asset in self.ledger.items()}
        state = oracle(events, LotMethod.FIFO, self.rate)
        value = Fraction(0)
        for (owner, code), asset in self.assets.items():
            if owner == portfolio:
                held = sum(quantity for _, quantity, _ in rests(state[asset.pk], LotMethod.FIFO))
                value += Fraction(held, UNIT) * self.prices[code][on] * self.rate(code, "EUR", on)
        if portfolio == 0:
            value += Fraction(max(each for each in self.balances.items() if each[0] <= on)[1])
        return value

    def flows(self, portfolio):
        """What came into a portfolio on each day less what went out, in euros."""
        flows = defaultdict(Fraction)
        state = oracle(self.ledger, LotMethod.FIFO, self.rate)
        code_of = {asset.pk: code for (_, code), asset in self.assets.items()}
        owner_of = {asset.pk: owner for (owner, _), asset in self.assets.items()}
        for pk, of_asset in state.items():
            for on, source, quantity in of_asset.arrived:
                worth = (
                    Fraction(quantity, UNIT)
                    * self.prices[code_of[pk]][on]
                    * self.rate(code_of[pk], "EUR", on)
                )
                flows[on] += worth * ((owner_of[pk] == portfolio) - (owner_of[source] == portfolio))
            for on, paid in of_asset.paid.items():
                if owner_of[pk] == portfolio:
                    flows[on] -= Fraction(paid, 10_000) * self.rate(code_of[pk], "EUR", on)
        for row in Transaction.objects.filter(asset__in=[each.pk for each in self.assets.values()]):
            if owner_of[row.asset_id] == portfolio:
                flows[row.on] += flow_of(row) * self.rate(row.currency, "EUR", row.on)
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


@pytest.fixture(params=range(8))
def world(request, household):
    return World(household, request.param)


def test_returns_agree_with_exact_fractions_and_flows_with_the_report_of_change(world):
    for number, portfolio in enumerate(world.portfolios):
        report = performance([portfolio], start=FIRST, end=on_day(SPAN), currency="EUR")
        flows, value, factor = world.flows(number), world.value_of(number, FIRST, number), Fraction(1)
        for day in report.chain:
            end, flow = world.value_of(number, day.on, number), flows[day.on]
            assert abs(day.end - 10_000 * end) < 10, (day.on, "value")
            assert abs(day.inflow - day.outflow - 10_000 * flow) < 10, (day.on, "flow")
            if value + max(flow, 0) > 0:
                factor *= (end + max(-flow, 0)) / (value + max(flow, 0))
            value = end
        assert report.measures.twr is not None
        assert abs(Fraction(report.measures.twr) + 1 - factor) < Fraction(1, 10**5) * max(factor, 1)
        parts = change_report([portfolio], start=FIRST, end=on_day(SPAN), currency="EUR").change.total
        moved = parts.net_flows + parts.added - parts.removed
        assert abs(10_000 * moved - report.measures.net_flows) <= 200


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
