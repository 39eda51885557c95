"""Texts of a file that nothing can have refuse their row, and never the whole import; and rows that pay twice."""

import pytest

from assets.models import Instrument, Transaction
from imports.tests.import_requests import commit, preview, rows, undo

pytestmark = pytest.mark.usefixtures("shared_rows")

TRADES = (
    b"Date,Symbol,Name,Action,Quantity,Price,Currency\n"
    b"2025-01-02,ACME,Acme,Buy,1,10.00,EUR\n"
    b"2025-01-03,BAD\x19,Bad,Buy,1,10.00,EUR\n"
)
TWICE = b"""2025-01-01 open Assets:Cash EUR
2025-01-02 * "Buy"
  Assets:Shares   10 ACME {10 EUR}
  Expenses:Fees   1 EUR
  Assets:Cash  -100 EUR
  Assets:Cash    -1 EUR
"""


def outcomes(client, new_import) -> list[tuple[int, str, str | None]]:
    return [
        (row["line"], row["outcome"], row["reason"] and row["reason"]["code"])
        for row in rows(client, new_import)
    ]


def test_security_with_a_text_that_none_can_have_is_refused_by_line(alice, portfolio):
    new_import = preview(alice, portfolio, TRADES)
    assert outcomes(alice, new_import) == [
        (2, "create", None),
        (3, "refuse", "BAD_NAME"),
    ]
    commit(alice, new_import)
    assert list(Instrument.objects.filter(household__isnull=False).values_list("symbol", flat=True)) == [
        "ACME"
    ]


def test_prices_of_such_a_security_are_refused_too(alice, portfolio):
    quotes = b"Date,Quote,Currency,ISIN,Security Name\n2025-01-02,10,EUR,,Not\x19fine\n"
    new_import = preview(alice, portfolio, quotes, format="portfolio-performance-csv")
    assert outcomes(alice, new_import) == [(2, "refuse", "BAD_NAME")]
    commit(alice, new_import)


def test_transaction_that_pays_twice_from_one_account_is_imported_once(alice, portfolio):
    new_import = preview(alice, portfolio, TWICE, name="ours.beancount")
    commit(alice, new_import)
    cash = Transaction.objects.filter(asset__name="Assets:Cash").order_by("external_id")
    assert sorted(cash.values_list("amount", flat=True)) == [1, 100]
    references = [reference.partition("/")[2] for reference in cash.values_list("external_id", flat=True)]
    assert references == ["cash", "cash-2"]
    again = preview(alice, portfolio, TWICE, name="ours.beancount")
    assert {row["outcome"] for row in rows(alice, again)} == {"skip"}
    undo(alice, new_import)
    assert not Transaction.objects.exists()


def test_account_without_a_name_is_refused_also_where_its_first_line_is_left_out(alice, portfolio):
    table = b"date,account,value,currency\n2025-01-31,\xe2\x80\x8b,1,EUR\n2025-02-28,\xe2\x80\x8b,2,EUR\n"
    new_import = preview(alice, portfolio, table, options={"skip": [2]})
    assert outcomes(alice, new_import) == [(2, "skip", "SKIPPED_BY_YOU"), (3, "refuse", "BAD_NAME")]
    commit(alice, new_import)
