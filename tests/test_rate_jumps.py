"""A rate of 108 for 1.08 is found: in every portfolio that uses the currency, and by doctor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assets import doctor
from assets.models import ExchangeRate
from portfolios.models import Portfolio
from reports.doctor import values_to_look_at
from strata.doctor import Level
from tests.admin_forms import staff
from tests.test_missing_rates import held

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
    found = client.get(f"{API}/portfolios/{portfolio.pk}/quality", asked).json()["findings"]
    return [finding for finding in found if finding["code"] == "RATE_JUMP"]


def test_portfolios_that_use_the_currency_have_the_finding(alice, household, portfolio, slip):
    held(portfolio, "USD", "5")
    in_dollars = Portfolio.objects.create(household=household, name="Dollars", base_currency="USD")
    held(in_dollars, "EUR", "5")
    other = Portfolio.objects.create(household=household, name="Other", base_currency="EUR")
    held(other, "EUR", "5")
    (found,) = jumps(alice, portfolio)
    assert (found["severity"], found["asset"], found["on"]) == ("warning", None, ago(3).isoformat())
    assert found["message"].startswith("The rate of USD goes from 1.09 to 108 for a euro.")
    assert len(jumps(alice, in_dollars)) == 1
    assert jumps(alice, other) == []


def test_the_link_leads_to_the_rate_and_everybody_may_follow_it(alice, portfolio, vera_user, slip):
    held(portfolio, "USD", "5")
    (found,) = jumps(alice, portfolio)
    units = [row["units_per_euro"] for row in alice.get(found["link"]).json()["results"]]
    assert sorted(units) == ["1.08", "108"]
    page = staff(vera_user).get(found["admin_link"])
    assert b"108" in page.content
    page = staff(vera_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/")
    ((link,),) = [[link for doubt, link in page.context["doubts"] if doubt.finding.code == "RATE_JUMP"]]
    assert link == found["admin_link"]
    assert staff(vera_user).get("/admin/").status_code == 200


def test_a_newer_rate_of_the_same_day_settles_it(alice, portfolio, slip):
    held(portfolio, "USD", "5")
    rate("1.08", 3, "manual")
    assert jumps(alice, portfolio) == []


def test_it_can_be_dismissed_and_comes_back_when_the_rate_is_another(alice, portfolio, slip):
    held(portfolio, "USD", "5")
    (found,) = jumps(alice, portfolio)
    path = f"{API}/portfolios/{portfolio.pk}/quality/{found['key']}"
    assert alice.put(path, {"reason": "It was so."}).status_code == 200
    assert jumps(alice, portfolio) == []
    assert [one["key"] for one in jumps(alice, portfolio, dismissed="1")] == [found["key"]]
    rate("109", 3, "manual")
    assert len(jumps(alice, portfolio)) == 1


def test_what_was_before_since_is_not_looked_at(alice, portfolio, slip):
    held(portfolio, "USD", "5")
    assert jumps(alice, portfolio, since=ago(0), on=ago(0)) == jumps(alice, portfolio, since=ago(9))
    rate("1.08", 500)
    rate("0.01", 499)
    rate("1.08", 498)
    assert len(jumps(alice, portfolio)) == 1
    assert len(jumps(alice, portfolio, since=ago(520))) == 2


def test_doctor_names_the_rate_and_what_replaces_it(portfolio, slip):
    held(portfolio, "EUR", "5")
    (found,) = [line for level, line in doctor.rates() if level == Level.WARN]
    assert found.startswith(f"USD on {ago(3)} goes from 1.09 to 108")
    assert "a newer one of the same currency and day replaces it" in found
    held(portfolio, "USD", "5")
    assert any("RATE_JUMP" in line and "Main: USD" in line for _, line in values_to_look_at())


def test_doctor_names_only_the_first_few(db):
    for number in range(14):
        rate("100" if number % 2 else "1", 100 - number)
    lines = [line for _, line in doctor.rates_that_jump()]
    assert len(lines) == doctor.MOST_NAMED + 1
    assert lines[-1] == "and 2 more that jump"
