"""The query functions of reports: what they load, and what they count."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from assets import valuation
from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from assets.services.labels import label_asset
from reports.queries import (
    ReportTooLarge,
    allocation_on,
    change_report,
    net_worth_history,
    portfolio_total,
    quality_report,
)
from strata.fields.dates import noon
from tests.factories import create_valued_asset

END = date(2024, 6, 30)


def named(series):
    return {series.labels[key]: amount for key, amount in series.points[-1].groups.items()}


GROUPS = {
    "type": {"Stocks": 300, "Bonds": 100, "Cash": 50, "Loan": -32},
    "group": {"Financial": 450, "Debts": -32},
    "currency": {"EUR": 450, "USD": -32},
    "portfolio": {"Main": 418},
    "asset": {"Fund": 300, "Bond": 100, "Cash": 50, "Loan": -32},
    "tag": {"Blue": 100, "Red": 100, "No tag": 318},
    "category": {"Invested": 400, "No category": 18},
}


@pytest.mark.parametrize("group_by", GROUPS)
def test_history_by_each_kind_of_group(portfolio, holdings, group_by):
    series = net_worth_history([portfolio], end=END, group_by=group_by)
    assert named(series) == GROUPS[group_by]
    assert (series.points[-1].net, series.overlap) == (418, group_by == "tag")


def test_categories_at_a_deeper_level(portfolio, holdings):
    series = net_worth_history([portfolio], end=END, group_by="category", level=2)
    assert named(series) == {"Shares": 300, "Bonds": 100, "No category": 18}
    assert ["Invested", "Shares"] in series.paths.values()


def test_within_a_category_only_what_stands_below_it_counts(portfolio, holdings, tree):
    label_asset(holdings["cash"].pk, category_ids=[tree["top"].pk])
    series = net_worth_history([portfolio], end=END, group_by="category", category=tree["top"].pk)
    assert named(series) == {"Shares": 300, "Bonds": 100, "Invested": 50}
    assert series.points[-1].net == 450
    assets = net_worth_history([portfolio], end=END, group_by="asset", category=tree["shares"].pk)
    assert named(assets) == {"Fund": 300}


def test_asset_in_two_categories_of_one_branch_counts_once_in_it(portfolio, holdings, tree):
    label_asset(holdings["fund"].pk, category_ids=[tree["funds"].pk, tree["bonds"].pk])
    series = net_worth_history([portfolio], end=END, group_by="category")
    assert (named(series)["Invested"], series.overlap) == (400, False)
    deeper = net_worth_history([portfolio], end=END, group_by="category", level=2)
    assert (named(deeper)["Bonds"], deeper.overlap, deeper.points[-1].net) == (400, True, 418)


def test_history_begins_with_the_first_value_and_ends_today(portfolio, holdings, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon(END, "UTC"))
    series = net_worth_history([portfolio], interval="day")
    assert (series.points[0].on, series.points[-1].on, len(series.points)) == (date(2024, 6, 1), END, 30)


def test_history_of_nothing_is_one_point_of_zero(portfolio):
    (point,) = net_worth_history([portfolio]).points
    assert (point.net, point.complete) == (0, True)
    (point,) = net_worth_history([]).points
    assert point.net == 0


def test_series_too_long_is_refused_by_what_to_change(portfolio, holdings):
    with pytest.raises(ReportTooLarge, match="146,462 points") as refused:
        net_worth_history([portfolio], start=date(1800, 1, 1), end=date(2200, 12, 31), interval="day")
    assert refused.value.field == "interval"
    for number in range(20):
        create_valued_asset(portfolio, str(number), TypeId.CASH, "1")
    with pytest.raises(ReportTooLarge, match="24 groups") as refused:
        net_worth_history([portfolio], start=date(2000, 1, 1), end=END, interval="day", group_by="asset")
    assert refused.value.field == "group_by"


def test_last_point_of_a_history_is_the_total(portfolio, holdings):
    assert net_worth_history([portfolio], end=END).points[-1].net == portfolio_total(portfolio, END).value


def test_allocation_leads_down_the_tree(portfolio, holdings, tree):
    report = allocation_on([portfolio], on=END, group_by="category")
    shares = {report.labels[group.key]: str(group.share) for group in report.allocation.asset_groups}
    assert shares == {"Invested": "0.888889", "No category": "0.111111"}
    assert report.drill_down[tree["top"].pk] == {"group_by": "category", "category": tree["top"].pk}
    below = allocation_on([portfolio], on=END, **report.drill_down[tree["top"].pk])
    assert {below.labels[group.key]: group.value for group in below.allocation.asset_groups} == {
        "Shares": 300,
        "Bonds": 100,
    }
    assert below.drill_down[tree["bonds"].pk] == {"group_by": "asset", "category": tree["bonds"].pk}


def test_change_by_group_adds_up(portfolio, holdings):
    report = change_report([portfolio], start=date(2024, 5, 31), end=END, group_by="group")
    rows = {report.labels[key]: (row.net_flows, row.added) for key, row in report.change.rows.items()}
    assert rows == {"Financial": (Decimal("50.00"), 400), "Debts": (-32, 0)}
    assert report.change.total.change == 418


def test_purchase_before_the_start_counts_with_a_first_value_after_it(portfolio):
    def bought(asset, on, **money):
        Transaction.objects.create(asset=asset, on=on, occurred_at=noon(on, "UTC"), currency="EUR", **money)

    shares = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "120", on="2024-06-10")
    bought(shares, date(2024, 5, 2), type="ACQUIRE", amount=100, fee=3)
    bought(shares, date(2024, 5, 3), type="INCOME", amount=7)  # on its own day, and that is over
    known = create_valued_asset(portfolio, "Known before", TypeId.STOCKS, "50", on="2024-05-01")
    bought(known, date(2024, 5, 1), type="ACQUIRE", amount=40)
    total = change_report([portfolio], start=date(2024, 5, 31), end=END).change.total
    assert (total.net_flows, total.expenses, total.value_change) == (103, 3, 20)
    assert (total.income, total.added, total.change) == (0, 0, 120)


def test_quality_names_the_way_to_mend_it(portfolio, holdings):
    Asset.objects.create(portfolio=portfolio, asset_type_id=TypeId.CASH, name="Empty", currency="EUR")
    (issue, *rest) = quality_report(portfolio, on=END)
    assert (issue.finding.code, issue.name) == ("NO_VALUE", "Empty")
    assert issue.link == f"/api/v1/assets/{issue.finding.asset}/snapshots"
    assert issue.admin_link == f"/admin/assets/asset/{issue.finding.asset}/change/"
    assert rest == []


def test_change_needs_only_the_ends_of_what_is_in_its_currency(portfolio, monkeypatch):
    draw = Random(7)
    for number in range(12):
        gone = date(2024, 6, draw.randint(1, 29)) if number % 2 else None
        asset = Asset.objects.create(
            portfolio=portfolio,
            asset_type_id=list(TypeId)[number % 5],
            name=str(number),
            currency="EUR",
            disposed_on=gone,
        )
        for on in sorted(draw.sample(range(1, 29), draw.randint(1, 6))):
            AssetSnapshot.objects.create(
                asset=asset,
                value=draw.randint(-9, 9),
                on=date(2024, 6, on),
                observed_at=noon(date(2024, 6, on), "UTC"),
            )
    windows = [(date(2024, 6, start), date(2024, 6, start + 9)) for start in range(1, 20, 3)]

    def changes():
        return [change_report([portfolio], start=start, end=end).change for start, end in windows]

    lean, whole = changes(), valuation.value_series
    monkeypatch.setattr(
        valuation, "value_series", lambda held, *, start, end, reported_in: whole(held, start=start, end=end)
    )
    assert lean == changes()
    assert len({change.total for change in lean}) > 3
