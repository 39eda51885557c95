"""Terms of assets: how they are written and refused, and what is shown of the values that follow from them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from assets import valuation
from assets.classification.seeds import TypeId
from assets.models import Asset, LoanRate, MonthlyDeltas, MonthlyValues
from assets.valuation import deltas, months
from strata.audit.models import JournalEntry
from tests.factories import add_value, create_asset

LOAN = {
    "valuation": "loan",
    "principal": "100000",
    "started_on": "2020-01-01",
    "first_payment_on": "2020-02-01",
    "term": 360,
    "rates": [{"on": "2020-01-01", "rate": "0.04"}, {"on": "2022-01-01", "rate": "0.05"}],
    "extra_payments": [{"on": "2023-01-01", "amount": "10000", "effect": "shorten"}],
    "holidays": [{"start": "2024-03-01", "end": "2024-05-31"}],
}
CAR = {
    "valuation": "depreciation",
    "cost": "30000.00",
    "residual_value": "7500.00",
    "life": 10,
    "started_on": "2015-01-01",
}
BOND = {"valuation": "growth", "rate": "0.03"}


@pytest.fixture
def mortgage(portfolio):
    return create_asset(portfolio, "Mortgage", TypeId.MORTGAGE)


def path(asset: Asset) -> str:
    return f"/api/v1/assets/{asset.pk}"


def put(client, asset: Asset, terms: dict, **changes):
    return client.put(f"{path(asset)}/terms", terms | changes)


def current(client, asset: Asset, on: str) -> tuple[str | None, str | None]:
    shown = client.get(path(asset), {"on": on}).json()
    return shown["current_value"], shown["current_value_on"]


# --- written ---


def test_terms_are_answered_as_they_are_read(alice, mortgage):
    answer = put(alice, mortgage, LOAN)
    assert answer.status_code == 200, answer.content
    assert answer.json() == LOAN | {
        "principal": "100000.00",
        "frequency": "monthly",
        "loan_type": "annuity",
        "payment": None,
        "day_count": "30/360",
        "rounding": "currency",
        "extra_payments": [{"on": "2023-01-01", "amount": "10000.00", "effect": "shorten"}],
        "collateral_id": None,
    }
    read = alice.get(f"{path(mortgage)}/terms")
    assert (read.json(), read["ETag"]) == (answer.json(), answer["ETag"])
    assert alice.get(path(mortgage)).json()["valuation"] == "loan"


def test_asset_without_terms_has_none(alice, mortgage):
    answer = alice.get(f"{path(mortgage)}/terms")
    assert (answer.status_code, answer.json()["code"]) == (404, "TERMS_NOT_FOUND")


def test_terms_are_replaced_as_a_whole_and_rows_that_stay_are_not_written(alice, mortgage):
    put(alice, mortgage, LOAN)
    before = JournalEntry.objects.count()
    rates = [LOAN["rates"][0], {"on": "2022-01-01", "rate": "0.06"}]
    shorter = put(alice, mortgage, LOAN, rates=rates, holidays=[]).json()
    assert (shorter["rates"], shorter["holidays"]) == (rates, [])
    assert JournalEntry.objects.count() == before + 2
    put(alice, mortgage, BOND)
    assert not LoanRate.objects.exists()


def test_terms_of_another_version_are_refused(alice, mortgage):
    tag = put(alice, mortgage, BOND)["ETag"]
    put(alice, mortgage, BOND, rate="0.02")
    stale = alice.put(f"{path(mortgage)}/terms", BOND, headers={"If-Match": tag})
    assert stale.status_code == 412
    new = alice.put(f"{path(mortgage)}/terms", BOND, headers={"If-None-Match": "*"})
    assert new.status_code == 412


@pytest.mark.parametrize(
    "terms, changes, field, code",
    [
        (LOAN, {"term": None, "payment": "333.00"}, "payment", "PAYMENT_BELOW_INTEREST"),
        (LOAN, {"term": 0}, "term", "TERM_NOT_POSITIVE"),
        (LOAN, {"term": 2601}, "term", "invalid"),
        (LOAN, {"rates": [*reversed(LOAN["rates"])]}, "rates[1].on", "RATES_OUT_OF_ORDER"),
        (LOAN, {"rates": LOAN["rates"][1:]}, "rates", "RATE_MISSING"),
        (LOAN, {"rates": []}, "rates", "RATE_MISSING"),
        (LOAN, {"rates": [{"on": "2020-01-01", "rate": "4x"}]}, "rates[0].rate", "invalid"),
        (LOAN, {"rates": [{"on": "2020-01-01", "rate": "40"}]}, "rates[0].rate", "invalid"),
        (LOAN, {"principal": "0"}, "principal", "not_positive"),
        (LOAN, {"payment": "500"}, "payment", "invalid"),
        (LOAN, {"term": None}, "term", "required"),
        (LOAN, {"loan_type": "bullet", "term": None, "payment": "5000"}, "payment", "invalid"),
        (LOAN, {"first_payment_on": "2019-12-31"}, "first_payment_on", "invalid"),
        (LOAN, {"extra_payments": LOAN["extra_payments"] * 2}, "extra_payments[1].on", "out_of_order"),
        (LOAN, {"holidays": [{"start": "2024-03-01", "end": "2024-02-01"}]}, "holidays[0].end", "invalid"),
        (LOAN, {"collateral_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, "collateral_id", "not_found"),
        (LOAN, {"color": "red"}, "color", "unknown"),
        (CAR, {"life": 0}, "life", "TERM_NOT_POSITIVE"),
        (CAR, {"residual_value": "30000.01"}, "residual_value", "invalid"),
        (CAR, {"method": "declining"}, "rate", "required"),
        (CAR, {"rate": "0.2"}, "rate", "invalid"),
        (BOND, {"rate": "-1.01"}, "rate", "invalid"),
        (BOND, {"valuation": "manual"}, "valuation", "invalid_choice"),
    ],
)
def test_bad_terms_name_their_field(alice, mortgage, terms, changes, field, code):
    refused = put(alice, mortgage, terms, **changes)
    assert refused.status_code == (404 if code == "not_found" else 400), refused.content
    (error,) = refused.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)


def test_loan_may_be_paid_back_in_weeks_of_fifty_years(alice, mortgage):
    plain = LOAN | {"rates": LOAN["rates"][:1], "extra_payments": [], "holidays": [], "frequency": "weekly"}
    for weeks in (2080, 2600):
        assert put(alice, mortgage, plain, term=weeks).status_code == 200
        schedule = alice.get(f"{path(mortgage)}/schedule").json()
        assert (len(schedule["rows"]), schedule["payoff_on"]) == (weeks, schedule["rows"][-1]["on"])


def test_asset_is_not_given_a_source_without_its_terms(alice, mortgage):
    refused = alice.patch(path(mortgage), {"valuation": "loan"})
    assert refused.json()["errors"][0]["field"] == "valuation"
    put(alice, mortgage, LOAN)
    assert alice.patch(path(mortgage), {"valuation": "manual"}).status_code == 200
    assert alice.get(f"{path(mortgage)}/terms").status_code == 404


def test_currency_stays_while_there_are_terms(alice, mortgage):
    put(alice, mortgage, LOAN)
    assert alice.patch(path(mortgage), {"currency": "CHF"}).json()["code"] == "CURRENCY_IN_USE"


def test_instrument_is_in_the_currency_of_the_asset(alice, mortgage, household):
    instrument = alice.post("/api/v1/instruments", {"symbol": "X", "name": "X", "currency": "USD"}).json()
    refused = alice.patch(path(mortgage), {"instrument_id": instrument["id"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "instrument_id")
    alice.patch(f"/api/v1/instruments/{instrument['id']}", {"currency": "EUR"})
    assert (
        alice.patch(path(mortgage), {"instrument_id": instrument["id"]}).json()["instrument_id"]
        == instrument["id"]
    )
    in_use = alice.delete(f"/api/v1/instruments/{instrument['id']}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "IN_USE")


# --- what follows from them ---


def test_loan_is_worth_minus_its_balance(alice, mortgage):
    put(alice, mortgage, LOAN, rates=LOAN["rates"][:1], extra_payments=[], holidays=[])
    assert current(alice, mortgage, "2019-12-31") == (None, None)
    assert current(alice, mortgage, "2020-01-31") == ("-100000.00", "2020-01-01")
    assert current(alice, mortgage, "2020-02-15") == ("-99855.91", "2020-02-01")


def test_recorded_balance_is_an_anchor_of_the_schedule(alice, mortgage):
    put(alice, mortgage, LOAN, rates=LOAN["rates"][:1], extra_payments=[], holidays=[])
    add_value(mortgage, "-50000", date(2020, 6, 15))
    assert current(alice, mortgage, "2020-06-20") == ("-50000.00", "2020-06-15")
    assert Decimal(current(alice, mortgage, "2020-12-01")[0]) > -50000


def test_car_loses_value_every_day(alice, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    put(alice, car, CAR)
    assert current(alice, car, "2016-01-01") == ("27750.00", "2016-01-01")
    assert current(alice, car, "2030-01-01") == ("7500.00", "2025-01-01")


def test_bond_grows_from_its_last_value(alice, portfolio):
    bond = create_asset(portfolio, "Bond", TypeId.STOCKS)
    put(alice, bond, BOND)
    assert current(alice, bond, "2024-01-01") == (None, None)
    add_value(bond, "1000", date(2024, 1, 1))
    assert current(alice, bond, "2026-01-01") == ("1060.90", "2026-01-01")


def test_every_report_has_the_computed_values(alice, portfolio):
    """By deltas, by the grid, by the months and without derived data; in the total of the portfolio, and by asset."""
    car, cash = create_asset(portfolio, "Car", TypeId.VEHICLE), create_asset(portfolio, "Cash")
    put(alice, car, CAR)
    add_value(cash, "100", date(2015, 6, 1))
    days = [date(2016, 1, 1), date(2017, 1, 1), date(2018, 1, 1), date(2019, 1, 1)]
    expected = [27850_0000, 25600_0000, 23350_0000, 21100_0000]
    by_day = [date(2016, 1, day) for day in range(1, 20)]
    for derived in (True, False):
        totals = valuation.totals_on([portfolio.pk], days, derived=derived)
        assert [*totals.columns[(), "EUR"].owned] == expected
        assert (
            valuation.totals_on([portfolio.pk], by_day, derived=derived).columns[(), "EUR"].owned[0]
            == 27850_0000
        )
    shown = alice.get(f"/api/v1/portfolios/{portfolio.pk}", {"on": "2016-01-01"}).json()
    assert shown["total_value"] == "27850.00"
    listed = alice.get("/api/v1/assets", {"on": "2016-01-01", "ordering": "-current_value"}).json()["results"]
    assert [row["current_value"] for row in listed] == ["27750.00", "100.00"]
    change = alice.get("/api/v1/net-worth/change", {"start": "2016-01-01", "end": "2017-01-01"}).json()
    assert change["total"]["value_change"] == "-2250.00"


def test_change_of_source_moves_the_values_out_of_derived_data_and_back(alice, portfolio, mortgage):
    add_value(mortgage, "-99000", date(2020, 3, 10))

    def derived():
        assets = dict(Asset.objects.values_list("pk", "valuation"))
        assert months.stored(assets) == months.calculated(assets)
        assert deltas.stored(portfolio.pk) == deltas.calculated(portfolio.pk)
        return tuple(model.objects.exclude(days=0).count() for model in (MonthlyDeltas, MonthlyValues))

    before = derived()
    put(alice, mortgage, LOAN)
    assert derived() == (0, 0)
    add_value(mortgage, "-98000", date(2020, 5, 10))
    assert derived() == (0, 0)
    alice.patch(path(mortgage), {"valuation": "manual"})
    after = derived()
    assert after[0] > before[0] > 0 and after[1] == before[1] + 1 == 2


def test_undo_brings_back_the_terms_before(alice, mortgage):
    put(alice, mortgage, LOAN)
    changed = put(alice, mortgage, BOND)
    undone = alice.post(f"/api/v1/undo/{changed['X-Request-Id']}")
    assert undone.status_code == 200, undone.content
    assert alice.get(f"{path(mortgage)}/terms").json()["rates"] == LOAN["rates"]
    assert current(alice, mortgage, "2020-01-31")[0] == "-100000.00"


def test_terms_and_values_are_shown_as_they_were_known(alice, mortgage):
    put(alice, mortgage, LOAN)
    known_at = timezone.now().isoformat()
    put(alice, mortgage, LOAN, principal="90000", rates=LOAN["rates"][:1])
    then = alice.get(f"{path(mortgage)}/terms", {"known_at": known_at}).json()
    assert (then["principal"], len(then["rates"])) == ("100000.00", 2)
    shown = alice.get(path(mortgage), {"known_at": known_at, "on": "2020-01-05"}).json()
    assert shown["current_value"] == "-100000.00"
    assert current(alice, mortgage, "2020-01-05")[0] == "-90000.00"


def test_deleted_collateral_is_none(alice, mortgage, portfolio):
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    assert put(alice, mortgage, LOAN, collateral_id=str(house.pk)).status_code == 200
    assert alice.delete(path(house)).status_code == 204
    assert alice.get(f"{path(mortgage)}/terms").json()["collateral_id"] is None


def test_loans_are_not_secured_on_each_other_in_a_circle(alice, mortgage, portfolio):
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    second = create_asset(portfolio, "Second", TypeId.LOAN)
    assert put(alice, second, LOAN, collateral_id=str(mortgage.pk)).status_code == 200
    assert put(alice, house, LOAN, collateral_id=str(second.pk)).status_code == 200

    refused = [put(alice, mortgage, LOAN, collateral_id=str(asset.pk)) for asset in (mortgage, second, house)]

    assert [(answer.status_code, answer.json()["errors"][0]["field"]) for answer in refused] == [
        (400, "collateral_id")
    ] * 3
    assert put(alice, mortgage, LOAN).status_code == 200


# --- series, schedule, equity, change ---


def test_series_says_what_each_value_was_made_of(alice, mortgage):
    put(alice, mortgage, LOAN, rates=LOAN["rates"][:1], extra_payments=[], holidays=[])
    add_value(mortgage, "-99000", date(2020, 3, 1))
    asked = {"start": "2019-12-01", "end": "2020-04-02"}
    points = alice.get(f"{path(mortgage)}/values", asked).json()["points"]
    shown = [(point["on"], point["value"], point["source"], point["rate"]) for point in points]
    assert shown == [
        ("2019-12-31", None, None, None),
        ("2020-01-31", "-100000.00", "schedule", "0.04"),
        ("2020-02-29", "-99855.91", "schedule", "0.04"),
        ("2020-03-31", "-99000.00", "anchor", "0.04"),  # recorded on the first, and carried on
        ("2020-04-02", points[-1]["value"], "schedule", "0.04"),
    ]
    table = alice.get(f"{path(mortgage)}/values", {**asked, "format": "csv"})
    assert b'"2020-03-31","-99000.00","anchor"' in b"".join(table.streaming_content)


def test_schedule_of_a_loan_and_what_if(alice, mortgage, portfolio):
    put(alice, mortgage, LOAN, rates=LOAN["rates"][:1], extra_payments=[], holidays=[])
    schedule = alice.get(f"{path(mortgage)}/schedule").json()
    assert schedule["rows"][0] == {
        "on": "2020-02-01",
        "payment": "477.42",
        "interest": "333.33",
        "principal": "144.09",
        "extra": "0.00",
        "balance": "99855.91",
    }
    assert (len(schedule["rows"]), schedule["payoff_on"]) == (360, "2050-01-01")
    supposed = {"what_if_on": "2021-01-01", "what_if_extra": "20000"}
    shorter = alice.get(f"{path(mortgage)}/schedule", supposed).json()
    assert shorter["payoff_on"] < "2042" and Decimal(shorter["total_interest"]) < Decimal(
        schedule["total_interest"]
    )
    dearer = alice.get(
        f"{path(mortgage)}/schedule", {"what_if_on": "2021-01-01", "what_if_rate": "0.06"}
    ).json()
    assert (
        Decimal(dearer["rows"][12]["payment"]) > Decimal(dearer["rows"][11]["payment"]) == Decimal("477.42")
    )
    for wrong, field in (
        ({"what_if_on": "2021-01-01"}, "what_if_on"),
        ({"what_if_extra": "-1"}, "what_if_extra"),
    ):
        refused = alice.get(f"{path(mortgage)}/schedule", wrong)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert alice.get(f"{path(create_asset(portfolio))}/schedule").json()["code"] == "SCHEDULE_NOT_FOUND"


def test_equity_is_shown_of_the_house_and_of_its_loan(alice, mortgage, portfolio):
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    add_value(house, "400000", date(2020, 1, 1))
    assert alice.get(path(house)).json()["equity"] is None
    put(alice, mortgage, LOAN, collateral_id=str(house.pk))
    expected = {"value": "400000.00", "loans": "-99855.91", "equity": "300144.09", "loan_to_value": "0.2496"}
    for asset in (house, mortgage):
        assert alice.get(path(asset), {"on": "2020-02-15"}).json()["equity"] == expected


def test_payment_from_an_account_costs_exactly_the_interest(alice, mortgage, portfolio):
    put(alice, mortgage, LOAN, rates=LOAN["rates"][:1], extra_payments=[], holidays=[])
    account = create_asset(portfolio, "Account")
    add_value(account, "1000", date(2020, 1, 15))
    add_value(account, "522.58", date(2020, 2, 1))
    asked = {"start": "2020-01-31", "end": "2020-02-02"}
    report = alice.get("/api/v1/net-worth/change", asked).json()
    assert (report["total"]["net_flows"], report["total"]["expenses"]) == ("0.00", "333.33")
    of_loan = next(row for row in report["rows"] if row["name"] == "Mortgage")
    assert (of_loan["net_flows"], of_loan["expenses"]) == ("477.42", "333.33")
    entered = {"type": "EXPENSE", "on": "2020-02-01", "amount": "330.00"}
    assert alice.post(f"{path(mortgage)}/transactions", entered).status_code == 201
    assert alice.get("/api/v1/net-worth/change", asked).json()["total"]["expenses"] == "330.00"


def test_recorded_balance_that_is_not_that_of_the_schedule_is_a_finding(alice, mortgage, portfolio):
    put(alice, mortgage, LOAN, rates=LOAN["rates"][:1], extra_payments=[], holidays=[])
    add_value(mortgage, "-99856.50", date(2020, 2, 15))

    def drifts():
        asked = {"on": "2020-04-15", "since": "2020-01-01"}
        findings = alice.get(f"/api/v1/portfolios/{portfolio.pk}/quality", asked).json()["findings"]
        return [(each["code"], each["on"], each["message"]) for each in findings]

    assert drifts() == []  # banks round in their own ways
    add_value(mortgage, "-99000", date(2020, 3, 15))
    ((code, on, message),) = drifts()
    assert (code, on) == ("LOAN_DRIFT", "2020-03-15")
    assert message.startswith("It was recorded as -99000, and its schedule says -9971")


def test_schedule_takes_as_many_queries_for_many_rates_as_for_one(alice, mortgage, django_assert_num_queries):
    for rates in (LOAN["rates"][:1], LOAN["rates"]):
        put(alice, mortgage, LOAN, rates=rates)
        with django_assert_num_queries(7):
            assert alice.get(f"{path(mortgage)}/schedule").status_code == 200
