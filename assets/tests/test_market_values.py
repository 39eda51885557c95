"""Assets at market prices, and assets that follow an index: how they are set, and what they are worth."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets import valuation
from assets.classification.seeds import TypeId
from assets.doctor import (
    gaps_are_what_the_values_give,
    monthly_values_are_what_the_values_give,
    wrong_quantities,
)
from assets.models import Asset, HeldQuantities, MonthlyDeltas, MonthlyValues
from assets.tests.conftest import create_instrument
from assets.valuation import registry
from assets.valuation.protocol import EditTarget, MissingPrice
from assets.valuation.upkeep import is_outdated, rebuild
from portfolios.models import Household, Portfolio
from strata.doctor import Level
from tests.admin_forms import staff, url
from tests.factories import add_value, create_asset, day, record_price

EURO = 10_000


@pytest.fixture
def house(portfolio, house_prices):
    """Worth 200,000 on day 10."""
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE, instrument=house_prices, valuation="index")
    add_value(asset, 200_000, day(10))
    return asset


def path(asset: Asset) -> str:
    return f"/api/v1/assets/{asset.pk}"


def values_of(asset) -> dict[date, int | None]:
    """By the derived tables; and those are what the values give."""
    assert not is_outdated(asset.portfolio_id)
    asset.refresh_from_db()
    ((_, series),) = valuation.value_series([valuation.ref_of(asset)], start=date.min, end=date.max)
    return {on: value and value / EURO for on, value in zip(series.days, series.values, strict=True)}


def without_keys(values: dict, keys: set) -> dict:
    return {key: value for key, value in values.items() if key not in keys}


def net(portfolio, on) -> Decimal:
    return valuation.amounts_on([portfolio.pk], on).get(portfolio.pk, {}).get("EUR", Decimal(0))


# --- how it is set ---


@pytest.mark.parametrize("valued", ["market", "index"])
def test_terms_are_the_instrument(alice, portfolio, fund, valued):
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS)
    terms = {"valuation": valued, "instrument_id": str(fund.pk)}
    answer = alice.put(f"{path(asset)}/terms", terms)
    assert (answer.status_code, answer.json()) == (200, terms)
    assert alice.get(f"{path(asset)}/terms").json() == terms
    shown = alice.get(path(asset)).json()
    assert (shown["valuation"], shown["instrument_id"]) == (valued, str(fund.pk))
    assert alice.put(f"{path(asset)}/terms", {"valuation": "market"}).json() == terms | {
        "valuation": "market"
    }


def test_an_asset_may_be_made_at_market_prices(alice, portfolio, fund):
    body = {
        "name": "Fund",
        "portfolio_id": str(portfolio.pk),
        "asset_type_id": TypeId.STOCKS,
        "valuation": "market",
        "instrument_id": str(fund.pk),
        "quantity": "3",
        "acquired_on": "2024-01-02",
    }
    created = alice.post("/api/v1/assets", body)
    assert created.status_code == 201
    assert values_of(Asset.objects.get(pk=created.json()["id"])) == {day(1): 63, day(12): None}


def test_a_change_of_the_valuation_needs_no_terms_but_an_instrument(alice, portfolio, fund):
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS, quantity=Decimal(2))
    for valued in ("market", "index"):
        refused = alice.patch(path(asset), {"valuation": valued})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "instrument_id")
        refused = alice.put(f"{path(asset)}/terms", {"valuation": valued})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "instrument_id")
    changes = {"valuation": "market", "instrument_id": str(fund.pk)}
    assert alice.patch(path(asset), changes).status_code == 200
    assert values_of(asset) == {day(0): 40, day(1): 42, day(12): None}
    refused = alice.patch(path(asset), {"instrument_id": None})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "instrument_id")
    assert alice.patch(path(asset), {"valuation": "manual", "instrument_id": None}).status_code == 200
    assert values_of(asset) == {}
    assert alice.get(f"{path(asset)}/terms").status_code == 404


@pytest.mark.parametrize("valued", ["market", "index"])
def test_an_instrument_in_another_currency_is_refused_and_one_of_others_is_not_there(
    alice, portfolio, household, valued
):
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS)
    dollars = create_instrument(household, currency="USD")
    foreign = create_instrument(Household.objects.create(name="Others"))
    for send in (
        lambda body: alice.put(f"{path(asset)}/terms", body),
        lambda body: alice.patch(path(asset), body),
    ):
        refused = send({"valuation": valued, "instrument_id": str(dollars.pk)})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "instrument_id")
        missing = send({"valuation": valued, "instrument_id": str(foreign.pk)})
        assert (missing.status_code, missing.json()["code"]) == (404, "INSTRUMENT_NOT_FOUND")


def test_what_is_owned_in_part_is_not_valued_at_market_prices(alice, portfolio, fund):
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    shares = {"shares": [{"on": None, "share": "0.5"}]}
    assert alice.put(f"{path(asset)}/ownership", shares).status_code == 200
    terms = {"valuation": "market", "instrument_id": str(fund.pk)}
    for refused in (alice.put(f"{path(asset)}/terms", terms), alice.patch(path(asset), terms)):
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["field"]) == (400, "valuation")
    assert alice.put(f"{path(asset)}/terms", terms | {"valuation": "index"}).status_code == 200


def test_the_currency_of_an_instrument_stays_while_assets_have_it(alice, holding, fund, house_prices):
    refused = alice.patch(f"/api/v1/instruments/{fund.pk}", {"currency": "USD"})
    assert (refused.status_code, refused.json()["code"]) == (409, "CURRENCY_IN_USE")
    assert alice.patch(f"/api/v1/instruments/{house_prices.pk}", {"currency": "USD"}).status_code == 200


def test_terms_of_a_loan_go_when_prices_take_their_place(alice, portfolio, fund):
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS)
    assert alice.put(f"{path(asset)}/terms", {"valuation": "growth", "rate": "0.03"}).status_code == 200
    terms = {"valuation": "market", "instrument_id": str(fund.pk)}
    assert alice.put(f"{path(asset)}/terms", terms).status_code == 200
    assert not hasattr(Asset.objects.get(pk=asset.pk), "growth_terms")


def test_viewers_read_terms_and_write_none(vera, holding, fund):
    assert vera.get(f"{path(holding)}/terms").status_code == 200
    terms = {"valuation": "index", "instrument_id": str(fund.pk)}
    assert vera.put(f"{path(holding)}/terms", terms).status_code == 403


# --- what a holding is worth ---


def test_a_holding_is_worth_its_quantity_at_the_last_price(portfolio, holding):
    assert values_of(holding) == {day(0): 200, day(1): 210, day(12): None}
    assert [net(portfolio, day(number)) for number in (-1, 0, 5, 11, 12)] == [0, 200, 210, 210, 0]


def test_a_new_price_is_in_net_worth(alice, portfolio, holding, fund):
    prices = f"/api/v1/instruments/{fund.pk}/prices"
    assert alice.post(prices, {"on": "2024-01-05", "price": "22.5"}).status_code == 201
    assert values_of(holding)[date(2024, 1, 5)] == 225
    answer = alice.get(f"/api/v1/portfolios/{portfolio.pk}/net-worth?start=2024-01-05&end=2024-01-05").json()
    assert answer["points"][-1]["net"] == "225.00"
    assert alice.get(f"{path(holding)}?on=2024-01-06").json()["current_value_on"] == "2024-01-05"


def test_a_later_price_is_multiplied_by_what_is_stored_of_the_quantities(holding, fund):
    with CaptureQueriesContext(connection) as seen:
        record_price(fund, day(9), 22)
    assert values_of(holding) == {day(0): 200, day(1): 210, day(9): 220, day(20): None}
    assert not any('"assets_transaction"."quantity"' in query["sql"] for query in seen)
    HeldQuantities.objects.all().delete()
    record_price(fund, day(12), 23)
    assert values_of(holding) == {day(0): 200, day(1): 210, day(9): 220, day(12): 230, day(23): None}
    assert HeldQuantities.objects.get().units == f"{10 * 10**18}"


def test_doctor_finds_and_rebuild_fixes_quantities_that_are_wrong(portfolio, holding):
    HeldQuantities.objects.update(units="7")
    assert list(wrong_quantities()) == [f"asset {holding.pk} holds other quantities"]
    assert is_outdated(portfolio.pk)
    rebuild(portfolio.pk)
    assert not is_outdated(portfolio.pk) and not list(wrong_quantities())
    HeldQuantities.objects.all().delete()  # computed from the transactions where they are missing
    assert not is_outdated(portfolio.pk)


def test_doctor_finds_and_rebuild_deletes_quantities_of_an_asset_without_market_prices(portfolio, holding):
    stored = HeldQuantities.objects.get()
    by_hand = create_asset(portfolio, "House", TypeId.STOCKS)
    HeldQuantities.objects.create(asset=by_hand, days=stored.days, units=stored.units)
    assert list(wrong_quantities()) == [f"asset {by_hand.pk} holds other quantities"]
    rebuild(portfolio.pk)
    assert HeldQuantities.objects.get() == stored and not list(wrong_quantities())


def test_a_late_price_changes_its_days_alone(holding, fund):
    record_price(fund, day(40), 30)
    before = values_of(holding)
    record_price(fund, day(15), 25)
    assert values_of(holding) == before | {day(15): 250, day(26): None}
    record_price(fund, day(-3), 10)  # the first one now: ten shares are held from here on
    assert values_of(holding) == before | {day(-3): 100, day(15): 250, day(26): None}


def test_a_late_price_leaves_what_is_known_of_later_months(alice, holding, fund):
    """A recorded value, and a sale, after the months that the price concerns."""
    add_value(holding, 300, day(75))
    bought = {"type": "ACQUIRE", "on": "2023-12-01", "quantity": "10", "amount": "80"}
    sold = {"type": "DISPOSE", "on": "2024-04-30", "quantity": "4", "amount": "80"}
    for trade in (bought, sold):
        assert alice.post(f"{path(holding)}/transactions", trade).status_code == 201
    before = values_of(holding)
    record_price(fund, day(5), 25)
    assert values_of(holding) == without_keys(before, {day(12)}) | {day(5): 250, day(16): None}


def test_transactions_are_what_is_held(alice, holding):
    transactions = f"{path(holding)}/transactions"
    bought = {"type": "ACQUIRE", "on": "2024-01-01", "quantity": "4", "amount": "80"}
    assert alice.post(transactions, bought).status_code == 201
    assert values_of(holding) == {day(0): 80, day(1): 84, day(12): None}
    sale = {"type": "DISPOSE", "on": "2024-01-03", "quantity": "4", "amount": "80"}
    sold = alice.post(transactions, sale).json()
    assert values_of(holding) == {day(0): 80, day(1): 84, day(2): 0}
    assert alice.patch(f"{transactions}/{sold['id']}", {"quantity": "3"}).status_code == 200
    assert values_of(holding) == {day(0): 80, day(1): 84, day(2): 21, day(12): None}
    assert alice.delete(f"{transactions}/{sold['id']}").status_code == 204
    assert values_of(holding) == {day(0): 80, day(1): 84, day(12): None}


def test_a_recorded_value_is_a_price_until_the_next(holding, fund):
    anchor = add_value(holding, 300, day(2))
    assert values_of(holding) == {day(0): 200, day(1): 210, day(2): 300, day(13): None}
    record_price(fund, day(4), 22)
    assert values_of(holding) == {day(0): 200, day(1): 210, day(2): 300, day(4): 220, day(15): None}
    anchor.delete()
    assert values_of(holding) == {day(0): 200, day(1): 210, day(4): 220, day(15): None}


def test_a_later_start_finds_the_price_before_those_that_recorded_values_hide(alice, portfolio, fund):
    """A recorded value of a day on which nothing is held hides the price of that day: the one before it counts."""
    for number in (2, 3):
        record_price(fund, day(number), 50)
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS, instrument=fund, valuation="market")
    for number in (1, 3):
        add_value(asset, 7, day(number))
    bought = {"type": "ACQUIRE", "on": str(day(4)), "quantity": "1", "amount": "20"}
    assert alice.post(f"{path(asset)}/transactions", bought).status_code == 201
    for hidden, counts in ((None, 50), (day(2), 20)):
        if hidden:
            add_value(asset, 7, hidden)
        whole = values_of(asset)
        assert whole[day(4)] == counts
        for number in range(1, 14):
            on = day(number)
            ((*_, amounts),) = registry.values({asset.pk: "market"}, on, on)
            value = next(value for at, value in reversed(whole.items()) if at <= on)
            assert amounts[-1] == (value and value * EURO)
        (point,) = points_of(alice, asset, day(5), day(5))
        assert point[1:] == (
            f"{counts}.00",
            "price",
            "1",
            f"{counts}",
            str(day(2) if counts == 50 else day(0)),
        )


def test_quantity_day_of_purchase_unit_and_age_decide(alice, holding, fund):
    assert alice.patch(path(holding), {"quantity": "5"}).status_code == 200
    assert values_of(holding) == {day(0): 100, day(1): 105, day(12): None}
    assert alice.patch(path(holding), {"acquired_on": "2024-01-02"}).status_code == 200
    assert values_of(holding) == {day(1): 105, day(12): None}
    instrument = f"/api/v1/instruments/{fund.pk}"
    assert alice.patch(instrument, {"quote_unit": "1/100", "max_age_days": 3}).status_code == 200
    assert values_of(holding) == {day(1): 1.05, day(5): None}


def test_a_split_changes_the_quantity_and_no_value(alice, holding, fund):
    action = {"type": "split", "on": "2024-01-05", "numerator": 4, "denominator": 1}
    created = alice.post(f"/api/v1/instruments/{fund.pk}/actions", action)
    assert created.status_code == 201
    assert values_of(holding) == {day(0): 200, day(1): 210, day(4): 210, day(12): None}
    points = alice.get(f"{path(holding)}/values?start=2024-01-04&end=2024-01-05&interval=day").json()[
        "points"
    ]
    assert [(point["quantity"], point["price"]) for point in points] == [("10", "21"), ("40", "5.25")]
    assert alice.delete(f"/api/v1/instruments/{fund.pk}/actions/{created.json()['id']}").status_code == 204
    assert values_of(holding) == {day(0): 200, day(1): 210, day(12): None}


def test_shares_that_are_moved_are_worth_something_elsewhere(alice, portfolio, household, holding):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    body = {"to_portfolio_id": str(other.pk), "on": "2024-01-02", "quantity": "4"}
    assert alice.post(f"{path(holding)}/transfer", body).status_code == 201
    (moved,) = Asset.objects.filter(portfolio=other)
    assert moved.valuation == "market"
    assert [net(portfolio, day(1)), net(other, day(1))] == [126, 84]
    assert values_of(moved) == {day(1): 84, day(12): None}


def test_a_holding_that_is_disposed_of_counts_nothing(alice, portfolio, holding):
    disposal = {"on": "2024-01-03", "proceeds": "210"}
    assert alice.post(f"{path(holding)}/dispose", disposal).status_code == 200
    assert [net(portfolio, day(number)) for number in (1, 2, 3)] == [210, 0, 0]
    assert alice.post(f"{path(holding)}/reinstate").status_code == 200
    assert net(portfolio, day(3)) == 210


def test_an_amount_too_large_for_a_value_is_none(portfolio, household):
    instrument = create_instrument(household, "X")
    record_price(instrument, day(0), 10**15)
    asset = create_asset(
        portfolio, "X", TypeId.STOCKS, instrument=instrument, valuation="market", quantity=Decimal(10)
    )
    assert values_of(asset) == {day(0): None, day(11): None}


def test_doctor_and_rebuild_know_market_values(portfolio, holding):
    MonthlyValues.objects.all().delete()
    MonthlyDeltas.objects.all().delete()
    assert is_outdated(portfolio.pk)
    rebuild(portfolio.pk)
    assert values_of(holding) == {day(0): 200, day(1): 210, day(12): None}


def test_doctor_notices_another_age_of_prices_until_everything_is_rebuilt(portfolio, holding, settings):
    assert {level for level, _ in monthly_values_are_what_the_values_give()} == {Level.OK}
    settings.PRICE_MAX_AGE_DAYS = 3
    for level, text in gaps_are_what_the_values_give():
        assert level is Level.FAIL and text.endswith("Run: python manage.py rebuild")
    assert {level for level, _ in monthly_values_are_what_the_values_give()} == {Level.FAIL}
    rebuild(portfolio.pk)
    assert {level for level, _ in monthly_values_are_what_the_values_give()} == {Level.OK}


def test_the_first_day_is_that_of_the_first_holding(portfolio, holding, fund):
    def first_day():
        return valuation.with_first_value(Asset.objects.filter(pk=holding.pk)).get().first_value_on

    assert first_day() == day(0)
    Asset.objects.filter(pk=holding.pk).update(acquired_on=day(1))
    assert first_day() == day(1)
    holding.transactions.create(
        type="ACQUIRE", on=day(-5), occurred_at=timezone.now(), quantity=1, amount=5, currency="EUR"
    )
    assert first_day() == day(-5) == valuation.value_days({holding.pk: "market"})[holding.pk].first


# --- what a value is made of ---


def points_of(client, asset, start, end) -> list[tuple]:
    answer = client.get(f"{path(asset)}/values?start={start}&end={end}&interval=day")
    names = ("on", "value", "source", "quantity", "price", "price_on")
    return [tuple(point[name] for name in names) for point in answer.json()["points"]]


def test_values_say_their_quantity_and_price(alice, holding):
    add_value(holding, 300, day(2))
    assert points_of(alice, holding, "2024-01-01", "2024-01-04") == [
        ("2024-01-01", "200.00", "price", "10", "20", "2024-01-01"),
        ("2024-01-02", "210.00", "price", "10", "21", "2024-01-02"),
        ("2024-01-03", "300.00", "snapshot", None, None, None),
        ("2024-01-04", "300.00", "anchor", "10", "30", "2024-01-03"),
    ]
    assert points_of(alice, holding, "2024-01-14", "2024-01-14") == [
        ("2024-01-14", None, None, None, None, None)
    ]


def test_values_of_what_has_no_units_have_no_quantity(alice, holding):
    Asset.objects.filter(pk=holding.pk).update(quantity=None)
    add_value(holding, 300, day(1))
    assert points_of(alice, holding, "2024-01-02", "2024-01-03") == [
        ("2024-01-02", "300.00", "snapshot", None, None, None),
        ("2024-01-03", "300.00", "anchor", None, None, None),
    ]


def test_the_row_to_edit_is_the_recorded_value_or_the_asset(holding):
    anchor = add_value(holding, 300, day(2))
    keys = [(holding.pk, day(2)), (holding.pk, day(1))]
    assert valuation.edit_targets(keys, {holding.pk: "market"}) == {
        keys[0]: EditTarget("assets.AssetSnapshot", anchor.pk),
        keys[1]: EditTarget("assets.Asset", holding.pk),
    }


def test_a_missing_price_names_the_instrument_and_its_last_price(holding, fund, house, house_prices):
    keys = [(holding.pk, day(20)), (holding.pk, day(-1)), (house.pk, day(300))]
    valuations = {holding.pk: "market", house.pk: "index"}
    assert registry.missing_prices(keys, valuations) == {
        keys[0]: MissingPrice(fund.pk, day(1)),
        keys[1]: MissingPrice(fund.pk, None),
        keys[2]: MissingPrice(house_prices.pk, day(31)),
    }


# --- an index ---


def test_what_follows_an_index_rises_with_it(alice, portfolio, house, house_prices):
    assert [net(portfolio, day(number)) for number in (9, 10, 30, 31)] == [0, 200_000, 200_000, 220_000]
    add_value(house, 300_000, day(40))
    record_price(house_prices, day(62), 121)
    assert [net(portfolio, day(number)) for number in (39, 40, 61, 62)] == [
        220_000,
        300_000,
        300_000,
        330_000,
    ]
    assert points_of(alice, house, "2024-03-03", "2024-03-03") == [
        ("2024-03-03", "330000.00", "index", None, "121", "2024-03-03")
    ]


def test_an_index_that_is_too_old_gives_no_value(portfolio, house):
    assert [net(portfolio, day(number)) for number in (31 + 130, 31 + 131)] == [220_000, 0]


def test_without_an_index_on_the_anchors_day_there_is_the_anchor_alone(portfolio, household):
    index = create_instrument(household, "CPI", instrument_type="index")
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE, instrument=index, valuation="index")
    add_value(asset, 100, day(0))
    record_price(index, day(5), 100)
    assert [net(portfolio, day(number)) for number in (0, 1, 5)] == [100, 0, 0]
    record_price(index, day(-5), 50)
    assert [net(portfolio, day(number)) for number in (0, 1, 5)] == [100, 100, 200]


# --- in the admin ---


def test_the_page_of_terms_sets_market_prices_and_names_the_security(alice_user, portfolio, fund):
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS, quantity=Decimal(2))
    alices, terms = staff(alice_user), url(Asset, "terms", asset.pk)
    assert alices.get(url(Asset, "change", asset.pk)).status_code == 200
    page = alices.get(terms, {"valuation": "market"})
    body = {"version": page.context["version"], "instrument": str(fund.pk)}
    assert alices.post(f"{terms}?valuation=market", body).status_code == 302
    assert values_of(asset) == {day(0): 40, day(1): 42, day(12): None}
    shown = alices.get(url(Asset, "change", asset.pk)).content.decode()
    assert "Market price" in shown and "VWCE" in shown
