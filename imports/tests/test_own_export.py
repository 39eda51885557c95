"""What `GET portfolios/{id}/export` writes is read back, in another portfolio or in the same one."""

from __future__ import annotations

import random
import string
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot
from imports.formats.spreadsheets.networth_layout import OWN_HEADER
from imports.reading.apostrophes import without_apostrophes
from imports.tests.import_requests import commit, preview
from portfolios.models import Portfolio
from reports.exports.values import HEADER
from strata.api.http.csv_renderer import as_text
from tests.factories import add_value, create_asset

API = "/api/v1"
NAMES = (
    "=SUM(A1)",
    "'+1 club",
    "-Konto",
    "@home",
    "Total",
    "Net worth",
    "Savings 2%",
    "a;=1,'=2",
    "Müller & Söhne",
    '"q"',
)


@pytest.fixture
def full(portfolio):
    """Assets with the names and values that are hardest to write down."""
    chance = random.Random(5)
    types = (TypeId.CHECKING_ACCOUNT, TypeId.LOAN, TypeId.REAL_ESTATE, TypeId.OTHER)
    for number, name in enumerate(NAMES):
        asset = create_asset(portfolio, name, types[number % 4], currency=("EUR", "USD", "JPY")[number % 3])
        for month in range(3):
            cents = Decimal(chance.randrange(-(10**9), 10**9)).scaleb(-chance.choice((0, 2, 3, 4)))
            add_value(asset, str(cents), date(2024, 1, 31) + timedelta(days=31 * month))
    same = [create_asset(portfolio, "Twice", TypeId.SAVINGS_ACCOUNT, currency="EUR") for _ in range(2)]
    add_value(same[1], "1.234", date(1899, 12, 31))
    add_value(same[0], "99999999999999.9999", date(2024, 1, 1))
    return portfolio


def exported(client, portfolio, table_format) -> bytes:
    answer = client.get(f"{API}/portfolios/{portfolio.pk}/export", {"format": table_format})
    assert answer.status_code == 200, answer.content
    return answer.getvalue()


def values_of(portfolio) -> list[tuple]:
    rows = AssetSnapshot.objects.filter(asset__portfolio=portfolio)
    columns = ("asset__name", "asset__currency", "asset__asset_type__code", "on", "value")
    return sorted(rows.values_list(*columns))


@pytest.mark.usefixtures("shared_rows")
@pytest.mark.parametrize("table_format", ["csv", "xlsx"])
def test_every_value_is_read_back(alice, household, full, table_format):
    other = Portfolio.objects.create(household=household, name="Other")
    new_import = preview(alice, other, exported(alice, full, table_format), name=f"x.{table_format}")
    assert (new_import["refused"], new_import["skipped"]) == (0, 0)
    assert not [question for question in new_import["questions"] if question["required"]]
    commit(alice, new_import)
    renamed = [("Twice (2)", *row[1:]) if row[3].year == 1899 else row for row in values_of(full)]
    assert values_of(other) == sorted(renamed)
    assert len(renamed) == 32


@pytest.mark.usefixtures("shared_rows")
def test_into_the_same_portfolio_nothing_is_new(alice, portfolio):
    asset = create_asset(portfolio, "=1", TypeId.CHECKING_ACCOUNT)
    add_value(asset, "12.50", date(2024, 1, 31))
    new_import = preview(alice, portfolio, exported(alice, portfolio, "csv"))
    assert new_import["counts"]["asset"]["create"] == 0 and new_import["counts"]["value"]["skip"] == 1


def test_header_is_that_of_the_reader():
    assert OWN_HEADER == HEADER


@given(st.text(st.sampled_from("'\"=+-@,;| \t\u200b\u2800a1＝" + string.ascii_letters), max_size=12))
def test_apostrophes_of_the_writer_are_taken_away(text):
    assert without_apostrophes(as_text(text)) == text
