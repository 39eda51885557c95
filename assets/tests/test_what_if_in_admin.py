"""On the page of a loan: what an extra payment or another rate would change; and what is one's own of a house."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, LoanExtraPayment
from assets.services.ownership import put_shares
from assets.valuation.formulas.shares import Share
from tests.admin_forms import staff, url
from tests.factories import add_value, create_asset

API = "/api/v1"
ON = date(2024, 1, 1)
LOAN = {
    "valuation": "loan",
    "principal": "100000",
    "started_on": str(ON),
    "first_payment_on": "2024-02-01",
    "term": 240,
    "rates": [{"on": str(ON), "rate": "0.04"}],
}


@pytest.fixture
def browser(alice_user):
    return staff(alice_user)


@pytest.fixture
def house(portfolio) -> Asset:
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    add_value(asset, 400_000, ON)
    return asset


@pytest.fixture
def loan(alice, portfolio, house) -> Asset:
    asset = create_asset(portfolio, "Mortgage", TypeId.MORTGAGE)
    body = LOAN | {"collateral_id": str(house.pk)}
    assert alice.put(f"{API}/assets/{asset.pk}/terms", body).status_code == 200
    return asset


def what_if(browser, asset: Asset, **asked: str):
    answer = browser.get(url(Asset, "change", asset.pk), {f"what_if_{k}": v for k, v in asked.items()})
    assert answer.status_code == 200
    return answer.context["schedule"]["what_if"], answer.content.decode()


def test_form_is_there_and_says_nothing_before_it_is_sent(browser, loan):
    shown, page = what_if(browser, loan)
    assert "rows" not in shown
    assert '<details id="what-if" class="what-if">' in page and 'role="alert"' not in page


def test_extra_payment_and_rate_are_compared_with_what_is_agreed(alice, browser, loan):
    """As the API says, in the user's format; nothing is written."""
    path = f"{API}/assets/{loan.pk}/schedule"
    agreed = alice.get(path).json()
    asked = {"what_if_on": "2025-01-01", "what_if_extra": "10000", "what_if_rate": "0.05"}
    supposed = alice.get(path, asked).json()
    shown, page = what_if(browser, loan, on="2025-01-01", extra="10,000", rate="5")
    rows = {row.name: row[1:] for row in shown["rows"]}
    assert rows["Paid off on"] == (agreed["payoff_on"], supposed["payoff_on"], "")
    interest = [text.replace(",", "") for text in rows["Interest in all"]]
    assert interest[:2] == [agreed["total_interest"], supposed["total_interest"]]
    assert Decimal(interest[2].replace("−", "-")) == Decimal(interest[1]) - Decimal(interest[0])
    counts = [sum(row["payment"] != "0.00" for row in plan["rows"]) for plan in (agreed, supposed)]
    assert rows["Number of payments"] == (str(counts[0]), str(counts[1]), f"−{counts[0] - counts[1]}")
    payments = [
        next(row["payment"] for row in plan["rows"] if row["on"] == "2025-02-01")
        for plan in (agreed, supposed)
    ]
    assert list(rows["Next payment"][:2]) == payments
    assert (
        '<details id="what-if" class="what-if" open>' in page and page.count('<div class="value-chart"') == 3
    )
    assert not LoanExtraPayment.objects.exists() and alice.get(path).json() == agreed


def test_extra_payment_may_lower_the_payment(browser, loan):
    shown, _ = what_if(browser, loan, on="2025-01-01", extra="10000", effect="lower")
    rows = {row.name: row for row in shown["rows"]}
    assert rows["Number of payments"].change == "" and rows["Next payment"].change.startswith("−")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"on": "2025-01-01"}, "Enter an extra payment or a new rate."),
        ({"on": "2025-01-01", "extra": "0"}, "It is more than zero."),
        ({"on": "2025-01-01", "extra": "-5"}, "It is more than zero."),
        ({"on": "2025-01-01", "extra": "much"}, "Enter a number such as"),
        ({"on": "2025-01-01", "extra": "1.234"}, "1.234"),
        ({"on": "", "extra": "1"}, "This field is required."),
        ({"on": "31/31/2025", "rate": "4"}, "Enter a day as"),
        ({"on": "2025-01-01", "rate": "4000"}, "Enter from 0 to 1,000 %."),
        ({"on": "2025-01-01", "extra": "1", "effect": "wonder"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_read_is_said_and_stays(browser, loan, asked, reason):
    shown, page = what_if(browser, loan, **asked)
    assert "rows" not in shown and reason in page and 'role="alert"' in page
    for name in asked:
        if name != "effect":
            assert f'name="what_if_{name}" value="{asked[name]}"' in page or not asked[name]


def test_viewer_may_ask_too_and_a_stranger_not(vera_user, charlie_user, loan):
    shown, _ = what_if(staff(vera_user), loan, on="2025-01-01", extra="1")
    assert shown["rows"]
    asked = {"what_if_on": "2025-01-01", "what_if_extra": "1"}
    assert staff(charlie_user).get(url(Asset, "change", loan.pk), asked).status_code == 302


# --- equity ---


def equity(browser, asset: Asset) -> tuple[dict | None, str]:
    answer = browser.get(url(Asset, "change", asset.pk))
    return answer.context["equity"], answer.content.decode()


def test_equity_is_shown_with_the_house_and_with_its_loan(alice, browser, house, loan):
    """On both pages the figures of the API."""
    expected = alice.get(f"{API}/assets/{house.pk}").json()["equity"]
    assert expected["value"] == "400000.00"
    for asset, other in ((house, loan), (loan, house)):
        shown, page = equity(browser, asset)
        assert [text.replace(",", "") for _, text in shown["amounts"]] == [
            expected["value"],
            expected["loans"].removeprefix("-"),
            expected["equity"],
        ]
        assert Decimal(shown["loan_to_value"]) == Decimal(expected["loan_to_value"]) * 100
        assert url(Asset, "change", other.pk) in page
    assert "Secured on: " in page


def test_equity_is_of_the_households_part(browser, house, loan):
    put_shares(house.pk, [Share(None, Decimal("0.5"))])
    shown, _ = equity(browser, house)
    assert shown["amounts"][0] == ("Value", "200,000.00")


def test_nothing_is_shown_without_a_loan_or_without_a_value(browser, portfolio, loan):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    assert equity(browser, car)[0] is None
    Asset.objects.get(name="House").snapshots.all().delete()
    assert equity(browser, loan)[0] is None
