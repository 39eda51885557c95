"""Attaches categories and tags to assets, and checks what may be attached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError

from assets.classification.seeds import STARTER_CATEGORIES
from assets.classification.tree import move_problem
from assets.models import Asset, AssetCategory, AssetTag, AssetType, Category, Tag
from assets.models.classification import parents_in
from assets.signals import asset_leaves_household
from portfolios.models import Household, Portfolio
from strata.exceptions import Conflict, NotFound

MOST_LABELS = 100  # categories of an asset, and the same number of tags: a page of 200 assets shows them all


@dataclass(frozen=True, slots=True)
class LabelKind[Link: (AssetCategory, AssetTag)]:
    """How assets are linked to one kind of label. `field` is the API's name for the list of ids."""

    label: type[Category] | type[Tag]
    link: type[Link]
    column: str
    field: str

    @property
    def name(self) -> str:
        return self.column.removesuffix("_id")

    def of(self, asset: Asset) -> set[UUID]:
        return set(self.link.objects.filter(asset=asset).values_list(self.column, flat=True))


type AnyLabelKind = LabelKind[AssetCategory] | LabelKind[AssetTag]

CATEGORIES = LabelKind(Category, AssetCategory, "category_id", "category_ids")
TAGS = LabelKind(Tag, AssetTag, "tag_id", "tag_ids")
LABEL_KINDS: tuple[AnyLabelKind, ...] = (CATEGORIES, TAGS)


def refuse_bad_parent(category: Category, parent: Category) -> None:
    """404 for a parent in another household; 400 for one below the category, or too deep."""
    if parent.household_id != category.household_id:
        raise NotFound("category")
    if problem := move_problem(category.pk, parent.pk, parents_in(category.household_id)):
        code, message = problem
        raise ValidationError({"parent_id": ValidationError(message, code=code)})


def check_labels(asset: Asset | None, attrs: dict[str, Any]) -> None:
    """Refuses labels of another household, and too many labels."""
    refuse_foreign_labels(asset, attrs)
    for kind in LABEL_KINDS:
        wanted = set(attrs.get(kind.field, ()))
        if len(wanted) > MOST_LABELS:
            refuse_too_many(kind, set() if asset is None else kind.of(asset), wanted, kind.field)


def refuse_too_many(kind: AnyLabelKind, had: set[UUID], wanted: set[UUID], field: str | None = None) -> None:
    """409 if a label is added and there are then too many. An asset that has more keeps them, and may lose some."""
    if wanted - had and len(wanted) > MOST_LABELS:
        what = kind.label._meta.verbose_name_plural
        raise Conflict("TOO_MANY_LABELS", f"An asset has at most {MOST_LABELS} {what}.", field)


def attach(asset: Asset, label: Category | Tag) -> None:
    """Give the asset this label; if it has it already, nothing changes. 404 for a label of another household."""
    kind: AnyLabelKind = CATEGORIES if isinstance(label, Category) else TAGS
    if label.household_id != asset.portfolio.household_id:
        raise NotFound(kind.name)
    had = kind.of(asset)
    if label.pk not in had:
        refuse_too_many(kind, had, had | {label.pk})
        kind.link.objects.create(asset=asset, **{kind.column: label.pk})


def detach(asset: Asset, label: Category | Tag) -> None:
    """Take this label from the asset; if it does not have it, nothing changes."""
    kind: AnyLabelKind = CATEGORIES if isinstance(label, Category) else TAGS
    kind.link.objects.filter(asset=asset, **{kind.column: label.pk}).delete()


def delete_category(category: Category) -> None:
    """409 while there are categories below it. The caller holds what guards it."""
    if category.children.exists():
        raise Conflict("CATEGORY_HAS_CHILDREN", "Move or delete the categories below it first.")
    category.delete()


def refuse_foreign_labels(asset: Asset | None, attrs: dict[str, Any]) -> None:
    """An asset and its type, categories and tags are in one household: detach the labels before it moves away."""
    portfolio: Portfolio = _after("portfolio", asset, attrs)
    household_id = portfolio.household_id
    asset_type: AssetType = _after("asset_type", asset, attrs)
    if asset_type.household_id not in (None, household_id):
        raise NotFound("asset_type")
    for kind in LABEL_KINDS:
        ids = set(attrs.get(kind.field, ()))
        if ids and kind.label.objects.filter(household=household_id, pk__in=ids).count() != len(ids):
            raise NotFound(kind.name)
    if asset is not None and asset.portfolio.household_id != household_id:
        _refuse_labels_left_behind(asset, attrs)
        asset_leaves_household.send(Asset, asset=asset)


def _after(name: str, asset: Asset | None, attrs: dict[str, Any]) -> Any:
    """What the asset will have: as it is asked for, or as it is stored."""
    return attrs.get(name) or getattr(asset, name)


def _refuse_labels_left_behind(asset: Asset, attrs: dict[str, Any]) -> None:
    keeps_labels = ("category_ids" not in attrs and asset.category_links.exists()) or (
        "tag_ids" not in attrs and asset.tag_links.exists()
    )
    if keeps_labels:
        message = "Its categories and tags belong to the household it leaves: detach them first."
        raise Conflict("LABELS_OF_ANOTHER_HOUSEHOLD", message, "portfolio_id")


def label(
    asset: Asset, *, category_ids: Iterable[UUID] | None = None, tag_ids: Iterable[UUID] | None = None
) -> None:
    """Replace the asset's categories and tags with these; None leaves them as they are."""
    if category_ids is not None:
        _replace(asset, CATEGORIES, set(category_ids))
    if tag_ids is not None:
        _replace(asset, TAGS, set(tag_ids))


def _replace[Link: (AssetCategory, AssetTag)](asset: Asset, kind: LabelKind[Link], wanted: set[UUID]) -> None:
    had = kind.of(asset)
    if had - wanted:
        kind.link.objects.filter(asset=asset, **{f"{kind.column}__in": had - wanted}).delete()
    if wanted - had:
        kind.link.objects.bulk_create(
            kind.link(asset=asset, **{kind.column: pk}) for pk in sorted(wanted - had)
        )


class Label(NamedTuple):
    """A category or tag as an asset shows it. `parent_id` is always None for a tag."""

    id: UUID
    name: str
    parent_id: UUID | None = None


def labels_of(assets: Collection[UUID], kind: AnyLabelKind) -> dict[UUID, list[Label]]:
    """The labels of each asset, ordered by name, with one query; a label of many assets is one object."""
    name = kind.name
    shown = [f"{name}__name", f"{name}__parent_id"] if kind is CATEGORIES else [f"{name}__name"]
    links = kind.link.objects.filter(asset__in=assets).order_by(f"{name}__name_key", kind.column)
    known: dict[UUID, Label] = {}
    labels_by_asset: dict[UUID, list[Label]] = defaultdict(list)
    for asset, pk, *rest in links.values_list("asset_id", kind.column, *shown):
        labels_by_asset[asset].append(known.setdefault(pk, Label(pk, *rest)))
    return labels_by_asset


def add_starter_categories(household: Household) -> None:
    """Create the starter tree in a new household."""
    for name, children in STARTER_CATEGORIES.items():
        top = Category.objects.create(household=household, name=name)
        Category.objects.bulk_create(
            Category(household=household, parent=top, name=child) for child in children
        )
