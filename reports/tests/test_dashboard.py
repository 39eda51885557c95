"""The admin's first page: whose net worth it shows, for which days, and how it handles invalid parameters."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Category, ExchangeRate, Tag, Transaction
from assets.services.labels import label_asset
from portfolios.models import Household, Invitation, Portfolio
from reports.calculations.intervals import months_before
from reports.dashboard.checks import MOST_ISSUES
from reports.dashboard.kept import KEPT, MOST_PAGES, KeptPages
from reports.dashboard.page import MOST_PORTFOLIOS, show
from reports.dashboard.picker import CHARTS
from reports.dashboard.worth import interval_for, series_for
from reports.models import AllocationTarget
from reports.queries import quality_report
from reports.services.dismissed_findings import dismiss
from strata.accounts.models import User
from strata.fields import date_formats
from strata.fields.date_formats import DateFormat
from strata.fields.dates import noon
from strata.tenancy.roles import OWNER

TODAY = timezone.now().date()
QUERIES = (18, 19)  # of one year, and of all days by category


def day_text(on: date) -> str:
    """As an English browser shows it."""
    return date_formats.day_text(on, DateFormat.DAY_MONTH_NAME_YEAR)


def entering(user, *, superuser=False) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=superuser)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def worth(portfolio, value, *, on=TODAY, name="Account", currency="EUR", **given) -> Asset:
    asset, _ = Asset.objects.get_or_create(
        portfolio=portfolio,
        name=name,
        defaults={"asset_type_id": TypeId.CHECKING_ACCOUNT, "currency": currency, **given},
    )
    AssetSnapshot.objects.create(asset=asset, value=value, on=on, observed_at=noon(on, "UTC"))
    return asset


def page(client, **asked) -> dict:
    answer = client.get("/admin/", asked)
    assert answer.status_code == 200
    return answer.context["dashboard"] | {"html": answer.content.decode()}


def last_figures(shown: dict) -> dict[str, str]:
    """The figures of the last day in the table beside the chart."""
    worth = shown["worth"]
    return {
        str(name): str(figure)
        for name, figure in zip(worth["columns"], worth["rows"][0].figures, strict=True)
    }


def days_drawn(shown: dict) -> list[str]:
    return [row.day for row in reversed(shown["worth"]["rows"])]


@pytest.fixture
def foreign(portfolio):
    """A portfolio of strangers."""
    household = Household.objects.create(name="Strangers")
    row = Portfolio.objects.create(household=household, name="Not yours", base_currency="EUR")
    worth(row, "7777.00")
    return row


@pytest.fixture
def vera_staff(vera_user):
    return entering(vera_user)


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


# --- what ---


def test_chart_has_the_exact_figures_with_liabilities_below_zero(vera_staff, portfolio):
    day = TODAY - timedelta(days=3)
    worth(portfolio, "300.25", on=day)
    worth(portfolio, "-120.05", on=day, name="Loan", asset_type_id=TypeId.LOAN)
    net, sides, groups = [last_figures(page(vera_staff, start=day, end=day, chart=name)) for name in CHARTS]
    assert net == {"Net worth": "180.20 EUR"}
    assert sides == {"Assets": "300.25 EUR", "Debts": "-120.05 EUR", "Net worth": "180.20 EUR"}
    assert groups == {"Checking account": "300.25 EUR", "Loan": "-120.05 EUR", "Net worth": "180.20 EUR"}


def test_too_many_groups_to_draw_are_drawn_together(vera_staff, portfolio, monkeypatch):
    monkeypatch.setattr("reports.dashboard.worth.PALETTE", ("red", "blue"))
    for number in range(4):
        worth(portfolio, f"{9 - number}.00", name=f"A{number}")
    assert last_figures(page(vera_staff, group_by="asset", chart="groups")) == {
        "A0": "9.00 EUR",
        "Other (3)": "21.00 EUR",
        "Net worth": "30.00 EUR",
    }
    monkeypatch.setattr("reports.queries.net_worth.MOST_FIGURES", 3)
    shown = page(vera_staff, group_by="asset", chart="groups", portfolio=portfolio.pk)
    assert list(last_figures(shown)) == ["Net worth"]
    assert "too many groups" in shown["html"]


def test_allocation_is_of_the_last_day_shown(vera_staff, portfolio):
    worth(portfolio, "75.00", on=date(2020, 1, 1))
    worth(portfolio, "25.00", on=date(2020, 1, 1), name="House", asset_type_id=TypeId.REAL_ESTATE)
    worth(portfolio, "-10.00", on=date(2020, 1, 1), name="Loan", asset_type_id=TypeId.LOAN)
    worth(portfolio, "9999.00", on=date(2021, 1, 1))
    spread = page(vera_staff, start="2020-01-01", end="2020-06-01")["allocation"]
    assert [(row["share"], str(row["value"])) for row in spread["owned"]] == [
        ("75.0\N{NO-BREAK SPACE}%", "75.00 EUR"),
        ("25.0\N{NO-BREAK SPACE}%", "25.00 EUR"),
    ]
    assert [str(row["value"]) for row in spread["owed"]] == ["-10.00 EUR"]


def test_allocation_leads_down_to_assets_and_back_up(vera_staff, portfolio, household):
    account = worth(portfolio, "75.00")
    worth(portfolio, "25.00", name="House", asset_type_id=TypeId.REAL_ESTATE)
    worth(portfolio, "-10.00", name="Loan", asset_type_id=TypeId.LOAN)

    def follow(row):
        shown = vera_staff.get("/admin/" + row["link"]).context["dashboard"]["allocation"]
        return shown, [name for name, _ in shown["breadcrumbs"]]

    top = page(vera_staff, group_by="group", range="1m")["allocation"]
    assert top["breadcrumbs"] == []
    types, breadcrumbs = follow(top["owned"][0])
    assert ([row["name"] for row in types["owned"]], breadcrumbs) == (
        ["Checking account"],
        ["All", "Financial"],
    )
    assets, breadcrumbs = follow(types["owned"][0])
    assert breadcrumbs == ["All", "Financial", "Checking account"]
    assert [(row["name"], row["share"]) for row in assets["owned"]] == [
        ("Account", "100.0\N{NO-BREAK SPACE}%")
    ]
    assert assets["owned"][0]["link"] == f"/admin/assets/asset/{account.pk}/change/"
    for (_, address), rows in zip(assets["breadcrumbs"], (top, types, assets), strict=True):
        again = vera_staff.get("/admin/" + address).context["dashboard"]
        assert again["allocation"]["owned"] == rows["owned"]
        assert again["picker"].range_shown == "1m"
    debts, _ = follow(top["owed"][0])
    assert [row["name"] for row in debts["owed"]] == ["Loan"]


def test_way_down_the_categories_is_shown(vera_staff, portfolio, household):
    top = Category.objects.create(household=household, name="Top")
    below = Category.objects.create(household=household, name="Below", parent=top)
    label_asset(worth(portfolio, "5.00").pk, category_ids=[below.pk])
    worth(portfolio, "7.00", name="Loose")
    shown = page(vera_staff, group_by="asset", category=below.pk)
    assert [row["name"] for row in shown["allocation"]["owned"]] == ["Account"]
    assert [name for name, _ in shown["allocation"]["breadcrumbs"]] == ["All", "Top", "Below"]
    loose = page(vera_staff, group_by="asset", category="none")["allocation"]
    assert ([row["name"] for row in loose["owned"]], loose["breadcrumbs"][-1][0]) == (
        ["Loose"],
        "No category",
    )


@pytest.mark.parametrize("name", ["type", "tag", "category"])
def test_group_of_strangers_is_no_way_down(vera_staff, portfolio, foreign, name):
    worth(portfolio, "5.00")
    rows = {
        "type": AssetType.objects.create(
            household=foreign.household, code="SECRET", label="Secret", group="OTHER"
        ),
        "tag": Tag.objects.create(household=foreign.household, name="Secret"),
        "category": Category.objects.create(household=foreign.household, name="Secret"),
    }
    shown = page(vera_staff, **{name: rows[name].pk})
    assert name in shown["picker"].drill_down.errors
    assert "Secret" not in shown["html"]
    assert [str(row["value"]) for row in shown["allocation"]["owned"]] == ["5.00 EUR"]


API_FIELDS = {
    "Start": "start_value",
    "New assets": "added",
    "Removed assets": "removed",
    "Deposits and withdrawals": "net_flows",
    "Income": "income",
    "Costs": "expenses",
    "Gains and losses": "value_change",
    "Currency effect": "fx_change",
    "End": "end_value",
}


def test_reasons_are_the_figures_of_the_api(vera_staff, alice, portfolio, holdings):
    """Without own arithmetic: only the signs of costs and of removed assets are turned."""
    shares = worth(portfolio, "500.00", on=date(2024, 6, 10), name="Shares", asset_type_id=TypeId.STOCKS)
    worth(portfolio, "700.00", on=date(2024, 6, 20), name="Shares")
    Asset.objects.filter(pk=shares.pk).update(disposed_on=date(2024, 6, 25))
    Transaction.objects.create(
        asset=holdings["cash"],
        type="EXPENSE",
        on=date(2024, 6, 21),
        amount=Decimal(30),
        currency="EUR",
        occurred_at=noon(date(2024, 6, 21), "UTC"),
    )
    asked = {"start": "2024-06-03", "end": "2024-06-30"}
    rows = page(vera_staff, **asked)["change"]["rows"]
    total = alice.get("/api/v1/net-worth/change", asked).json()["total"]
    figures = {str(row["name"]): Decimal(row["value"].digits.replace(",", "")) for row in rows}
    signed = {name: Decimal(total[field]) for name, field in API_FIELDS.items()}
    signed |= {name: -signed[name] for name in ("Costs", "Removed assets")}
    assert figures == {name: value for name, value in signed.items() if value or name in ("Start", "End")}
    assert {"Costs", "Removed assets", "New assets"} <= figures.keys()
    *parts, end = figures.values()
    assert sum(parts) == end


def test_small_parts_are_one_row_that_opens(vera_staff, portfolio):
    start = TODAY - timedelta(days=300)
    worth(portfolio, "900.00", on=start, name="Large")
    for name, before, after in (("B", "9.00", "8.00"), ("C", "6.00", "7.00"), ("Sold", "5.00", "0.00")):
        worth(portfolio, before, on=start, name=name)
        worth(portfolio, after, name=name)
    large, other = page(vera_staff, group_by="asset")["allocation"]["owned"]
    assert (large["name"], str(large["value"]), str(large["change"])) == ("Large", "900.00 EUR", "0.00 EUR")
    shown = (other["name"], other["share"], str(other["value"]), str(other["change"]))
    assert shown == ("Other (3)", "1.6\N{NO-BREAK SPACE}%", "15.00 EUR", "-5.00 EUR")
    opened = vera_staff.get("/admin/" + other["link"]).context["dashboard"]["allocation"]["owned"]
    assert [(row["name"], str(row["change"])) for row in opened] == [
        ("Large", "0.00 EUR"),
        ("B", "-1.00 EUR"),
        ("C", "+1.00 EUR"),
        ("Sold", "-5.00 EUR"),
    ]


def test_more_parts_than_fit_are_one_row(vera_staff, portfolio, monkeypatch):
    monkeypatch.setattr("reports.dashboard.parts.MOST_ROWS", 2)
    for number in range(4):
        worth(portfolio, "5.00", name=f"A{number}")
    rows = page(vera_staff, group_by="asset", parts="all")["allocation"]["owned"]
    assert [(row["name"], str(row["value"]), bool(row["link"])) for row in rows] == [
        ("A0", "5.00 EUR", True),
        ("A1", "5.00 EUR", True),
        ("Other (2)", "10.00 EUR", False),
    ]


def test_change_is_given_with_its_reasons_from_start_to_end_and_who_changed_most(vera_staff, portfolio):
    house = worth(portfolio, "1000.00", on=date(2020, 1, 1), name="House", asset_type_id=TypeId.REAL_ESTATE)
    worth(portfolio, "1500.00", on=date(2020, 5, 20), name="House")
    worth(portfolio, "100.00", on=date(2020, 1, 1))
    worth(portfolio, "70.00", on=date(2020, 5, 20))
    Transaction.objects.create(
        asset=house,
        type="EXPENSE",
        on=date(2020, 5, 21),
        amount=Decimal(30),
        currency="EUR",
        occurred_at=noon(date(2020, 5, 21), "UTC"),
    )
    change = page(vera_staff, start="2020-01-01", end="2020-06-01")["change"]
    assert [(str(row["name"]), str(row["value"])) for row in change["rows"]] == [
        ("Start", "1,100.00 EUR"),
        ("Costs", "-30.00 EUR"),
        ("Gains and losses", "+500.00 EUR"),
        ("End", "1,570.00 EUR"),
    ]
    assert [(row["name"], str(row["value"])) for row in change["movers"]] == [
        ("House", "+500.00 EUR"),
        ("Account", "-30.00 EUR"),
    ]
    assert change["movers"][0]["link"] == f"/admin/assets/asset/{house.pk}/change/"


def test_finding_is_listed_with_a_link_that_opens(vera_staff, portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, name="Unvalued", asset_type_id=TypeId.CHECKING_ACCOUNT, currency="EUR"
    )
    shown = page(vera_staff)
    (issue,) = shown["checks"]["shown"]
    assert (issue["name"], issue["link"]) == ("Unvalued", f"/admin/assets/asset/{asset.pk}/change/")
    assert issue["text"][:3] == ("No value yet", "Enter what it is worth.", "Problem")
    assert vera_staff.get(issue["link"]).status_code == 200
    assert "Data checks" in shown["html"]


def test_clean_data_are_one_line_without_a_card(vera_staff, portfolio):
    worth(portfolio, "5.00")
    worth(portfolio, "7.00", name="Second")
    html = page(vera_staff)["html"]
    assert "All 2 values are up to date." in html
    assert "Data checks" not in html


def test_update_values_is_offered_to_those_who_may_edit(vera_staff, alice_user, portfolio):
    worth(portfolio, "5.00", on=TODAY - timedelta(days=300))
    address = f'href="/admin/update-values/?portfolio={portfolio.pk}"'
    assert page(entering(alice_user), portfolio=portfolio.pk)["html"].count(address) == 2
    assert "update-values/?portfolio" not in page(vera_staff)["html"]


def test_more_than_fits_is_behind_a_link_to_all_of_each_portfolio(vera_staff, portfolio, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    worth(Portfolio.objects.create(household=household, name="In order", base_currency="EUR"), "5.00")
    for number in range(MOST_ISSUES + 1):
        Asset.objects.create(
            portfolio=second if number else portfolio,
            name=f"A{number}",
            asset_type_id=TypeId.CHECKING_ACCOUNT,
            currency="EUR",
        )
    shown = page(vera_staff)
    assert (len(shown["checks"]["shown"]), shown["checks"]["more"]) == (MOST_ISSUES, 1)
    assert [(name, number) for name, _, number in shown["checks"]["pages"]] == [
        ("Main", 1),
        ("Second", MOST_ISSUES),
    ]
    for name, address, number in shown["checks"]["pages"]:
        assert f'<a href="{address}">{name}</a> ({number})' in shown["html"]
        assert len(vera_staff.get(address).context["issues"]) == number


def test_missing_rate_is_said_on_every_part_and_its_link_opens(vera_staff, portfolio):
    worth(portfolio, "5.00", currency="CHF", on=TODAY - timedelta(days=60))
    shown = page(vera_staff)
    assert shown["worth"]["missing"] == ["CHF"]
    assert (shown["change"]["missing"], shown["change"]["left_out"]) == (["CHF"], ["Account"])
    assert not shown["allocation"]["complete"]
    assert shown["html"].count("Incomplete: no exchange rate for CHF.") == 3
    assert [vera_staff.get(issue["link"]).status_code for issue in shown["checks"]["shown"]] == [200] * len(
        shown["checks"]["shown"]
    )


def test_names_are_escaped_everywhere(vera_staff, portfolio, household):
    mean = "<script>alert('&')</script>"
    Household.objects.filter(pk=household.pk).update(name=f"{mean} household")
    Portfolio.objects.filter(pk=portfolio.pk).update(name=f"{mean} portfolio")
    worth(portfolio, "5.00", name=f"{mean} doubtful", currency="CHF", on=TODAY - timedelta(days=50))
    moved = worth(portfolio, "9.00", name=f"{mean} moved", on=date(2020, 1, 1))
    worth(portfolio, "19.00", name=f"{mean} moved")
    label_asset(
        moved.pk, category_ids=[Category.objects.create(household=household, name=f"{mean} category").pk]
    )
    html = page(vera_staff, group_by="category")["html"]
    assert "<script>alert" not in html
    escaped = "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;"
    for where in ("portfolio", "doubtful", "moved", "category"):
        assert f"{escaped} {where}" in html


def test_page_runs_no_inline_script(vera_staff, portfolio):
    worth(portfolio, "5.00")
    answer = vera_staff.get("/admin/")
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"].split("style-src")[0]
    assert "<script>" not in answer.content.decode()


def test_number_of_queries_is_fixed(vera_user, portfolio, household, rf):
    def queries(**asked) -> int:
        request = rf.get("/admin/", asked)
        request.user = vera_user
        KEPT.clear()
        with CaptureQueriesContext(connection) as seen:
            assert show(request, {})["dashboard"]["worth"]
        return len(seen)

    worth(portfolio, "5.00", on=TODAY - timedelta(days=40))
    worth(portfolio, "500.00")
    seen = []
    for number in range(4):
        seen.append((queries(), queries(range="all", group_by="category")))
        more = Portfolio.objects.create(household=household, name=f"P{number}", base_currency="EUR")
        for asset in range(3):
            worth(more, "5.00", on=TODAY - timedelta(days=400), name=f"A{asset}")
            worth(more, "50.00", name=f"A{asset}")
    assert set(seen) == {QUERIES}


def test_whole_page_takes_no_more_queries_for_more_rows(vera_staff, portfolio):
    def queries() -> int:
        KEPT.clear()
        with CaptureQueriesContext(connection) as seen:
            page(vera_staff)
        return len(seen)

    worth(portfolio, "5.00")
    queries()
    before = queries()
    for asset in range(9):
        worth(portfolio, "50.00", name=f"A{asset}")
    queries()  # counts the values that are out of date, for the menu
    assert queries() == before


# --- kept pages ---


def test_kept_page_is_of_one_language_and_one_pair_of_formats(vera_staff, portfolio):
    worth(portfolio, "1000.25", on=TODAY - timedelta(days=300))
    worth(portfolio, "1234.50", on=TODAY - timedelta(days=1))
    english = ("1,234<small>.50 EUR</small>", "(+23.4\N{NO-BREAK SPACE}%)")
    german = ("1.234<small>,50 EUR</small>", "(+23,4\N{NO-BREAK SPACE}%)")
    for language, texts in (("en", english), ("de", german), ("en", english)):
        html = vera_staff.get("/admin/", headers={"accept-language": language}).content.decode()
        assert all(text in html for text in texts), language


def test_page_is_kept_until_anything_that_it_shows_changes(
    vera_staff, alice_user, portfolio, household, monkeypatch
):
    first = TODAY - timedelta(days=20)
    account = worth(portfolio, "100.00", on=first, name="First")
    tag = Tag.objects.create(household=household, name="Old tag")
    label_asset(account.pk, tag_ids=[tag.pk])
    made = []
    monkeypatch.setattr(
        "reports.dashboard.page.series_for", lambda picker: made.append(1) or series_for(picker)
    )

    def is_made_again(client=vera_staff, **asked) -> bool:
        before = len(made)
        page(client, group_by="tag", **asked)
        return len(made) > before

    assert is_made_again()
    assert not is_made_again()
    assert is_made_again(range="1m"), "another address"
    assert is_made_again(entering(alice_user)), "another user"
    assert not is_made_again()
    for change in (
        lambda: worth(portfolio, "120.00", name="First"),
        lambda: Asset.objects.filter(pk=account.pk).update(name="Renamed"),
        lambda: Portfolio.objects.filter(pk=portfolio.pk).update(name="Renamed"),
        lambda: Tag.objects.filter(pk=tag.pk).update(name="Renamed tag", name_key="renamed tag"),
        lambda: AllocationTarget.objects.create(household=household, tag=tag, share=Decimal("0.5")),
        lambda: ExchangeRate.objects.create(currency="USD", on=TODAY, units_per_euro="1.25"),
        lambda: monkeypatch.setattr(
            "reports.queries.defaults.clock.now", lambda: timezone.now() + timedelta(days=2)
        ),
    ):
        change()
        assert is_made_again(), change
        assert not is_made_again()
    assert "Renamed tag" in page(vera_staff, group_by="tag")["html"]


def test_dismissed_finding_is_gone_from_the_kept_page(alice_user, portfolio):
    worth(portfolio, "100.00", on=TODAY - timedelta(days=300))
    client = entering(alice_user)
    assert "Value is out of date" in page(client)["html"]
    (issue,) = quality_report(portfolio)
    dismiss(portfolio.pk, issue.finding.key, "It sleeps.")
    assert "Value is out of date" not in page(client)["html"]


def test_only_the_last_pages_are_kept():
    pages, made = KeptPages(), []
    for key in [*range(MOST_PAGES + 1), MOST_PAGES, 1, 0]:
        pages.get_or_make(key, lambda key=key: made.append(key) or {})
    assert made == [*range(MOST_PAGES + 1), 0]


def test_days_are_text_in_the_users_format(vera_staff, portfolio):
    worth(portfolio, "5", on=date(2020, 1, 1))
    answer = vera_staff.get("/admin/", {"start": "1.2.2020", "end": "10.02.2020"}, HTTP_ACCEPT_LANGUAGE="de")
    text = answer.content.decode()
    assert answer.context["dashboard"]["period"].start == date(2020, 2, 1)
    assert '<input type="text" name="start" value="01.02.2020"' in text
    assert "DD.MM.YYYY oder YYYY-MM-DD." in text
    assert answer.context["dashboard"]["worth"]["chart"]["days"][0][1] == "01.02."
