"""An asset in a list is the asset of its own page: every field, for every kind of asset, on every day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.urls import reverse
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetType, Category, Tag
from assets.services.entries.disposal import dispose
from assets.services.labels import label_asset
from portfolios.models import Portfolio
from tests.factories import add_value, create_asset

API = "/api/v1"
NOW = datetime(
    2100, 6, 15, 10, 30, tzinfo=UTC
)  # in Kiritimati it is the 16th; what migrations added is older


@pytest.fixture
def _kinds_of_assets(household, portfolio, time_machine):
    """Assets with and without values, owed, disposed of, counted, described and labelled, in two time zones."""
    time_machine.move_to(NOW)
    on = NOW.date()
    island = Portfolio.objects.create(household=household, name="Island", time_zone="Pacific/Kiritimati")
    own_type = AssetType.objects.create(household=household, code="BOAT", label="Boat", group="OTHER")
    top = Category.objects.create(household=household, name="Top")
    categories = [Category.objects.create(household=household, name=name, parent=top) for name in ("b", "A")]
    tags = [Tag.objects.create(household=household, name=name) for name in ("z", "Ä")]
    create_asset(portfolio, "Without a value")
    for home in (portfolio, island):
        create_asset(home, "Boat", own_type.pk, currency="JPY", kind="balance", acquired_on="2020-01-01")
        shares = create_asset(
            home, "Shares", quantity="12345678901234567890.000000000000000001", notes="a\nb\t☃"
        )
        debt = create_asset(home, "Debt", TypeId.MORTGAGE)
        for asset, value in ((shares, "0.01"), (debt, "-250000")):
            add_value(asset, value, on - timedelta(days=9))
            add_value(asset, f"{value}1", on + timedelta(days=1), zone=home.time_zone)
            label_asset(asset.pk, category_ids=[c.pk for c in categories], tag_ids=[t.pk for t in tags])
        sold = create_asset(home, "Sold")
        add_value(sold, "7", on - timedelta(days=3))
        dispose(sold.pk, on=on + timedelta(days=1))  # on the island that is today
        dispose(create_asset(home, "Gone without a value").pk, on=on - timedelta(days=1))


@pytest.mark.usefixtures("_kinds_of_assets")
@pytest.mark.parametrize("order", ["", "&ordering=-current_value,name", "&ordering=-updated_at"])
@pytest.mark.parametrize("query", ["", "on=2100-06-16", "on=2100-06-07", "known_at"])
def test_each_row_of_the_list_is_what_its_own_page_shows(alice, order, query):
    if query == "known_at":
        known_at = timezone.now()
        Asset.objects.filter(name="Debt").update(name="Paid")
        Tag.objects.filter(name="z").update(name="renamed")
        query = f"known_at={quote(known_at.isoformat())}"
    rows = alice.get(f"{API}/assets?page_size=200&{query}{order}").json()["results"]
    assert len(rows) == 11
    assert {row["name"] for row in rows} >= {"Debt", "Sold", "Without a value"}
    for row in rows:
        own = alice.get(f"{API}/assets/{row['id']}?{query}").json()
        assert own.pop("equity") is None  # of a single asset alone, as the value of the whole
        assert own.pop("whole_value") == row["current_value"]
        assert (own, [*own]) == (row, [*row])


@pytest.mark.usefixtures("_kinds_of_assets")
def test_the_list_shows_what_the_assets_have(alice):
    rows = alice.get(f"{API}/assets").json()["results"]
    by_name = {(row["portfolio"]["name"], row["name"]): row for row in rows}
    debt = by_name["Island", "Debt"]
    assert (debt["current_value"], debt["current_value_on"]) == ("-2500001.00", "2100-06-16")
    assert [category["name"] for category in debt["categories"]] == ["A", "b"]
    assert [tag["name"] for tag in debt["tags"]] == ["z", "Ä"]
    assert by_name["Island", "Sold"]["disposed"] is True
    assert by_name["Island", "Sold"]["current_value"] == "0.00"
    assert len(set(map(len, rows))) == 1


@pytest.mark.usefixtures("_kinds_of_assets")
@pytest.mark.parametrize("query", ["", "&on=2100-06-16", "&known_at"])
@pytest.mark.parametrize("name", ["current_value", "acquired_on", "disposed_on"])
def test_rows_without_a_value_come_last_in_either_direction(alice, name, query):
    if query == "&known_at":
        query = f"&known_at={quote(timezone.now().isoformat())}"
    for sign in ("", "-"):
        rows = alice.get(f"{API}/assets?page_size=200&ordering={sign}{name}{query}").json()["results"]
        values = [row[name] for row in rows]
        given = [value for value in values if value is not None]
        assert 0 < len(given) < len(values)
        key = Decimal if name == "current_value" else str
        assert values[: len(given)] == sorted(given, key=key, reverse=bool(sign))


@pytest.mark.usefixtures("_kinds_of_assets")
@pytest.mark.parametrize("sign", ["", "-"])
def test_the_admin_lists_rows_without_a_value_last(alices, sign):
    url = reverse("admin:assets_asset_changelist")
    column = [*alices.get(url).context["cl"].list_display].index("value_now")
    rows = alices.get(f"{url}?o={sign}{column}").context["cl"].result_list
    values = [row.current_value for row in rows]
    given = [value for value in values if value is not None]
    assert 0 < len(given) < len(values)
    assert values[: len(given)] == sorted(given, reverse=bool(sign))
