"""A rate of 108 instead of 1.08 is reported in every portfolio that uses the currency, and by doctor."""

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


def days_ago(days: int):
    return timezone.now().date() - timedelta(days=days)


def add_rate(units: str, days: int, source="ecb") -> None:
    ExchangeRate.objects.create(currency="USD", on=days_ago(days), units_per_euro=units, source=source)


@pytest.fixture
def typing_error(db):
    """Rates near 1.08, and one from three days ago that was typed without its decimal point."""
    for number, units in enumerate(("1.07", "1.08", "1.09", "1.08", "1.08")):
        add_rate(units, 9 - 2 * number)
    add_rate("108", 3, "manual")


def rate_jumps(client, portfolio, **query) -> list[dict]:
    findings = client.get(f"{API}/portfolios/{portfolio.pk}/quality", query).json()["findings"]
    return [finding for finding in findings if finding["code"] == "RATE_JUMP"]


def test_portfolios_that_use_the_currency_have_the_finding(alice, household, portfolio, typing_error):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    in_dollars = Portfolio.objects.create(household=household, name="Dollars", base_currency="USD")
    create_valued_asset(in_dollars, "EUR", TypeId.CHECKING_ACCOUNT, "5", currency="EUR", on="2025-12-31")
    other = Portfolio.objects.create(household=household, name="Other", base_currency="EUR")
    create_valued_asset(other, "EUR", TypeId.CHECKING_ACCOUNT, "5", currency="EUR", on="2025-12-31")
    (finding,) = rate_jumps(alice, portfolio)
    assert (finding["severity"], finding["asset"], finding["on"]) == (
        "warning",
        None,
        days_ago(3).isoformat(),
    )
    assert finding["message"].startswith("The rate of USD goes from 1.09 to 108 for a euro.")
    assert len(rate_jumps(alice, in_dollars)) == 1
    assert rate_jumps(alice, other) == []


def test_link_of_the_finding_shows_the_rate_to_every_member(alice, portfolio, vera_user, typing_error):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    (finding,) = rate_jumps(alice, portfolio)
    units = [row["units_per_euro"] for row in alice.get(finding["link"]).json()["results"]]
    assert sorted(units) == ["1.08", "108"]
    page = staff(vera_user).get(finding["admin_link"])
    assert b"108" in page.content
    page = staff(vera_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/")
    ((link,),) = [[link for issue, link, *_ in page.context["issues"] if issue.finding.code == "RATE_JUMP"]]
    assert link == finding["admin_link"]
    assert staff(vera_user).get("/admin/").status_code == 200


def test_newer_rate_of_the_same_day_ends_the_finding(alice, portfolio, typing_error):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    add_rate("1.08", 3, "manual")
    assert rate_jumps(alice, portfolio) == []


def test_dismissed_finding_returns_when_the_rate_changes(alice, portfolio, typing_error):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    (finding,) = rate_jumps(alice, portfolio)
    path = f"{API}/portfolios/{portfolio.pk}/quality/{finding['key']}"
    assert alice.put(path, {"reason": "It was so."}).status_code == 200
    assert rate_jumps(alice, portfolio) == []
    assert [jump["key"] for jump in rate_jumps(alice, portfolio, dismissed="1")] == [finding["key"]]
    add_rate("109", 3, "manual")
    assert len(rate_jumps(alice, portfolio)) == 1


def test_rates_before_since_are_not_checked(alice, portfolio, typing_error):
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    assert rate_jumps(alice, portfolio, since=days_ago(0), on=days_ago(0)) == rate_jumps(
        alice, portfolio, since=days_ago(9)
    )
    add_rate("1.08", 500)
    add_rate("0.01", 499)
    add_rate("1.08", 498)
    assert len(rate_jumps(alice, portfolio)) == 1
    assert len(rate_jumps(alice, portfolio, since=days_ago(520))) == 2


def test_doctor_names_the_rate_and_how_to_replace_it(portfolio, typing_error):
    create_valued_asset(portfolio, "EUR", TypeId.CHECKING_ACCOUNT, "5", currency="EUR", on="2025-12-31")
    (message,) = [line for level, line in doctor.rates() if level == Level.WARN]
    assert message.startswith(f"USD on {days_ago(3)} goes from 1.09 to 108")
    assert "a newer one of the same currency and day replaces it" in message
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "5", currency="USD", on="2025-12-31")
    assert any("RATE_JUMP" in line and "Main: USD" in line for _, line in values_to_look_at())


def test_doctor_names_only_the_first_jumps(db):
    for number in range(14):
        add_rate("100" if number % 2 else "1", 100 - number)
    lines = [line for _, line in doctor.rates_that_jump()]
    assert len(lines) == doctor.MOST_NAMED + 1
    assert lines[-1] == "and 2 more that jump"
