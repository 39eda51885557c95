"""The admin's forms, filters and actions in a real Chromium."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset
from portfolios.models import Household
from reports.models import AllocationTarget
from strata.accounts.models import User
from tests.admin_forms import url
from tests.sample_rows import sample_rows
from tests.test_browser import chromium, session_of

# What a search finds and an action does on each database is tested by test_admin_choices and test_admin_bulk_actions.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def root(db):
    return User.objects.create(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def many_rows(household):
    for number in range(60):
        sample_rows(f"Row {number}", household=household)


def choose(page, name: str, text: str) -> None:
    """Opens the select, types the text and clicks the option, as a user does."""
    page.locator(f"#id_{name} + .select2 .select2-selection").click()
    page.keyboard.type(text)
    page.locator(f".select2-results__option:text-is('{text}')").click()


def test_target_is_created_by_searching_for_its_household_and_asset(live_server, root, many_rows, tmp_path):
    with chromium(live_server.url, session_of(root)) as browser:
        page = browser.page
        browser.open(url(AllocationTarget, "add"))
        choose(page, "household", "Household")
        page.select_option("#id_group_by", "asset")
        assert not page.locator("#id_tag + .select2").is_visible()
        choose(page, "asset", "Row 57")
        page.fill("#id_share", "2")
        browser.require_harmless("choosing")
        page.screenshot(path=tmp_path / "target.png", full_page=True)
        page.click("[name=_save]")
        page.wait_for_selector("text=was added successfully")
        browser.require_harmless("saved")
    target = AllocationTarget.objects.get(asset__name="Row 57")
    assert (target.household, target.share) == (Household.objects.get(), Decimal("0.02"))


def test_assets_are_labelled_and_filtered_by_searching(live_server, root, many_rows, tmp_path):
    asset = Asset.objects.get(name="Row 3")
    with chromium(live_server.url, session_of(root)) as browser:
        page = browser.page
        browser.open(url(Asset, "change", asset.pk))
        for name in ("categories", "tags"):
            choose(page, name, "Row 44")
        page.screenshot(path=tmp_path / "asset.png", full_page=True)
        page.click("[name=_save]")
        page.wait_for_selector("text=was changed successfully")
        page.click("text=Filters")
        page.locator("[name=tags__id__exact] + .select2 .select2-selection").click()
        page.locator("input.select2-search__field").fill("Row 44")
        page.locator(".select2-results__option:text-is('Row 44')").click()
        page.screenshot(path=tmp_path / "filter.png")
        page.click("text=Apply Filters")
        page.wait_for_selector("text=2 assets")
        page.screenshot(path=tmp_path / "filtered.png")
        browser.require_harmless("filtering")
    assert list(asset.tags.values_list("name", flat=True)) == ["Row 3", "Row 44"]


def test_action_on_all_rows_runs_after_confirmation(live_server, root, portfolio, tmp_path):
    rows = [Asset(portfolio=portfolio, name=f"A {n}", name_key=f"a {n}", currency="EUR") for n in range(101)]
    for row in rows:
        row.asset_type_id = TypeId.CHECKING_ACCOUNT
    Asset.objects.bulk_create(rows)
    with chromium(live_server.url, session_of(root)) as browser:
        page = browser.page
        browser.open(url(Asset))
        page.locator("#action-toggle").check()
        page.locator("text=Select all 101 assets").click()
        page.locator("select[name=action]").select_option("dispose_of")
        page.locator("button[name=index]:visible").first.click()
        page.wait_for_selector("text=Marks 101 assets as sold today")
        page.screenshot(path=tmp_path / "confirm.png")
        browser.require_harmless("asking")
        page.click("text=Yes, do it")
        page.wait_for_selector("text=Marked as sold today: 101 of 101.")
        browser.require_harmless("done")
