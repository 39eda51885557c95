"""Rates are recorded one by one or loaded: what is refused, what is locked first, and what every rate leaves behind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import ExchangeRate
from assets.models.exchange_rate import EURO_HAS_NO_RATE
from assets.rates.readers import RateQuote
from assets.rates.writer import add_rates, record_rate
from assets.rules.instruments.exchange_rates import may_have_rate
from strata.accounts.services import create_user
from strata.audit.models import JournalEntry
from strata.exceptions import Invalid
from strata.fields.currencies import currency_codes
from tests.admin_forms import form_data, staff, url

DAY = date(2026, 1, 31)
WRITES = {
    "recorded": lambda currency: record_rate(currency, DAY, Decimal("1.1")),
    "loaded": lambda currency: add_rates([RateQuote(currency, DAY, Decimal("1.1"))], "ecb"),
}


@pytest.fixture(params=WRITES)
def write(request, portfolio):
    return WRITES[request.param]


def recorded_rates():
    return ExchangeRate.objects.filter(on=DAY)


def test_recorded_rate_is_what_was_given(db):
    rate = record_rate("USD", DAY, Decimal("1.25"), source="ecb", lasting=True)
    assert recorded_rates().get() == rate
    rate.refresh_from_db()
    assert (rate.currency, rate.on, rate.units_per_euro, rate.source, rate.lasting) == (
        "USD",
        DAY,
        Decimal("1.25"),
        "ecb",
        True,
    )


def test_recorded_rate_is_manual_and_does_not_last_unless_it_is_said(db):
    rate = record_rate("USD", DAY, Decimal("1.25"))
    assert (rate.source, rate.lasting) == ("manual", False)


def test_same_rate_is_recorded_again(db):
    for _ in range(2):
        record_rate("USD", DAY, Decimal("1.25"))
    assert recorded_rates().count() == 2


def test_every_rate_raises_the_revisions_and_has_a_journal_entry(write, portfolio):
    before = portfolio.revision
    write("USD")
    portfolio.refresh_from_db()
    assert portfolio.revision == before + 1
    rate = recorded_rates().get()
    assert JournalEntry.objects.filter(
        model="assets.ExchangeRate", object_id=rate.pk, action="create"
    ).exists()


def test_euro_is_refused_by_its_field_and_nothing_is_written(write, portfolio):
    before = portfolio.revision
    with pytest.raises(Invalid) as refused:
        write("EUR")
    error = refused.value
    assert (error.field, error.field_code, error.message) == ("currency", "euro", EURO_HAS_NO_RATE)
    portfolio.refresh_from_db()
    assert (portfolio.revision, recorded_rates().count()) == (before, 0)


def test_a_load_with_the_euro_in_it_is_refused_as_a_whole(db):
    quotes = [RateQuote(currency, DAY, Decimal(1)) for currency in ("USD", "EUR")]
    with pytest.raises(Invalid):
        add_rates(quotes, "ecb")
    assert not recorded_rates().exists()


def test_every_currency_but_the_euro_may_have_a_rate():
    assert [code for code in currency_codes() if not may_have_rate(code)] == ["EUR"]


def test_table_of_rates_is_locked_before_the_portfolios(write):
    with CaptureQueriesContext(connection) as queries:
        write("USD")
    statements = [query["sql"] for query in queries]
    table_locks = [index for index, sql in enumerate(statements) if sql.startswith("LOCK TABLE")]
    row_locks = [index for index, sql in enumerate(statements) if 'FROM "portfolios_portfolio"' in sql]
    writes = [index for index, sql in enumerate(statements) if sql.startswith("INSERT")]
    assert len(table_locks) == (connection.vendor == "postgresql")
    assert [*table_locks, *writes, *row_locks] == sorted([*table_locks, *writes, *row_locks])
    assert len(row_locks) == 1


def test_page_of_the_admin_records_the_rate(db):
    root = staff(create_user("root", "correct horse battery", is_superuser=True))
    form = form_data(root.get(url(ExchangeRate, "add"))) | {"on": "2026-01-31", "units_per_euro": "1.1"}
    refused = root.post(url(ExchangeRate, "add"), form | {"currency": "EUR"})
    (error,) = refused.context["adminform"].form.errors.as_data()["currency"]
    assert (refused.status_code, error.code) == (200, "euro")
    added = root.post(url(ExchangeRate, "add"), form | {"currency": "USD", "_continue": "1"})
    rate = recorded_rates().get()
    assert (added.status_code, added["Location"]) == (302, url(ExchangeRate, "change", rate.pk))
    assert (rate.currency, rate.units_per_euro, rate.source) == ("USD", Decimal("1.1"), "manual")
