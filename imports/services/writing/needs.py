"""What needs the assets, instruments, categories and tags that imports made: an undo removes those that nothing needs.

Whatever is not in `Going` counts, also what was entered by hand: assets, prices that count, actions, sources of
prices, targets, categories below, and loans that are secured on an asset.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from assets.models import (
    Asset,
    AssetCategory,
    AssetTag,
    Category,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    Loan,
    PriceBlock,
    Tag,
)
from reports.models import AllocationTarget
from strata.audit import deletions

type Parent = type[Instrument] | type[Category] | type[Tag]
type Link = tuple[UUID, UUID]  # what needs, and what is needed


@dataclass(frozen=True, slots=True)
class Going:
    """The ids of what an undo removes: it needs nothing any more. Loads are withdrawn."""

    assets: Collection[UUID] = frozenset()
    actions: Collection[UUID] = frozenset()
    loads: Collection[UUID] = ()


def needed(model: Parent, ids: Collection[UUID], going: Going) -> set[UUID]:
    """Those of these rows that something needs which stays."""
    return NEEDED[model](ids, going) if ids else set()


def needed_instruments(ids: Collection[UUID], going: Going) -> set[UUID]:
    assets = deletions.without_hidden(Asset._base_manager.filter(instrument__pk__among=list(ids)))
    actions = InstrumentAction._base_manager.order_by()
    prices = PriceBlock.objects.filter(instrument__pk__among=list(ids), load__withdrawn_at=None)
    sources = InstrumentSource._base_manager.filter(instrument__pk__among=list(ids))
    every = {
        *of_others(links(assets, "instrument"), going.assets),
        *of_others(links(actions.filter(instrument__pk__among=list(ids)), "instrument"), going.actions),
        *of_others(links(actions.filter(to_instrument__pk__among=list(ids)), "to_instrument"), going.actions),
        *of_others(pairs(prices.distinct(), "load_id", "instrument_id"), going.loads),
        *of_others(links(sources, "instrument")),
    }
    return every


def needed_categories(ids: Collection[UUID], going: Going) -> set[UUID]:
    """Also those above one that stays."""
    every = labels_in_use(AssetCategory, "category", ids, going)
    below = list(links(Category._base_manager.filter(parent__pk__among=list(ids)), "parent"))
    candidates = set(ids)
    while above := {
        parent
        for child, parent in below
        if parent not in every and (child in every or child not in candidates)
    }:
        every |= above
    return every


def needed_tags(ids: Collection[UUID], going: Going) -> set[UUID]:
    return labels_in_use(AssetTag, "tag", ids, going)


def needed_assets(ids: Collection[UUID], going: Collection[UUID]) -> set[UUID]:
    """Those that a target names, or on which a loan is secured that does not go."""
    loans = deletions.without_hidden(Loan._base_manager.filter(collateral__pk__among=list(ids)))
    return {
        *of_others(pairs(loans, "asset_id", "collateral_id"), going),
        *of_others(links(AllocationTarget._base_manager.filter(asset__pk__among=list(ids)), "asset")),
    }


def labels_in_use(
    model: type[AssetCategory] | type[AssetTag], name: str, ids: Collection[UUID], going: Going
) -> set[UUID]:
    """Those that an asset has, or a target names."""
    of_assets = deletions.without_hidden(model._base_manager.filter(**{f"{name}__pk__among": list(ids)}))
    targets = AllocationTarget._base_manager.filter(**{f"{name}__pk__among": list(ids)})
    return {
        *of_others(pairs(of_assets, "asset_id", f"{name}_id"), going.assets),
        *of_others(links(targets, name)),
    }


def links(rows: QuerySet[Any, Any], name: str) -> Iterator[Link]:
    return pairs(rows, "pk", f"{name}_id")


def pairs(rows: QuerySet[Any, Any], user: str, used: str) -> Iterator[Link]:
    return rows.order_by().values_list(user, used).iterator(chunk_size=2000)


def of_others(every: Iterable[Link], going: Collection[UUID] = ()) -> Iterator[UUID]:
    """What is needed by those that do not go."""
    return (used for user, used in every if user not in going)


def parents_of(asset_ids: Collection[UUID]) -> set[UUID]:
    """The instruments, tags and categories of the assets."""
    ids = list(asset_ids)
    instruments = Asset._base_manager.filter(pk__among=ids).exclude(instrument=None)
    return {
        *(pk for _, pk in links(instruments, "instrument")),
        *(pk for _, pk in links(AssetTag._base_manager.filter(asset__pk__among=ids), "tag")),
        *(pk for _, pk in links(AssetCategory._base_manager.filter(asset__pk__among=ids), "category")),
    }


def with_those_above(ids: Iterable[UUID]) -> set[UUID]:
    """Also the categories above the categories among the ids."""
    every = set(ids)
    level = every
    while level:
        above = Category._base_manager.filter(pk__among=list(level)).exclude(parent=None)
        level = {parent for _, parent in links(above, "parent")} - every
        every |= level
    return every


def below_first(categories: Iterable[Category]) -> list[Category]:
    """In an order in which each can be deleted: those below a category before it."""
    by_id = {category.pk: category for category in categories}

    def level(category: Category) -> int:
        above = by_id.get(category.parent_id) if category.parent_id else None
        return 1 + level(above) if above else 0

    return sorted(by_id.values(), key=level, reverse=True)


NEEDED: dict[Any, Callable[[Collection[UUID], Going], set[UUID]]] = {
    Instrument: needed_instruments,
    Category: needed_categories,
    Tag: needed_tags,
}
