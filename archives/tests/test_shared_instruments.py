"""A shared instrument of another installation is taken for that of the archive only where it gives the same figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from archives.services.same_figures import Figures
from archives.tests.archives import archive_of, restored
from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, InstrumentAction, PriceBlock, PriceLoad
from conftest import client_of
from portfolios.models import Household, Membership, Portfolio
from strata.accounts.models import User
from tests.factories import create_asset, record_price

pytestmark = pytest.mark.django_db
API = "/api/v1"
BOUGHT, DAY = date(2026, 1, 5), timedelta(days=1)


def shared_share(symbol="XYZ", **values) -> Instrument:
    values = {"name": "Shares", "currency": "EUR", "instrument_type": "share"} | values
    return Instrument.objects.create(symbol=symbol, **values)


def split(share: Instrument, **values) -> InstrumentAction:
    values = {"type": "split", "on": BOUGHT + DAY, "numerator": 2, "denominator": 1} | values
    return InstrumentAction.objects.create(instrument=share, **values)


class Original:
    """Ten shares of a shared instrument that has two prices and a split, and the answers at three instants."""

    def __init__(self, user):
        self.household = Household.objects.create(name="Home")
        Membership.objects.create(household=self.household, user=user, role="owner")
        portfolio = Portfolio.objects.create(household=self.household, name="All")
        self.share = shared_share()
        self.asset = create_asset(
            portfolio, "Shares", TypeId.STOCKS, instrument=self.share, valuation="market"
        )
        bought = {"type": "ACQUIRE", "on": str(BOUGHT), "quantity": "10", "amount": "100"}
        answer = client_of(user).post(f"{API}/assets/{self.asset.pk}/transactions", bought)
        assert answer.status_code == 201, answer.content
        self.instants = [timezone.now()]
        record_price(self.share, BOUGHT, 10)
        self.instants.append(timezone.now())
        record_price(self.share, BOUGHT + DAY, 7)
        split(self.share)
        self.instants.append(timezone.now())
        self.data = archive_of(self.household)


def answers(user, instants) -> list[bytes]:
    """The net worth of the first days, now and as it was known; without ids, which a copy has others of."""
    client, rows = client_of(user), []
    for known_at in ("", *(f"&known_at={quote(instant.isoformat())}" for instant in instants)):
        path = f"{API}/net-worth?start={BOUGHT}&end={BOUGHT + 2 * DAY}&interval=day{known_at}"
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        rows.append([point["net"] for point in answer.json()["points"]])
    return rows


@pytest.fixture
def ann():
    return User.objects.create(username="ann")


@pytest.fixture
def moved(ann):
    """The archive of a household of another installation, and what was answered there."""
    savepoint = transaction.savepoint_create()
    original = Original(ann)
    expected = answers(ann, original.instants)
    assert len({str(values) for values in expected}) > 2
    transaction.savepoint_rollback(savepoint)
    return original, expected


def same_prices(share):
    record_price(share, BOUGHT, 10)
    record_price(share, BOUGHT + DAY, 7)
    split(share)


ELSEWHERE = {
    "later, with the same prices": lambda: same_prices(shared_share()),
    "without prices": shared_share,
    "with another price": lambda: record_price(shared_share(), BOUGHT, 99),
    "with another unit": lambda: same_prices(shared_share(quote_unit="1/100")),
    "with a price for longer": lambda: same_prices(shared_share(max_age_days=1)),
    "with two splits": lambda: split(split_of(shared_share()), on=BOUGHT + 2 * DAY),
}


def split_of(share):
    same_prices(share)
    return share


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("is_operator", [True, False], ids=["command", "http"])
def test_the_figures_stay_now_and_at_every_instant(ann, moved, elsewhere, is_operator):
    original, expected = moved
    elsewhere()
    result = restored(original.data, ann, is_operator=is_operator)
    assert answers(ann, original.instants) == expected
    asset = Asset.objects.get(portfolio__household=result.household_id)
    assert asset.instrument.household_id == result.household_id
    (warning,) = result.warnings
    assert (warning["code"], warning["instruments"]) == ("INSTRUMENTS_COPIED", ["XYZ"])


def test_an_installation_without_it_has_nothing_to_say(ann, moved):
    original, expected = moved
    result = restored(original.data, ann)
    assert answers(ann, original.instants) == expected
    assert result.warnings == []


def test_where_it_comes_from_the_instrument_stays_shared(ann):
    """So later prices reach the copy too. Prices that were loaded since the archive was written are no difference."""
    original = Original(ann)
    record_price(original.share, BOUGHT + 2 * DAY, 8)
    split(original.share, on=BOUGHT + 2 * DAY)
    PriceLoad.objects.update_unrecorded(withdrawn_at=timezone.now())
    result = restored(original.data, ann)
    assert Asset.objects.get(portfolio__household=result.household_id).instrument_id == original.share.pk
    assert result.warnings == [] and not PriceLoad.objects.exclude(household=None).exists()


LATER = datetime(2026, 1, 1, tzinfo=UTC)
OTHER = {
    Instrument: {"quote_unit": "1/100", "max_age_days": 1, "created_at": LATER},
    PriceLoad: {"created_at": LATER, "split_adjusted": True, "adjusted_to": BOUGHT, "withdrawn_at": LATER},
    InstrumentAction: {
        "type": "stock_dividend", "on": BOUGHT, "numerator": 3, "denominator": 3, "cost_ratio": "0.5",
        "cash": "1", "cash_cost_ratio": "0.5", "amount": "1", "created_at": LATER,
    },
}  # fmt: skip
CHANGES = [(model, name) for model, values in OTHER.items() for name in values]


@pytest.mark.parametrize(
    ("model", "name"), CHANGES, ids=[f"{model.__name__}-{name}" for model, name in CHANGES]
)
def test_each_thing_that_decides_the_figures_is_compared(ann, model, name):
    """Where the archive comes from, and nothing else differs."""
    original = Original(ann)
    row = model._base_manager.order_by("pk").first()
    QuerySet(model).filter(pk=row.pk).update(**{name: OTHER[model][name]})
    result = restored(original.data, ann, dry_run=True)
    assert [warning["code"] for warning in result.warnings] == ["INSTRUMENTS_COPIED"]


@pytest.mark.on_sqlite
@pytest.mark.parametrize("name", ["year", "first_day", "days", "scale", "width", "prices", "load_id"])
def test_each_part_of_a_block_of_prices_is_compared(name):
    """No database lets a block be changed."""
    block = dict.fromkeys(("year", "first_day", "days", "scale", "width", "prices"), 1)
    block |= {"instrument_id": "share", "load_id": "load"}
    figures = [Figures({"share": "share"}, LATER) for _ in range(3)]
    for each, value in zip(figures, (block[name], block[name], "other"), strict=True):
        for load_id in ("load", "other"):
            each.see(PriceLoad, {"id": load_id, "created_at": load_id})
        each.see(PriceBlock, {**block, name: value})
    assert figures[0].differing(figures[1]) == set()
    assert figures[0].differing(figures[2]) == {"share"}


def test_of_two_alike_the_one_with_the_id_is_the_same(ann):
    older = shared_share()
    original = Original(ann)
    result = restored(original.data, ann)
    copy = Asset.objects.get(portfolio__household=result.household_id)
    assert copy.instrument_id == original.share.pk != older.pk


def test_what_becomes_another_instrument_goes_with_it(ann):
    """The shares of a merger go to the asset that holds the new instrument, which is the household's own."""
    original = Original(ann)
    merged = shared_share("NEW")
    into = {"type": "merger", "on": BOUGHT + 2 * DAY, "to_instrument": merged}
    split(original.share, **into)
    data = archive_of(original.household)
    Instrument.objects.filter(pk=merged.pk).update_unrecorded(quote_unit="1/100")
    result = restored(data, ann)
    copies = Instrument.objects.filter(household=result.household_id)
    assert sorted(copies.values_list("symbol", flat=True)) == ["NEW", "XYZ"]
    action = InstrumentAction.objects.get(household=result.household_id, type="merger")
    assert action.to_instrument.household_id == result.household_id
