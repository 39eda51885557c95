"""The words of the admin: titles of pages, labels, the history, folded fields; and what the command palette finds."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Transaction
from portfolios.models import Household, Portfolio
from strata.exceptions import NotFound, resource_name
from strata.management.migration_changes import WithoutWords
from tests.admin_forms import staff, url
from tests.factories import create_asset

# What a page says does not depend on the database.
pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def mortgage(portfolio):
    return create_asset(portfolio, "Mortgage")


def title(client, address: str) -> str:
    page = client.get(address).content.decode()
    return " ".join(html.unescape(re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]).split())


def test_each_page_of_a_model_has_a_title_of_its_own(alices, mortgage):
    pages = {
        "Assets | Strata": url(Asset),
        "Add asset | Strata": url(Asset, "add"),
        "Mortgage | Change asset | Strata": url(Asset, "change", mortgage.pk),
        "Mortgage | Delete asset | Strata": url(Asset, "delete", mortgage.pk),
        "Mortgage | History of asset | Strata": url(Asset, "history", mortgage.pk),
        "Household and members | Strata": url(Household),
        "Values | Strata": url(AssetSnapshot),
    }
    assert [title(alices, page) for page in pages.values()] == list(pages)


def test_no_two_lists_have_one_title(rita):
    titles = [title(rita, url(model)) for model in admin.site._registry]
    assert len(set(titles)) == len(titles)


def test_codes_of_the_api_do_not_depend_on_the_labels():
    assert NotFound(resource_name(AssetSnapshot)).code == "ASSET_SNAPSHOT_NOT_FOUND"
    assert NotFound(resource_name(Asset)).message == "Asset not found."


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        (Asset, ["How changes are explained", "Bought on", "Sold or given away on", "Classification"]),
        (AssetType, ["Asset class", "Remind after (days)", "Code (for the API)"]),
        (Portfolio, ["Reporting currency", "Decides when a day begins."]),
        (AssetSnapshot, ["Today if empty.", "Only if a day has several values.", "Advanced"]),
        (Transaction, ["Price per unit", "Imported from", "Their reference", "Correction", "Advanced"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_forms_have_the_terms_of_the_field(alices, portfolio, model, labels):
    page = html.unescape(alices.get(url(model, "add")).content.decode())
    assert [label for label in labels if label not in page] == []


def test_accounts_have_deposits_and_houses_are_bought(alices, portfolio, mortgage):
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    for asset, words in ((mortgage, ["Deposit", "Withdrawal"]), (house, ["Buy", "Sell"])):
        page = alices.get(url(Asset, "change", asset.pk)).content.decode()
        options = re.search(r'name="transactions-__prefix__-type".*?</select>', page, re.DOTALL)[0]
        assert [word for word in ("Deposit", "Withdrawal", "Buy", "Sell") if word in options] == words


def test_history_says_who_and_how_as_a_person_would(alices, mortgage):
    page = alices.get(url(Asset, "history", mortgage.pk)).content.decode()
    assert re.findall(r"<th>(.*?)</th>", page) == ["Date", "User", "Via", "Action", "Change"]
    assert "System" in page


# --- Ctrl+K ---


def titles_of(client, text: str) -> list[str]:
    page = client.get("/admin/search/", {"s": text}).content.decode()
    return re.findall(r'data-title="(.*?)"', page)


def test_the_palette_finds_assets_that_the_user_may_see(alices, charlie_user, mortgage):
    assert titles_of(alices, "mort") == ["Mortgage"]
    assert titles_of(staff(charlie_user), "mort") == []


def test_the_palette_finds_pages_and_forgets_what_was_renamed(alices, mortgage):
    assert "Update values" in titles_of(alices, "update")
    assert titles_of(alices, "mort") == ["Mortgage"]
    Asset.objects.filter(pk=mortgage.pk).update(name="Home loan")
    assert titles_of(alices, "mort") == []


@pytest.mark.parametrize("query", ["", "?s=", "?s=%00", "?s=a&page=x", "?s=%25", f"?s={'9' * 400}"])
def test_the_palette_answers_whatever_is_typed(alices, mortgage, query):
    assert alices.get(f"/admin/search/{query}").status_code == 200


# --- migrations ---


def test_a_change_of_words_needs_no_migration():
    field = Asset._meta.get_field("kind").clone()
    field.verbose_name, field.help_text, field.choices = "another", "words", [("balance", "x")]
    detector = WithoutWords.__new__(WithoutWords)
    assert detector.deep_deconstruct(field) == detector.deep_deconstruct(Asset._meta.get_field("kind"))
    field.max_length = 8
    assert detector.deep_deconstruct(field) != detector.deep_deconstruct(Asset._meta.get_field("kind"))


def test_filters_apply_themselves_and_have_a_button_only_without_scripts():
    """Each template with fields that send their form has a script for it; its button "Apply" is for pages without."""
    templates = {path: path.read_text() for path in Path(settings.BASE_DIR).glob("*/templates/**/*.html")}
    with_button = {path: text for path, text in templates.items() if '{% translate "Apply" %}' in text}
    assert len(with_button) > 3
    for path, text in with_button.items():
        assert re.search(r"<noscript><button[^>]*>{% translate \"Apply\" %}</button></noscript>", text), path
    for path, text in templates.items():
        assert "data-submit-on-change" not in text or "<script " in text, path
