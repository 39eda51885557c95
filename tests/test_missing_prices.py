"""Every report names the assets that it leaves out because no price counts on the day, and is not complete then."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, Category, Instrument, ValueGap
from assets.services.labels import label_asset
from reports.queries import net_worth_history, portfolio_totals
from reports.services.portfolio_snapshots import refresh
from tests.admin_forms import staff
from tests.factories import create_asset, create_valued_asset, record_price

API = "/api/v1"
EURO = 10_000
FIRST, LAST_ON, SINCE, ON = date(2025, 12, 31), date(2026, 1, 9), date(2026, 1, 20), date(2026, 1, 31)
NEXT = date(2026, 2, 10)


@pytest.fixture
def fund(portfolio, source):
    """100 from the first day on, 110 from the last price on; without a price from SINCE until NEXT. Cash of 5."""
    instrument = Instrument.objects.create(
        household=portfolio.household, symbol="VWCE", name="World", currency="EUR"
    )
    asset = create_asset(portfolio, "World ETF", asset_type=TypeId.STOCKS, instrument=instrument)
    source.instrument_ids[asset.pk] = instrument.pk
    source.value_assets({asset.pk: {FIRST: 100 * EURO, LAST_ON: 110 * EURO, SINCE: None, NEXT: 120 * EURO}})
    create_valued_asset(portfolio, "Cash", TypeId.CASH, "5", on=str(FIRST))
    return asset


def entry(fund: Asset, on: date = ON) -> dict:
    return {
        "asset": {"id": str(fund.pk), "name": "World ETF"},
        "instrument": {"id": str(fund.instrument_id), "symbol": "VWCE"},
        "on": str(on),
        "last_on": str(LAST_ON),
    }


def answers(client, portfolio, on: date, **asked) -> dict:
    """What each report with a total answers about a day."""
    path, asked = f"{API}/portfolios/{portfolio.pk}", {name: str(value) for name, value in asked.items()}
    days = {"start": on, "end": on, **asked}
    return {
        "portfolio": client.get(path, {"on": on, **asked}).json(),
        "listed": client.get(f"{API}/portfolios", {"on": on, **asked}).json()["results"][0],
        "net worth": client.get(f"{path}/net-worth", days).json()["points"][0],
        "of all": client.get(f"{API}/net-worth", days).json()["points"][0],
        "by asset": client.get(f"{path}/net-worth", days | {"group_by": "asset"}).json()["points"][0],
        "allocation": client.get(f"{path}/allocation", {"on": on, **asked}).json(),
        "change": client.get(f"{path}/change", days).json(),
        "summary": client.get(f"{API}/me/summary", {"on": on, **asked}).json(),
    }


def test_every_report_names_the_asset_without_a_price(alice, portfolio, fund):
    for name, answer in answers(alice, portfolio, ON).items():
        assert (name, answer["complete"], answer["missing_rates"]) == (name, False, [])
        assert (name, answer["missing_prices"]) == (name, [entry(fund)])
    assert answers(alice, portfolio, ON)["net worth"]["net"] == "5.00"


@pytest.mark.parametrize("on", [LAST_ON, date(2026, 1, 19), NEXT])
def test_every_report_is_complete_where_a_price_counts(alice, portfolio, fund, on):
    for name, answer in answers(alice, portfolio, on).items():
        assert (name, answer["missing_prices"], answer["complete"]) == (name, [], True)


def test_asset_is_named_where_one_of_its_categories_is_outside_the_one_asked_for(alice, portfolio, fund):
    inside, outside = (
        Category.objects.create(household=portfolio.household, name=name) for name in ("Inside", "Outside")
    )
    label_asset(fund.pk, category_ids=[inside.pk, outside.pk])
    asked = {"start": str(FIRST), "end": str(ON), "group_by": "category", "category": str(inside.pk)}
    point = alice.get(f"{API}/portfolios/{portfolio.pk}/net-worth", asked).json()["points"][-1]
    assert (point["complete"], point["missing_prices"]) == (False, [entry(fund)])


def test_past_names_it_too(alice, portfolio, fund, source):
    known_at = {"known_at": timezone.now().isoformat().replace("+00:00", "Z")}
    ValueGap.objects.all().delete()
    for name, answer in answers(alice, portfolio, ON, **known_at).items():
        assert (name, answer["missing_prices"]) == (name, [entry(fund)])


def test_asset_without_any_price_has_no_day_of_the_last_one(alice, portfolio, fund, source):
    source.value_assets({fund.pk: {FIRST: None}})
    expected = entry(fund) | {"last_on": None}
    for name, answer in answers(alice, portfolio, ON).items():
        assert (name, answer["missing_prices"]) == (name, [expected])


def test_asset_that_does_not_count_is_named_with_all(alice, portfolio, fund):
    Asset.objects.filter(pk=fund.pk).update(counts_in_net_worth=False)
    for name, answer in answers(alice, portfolio, ON).items():
        assert (name, answer["missing_prices"], answer["complete"]) == (name, [], True)
    for name, answer in answers(alice, portfolio, ON, include="all").items():
        assert (name, answer["missing_prices"]) == (name, [entry(fund)])


def test_each_point_of_a_series_names_what_it_leaves_out(alice, portfolio, fund):
    path, days = (
        f"{API}/portfolios/{portfolio.pk}/net-worth",
        {"start": FIRST, "end": NEXT, "interval": "day"},
    )
    points = alice.get(path, days).json()["points"]
    lacking = [point["on"] for point in points if point["missing_prices"]]
    assert (lacking[0], lacking[-1], len(lacking)) == (str(SINCE), "2026-02-09", 21)
    assert all(point["complete"] is not bool(point["missing_prices"]) for point in points)
    assert points[30]["missing_prices"] == [entry(fund, date.fromisoformat(points[30]["on"]))]


def test_series_with_too_many_missing_prices_is_refused(alice, portfolio, fund, monkeypatch):
    monkeypatch.setattr("reports.queries.net_worth.MOST_FIGURES", 20)
    path, days = f"{API}/portfolios/{portfolio.pk}/net-worth", {"start": FIRST, "end": NEXT}
    answer = alice.get(path, days | {"interval": "day"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "interval")
    assert alice.get(path, days).status_code == 200


def change(client, portfolio, start: date, end: date) -> dict:
    return client.get(f"{API}/portfolios/{portfolio.pk}/change", {"start": start, "end": end}).json()


def test_change_leaves_it_out_of_both_days(alice, portfolio, fund):
    for start, end in ((LAST_ON, ON), (ON, NEXT)):
        answer = change(alice, portfolio, start, end)
        assert (answer["total"]["start_value"], answer["total"]["change"]) == ("5.00", "0.00")
        assert answer["left_out"] == [{"key": str(fund.pk), "name": "World ETF"}]
        assert answer["missing_prices"] == [entry(fund)]


def test_change_over_a_gap_is_that_of_the_values(alice, portfolio, fund):
    answer = change(alice, portfolio, LAST_ON, NEXT)
    assert (answer["complete"], answer["left_out"], answer["missing_prices"]) == (True, [], [])
    assert (answer["total"]["value_change"], answer["total"]["change"]) == ("10.00", "10.00")


def test_what_was_bought_before_it_had_a_price_begins_with_its_first_value(alice, portfolio, fund, source):
    source.value_assets({fund.pk: {date(2026, 1, 2): None, LAST_ON: 110 * EURO}})
    answer = change(alice, portfolio, FIRST, ON)
    assert (answer["complete"], answer["total"]["added"]) == (True, "110.00")


def test_stored_total_names_it_and_follows_the_price(alice, portfolio, fund, source):
    path = f"{API}/portfolios/{portfolio.pk}/snapshots"
    created = alice.post(path, {"on": str(ON)}, content_type="application/json").json()
    assert (created["complete"], created["missing_prices"]) == (False, [entry(fund)])
    assert alice.get(path).json()["results"][0]["missing_prices"] == [entry(fund)]
    csv = b"".join(alice.get(path, headers={"accept": "text/csv"}).streaming_content).decode()
    assert "World ETF (last price 2026-01-09)" in csv
    source.change([fund.pk], {ON: 115 * EURO})
    Asset.objects.get(pk=fund.pk).save()  # raises the revision, as a write of prices does
    assert refresh(portfolio.pk) == 1
    shown = alice.get(f"{path}/{created['id']}").json()
    assert (shown["value"], shown["complete"], shown["missing_prices"]) == ("120.00", True, [])


@pytest.mark.parametrize("report", ["net-worth", "allocation", "change"])
def test_tables_name_it(alice, portfolio, fund, report):
    days = {"on": ON} if report == "allocation" else {"start": ON, "end": ON}
    path = f"{API}/portfolios/{portfolio.pk}/{report}"
    table = b"".join(alice.get(path, days, headers={"accept": "text/csv"}).streaming_content).decode()
    assert "World ETF (last price 2026-01-09)" in table
    assert '"missing_rates","missing_prices"' in table


def test_name_that_looks_like_a_formula_is_text_in_a_table(alice, portfolio, fund):
    Asset.objects.filter(pk=fund.pk).update(name="=1+1")
    path = f"{API}/portfolios/{portfolio.pk}/net-worth"
    answer = alice.get(path, {"start": ON, "end": ON}, headers={"accept": "text/csv"})
    assert "\"'=1+1 (last price" in b"".join(answer.streaming_content).decode()


def test_charts_and_the_terminal_name_it(alice, portfolio, fund):
    path, days = f"{API}/portfolios/{portfolio.pk}", {"start": ON, "end": ON}
    chart = alice.get(f"{path}/net-worth/chart.svg", days).content.decode()
    assert "1 of 1 days lacks a price of World ETF." in chart
    chart = alice.get(f"{path}/allocation/chart.svg", {"on": ON}).content.decode()
    assert "It lacks a price of World ETF." in chart
    out = io.StringIO()
    call_command("networth", start=ON, end=ON, stdout=out)
    assert "1 of 1 days lack a price of World ETF." in out.getvalue()


def test_dashboard_names_it_with_a_link_to_its_security(alice_user, portfolio, fund):
    client = staff(alice_user)
    page = client.get("/admin/", {"start": ON, "end": ON}).content.decode()
    link = f'<a href="/admin/assets/instrument/{fund.instrument_id}/change/">World ETF</a>'
    assert page.count(f"Incomplete: no price for {link}; totals leave that out.") == 3
    assert "no exchange rate" not in page


def test_statement_and_update_values_name_it(alice_user, portfolio, fund):
    client = staff(alice_user)
    page = client.get("/admin/statement/", {"portfolio": portfolio.pk, "on": ON}).content.decode()
    assert "World ETF has no price since 9 Jan 2026 and is left out." in page or "2026-01-09" in page
    assert "No price" in page


def test_update_values_says_which_price_is_missing_since_when(alice_user, portfolio, fund):
    def said(on: date) -> str:
        page = staff(alice_user).get("/admin/update-values/", {"portfolio": portfolio.pk, "on": on})
        rows = [row for _heading, rows in page.context["sections"] for row in rows]
        return next(row["last_note"] for row in rows if row["id"] == fund.pk)

    assert said(ON) == f"VWCE has no price since {LAST_ON}"
    assert said(date(2025, 12, 30)) == "No value yet"


def test_reports_without_a_missing_price_make_no_query_more(
    portfolio, fund, source, django_assert_num_queries
):
    def queries(on: date, *, more: int) -> None:
        # The rates are kept; the assets of a computed source are read in any case.
        others = 0 if source.is_stored else 1
        with django_assert_num_queries(1 + others + more):
            net_worth_history([portfolio], start=on, end=on)
        with django_assert_num_queries(1 + others + more):
            portfolio_totals([portfolio], on)

    queries(LAST_ON, more=0)
    queries(ON, more=3 if source.is_stored else 2)  # the gaps, the names, the symbols


def test_holding_is_named_from_the_day_on_which_its_last_price_is_too_old(alice, portfolio):
    """At market prices: a price counts for ten days after its own."""
    instrument = Instrument.objects.create(
        household=portfolio.household, symbol="VWCE", name="World", currency="EUR"
    )
    record_price(instrument, FIRST, 10)
    holding = create_asset(
        portfolio, "World ETF", TypeId.STOCKS, instrument=instrument, valuation="market", quantity=Decimal(10)
    )
    create_valued_asset(portfolio, "Cash", TypeId.CASH, "5", on=str(FIRST))
    for name, answer in answers(alice, portfolio, date(2026, 1, 10)).items():
        assert (name, answer["missing_prices"]) == (name, [])
    for on in (date(2026, 1, 11), ON):
        expected = entry(holding, on) | {"last_on": str(FIRST)}
        for name, answer in answers(alice, portfolio, on).items():
            assert (name, answer["missing_prices"], answer["complete"]) == (name, [expected], False)
    record_price(instrument, ON, 11)
    for name, answer in answers(alice, portfolio, ON).items():
        assert (name, answer["missing_prices"], answer["complete"]) == (name, [], True)
    assert len(change(alice, portfolio, date(2026, 1, 10), date(2026, 1, 20))["missing_prices"]) == 1
    assert change(alice, portfolio, FIRST, ON)["total"]["change"] == "10.00"
