"""Reports about the same days share one reading of values, and say what they say when each reads its own."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, ExchangeRate
from assets.valuation import SharedSeries
from reports.queries import allocation_on, allocations_on, change_report, quality_issues
from tests.factories import add_value, create_asset

END = date(2024, 6, 30)


@pytest.fixture
def assets(portfolio):
    """Values before, in and after the range, a jump, a change of sign, a disposal, a currency with and one without a
    rate, and an asset without any value.
    """
    for on in ("2022-01-03", "2023-06-01", "2024-03-01", "2024-06-28"):
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro="1.25", lasting=True)
    values = {
        ("Account", "EUR"): {"2022-01-03": 100, "2024-03-01": 1000, "2024-06-30": -5, "2024-07-01": 9},
        ("Shares", "USD"): {"2023-06-01": 70, "2024-02-01": 80, "2024-05-01": 81},
        ("Sold", "USD"): {"2022-01-03": 40, "2024-03-15": 50},
        ("Gone", "EUR"): {"2022-01-03": 30},
        ("New", "EUR"): {"2024-06-01": 12},
        ("Later", "EUR"): {"2024-07-01": 7},
        ("Unknown", "JPY"): {"2023-01-01": 600},
        ("Empty", "EUR"): {},
    }
    disposed = {"Sold": date(2024, 4, 1), "Gone": date(2023, 1, 1)}
    for (name, currency), amounts in values.items():
        asset = create_asset(portfolio, name, TypeId.STOCKS, currency=currency)
        for on, amount in amounts.items():
            add_value(asset, amount, date.fromisoformat(on))
        Asset.objects.filter(pk=asset.pk).update(disposed_on=disposed.get(name))


def shared_series(since: date, start: date) -> list[SharedSeries]:
    """Those that have the values from `start` to END: of all assets, and for a report of the change alone."""
    return [SharedSeries(since, END), SharedSeries(start, END, reported_in="EUR")]


@pytest.mark.parametrize("start", [date(2024, 6, 1), date(2023, 7, 1), date(2022, 1, 1), END])
def test_reports_are_the_same_from_shared_series(portfolio, assets, start):
    rows, since = [portfolio], min(start, END - timedelta(days=400))
    days = sorted({start, END})
    for series in shared_series(since, start):
        assert change_report(rows, start=start, end=END, read_series=series) == change_report(
            rows, start=start, end=END
        )
        for group_by in ("asset", "currency", "type"):
            assert allocations_on(rows, days, group_by=group_by, read_series=series) == [
                allocation_on(rows, on=on, group_by=group_by) for on in days
            ]
        assert quality_issues(rows, on=END, currency="EUR", read_series=series) == quality_issues(
            rows, on=END, currency="EUR"
        )


def test_values_are_read_once(portfolio, assets):
    series, start = SharedSeries(END - timedelta(days=400), END), date(2024, 1, 1)
    with CaptureQueriesContext(connection) as seen:
        change_report([portfolio], start=start, end=END, read_series=series)
        allocations_on([portfolio], [start, END], read_series=series)
        quality_issues([portfolio], on=END, currency="EUR", read_series=series)
    assert sum("assets_packedmonth" in query["sql"] for query in seen) == 1
    assert not any("day.number" in query["sql"] for query in seen)  # no look-ups in SQL


def test_other_days_are_read_as_usual(portfolio, assets):
    series = SharedSeries(date(2024, 1, 1), END)
    for start, end in ((date(2023, 1, 1), END), (date(2024, 2, 1), date(2024, 3, 31))):
        assert change_report([portfolio], start=start, end=end, read_series=series) == change_report(
            [portfolio], start=start, end=end
        )
