"""The labels of assets: which categories and tags an asset has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet, SmallIntegerField, UUIDField, Value
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


def set_first_labels(asset: Asset, *, category_ids: Iterable[UUID], tag_ids: Iterable[UUID]) -> None:
    """The same for an asset that was just made, and so has none."""
    for kind, ids in ((CATEGORY_LABELS, category_ids), (TAG_LABELS, tag_ids)):
        wanted = set(ids)
        _set(asset, kind, wanted, new=wanted, had=set())


def _set(
    asset: Asset, kind: AnyLabelKind, wanted: set[UUID], *, new: set[UUID], had: set[UUID] | None = None
) -> None:
    _require_own(asset.portfolio.household_id, kind, new)
    had = kind.of(asset) if had is None else had
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
    parent_id: UUID | None


class Labels(NamedTuple):
    """Those of an asset, ordered by name."""

    categories: list[Label]
    tags: list[Label]


def labels_of(assets: Collection[UUID]) -> dict[UUID, Labels]:
    """The labels of each asset, with one query; a label of many assets is one object."""
    known: dict[UUID, Label] = {}
    labels_by_asset = {pk: Labels([], []) for pk in assets}
    for asset, is_tag, *columns, _name_key in LABELS(list(assets)) if assets else ():
        label = known.setdefault(columns[0], Label(*columns))
        labels_by_asset[asset][is_tag].append(label)
    return labels_by_asset


def _labels(assets: list[UUID]) -> QuerySet[Any, tuple[Any, ...]]:
    categories = _of_kind(CATEGORY_LABELS, assets, parent_id=F("category__parent_id"))
    tags = _of_kind(TAG_LABELS, assets, parent_id=Value(None, UUIDField()))
    return categories.union(tags, all=True).order_by("name_key", "label_id")


def _of_kind(kind: AnyLabelKind, assets: list[UUID], *, parent_id: Any) -> QuerySet[Any, tuple[Any, ...]]:
    """Columns of the links of these assets to labels of one kind; `is_tag` is 0 or 1."""
    links = kind.link.objects.order_by().filter(asset__pk__among=assets)
    columns = {
        "is_tag": Value(int(kind is TAG_LABELS), SmallIntegerField()),
        "label_id": F(kind.column),
        "label_name": F(f"{kind.name}__name"),
        "parent_id": parent_id,
        "name_key": F(f"{kind.name}__name_key"),
    }
    return links.annotate(**columns).values_list("asset_id", *columns)


LABELS = Prepared(_labels, list)
