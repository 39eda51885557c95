"""At most 100 categories and 100 tags of an asset, however they are attached, so that a page of assets stays small."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from django.db.models import QuerySet

from assets.api.assets import size_of
from assets.classification.seeds import TypeId
from assets.models import Asset, AssetCategory, AssetTag, Category, Tag
from assets.services.classification import MOST_LABELS
from tests.admin_forms import form_data, staff, url

API = "/api/v1"
MIB = 2**20


def quietly(model, rows) -> list:
    """Without a line in the journal for each."""
    return QuerySet(model).bulk_create(rows)


def labels(model, household, number, name="{}"):
    return quietly(
        model,
        [
            model(household=household, name=text, name_key=text)
            for text in (name.format(n) for n in range(number))
        ],
    )


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Flat", currency="EUR"
    )


@pytest.fixture(params=["category", "tag"])
def kind(request):
    """What is attached: its name in the API, its model, the link's, and how many that asset has."""
    model, link = {"category": (Category, AssetCategory), "tag": (Tag, AssetTag)}[request.param]
    return request.param, model, link


def give(asset, kind, number):
    """So many labels as rows of an older version might have."""
    name, model, link = kind
    rows = labels(model, asset.portfolio.household, number)
    quietly(link, [link(asset=asset, **{name: row}) for row in rows])
    return [str(row.pk) for row in rows]


def one_more(model, asset):
    return str(model.objects.create(household=asset.portfolio.household, name="One more").pk)


def ways(kind, asset, has, more):
    """Each way in which the API attaches one: method, path, body."""
    name = kind[0]
    plural = {"category": "categories", "tag": "tags"}[name]
    path = f"{API}/assets/{asset.pk}"
    requests = {
        "patch": ("patch", path, {f"{name}_ids": [*has, more]}),
        "put": ("put", path, {"name": "Flat", f"{name}_ids": [*has, more]}),
        "link": ("post", f"{path}/{plural}/{more}", {}),
        "new": (
            "post",
            f"{API}/assets",
            {
                "name": "New",
                "portfolio_id": str(asset.portfolio_id),
                "asset_type_id": TypeId.CHECKING_ACCOUNT,
                f"{name}_ids": [*has, more],
            },
        ),
    }
    if name == "category":
        requests["category"] = ("post", f"{API}/categories/{more}/assets", {"asset_id": str(asset.pk)})
    return requests.values()


def test_one_more_than_it_may_have_is_a_conflict_however_it_comes(alice, asset, kind):
    has, more = give(asset, kind, MOST_LABELS), one_more(kind[1], asset)
    for method, path, body in ways(kind, asset, has, more):
        refused = getattr(alice, method)(path, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "TOO_MANY_LABELS"), path
    assert kind[2].objects.count() == MOST_LABELS and Asset.objects.count() == 1


def test_as_many_as_it_may_have_are_attached_however_they_come(alice, asset, kind):
    has, more = give(asset, kind, MOST_LABELS - 1), one_more(kind[1], asset)
    for method, path, body in ways(kind, asset, has, more):
        kind[2].objects.filter(asset=asset, **{kind[0]: more}).delete()
        assert getattr(alice, method)(path, body).status_code in (200, 201), path


def test_an_asset_that_has_more_keeps_them_and_may_lose_some(alice, asset, kind):
    name, _, link = kind
    has, path = give(asset, kind, 250), f"{API}/assets/{asset.pk}"
    assert alice.put(path, alice.get(path).json() | {"notes": "new"}).status_code == 200
    assert alice.post(path + f"/{'categories' if name == 'category' else 'tags'}/{has[0]}").status_code == 200
    assert alice.patch(path, {f"{name}_ids": has[:210]}).status_code == 200
    assert link.objects.count() == 210
    swapped = alice.patch(path, {f"{name}_ids": [*has[:209], one_more(kind[1], asset)]})
    assert swapped.json()["code"] == "TOO_MANY_LABELS"
    assert alice.patch(path, {f"{name}_ids": []}).status_code == 200


def test_admin_refuses_one_more_than_it_may_have(alice_user, asset, kind):
    name, model, link = kind
    field = "categories" if name == "category" else "tags"
    has, more = give(asset, kind, MOST_LABELS), one_more(model, asset)
    client, path = staff(alice_user), url(Asset, "change", asset.pk)
    refused = client.post(path, form_data(client.get(path)) | {field: [*has, more]})
    assert f"at most {MOST_LABELS}" in str(refused.context["adminform"].form.errors)
    assert link.objects.count() == MOST_LABELS
    assert client.post(path, form_data(client.get(path)) | {field: [*has[1:], more]}).status_code == 302


# --- how large a page may get ---


def crowd(portfolio, name: str) -> None:
    """200 assets with as many categories and tags as they may have, all of such names."""
    kind = {"portfolio": portfolio, "asset_type_id": TypeId.CHECKING_ACCOUNT, "currency": "EUR"}
    assets = quietly(Asset, [Asset(name=f"{n}", name_key=f"{n}", **kind) for n in range(200)])
    for field, model, link in (("category", Category, AssetCategory), ("tag", Tag, AssetTag)):
        rows = labels(model, portfolio.household, MOST_LABELS, name)
        quietly(link, [link(asset=asset, **{field: row}) for asset in assets for row in rows])


def test_a_page_of_200_assets_with_all_that_they_may_have_is_under_8_mib(alice, portfolio, figures):
    crowd(portfolio, "A label of sixty characters, as people who write sentences {:03}")
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


@pytest.mark.parametrize("name", ["{:03}" + "x" * 197, "{:03}" + "\N{MONEY BAG}" * 197, "{:03}" + '"' * 197])
def test_a_page_that_long_names_make_larger_is_refused_with_what_to_ask_for(alice, portfolio, name):
    crowd(portfolio, name)
    refused = alice.get(f"{API}/assets?page_size=200")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "page_size")
    most = int(re.search(r"at most (\d+) a page", refused.json()["message"])[1])
    answer = alice.get(f"{API}/assets?page_size={most}")
    assert answer.status_code == 200
    assert 7 * MIB < len(answer.content) < 8 * MIB
