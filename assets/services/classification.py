"""Writes what sorts assets: types, the tree of categories, and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from assets.classification.seeds import STARTER_CATEGORIES
from assets.classification.tree import MOST_LEVELS, Parents, move_problem
from assets.models import AssetType, Category, Tag
from assets.models.classification import Group, parents_in
from assets.rules.assets.asset_types import settled_liquidity
from assets.signals import category_moves
from portfolios.models import Household
from strata.audit import deletions
from strata.exceptions import Conflict, Invalid, NotFound
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

# --- types ---

CODE_IS_TAKEN = Conflict("DUPLICATE_NAME", _("The code is taken."), "code")


@atomic_write
def create_type(
    household_id: UUID | None, *, precondition: Precondition = always, **values: Any
) -> AssetType:
    """A type of the household's own; with None a type that all share.

    409 DUPLICATE_NAME for the code of another type of the household, or of a shared one.
    """
    household = None
    if household_id is not None:
        household = locked_parent(AssetType, Household.objects.all(), household_id, "household")
        precondition(household)
    refuse_shared_code(values["code"])
    values["liquid"] = settled_liquidity(values.get("group", Group.OTHER), values.get("liquid"))
    with conflict_if_duplicate(AssetType, CODE_IS_TAKEN):
        return AssetType.objects.create(household=household, **values)


@atomic_write
def update_type(
    type_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> AssetType:
    asset_type = locked_row(AssetType.objects.all(), type_id, "asset_type")
    precondition(asset_type)
    if changes.get("code", asset_type.code) != asset_type.code:
        refuse_shared_code(changes["code"], but=type_id)
    liquid = liquidity_after(asset_type, changes)
    with conflict_if_duplicate(AssetType, CODE_IS_TAKEN):
        save_changes(asset_type, {**changes, "liquid": liquid})
    return asset_type


def liquidity_after(asset_type: AssetType, changes: Mapping[str, Any]) -> bool | None:
    """Whether the type will be liquid. A type that becomes one of debts is neither."""
    group = changes.get("group", asset_type.group)
    kept = None if group == Group.LIABILITIES else asset_type.liquid
    liquid: bool | None = changes.get("liquid", kept)
    if (group, liquid) == (asset_type.group, asset_type.liquid):
        return liquid
    return settled_liquidity(group, liquid)


def delete_type(type_id: UUID, *, precondition: Precondition = always) -> None:
    """409 IN_USE for the type of an asset."""
    delete_row(AssetType.objects.all(), type_id, "asset_type", precondition, delete=deletions.delete)


def refuse_shared_code(code: str, *, but: UUID | None = None) -> None:
    others = AssetType.objects.filter(household=None, code=code)
    if but is not None:
        others = others.exclude(pk=but)
    if others.exists():
        raise Conflict("DUPLICATE_NAME", gettext("A shared type has this code."), "code")


TYPES = Service(create=create_type, update=update_type, delete=delete_type)


# --- categories ---

BAD_PARENT: dict[str, Any] = {
    "cycle": _("A category cannot be below itself."),
    "too_deep": _("A category can be at most %(levels)s levels deep, with all below it."),
}
NAME_IS_TAKEN = Conflict("DUPLICATE_NAME", _("The name is taken."), "name")


@atomic_write
def create_category(
    household_id: UUID, *, name: str, parent_id: UUID | None = None, precondition: Precondition = always
) -> Category:
    """404 for a parent of another household; 400 for one that is too deep; 409 for a name that a sibling has."""
    household = locked_parent(Category, Household.objects.all(), household_id, "household")
    precondition(household)
    category = Category(household=household, name=name, parent_id=parent_id)
    refuse_bad_parent(category.pk, parent_id, parents_in(household_id) if parent_id else {})
    with conflict_if_duplicate(Category, NAME_IS_TAKEN):
        category.save()
    return category


@atomic_write
def update_category(
    category_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> Category:
    """Rename or move a category. 404 for a parent of another household; 400 for one below it, or too deep."""
    category = locked_row(Category.objects.all(), category_id, "category", changes=changes)
    precondition(category)
    parent_id = changes.get("parent_id", category.parent_id)
    if parent_id != category.parent_id:
        refuse_bad_parent(category.pk, parent_id, parents_in(category.household_id))
        category_moves.send(Category, category=category, parent_id=parent_id)
    with conflict_if_duplicate(Category, NAME_IS_TAKEN):
        save_changes(category, changes)
    return category


@atomic_write
def delete_category(category_id: UUID, *, precondition: Precondition = always) -> None:
    """409 while there are categories below it."""
    category = locked_row(Category.objects.all(), category_id, "category", for_delete=True)
    precondition(category)
    if category.children.exists():
        message = gettext("Move or delete the categories below it first.")
        raise Conflict("CATEGORY_HAS_CHILDREN", message)
    category.delete()


def refuse_bad_parent(category_id: UUID, parent_id: UUID | None, parents: Parents) -> None:
    """404 for a parent that is not among the household's; 400 for one below the category, or too deep."""
    if parent_id is None:
        return
    if parent_id not in parents:
        raise NotFound("category")
    if problem := move_problem(category_id, parent_id, parents):
        raise Invalid("parent_id", BAD_PARENT[problem] % {"levels": MOST_LEVELS}, problem)


def add_starter_categories(household: Household) -> None:
    """Create the starter tree in a new household, in the active language."""
    for name, children in STARTER_CATEGORIES.items():
        top = Category.objects.create(household=household, name=pgettext("category", name))
        Category.objects.bulk_create(
            Category(household=household, parent=top, name=pgettext("category", child)) for child in children
        )


CATEGORIES = Service(create=create_category, update=update_category, delete=delete_category)


# --- tags ---


@atomic_write
def create_tag(household_id: UUID, *, name: str, precondition: Precondition = always) -> Tag:
    household = locked_parent(Tag, Household.objects.all(), household_id, "household")
    precondition(household)
    with conflict_if_duplicate(Tag, NAME_IS_TAKEN):
        return Tag.objects.create(household=household, name=name)


@atomic_write
def update_tag(tag_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always) -> Tag:
    tag = locked_row(Tag.objects.all(), tag_id, "tag")
    precondition(tag)
    with conflict_if_duplicate(Tag, NAME_IS_TAKEN):
        save_changes(tag, changes)
    return tag


def delete_tag(tag_id: UUID, *, precondition: Precondition = always) -> None:
    delete_row(Tag.objects.all(), tag_id, "tag", precondition)


TAGS = Service(create=create_tag, update=update_tag, delete=delete_tag)
