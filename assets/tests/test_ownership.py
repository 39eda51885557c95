"""The household's share of an asset: how it is written and refused, what counts then, and where."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from assets.classification.seeds import TypeId
from assets.doctor import shares_of_assets
from assets.models import Asset, Instrument, MonthlyDeltas, MonthlyValues, Transaction
from assets.rules.assets import ownership as rules
from portfolios.models import Portfolio
from strata.audit.clock import written_at
from strata.doctor import Level
from tests.factories import add_value, create_asset

HALF = [{"on": None, "share": "0.5"}]
ALL_FROM_2025 = [*HALF, {"on": "2025-01-01", "share": "1"}]
pytestmark = pytest.mark.django_db


@pytest.fixture
def house(portfolio) -> Asset:
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    add_value(asset, "400000.01", date(2024, 1, 1))
    return asset


def path(asset: Asset) -> str:
    return f"/api/v1/assets/{asset.pk}"


def put(client, asset: Asset, shares: list, **headers):
    return client.put(f"{path(asset)}/ownership", {"shares": shares}, headers=headers)


def detail(client, asset: Asset, on: str, **params) -> dict:
    return client.get(path(asset), {"on": on, **params}).json()


# --- written ---


def test_shares_are_answered_as_they_are_sent_and_replaced_as_a_whole(alice, house):
    read = alice.get(f"{path(house)}/ownership")
    assert (read.status_code, read.json()) == (200, {"shares": []})
    answer = put(alice, house, ALL_FROM_2025)
    assert (answer.status_code, answer.json()) == (200, {"shares": ALL_FROM_2025})
    assert alice.get(f"{path(house)}/ownership").json() == {"shares": ALL_FROM_2025}
    assert put(alice, house, [{"on": "2024-06-01", "share": "0.123456"}]).status_code == 200
    assert put(alice, house, []).json() == {"shares": []}
    assert alice.get(f"{path(house)}/ownership").json() == {"shares": []}


def test_trailing_zeros_are_no_places(alice, house):
    assert put(alice, house, [{"on": None, "share": "0.50000000"}]).json()["shares"] == HALF


@pytest.mark.parametrize(
    ("shares", "field", "code"),
    [
        ([{"on": None, "share": "0"}], "shares[0].share", rules.SHARE_OUT_OF_RANGE),
        ([*HALF, {"on": "2025-01-01", "share": "1.000001"}], "shares[1].share", rules.SHARE_OUT_OF_RANGE),
        ([{"on": None, "share": "-0.5"}], "shares[0].share", rules.SHARE_OUT_OF_RANGE),
        ([*HALF, {"on": "2025-01-01", "share": "0.1234567"}], "shares[1].share", rules.TOO_MANY_PLACES),
        ([{"on": None, "share": f"0.{'0' * 40}1"}], "shares[0].share", rules.TOO_MANY_PLACES),
        ([*HALF, {"on": None, "share": "1"}], "shares[1].on", rules.SHARES_OUT_OF_ORDER),
        (
            [{"on": "2025-01-01", "share": "1"}, {"on": "2025-01-01", "share": "0.5"}],
            "shares[1].on",
            rules.SHARES_OUT_OF_ORDER,
        ),
        (
            [{"on": "2025-01-01", "share": "1"}, {"on": "2024-12-31", "share": "0.5"}],
            "shares[1].on",
            rules.SHARES_OUT_OF_ORDER,
        ),
        ([{"on": None, "share": "half"}], "shares[0].share", "invalid"),
        ([{"on": "soon", "share": "0.5"}], "shares[0].on", "invalid"),
        ([{"on": None}], "shares[0].share", "required"),
        ([{"share": "0.5", "from": "2025-01-01"}], "shares[0].from", "unknown"),
    ],
)
def test_bad_shares_are_refused_by_name(alice, house, shares, field, code):
    answer = put(alice, house, shares)
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    house.refresh_from_db()
    assert house.shares == ""


def test_asset_at_market_price_has_no_shares(alice, household, house):
    instrument = Instrument.objects.create(household=household, symbol="REIT", name="REIT", currency="EUR")
    market = {"valuation": "market", "instrument_id": str(instrument.pk)}
    put(alice, house, HALF)
    refused = [alice.patch(path(house), market), alice.put(f"{path(house)}/terms", market)]
    put(alice, house, [])
    assert alice.put(f"{path(house)}/terms", market).status_code == 200
    refused.append(put(alice, house, HALF))
    for answer, field in zip(refused, ("valuation", "valuation", "shares"), strict=True):
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert (error["field"], error["code"]) == (field, rules.OWNERSHIP_NOT_FOR_MARKET)
    assert put(alice, house, []).status_code == 200


def test_database_refuses_shares_at_market_price(house):
    with pytest.raises(IntegrityError), transaction.atomic():
        Asset.objects.filter(pk=house.pk).update_unrecorded(valuation="market", shares="0.5")


def test_viewer_reads_and_stranger_finds_nothing(alice, vera, charlie, house):
    put(alice, house, HALF)
    assert vera.get(f"{path(house)}/ownership").json() == {"shares": HALF}
    assert put(vera, house, []).status_code == 403
    assert charlie.get(f"{path(house)}/ownership").status_code == 404
    assert put(charlie, house, []).status_code == 404


def test_etag_and_history_are_those_of_the_asset(alice, house):
    etag = alice.get(path(house))["ETag"]
    assert alice.get(f"{path(house)}/ownership")["ETag"] == etag
    first = put(alice, house, [{"on": "2100-01-01", "share": "0.5"}], **{"If-Match": etag})
    assert first.status_code == 200, first.content
    assert first["ETag"] == alice.get(path(house))["ETag"] != etag
    assert put(alice, house, HALF, **{"If-Match": etag}).status_code == 412
    assert alice.get(f"{path(house)}/ownership", headers={"If-None-Match": first["ETag"]}).status_code == 304
    newest = alice.get(f"{path(house)}/history").json()["results"][0]
    assert newest["fields_changed"] == [{"field": "shares", "before": "", "after": "2100-01-01: 0.5"}]


def test_put_of_the_same_shares_writes_nothing(alice, house):
    put(alice, house, HALF)
    before = alice.get(f"{path(house)}/history").json()["results"]
    put(alice, house, HALF)
    assert alice.get(f"{path(house)}/history").json()["results"] == before


def test_shares_are_undone(alice, house):
    put(alice, house, HALF)
    request_id = put(alice, house, ALL_FROM_2025)["X-Request-Id"]
    assert alice.post(f"/api/v1/undo/{request_id}").status_code == 200
    assert alice.get(f"{path(house)}/ownership").json() == {"shares": HALF}
    assert detail(alice, house, "2025-06-01")["share"] == "0.5"


def test_the_past_has_the_shares_that_were_known(alice, house):
    before = written_at().isoformat()
    put(alice, house, HALF)
    shown = detail(alice, house, "2025-06-01", known_at=before)
    assert (shown["current_value"], shown["share"]) == ("400000.01", "1")
    read = alice.get(f"{path(house)}/ownership", {"known_at": before})
    assert read.json() == {"shares": []}
    assert detail(alice, house, "2025-06-01")["current_value"] == "200000.005"


# --- what counts ---


def test_detail_and_list_have_the_part(alice, house):
    put(alice, house, ALL_FROM_2025)
    for on, part, share in (("2024-12-31", "200000.005", "0.5"), ("2025-01-01", "400000.01", "1")):
        shown = detail(alice, house, on)
        assert (shown["current_value"], shown["whole_value"], shown["share"]) == (part, "400000.01", share)
        assert shown["current_value_on"] == "2024-01-01"
        (listed,) = alice.get("/api/v1/assets", {"on": on, "ordering": "current_value"}).json()["results"]
        assert (listed["current_value"], listed["share"]) == (part, share)
        assert "whole_value" not in listed
        (row,) = alice.get("/api/v1/net-worth", {"start": on, "end": on}).json()["points"]
        assert Decimal(row["net"]) == round(Decimal(part), 2)


@pytest.mark.parametrize("interval", ["day", "month"])
@pytest.mark.parametrize("group_by", ["type", "asset", "category"])
def test_every_reader_of_net_worth_has_the_part(alice, portfolio, house, group_by, interval):
    flat = create_asset(portfolio, "Flat", TypeId.REAL_ESTATE)
    add_value(flat, 1000, date(2024, 1, 1))
    put(alice, house, ALL_FROM_2025)
    params = {"start": "2024-11-30", "end": "2025-01-31", "interval": interval, "group_by": group_by}
    points = alice.get("/api/v1/net-worth", params).json()["points"]
    shown = {point["on"]: point["net"] for point in points}
    assert [shown[on] for on in ("2024-12-31", "2025-01-31")] == ["201000.00", "401000.01"]


def test_asset_without_shares_is_owned_as_a_whole(alice, house):
    shown = detail(alice, house, "2024-12-31")
    assert (shown["current_value"], shown["whole_value"], shown["share"]) == ("400000.01", "400000.01", "1")


def test_recorded_values_stay_those_of_the_whole(alice, house):
    put(alice, house, HALF)
    assert alice.get(f"{path(house)}/values/2024-01-01").json()["value"] == "400000.01"
    (value,) = alice.get("/api/v1/values").json()["results"]
    assert value["value"] == "400000.01"


def test_values_over_time_have_part_whole_and_share(alice, house):
    put(alice, house, [{"on": "2024-01-03", "share": "0.333333"}])
    points = alice.get(
        f"{path(house)}/values", {"start": "2023-12-31", "end": "2024-01-03", "interval": "day"}
    )
    shown = [[point[name] for name in ("value", "whole_value", "share")] for point in points.json()["points"]]
    assert shown == [
        [None, None, "1"],
        ["400000.01", "400000.01", "1"],
        ["400000.01", "400000.01", "1"],
        ["133333.2033", "400000.01", "0.333333"],
    ]


def test_derived_tables_have_nothing_of_a_shared_asset(alice, house):
    put(alice, house, HALF)
    assert not MonthlyValues.objects.exclude(days=0).filter(asset=house).exists()
    assert not any(row.owned_low or row.owned_high for row in MonthlyDeltas.objects.all())
    put(alice, house, [])
    assert MonthlyValues.objects.exclude(days=0).filter(asset=house).exists()


def test_equity_is_of_the_parts_and_loan_to_value_of_the_whole(alice, portfolio, house):
    loan = create_asset(portfolio, "Mortgage", TypeId.MORTGAGE)
    terms = {
        "valuation": "loan",
        "principal": "300000",
        "started_on": "2024-01-01",
        "first_payment_on": "2024-02-01",
        "term": 360,
        "rates": [{"on": "2024-01-01", "rate": "0.04"}],
        "collateral_id": str(house.pk),
    }
    assert alice.put(f"{path(loan)}/terms", terms).status_code == 200
    put(alice, house, HALF)
    shown = detail(alice, house, "2024-01-15")["equity"]
    assert shown == {
        "value": "200000.00",
        "loans": "-300000.00",
        "equity": "-100000.00",
        "loan_to_value": "0.75",
    }
    put(alice, loan, [{"on": None, "share": "0.25"}])
    assert detail(alice, loan, "2024-01-15")["equity"] == shown | {
        "loans": "-75000.00",
        "equity": "125000.00",
    }


# --- moved as a whole ---


def test_transfer_takes_shares_along_and_moves_the_part(alice, household, portfolio, house):
    put(alice, house, HALF)
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    body = {"to_portfolio_id": str(other.pk), "on": "2024-06-01"}
    answer = alice.post(f"{path(house)}/transfer", body)
    assert answer.status_code == 201, answer.content
    assert {answer.json()[leg]["amount"] for leg in ("out", "in")} == {"200000.005"}
    arrived = Asset.objects.get(portfolio=other)
    assert alice.get(f"{path(arrived)}/ownership").json() == {"shares": HALF}
    shown = detail(alice, arrived, "2024-06-01")
    assert (shown["current_value"], shown["whole_value"]) == ("200000.005", "400000.01")
    assert Transaction.objects.filter(type="TRANSFER").count() == 2
    params = {"start": "2024-05-01", "end": "2024-07-01"}
    change = alice.get("/api/v1/net-worth/change", params).json()
    total = change["total"]
    assert (total["added"], total["removed"], total["net_flows"]) == ("0.00", "0.00", "0.00")
    part = alice.get(f"/api/v1/portfolios/{other.pk}/change", params).json()["total"]
    assert (part["added"], part["net_flows"]) == ("0.00", "200000.00")


# --- doctor ---


def test_doctor_finds_shares_that_are_none(house):
    assert [level for level, _ in shares_of_assets()] == [Level.OK]
    for text in ("0.5", "0.5, 2025-01-01: 1"):
        Asset.objects.filter(pk=house.pk).update_unrecorded(shares=text)
        assert [level for level, _ in shares_of_assets()] == [Level.OK]
    for text in ("half", "0.50", "2", "2025-01-01: 1, 0.5", "2025-02-30: 1", "1,0"):
        Asset.objects.filter(pk=house.pk).update_unrecorded(shares=text)
        ((level, message),) = shares_of_assets()
        assert (level, str(house.pk) in message) == (Level.FAIL, True)
