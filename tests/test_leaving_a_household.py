"""What goes to another household is no longer seen by the one it came from, through whatever pointed to it."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import models

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category
from portfolios.models import Household, Membership, Portfolio
from reports.models import AllocationTarget
from strata.audit.tracking import TrackedModel
from strata.tenancy.guards import guarded_by_household, owned_models
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import EDITOR, OWNER
from tests.admin_forms import change_form_data, errors_of, save, staff, url
from tests.conftest import rows_of
from tests.sample_rows import sample_rows

API = "/api/v1"
PATHS = {
    "Asset": "assets",
    "AssetType": "asset-types",
    "Category": "categories",
    "Tag": "tags",
    "Portfolio": "portfolios",
    "AllocationTarget": "allocation-targets",
}


@pytest.fixture
def other(alice_user, bob_user, world):
    """Alice's second household. Bob is in the first alone."""
    household = Household.objects.create(name="Other")
    Membership.objects.create(
        household=household, user=alice_user, role=OWNER, accepted_at=household.created_at
    )
    return rows_of(household, "Other")


# --- every foreign key between two models whose rows belong to households ---


def references() -> list[tuple[type[Owned], models.Field]]:
    return [
        (model, field)
        for model in owned_models()
        if issubclass(model, TrackedModel)  # the others are derived, and made anew where their rows go
        for field in model._meta.concrete_fields
        if field.is_relation and issubclass(field.related_model, Owned)
    ]


def pointing(model: type[Owned], field: models.Field, household: Household) -> tuple[Owned, Owned]:
    """A row, and one of the same household that its field points to."""
    rows = sample_rows("x", household=household)
    row, target = rows[model], rows[field.related_model]
    if model is AllocationTarget and field.name not in ("household", "portfolio", "tag"):
        row = model.objects.create(household=household, share="0.01", **{field.name: target})
    elif getattr(row, field.attname) != target.pk:
        if target.pk == row.pk:
            target = model.objects.create(household=household, name="another")
        setattr(row, field.name, target)
        row.save()
    return row, target


def let_go(target: Owned, row: Owned) -> None:
    """Nothing but the one row that points to it holds an asset back; others stay in their household anyway."""
    if not isinstance(target, Asset):
        return
    Asset.objects.filter(pk=target.pk).update(asset_type=TypeId.CHECKING_ACCOUNT)
    for relation in Asset._meta.related_objects:
        if issubclass(relation.related_model, TrackedModel) and guarded_by_household(relation.related_model):
            others = relation.related_model.objects.filter(**{relation.field.name: target.pk})
            others.exclude(pk=row.pk).delete()


def parents_elsewhere(other) -> dict[str, str]:
    """All the parents that a body may name, each in the other household."""
    things = {"household_id": "household", "portfolio_id": "portfolio", "asset_id": "asset"}
    return {name: str(other[thing].pk) for name, thing in things.items()}


def owner_of(row: Owned):
    return type(row)._base_manager.get(pk=row.pk).owning_household_id()


def moved(client, target: Owned, other) -> tuple[bool, list]:
    """Whether the API put the row into the other household by any of the parents, and what it answered."""
    if type(target).__name__ not in PATHS:
        return False, []
    path, before = f"{API}/{PATHS[type(target).__name__]}/{target.pk}", owner_of(target)
    fields = {field.attname for field in target._meta.concrete_fields}
    bodies = [{name: pk} for name, pk in parents_elsewhere(other).items() if name in fields]
    answers = [client.patch(path, body) for body in bodies]
    return owner_of(target) != before, answers


@pytest.mark.parametrize(("model", "field"), references(), ids=str)
def test_no_row_stays_behind_that_points_to_what_has_left(alice, world, other, model, field):
    row, target = pointing(model, field, world["household"])
    let_go(target, row)
    assert {owner_of(row), owner_of(target)} <= {world["household"].pk, None}
    left, answers = moved(alice, target, other)
    for answer in answers:
        assert answer.status_code in (200, 400, 409), answer.content
    assert left or field.related_model is not Asset or 409 in {answer.status_code for answer in answers}
    behind = type(row)._base_manager.filter(pk=row.pk, **{field.attname: target.pk}).first()
    if left and behind:
        assert owner_of(behind) == owner_of(target)


# --- targets ---


@pytest.fixture
def aimed(world):
    return AllocationTarget.objects.create(
        household=world["household"], asset=world["asset"], share="0.5", portfolio=world["portfolio"]
    )


def test_an_asset_with_a_target_leaves_only_without_it(alice, world, other, aimed):
    path, body = f"{API}/assets/{world['asset'].pk}", {"portfolio_id": str(other["portfolio"].pk)}
    refused = alice.patch(path, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "TARGET_OF_ANOTHER_HOUSEHOLD")
    assert refused.json()["errors"][0]["field"] == "portfolio_id"
    assert alice.delete(f"{API}/allocation-targets/{aimed.pk}").status_code == 204
    assert alice.patch(path, body).status_code == 200


def test_the_admin_refuses_it_in_the_same_words(alices, world, other, aimed):
    data = change_form_data(alices, world["asset"]) | {"portfolio": str(other["portfolio"].pk)}
    assert "allocation target" in errors_of(save(alices, world["asset"], data))
    assert owner_of(world["asset"]) == world["household"].pk


def test_within_the_household_its_target_goes_with_it(alice, world, aimed):
    elsewhere = Portfolio.objects.create(household=world["household"], name="Second")
    body = {"portfolio_id": str(elsewhere.pk)}
    assert alice.patch(f"{API}/assets/{world['asset'].pk}", body).status_code == 200


# --- what was there before this was refused ---


@pytest.fixture
def across(world, other, aimed):
    """A target that points across: the asset has left, and has another name now."""
    asset = world["asset"]
    Asset.objects.filter(pk=asset.pk).update(portfolio=other["portfolio"], name="Private island")
    on = date(2026, 1, 31)
    AssetSnapshot.objects.create(asset=asset, value=1000, on=on, observed_at="2026-01-31T12:00:00Z")
    return aimed


@pytest.mark.parametrize("where", ["", "portfolios/{portfolio}/"])
@pytest.mark.parametrize(
    "how", ["?group_by=asset", "?group_by=asset&format=csv", "/chart.svg?group_by=asset"]
)
def test_the_present_name_is_not_in_the_old_households_allocation(bob, world, across, where, how):
    answer = bob.get(f"{API}/{where.format(portfolio=world['portfolio'].pk)}allocation{how}")
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert content and b"rivate island" not in content
    assert str(world["asset"].pk).encode() not in content


def test_nor_in_the_admins_list_and_search(bob_user, world, across):
    client = staff(bob_user)
    page = client.get(url(AllocationTarget))
    assert "another household" in page.content.decode() and "rivate island" not in page.content.decode()
    for word, count in (("island", 0), ("", 2)):
        assert client.get(url(AllocationTarget), {"q": word}).context["cl"].result_count == count
    page = client.get(url(AllocationTarget, "change", across.pk)).content.decode()
    assert "rivate island" not in page
    assert client.get(url(AllocationTarget, "delete", across.pk)).status_code == 200


# --- categories that move below others ---


@pytest.fixture
def branches(household):
    """Two at the top, one of which has one below; each that is below or beside is meant to be 0.7 of what is there."""
    top, beside = (Category.objects.create(household=household, name=name) for name in ("Top", "Beside"))
    below = Category.objects.create(household=household, name="Below", parent=top)
    for category in (beside, below):
        AllocationTarget.objects.create(household=household, category=category, share="0.7")
    return {"top": top, "beside": beside, "below": below}


@pytest.mark.parametrize(("name", "parent"), [("beside", "top"), ("below", None)])
def test_a_category_does_not_move_to_where_the_targets_would_be_more_than_all(alice, branches, name, parent):
    path = f"{API}/categories/{branches[name].pk}"
    refused = alice.patch(path, {"parent_id": parent and str(branches[parent].pk)})
    assert (refused.status_code, refused.json()["code"]) == (409, "TARGETS_MORE_THAN_ALL")
    assert (refused.json()["errors"][0]["field"], "1.4" in refused.json()["message"]) == ("parent_id", True)
    assert Category.objects.get(pk=branches[name].pk).parent == branches[name].parent


def test_it_moves_where_they_come_to_all_and_no_more(alice, branches):
    AllocationTarget.objects.filter(category=branches["beside"]).update(share="0.3")
    body = {"parent_id": str(branches["top"].pk)}
    assert alice.patch(f"{API}/categories/{branches['beside'].pk}", body).status_code == 200


def test_targets_of_different_portfolios_are_not_added_up(alice, household, portfolio, branches):
    AllocationTarget.objects.filter(category=branches["beside"]).update(portfolio=portfolio)
    body = {"parent_id": str(branches["top"].pk)}
    assert alice.patch(f"{API}/categories/{branches['beside'].pk}", body).status_code == 200


def test_the_admin_refuses_such_a_move_in_the_same_words(alices, branches):
    category = branches["beside"]
    data = change_form_data(alices, category) | {"parent": str(branches["top"].pk)}
    assert "together they are 1 at most" in errors_of(save(alices, category, data))
    assert Category.objects.get(pk=category.pk).parent is None


def test_a_role_that_may_edit_is_enough_to_be_told(bob, bob_user, branches):
    assert bob_user.memberships.get().role == EDITOR
    body = {"parent_id": str(branches["top"].pk)}
    assert bob.patch(f"{API}/categories/{branches['beside'].pk}", body).status_code == 409
