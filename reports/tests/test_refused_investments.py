"""Lots, gains, income, returns and prices, asked by a stranger with a token: every refusal names the field."""

from __future__ import annotations

import pytest

from assets.classification.seeds import TypeId
from assets.models import Instrument
from reports.api.investments import views
from tests.factories import add_value, create_asset, day

from .test_investments import API, buy, sell

NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"
DAYS = ["x", "", "0000-00-00", "1799-12-31", "2201-01-01", "9999-12-31", "2024-01-01T00:00", "-1", "\x00"]
BAD = {
    "start": DAYS,
    "end": DAYS,
    "on": DAYS,
    "currency": ["XXX", "EURO", "", "1", "\x00"],
    "method": ["FIFO", "fifo,lifo", ""],
    "benchmark": ["x", ""],
    "year": ["0", "-1", "1e3", "99999", "9" * 40],
    "group_by": ["day", ""],
    "explain": ["2", ""],
    "detail": ["2"],
    "closed": ["yes"],
    "asset": [""],
    "portfolio": [""],
    "known_at": ["x", "9999-12-31T00:00:00Z"],
    "surprise": ["1"],
}
FOREIGN = {
    "asset": "ASSET_NOT_FOUND",
    "portfolio": "PORTFOLIO_NOT_FOUND",
    "benchmark": "INSTRUMENT_NOT_FOUND",
}
OF_ALL = ["performance", "lots", "realised-gains", "income", "performance/chart.svg", "income/chart.svg"]
WITH_SPAN = [path for path in OF_ALL if path != "lots"]


@pytest.fixture
def paths(portfolio, household):
    shares = create_asset(portfolio, "Shares", TypeId.STOCKS)
    buy(shares, 0, 10, 100)
    sell(shares, 3, 2, 30)
    add_value(shares, 90, day(1))
    instrument = Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")
    of_portfolio = [f"portfolios/{portfolio.pk}/{name}" for name in ("performance", "income")]
    of_asset = [f"assets/{shares.pk}/{name}" for name in ("performance", "lots", "holding")]
    return [*OF_ALL, *of_portfolio, *of_asset, f"instruments/{instrument.pk}/prices"]


def test_every_bad_parameter_is_refused_by_name(alice, paths):
    for path in paths:
        for name, values in BAD.items():
            for value in values:
                answer = alice.get(f"{API}/{path}", {name: value})
                assert answer.status_code in (400, 404), (path, name, value)
                assert name in [error["field"] for error in answer.json()["errors"]], (path, name, value)


def test_ids_of_others_are_not_found(alice, charlie, paths):
    for path in paths[len(OF_ALL) :]:
        assert charlie.get(f"{API}/{path}").status_code == 404
    for name, code in FOREIGN.items():
        answer = alice.get(f"{API}/performance" if name != "asset" else f"{API}/income", {name: NOBODYS})
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_a_start_after_the_end_is_refused_and_a_span_of_four_centuries_is_not(alice, paths):
    for path in [*WITH_SPAN, paths[-1]]:
        reversed_days = alice.get(f"{API}/{path}", {"start": day(9), "end": day(0)})
        assert reversed_days.status_code == 400, path
        assert [error["field"] for error in reversed_days.json()["errors"]] == ["start"]
        assert alice.get(f"{API}/{path}", {"start": "1800-01-01", "end": "2200-12-31"}).status_code == 200


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": "split", "numerator": 0, "denominator": 1}, "numerator"),
        ({"type": "split", "numerator": 10**30, "denominator": 1}, "numerator"),
        ({"type": "split", "numerator": "1.5", "denominator": 1}, "numerator"),
        ({"type": "return_of_capital", "amount": "1e400"}, "amount"),
        ({"type": "return_of_capital", "amount": "-1"}, "amount"),
        ({"type": "merger", "numerator": 1, "denominator": 1, "cash": "NaN"}, "cash"),
        ({"type": "gift"}, "type"),
    ],
)
def test_a_bad_action_is_refused_by_name(alice, paths, values, field):
    path = paths[-1].replace("prices", "actions")
    answer = alice.post(f"{API}/{path}", {"on": "2024-01-02", **values}, format="json")
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


# --- more rows than an answer may have ---


@pytest.fixture
def small_answers(monkeypatch):
    """At most three lots and ten days."""
    monkeypatch.setattr(views, "MOST_LOTS", 3)
    monkeypatch.setattr(views, "MOST_DAYS", 10)


@pytest.fixture
def shares(portfolio):
    """Three open lots, and two parts of the first one that were sold."""
    asset = create_asset(portfolio, "Shares", TypeId.STOCKS)
    for number in range(3):
        buy(asset, number, 10, 100)
    for number in (3, 4):
        sell(asset, number, 2, 30)
    add_value(asset, 90, day(1))
    return asset


def refused(client, path: str) -> tuple[int, str, str]:
    answer = client.get(f"{API}/{path}")
    (error,) = answer.json()["errors"]
    return answer.status_code, error["field"], error["code"]


def test_an_answer_with_too_many_rows_is_refused_and_names_what_to_change(alice, shares, small_answers):
    lots, gains = f"assets/{shares.pk}/lots", "realised-gains?start=2023-12-31"
    assert len(alice.get(f"{API}/{lots}").json()["open"]) == 3
    assert alice.get(f"{API}/lots").status_code == 200
    assert len(alice.get(f"{API}/{gains}").json()["results"]) == 2
    assert refused(alice, f"{lots}?closed=1") == (400, "closed", "too_much")
    assert refused(alice, "lots?detail=1") == (400, "detail", "too_much")
    buy(shares, 5, 10, 100)
    assert refused(alice, lots) == (400, "on", "too_much")
    assert alice.get(f"{API}/{lots}?on={day(2)}").status_code == 200
    for number in (6, 7):
        sell(shares, number, 1, 20)
    assert refused(alice, gains) == (400, "start", "too_much")
    assert refused(alice, "realised-gains?year=2024") == (400, "year", "too_much")
    assert alice.get(f"{API}/{gains}&end={day(4)}").status_code == 200
    table = alice.get(f"{API}/{gains}&format=csv")
    assert len(b"".join(table).splitlines()) == 1 + 4 + 1  # in pieces: the head, the sales, the totals


def test_a_long_chain_is_measured_and_not_explained(alice, shares, small_answers):
    for path in ("performance", f"assets/{shares.pk}/performance"):
        span = f"{path}?start={day(0)}&end="
        assert len(alice.get(f"{API}/{span}{day(9)}&explain=1").json()["days"]) == 9
        assert alice.get(f"{API}/{span}{day(30)}").status_code == 200
        assert refused(alice, f"{span}{day(30)}&explain=1") == (400, "explain", "too_much")
