"""A name has one normal form: what is taken in one spelling is taken, found and sorted in every other."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.test import Client

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetType, Category, Tag
from portfolios.models import Household, Portfolio
from strata.admin.sidebar import admin_url
from strata.fields.names import NameKeyField

pytestmark = pytest.mark.django_db
API = "/api/v1"
SPELLINGS = {
    "accents": ("Café", "Cafe\u0301"),
    "sharp s": ("Straße", "STRASSE"),
    "a ligature": ("ﬁles", "Files"),
    "width": ("Ｆｌａｔ", "flat"),
    "zero width": ("Fl\u200bat", "Flat"),
    "a soft hyphen": ("Fl\u00adat", "Flat"),
    "a mark of direction": ("\u200fחסכון", "חסכון"),
    "spaces": ("My  flat", "My\u00a0flat"),
}
BOTH_WAYS = [
    pytest.param(*pair, id=f"{name}, {way}")
    for name, (one, other) in SPELLINGS.items()
    for way, pair in (("as given", (one, other)), ("the other way", (other, one)))
]


def rows_called(name, household, portfolio):
    return {
        "households": household,
        "portfolios": Portfolio.objects.create(household=household, name=name),
        "assets": Asset.objects.create(
            portfolio=portfolio, asset_type_id=TypeId.CASH, name=name, currency="EUR"
        ),
        "asset-types": AssetType.objects.create(household=household, code="OWN", label=name),
        "categories": Category.objects.create(household=household, name=name),
        "tags": Tag.objects.create(household=household, name=name),
    }


@pytest.fixture
def called(household, portfolio):
    def make(name):
        Household.objects.filter(pk=household.pk).update(name=name)
        return rows_called(name, household, portfolio)

    return make


@pytest.mark.parametrize(("stored", "asked"), BOTH_WAYS)
def test_lists_find_every_spelling(alice, called, stored, asked):
    for path, row in called(stored).items():
        rows = alice.get(f"{API}/{path}", {"search": asked}).json()["results"]
        assert [row["id"] for row in rows] == [str(row.pk)], path


@pytest.mark.parametrize(("stored", "asked"), BOTH_WAYS)
def test_the_admin_finds_every_spelling(alice_user, called, stored, asked):
    alice_user.is_staff = True
    alice_user.save()
    client = Client()
    client.force_login(alice_user)
    for row in called(stored).values():
        page = client.get(admin_url(type(row), "changelist"), {"q": asked})
        assert list(page.context["cl"].result_list) == [row], type(row)


@pytest.mark.parametrize(("stored", "asked"), BOTH_WAYS)
def test_no_spelling_of_a_taken_name_is_free(alice, called, stored, asked):
    rows = called(stored)
    for path in ("portfolios", "categories", "tags"):
        answer = alice.post(f"{API}/{path}", {"name": asked})
        assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE_NAME"), path
        changed = alice.patch(f"{API}/{path}/{rows[path].pk}", {"name": asked})
        assert (changed.status_code, changed.json()["name"]) == (200, asked), path


@pytest.mark.parametrize(("written", "asked"), [SPELLINGS["accents"], SPELLINGS["accents"][::-1]])
def test_a_note_is_found_in_both_encodings_of_its_accents(alice, portfolio, written, asked):
    row = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CASH, name="x", currency="EUR", notes=f"the {written} below"
    )
    rows = alice.get(f"{API}/assets", {"search": asked.upper()}).json()["results"]
    assert [row["id"] for row in rows] == [str(row.pk)]


def field_of(model, path):
    """The last field that a lookup names, and the model that it is of."""
    for part in path.split("__"):
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            break
        owner, model = model, field.related_model or model
    return owner, field


def keys_by_name(model):
    return {field.source: field for field in model._meta.fields if isinstance(field, NameKeyField)}


def test_the_admin_searches_no_name_but_by_its_key():
    searched = [
        (page, *field_of(model, lookup))
        for model, page in admin.site._registry.items()
        for lookup in page.search_fields
    ]
    assert sum(isinstance(field, NameKeyField) for _, _, field in searched) > 8
    assert [(page, field) for page, owner, field in searched if field.name in keys_by_name(owner)] == []
