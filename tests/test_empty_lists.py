"""An empty list of the admin says what belongs there and offers to add it; only a filtered one found nothing."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin

from assets.models import Asset, AssetSnapshot, Category, Tag, Transaction
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget, PortfolioSnapshot
from strata.accounts.models import ApiToken
from tests.admin_forms import staff, url

# What a page says does not depend on the database.
pytestmark = pytest.mark.on_sqlite

FILLED_BY_PEOPLE = (
    Asset,
    AssetSnapshot,
    Transaction,
    Category,
    Tag,
    Portfolio,
    AllocationTarget,
    PortfolioSnapshot,
    ApiToken,
)


@pytest.mark.parametrize("model", FILLED_BY_PEOPLE)
def test_empty_list_says_what_belongs_there_and_links_to_add_it(alices, model):
    page = alices.get(url(model)).content.decode()
    assert f'<p class="text-center">{admin.site.get_model_admin(model).empty_text}</p>' in page
    link = re.search(rf'<a href="{url(model, "add")}[^"]*" class="bg-primary-600.*?</a>', page, re.DOTALL)[0]
    text = re.sub(r"<span.*?</span>|<[^>]*>", "", link, flags=re.DOTALL)
    assert " ".join(text.split()).startswith("Add ")
    assert "No results found" not in page


def test_filtered_list_found_nothing(alices):
    page = alices.get(f"{url(Asset)}?q=nothing").content.decode()
    assert "No results found" in page and "Reset filters" in page
    assert str(admin.site.get_model_admin(Asset).empty_text) not in page


def test_viewer_is_not_offered_to_add(vera_user):
    page = staff(vera_user).get(url(Tag)).content.decode()
    assert str(admin.site.get_model_admin(Tag).empty_text) in page
    assert "Add tag" not in page


def test_every_list_has_a_sentence_of_its_own():
    texts = {model: str(page.empty_text) for model, page in admin.site._registry.items()}
    assert all(text.endswith(".") for text in texts.values())
    unused = {model.__name__ for model, text in texts.items() if text == "There is nothing here yet."}
    assert unused == {"User"}, "whoever sees it is a user"
    assert Household in texts


def test_button_begins_with_a_capital_letter_in_german_too(alices):
    page = alices.get(url(PortfolioSnapshot), HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert "Gespeicherte Summe hinzufügen" in page
