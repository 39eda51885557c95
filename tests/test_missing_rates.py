"""A report that leaves an amount out names the currency without a rate, also if it is the report's own."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.management import call_command

from assets.classification.seeds import TypeId
from assets.models import ExchangeRate
from reports.services.portfolio_snapshots import take_snapshot
from tests.factories import create_valued_asset

API = "/api/v1"
ON = date(2026, 1, 31)
EUROS_WITHOUT_XOF = {"currency": "XOF", "on": "2026-01-31", "amount": "100.00", "amount_currency": "EUR"}
DOLLARS_WITHOUT_XOF = EUROS_WITHOUT_XOF | {"amount": "50.00", "amount_currency": "USD"}
DOLLARS_WITHOUT_USD = {"currency": "USD", "on": "2026-01-31", "amount": "50.00"}


@pytest.fixture
def francs(portfolio):
    """A portfolio in XOF (West African francs) with 100 euros and 50 dollars. Neither XOF nor USD has a rate."""
    portfolio.base_currency = "XOF"
    portfolio.save()
    create_valued_asset(portfolio, "EUR", TypeId.CHECKING_ACCOUNT, "100", currency="EUR", on="2025-12-31")
    create_valued_asset(portfolio, "USD", TypeId.CHECKING_ACCOUNT, "50", currency="USD", on="2025-12-31")
    return portfolio


def add_rate(currency: str, units: str, on: date = ON) -> None:
    ExchangeRate.objects.create(currency=currency, on=on, units_per_euro=units)


def answers(client, portfolio) -> dict:
    """What each report with a total answers."""
    path = f"{API}/portfolios/{portfolio.pk}"
    day = {"start": ON, "end": ON}
    return {
        "portfolio": client.get(path, {"on": ON}).json(),
        "listed": client.get(f"{API}/portfolios", {"on": ON}).json()["results"][0],
        "net worth": client.get(f"{path}/net-worth", day).json()["points"][0],
        "allocation": client.get(f"{path}/allocation", {"on": ON}).json(),
        "change": client.get(f"{path}/change", day).json(),
        "stored": client.post(f"{path}/snapshots", {"on": str(ON)}).json(),
    }


def in_order(gaps: list[dict]) -> list[dict]:
    return sorted(gaps, key=lambda gap: (gap["currency"], gap.get("amount_currency", "")))


def test_every_report_names_the_base_currency_without_a_rate(alice, francs):
    add_rate("USD", "1.25")
    for name, answer in answers(alice, francs).items():
        assert (name, answer["complete"]) == (name, False)
        assert (name, in_order(answer["missing_rates"])) == (name, [EUROS_WITHOUT_XOF, DOLLARS_WITHOUT_XOF])


def test_every_report_names_both_currencies_without_a_rate(alice, francs):
    for name, answer in answers(alice, francs).items():
        gaps = in_order(answer["missing_rates"])
        assert (name, gaps) == (name, [DOLLARS_WITHOUT_USD, EUROS_WITHOUT_XOF, DOLLARS_WITHOUT_XOF])


def test_every_report_names_only_the_amounts_currency_if_only_it_has_no_rate(alice, francs):
    add_rate("XOF", "655.957")
    for name, answer in answers(alice, francs).items():
        assert (name, answer["missing_rates"]) == (name, [DOLLARS_WITHOUT_USD])


def test_every_report_is_complete_with_all_rates(alice, francs):
    add_rate("XOF", "655.957")
    add_rate("USD", "1.25")
    for name, answer in answers(alice, francs).items():
        assert (name, answer["missing_rates"], answer["complete"]) == (name, [], True)


def test_tables_say_which_rate_is_missing(alice, francs):
    add_rate("USD", "1.25")
    path = f"{API}/portfolios/{francs.pk}"
    tables = (
        alice.get(f"{path}/net-worth", {"start": ON, "end": ON}, headers={"accept": "text/csv"}),
        alice.get(f"{path}/allocation", {"on": ON}, headers={"accept": "text/csv"}),
        alice.get(f"{path}/change", {"start": ON, "end": ON}, headers={"accept": "text/csv"}),
    )
    for table in tables:
        assert "EUR 100.00 (no rate of XOF)" in b"".join(table.streaming_content).decode()


def test_charts_and_the_terminal_say_which_rate_is_missing(alice, francs):
    add_rate("USD", "1.25")
    path, days = f"{API}/portfolios/{francs.pk}", {"start": ON, "end": ON}
    assert (
        "1 of 1 days lacks a rate of XOF." in alice.get(f"{path}/net-worth/chart.svg", days).content.decode()
    )
    assert "It lacks a rate of XOF." in alice.get(f"{path}/allocation/chart.svg", {"on": ON}).content.decode()
    out = io.StringIO()
    call_command("networth", start=ON, end=ON, stdout=out)
    assert "lack a rate of XOF." in out.getvalue()


def test_quality_finding_names_the_missing_rate(alice, francs):
    add_rate("USD", "1.25")
    findings = alice.get(f"{API}/portfolios/{francs.pk}/quality", {"on": ON}).json()["findings"]
    messages = {row["asset"]["name"]: row["message"] for row in findings if row["code"] == "MISSING_RATE"}
    assert set(messages) == {"EUR", "USD"}
    assert all("no rate for XOF" in message for message in messages.values())


def test_missing_rate_stored_without_its_amounts_currency_can_be_read(alice, francs):
    row = take_snapshot(francs.pk, on=ON)
    stored = [{"currency": "EUR", "on": "2026-01-31", "amount": "100.00"}]
    francs.refresh_from_db()
    rows = type(row).objects.filter(pk=row.pk)
    rows.update_unrecorded(missing_rates=stored, revision=francs.revision)
    answer = alice.get(f"{API}/portfolios/{francs.pk}/snapshots/{row.pk}")
    assert (answer.status_code, answer.json()["missing_rates"]) == (200, stored)
