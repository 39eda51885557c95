"""The files that a new value and a report pass through: few, in order, and none of them twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.models import Category
from assets.rates.readers import quotes_in
from assets.rates.writer import add_rates
from assets.services.labels import label_asset
from reports.queries import net_worth_history
from tests.call_paths import entered_files
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.on_sqlite

NEW_VALUE = [
    "assets/services/entries/snapshots",
    "assets/valuation/sources/snapshot_upkeep",
    "assets/valuation/sources/snapshots_sql",
    "assets/valuation/upkeep",
    "assets/valuation/deltas",
    "assets/valuation/months",
]
# By the interval of the series.
NET_WORTH = {
    interval: [
        "reports/queries/net_worth",
        "reports/queries/defaults",
        "reports/queries/groups",
        "assets/valuation/reading",
        "assets/valuation/registry",
        *months,
        "assets/rates/store",
        "assets/rates/sql",
        "assets/rates/kept",
    ]
    for interval, months in {
        "month": ["assets/valuation/sql/months"],
        "day": ["assets/valuation/forgotten/deriving_again", "assets/valuation/sql/months"],
    }.items()
}
RATES = b"""Date,CHF,
2024-01-31,2,
2024-02-29,2,
2024-03-31,2,
2024-04-30,2,
"""


@pytest.fixture
def asset(portfolio):
    asset = create_asset(portfolio)
    for number in (0, 3, 40):
        add_value(asset, 5, day(number))
    return asset


@pytest.mark.parametrize("on", ["2024-01-02", "2024-01-20", "2024-03-20"])
def test_new_value_enters_each_of_a_few_files_once(alice, asset, on):
    path = f"/api/v1/assets/{asset.pk}/snapshots"
    alice.post(path, {"value": "6", "on": "2024-05-05"})  # modules are loaded with the first request
    with entered_files() as files:
        answer = alice.post(path, {"value": "7", "on": on})
    assert answer.status_code == 201
    assert files == NEW_VALUE


@pytest.mark.parametrize("interval", NET_WORTH)
def test_net_worth_by_category_enters_each_file_once(portfolio, asset, interval):
    """Between ends of months, with rates that this process keeps."""
    add_rates(*quotes_in(RATES))
    franc = create_asset(portfolio, "Franc", currency="CHF")
    add_value(franc, 3, day(3))
    category = Category.objects.create(household=portfolio.household, name="Liquid")
    for each in (asset, franc):
        label_asset(each.pk, category_ids=[category.pk])
    asked = {"start": date(2024, 1, 31), "end": date(2024, 4, 30), "interval": interval}
    net_worth_history([portfolio], group_by="category", **asked)  # rates are kept
    with entered_files() as files:
        series = net_worth_history([portfolio], group_by="category", **asked)
    assert series.points[-1].net == Decimal("6.50")
    assert files == NET_WORTH[interval]
