"""The labels of assets: which categories and tags an asset has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, AssetCategory, AssetTag, Category, Tag
from strata.db.prepared import Prepared
from strata.exceptions import Conflict, NotFound
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent

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

CATEGORY_LABELS = LabelKind(Category, AssetCategory, "category_id", "category_ids")
TAG_LABELS = LabelKind(Tag, AssetTag, "tag_id", "tag_ids")
LABEL_KINDS: tuple[AnyLabelKind, ...] = (CATEGORY_LABELS, TAG_LABELS)
TOO_MANY: dict[AnyLabelKind, Any] = {
    CATEGORY_LABELS: _("An asset has at most %(most)s categories."),
    TAG_LABELS: _("An asset has at most %(most)s tags."),
}


# --- write ---


@atomic_write
def label_asset(
    asset_id: UUID,
    *,
    category_ids: Iterable[UUID] | None = None,
    tag_ids: Iterable[UUID] | None = None,
    precondition: Precondition = always,
) -> Asset:
    """Replace the asset's categories and tags with these; None leaves them as they are.

    404 for a label of another household; 409 TOO_MANY_LABELS for more than MOST_LABELS of one kind.
    """
    asset = locked_for_labels(asset_id)
    precondition(asset)
    set_labels(asset, category_ids=category_ids, tag_ids=tag_ids)
    return asset


@atomic_write
def attach(
    asset_id: UUID, label_id: UUID, kind: AnyLabelKind, *, precondition: Precondition = always
) -> Asset:
    """Give the asset this label; if it has it already, nothing changes. 404 for a label of another household."""
    asset = locked_for_labels(asset_id)
    precondition(asset)
    _set(asset, kind, kind.of(asset) | {label_id}, new={label_id})
    return asset


@atomic_write
def detach(
    asset_id: UUID, label_id: UUID, kind: AnyLabelKind, *, precondition: Precondition = always
) -> None:
    """Take this label from the asset; if it does not have it, nothing changes. 404 as for `attach`."""
    asset = locked_for_labels(asset_id)
    precondition(asset)
    _require_own(asset.portfolio.household_id, kind, {label_id})
    kind.link.objects.filter(asset=asset, **{kind.column: label_id}).delete()


def locked_for_labels(asset_id: UUID) -> Asset:
    """The asset, with its portfolio and its household locked: a label may be deleted with its household's lock."""
    return locked_parent(AssetTag, Asset.objects.select_related("portfolio"), asset_id, "asset")


def set_labels(
    asset: Asset, *, category_ids: Iterable[UUID] | None = None, tag_ids: Iterable[UUID] | None = None
) -> None:
    """As `label_asset`, for an asset that the caller has locked and read."""
    for kind, ids in ((CATEGORY_LABELS, category_ids), (TAG_LABELS, tag_ids)):
        if ids is not None:
            wanted = set(ids)
            _set(asset, kind, wanted, new=wanted)


def _set(asset: Asset, kind: AnyLabelKind, wanted: set[UUID], *, new: set[UUID]) -> None:
    _require_own(asset.portfolio.household_id, kind, new)
    had = kind.of(asset)
    if wanted - had and len(wanted) > MOST_LABELS:  # an asset that has more keeps them, and may lose some
        field = kind.field if len(new) == len(wanted) else None
        raise Conflict("TOO_MANY_LABELS", TOO_MANY[kind] % {"most": MOST_LABELS}, field)
    _replace(asset, kind, had, wanted)


def _require_own(household_id: UUID, kind: AnyLabelKind, ids: set[UUID]) -> None:
    """404 for a label that is not of this household."""
    if ids and kind.label.objects.filter(household=household_id, pk__in=ids).count() != len(ids):
        raise NotFound(kind.name)


def _replace(asset: Asset, kind: AnyLabelKind, had: set[UUID], wanted: set[UUID]) -> None:
    if had - wanted:
        kind.link.objects.filter(asset=asset, **{f"{kind.column}__in": had - wanted}).delete()
    if wanted - had:
        _link(asset, kind, sorted(wanted - had))


def _link(asset: Asset, kind: AnyLabelKind, ids: list[UUID]) -> None:
    links: Any = kind.link.objects  # of one of two models
    links.bulk_create(kind.link(asset=asset, **{kind.column: pk}) for pk in ids)


# --- read ---


class Label(NamedTuple):
    """A category or tag as an asset shows it. `parent_id` is always None for a tag."""

    id: UUID
    name: str
    parent_id: UUID | None = None


def labels_of(assets: Collection[UUID], kind: AnyLabelKind) -> dict[UUID, list[Label]]:
    """The labels of each asset, ordered by name, with one query; a label of many assets is one object."""
    known: dict[UUID, Label] = {}
    labels_by_asset: dict[UUID, list[Label]] = defaultdict(list)
    for asset, pk, *rest in LABELS[kind](list(assets)) if assets else ():
        labels_by_asset[asset].append(known.setdefault(pk, Label(pk, *rest)))
    return labels_by_asset


def _labels(kind: AnyLabelKind, assets: list[UUID]) -> QuerySet[Any, tuple[Any, ...]]:
    name = kind.name
    shown = [f"{name}__name", f"{name}__parent_id"] if kind is CATEGORY_LABELS else [f"{name}__name"]
    links = kind.link.objects.filter(asset__pk__among=assets).order_by(f"{name}__name_key", kind.column)
    return links.values_list("asset_id", kind.column, *shown)


LABELS = {kind: Prepared(partial(_labels, kind), list) for kind in LABEL_KINDS}
