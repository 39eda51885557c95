"""Demo households: only they are valued at invented rates, and reports leave them out beside real assets."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate
from conftest import client_of, member
from portfolios.models import Household, Membership, Portfolio
from reports.queries import portfolio_totals
from strata.fields.dates import noon
from strata.tenancy.roles import OWNER

API, ON = "/api/v1", date(2026, 11, 2)
pytestmark = pytest.mark.django_db


def portfolio_with(household, *values: tuple[str, str]) -> Portfolio:
    portfolio = Portfolio.objects.create(household=household, name="Everything", base_currency="EUR")
    for value, currency in values:
        asset = Asset.objects.create(
            portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=value, currency=currency
        )
        AssetSnapshot.objects.create(asset=asset, value=value, on=ON, observed_at=noon(ON, "UTC"))
    return portfolio


@pytest.fixture
def demo(alice_user) -> Portfolio:
    household = Household.objects.create(name="Demo", is_demo=True)
    Membership.objects.create(household=household, user=alice_user, role=OWNER)
    ExchangeRate.objects.create(currency="USD", on=ON, units_per_euro="2", source="demo")
    return portfolio_with(household, ("100", "USD"))


@pytest.fixture
def real(household) -> Portfolio:
    return portfolio_with(household, ("1000", "EUR"), ("100", "USD"))


def net_of(client, query="") -> tuple[str, bool]:
    answer = client.get(f"{API}/net-worth?start={ON}&end={ON}&interval=day&{query}")
    assert answer.status_code == 200, answer.json()
    point = answer.json()["points"][0]
    return point["net"], point["complete"]


# --- invented rates ---


def test_invented_rates_value_the_demo_alone(alice, demo, real):
    totals = portfolio_totals([demo, real], ON)
    assert (str(totals[demo.pk].value), totals[demo.pk].complete) == ("50.00", True)
    assert (str(totals[real.pk].value), totals[real.pk].complete) == ("1000.00", False)
    assert net_of(alice, f"portfolio={demo.pk}") == ("50.00", True)
    assert net_of(alice, f"portfolio={real.pk}") == ("1000.00", False)
    assert net_of(alice, f"portfolio={demo.pk}&portfolio={real.pk}") == ("1000.00", False)


@pytest.mark.parametrize(
    "report",
    [
        f"net-worth?start={ON}&end={ON}",
        f"allocation?on={ON}",
        f"change?start={ON}&end=2026-11-04",
        f"quality?on={ON}",
        f"?on={ON}",
    ],
)
def test_every_report_of_a_real_portfolio_misses_the_rate_that_one_of_the_demo_has(alice, demo, real, report):
    def answer_about(portfolio) -> str:
        answer = alice.get(f"{API}/portfolios/{portfolio.pk}/{report}".replace("/?", "?"))
        assert answer.status_code == 200, answer.json()
        return answer.content.decode()

    signs = ('"complete":false', "MISSING_RATE")
    assert any(sign in answer_about(real) for sign in signs)
    assert not any(sign in answer_about(demo) for sign in signs)


def test_stored_total_of_the_demo_has_its_rates(alice, demo, real):
    bodies = [
        alice.post(f"{API}/portfolios/{portfolio.pk}/snapshots", {"on": str(ON)}).json()
        for portfolio in (demo, real)
    ]
    assert [(body["value"], body["complete"]) for body in bodies] == [("50.00", True), ("1000.00", False)]


# --- left out ---


def test_demo_counts_until_there_is_an_asset_elsewhere(alice, household, demo):
    Portfolio.objects.create(household=household, name="Still empty")
    assert net_of(alice) == ("50.00", True)
    portfolio_with(household, ("7", "EUR"))
    assert net_of(alice) == ("7.00", True)
    assert net_of(alice, f"portfolio={demo.pk}") == ("50.00", True)


def test_asset_of_somebody_else_changes_nothing(alice, demo):
    portfolio_with(Household.objects.create(name="Foreign"), ("7", "EUR"))
    assert net_of(alice) == ("50.00", True)


def test_dashboard_leaves_the_demo_out_and_still_offers_it(alice_user, demo, real):
    Asset.objects.filter(portfolio=demo).update(currency="EUR")
    alice_user.is_staff = True
    alice_user.save()
    browser = Client()
    browser.force_login(alice_user)
    assert str(browser.get("/admin/").context["dashboard"]["worth"]["net"]) == "1,000.00 EUR"
    shown = browser.get(f"/admin/?portfolio={demo.pk}").context["dashboard"]
    assert str(shown["worth"]["net"]) == "100.00 EUR"


def test_new_rows_without_a_household_go_to_a_real_one(alice, alice_user, demo):
    """The demo is the older household of the two that she owns."""
    Household.objects.filter(pk=demo.household_id).update(created_at="2020-01-01T00:00:00Z")
    created = alice.post(f"{API}/portfolios", {"name": "Mine"})
    assert created.json()["household_id"] != str(demo.household_id)


def test_first_household_of_a_user_who_only_has_a_demo_is_the_demo(demo):
    owner = member(demo.household, "dora", OWNER)
    created = client_of(owner).post(f"{API}/portfolios", {"name": "Mine"})
    assert created.json()["household_id"] == str(demo.household_id)
