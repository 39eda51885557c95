"""Firefly III's transactions and Homebox's things."""

from datetime import date
from decimal import Decimal

import pytest

from assets.models import Asset, AssetTag, Category
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview, values_of
from imports.tests.trackers.sums import amounts, cash, items, read, reasons, values


@pytest.mark.on_sqlite
def test_signs_follow_from_source_and_destination_and_a_whole_account_has_values():
    reading, rows = read(own("firefly.csv"))
    assert cash(rows) == {
        "Checking|EUR": 1000 + 2000 - 108 - 300 - Decimal("12.5"),
        "Dollars|USD": 120,
        "Car loan|EUR": 300,
    }
    assert values(rows)[-1] == ("Checking|EUR", "2024-02-03", Decimal("2579.5"))
    assert {account for account, *_ in values(rows)} == {"Checking|EUR"}
    assert reading.accounts["Car loan|EUR"].asset_type == "LOAN"
    assert reasons(rows) == [(7, "BAD_NUMBER")]
    assert [item.external_id for item in items(rows) if not item.leg] == ["11", "12", "13", "14", "15"]


@pytest.mark.on_sqlite
def test_real_files_of_firefly():
    _, rows = read(real_sample("firefly/ff_open_balance.csv"))
    assert (cash(rows), [item.on for item in items(rows)]) == (
        {"Account PLN|PLN": Decimal("3520.42")},
        [date(2024, 11, 21)],
    )
    _, rows = read(real_sample("firefly/ff_withdrawal.csv"))
    assert amounts(rows) == {("EXPENSE", "UAH"): Decimal("964.44")}
    assert [item.on for item in items(rows)] == [date(2025, 6, 17)]


@pytest.mark.usefixtures("shared_rows")
def test_things_become_assets_with_their_place_and_tags(alice, portfolio):
    shown = preview(alice, portfolio, own("homebox.csv"), options={"currency": "EUR"})
    assert (shown["counts"]["asset"]["create"], shown["refused"]) == (3, 2)
    commit(alice, shown)
    assert values_of(portfolio) == [
        ("Chair (2)", "2022-01-01", "40.0000"),
        ("Oven", "2023-05-06", "899.9000"),
    ]
    chair = Asset.objects.get(name="Chair")
    assert (chair.quantity, chair.asset_type.code) == (4, "PERSONAL_PROPERTY")
    assert Asset.objects.get(name="Chair (2)").disposed_on == date(2024, 2, 3)
    assert Category.objects.get(name="Kitchen").parent.name == "Home"
    assert set(AssetTag.objects.values_list("tag__name", flat=True)) == {"Steel", "Heavy"}


@pytest.mark.on_sqlite
def test_prices_without_a_currency_are_asked_about():
    reading, _ = read(own("homebox.csv"))
    assert [question.code for question in reading.questions] == ["CURRENCY"]


@pytest.mark.usefixtures("shared_rows")
def test_real_things_without_prices_are_in_the_currency_of_the_portfolio(alice, portfolio):
    data = real_sample("homebox/types.csv")
    shown = preview(alice, portfolio, data)
    assert (shown["counts"]["asset"]["create"], shown["questions"]) == (3, [])
    commit(alice, shown)
    assert set(Asset.objects.values_list("currency", "quantity")) == {(portfolio.base_currency, 1)}
    assert Category.objects.get(name="Location 2").parent.name == "To"
    assert AssetTag.objects.count() == 9
    assert preview(alice, portfolio, data)["counts"]["asset"] == {
        "create": 0,
        "update": 0,
        "skip": 3,
        "refuse": 0,
    }
