"""An asset that moved to another household is no longer visible through rows of the first that pointed to it."""

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
from tests.refusals import assert_conflict
from tests.sample_rows import sample_rows

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"
PATHS = {
    "Asset": "assets",
    "AssetType": "asset-types",
    "Instrument": "instruments",
    "Category": "categories",
    "Tag": "tags",
    "Portfolio": "portfolios",
    "AllocationTarget": "allocation-targets",
}


@pytest.fixture
def other(alice_user, bob_user, world):
    """The rows of Alice's second household. Bob is only in the first."""
    household = Household.objects.create(name="Other")
    Membership.objects.create(
        household=household, user=alice_user, role=OWNER, accepted_at=household.created_at
    )
    return rows_of(household, "Other")


# --- every foreign key between two models of a household ---


def references() -> list[tuple[type[Owned], models.Field]]:
    return [
        (model, field)
        for model in owned_models()
        if issubclass(model, TrackedModel)  # the others are derived data, which is rebuilt
        for field in model._meta.concrete_fields
        if field.is_relation and issubclass(field.related_model, Owned)
    ]


def pointing_row(model: type[Owned], field: models.Field, household: Household) -> tuple[Owned, Owned]:
    """A row and the row of the same household that its field points to."""
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


def delete_other_references(target: Owned, row: Owned) -> None:
    """If the target is an asset, deletes all other rows that would keep it from moving."""
    if not isinstance(target, Asset):
        return
    Asset.objects.filter(pk=target.pk).update(asset_type=TypeId.CHECKING_ACCOUNT, instrument=None)
    for relation in Asset._meta.related_objects:
        if issubclass(relation.related_model, TrackedModel) and guarded_by_household(relation.related_model):
            others = relation.related_model.objects.filter(**{relation.field.name: target.pk})
            others.exclude(pk=row.pk).delete()


def parents_in(other) -> dict[str, str]:
    """All parents that a request body can name, each from the other household."""
    resources = {"household_id": "household", "portfolio_id": "portfolio", "asset_id": "asset"}
    return {name: str(other[resource].pk) for name, resource in resources.items()}


def household_of(row: Owned):
    return type(row)._base_manager.get(pk=row.pk).owning_household_id()


def move(client, target: Owned, other) -> tuple[bool, list]:
    """Tries to move the row to the other household by each parent. Returns whether it moved, and the responses."""
    if type(target).__name__ not in PATHS:
        return False, []
    path, before = f"{API}/{PATHS[type(target).__name__]}/{target.pk}", household_of(target)
    fields = {field.attname for field in target._meta.concrete_fields}
    bodies = [{name: pk} for name, pk in parents_in(other).items() if name in fields]
    answers = [client.patch(path, body) for body in bodies]
    return household_of(target) != before, answers


@pytest.mark.parametrize(("model", "field"), references(), ids=str)
def test_no_row_points_to_a_row_that_left_its_household(alice, world, other, model, field):
    row, target = pointing_row(model, field, world["household"])
    delete_other_references(target, row)
    assert {household_of(row), household_of(target)} <= {world["household"].pk, None}
    left, answers = move(alice, target, other)
    for answer in answers:
        assert answer.status_code in (200, 400, 409), answer.content
    assert left or field.related_model is not Asset or 409 in {answer.status_code for answer in answers}
    pointing = type(row)._base_manager.filter(pk=row.pk, **{field.attname: target.pk}).first()
    if left and pointing:
        assert household_of(pointing) == household_of(target)


# --- targets ---


@pytest.fixture
def target(world):
    return AllocationTarget.objects.create(
        household=world["household"], asset=world["asset"], share="0.5", portfolio=world["portfolio"]
    )


def test_asset_with_a_target_cannot_leave_its_household(alice, world, other, target):
    path, body = f"{API}/assets/{world['asset'].pk}", {"portfolio_id": str(other["portfolio"].pk)}
    refused = alice.patch(path, body)
    assert_conflict(refused, "TARGET_OF_ANOTHER_HOUSEHOLD")
    assert refused.json()["errors"][0]["field"] == "portfolio_id"
    assert alice.delete(f"{API}/allocation-targets/{target.pk}").status_code == 204
    assert alice.patch(path, body).status_code == 200


def test_admin_refuses_to_move_an_asset_with_a_target(alices, world, other, target):
    data = change_form_data(alices, world["asset"]) | {"portfolio": str(other["portfolio"].pk)}
    assert "allocation target" in errors_of(save(alices, world["asset"], data))
    assert household_of(world["asset"]) == world["household"].pk


def test_asset_with_a_target_may_move_within_its_household(alice, world, target):
    second = Portfolio.objects.create(household=world["household"], name="Second")
    body = {"portfolio_id": str(second.pk)}
    assert alice.patch(f"{API}/assets/{world['asset'].pk}", body).status_code == 200


# --- rows from before such moves were refused ---


@pytest.fixture
def foreign_target(world, other, target):
    """A target whose asset is in another household now and has a new name."""
    asset = world["asset"]
    Asset.objects.filter(pk=asset.pk).update(portfolio=other["portfolio"], name="Private island")
    on = date(2026, 1, 31)
    AssetSnapshot.objects.create(asset=asset, value=1000, on=on, observed_at="2026-01-31T12:00:00Z")
    return target


@pytest.mark.parametrize("prefix", ["", "portfolios/{portfolio}/"])
@pytest.mark.parametrize(
    "query", ["?group_by=asset", "?group_by=asset&format=csv", "/chart.svg?group_by=asset"]
)
def test_allocation_hides_the_name_of_an_asset_that_left(bob, world, foreign_target, prefix, query):
    answer = bob.get(f"{API}/{prefix.format(portfolio=world['portfolio'].pk)}allocation{query}")
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert content and b"rivate island" not in content
    assert str(world["asset"].pk).encode() not in content


def test_admin_hides_the_name_of_an_asset_that_left(bob_user, world, foreign_target):
    client = staff(bob_user)
    page = client.get(url(AllocationTarget))
    assert "another household" in page.content.decode() and "rivate island" not in page.content.decode()
    for word, count in (("island", 0), ("", 2)):
        assert client.get(url(AllocationTarget), {"q": word}).context["cl"].result_count == count
    page = client.get(url(AllocationTarget, "change", foreign_target.pk)).content.decode()
    assert "rivate island" not in page
    assert client.get(url(AllocationTarget, "delete", foreign_target.pk)).status_code == 200


# --- categories that move below others ---


@pytest.fixture
def branches(household):
    """Top with the child Below, and Beside at the top. Below and Beside have the only targets, of 0.7 each."""
    AllocationTarget.objects.filter(household=household).delete()
    top, beside = (Category.objects.create(household=household, name=name) for name in ("Top", "Beside"))
    below = Category.objects.create(household=household, name="Below", parent=top)
    for category in (beside, below):
        AllocationTarget.objects.create(household=household, category=category, share="0.7")
    return {"top": top, "beside": beside, "below": below}


@pytest.mark.parametrize(("name", "parent"), [("beside", "top"), ("below", None)])
def test_category_cannot_move_to_where_targets_exceed_1(alice, branches, name, parent):
    path = f"{API}/categories/{branches[name].pk}"
    refused = alice.patch(path, {"parent_id": parent and str(branches[parent].pk)})
    assert_conflict(refused, "TARGETS_MORE_THAN_ALL")
    assert (refused.json()["errors"][0]["field"], "1.4" in refused.json()["message"]) == ("parent_id", True)
    assert Category.objects.get(pk=branches[name].pk).parent == branches[name].parent


def test_category_moves_to_where_targets_sum_to_1(alice, branches):
    AllocationTarget.objects.filter(category=branches["beside"]).update(share="0.3")
    body = {"parent_id": str(branches["top"].pk)}
    assert alice.patch(f"{API}/categories/{branches['beside'].pk}", body).status_code == 200


def test_targets_of_different_portfolios_are_not_summed(alice, household, portfolio, branches):
    AllocationTarget.objects.filter(category=branches["beside"]).update(portfolio=portfolio)
    body = {"parent_id": str(branches["top"].pk)}
    assert alice.patch(f"{API}/categories/{branches['beside'].pk}", body).status_code == 200


def test_admin_refuses_a_move_to_where_targets_exceed_1(alices, branches):
    category = branches["beside"]
    data = change_form_data(alices, category) | {"parent": str(branches["top"].pk)}
    assert "together they are 1 at most" in errors_of(save(alices, category, data))
    assert Category.objects.get(pk=category.pk).parent is None


def test_editor_gets_the_conflict_too(bob, bob_user, branches):
    assert bob_user.memberships.get().role == EDITOR
    body = {"parent_id": str(branches["top"].pk)}
    assert bob.patch(f"{API}/categories/{branches['beside'].pk}", body).status_code == 409
