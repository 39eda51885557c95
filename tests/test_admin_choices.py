"""Fields that choose a row search for it: every form and every filter of the admin's registry."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django import forms
from django.contrib import admin
from django.urls import reverse

from assets.models import Asset, AssetSnapshot, Category
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget
from strata.admin.choices import MOST_LISTED, ChosenRows
from strata.tenancy.roles import VIEWER
from tests.admin_forms import change_form_data, inputs_of, save, url
from tests.sample_rows import create_row, sample_rows

PAGES = list(admin.site._registry)
SELECT = re.compile(r"<select(.*?)>(.*?)</select>", re.S)
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"


def create_many(household, count=MOST_LISTED + 5):
    """Creates so many rows of every model and returns the first of each."""
    first = sample_rows("Row 0", household=household)
    for number in range(1, count):
        sample_rows(f"Row {number}", household=household)
    return first


def longest_select(page: str) -> int:
    """The most options of a select on the page, without the list of time zones."""
    selects = [body for attrs, body in SELECT.findall(page) if 'name="time_zone"' not in attrs]
    return max((body.count("<option") for body in selects), default=0)


def links_of_filters(page) -> int:
    """The most choices of a filter by rows on the page; filters by a column's values do not count."""
    specs = [
        spec
        for spec in page.context["cl"].filter_specs
        if not isinstance(spec, admin.AllValuesFieldListFilter)
    ]
    return max((len(list(spec.choices(page.context["cl"]))) for spec in specs), default=0)


def test_no_page_lists_more_than_fifty_rows_to_choose_from(rita, household):
    rows = create_many(household)
    for model in PAGES:
        pages = [url(model), url(model, "change", rows[model].pk), url(model, "add")]
        for page in pages:
            answer = rita.get(page)
            if answer.status_code == 200:
                assert longest_select(answer.content.decode()) <= MOST_LISTED + 2, page
        assert links_of_filters(rita.get(url(model))) <= MOST_LISTED + 2, model


def row_choices(page) -> dict[str, ChosenRows]:
    """The fields of the page's form that choose a row."""
    fields = page.context["adminform"].form.fields
    return {name: field for name, field in fields.items() if isinstance(field, forms.ModelChoiceField)}


def offered(client, widget, term="") -> list[str]:
    """The choices that a browser gets when a user types the term into the select."""
    attrs = widget.build_attrs({})
    names = {"app_label": "data-app-label", "model_name": "data-model-name", "field_name": "data-field-name"}
    query = {name: attrs[attribute] for name, attribute in names.items()} | {"term": term}
    address = attrs["data-ajax--url"]
    answer = client.get(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}")
    assert answer.status_code == 200, answer
    return [result["text"] for result in answer.json()["results"]]


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_field_that_chooses_a_row_searches_for_it(rita, household, model):
    household.name = "Row 1"
    household.save()
    rows = sample_rows("Row 1", household=household)
    for path in (url(model, "add"), url(model, "change", rows[model].pk)):
        page = rita.get(path)
        if page.status_code != 200 or not inputs_of(page):
            continue
        for name, field in row_choices(page).items():
            assert isinstance(field.widget, ChosenRows), (model, name)
            texts = offered(rita, field.widget, "Row 1")
            assert (name == "parent") or any("Row 1" in text for text in texts), (model, name)
            assert offered(rita, field.widget, "no such row") == []


def test_target_searches_for_each_type_of_group(alices, household):
    sample_rows("Row 1", household=household)
    choices = row_choices(alices.get(url(AllocationTarget, "add")))
    assert set(choices) == {"household", "portfolio", "asset_type", "category", "tag", "asset"}


def test_form_offers_only_rows_that_the_user_may_change(alices, alice_user, household):
    sample_rows("Own", household=household)
    viewed = Household.objects.create(name="Seen")
    viewed.memberships.create(user=alice_user, role=VIEWER, accepted_at="2026-01-01T00:00Z")
    sample_rows("Seen", household=viewed)
    for name, field in row_choices(alices.get(url(AllocationTarget, "add"))).items():
        texts = offered(alices, field.widget, "e") + offered(alices, field.widget)
        assert texts, name
        assert not any("Seen" in text for text in texts), name


def test_target_offers_no_row_of_another_household(rita, household):
    own = sample_rows("Own", household=household)
    sample_rows("Theirs", household=Household.objects.create(name="Theirs"))
    page = rita.get(url(AllocationTarget, "change", own[AllocationTarget].pk))
    for name, field in row_choices(page).items():
        assert offered(rita, field.widget, "Theirs") == [], name


def test_categories_are_offered_by_path_and_without_their_own_branch(alices, household):
    top = Category.objects.create(household=household, name="Food")
    low = Category.objects.create(household=household, name="Fruit", parent=top)
    Category.objects.create(household=household, name="Other")
    parent = row_choices(alices.get(url(Category, "change", top.pk)))["parent"]
    assert offered(alices, parent.widget) == ["Other"]
    parent = row_choices(alices.get(url(Category, "change", low.pk)))["parent"]
    assert "Food" in offered(alices, parent.widget)
    asset = create_row(Asset, "Apple", {Household: household})
    asset.categories.add(low)
    page = alices.get(url(Asset, "change", asset.pk))
    assert "Food › Fruit" in page.content.decode()
    assert offered(alices, row_choices(page)["categories"].widget, "fru") == ["Food › Fruit"]


def test_filters_by_many_rows_search(rita, alices, household):
    create_many(household)
    chosen = Portfolio.objects.get(name="Row 3")
    for client in (rita, alices):
        query = {"portfolio__id__exact": str(chosen.pk)}
        page = client.get(url(Asset), query)
        assert [row.portfolio for row in page.context["cl"].result_list] == [chosen]
        assert f'<option value="{chosen.pk}" selected' in page.content.decode()
        for spec in page.context["cl"].filter_specs:
            for choice in (choice for choice in spec.choices(page.context["cl"]) if "form" in choice):
                for field in choice["form"].fields.values():
                    assert offered(client, field.widget, "Row 3"), spec.title
        category = Category.objects.get(name="Row 3")
        category.asset_links.create(asset=Asset.objects.get(name="Row 7"))
        filtered = client.get(url(Asset), {"category": str(category.pk)}).context["cl"]
        assert "Row 7" in [row.name for row in filtered.result_list]
        category.asset_links.all().delete()


def test_filter_without_a_choice_shows_all_rows(alices, household):
    create_many(household)
    no_choice = {"portfolio__id__exact": "", "tags__id__exact": "", "category": ""}
    answer = alices.get(url(Asset), no_choice)
    assert answer.status_code == 200
    assert answer.context["cl"].result_count == alices.get(url(Asset)).context["cl"].result_count


@pytest.mark.parametrize("bad", ["x", "1", "\x00", "9" * 400, ABSENT])
def test_invalid_key_is_an_error_of_its_field(alices, alice_user, household, bad):
    rows = sample_rows("Own", household=household)
    for model in (Asset, AssetSnapshot, Category, AllocationTarget):
        page = alices.get(url(model, "change", rows[model].pk))
        for name in row_choices(page):
            answer = save(alices, rows[model], change_form_data(alices, rows[model]) | {name: bad})
            assert answer.status_code == 200
            assert name in answer.context["adminform"].form.errors


def test_search_accepts_any_text(alices, household):
    query = {"app_label": "assets", "model_name": "assetsnapshot", "field_name": "asset"}
    for term in ("\x00", "a\x00b", "%", "x" * 5000, "\u202e", "'"):
        for extra in ({}, {"household": "x", "writable": "\x00", "page": "1"}):
            answer = alices.get(reverse("admin:autocomplete"), query | extra | {"term": term})
            assert answer.status_code == 200, term
