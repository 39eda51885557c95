"""Which rows of an import are written before its commit, and whether they are those that are committed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from imports.models import Import, ImportFile
from imports.services.writing.hidden_values import HiddenValues, Source
from portfolios.models import Portfolio

pytestmark = pytest.mark.on_sqlite  # no database is asked
READ_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUE = {"row_type": "value", "account": "Cabin|EUR", "on": "2025-01-31", "value": "100"}
BOOKING = {"row_type": "transaction", "account": "Cabin|EUR", "on": "2025-01-31", "amount": "100"}
ASSET = {"row_type": "asset", "account": "Cabin|EUR"}


def hidden_values(version=READ_AT) -> HiddenValues:
    """All was written of a preview whose accounts are Cabin and Boat."""
    hidden = HiddenValues(Source(Import(portfolio=Portfolio()), "state", [], version))
    hidden.assets = {"Cabin|EUR": UUID(int=1), "Boat|USD": UUID(int=2)}
    hidden.is_complete = True
    return hidden


def fits(hidden, state="state", version=READ_AT) -> bool:
    return hidden.fits(Import(updated_at=version), ImportFile(state=state))


def test_it_is_that_of_the_preview_with_the_same_state_and_version():
    assert fits(hidden_values())


def test_it_is_not_that_of_a_preview_of_other_data():
    assert not fits(hidden_values(), state="another")


def test_it_is_not_that_of_a_preview_with_other_options():
    assert not fits(hidden_values(), version=READ_AT + timedelta(microseconds=1))


def test_a_draft_is_stored_with_its_commit_and_has_no_earlier_version():
    assert fits(hidden_values(version=None))
    assert not fits(hidden_values(version=None), state="another")


def test_half_of_it_is_never_shown():
    hidden = hidden_values()
    hidden.is_complete = False
    assert not fits(hidden)


@pytest.mark.parametrize(
    "record",
    [
        {"b": [VALUE]},
        {"b": [ASSET, VALUE]},
        {"b": []},
        {"b": [{**BOOKING, "type": "INCOME"}, VALUE]},
        {"b": [VALUE], "k": [["Boat|USD", "2025-01-31", "1"]], "h": [["Cabin|EUR", "2025-01-31", "2"]]},
    ],
)
def test_a_row_is_written_where_nothing_is_left_of_it(record):
    assert hidden_values().is_written(record)


@pytest.mark.parametrize(
    "record",
    [
        {"b": [VALUE, {**VALUE, "account": "Savings|EUR"}]},
        {"b": [{**BOOKING, "type": "TRANSFER"}]},
        {"b": [{"row_type": "price", "instrument": "MSFT|USD"}]},
        {"b": [VALUE], "x": [["Cabin|EUR", "17"]]},
        {"b": [VALUE], "k": [["Savings|EUR", "2025-01-31", "1"]]},
        {"b": [VALUE], "h": [["Savings|EUR", "2025-01-31", "2"]]},
        {"b": [], "k": [["Savings|EUR", "2025-01-31", "1"]]},
    ],
    ids=[
        "another account",
        "a transfer",
        "a price",
        "a cancellation",
        "a rank",
        "a quantity",
        "a rank alone",
    ],
)
def test_what_says_more_than_rows_of_new_accounts_waits_for_the_commit(record):
    assert not hidden_values().is_written(record)
