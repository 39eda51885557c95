"""Categories in the admin: shown as a tree in the list, in forms and in the filter of assets."""

from __future__ import annotations

import pytest
from django.db import connection

from assets.models import Asset, AssetCategory, Category
from tests.admin_forms import change_form_data, save, url
from tests.factories import create_asset


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Account")


def listed(client, **query) -> list[tuple]:
    """Name, depth and number of descendants of each row of the list."""
    rows = client.get(url(Category), query).context["cl"].result_list
    return [(row.name, row.tree_row.depth, row.tree_row.below) for row in rows]


@pytest.fixture
def tree(household):
    """House (Garden (Shed), Attic), Animals."""
    rows = {}
    for name, parent in (
        ("House", None),
        ("Garden", "House"),
        ("Shed", "Garden"),
        ("Attic", "House"),
        ("Animals", None),
    ):
        rows[name] = Category.objects.create(household=household, name=name, parent=rows.get(parent))
    return rows


def test_list_of_categories_is_a_tree(alices, tree, asset):
    AssetCategory.objects.create(asset=asset, category=tree["Shed"])
    expected = [("Animals", 0, 0), ("House", 0, 3), ("Attic", 1, 0), ("Garden", 1, 1), ("Shed", 2, 0)]
    assert listed(alices) == expected
    assert [row.asset_count for row in alices.get(url(Category)).context["cl"].result_list] == [0, 0, 0, 0, 1]
    assert "House › Garden › Shed".encode() in alices.get(url(Category), {"q": "Shed"}).content


def test_pages_of_a_large_tree_keep_its_order(alices, household):
    """Each top category has a child whose name would come last in a list ordered by name."""
    for number in range(60):
        top = Category.objects.create(household=household, name=f"A {number:02}")
        Category.objects.create(household=household, name=f"Z {number:02}", parent=top)
    pages = [[name for name, _, _ in listed(alices, p=page)] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert pages[0][:4] == ["A 00", "Z 00", "A 01", "Z 01"]
    assert [name for page in pages for name in page] == sorted(
        (name for page in pages for name in page), key=lambda name: (name[2:], name)
    )
    assert [name for name, _, _ in listed(alices, q="Z")][:2] == ["Z 00", "Z 01"]


def test_form_moves_a_branch_but_not_below_itself(alices, tree):
    assert (
        save(
            alices, tree["Garden"], change_form_data(alices, tree["Garden"]) | {"parent": tree["Animals"].pk}
        ).status_code
        == 302
    )
    assert ("Shed", 2, 0) in listed(alices)
    assert [name for name, _, _ in listed(alices)] == ["Animals", "Garden", "Shed", "House", "Attic"]
    answer = save(
        alices, tree["Animals"], change_form_data(alices, tree["Animals"]) | {"parent": tree["Shed"].pk}
    )
    assert "parent" in answer.context["adminform"].form.errors


def test_cycle_in_the_database_is_shown_and_can_be_fixed(alices, tree):
    with connection.cursor() as cursor:
        ids = [
            Category._meta.get_field("id").get_db_prep_value(tree[name].pk, connection)
            for name in ("Shed", "House")
        ]
        cursor.execute("UPDATE assets_category SET parent_id = %s WHERE id = %s", ids)
    assert [name for name, _, _ in listed(alices)] == ["Animals", "Attic", "Garden", "House", "Shed"]
    assert b"it is below itself" in alices.get(url(Category)).content
    assert (
        save(alices, tree["House"], change_form_data(alices, tree["House"]) | {"parent": ""}).status_code
        == 302
    )
    assert listed(alices)[1] == ("House", 0, 3)


def test_category_filter_includes_descendants(alices, tree, asset):
    AssetCategory.objects.create(asset=asset, category=tree["Shed"])
    counts = {
        name: alices.get(url(Asset), {"category": str(tree[name].pk)}).context["cl"].result_count
        for name in tree
    }
    assert counts == {"House": 1, "Garden": 1, "Shed": 1, "Attic": 0, "Animals": 0}
