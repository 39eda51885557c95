"""What the demo's assets are worth, computed by hand from their terms and their invented prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import translation

from assets.models import Asset, ExchangeRate, Transaction
from demo import household as demo
from demo.prices import CONSUMER_PRICES
from portfolios.models import Household
from strata.accounts.models import User

API = "/api/v1"
TODAY = date(2026, 11, 29)  # a Sunday


@pytest.fixture
def household(db) -> Household:
    ExchangeRate.objects.create(currency="USD", on=TODAY, units_per_euro="1.25", source="ecb")
    ExchangeRate.objects.create(currency="CHF", on=TODAY, units_per_euro="0.8", source="ecb")
    return demo.build(User.objects.create(username="anna", is_staff=True), TODAY)


@pytest.fixture
def anna(household) -> Client:
    client = Client()
    client.force_login(household.memberships.get().user)
    return client


def answer(client, path, **params) -> dict:
    response = client.get(f"{API}/{path}", params)
    assert response.status_code == 200, response.content
    return response.json()


def value_on(client, name, on=TODAY) -> tuple[str, str]:
    """The value and where it comes from."""
    pk = Asset.objects.get(name=name).pk
    (point,) = answer(client, f"assets/{pk}/values", start=str(on), end=str(on))["points"]
    return point["value"], point["source"]


def test_each_value_follows_from_its_terms(anna):
    # 121.4 in the quarter of December 2024, and 9.3 more in that of November 2026.
    assert value_on(anna, "Flat in Lindenstrasse") == (f"{Decimal(312000) * 1307 / 1214:.4f}", "index")
    # 13.5 % of 18,900 in the first year, and 13.5 % of the rest in 363 of the 365 days of the second.
    after_a_year = Decimal(18900) * Decimal("0.865")
    value = after_a_year - after_a_year * Decimal("0.135") * 363 / 365
    assert value_on(anna, "Car") == (f"{value:.4f}", "depreciation")
    owed = Decimal(214800)
    for month in range(1, 24):
        rate = Decimal("0.0252") if month <= 12 else Decimal("0.0315")
        owed -= 980 - round(owed * rate / 12, 2)
    assert value_on(anna, "Mortgage") == (f"-{owed}", "schedule") == ("-203553.09", "schedule")


def test_fund_is_bought_split_and_sold(anna):
    fund = Asset.objects.get(name="World index fund")
    holding = answer(anna, f"assets/{fund.pk}/holding", on=str(TODAY))
    # 180 at first and 3 in each of 14 months, two for one, 6 in each of 9 months, 40 sold.
    quantity = (180 + 14 * 3) * 2 + 9 * 6 - 40
    assert (quantity, holding["quantity"], holding["price"]) == (458, "458", "62.12")
    assert holding["value"] == f"{quantity * Decimal('62.12')}" == "28450.96"
    before, after = (value_on(anna, fund.name, date(2026, 2, day))[0] for day in (27, 28))
    split = value_on(anna, fund.name, date(2026, 3, 2))[0]  # with six more shares, of 444
    assert before == after and Decimal("0.98") < Decimal(split) / Decimal(before) < Decimal("1.04")
    (sold, *_), entries = (
        answer(anna, f"assets/{fund.pk}/lots", closed="1")["closed"],
        Transaction.objects.filter(asset=fund),
    )
    assert sold["quantity"] == "40" and entries.filter(type="INCOME").count() == 8
    assert entries.filter(type="ACQUIRE").count() == 24


def test_total_is_the_sum_of_what_is_shown(anna):
    shown = answer(anna, "net-worth", end=str(TODAY), start=str(TODAY))["points"][-1]
    # The flat, the car, the bonds, bitcoin and the other things; the loan and the card; then dollars and francs.
    euros = Decimal("335901.1532") + Decimal("14153.5459") + 100 * Decimal("121.65") + Decimal("9537.33")
    euros += Decimal("3024.08") + 17800 + 8050 + 7200 - Decimal("203553.09") - 715
    total = euros + Decimal("28450.96") / Decimal("1.25") + Decimal(5280) / Decimal("0.8")
    assert (shown["net"], shown["complete"]) == (f"{total:.2f}", True) == ("232923.79", True)


def test_nothing_of_it_needs_attention(household, anna):
    ExchangeRate.objects.create(currency="USD", on=date(2024, 12, 1), units_per_euro="1.2", lasting=True)
    ExchangeRate.objects.create(currency="CHF", on=date(2024, 12, 1), units_per_euro="0.8", lasting=True)
    portfolio = household.portfolios.get()
    report = answer(anna, f"portfolios/{portfolio.pk}/quality", on=str(TODAY))
    prices = {"NO_PRICE", "STALE_PRICE", "PRICE_JUMP", "MISSING_QUANTITY", "LOAN_DRIFT", "MISSING_COST"}
    assert not prices & {finding["code"] for finding in report["findings"]}
    index = household.instruments.get(symbol=CONSUMER_PRICES)
    points = answer(anna, "net-worth", interval="month", real=str(index.pk), end=str(TODAY))["points"]
    assert len(points) == 24 and all(point["net"] for point in points)


def test_demo_is_the_same_twice_but_for_its_language(household):
    def rows(household) -> list:
        of_assets = Transaction.objects.filter(asset__portfolio__household=household).order_by(
            "on", "amount", "type"
        )
        return list(of_assets.values_list("type", "on", "amount", "quantity", "fee", "tax"))

    with translation.override("de"):
        german = demo.build(User.objects.create(username="berta"), TODAY)
    names = set(german.instruments.values_list("name", flat=True))
    assert names == {"Welt-Indexfonds", "Euro-Rentenfonds", "Hauspreise", "Verbraucherpreise"}
    assert rows(german) == rows(household)
