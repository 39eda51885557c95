"""A price and a write of what has its values from it do not deadlock, and neither misses the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Instrument
from assets.services.instruments.prices import LoadTerms, record_prices
from assets.valuation import months
from assets.valuation.deltas import calculated, stored
from conftest import client_of, member
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from strata.db import retry
from strata.tenancy.roles import OWNER
from tests.factories import create_asset
from tests.interleaving import retry_reasons, run_interleaved

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_postgresql]
DAY = date(2026, 1, 5)


class World:
    """Shares that every household may hold, with a price, held in one portfolio; and another portfolio without them."""

    def __init__(self) -> None:
        self.household = Household.objects.create(name="Household")
        self.alice = member(self.household, f"alice {uuid4()}", OWNER)
        self.rita = User.objects.create(username=f"rita {uuid4()}", is_superuser=True)
        self.portfolio, self.other = (
            Portfolio.objects.create(household=self.household, name=name) for name in ("Main", "Other")
        )
        self.shares = Instrument.objects.create(symbol=uuid4().hex, name="Shares", currency="EUR")
        self.record_price(DAY, 5)
        self.asset = create_asset(
            self.portfolio, "Held", TypeId.STOCKS, instrument=self.shares, quantity=2, valuation="market"
        )
        self.by_hand = create_asset(
            self.other, "By hand", TypeId.STOCKS, instrument=self.shares, quantity=3, valuation="manual"
        )
        now = timezone.now()
        AssetSnapshot.objects.create(asset=self.by_hand, value=1, on=now.date(), observed_at=now)

    def record_price(self, on: date, price: int) -> None:
        prices = {self.shares.pk: [(on.toordinal(), 0, price, 0)]}
        retry.run_in_transaction(lambda: record_prices(prices, LoadTerms("test", accept_jumps=True)))

    def ask(self, method: str, path: str, body: dict | None = None, user: User | None = None) -> int:
        client = client_of(user or self.alice)
        client.raise_request_exception = False
        return getattr(client, method)(f"/api/v1/{path}", body).status_code

    def new_asset(self) -> dict[str, str | int]:
        return {
            "name": "New",
            "portfolio_id": str(self.other.pk),
            "asset_type_id": TypeId.STOCKS,
            "instrument_id": str(self.shares.pk),
            "quantity": "4",
            "valuation": "market",
        }


RECORD = "record a price"
WRITES: dict[str, Callable[[World], Any]] = {
    RECORD: lambda w: w.record_price(DAY + timedelta(1), 6),
    "hold more": lambda w: w.ask("patch", f"assets/{w.asset.pk}", {"quantity": "7"}),
    "begin to hold": lambda w: w.ask("post", "assets", w.new_asset()),
    "value at market prices": lambda w: w.ask("patch", f"assets/{w.by_hand.pk}", {"valuation": "market"}),
    "move what is held": lambda w: w.ask("patch", f"assets/{w.asset.pk}", {"portfolio_id": str(w.other.pk)}),
    "change the instrument": lambda w: w.ask(
        "patch", f"instruments/{w.shares.pk}", {"max_age_days": 9}, w.rita
    ),
    "delete what is held": lambda w: w.ask("delete", f"assets/{w.asset.pk}"),
}
OTHERS = [name for name in WRITES if name != RECORD]


@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize("name", OTHERS)
def test_a_price_and_what_has_its_values_from_it_wait_without_a_deadlock(monkeypatch, name, swapped):
    """At whichever point the first writer stops, holding what it has locked."""
    names = (name, RECORD) if swapped else (RECORD, name)
    for point in count(1):
        world = World()
        with retry_reasons(monkeypatch) as retries, monkeypatch.context() as patch:
            patch.setattr(retry, "PAUSE_SECONDS", (0, 0))
            works = [partial(WRITES[each], world) for each in names]
            answers, was_stopped = run_interleaved(*works, stop_after=point)
        assert retry.DEADLOCK not in retries, (point, retries)
        assert set(answers) < {None, 200, 201, 204}, (point, answers)
        assert_in_step(world, point)
        if not was_stopped:
            break
    assert point > 4


def assert_in_step(world: World, point: int) -> None:
    for portfolio in (world.portfolio, world.other):
        assert stored(portfolio.pk) == calculated(portfolio.pk), (point, portfolio.name)
    valuations = dict(
        Asset.objects.filter(portfolio__household=world.household).values_list("pk", "valuation")
    )
    assert months.stored(valuations) == months.calculated(valuations), point
