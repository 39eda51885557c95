"""Findings about ISINs: of rows that were loaded past the services, and of two instruments of one household."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Instrument
from portfolios.models import Household, Portfolio
from reports.queries import quality_report
from reports.rendering.findings import finding_text
from tests.factories import create_valued_asset

GOOD, BAD = "US0378331005", "US0378331006"


@pytest.fixture
def instrument(household):
    """Makes an instrument of the household, or of another one, with an ISIN."""

    def create(symbol, isin, household=household):
        return Instrument.objects.create(
            household=household, symbol=symbol, name=symbol, currency="EUR", isin=isin
        )

    return create


def holding(portfolio, instrument):
    asset = create_valued_asset(portfolio, f"My {instrument.symbol}", TypeId.STOCKS, "1")
    asset.instrument = instrument
    asset.save()
    return asset


def isin_findings(portfolio):
    return [
        (issue.finding.code, issue.name, issue.finding.message)
        for issue in quality_report(portfolio)
        if "ISIN" in issue.finding.code
    ]


def test_an_isin_with_a_wrong_digit_is_found(alice, portfolio, instrument):
    bad = instrument("A", BAD)
    holding(portfolio, bad)
    message = f"{BAD} is no ISIN: its length or its check digit is wrong."
    assert isin_findings(portfolio) == [("BAD_ISIN", "My A", message)]
    (finding,) = [
        finding
        for finding in alice.get(f"/api/v1/portfolios/{portfolio.pk}/quality").json()["findings"]
        if finding["code"] == "BAD_ISIN"
    ]
    assert finding["severity"] == "note"
    assert finding["link"] == f"/api/v1/instruments/{bad.pk}"
    assert alice.get(finding["link"]).status_code == 200
    Instrument.objects.filter(pk=bad.pk).update(isin=GOOD)
    assert isin_findings(portfolio) == []


def test_two_own_instruments_with_an_isin_are_found_also_where_one_is_not_held(portfolio, instrument):
    holding(portfolio, instrument("A", GOOD))
    instrument("B", GOOD)
    message = f"B has the ISIN {GOOD} of A too."
    assert isin_findings(portfolio) == [("DUPLICATE_ISIN", "My A", message)]


def test_a_shared_instrument_counts_where_the_household_holds_it(portfolio, household, instrument):
    holding(portfolio, instrument("A", GOOD))
    shared = instrument("S", GOOD, household=None)
    assert isin_findings(portfolio) == []
    elsewhere = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    holding(elsewhere, shared)
    assert [(code, name) for code, name, _ in isin_findings(portfolio)] == [("DUPLICATE_ISIN", "My A")]
    assert [(code, name) for code, name, _ in isin_findings(elsewhere)] == [("DUPLICATE_ISIN", "My S")]


def test_other_households_are_never_named(portfolio, instrument):
    holding(portfolio, instrument("A", GOOD))
    strangers = Household.objects.create(name="Strangers")
    foreign = Portfolio.objects.create(household=strangers, name="Foreign", base_currency="EUR")
    holding(foreign, instrument("F", GOOD, household=strangers))
    holding(foreign, instrument("S", GOOD, household=None))
    assert isin_findings(portfolio) == []


def test_findings_have_words(portfolio, instrument):
    holding(portfolio, instrument("A", BAD))
    instrument("B", BAD)
    texts = [finding_text(issue) for issue in quality_report(portfolio) if "ISIN" in issue.finding.code]
    assert [text.title for text in texts] == ["ISIN is wrong", "ISIN of two securities"]
    assert f"A and B have the ISIN {BAD}." in texts[1].text


def test_one_query_more_where_there_is_an_isin(portfolio, instrument):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            quality_report(portfolio)
        return len(seen)

    held = instrument("A", "")
    holding(portfolio, held)
    without = queries()
    Instrument.objects.filter(pk=held.pk).update(isin=GOOD)
    assert queries() == without + 1
    for symbol in "BCD":
        holding(portfolio, instrument(symbol, GOOD))
    assert queries() == without + 1
