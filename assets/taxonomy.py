"""Sorting assets: what may be attached to what, and doing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from assets.models import Asset, AssetCategory, AssetTag, Category, Tag
from assets.models.taxonomy import ancestors, parents_in
from strata.exceptions import Conflict, NotFound


def refuse_bad_parent(category: Category, parent: Category) -> None:
    """404 for a parent of another household, 400 for one that stands below the category."""
    if parent.household_id != category.household_id:
        raise NotFound("category")
    if category.pk in ancestors(parent.pk, parents_in(category.household_id)):
        raise ValidationError(
            {"parent_id": ValidationError("A category cannot stand below itself.", code="cycle")}
        )


def refuse_foreign_labels(asset: Asset | None, attrs: dict[str, Any]) -> None:
    """An asset, its type, categories and tags are of one household; moving away needs those left behind first."""
    portfolio = attrs.get("portfolio") or (asset and asset.portfolio)
    household_id = portfolio.household_id
    kind = attrs.get("asset_type") or (asset and asset.asset_type)
    if kind.household_id not in (None, household_id):
        raise NotFound("asset_type")
    for name, model, thing in (("category_ids", Category, "category"), ("tag_ids", Tag, "tag")):
        ids = set(attrs.get(name, ()))
        if ids and model.objects.filter(household=household_id, pk__in=ids).count() != len(ids):
            raise NotFound(thing)
    if asset is not None and asset.portfolio.household_id != household_id:
        _refuse_labels_left_behind(asset, attrs)


def _refuse_labels_left_behind(asset: Asset, attrs: dict[str, Any]) -> None:
    kept = ("category_ids" not in attrs and asset.category_links.exists()) or (
        "tag_ids" not in attrs and asset.tag_links.exists()
    )
    if kept:
        message = "Its categories and tags belong to the household it leaves: detach them first."
        raise Conflict("LABELS_OF_ANOTHER_HOUSEHOLD", message, "portfolio_id")


def label(
    asset: Asset, *, category_ids: Iterable[UUID] | None = None, tag_ids: Iterable[UUID] | None = None
) -> None:
    """Make these the asset's categories and tags; None leaves them as they are."""
    if category_ids is not None:
        _replace(asset, AssetCategory, "category_id", set(category_ids))
    if tag_ids is not None:
        _replace(asset, AssetTag, "tag_id", set(tag_ids))


def _replace(
    asset: Asset, link: type[AssetCategory] | type[AssetTag], column: str, wanted: set[UUID]
) -> None:
    had = set(link.objects.filter(asset=asset).values_list(column, flat=True))
    if had - wanted:
        link.objects.filter(asset=asset, **{f"{column}__in": had - wanted}).delete()
    if wanted - had:
        link.objects.bulk_create(link(asset=asset, **{column: pk}) for pk in sorted(wanted - had))
