"""Instruments: what has a price, and the identifiers by which it is known."""

import pytest

from assets.models import Instrument
from conftest import client_of
from strata.accounts.models import User

VWCE = {
    "symbol": "VWCE",
    "name": "Vanguard FTSE All-World",
    "instrument_type": "etf",
    "isin": "IE00BK5BQT80",
    "mic": "XETR",
    "currency": "EUR",
}


def refusal(answer):
    assert answer.status_code == 400, answer.content
    [error] = answer.json()["errors"]
    return error


def test_instrument_is_made_in_the_household_of_its_maker(alice, household):
    created = alice.post("/api/v1/instruments", VWCE)
    assert created.status_code == 201, created.content
    assert created.json() == VWCE | {
        "id": created.json()["id"],
        "household_id": str(household.pk),
        "cusip": "",
        "sedol": "",
        "quote_unit": "1",
        "max_age_days": None,
        "fetch": None,
    }


def test_identifiers_are_stored_in_capitals_without_spaces(alice):
    created = alice.post("/api/v1/instruments", VWCE | {"isin": "ie00 bk5b qt80", "mic": " xetr "}).json()
    assert (created["isin"], created["mic"]) == ("IE00BK5BQT80", "XETR")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("isin", "US0378331006", "BAD_ISIN"),  # Apple's ends in 5
        ("cusip", "037833101", "BAD_CUSIP"),  # Apple's ends in 0
        ("sedol", "B15KXQ9", "BAD_SEDOL"),
        ("mic", "XETRA", "BAD_MIC"),
        ("mic", "X-T1", "BAD_MIC"),
        ("quote_unit", "0.01", "BAD_QUOTE_UNIT"),
        ("quote_unit", "1/0", "BAD_QUOTE_UNIT"),
        ("quote_unit", "-1", "BAD_QUOTE_UNIT"),
        ("max_age_days", 0, "min_value"),
        ("instrument_type", "house", "invalid_choice"),
    ],
)
def test_bad_identifier_is_refused_by_field(alice, field, value, code):
    error = refusal(alice.post("/api/v1/instruments", VWCE | {field: value}))
    assert (error["field"], error["code"]) == (field, code)
    assert not Instrument.objects.exists()


@pytest.mark.parametrize(
    ("text", "stored"), [("1", "1"), ("1/100", "1/100"), ("2/200", "1/100"), ("100", "100")]
)
def test_quote_unit_is_a_ratio_in_lowest_terms(alice, text, stored):
    assert alice.post("/api/v1/instruments", VWCE | {"quote_unit": text}).json()["quote_unit"] == stored


@pytest.mark.parametrize(
    ("code", "currency"), [("GBp", "GBP"), ("GBX", "GBP"), ("ZAc", "ZAR"), ("ILA", "ILS")]
)
def test_minor_unit_as_currency_points_to_the_quote_unit(alice, code, currency):
    error = refusal(alice.post("/api/v1/instruments", VWCE | {"currency": code}))
    assert error["field"] == "currency"
    assert f"currency {currency} and quote_unit 1/100" in error["message"]


def test_shared_instrument_is_read_by_all_and_written_by_superusers(alice, charlie):
    rita = client_of(User.objects.create(username="rita", is_superuser=True))
    shared = rita.post("/api/v1/instruments", VWCE | {"household_id": None})
    assert shared.status_code == 201, shared.content
    path = f"/api/v1/instruments/{shared.json()['id']}"
    read = charlie.get(path)
    assert read.status_code == 200, read.content
    assert read.json()["symbol"] == "VWCE"
    assert alice.patch(path, {"name": "Mine"}).status_code == 403
    assert alice.post("/api/v1/instruments", VWCE | {"household_id": None}).status_code == 403


def test_two_listings_of_one_isin_may_stand_side_by_side(alice):
    for mic in ("XETR", "XLON"):
        assert alice.post("/api/v1/instruments", VWCE | {"mic": mic}).status_code == 201
    listings = alice.get("/api/v1/instruments", {"isin": "IE00BK5BQT80"}).json()["results"]
    assert [row["mic"] for row in listings] == ["XETR", "XLON"]
