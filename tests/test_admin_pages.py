"""The admin's pages: names in histories, queries for 1 row and for 100, passwords of users, the sidebar."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    AssetType,
    Category,
    Tag,
    Transaction,
)
from conftest import member
from portfolios.models import Household, Portfolio
from reports.queries import quality_report
from reports.services.dismissed_findings import dismiss
from reports.services.portfolio_snapshots import refresh
from strata.accounts.models import User
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import EDITOR
from tests.admin_forms import staff, url
from tests.factories import create_asset
from tests.sample_rows import sample_rows

TODAY = date(2026, 1, 31)
NOON = datetime(2026, 1, 31, 11, tzinfo=UTC)


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Account")


# --- history ---


def test_history_names_related_rows_that_the_user_may_see(
    alices, bobs, bob_user, alice_user, asset, portfolio
):
    hidden = Portfolio.objects.create(household=Household.objects.create(name="H"), name="Hidden one")
    Asset.objects.filter(pk=asset.pk).update(portfolio=hidden)
    Asset.objects.filter(pk=asset.pk).update(portfolio=portfolio, name="Renamed")
    page = alices.get(url(Asset, "history", asset.pk)).content.decode()
    assert "Main" in page
    assert "Renamed" in page
    assert "Hidden one" not in page
    assert "Portfolio (not visible to you)" in page
    assert str(hidden.pk) not in page
    assert hidden.pk.hex not in page
    assert "portfolio_id" not in page


# --- a page takes as many queries for 100 rows as for 1 ---


def queries(client, page) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200, page
    return len(captured)


@pytest.mark.parametrize("client_name", ["rita", "alices"])
def test_a_list_takes_as_many_queries_for_100_rows_as_for_one(request, client_name, household, alice_user):
    client = request.getfixturevalue(client_name)
    pages = [url(model) for model in admin.site._registry]
    known = {"household": household} if client_name == "alices" else {}

    def grow(number: int) -> None:
        sample_rows(f"Number {number}", **known)

    grow(0)
    refresh(Portfolio.objects.get().pk)
    pages = [page for page in pages if client.get(page).status_code == 200]
    before = {page: queries(client, page) for page in pages}
    for number in range(1, 100):
        grow(number)
    for portfolio in Portfolio.objects.all():
        refresh(portfolio.pk)  # outdated stored totals would cost two queries more
    client.get(pages[0])  # counts the values that are out of date, for the menu
    assert {page: queries(client, page) for page in pages} == before
    assert max(before.values()) <= 16


def test_forms_deletions_and_histories_take_as_many_for_100_rows_as_for_one(
    alices, alice_user, household, portfolio, asset
):
    category = Category.objects.create(household=household, name="Top")
    rows = (household, portfolio, asset, category)
    pages = [url(type(row), name, row.pk) for row in rows for name in ("change", "delete", "history")]
    pages += [url(model, "add") for model in (Asset, AssetSnapshot, Transaction, Category)]

    def grow(number: int) -> None:
        day, instant = TODAY + timedelta(days=number), NOON + timedelta(days=number)
        AssetSnapshot.objects.create(asset=asset, value=1, on=day, observed_at=instant)
        Transaction.objects.create(
            asset=asset,
            type="INCOME",
            amount=1,
            currency="EUR",
            on=day,
            occurred_at=instant,
        )
        category_of_asset, tag = (
            model.objects.create(household=household, name=f"{number}") for model in (Category, Tag)
        )
        AssetCategory.objects.create(asset=asset, category=category_of_asset)
        AssetTag.objects.create(asset=asset, tag=tag)
        member(household, f"user {number}", EDITOR)
        for row in rows:
            row.name = f"{row._meta.verbose_name} {number}"
            row.save()

    for number in range(2):
        grow(number)
    # The first round fills Django's own caches.
    before = {page: queries(alices, page) for page in (*pages, *pages)}
    for number in range(2, 100):
        grow(number)
    alices.get(pages[0])  # counts the values that are out of date, for the menu
    assert {page: queries(alices, page) for page in pages} == before
    # A deletion looks once in each table whose rows go with the row.
    tables = [model for model in apps.get_models() if issubclass(model, Owned)]
    assert max(count for page, count in before.items() if "/delete/" in page) <= 10 + len(tables)
    assert max(count for page, count in before.items() if "/delete/" not in page) <= 31


# --- users ---


def test_a_weak_password_is_refused_for_a_new_user_and_for_a_new_password(rita):
    weak = {
        "username": "newcomer",
        "usable_password": "true",
        "password1": "12345678",
        "password2": "12345678",
    }
    assert rita.post(url(User, "add"), weak).status_code == 200
    assert not User.objects.filter(username="newcomer").exists()
    user = User.objects.create_user("dora", password="correct horse battery")
    page = f"/admin/strata/user/{user.pk}/password/"
    weak["version"] = rita.get(page).context["form"]["version"].value()
    assert rita.post(page, weak).status_code == 200
    user.refresh_from_db()
    assert user.check_password("correct horse battery")


def test_password_set_in_the_admin_ends_the_users_sessions(rita):
    user = User.objects.create_user("dora", password="correct horse battery")
    client = staff(user)
    good = {
        "usable_password": "true",
        "password1": "another long battery",
        "password2": "another long battery",
    }
    page = f"/admin/strata/user/{user.pk}/password/"
    good["version"] = rita.get(page).context["form"]["version"].value()
    assert rita.post(page, good).status_code == 302
    assert client.get("/admin/").status_code == 302


# --- the menu ---


def menu_of(client) -> dict[str, list[str]]:
    """The titles of the links by section."""
    groups = client.get("/admin/assets/asset/").context["sidebar_navigation"]
    return {str(group["title"]): [str(item["title"]) for item in group["items"]] for group in groups}


def test_the_menu_has_every_page_once(rita):
    groups = rita.get("/admin/assets/asset/").context["sidebar_navigation"]
    links = [item["link"] for group in groups for item in group["items"]]
    no_tables = [
        reverse(name)
        for name in (
            "admin:index",
            "update-values",
            "performance-page",
            "statement",
            "trade",
            "import-file",
            "archives-page",
            "swagger",
            "my-settings",
        )
    ]
    reports = [f"/admin/#{part}" for part in ("net-worth", "allocation", "change")]
    assert sorted(links) == sorted([*(url(model) for model in admin.site._registry), *no_tables, *reports])


def test_the_menu_is_ordered_by_what_one_does_most(alices):
    assert menu_of(alices) == {
        "": ["Update values", "Dashboard"],
        "Assets and debts": [
            "Portfolios",
            "Assets",
            "Values",
            "Transactions",
            "Enter a trade",
            "Import and export",
        ],
        "Classification": ["Categories", "Tags", "Asset types"],
        "Reports": [
            "Net worth",
            "Allocation",
            "Change",
            "Performance",
            "Statement",
            "Saved totals",
            "Target allocation",
        ],
        "Household": ["Household and members", "Archives"],
        "Data and settings": [
            "Securities and indices",
            "Exchange rates",
            "API tokens",
            "My settings",
            "API documentation",
            "Account logins",
        ],
    }


def test_only_owners_have_asset_types_in_the_menu(bobs, alices):
    assert "Asset types" not in menu_of(bobs)["Classification"]
    assert bobs.get(url(AssetType)).status_code == 200


def link_to_update_values(client) -> str:
    page = client.get("/admin/assets/tag/").content.decode()
    return re.search(r'<a href="/admin/update-values/"(.*?)</a>', page, re.DOTALL)[0]


def test_the_menu_says_how_many_values_are_out_of_date(alices, household, portfolio, asset):
    assert "aria-label" not in link_to_update_values(alices)
    values = {"value": 1, "on": date(2020, 1, 31), "observed_at": datetime(2020, 1, 31, 11, tzinfo=UTC)}
    AssetSnapshot.objects.create(asset=asset, **values)
    assert 'aria-label="Update values, 1 out of date"' in link_to_update_values(alices)
    [issue] = quality_report(portfolio)
    dismiss(portfolio.pk, issue.finding.key, "Sold soon")
    assert "aria-label" not in link_to_update_values(alices)


def test_the_number_of_values_out_of_date_is_not_counted_again_for_every_page(alices, portfolio, asset):
    alices.get("/admin/assets/tag/")
    with CaptureQueriesContext(connection) as captured:
        alices.get("/admin/assets/tag/")
    assert not [query for query in captured if "dismissedfinding" in query["sql"]]


def test_the_icons_of_the_menu_are_no_part_of_the_names_of_its_links(alices):
    page = alices.get("/admin/assets/tag/").content.decode()
    icons = re.findall(r'<li>\s*<a href="/[^>]*>\s*<span class="material-symbols[^>]*>', page)
    assert len(icons) == sum(map(len, menu_of(alices).values()))
    assert all('aria-hidden="true"' in icon for icon in icons)
