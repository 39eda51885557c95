"""The filters of lists of assets, and of what belongs to assets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from assets.api.names import ASSET_TYPES, CATEGORIES, PORTFOLIOS, TAGS
from assets.classification.tree import subtree
from assets.models import Asset, AssetTag, Category
from assets.models.asset import NO_INSTITUTION
from assets.models.classification import Group
from assets.models.querysets import AssetQuerySet
from portfolios.models import Portfolio
from strata.api.fields import UUIDSerializerField
from strata.api.names import named_filter
from strata.api.parameters import (
    TEXT,
    UUID_SCHEMA,
    Parameter,
    choice_filter,
    currency_filter,
    read_bool,
    read_text,
)
from strata.exceptions import NotFound
from strata.fields.names import name_key

read_id = UUIDSerializerField().to_internal_value


def by_portfolio_id(rows: QuerySet[Asset], ids: list[UUID], view: Any) -> QuerySet[Asset]:
    """404 for a portfolio that the caller cannot see, as in the earlier API."""
    portfolios = Portfolio.objects.for_user(view.request.user)
    if portfolios.filter(pk__in=ids).count() != len(set(ids)):
        raise NotFound("portfolio", "portfolio_id")
    return rows.filter(portfolio__in=ids)


def in_categories(rows: AssetQuerySet[Asset], ids: list[UUID], view: Any) -> QuerySet[Asset]:
    """Assets in the categories, all visible, or anywhere below them."""
    named = Category.objects.for_user(view.request.user).filter(pk__in=ids).values("household")
    # nosemgrep: rows-through-for-user - the households of categories that came through it
    rows_of_trees = Category.objects.filter(household__in=named)
    parents = dict(rows_of_trees.values_list("id", "parent_id"))
    return rows.in_category_tree(subtree(ids, parents))


def with_tags(rows: QuerySet[Asset], ids: list[UUID], view: Any) -> QuerySet[Asset]:
    # nosemgrep: rows-through-for-user - links of the assets in `rows`, which came through it
    return rows.filter(pk__in=AssetTag.objects.filter(tag__in=ids).values("asset"))


def read_institution(text: str) -> tuple[str, ...]:
    """The keys of the institution that is named; those of none for "none"."""
    key = name_key(read_text(text))
    return NO_INSTITUTION if key in NO_INSTITUTION else (key,)


def institution_filter(rows: QuerySet[Asset], wanted: list[tuple[str, ...]], view: Any) -> QuerySet[Asset]:
    return rows.filter(institution_key__in={key for keys in wanted for key in keys})


def disposed_filter(rows: QuerySet[Asset], wanted: list[bool], view: Any) -> QuerySet[Asset]:
    is_disposed = {"disposed_on__lte": F("as_of")}
    return rows.filter(**is_disposed) if wanted[0] else rows.exclude(**is_disposed)


# Which assets, for a list of them and for a list of what belongs to them.
ASSET_FILTERS = {
    "portfolio": named_filter("portfolio", PORTFOLIOS, "portfolio"),
    "type": named_filter("type", ASSET_TYPES, "asset_type"),
    "group": choice_filter("asset_type__group", Group.values, "Of types of this class."),
    "category": named_filter("category", CATEGORIES, in_categories, "With all categories below it."),
    "tag": named_filter("tag", TAGS, with_tags),
    "currency": currency_filter(),
}
PORTFOLIO_ID = Parameter(read_id, by_portfolio_id, UUID_SCHEMA, "As `portfolio`, by id alone.")
INSTITUTION = Parameter(
    read_institution, institution_filter, TEXT, 'In any spelling; "none" for assets without one.'
)
IS_DISPOSED = Parameter(
    read_bool, disposed_filter, {"type": "boolean"}, "Whether it has been sold or given away.", many=False
)
