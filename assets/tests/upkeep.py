"""What tests of the derived tables share: days, and the comparison of the tables with what the values give."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial

from assets.models import Asset, MonthlyValues, ValueGap
from assets.valuation import gaps, months
from assets.valuation.deltas import calculated, stored
from assets.valuation.protocol import source_name
from portfolios.models import Portfolio
from tests import factories

FIRST = date(2024, 1, 27)  # a month ends on the sixth day
NOON = datetime(2024, 1, 27, 12, tzinfo=UTC)
day = partial(factories.day, first=FIRST)


def valuations() -> dict:
    rows = Asset.objects.values_list("pk", "valuation", "shares")
    return {pk: source_name(*names) for pk, *names in rows}


def assert_in_step() -> None:
    for portfolio_id in Portfolio.objects.values_list("pk", flat=True):
        assert stored(portfolio_id) == calculated(portfolio_id)
    assets = valuations()
    assert months.stored(assets) == months.calculated(assets)
    assert gaps.stored(assets) == gaps.calculated(assets)
    for rows in (MonthlyValues.objects.all(), ValueGap.objects.all()):
        assert not rows.exclude(asset__in=assets).exists()
