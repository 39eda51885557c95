"""Net worth that is adjusted for inflation: an index, the money of the last day, and what is unknown."""

from __future__ import annotations

import csv
import io
from datetime import date
from fractions import Fraction
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Instrument
from assets.prices.series import PriceOnDay
from assets.services.instruments.prices import LoadTerms, record_prices
from portfolios.models import Household
from reports.calculations.real_terms import RealTerms
from strata.fields.date_formats import DateFormat
from tests.admin_forms import staff
from tests.factories import add_value, create_valued_asset
from tests.refusals import assert_refused

API = "/api/v1"


def loaded(index, *rows, source="test"):
    """Rows of a day and a price of one decimal place, as text."""
    new = [(date.fromisoformat(on).toordinal(), 0, int(price.replace(".", "")), 1) for on, price in rows]
    record_prices({index.pk: new}, LoadTerms(source))


@pytest.fixture
def index(household):
    index = Instrument.objects.create(
        household=household, symbol="HICP", name="Prices", instrument_type="index", currency="EUR"
    )
    loaded(index, ("2024-01-01", "100.0"), ("2024-05-01", "110.0"), ("2024-06-01", "120.0"))
    return index


@pytest.fixture
def account(portfolio):
    account = create_valued_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, "100", on="2024-01-10")
    create_valued_asset(portfolio, "Loan", TypeId.LOAN, "-33.33", on="2024-01-10")
    add_value(account, "200", date(2024, 5, 10))
    return account


def asked(client, index, path="net-worth", **params):
    params = {"end": "2024-06-30", "real": str(getattr(index, "pk", index))} | params
    answer = client.get(f"{API}/{path}", params)
    assert answer.status_code == 200, answer.content
    return answer


def test_amounts_are_in_the_money_of_the_last_day(alice, portfolio, index, account):
    answer = asked(alice, index, start="2024-01-31").json()
    named = {"id": str(index.pk), "symbol": "HICP"}
    assert answer["real"] == {
        "instrument": named,
        "on": "2024-06-30",
        "index": "120",
        "index_on": "2024-06-01",
    }
    first, last = answer["points"][0], answer["points"][-1]
    assert first == {
        "on": "2024-01-31",
        "assets": "120.00",
        "liabilities": "-40.00",
        "net": "80.00",
        "complete": True,
        "missing_rates": [],
        "missing_prices": [],
        "index": "100",
        "index_on": "2024-01-01",
    }
    assert (last["net"], last["index"]) == ("166.67", "120")
    of_one = asked(alice, index, path=f"portfolios/{portfolio.pk}/net-worth", start="2024-01-31").json()
    assert of_one["points"] == answer["points"]
    assert "real" not in alice.get(f"{API}/net-worth?end=2024-06-30").json()


def test_groups_add_up_to_the_adjusted_net(alice, portfolio, index, account):
    loaded(index, ("2024-06-02", "111.1"))
    points = asked(alice, index, start="2024-01-31", group_by="asset").json()["points"]
    first = points[0]
    # 100 and -33.33 times 1.111 are 111.10 and -37.02963; their sum is 74.07037.
    assert (first["net"], sorted(first["groups"].values())) == ("74.07", ["-37.03", "111.10"])


def test_days_without_the_index_have_no_amounts(alice, index, account):
    add_value(account, "7", date(2023, 12, 5))
    points = asked(alice, index, start="2023-12-31", group_by="type").json()["points"]
    unknown = points[0]
    assert [unknown[name] for name in ("net", "assets", "liabilities", "index", "index_on")] == [None] * 5
    assert unknown["complete"] is False and set(unknown["groups"].values()) == {None}
    assert unknown["reason"] == {"code": "NO_INDEX_VALUE", "message": "HICP has no value on 31 Dec 2023."}
    assert "reason" not in points[1]
    assert points[1]["net"] == "80.00"


@pytest.mark.parametrize(("max_age", "known"), [(None, True), (28, False)])
def test_the_index_counts_as_long_as_it_says(alice, index, account, max_age, known):
    Instrument.objects.filter(pk=index.pk).update(max_age_days=max_age)
    answer = asked(alice, index, start="2024-05-31").json()
    assert [point["net"] is not None for point in answer["points"]] == [known, known]
    if not known:
        assert answer["real"]["index"] is None
        messages = {point["reason"]["message"] for point in answer["points"]}
        assert messages == {"HICP has no value on 30 Jun 2024."}


def test_nothing_is_worth_nothing_in_any_money(alice, portfolio, index):
    points = asked(alice, index, start="2024-05-31").json()["points"]
    assert [point["net"] for point in points] == ["0.00", "0.00"]


def test_table_says_whose_money_it_is(alice, index, account):
    answer = asked(alice, index, start="2023-12-31", end="2024-01-31", format="csv")
    header, unknown, known = csv.reader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert header[-7:] == [
        *("complete", "missing_rates", "missing_prices"),
        *("real_on", "index", "index_on", "reason"),
    ]
    assert unknown == [
        *("2023-12-31", "EUR", "", "", "", "false", "", ""),
        *("2024-01-31", "", "", "HICP has no value on 31 Dec 2023."),
    ]
    assert known == [
        *("2024-01-31", "EUR", "100.00", "-33.33", "66.67", "true", "", ""),
        *("2024-01-31", "100", "2024-01-01", ""),
    ]
    assert "net-worth-real-2024-01-31" in answer["Content-Disposition"]


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("days", "note"),
    [
        ("start=2023-12-31&end=2024-06-30", "Adjusted for inflation by HICP: in the money of 30 Jun 2024."),
        ("start=2023-11-30&end=2023-12-31", "HICP has no value on 31 Dec 2023."),
    ],
)
def test_picture_says_whose_money_it_is(alice, index, account, days, note):
    answer = alice.get(f"{API}/net-worth/chart.svg?{days}&real={index.pk}&width=1200")
    assert note in answer.content.decode()


# --- refusals ---


def test_index_is_one_that_the_caller_may_see(alice, charlie, portfolio, household, index):
    share = Instrument.objects.create(household=household, symbol="S", name="S", currency="EUR")
    answer = alice.get(f"{API}/net-worth?real={share.pk}")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("real", "NOT_AN_INDEX")
    foreign = Instrument.objects.create(
        household=Household.objects.create(name="Strangers"),
        symbol="X",
        name="X",
        instrument_type="index",
        currency="EUR",
    )
    for pk in (foreign.pk, "01890a5d-ac96-774b-bcce-b302099a8057"):
        answer = alice.get(f"{API}/net-worth?real={pk}")
        assert (answer.status_code, answer.json()["code"]) == (404, "INSTRUMENT_NOT_FOUND")
    assert_refused(alice.get(f"{API}/net-worth?real=HICP"), "real")
    Instrument.objects.filter(pk=foreign.pk).update(household=None)
    asked(alice, foreign)


@pytest.mark.parametrize("report", ["allocation", "net-worth/change", "performance", "income", "me/summary"])
def test_other_reports_do_not_take_it(alice, portfolio, index, report):
    assert_refused(alice.get(f"{API}/{report}?real={index.pk}"), "real")


# --- what it depends on ---


def test_a_new_price_or_rule_of_the_index_makes_a_new_etag(alice, index, account):
    def tag(**params):
        return asked(alice, index, **params)["ETag"]

    plain = alice.get(f"{API}/net-worth?end=2024-06-30")["ETag"]
    before = tag()
    assert tag() == before
    loaded(index, ("2024-06-15", "121.0"))
    priced = tag()
    Instrument.objects.filter(pk=index.pk).update(max_age_days=9)
    assert len({before, priced, tag()}) == 3
    assert alice.get(f"{API}/net-worth?end=2024-06-30")["ETag"] == plain


def test_known_at_takes_the_index_that_was_known(alice, index, account):
    known_at = alice.get(f"{API}/assets/{account.pk}/history").json()["results"][0]["at"]
    loaded(index, ("2024-06-15", "240.0"))
    assert asked(alice, index, start="2024-01-31").json()["points"][0]["net"] == "160.01"
    then = asked(alice, index, start="2024-01-31", known_at=known_at).json()
    assert then["real"]["index"] == "120"


def test_queries_are_as_many_for_more_rows(alice, portfolio, index, account):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            asked(alice, index, start="2024-01-31", end="2024-07-30", interval="day")
        return len(seen)

    assert queries() == 8
    loaded(index, *[(f"2024-07-{day:02}", f"12{day % 10}.0") for day in range(1, 29)])
    create_valued_asset(portfolio, "More", TypeId.CASH, "5", on="2024-02-10")
    assert queries() == 8


@pytest.mark.on_sqlite
def test_factors_are_exact():
    days = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    values = [PriceOnDay(days[0], Fraction(3)), None, PriceOnDay(days[2], Fraction(7))]
    terms = RealTerms(uuid4(), "X", days, values)
    assert terms.factors() == [Fraction(7, 3), None, Fraction(1)]
    assert [terms.lacking_on(number) for number in range(3)] == [None, days[1], None]


# --- the dashboard ---


def dashboard(user, **params):
    user.date_format = DateFormat.DAY_MONTH_NAME_YEAR
    answer = staff(user).get("/admin/", {"start": "2024-01-15", "end": "2024-06-30"} | params)
    assert answer.status_code == 200
    return answer.content.decode(), answer.context["dashboard"]


def test_switch_adjusts_the_curve_and_the_headline(vera_user, index, account):
    html, shown = dashboard(vera_user)
    (link,) = shown["indices"]
    assert "Adjusted for inflation</a>" in html and f"real={index.pk}" in link.address and not link.chosen
    assert "+100 EUR" in html and "The reasons below are not adjusted" not in html
    html, shown = dashboard(vera_user, real=index.pk)
    (link,) = shown["indices"]
    assert link.chosen and "real=" not in link.address
    assert "+87 EUR" in html and "since 15 Jan 2024, adjusted for inflation" in html
    assert "in the money of 30 Jun 2024. The reasons below are not adjusted." in html
    assert f'<input type="hidden" name="real" value="{index.pk}">' in html
    assert str(shown["worth"]["rows"][0].figures[0]) == "166.67 EUR"
    assert str(shown["worth"]["rows"][-1].figures[0]) == "80.00 EUR"


def test_switch_is_shown_where_there_is_an_index(vera_user, account):
    assert "Adjusted for inflation" not in dashboard(vera_user)[0]


def test_dashboard_says_where_the_index_ends(vera_user, index, account):
    html, _ = dashboard(vera_user, real=index.pk, end="2024-12-31")
    assert "Not adjusted for inflation: HICP has no value on 31 Dec 2024." in html
    assert ", adjusted for inflation" not in html


def test_curve_begins_with_the_index(vera_user, index, account):
    add_value(account, "7", date(2023, 12, 5))
    html, _ = dashboard(vera_user, real=index.pk, start="2023-12-10")
    assert "since 1 Jan 2024, adjusted for inflation" in html


def test_kept_dashboard_follows_the_index(vera_user, index, account):
    dashboard(vera_user, real=index.pk)
    loaded(index, ("2024-06-15", "240.0"))
    assert "160.01" in dashboard(vera_user, real=index.pk)[0]


def test_several_indices_are_shown_by_their_symbols(vera_user, household, index, account):
    Instrument.objects.create(
        household=None, symbol="CPI-US", name="P", instrument_type="index", currency="USD"
    )
    _, shown = dashboard(vera_user)
    assert [link.label for link in shown["indices"]] == ["HICP", "CPI-US"]
