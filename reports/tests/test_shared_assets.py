"""Assets of which the household owns a share, in reports and on the pages of the admin."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Instrument
from assets.services.ownership import put_shares
from assets.valuation.formulas.shares import Share
from conftest import member
from portfolios.models import Portfolio
from reports.queries import quality_report
from strata.tenancy.roles import VIEWER
from tests.admin_forms import staff, url
from tests.factories import add_value, create_asset, create_valued_asset

HALF, ALL = Decimal("0.5"), Decimal(1)
FALLS_ON = date(2024, 6, 15)
UPDATE_VALUES = "/admin/update-values/"
ON = "2024-07-31"


def share(asset: Asset, *shares: tuple[date | None, Decimal]) -> None:
    put_shares(asset.pk, [Share(*each) for each in shares])


@pytest.fixture
def house(portfolio) -> Asset:
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    add_value(asset, 400_000, date(2024, 1, 1))
    add_value(asset, 440_000, date(2024, 6, 15))
    return asset


@pytest.fixture
def browser(household, alice_user):
    return staff(alice_user)


def changed(client, group_by="asset", **params) -> dict:
    params = {"start": "2024-05-31", "end": "2024-06-30", "group_by": group_by} | params
    return client.get("/api/v1/net-worth/change", params).json()["total"]


def parts_of(total: dict) -> dict[str, str]:
    return {
        name: text
        for name, text in total.items()
        if text != "0.00" and name not in ("start_value", "end_value", "change")
    }


# --- why net worth changed ---


def test_rise_of_the_share_is_added_and_the_rest_is_at_the_old_share(alice, house):
    share(house, (None, HALF), (FALLS_ON, ALL))
    total = changed(alice)
    assert (total["start_value"], total["end_value"]) == ("200000.00", "440000.00")
    assert parts_of(total) == {"added": "220000.00", "value_change": "20000.00"}


def test_fall_of_the_share_is_removed(alice, house):
    share(house, (FALLS_ON, HALF))
    total = changed(alice)
    assert (total["start_value"], total["end_value"]) == ("400000.00", "220000.00")
    assert parts_of(total) == {"removed": "220000.00", "value_change": "40000.00"}


def test_change_of_the_share_on_a_day_with_a_purchase_is_no_addition(alice, house):
    share(house, (None, HALF), (FALLS_ON, ALL))
    body = {"type": "ACQUIRE", "on": "2024-06-15", "amount": "210000", "fee": "1000"}
    assert alice.post(f"/api/v1/assets/{house.pk}/transactions", body).status_code == 201
    total = parts_of(changed(alice))
    assert total == {"net_flows": "211000.00", "expenses": "1000.00", "value_change": "30000.00"}


def test_debt_of_which_the_share_rises_is_added_below_zero(alice, portfolio):
    debt = create_asset(portfolio, "Loan of us both", TypeId.MORTGAGE)
    add_value(debt, -100_000, date(2024, 1, 1))
    add_value(debt, -90_000, date(2024, 6, 10))
    share(debt, (None, HALF), (FALLS_ON, ALL))
    assert parts_of(changed(alice)) == {"added": "-45000.00", "net_flows": "5000.00"}


def test_interest_of_a_loan_counts_by_the_share_of_the_day_of_the_payment(alice, portfolio):
    loan = create_asset(portfolio, "Mortgage", TypeId.MORTGAGE)
    terms = {
        "valuation": "loan",
        "principal": "120000",
        "started_on": "2024-01-01",
        "first_payment_on": "2024-02-01",
        "term": 12,
        "loan_type": "interest_only",
        "rates": [{"on": "2024-01-01", "rate": "0.05"}],
    }
    assert alice.put(f"/api/v1/assets/{loan.pk}/terms", terms).status_code == 200
    share(loan, (None, HALF), (date(2024, 6, 1), ALL))
    assert changed(alice, start="2024-04-30", end="2024-05-31")["expenses"] == "250.00"
    june = changed(alice)
    assert parts_of(june) == {"added": "-60000.00", "expenses": "500.00", "net_flows": "500.00"}
    rows = alice.get(f"/api/v1/assets/{loan.pk}/schedule").json()["rows"]
    assert {row["interest"] for row in rows} == {"500.00"}


def test_share_that_was_there_before_the_first_value_is_no_change(alice, house):
    share(house, (date(2023, 1, 1), HALF), (date(2024, 1, 1), ALL))
    assert parts_of(changed(alice, start="2023-12-31", end="2024-01-31")) == {"added": "400000.00"}


# --- returns ---


def test_returns_take_a_change_of_the_share_as_money_that_moved(alice, house):
    share(house, (None, HALF), (FALLS_ON, ALL))
    params = {"start": "2024-05-31", "end": "2024-06-30", "explain": "1"}
    answer = alice.get("/api/v1/performance", params).json()
    assert answer["flows"] == [{"on": "2024-06-15", "amount": "220000.00"}]
    (day,) = [day for day in answer["days"] if day["on"] == "2024-06-15"]
    assert [day[name] for name in ("start", "inflow", "outflow", "end")] == [
        "200000.00",
        "220000.00",
        "0.00",
        "440000.00",
    ]


def test_of_an_account_the_share_and_the_money_are_two_flows(alice, portfolio):
    account = create_asset(portfolio, "Joint account", TypeId.CHECKING_ACCOUNT)
    add_value(account, 1000, date(2024, 1, 1))
    add_value(account, 600, FALLS_ON)
    share(account, (None, HALF), (FALLS_ON, ALL))
    params = {"start": "2024-05-31", "end": "2024-06-30", "explain": "1"}
    answer = alice.get(f"/api/v1/assets/{account.pk}/performance", params).json()
    (day,) = [day for day in answer["days"] if day["on"] == "2024-06-15"]
    assert (day["inflow"], day["outflow"]) == ("300.00", "200.00")
    assert parts_of(changed(alice)) == {"added": "300.00", "net_flows": "-200.00"}


# --- corporate actions ---


@pytest.mark.parametrize("kind", ["spin_off", "merger"])
def test_new_shares_of_a_shared_asset_are_owned_by_the_same_share(alice, household, portfolio, kind):
    """100 shares, of which the half cost 1,000, are worth 2,400, and after the spin-off of 50 others 1,600; these are
    worth 900. The half of 2,400 is 1,200, of 1,600 it is 800, and of 900 it is 450.
    """
    old, new = (
        Instrument.objects.create(household=household, symbol=name, name=name, currency="EUR")
        for name in ("OLD", "NEW")
    )
    holder = create_asset(portfolio, "Old", TypeId.STOCKS, instrument=old)
    add_value(holder, 2400, date(2024, 1, 1))
    share(holder, (None, HALF))
    body = {"type": "ACQUIRE", "on": "2024-01-01", "quantity": "100", "amount": "1000"}
    assert alice.post(f"/api/v1/assets/{holder.pk}/transactions", body).status_code == 201
    body = {"type": kind, "on": str(FALLS_ON), "to_instrument_id": str(new.pk)}
    body |= {"numerator": 1, "denominator": 2} | ({"cost_ratio": "0.25"} if kind == "spin_off" else {})
    assert alice.post(f"/api/v1/instruments/{old.pk}/actions", body).status_code == 201
    receiver = Asset.objects.get(instrument=new)
    left = {"spin_off": 1600, "merger": 0}[kind]
    add_value(holder, left, FALLS_ON)
    add_value(receiver, 900, FALLS_ON)
    assert receiver.shares == "0.5"
    total, returns = changed(alice), alice.get("/api/v1/performance", {"explain": "1", "end": ON}).json()
    assert (total["start_value"], total["end_value"]) == ("1200.00", f"{left // 2 + 450}.00")
    assert parts_of(total) == {"value_change": f"{left // 2 + 450 - 1200}.00"}
    assert returns["flows"] == [{"on": "2024-01-01", "amount": "1000.00"}]
    days = {"start": "2024-05-31", "end": "2024-06-30", "explain": "1"}
    into = alice.get(f"/api/v1/assets/{receiver.pk}/performance", days).json()
    assert into["flows"] == [{"on": "2024-06-15", "amount": "450.00"}]
    costs = [
        alice.get(f"/api/v1/assets/{each.pk}/lots", {"on": ON}).json()["cost"] for each in (holder, receiver)
    ]
    assert costs == {"spin_off": ["750.00", "250.00"], "merger": [None, "1000.00"]}[kind]


# --- findings ---


def test_change_of_the_share_causes_no_finding(portfolio, house):
    add_value(house, 4_400_000, date(2024, 7, 1))
    before = [issue.finding for issue in quality_report(portfolio, on=date(2024, 7, 2))]
    assert [finding.code for finding in before] == ["SUSPICIOUS_JUMP"]
    share(house, (date(2024, 6, 20), Decimal("0.01")))
    assert [issue.finding for issue in quality_report(portfolio, on=date(2024, 7, 2))] == before


# --- queries ---


@pytest.mark.parametrize("path", ["net-worth", "net-worth/change", "performance"])
def test_shares_cost_no_query_where_there_are_none(alice, portfolio, house, path):
    """And with any number of shared assets the reports take the same number of queries."""
    for number in range(3):
        create_valued_asset(portfolio, f"Flat {number}", TypeId.REAL_ESTATE, "1000")

    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            params = {"start": "2024-05-31", "end": "2024-06-30"}
            assert alice.get(f"/api/v1/{path}", params).status_code == 200
        return len(queries)

    count_queries()
    by_count = {}
    for shared in (0, 2, 3):
        for asset in Asset.objects.order_by("pk")[:shared]:
            share(asset, (None, HALF), (FALLS_ON, ALL))
        count_queries()  # reads what is kept until the next write
        by_count[shared] = count_queries()
    assert by_count[2] == by_count[3]
    assert by_count[0] <= by_count[2] <= by_count[0] + 4


# --- Update values ---


def ask(browser, portfolio: Portfolio, asset: Asset, action: str, text: str) -> dict:
    rows = [{"asset": str(asset.pk), "text": text, "note": "", "seen": ""}]
    body = {"action": action, "portfolio": str(portfolio.pk), "on": ON, "rows": rows}
    return browser.post(UPDATE_VALUES, json.dumps(body), content_type="application/json").json()


def test_whole_value_is_entered_and_the_part_counts(browser, portfolio, house):
    create_valued_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, "1000")
    share(house, (None, Decimal("0.125")))
    page = browser.get(UPDATE_VALUES, {"portfolio": portfolio.pk, "on": ON}).content.decode()
    assert page.count("Enter the whole value; 12.5 % counts.") == 1
    assert '<span class="amount">440,000.00</span>' in page
    shown = ask(browser, portfolio, house, "preview", "480,000")
    assert shown["total"].startswith("56,000 → 61,000 EUR (+5,000,")
    assert "+40,000.00" in shown["differences"][str(house.pk)]
    ask(browser, portfolio, house, "save", "480,000")
    assert AssetSnapshot.objects.get(asset=house, on=ON).value == 480_000


# --- the asset's page ---


def enter(browser, asset: Asset, *rows: tuple[str, str], seen: str | None = None) -> str:
    body = {
        "share_on": [on for on, _ in rows],
        "share": [text for _, text in rows],
        "seen": Asset.objects.get(pk=asset.pk).shares if seen is None else seen,
    }
    return browser.post(f"/admin/assets/asset/{asset.pk}/shares/", body, follow=True).content.decode()


def stored(asset: Asset) -> str:
    return Asset.objects.get(pk=asset.pk).shares


def test_shares_are_entered_in_per_cent(browser, house):
    page = enter(browser, house, ("", "50 %"), ("2025-01-01", "33.3333"), ("", ""))
    assert "Saved your share." in page and "Undo" in page
    assert stored(house) == "0.5, 2025-01-01: 0.333333"
    page = browser.get(url(Asset, "change", house.pk)).content.decode()
    assert 'name="share" value="50"' in page and 'name="share_on" value="2025-01-01"' in page
    assert "Enter the whole value; " in page
    enter(browser, house, ("", ""), ("2025-01-01", ""))
    assert stored(house) == ""


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("", "0")], "A share is more than 0"),
        ([("", "101")], "A share is more than 0"),
        ([("", "half")], "Enter a number such as"),
        ([("", "1.23456")], "at most 4 decimal places"),
        ([("31/31/2025", "50")], "Enter a day as"),
        ([("2025-01-01", "50"), ("", "60")], "in the order of their days"),
    ],
)
def test_what_cannot_be_a_share_is_said_and_stays_in_its_field(browser, house, rows, reason):
    page = enter(browser, house, *rows)
    assert reason in page and "<details" in page
    on, text = rows[-1]
    assert f'name="share" value="{text}"' in page and f'name="share_on" value="{on}"' in page
    assert stored(house) == ""


def test_shares_that_somebody_changed_meanwhile_stay(browser, house):
    share(house, (None, HALF))
    assert "was changed meanwhile" in enter(browser, house, ("", "60"), seen="")
    assert stored(house) == "0.5"


def test_viewer_and_stranger_save_no_shares(household, house, charlie_user):
    vera = staff(member(household, "vera", VIEWER))
    path = f"/admin/assets/asset/{house.pk}/shares/"
    assert vera.post(path, {"share_on": "", "share": "50"}).status_code == 403
    assert staff(charlie_user).post(path, {"share_on": "", "share": "50"}).status_code == 404
    assert vera.get(path).status_code == 405
    assert stored(house) == ""


def test_viewer_sees_the_shares(household, house):
    share(house, (None, HALF))
    vera = staff(member(household, "vera", VIEWER))
    page = vera.get(url(Asset, "change", house.pk)).content.decode()
    assert "Your share: 50 %" in page and 'name="share"' not in page
