"""Findings about prices: assets that no price counts for, and prices that jump."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, InstrumentAction
from reports.queries import quality_issues
from reports.rendering.findings import finding_text
from strata.accounts.models import User
from tests.admin_forms import staff
from tests.factories import create_asset, day, record_price

API = "/api/v1"
EURO = 10_000
SINCE, ON = day(20), day(40)


@pytest.fixture
def instrument(portfolio):
    return Instrument.objects.create(
        household=portfolio.household, symbol="VWCE", name="World", currency="EUR"
    )


@pytest.fixture
def fund(portfolio, source, instrument):
    """Worth 100 from day 0 on; without a price from SINCE on."""
    asset = create_asset(portfolio, "World ETF", TypeId.STOCKS, instrument=instrument)
    source.instrument_ids[asset.pk] = instrument.pk
    source.value_assets({asset.pk: {day(0): 100 * EURO, SINCE: None}})
    return asset


def findings_of(client, portfolio, on: date = ON, **asked) -> list[dict]:
    answer = client.get(f"{API}/portfolios/{portfolio.pk}/quality", {"on": on, **asked})
    assert answer.status_code == 200, answer.content
    return answer.json()["findings"]


def text(portfolio, on: date = ON) -> str:
    (issue,) = quality_issues([portfolio], on=on, currency="EUR")
    return finding_text(issue).text


def test_price_that_is_too_old_is_named_with_its_day_and_a_link_to_where_one_is_entered(
    alice, portfolio, fund, instrument
):
    (finding,) = findings_of(alice, portfolio)
    assert (finding["code"], finding["severity"], finding["on"]) == ("STALE_PRICE", "warning", str(day(0)))
    assert finding["asset"] == {"id": str(fund.pk), "name": "World ETF"}
    assert finding["link"] == f"{API}/instruments/{instrument.pk}/prices"
    assert finding["admin_link"] == f"/admin/assets/instrument/{instrument.pk}/change/"
    assert text(portfolio) == "Last price of VWCE: 2024-01-01, 40 days ago; totals leave this asset out."
    assert alice.get(finding["link"]).status_code == 200


@pytest.mark.parametrize("on", [day(5), day(19)])
def test_nothing_is_found_while_a_price_counts(alice, portfolio, fund, on):
    assert findings_of(alice, portfolio, on) == []


def test_asset_without_any_price_is_named_once(alice, portfolio, fund, source):
    source.value_assets({fund.pk: {day(0): None}})
    (finding,) = findings_of(alice, portfolio)
    assert (finding["code"], finding["severity"], finding["on"]) == ("NO_PRICE", "warning", str(ON))
    assert text(portfolio) == (
        "VWCE has no price on or before 2024-02-10; totals leave this asset out. Add a price or a source."
    )


def test_asset_that_was_disposed_of_needs_no_price(alice, portfolio, fund):
    Asset.objects.filter(pk=fund.pk).update(disposed_on=ON)
    assert findings_of(alice, portfolio) == []


def test_dismissed_price_is_found_again_when_another_one_is_too_old(alice, portfolio, fund, source):
    (finding,) = findings_of(alice, portfolio)
    path = f"{API}/portfolios/{portfolio.pk}/quality/{finding['key']}?on={ON}"
    assert alice.put(path, {"reason": "delisted"}, content_type="application/json").status_code == 200
    assert findings_of(alice, portfolio) == findings_of(alice, portfolio, day(60)) == []
    source.value_assets({fund.pk: {day(0): 100 * EURO, day(10): 110 * EURO, day(30): None}})
    assert [each["on"] for each in findings_of(alice, portfolio)] == [str(day(10))]


def test_price_of_a_shared_instrument_is_entered_by_superusers_alone(portfolio, fund, instrument, alice_user):
    Instrument.objects.filter(pk=instrument.pk).update(household=None)
    (issue,) = quality_issues([portfolio], on=ON, currency="EUR")
    assert issue.admin_link_for(alice_user) == f"/admin/assets/asset/{fund.pk}/change/"
    assert issue.admin_link_for(User(is_superuser=True)) == issue.admin_link


def test_pages_of_the_admin_show_it(portfolio, fund, alice_user):
    page = (
        staff(alice_user)
        .get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/", {"on": ON})
        .content.decode()
    )
    assert "Price is out of date" in page


# --- jumps ---


@pytest.fixture
def priced(portfolio, source, instrument):
    asset = create_asset(portfolio, "World ETF", TypeId.STOCKS, instrument=instrument)
    source.value_assets({asset.pk: {day(0): 100 * EURO}})
    return asset


@pytest.mark.parametrize(
    "before, after, jumps", [(400, 80, True), (400, 81, False), (80, 400, True), (80, 399, False)]
)
def test_price_jumps_by_five_times_or_to_a_fifth(alice, portfolio, priced, instrument, before, after, jumps):
    record_price(instrument, day(1), before)
    record_price(instrument, day(9), after)
    assert [each["code"] for each in findings_of(alice, portfolio)] == ["PRICE_JUMP"] * jumps


def test_jump_names_both_prices_and_its_day(alice, portfolio, priced, instrument):
    record_price(instrument, day(1), 400)
    record_price(instrument, day(9), 20)
    (finding,) = findings_of(alice, portfolio)
    assert (finding["on"], finding["asset"]["name"]) == (str(day(9)), "World ETF")
    (issue,) = quality_issues([portfolio], on=ON, currency="EUR")
    assert (issue.finding.params["before"], issue.finding.params["after"]) == (Decimal(400), Decimal(20))
    shown = text(portfolio).replace('<span class="amount">', "").replace("</span>", "")
    assert shown == "From 400 to 20 on 2024-01-10, with no split between. Is a split missing?"


def test_split_between_two_prices_explains_a_jump(alice, portfolio, priced, instrument):
    record_price(instrument, day(1), 400)
    record_price(instrument, day(9), 20)
    InstrumentAction.objects.create(
        instrument=instrument,
        household=portfolio.household,
        type="split",
        on=day(5),
        numerator=20,
        denominator=1,
    )
    assert findings_of(alice, portfolio) == []


def test_jump_is_named_once_for_all_assets_of_the_instrument(alice, portfolio, priced, instrument, source):
    other = create_asset(portfolio, "Another", TypeId.STOCKS, instrument=instrument)
    source.value_assets({other.pk: {day(0): 50 * EURO}})
    record_price(instrument, day(1), 400)
    record_price(instrument, day(9), 20)
    assert [each["asset"]["name"] for each in findings_of(alice, portfolio)] == ["Another"]


def test_jump_before_the_days_that_are_searched_is_not_named(alice, portfolio, priced, instrument):
    record_price(instrument, day(1), 400)
    record_price(instrument, day(9), 20)
    assert findings_of(alice, portfolio, since=day(9)) == []
    assert len(findings_of(alice, portfolio, since=day(8))) == 1


def test_prices_are_not_read_for_assets_that_are_valued_by_hand(
    portfolio, instrument, django_assert_num_queries
):
    create_asset(portfolio, "By hand", TypeId.STOCKS, instrument=instrument)
    with django_assert_num_queries(5):
        quality_issues([portfolio], on=ON, currency="EUR")


def test_number_of_queries_does_not_depend_on_the_number_of_assets(
    portfolio, fund, instrument, source, django_assert_max_num_queries
):
    def queries() -> int:
        with django_assert_max_num_queries(30) as captured:
            assert quality_issues([portfolio], on=ON, currency="EUR")
        return len(captured)

    record_price(instrument, day(1), 400)
    first = queries()
    for number in range(3):
        other = Instrument.objects.create(
            household=portfolio.household, symbol=f"I{number}", name="x", currency="EUR"
        )
        asset = create_asset(portfolio, f"Fund {number}", TypeId.STOCKS, instrument=other)
        source.instrument_ids[asset.pk] = other.pk
        source.value_assets({asset.pk: {day(0): 100 * EURO, SINCE: None}})
        record_price(other, day(1), 400)
    assert queries() == first
