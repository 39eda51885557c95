"""The dataset I: 250 instruments in 6 currencies with 782,500 prices, of which a portfolio has 15,000 transactions."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import batched, count
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import (
    Asset,
    Instrument,
    PackedPrices,
    PriceBlock,
    PriceLoad,
    Transaction,
)
from assets.models.asset import Valuation
from assets.valuation.upkeep import forget, rebuild
from benchmarks import prices
from benchmarks.prepared import Prepared
from investments.queries.kept_ledgers import KEPT_LOTS
from portfolios.models import Household, Portfolio
from portfolios.services.households import create_household
from strata.accounts.models import User
from strata.audit import actor

OWNER = "investor"
ALL_DAYS = f"start={prices.FIRST}&end={prices.LAST}"
TRANSACTIONS_OF_AN_ASSET = 60
MOST_IN_A_BATCH = 7_500
METHODS = ("fifo", "lifo", "hifo", "average", "specific")
COIN_PLACES, COINS_A_UNIT = 10, 10**6  # a coin costs a millionth of a share
QUANTITY_PLACES = {2: 2, 4: 6, COIN_PLACES: 18}  # by the places of the prices
type Work = tuple[str, float | None, Callable[[], object]]


# --- the dataset ---


def portfolio() -> Portfolio:
    """The portfolio, made where it is missing; `fill` posts its transactions."""
    existing = Portfolio.objects.filter(household__name=OWNER, name=OWNER).first()
    if existing:
        return existing
    user = User(username=OWNER)
    user.set_unusable_password()
    user.save()
    with actor.acting(user=user, channel=actor.current().channel):
        household = create_household(user, name=OWNER)
        created: Portfolio = Portfolio.objects.create(
            household=household, name=OWNER, base_currency="EUR", time_zone="UTC"
        )
        Asset.objects.bulk_create(
            Asset(
                portfolio=created,
                asset_type_id=TypeId.STOCKS,
                name=instrument.symbol,
                currency=instrument.currency,
                instrument=instrument,
                valuation=Valuation.MARKET,
            )
            for instrument in prices.seeded(household)
        )
        rebuild(created.pk)
    return created


def fill(caller: Any) -> None:
    """Post the transactions in batches, unless there are some."""
    rows = Transaction.objects.filter(asset__portfolio=caller.portfolio)
    if rows.exists():
        return
    assets = caller.portfolio.assets.order_by("name")
    posted = [row for number, asset in enumerate(assets) for row in transactions(number, asset)]
    for batch in batched(posted, MOST_IN_A_BATCH):
        caller.send("POST", "transactions:batch", {"rows": batch})


def transactions(seed: int, asset: Asset) -> Iterator[dict[str, Any]]:
    """Mostly purchases, some sales of less than is held, and dividends, at the prices of their days, over all days."""
    chance, held = random.Random(seed), 0
    price_places = prices.places_of(number_of(asset))
    places = QUANTITY_PLACES[price_places]
    most = 90 * 10**places * (COINS_A_UNIT if price_places == COIN_PLACES else 1)
    days, numbers = prices.weekdays(prices.DAYS), prices.walk(number_of(asset), prices.DAYS)
    step = len(days) // TRANSACTIONS_OF_AN_ASSET
    for number in range(TRANSACTIONS_OF_AN_ASSET):
        day = number * step + chance.randrange(step)
        row = {
            "asset_id": str(asset.pk),
            "on": str(days[day]),
            "external_id": str(number),
            "source": OWNER,
        }
        if number % 10 == 9:
            yield row | {"type": "INCOME", "amount": f"{chance.randrange(1, 90)}.{chance.randrange(100):02}"}
            continue
        is_sale = number % 5 == 3
        units = chance.randrange(1, held) if is_sale else chance.randrange(1, most)
        held += -units if is_sale else units
        cents = max(1, 100 * units * numbers[day] // 10 ** (places + price_places))
        yield row | {
            "type": "DISPOSE" if is_sale else "ACQUIRE",
            "quantity": f"{units // 10**places}.{units % 10**places:0{places}}",
            "amount": f"{cents // 100}.{cents % 100:02}",
            "fee": "1.00",
        }


def number_of(asset: Asset) -> int:
    """The number of its instrument, from which its prices follow."""
    return int(asset.name.removeprefix(prices.SOURCE))


# --- what is measured ---


class Investor:
    """What the owner asks the API, by the functions of a Caller."""

    def __init__(self, caller: Any) -> None:
        self.caller, self.portfolio = caller, caller.portfolio
        self.turns = count(1)
        self.assets = list(self.portfolio.assets.order_by("name"))
        self.early = Transaction.objects.filter(asset=self.assets[0], type="ACQUIRE").earliest("on")
        self.entries = self._portfolio_of_entries()

    @classmethod
    def seeded(cls, caller_of: Callable[[Portfolio], Any]) -> Investor:
        caller = caller_of(portfolio())
        fill(caller)
        return cls(caller)

    def _portfolio_of_entries(self) -> list[Asset]:
        """Assets without instruments in a portfolio of their own, whose transactions of earlier runs are deleted."""
        household = self.portfolio.household
        own, _ = Portfolio.objects.get_or_create(
            household=household, name="Entries", defaults={"base_currency": "EUR", "time_zone": "UTC"}
        )
        if not own.assets.exists():
            for number in range(10):
                Asset.objects.create(
                    portfolio=own, asset_type_id=TypeId.STOCKS, name=f"Entry {number}", currency="EUR"
                )
        Transaction.objects.filter(asset__portfolio=own).delete()
        return list(own.assets.order_by("name"))

    def daily_net_worth_and_returns(self) -> None:
        """Every figure of twelve years: the series by day, twr and xirr."""
        self.daily_net_worth()
        self.caller.get(f"{self.caller.path}/performance?{ALL_DAYS}")

    def daily_net_worth(self) -> None:
        self.caller.get(f"{self.caller.path}/net-worth?interval=day&{ALL_DAYS}")

    def forget_what_is_derived(self) -> None:
        """And what was read and calculated before is of another state."""
        with transaction.atomic():
            forget(self.portfolio.pk, values_change=True)

    def performance_since_another_day(self) -> None:
        """No answer is kept for it: only the ledger and the lots are."""
        start = prices.FIRST + timedelta(days=next(self.turns) % 365)
        self.caller.get(f"{self.caller.path}/performance?start={start}&end={prices.LAST}")

    def edit_an_early_transaction(self) -> None:
        """The amount changes and the quantity too, so that later values are others. They are stored with it."""
        turn = next(self.turns)
        body = {"quantity": f"{10 + turn % 80}", "amount": f"{1000 + turn}.00"}
        self.caller.send("PATCH", f"assets/{self.early.asset_id}/transactions/{self.early.pk}", body)

    def edit_and_read(self) -> None:
        self.edit_an_early_transaction()
        self.daily_net_worth()

    def first_lots_after_a_write(self) -> None:
        """The lots of all are calculated."""
        KEPT_LOTS.clear()
        self.lots("fifo")

    def post_a_price_of_each(self) -> None:
        turn = next(self.turns)
        rows = [
            {
                "instrument_id": str(asset.instrument_id),
                "on": str(timezone.now().date()),
                "price": f"{100 + turn % 50}",
            }
            for asset in self.assets
        ]
        self.caller.send("POST", "prices:batch", {"rows": rows, "accept_jumps": True})

    def post_transactions(self) -> None:
        turn = next(self.turns)
        rows = [
            {
                "asset_id": str(self.entries[number % 10].pk),
                "type": "ACQUIRE",
                "on": str(prices.FIRST),
                "quantity": "1.5",
                "amount": f"{turn}.{number % 100:02}",
            }
            for number in range(1000)
        ]
        self.caller.send("POST", "transactions:batch", {"rows": rows})

    def lots(self, method: str) -> None:
        self.caller.get(f"lots?portfolio={self.portfolio.pk}&method={method}")


def works(investor: Investor) -> Iterator[Work]:
    is_sqlite = connection.vendor == "sqlite"
    for method in METHODS:
        yield f"I: GET lots, {method}", 50, lambda method=method: investor.lots(method)
    yield "I: GET lots, fifo, none of them kept", 50, investor.first_lots_after_a_write
    yield "I: twelve years of daily net worth, twr and xirr", 50, investor.daily_net_worth_and_returns
    from_nothing = Prepared(investor.forget_what_is_derived, investor.daily_net_worth_and_returns)
    yield "I: the same from no derived data", 1000, from_nothing
    yield "I: twr and xirr since another day each time", None, investor.performance_since_another_day
    yield "I: an early transaction edited", 50 if is_sqlite else 80, investor.edit_an_early_transaction
    yield "I: the same, and daily net worth again", None, investor.edit_and_read
    yield "I: POST prices:batch, a new price of each of 250", 100, investor.post_a_price_of_each
    yield "I: POST prices:batch, 20,000 new prices", 256, investor.caller.post_prices(20_000)
    yield "I: POST transactions:batch, 1,000 transactions", 1000, investor.post_transactions
    yield "I: 782,500 prices read", 100, prices.read_all(investor.portfolio.household)


def load_of_prices(household: Household) -> Iterator[tuple[str, float, float, None]]:
    """782,500 prices loaded once from a file into new instruments, which are deleted again; and bytes a price."""
    created = prices.instruments(household, prices.INSTRUMENTS, "loaded")
    days = prices.weekdays(prices.DAYS)
    before = bytes_of_prices()
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("instrument,on,price\n")
        for number, instrument in enumerate(created):
            places = prices.places_of(number)
            for on, price in zip(days, prices.walk(number, prices.DAYS), strict=True):
                file.write(f"{instrument.pk},{on},{price // 10**places}.{price % 10**places:0{places}}\n")
        file.flush()
        begun = time.perf_counter()
        call_command("load_prices", Path(file.name), verbosity=0)
        figure = (time.perf_counter() - begun) * 1000
    yield "I: 782,500 prices loaded from a file", 10_000, figure, None
    if before is not None:
        stored = prices.INSTRUMENTS * prices.DAYS
        yield "I: bytes a price", 30, (bytes_of_prices() - before) / stored, None
    forget_prices(created)


def bytes_of_prices() -> int | None:
    """The pages of the tables of prices, with their indexes; None on PostgreSQL."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN (%s, %s))",
            [PriceBlock._meta.db_table, PackedPrices._meta.db_table],
        )
        (size,) = cursor.fetchone()
    return int(size)


def forget_prices(instruments: list[Instrument]) -> None:
    ids = [instrument.pk for instrument in instruments]
    loads = PriceBlock.objects.filter(instrument__in=ids).order_by().values_list("load_id", flat=True)
    load_ids = list(loads.distinct())
    for rows in (
        PackedPrices.objects.filter(instrument__in=ids),
        PriceBlock.objects.filter(instrument__in=ids),
        PriceLoad.objects.filter(pk__in=load_ids),
        Instrument.objects.filter(pk__in=ids),
    ):
        rows._raw_delete(rows.db)
