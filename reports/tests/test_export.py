"""`GET portfolios/{id}/export`: the long table of all recorded values."""

from __future__ import annotations

import csv
import io
from datetime import date

from assets.classification.seeds import TypeId
from portfolios.models import Portfolio
from tests.factories import add_value, create_asset
from tests.refusals import assert_refused
from tests.spreadsheets import sheets_of

API = "/api/v1"


def ask(client, portfolio, **params):
    return client.get(f"{API}/portfolios/{getattr(portfolio, 'pk', portfolio)}/export", params)


def rows_of(answer) -> list[list[str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


def test_it_has_a_row_for_each_recorded_value(alice, household, portfolio):
    flat = create_asset(portfolio, "=Flat", TypeId.REAL_ESTATE)
    account = create_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, currency="USD")
    add_value(flat, "250000", date(2024, 2, 1))
    add_value(account, "-12.5", date(2024, 1, 31))
    add_value(account, "1.234", date(2023, 1, 31))
    other = Portfolio.objects.create(household=household, name="Other")
    add_value(create_asset(other, "Elsewhere", TypeId.CHECKING_ACCOUNT), "1", date(2024, 1, 1))
    answer = ask(alice, portfolio)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="values-{portfolio.name}.csv"'
    assert rows_of(answer) == [
        ["date", "asset", "value", "currency", "type"],
        ["2024-02-01", "'=Flat", "250000.00", "EUR", "REAL_ESTATE"],
        ["2023-01-31", "Account", "1.234", "USD", "CHECKING_ACCOUNT"],
        ["2024-01-31", "Account", "-12.50", "USD", "CHECKING_ACCOUNT"],
    ]
    ((header, first, *_),) = sheets_of(ask(alice, portfolio, format="xlsx").getvalue())
    assert header[1] == "asset" and first[1] == "=Flat"
    assert rows_of(ask(alice, portfolio, columns="value,asset"))[1] == ["250000.00", "'=Flat"]


def test_it_is_for_members_only_and_takes_only_its_formats(alice, bob, vera, charlie, portfolio):
    assert ask(charlie, portfolio).status_code == 404
    assert ask(vera, portfolio).status_code == 200
    assert_refused(ask(alice, portfolio, format="json"), "format")
    assert_refused(ask(alice, portfolio, columns="id"), "columns")


def test_an_unchanged_portfolio_is_not_sent_again(alice, portfolio):
    tag = ask(alice, portfolio)["ETag"]
    assert (
        alice.get(f"{API}/portfolios/{portfolio.pk}/export", headers={"if-none-match": tag}).status_code
        == 304
    )
    add_value(create_asset(portfolio, "New", TypeId.CHECKING_ACCOUNT), "1", date(2024, 1, 1))
    assert ask(alice, portfolio)["ETag"] != tag


def test_names_that_occur_twice_are_numbered(alice, portfolio):
    for name in ["Savings", "savings", "Savings (2)", "Savings"]:
        add_value(create_asset(portfolio, name, TypeId.SAVINGS_ACCOUNT), "1", date(2024, 1, 1))
    names = [row[1] for row in rows_of(ask(alice, portfolio))[1:]]
    assert names == ["Savings", "savings (3)", "Savings (2)", "Savings (4)"]
