"""An asset has at most 100 categories and 100 tags, so that a page of assets stays small."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from django.db import connection
from django.db.models import QuerySet

from assets.api.asset.rows import size_of
from assets.classification.seeds import TypeId
from assets.models import Asset, AssetCategory, AssetTag, Category, Tag
from assets.services import assets
from assets.services.labels import MOST_LABELS
from tests.admin_forms import form_data, staff, url
from tests.factories import create_asset

API = "/api/v1"
MIB = 2**20


def create_without_journal(model, rows) -> list:
    """Creates the rows without a journal entry for each, which would take long."""
    return QuerySet(model).bulk_create(rows)


def create_labels(model, household, number, name="{}"):
    return create_without_journal(
        model,
        [
            model(household=household, name=text, name_key=text)
            for text in (name.format(n) for n in range(number))
        ],
    )


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Flat")


@pytest.fixture(params=["category", "tag"])
def label_type(request):
    """The type of label: its name in the API, its model, and the model of its link to an asset."""
    model, link = {"category": (Category, AssetCategory), "tag": (Tag, AssetTag)}[request.param]
    return request.param, model, link


def attach(asset, label_type, number):
    """Attaches new labels without any check, as an older version could, and returns their ids."""
    name, model, link = label_type
    rows = create_labels(model, asset.portfolio.household, number)
    create_without_journal(link, [link(asset=asset, **{name: row}) for row in rows])
    return [str(row.pk) for row in rows]


def one_more(model, asset):
    return str(model.objects.create(household=asset.portfolio.household, name="One more").pk)


def requests_that_attach(label_type, asset, ids, more):
    """Every request of the API that attaches the label `more` beside `ids`: method, path and body."""
    name = label_type[0]
    plural = {"category": "categories", "tag": "tags"}[name]
    path = f"{API}/assets/{asset.pk}"
    requests = {
        "patch": ("patch", path, {f"{name}_ids": [*ids, more]}),
        "put": ("put", path, {"name": "Flat", f"{name}_ids": [*ids, more]}),
        "link": ("post", f"{path}/{plural}/{more}", {}),
        "new": (
            "post",
            f"{API}/assets",
            {
                "name": "New",
                "portfolio_id": str(asset.portfolio_id),
                "asset_type_id": TypeId.CHECKING_ACCOUNT,
                f"{name}_ids": [*ids, more],
            },
        ),
    }
    if name == "category":
        requests["category"] = ("post", f"{API}/categories/{more}/assets", {"asset_id": str(asset.pk)})
    return requests.values()


def test_label_beyond_the_maximum_is_a_conflict(alice, asset, label_type):
    ids, more = attach(asset, label_type, MOST_LABELS), one_more(label_type[1], asset)
    for method, path, body in requests_that_attach(label_type, asset, ids, more):
        refused = getattr(alice, method)(path, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "TOO_MANY_LABELS"), path
    assert label_type[2].objects.count() == MOST_LABELS and Asset.objects.count() == 1


def test_labels_up_to_the_maximum_are_attached(alice, asset, label_type):
    ids, more = attach(asset, label_type, MOST_LABELS - 1), one_more(label_type[1], asset)
    for method, path, body in requests_that_attach(label_type, asset, ids, more):
        label_type[2].objects.filter(asset=asset, **{label_type[0]: more}).delete()
        assert getattr(alice, method)(path, body).status_code in (200, 201), path


def test_asset_over_the_maximum_keeps_its_labels_and_may_lose_some(alice, asset, label_type):
    name, _, link = label_type
    ids, path = attach(asset, label_type, 250), f"{API}/assets/{asset.pk}"
    assert alice.put(path, alice.get(path).json() | {"notes": "new"}).status_code == 200
    assert alice.post(path + f"/{'categories' if name == 'category' else 'tags'}/{ids[0]}").status_code == 200
    assert alice.patch(path, {f"{name}_ids": ids[:210]}).status_code == 200
    assert link.objects.count() == 210
    swapped = alice.patch(path, {f"{name}_ids": [*ids[:209], one_more(label_type[1], asset)]})
    assert swapped.json()["code"] == "TOO_MANY_LABELS"
    assert alice.patch(path, {f"{name}_ids": []}).status_code == 200


def test_admin_refuses_a_label_beyond_the_maximum(alice_user, asset, label_type):
    name, model, link = label_type
    field = "categories" if name == "category" else "tags"
    ids, more = attach(asset, label_type, MOST_LABELS), one_more(model, asset)
    client, path = staff(alice_user), url(Asset, "change", asset.pk)
    refused = client.post(path, form_data(client.get(path)) | {field: [*ids, more]})
    assert f"at most {MOST_LABELS}" in str(refused.context["adminform"].form.errors)
    assert link.objects.count() == MOST_LABELS
    assert client.post(path, form_data(client.get(path)) | {field: [*ids[1:], more]}).status_code == 302


# --- the size of a page, which does not depend on the database ---


def create_full_page(portfolio, name: str) -> None:
    """Creates 200 assets with the maximum of categories and tags, all with names of this format."""
    fields = {"portfolio": portfolio, "asset_type_id": TypeId.CHECKING_ACCOUNT, "currency": "EUR"}
    assets = create_without_journal(
        Asset, [Asset(name=f"{n}", name_key=f"{n}", **fields) for n in range(200)]
    )
    for field, model, link in (("category", Category, AssetCategory), ("tag", Tag, AssetTag)):
        rows = create_labels(model, portfolio.household, MOST_LABELS, name)
        create_without_journal(link, [link(asset=asset, **{field: row}) for asset in assets for row in rows])


@pytest.mark.on_sqlite
def test_page_of_200_assets_with_all_labels_is_under_8_mib(alice, portfolio, figures):
    create_full_page(portfolio, "A label of sixty characters, as people who write sentences {:03}")
    alice.get(f"{API}/assets?page_size=1")  # what is loaded once is not the page's memory
    tracemalloc.start()
    answer = alice.get(f"{API}/assets?page_size=200")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    results = answer.json()["results"]
    assert (len(results), len(results[0]["tags"]), len(results[199]["categories"])) == (200, 100, 100)
    figures(f"{len(answer.content) / MIB:.1f} MiB, of memory {peak / MIB:.0f}")
    assert len(answer.content) < 8 * MIB
    assert peak < 40 * MIB
    assert abs(size_of(results) - len(answer.content)) < 1000


@pytest.mark.on_sqlite
@pytest.mark.parametrize("name", ["{:03}" + "x" * 197, "{:03}" + "\N{MONEY BAG}" * 197, "{:03}" + '"' * 197])
def test_page_that_is_too_large_is_refused_with_a_page_size(alice, portfolio, name):
    create_full_page(portfolio, name)
    refused = alice.get(f"{API}/assets?page_size=200")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "page_size")
    most = int(re.search(r"at most (\d+) a page", refused.json()["message"])[1])
    answer = alice.get(f"{API}/assets?page_size={most}")
    assert answer.status_code == 200
    assert 7 * MIB < len(answer.content) < 8 * MIB


def test_labels_of_an_asset_that_is_being_made_are_not_read(portfolio):
    """It has none yet: an import makes hundreds of assets in one request."""
    statements = []

    def watch(execute, sql, *rest):
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        assets.create_asset(portfolio.pk, name="New", asset_type_id=TypeId.STOCKS)
    assert statements
    assert [sql for sql in statements if "assets_assetcategory" in sql or "assets_assettag" in sql] == []
