"""Each check of doctor that compares stored rows is seen red: a row is damaged behind Strata's back, and named."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from django.db.models.query import QuerySet
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import (
    Asset,
    Category,
    Depreciation,
    ExchangeRate,
    Growth,
    HeldQuantities,
    Instrument,
    Loan,
    LoanRate,
    MonthlyDeltas,
    MonthlyValues,
    PackedPrices,
    PriceBlock,
    Transaction,
    ValuationSettings,
    ValueGap,
)
from assets.services.entries.transfers import transfer
from assets.services.terms import put_terms
from portfolios.models import Membership
from strata import doctor
from strata.doctor import Level
from strata.fields.ids import uuid7
from tests.factories import add_value, create_asset, day, record_price

from .test_investments import buy, sell

pytestmark = pytest.mark.usefixtures("stored")
OF_NO_ROW = {"fonts", "clients"}  # they look at the machine, and at logins


TERMS: list[tuple[str, UUID, dict[str, Any]]] = [
    (
        "Mortgage",
        TypeId.LOAN,
        {
            "valuation": "loan",
            "principal": Decimal(1000),
            "started_on": day(0),
            "first_payment_on": day(31),
            "frequency": "monthly",
            "loan_type": "annuity",
            "term": 12,
            "payment": None,
            "day_count": "30/360",
            "rounding": "currency",
            "collateral_id": None,
            "rates": [{"on": day(0), "rate": Decimal("0.04")}],
            "extra_payments": [],
            "holidays": [],
        },
    ),
    (
        "Car",
        TypeId.VEHICLE,
        {
            "valuation": "depreciation",
            "method": "straight_line",
            "cost": Decimal(1000),
            "residual_value": Decimal(0),
            "life": 5,
            "started_on": day(0),
            "step": "day",
            "rate": None,
            "factor": None,
            "switch": False,
            "first_year_months": 12,
        },
    ),
    (
        "Deposit",
        TypeId.SAVINGS_ACCOUNT,
        {"valuation": "growth", "rate": Decimal("0.03"), "compounding": "yearly"},
    ),
]


@pytest.fixture(scope="module")
def stored(shared_rows, django_db_blocker):
    """A fund at market prices with a gap, of which a part was moved and sold; a house, and a category."""
    with django_db_blocker.unblock():
        portfolio = shared_rows["portfolio"]
        fund = Instrument.objects.create(
            household=portfolio.household, symbol="FUND", name="Fund", currency="EUR", max_age_days=20
        )
        held, moved = (
            create_asset(portfolio, name, TypeId.STOCKS, instrument=fund, valuation="market")
            for name in ("Held", "Moved")
        )
        for number, price in ((0, 10), (3, 11), (60, 12)):
            record_price(fund, day(number), price)
        buy(held, 0, 10, 100)
        transfer(held.pk, to_asset_id=moved.pk, on=day(2), quantity=Decimal(4))
        sell(moved, 3, 1, 11)
        house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
        for number, value in ((0, 500), (40, 510)):
            add_value(house, value, day(number))
        for name, type_id, terms in TERMS:
            asset = create_asset(portfolio, name, type_id)
            add_value(asset, -900 if terms["valuation"] == "loan" else 900, day(0))
            put_terms(asset.pk, terms["valuation"], terms)
        above = Category.objects.create(household=portfolio.household, name="Above")
        Category.objects.create(household=portfolio.household, name="Below", parent=above)
        today = timezone.now().date()
        for days in (2, 1):
            ExchangeRate.objects.create(currency="USD", on=today - timedelta(days), units_per_euro=2)


def asset(name: str) -> QuerySet[Asset]:
    return Asset.objects.filter(name=name)


def key(name: str) -> str:
    return f"asset {asset(name).get().pk}"


def leg_in() -> Transaction:
    return Transaction.objects.get(type="TRANSFER", asset__name="Moved")


# Each damages one row, and returns what doctor has to name.


def name_of_another_key():
    asset("House").update_unrecorded(name_key="flat")
    return "1 of assets.Asset have a wrong key"


def household_without_owner():
    Membership.objects.filter(role="owner").update_unrecorded(role="viewer")
    return "1 have no active owner"


def rate_ten_times_as_high():
    ExchangeRate.objects.create(currency="USD", on=timezone.now().date(), units_per_euro=20)
    return "USD on"


def category_below_its_own():
    below = Category.objects.get(name="Below")
    Category.objects.filter(name="Above").update_unrecorded(parent=below)
    return str(below.pk)


def share_of_two():
    asset("House").update_unrecorded(shares="2")
    return str(asset("House").get().pk)


def stored_at_another_age():
    ValuationSettings.objects.create(price_max_age_days=3)
    return "PRICE_MAX_AGE_DAYS=3"


def wrong_price(rows, **fields):
    QuerySet(rows).filter(year=2024).update(**fields)
    return f"instrument {Instrument.objects.get().pk} is wrong in 2024"


def pack_of_another_price():
    return wrong_price(PackedPrices, scale=1)


def pack_of_other_splits():
    return wrong_price(PackedPrices, adjustments="3:739585")


def pack_on_other_days():
    return wrong_price(PackedPrices, first_day=1)


def pack_that_is_gone():
    PackedPrices.objects.all().delete()
    return wrong_price(PackedPrices)


def pack_of_a_year_without_prices():
    PackedPrices.objects.update(year=2023)
    return f"instrument {Instrument.objects.get().pk} is wrong in 2023"


def pack_that_cannot_be_read():
    return wrong_price(PackedPrices, prices=b"odd")


def block_that_cannot_be_read():
    block = PriceBlock.objects.filter(year=2024).first()
    block.pk, block.prices = None, b"odd"
    block.save()
    return f"recorded prices of instrument {Instrument.objects.get().pk} cannot be read"


def prices_of_values_that_cannot_be_read():
    wrong_price(PackedPrices, prices=b"odd")
    return "what is stored cannot be read: ValueError"


def wrong_delta(on=0, **fields):
    MonthlyDeltas.objects.filter(month=day(0)).update(**fields)
    portfolio_id = asset("House").get().portfolio_id
    return f"portfolio {portfolio_id} is wrong from {day(on)} on, in EUR"


def delta_of_another_amount():
    return wrong_delta(owned_low=F("owned_low") + 1)


def delta_that_cannot_be_read():
    return wrong_delta(owned=b"odd")


def deltas_of_a_month_that_are_gone():
    MonthlyDeltas.objects.filter(month=day(31)).delete()
    return wrong_delta(on=40)


def wrong_month(name="House", **fields):
    MonthlyValues.objects.filter(asset__name=name, month=day(0)).update(**fields)
    return f"{key(name)} is wrong in 2024-01"


def month_of_another_amount():
    return wrong_month(amounts=(7).to_bytes(8, "little"))


def month_on_another_day():
    return wrong_month(days=2)


def month_of_market_prices_of_another_amount():
    return wrong_month("Held", amounts=F("amounts"), days=1)


def month_that_is_gone():
    MonthlyValues.objects.filter(asset__name="House", month=day(0)).delete()
    return wrong_month()


def month_without_values():
    row = MonthlyValues.objects.get(asset__name="House", month=day(0))
    MonthlyValues.objects.create(asset=row.asset, month=day(60), days=row.days, amounts=row.amounts)
    return f"{key('House')} is wrong in 2024-03"


def other_quantity():
    HeldQuantities.objects.filter(asset__name="Held").update(units="7")
    return f"{key('Held')} holds other quantities"


def quantity_from_another_day_on():
    days = HeldQuantities.objects.get(asset__name="Moved").days
    HeldQuantities.objects.filter(asset__name="Held").update(days=days)
    return f"{key('Held')} holds other quantities"


def gap_that_is_gone():
    gap = ValueGap.objects.filter(asset__name="Held", end_on__isnull=False).get()
    ValueGap.objects.filter(asset=gap.asset_id, start_on=gap.start_on).delete()
    return f"{key('Held')} is wrong from {gap.start_on} on"


def gap_that_ends_earlier():
    ValueGap.objects.filter(asset__name="Held", end_on__isnull=False).update(end_on=day(50))
    return f"{key('Held')} is wrong from"


def gap_of_what_was_recorded():
    ValueGap.objects.create(asset=asset("House").get(), start_on=day(3), end_on=day(4))
    return f"{key('House')} is wrong from {day(3)} on"


def leg(**fields):
    row = leg_in()
    Transaction.objects.filter(pk=row.pk).update_unrecorded(**fields)
    return str(row.transfer_id)


def leg_of_another_quantity():
    return leg(quantity=Decimal(5))


def leg_without_quantity():
    return leg(quantity=None)


def leg_on_another_day():
    return leg(on=day(1))


def leg_of_another_type():
    return leg(type="ACQUIRE", amount=40)


def third_leg():
    row = leg_in()
    third = Transaction(
        pk=uuid7(),
        asset_id=row.asset_id,
        type="TRANSFER",
        on=row.on,
        occurred_at=row.occurred_at,
        quantity=0,
        currency="EUR",
        transfer_id=row.transfer_id,
    )
    QuerySet(Transaction).bulk_create([third])
    return str(row.transfer_id)


def changed_terms(model, **columns):
    row = model.objects.get()
    QuerySet(model).filter(pk=row.pk).update(**columns)
    return f"asset {row.asset_id}: "


def loan_of_another_frequency():
    return changed_terms(Loan, frequency="bogus")


def depreciation_of_another_method():
    return changed_terms(Depreciation, method="bogus")


def loan_without_rates():
    QuerySet(LoanRate).delete()
    return key("Mortgage") + ": its terms cannot be read"


def growth_without_terms():
    QuerySet(Growth).delete()
    return key("Deposit") + ": it has no terms"


def instrument_of_a_unit_that_is_none():
    QuerySet(Instrument).filter(symbol="FUND").update(quote_unit="1/0")
    return f"instrument {Instrument.objects.get(symbol='FUND').pk}: 1/0"


def sale(**columns):
    row = Transaction.objects.get(type="DISPOSE")
    QuerySet(Transaction).filter(pk=row.pk).update(**columns)
    return f"transaction {row.pk}: "


def sale_of_another_type():
    return sale(type="BOGUS")


def sale_of_lots_that_are_none():
    return sale(lots=[{"quantity": "1"}])


def value_ten_times_as_high():
    add_value(asset("House").get(), 50_000, timezone.now().date())
    return "SUSPICIOUS_JUMP"


DAMAGES = {
    "names": [name_of_another_key],
    "households": [household_without_owner],
    "rates": [rate_ten_times_as_high],
    "categories": [category_below_its_own],
    "shares": [share_of_two],
    "forgotten data": [stored_at_another_age],
    "terms": [
        loan_of_another_frequency,
        depreciation_of_another_method,
        loan_without_rates,
        growth_without_terms,
    ],
    "instruments": [instrument_of_a_unit_that_is_none],
    "transactions": [sale_of_another_type, sale_of_lots_that_are_none],
    "prices": [
        pack_of_another_price,
        pack_of_other_splits,
        pack_on_other_days,
        pack_that_is_gone,
        pack_of_a_year_without_prices,
        pack_that_cannot_be_read,
        block_that_cannot_be_read,
    ],
    "deltas": [
        delta_of_another_amount,
        delta_that_cannot_be_read,
        deltas_of_a_month_that_are_gone,
    ],
    "monthly values": [
        month_of_another_amount,
        month_on_another_day,
        month_of_market_prices_of_another_amount,
        month_that_is_gone,
        month_without_values,
    ],
    "quantities": [other_quantity, quantity_from_another_day_on],
    "missing values": [gap_that_is_gone, gap_that_ends_earlier, gap_of_what_was_recorded],
    "transfers": [
        leg_of_another_quantity,
        leg_without_quantity,
        leg_on_another_day,
        leg_of_another_type,
        third_leg,
    ],
    "values": [value_ten_times_as_high, prices_of_values_that_cannot_be_read],
}


def bad_lines(subject: str) -> list[str]:
    return [
        finding.message
        for finding in doctor.examine()
        if finding.subject == subject and finding.level is not Level.OK
    ]


CASES = [(subject, damage) for subject, damages in DAMAGES.items() for damage in damages]


@pytest.mark.parametrize(
    ("subject", "damage"), CASES, ids=[f"{subject}: {damage.__name__}" for subject, damage in CASES]
)
def test_doctor_names_what_was_damaged(household, subject, damage):
    before = bad_lines(subject)
    expected = damage()
    after = bad_lines(subject)
    assert [any(expected in line for line in lines) for lines in (before, after)] == [False, True], after


def test_every_check_of_rows_is_seen_red():
    doctor.examine()
    assert DAMAGES.keys() == doctor._register.keys() - OF_NO_ROW - {"lots"}
