"""Values at market prices: whose revision a new price raises, and the past as it was known."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.services.entries.transfers import transfer
from assets.services.instrument_actions import add_action
from assets.tests.conftest import create_instrument
from assets.tests.test_market_values import path, values_of
from portfolios.models import Portfolio
from tests.factories import add_value, create_asset, day, record_price


def revisions() -> dict:
    return dict(Portfolio.objects.values_list("pk", "revision"))


@pytest.mark.parametrize("valued", ["market", "index", "manual"])
def test_a_price_raises_the_revision_of_those_who_hold_it_and_of_no_others(
    portfolio, household, fund, house_prices, valued
):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    create_asset(portfolio, "Fund", TypeId.STOCKS, instrument=fund, valuation=valued)
    create_asset(other, "House", TypeId.STOCKS, instrument=house_prices, valuation="index")
    before = revisions()
    record_price(fund, day(2), 22)
    assert revisions() == before | {portfolio.pk: before[portfolio.pk] + 1}


def test_what_is_linked_by_an_action_and_a_transfer_has_a_new_revision_too(portfolio, household, fund):
    """Shares of a spin-off were moved to another portfolio: a purchase of the parent changes how many."""
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    child = create_instrument(household, "CHILD")
    for on in range(0, 12, 4):
        record_price(child, day(on), 5)
    at_market = {"valuation": "market", "asset_type": TypeId.STOCKS}
    parent = create_asset(portfolio, "Parent", instrument=fund, **at_market)
    received = create_asset(portfolio, "Received", instrument=child, **at_market)
    moved = create_asset(other, "Moved", instrument=child, **at_market)
    add_action(
        household.pk, instrument_id=fund.pk, to_instrument_id=child.pk, type="spin_off", on=day(3),
        numerator=1, denominator=1, cost_ratio=Decimal("0.5"),
    )  # fmt: skip
    received.transactions.create(
        type="ACQUIRE", on=day(3), occurred_at=timezone.now(), quantity=1, amount=5, currency="EUR"
    )
    transfer(received.pk, to_asset_id=moved.pk, on=day(5), quantity=Decimal(4))
    before = revisions()
    parent.transactions.create(
        type="ACQUIRE", on=day(0), occurred_at=timezone.now(), quantity=4, amount=80, currency="EUR"
    )
    assert values_of(moved)[day(5)] == 20
    assert revisions()[other.pk] == before[other.pk] + 1


def test_the_past_is_as_it_was_known(alice, portfolio, holding, fund):
    report = f"/api/v1/portfolios/{portfolio.pk}/net-worth?start=2023-12-30&end=2024-01-08&interval=day"
    reads = [report, f"{path(holding)}?on=2024-01-05", f"{path(holding)}/values?interval=day&end=2024-01-08"]
    reads += [f"{path(holding)}/terms"]
    known: list[tuple] = []

    def note():
        known.append((timezone.now(), [alice.get(read).content for read in reads]))

    note()
    record_price(fund, day(3), 30)
    note()
    record_price(fund, day(-2), 7)
    note()
    bought = {"type": "ACQUIRE", "on": "2024-01-02", "quantity": "4", "amount": "80"}
    assert alice.post(f"{path(holding)}/transactions", bought).status_code == 201
    note()
    add_value(holding, 1000, day(4))
    note()
    split = {"type": "split", "on": "2024-01-06", "numerator": 2, "denominator": 1}
    assert alice.post(f"/api/v1/instruments/{fund.pk}/actions", split).status_code == 201
    note()
    assert alice.patch(f"/api/v1/instruments/{fund.pk}", {"max_age_days": 1}).status_code == 200
    note()
    assert alice.patch(path(holding), {"valuation": "index"}).status_code == 200
    note()
    assert alice.patch(path(holding), {"valuation": "manual", "instrument_id": None}).status_code == 200
    assert len({tuple(answers) for _, answers in known}) == len(known)
    for instant, answers in known:
        at = instant.isoformat().replace("+", "%2B")
        again = [alice.get(f"{read}{'&' if '?' in read else '?'}known_at={at}").content for read in reads]
        assert again == answers
