"""The admin's first page: whose net worth it shows, for which days, and how it handles invalid parameters."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from portfolios.models import Invitation, Portfolio
from reports.calculations.intervals import months_before
from reports.dashboard.page import MOST_PORTFOLIOS
from reports.dashboard.worth import interval_for
from reports.tests.dashboard_pages import TODAY, day_text, days_drawn, entering, page, worth
from strata.tenancy.roles import OWNER

# --- whose ---


def test_staff_see_the_worth_of_their_own_households(vera_staff, portfolio, foreign):
    worth(portfolio, "1200.50")
    shown = page(vera_staff)
    assert str(shown["worth"]["net"]) == "1,200.50 EUR"
    assert "Not yours" not in shown["html"]


def test_strangers_portfolio_is_no_choice(vera_staff, portfolio, foreign):
    worth(portfolio, "1200.50")
    shown = page(vera_staff, portfolio=foreign.pk)
    assert str(shown["worth"]["net"]) == "1,200.50 EUR"
    assert "portfolio" in shown["picker"].errors


def test_superuser_sees_their_own_household_first(alice_user, portfolio, foreign):
    worth(portfolio, "1200.50")
    assert str(page(entering(alice_user, superuser=True))["worth"]["net"]) == "1,200.50 EUR"


def test_superuser_without_a_household_sees_all(charlie_user, portfolio, foreign):
    worth(portfolio, "1200.50")
    assert str(page(entering(charlie_user, superuser=True))["worth"]["net"]) == "8,977.50 EUR"


def test_who_has_nothing_is_told_how_to_begin(charlie_user, foreign):
    shown = entering(charlie_user).get("/admin/").content.decode()
    assert "Welcome: add what you own and owe" in shown
    assert "7,777" not in shown


def test_invited_but_not_yet_a_member_sees_nothing(charlie_user, portfolio):
    worth(portfolio, "1200.50")
    Invitation.objects.create(household=portfolio.household, username="CHARLIE", role=OWNER)
    shown = " ".join(entering(charlie_user).get("/admin/").content.decode().split())
    assert "1,200" not in shown
    assert f"to the household {portfolio.household.name} as owner" in shown


def test_portfolio_can_be_chosen(vera_staff, portfolio, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    worth(portfolio, "1.00")
    worth(second, "20.00")
    assert str(page(vera_staff)["worth"]["net"]) == "21.00 EUR"
    assert str(page(vera_staff, portfolio=second.pk)["worth"]["net"]) == "20.00 EUR"


def test_more_portfolios_than_fit_are_cut_off_and_that_is_said(charlie_user, household):
    Portfolio.objects.bulk_create(
        Portfolio(household=household, name=f"{number}", name_key=f"{number}", base_currency="EUR")
        for number in range(MOST_PORTFOLIOS + 1)
    )
    worth(Portfolio.objects.first(), "1.00")
    assert "more portfolios than fit" in page(entering(charlie_user, superuser=True))["html"]


# --- when ---


@pytest.mark.parametrize(
    ("days", "interval"), [(366, "day"), (730, "week"), (1826, "month"), (9000, "quarter"), (40000, "year")]
)
def test_interval_grows_with_the_range(days, interval):
    assert interval_for(date(1900, 1, 1), date(1900, 1, 1) + timedelta(days=days)) == interval


@pytest.mark.parametrize(("asked", "months"), [("1m", 1), ("3m", 3), ("1y", 12), ("3y", 36), ("5y", 60)])
def test_range_reaches_so_far_back(vera_staff, portfolio, asked, months):
    worth(portfolio, "1.00")
    shown = page(vera_staff, range=asked)
    period = shown["period"]
    assert (period.start, period.end) == (months_before(period.end, months), period.end)
    assert period.end - TODAY in (timedelta(0), timedelta(1))


def test_all_reaches_back_to_the_first_value(vera_staff, portfolio):
    worth(portfolio, "1.00", on=date(2003, 5, 17))
    assert page(vera_staff, range="all")["period"].start == date(2003, 5, 17)


def test_this_year_begins_on_the_last_day_of_the_year_before(vera_staff, portfolio):
    worth(portfolio, "1.00", on=date(2003, 5, 17))
    period = page(vera_staff, range="ytd")["period"]
    assert (period.start, period.words) == (date(period.end.year - 1, 12, 31), "this year")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2020-01-01", "2020-01-05"), ("2020-01-01", "2021-01-01"), ("2003-05-17", "2021-01-01")],
)
def test_gain_is_that_of_the_whole_range_that_is_named(vera_staff, portfolio, start, end):
    worth(portfolio, "100.00", on=date.fromisoformat(start))
    worth(portfolio, "250.00", on=date.fromisoformat(start) + timedelta(days=1))
    shown = page(vera_staff, start=start, end=end)
    assert shown["period"].first == date.fromisoformat(start)
    assert (str(shown["worth"]["change"]), shown["worth"]["ratio"]) == (
        "+150 EUR",
        "+150.0\N{NO-BREAK SPACE}%",
    )
    days = days_drawn(shown)
    assert len(days) == len(set(days))
    assert days[0] == day_text(shown["period"].start)


def test_since_is_never_before_the_first_value(vera_staff, portfolio):
    first = TODAY - timedelta(days=20)
    worth(portfolio, "100.00", on=first)
    worth(portfolio, "130.00", on=TODAY - timedelta(days=10))
    asked = [{"range": name} for name in ("1m", "3m", "ytd", "1y", "3y", "5y", "all")]
    for given in (*asked, {"start": "2001-01-01"}):
        shown = page(vera_staff, **given)
        assert (shown["period"].since, str(shown["worth"]["change"])) == (first, "+30 EUR"), given
        assert str(shown["change"]["total"]) == "+30.00 EUR", given
        assert shown["period"].words == f"since your first value, {day_text(first)}"
        assert days_drawn(shown)[0] == day_text(first), "nothing is drawn before it"


@pytest.mark.parametrize("asked", [{}, {"start": "2001-01-01", "end": "2001-02-01"}])
def test_without_a_value_up_to_the_last_day_nothing_is_said_to_be_since(vera_staff, portfolio, asked):
    worth(portfolio, "100.00", on=TODAY + timedelta(days=9))
    shown = page(vera_staff, **asked)
    assert (shown["period"].since, shown["period"].words) == (None, "")
    assert "ince " not in shown["html"]


def test_own_dates_are_kept(vera_staff, portfolio):
    worth(portfolio, "1.00", on=date(2020, 1, 1))
    shown = page(vera_staff, start="2020-02-01", end="2020-02-10")
    period = shown["period"]
    assert (period.start, period.end) == (date(2020, 2, 1), date(2020, 2, 10))
    assert len(shown["worth"]["rows"]) == 10
    assert (shown["picker"].range_shown, shown["period"].words) == ("own", "since 1 Feb 2020")
    again = vera_staff.get("/admin/" + shown["charts"][1].address).context["dashboard"]
    assert again["period"] == shown["period"]


def test_dates_of_the_chosen_range_are_no_own_dates(vera_staff, portfolio):
    """The form without scripts sends the dates that it shows along with another choice."""
    worth(portfolio, "1.00", on=date(2020, 1, 1))
    period = page(vera_staff, range="3m")["period"]
    shown = page(vera_staff, range="3m", start=period.start, end=period.end, group_by="asset")
    assert shown["picker"].range_shown == "3m"
    other = page(vera_staff, range="3m", start=period.start - timedelta(days=1), end=period.end)
    assert other["picker"].range_shown == "own"


@pytest.mark.parametrize(
    "asked",
    [
        {"range": "2w"},
        {"group_by": "price"},
        {"portfolio": "1"},
        {"portfolio": "00000000-0000-7000-8000-000000000000"},
        {"start": "soon"},
        {"end": "0001-01-01"},
        {"start": "9999-12-31"},
        {"start": "2026-02-01", "end": "2026-01-01"},
        {"range": "\x00"},
        {"type": "none"},
        {"tag": "x"},
        {"category": "00000000-0000-7000-8000-000000000000"},
        {"group": "NO"},
        {"asset_currency": "E"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_named_and_the_usual_shown(vera_staff, portfolio, asked):
    worth(portfolio, "1.00")
    shown = page(vera_staff, **asked)
    assert set(shown["picker"].errors) | set(shown["picker"].drill_down.errors) <= set(asked)
    assert 'role="alert"' in shown["html"]
    assert shown["worth"]["rows"]


def test_page_of_a_day_before_everything_opens(vera_staff, portfolio):
    worth(portfolio, "1.00")
    assert str(page(vera_staff, start="1800-01-01", end="1800-01-02")["worth"]["net"]) == "0.00 EUR"


def test_days_are_text_in_the_users_format(vera_staff, portfolio):
    worth(portfolio, "5", on=date(2020, 1, 1))
    answer = vera_staff.get("/admin/", {"start": "1.2.2020", "end": "10.02.2020"}, HTTP_ACCEPT_LANGUAGE="de")
    text = answer.content.decode()
    assert answer.context["dashboard"]["period"].start == date(2020, 2, 1)
    assert '<input type="text" name="start" value="01.02.2020"' in text
    assert "DD.MM.YYYY oder YYYY-MM-DD." in text
    assert answer.context["dashboard"]["worth"]["chart"]["days"][0][1] == "01.02."
