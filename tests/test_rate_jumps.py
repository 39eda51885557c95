"""A rate of 108 for 1.08 is found: in every portfolio that uses the currency, and by doctor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assets import doctor
from assets.classification.seeds import TypeId
from assets.models import ExchangeRate
from portfolios.models import Portfolio
from reports.doctor import values_to_look_at
from strata.doctor import Level
from tests.admin_forms import staff
from tests.factories import create_valued_asset

API = "/api/v1"
JUMP = "The rate of USD goes from 1.08 to 108 for a euro."


def ago(days: int):
    return timezone.now().date() - timedelta(days=days)


def rate(units: str, days: int, source="ecb") -> None:
    ExchangeRate.objects.create(currency="USD", on=ago(days), units_per_euro=units, source=source)


@pytest.fixture
def slip(db):
    """Yesterday's rate was typed without its point."""
    for number, units in enumerate(("1.07", "1.08", "1.09", "1.08", "1.08")):
        rate(units, 9 - 2 * number)
    rate("108", 3, "manual")


def jumps(client, portfolio, **asked) -> list[dict]:
    findings = client.get(f"{API}/portfolios/{portfolio.pk}/quality", asked).json()["findings"]
    return [finding for finding in findings if finding["code"] == "RATE_JUMP"]


def test_portfolios_that_use_the_currency_have_the_finding(alice, household, portfolio, slip):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    in_dollars = Portfolio.objects.create(household=household, name="Dollars", base_currency="USD")
    create_valued_asset(in_dollars, "EUR", TypeId.CHECKING_ACCOUNT, "5", currency="EUR", on="2025-12-31")
    other = Portfolio.objects.create(household=household, name="Other", base_currency="EUR")
    create_valued_asset(other, "EUR", TypeId.CHECKING_ACCOUNT, "5", currency="EUR", on="2025-12-31")
    (finding,) = jumps(alice, portfolio)
    assert (finding["severity"], finding["asset"], finding["on"]) == ("warning", None, ago(3).isoformat())
    assert finding["message"].startswith("The rate of USD goes from 1.09 to 108 for a euro.")
    assert len(jumps(alice, in_dollars)) == 1
    assert jumps(alice, other) == []


def test_the_link_leads_to_the_rate_and_everybody_may_follow_it(alice, portfolio, vera_user, slip):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    (finding,) = jumps(alice, portfolio)
    units = [row["units_per_euro"] for row in alice.get(finding["link"]).json()["results"]]
    assert sorted(units) == ["1.08", "108"]
    page = staff(vera_user).get(finding["admin_link"])
    assert b"108" in page.content
    page = staff(vera_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/")
    ((link,),) = [[link for issue, link in page.context["issues"] if issue.finding.code == "RATE_JUMP"]]
    assert link == finding["admin_link"]
    assert staff(vera_user).get("/admin/").status_code == 200


def test_a_newer_rate_of_the_same_day_settles_it(alice, portfolio, slip):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    rate("1.08", 3, "manual")
    assert jumps(alice, portfolio) == []


def test_it_can_be_dismissed_and_comes_back_when_the_rate_is_another(alice, portfolio, slip):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    (finding,) = jumps(alice, portfolio)
    path = f"{API}/portfolios/{portfolio.pk}/quality/{finding['key']}"
    assert alice.put(path, {"reason": "It was so."}).status_code == 200
    assert jumps(alice, portfolio) == []
    assert [jump["key"] for jump in jumps(alice, portfolio, dismissed="1")] == [finding["key"]]
    rate("109", 3, "manual")
    assert len(jumps(alice, portfolio)) == 1


def test_what_was_before_since_is_not_looked_at(alice, portfolio, slip):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    assert jumps(alice, portfolio, since=ago(0), on=ago(0)) == jumps(alice, portfolio, since=ago(9))
    rate("1.08", 500)
    rate("0.01", 499)
    rate("1.08", 498)
    assert len(jumps(alice, portfolio)) == 1
    assert len(jumps(alice, portfolio, since=ago(520))) == 2


def test_doctor_names_the_rate_and_what_replaces_it(portfolio, slip):
    create_valued_asset(portfolio, "EUR", TypeId.CHECKING_ACCOUNT, "5", currency="EUR", on="2025-12-31")
    (message,) = [line for level, line in doctor.rates() if level == Level.WARN]
    assert message.startswith(f"USD on {ago(3)} goes from 1.09 to 108")
    assert "a newer one of the same currency and day replaces it" in message
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    assert any("RATE_JUMP" in line and "Main: USD" in line for _, line in values_to_look_at())


def test_doctor_names_only_the_first_few(db):
    for number in range(14):
        rate("100" if number % 2 else "1", 100 - number)
    lines = [line for _, line in doctor.rates_that_jump()]
    assert len(lines) == doctor.MOST_NAMED + 1
    assert lines[-1] == "and 2 more that jump"
