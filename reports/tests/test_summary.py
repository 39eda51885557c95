"""The summary for a widget or a prompt: the figures of the reports, in one small answer."""

from datetime import date
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from assets.classification.seeds import TypeId
from assets.models import Asset
from strata.accounts.services import issue_token
from tests.factories import add_value, create_valued_asset

API = "/api/v1"


@pytest.fixture
def summary(alice):
    def read(client=alice, **asked):
        answer = client.get(f"{API}/me/summary", asked)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return read


def test_summary_has_the_figures_of_net_worth_to_the_cent(alice, holdings, summary):
    add_value(holdings["cash"], "61.115", date(2024, 6, 20))
    for asked in ({"on": "2024-06-30"}, {"on": "2024-06-30", "currency": "USD"}):
        shown = summary(**asked)
        days = {"start": shown["month"]["start"], "end": "2024-06-30", "currency": shown["currency"]}
        first, *_, last = alice.get(f"{API}/net-worth", days | {"interval": "day"}).json()["points"]
        assert shown["net_worth"] == last["net"]
        assert Decimal(shown["month"]["change"]) == Decimal(last["net"]) - Decimal(first["net"]) != 0
        assert first["on"] == "2024-06-01"  # the first value is in this month


def test_month_begins_on_the_last_day_of_the_month_before(holdings, summary):
    add_value(holdings["cash"], "93.6", date(2024, 7, 20))
    assert summary(on="2024-07-20")["month"] == {
        "start": "2024-06-30",
        "change": "75.60",  # the dollars of the loan have no rate by then
        "change_ratio": "0.180861",
    }


def test_ratio_is_to_the_absolute_value_and_null_where_that_is_zero(portfolio, summary):
    debt = create_valued_asset(portfolio, "Debt", TypeId.LOAN, "-200")
    add_value(debt, "-50", date(2024, 6, 20))
    assert summary(on="2024-06-20")["month"]["change_ratio"] == "0.750000"
    add_value(debt, "0", date(2024, 7, 31))
    add_value(debt, "-1", date(2024, 8, 1))
    month = summary(on="2024-08-02")["month"]
    assert (month["start"], month["change"], month["change_ratio"]) == ("2024-07-31", "-1.00", None)


def test_before_the_first_value_there_is_nothing(holdings, summary, charlie):
    empty = {"net_worth": "0.00", "complete": True, "missing_rates": [], "missing_prices": [], "month": None}
    shown = summary(on="2024-05-31")
    assert {name: shown[name] for name in empty} == empty
    assert shown["current_assets"] == 4
    stranger = summary(charlie)
    assert stranger | empty == stranger
    assert (stranger["currency"], stranger["current_assets"]) == ("EUR", 0)


def test_what_needs_attention_is_counted_without_what_was_dismissed(alice, portfolio, holdings, summary):
    Asset.objects.filter(pk=holdings["bond"].pk).update(disposed_on=date(2024, 7, 1))
    positive = create_valued_asset(portfolio, "Card", TypeId.CREDIT_CARD, "5", on="2024-08-30")
    shown = summary(on="2024-08-31")
    issues = alice.get(f"{API}/portfolios/{portfolio.pk}/quality", {"on": "2024-08-31"}).json()["findings"]
    severities = [issue["severity"] for issue in issues]
    assert shown["findings"] == {"problems": severities.count("warning"), "hints": severities.count("note")}
    assert shown["current_assets"] == 4
    assert shown["stale_values"] == [issue["code"] for issue in issues].count("STALE_VALUE") > 0
    (note,) = [issue for issue in issues if issue["asset"] and issue["asset"]["id"] == str(positive.pk)]
    assert note["severity"] == "note"
    path = f"{API}/portfolios/{portfolio.pk}/quality/{note['key']}"
    assert alice.put(path, {"reason": "Overpaid."}).status_code in (200, 201)
    assert summary(on="2024-08-31")["findings"]["hints"] == shown["findings"]["hints"] - 1


def test_missing_rate_is_named(portfolio, holdings, summary):
    create_valued_asset(portfolio, "Yen", TypeId.CASH, "1000", currency="JPY")
    shown = summary(on="2024-06-30")
    assert (shown["complete"], shown["net_worth"]) == (False, "418.00")
    assert shown["missing_rates"] == [{"currency": "JPY", "on": "2024-06-30", "amount": "1000.00"}]


def test_read_token_is_enough_and_a_copy_is_confirmed(alice_user, holdings):
    _, secret = issue_token(alice_user, scope="read")
    phone = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    answer = phone.get(f"{API}/me/summary")
    assert answer.status_code == 200
    assert phone.get(f"{API}/me/summary", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    add_value(holdings["cash"], "7", date(2024, 7, 1))
    assert phone.get(f"{API}/me/summary", headers={"If-None-Match": answer["ETag"]}).status_code == 200
