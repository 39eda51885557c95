"""A name has one normal form: it is found in every spelling, and no spelling of a used name is free."""

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

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_world")]
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
PAIRS = [
    pytest.param(*pair, id=f"{name}, {order}")
    for name, (first, second) in SPELLINGS.items()
    for order, pair in (("as given", (first, second)), ("reversed", (second, first)))
]


def create_rows(name, household, portfolio):
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
def rows_named(household, portfolio):
    """Creates a row of each list with the given name."""

    def create(name):
        Household.objects.filter(pk=household.pk).update(name=name)
        return create_rows(name, household, portfolio)

    return create


@pytest.mark.parametrize(("stored", "spelling"), PAIRS)
def test_list_finds_every_spelling(alice, rows_named, stored, spelling):
    for path, row in rows_named(stored).items():
        rows = alice.get(f"{API}/{path}", {"search": spelling}).json()["results"]
        assert [row["id"] for row in rows] == [str(row.pk)], path


@pytest.mark.parametrize(("stored", "spelling"), PAIRS)
def test_admin_finds_every_spelling(alice_user, rows_named, stored, spelling):
    alice_user.is_staff = True
    alice_user.save()
    client = Client()
    client.force_login(alice_user)
    for row in rows_named(stored).values():
        page = client.get(admin_url(type(row), "changelist"), {"q": spelling})
        assert list(page.context["cl"].result_list) == [row], type(row)


@pytest.mark.parametrize(("stored", "spelling"), PAIRS)
def test_no_spelling_of_a_used_name_is_free(alice, rows_named, stored, spelling):
    rows = rows_named(stored)
    for path in ("portfolios", "categories", "tags"):
        answer = alice.post(f"{API}/{path}", {"name": spelling})
        assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE_NAME"), path
        changed = alice.patch(f"{API}/{path}/{rows[path].pk}", {"name": spelling})
        assert (changed.status_code, changed.json()["name"]) == (200, spelling), path


@pytest.mark.parametrize(("written", "spelling"), [SPELLINGS["accents"], SPELLINGS["accents"][::-1]])
def test_note_is_found_in_both_encodings_of_its_accents(alice, portfolio, written, spelling):
    row = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CASH, name="x", currency="EUR", notes=f"the {written} below"
    )
    rows = alice.get(f"{API}/assets", {"search": spelling.upper()}).json()["results"]
    assert [row["id"] for row in rows] == [str(row.pk)]


def field_of(model, path):
    """The model and the field that a lookup ends at."""
    for part in path.split("__"):
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            break
        owner, model = model, field.related_model or model
    return owner, field


def keys_by_name(model):
    return {field.source: field for field in model._meta.fields if isinstance(field, NameKeyField)}


def test_admin_searches_names_only_by_their_key():
    searched = [
        (page, *field_of(model, lookup))
        for model, page in admin.site._registry.items()
        for lookup in page.search_fields
    ]
    assert sum(isinstance(field, NameKeyField) for _, _, field in searched) > 8
    assert [(page, field) for page, owner, field in searched if field.name in keys_by_name(owner)] == []
