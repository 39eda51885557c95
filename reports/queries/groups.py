"""How a report groups assets: the key of each group, its name, and its path in the tree of categories.

Keys are those of assets.valuation: ids, or codes for groups and currencies; None is for assets in no category or tag.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from operator import add, itemgetter
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from assets import valuation
from assets.classification.tree import Tree
from assets.models import Asset, AssetCategory, AssetType, Category, Tag
from assets.models.asset import NO_INSTITUTION
from assets.models.classification import Group, type_names
from assets.valuation.series import Column, Keys, Totals
from portfolios.models import Portfolio
from strata.fields.names import alphabetical

GROUP_BY = ("type", "group", "category", "tag", "currency", "portfolio", "asset", "liquidity", "institution")
LIQUID, NOT_LIQUID = "liquid", "not_liquid"  # what is owed is never liquid
LIQUIDITY = {LIQUID: _("Liquid"), NOT_LIQUID: _("Not liquid")}
OUTSIDE = "outside"  # replaces a category that is not below the requested one
NONE_LABELS = {"category": _("No category"), "tag": _("No tag"), "institution": _("No institution")}
# Which assets count. For "type", "group", "currency" or "institution" the value is a collection of keys; for "tag" or
# "category" it is one id, or None for assets without any; for "liquidity" it is LIQUID or NOT_LIQUID.
type AssetFilter = Mapping[str, Any]


class Narrowing(TypedDict, total=False):
    """What a report may be asked to leave out, and the level of categories that it shows: see Grouping."""

    level: int
    category: UUID | None
    asset_filter: AssetFilter | None
    include_all: bool


def category_tree(household_ids: Collection[UUID]) -> Tree:
    rows = Category.objects.filter(household__in=household_ids).values_list("id", "parent_id", "name")
    return Tree({pk: name for pk, _, name in rows}, {pk: parent for pk, parent, _ in rows})


class NamedTotals(NamedTuple):
    """Totals by group, with the name of each group in the order in which they are shown. `paths` has the paths of
    categories from the top, and is empty for other groups.
    """

    totals: Totals
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How assets are grouped. `level` is that of the tree of categories, from the top or from `category` if given.

    With `category` only assets in it or below it count; assets directly in it have its own key. With `asset_filter`
    only the assets that match it count. `portfolio_ids` are those of the report. With `include_all` the assets that do
    not count in net worth do.
    """

    group_by: str | None = None
    level: int = 1
    category: UUID | None = None
    asset_filter: AssetFilter = field(default_factory=dict)
    tree: Tree = field(default_factory=lambda: Tree({}, {}))
    portfolio_ids: Collection[UUID] = ()
    include_all: bool = False

    @property
    def renamed(self) -> dict[Hashable, Hashable]:
        """The key under which each category's assets are shown, of types that are liquid or not, of institutions."""
        if self.group_by == "liquidity":
            return {True: LIQUID, False: NOT_LIQUID, None: NOT_LIQUID}
        if self.group_by == "institution":
            return dict.fromkeys(NO_INSTITUTION)
        if self.group_by != "category":
            return {}
        if self.category is None:
            return dict(self.tree.shown_at(self.level).items())
        shown = self.tree.shown_below(self.category, self.level)
        return {pk: shown.get(pk, OUTSIDE) for pk in self.tree.parents}

    def matching_assets(self, portfolio_ids: Collection[UUID]) -> set[UUID] | None:
        """The assets of the category that match the filter; None if there is neither."""
        if self.category is None and not self.asset_filter:
            return None
        assets: QuerySet[Asset] = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
        for name, wanted in self.asset_filter.items():
            assets = filter_assets(assets, name, wanted)
        if self.category is not None:
            below = self.tree.subtree(self.category)
            links = AssetCategory.objects.filter(asset=OuterRef("pk"), category__in=below)
            assets = assets.filter(Exists(links))
        return set(assets.values_list("pk", flat=True))

    def totals(
        self,
        portfolio_ids: Collection[UUID],
        days: Sequence[date],
        *,
        liquid_apart: bool = False,
        read_series: valuation.SeriesReader | None = None,
    ) -> Totals:
        totals = valuation.totals_on(
            portfolio_ids,
            days,
            group_by=self.group_by,
            key_map=self.renamed,
            only_assets=self.matching_assets(portfolio_ids),
            liquid_apart=liquid_apart,
            include_all=self.include_all,
            read_series=read_series,
        )
        return without(totals, OUTSIDE)

    def keys_of_assets(self, portfolio_ids: Collection[UUID]) -> dict[Hashable, Keys]:
        counts = None if self.include_all else True
        assets = valuation.asset_refs(portfolio_ids, self.group_by, self.renamed, counts=counts)
        return {asset.id: tuple(key for key in asset.keys if key != OUTSIDE) for asset in assets}

    def labels(self, keys: Iterable[Hashable]) -> dict[Hashable, str]:
        """The names of the groups, in the order in which they are shown."""
        keys = set(keys)
        names = {key: name for key, name in self._names(keys - {None}) if key in keys}
        if None in keys and self.group_by:
            names[None] = str(NONE_LABELS.get(self.group_by, _("None")))
        return by_name(names)

    def _names(self, keys: set[Hashable]) -> Iterable[tuple[Hashable, str]]:
        ids = [key for key in keys if isinstance(key, UUID)]
        match self.group_by:
            case "type":
                return type_names(AssetType.objects.filter(pk__in=ids))
            case "category":
                return self.tree.names.items()
            case "tag":
                return Tag.objects.filter(pk__in=ids).values_list("pk", "name")
            case "portfolio":
                return Portfolio.objects.filter(pk__in=ids).values_list("pk", "name")
            case "asset":
                return Asset.objects.filter(pk__in=ids).values_list("pk", "name")
            case "institution":
                return spellings(self.portfolio_ids, keys)
            case "group":
                return ((key, str(label)) for key, label in Group.choices)
            case "liquidity":
                return ((key, str(label)) for key, label in LIQUIDITY.items())
        return ((key, str(key)) for key in keys)

    def path(self, key: Hashable) -> list[str]:
        """The names from the top of the tree down to the category."""
        return [self.tree.names[pk] for pk in (self.tree.path(key) if isinstance(key, UUID) else ())]


def by_name(names: Mapping[Hashable, str]) -> dict[Hashable, str]:
    """The names by key, in alphabetical order like lists; the key None is last."""
    return dict(sorted(names.items(), key=lambda item: (item[0] is None, *alphabetical(item[1], item[0]))))


def filter_assets(assets: QuerySet[Asset], name: str, wanted: Any) -> QuerySet[Asset]:
    """The assets that match one filter."""
    if name == "liquidity":
        is_liquid = {"asset_type__liquid": True}
        return assets.filter(**is_liquid) if wanted == LIQUID else assets.exclude(**is_liquid)
    if name not in valuation.LABELS:
        return assets.filter(**{f"{valuation.COLUMNS[name]}__in": wanted})
    links = valuation.LABELS[name].objects.filter(asset=OuterRef("pk"))
    return assets.filter(~Exists(links) if wanted is None else Exists(links.filter(**{name: wanted})))


def grouping(
    portfolios: Iterable[Portfolio],
    group_by: str | None,
    **narrowing: Unpack[Narrowing],
) -> Grouping:
    """The Grouping, with the tree of categories if it is needed."""
    portfolios = list(portfolios)
    ids = [portfolio.pk for portfolio in portfolios]
    include_all, asset_filter = narrowing.get("include_all", False), narrowing.get("asset_filter") or {}
    category = narrowing.get("category")
    if group_by != "category" and category is None:
        return Grouping(group_by, asset_filter=asset_filter, portfolio_ids=ids, include_all=include_all)
    tree = category_tree({portfolio.household_id for portfolio in portfolios})
    return Grouping(group_by, narrowing.get("level", 1), category, asset_filter, tree, ids, include_all)


def named_totals(
    portfolios: Collection[Portfolio],
    days: Sequence[date],
    group_by: str | None,
    **narrowing: Unpack[Narrowing],
) -> NamedTotals:
    groups = grouping(portfolios, group_by, **narrowing)
    totals = groups.totals([portfolio.pk for portfolio in portfolios], days)
    keys = {key for keys, _ in totals.columns for key in keys or (None,)}
    labels = groups.labels(keys if group_by else ())
    paths = {key: groups.path(key) for key in labels} if group_by == "category" else {}
    return NamedTotals(totals, labels, paths)


def spellings(portfolio_ids: Collection[UUID], keys: Collection[Hashable]) -> list[tuple[Hashable, str]]:
    """Each institution by its key, as most of the assets spell it."""
    assets = Asset.objects.filter(portfolio__in=portfolio_ids, institution_key__in=keys).order_by()
    rows = assets.values_list("institution_key", "institution").annotate(count=Count("pk"))
    rarest_first = sorted(sorted(rows, key=itemgetter(1), reverse=True), key=itemgetter(2))
    return [(key, name) for key, name, _count in rarest_first]


def without(totals: Totals, key: Hashable) -> Totals:
    """The totals without a key; columns that become the same are added up."""
    if not any(key in keys for keys, _ in totals.columns):
        return totals
    columns: dict[tuple[Keys, str], Column] = {}
    for (keys, currency), column in totals.columns.items():
        others = tuple(group for group in keys if group != key)
        known = columns.get((others, currency))
        columns[others, currency] = column if known is None else added_columns(known, column)
    return replace(totals, columns=columns)


def added_columns(first: Column, second: Column) -> Column:
    return Column(
        tuple(map(add, first.owned, second.owned)),
        tuple(map(add, first.owed, second.owed)),
    )
