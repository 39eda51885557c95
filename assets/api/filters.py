"""The filters of lists of assets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from assets.classification.tree import subtree
from assets.models import Asset, Category
from assets.models.asset import NO_INSTITUTION
from assets.models.querysets import AssetQuerySet
from portfolios.models import Portfolio
from strata.api.fields import UUIDSerializerField
from strata.api.parameters import UUID_SCHEMA, Parameter, read_text
from strata.exceptions import NotFound
from strata.fields.ids import CANONICAL_ID
from strata.fields.names import name_key

read_id = UUIDSerializerField().to_internal_value


def by_portfolio(name: str, about: str = "") -> Parameter:
    """404 for a portfolio that the caller cannot see, as in the earlier API."""

    def apply(rows: QuerySet[Asset], ids: list[UUID], view: Any) -> QuerySet[Asset]:
        portfolios = Portfolio.objects.for_user(view.request.user)
        if portfolios.filter(pk__in=ids).count() != len(set(ids)):
            raise NotFound("portfolio", name)
        return rows.filter(portfolio__in=ids)

    return Parameter(read_id, apply, UUID_SCHEMA, about)


def category_filter(rows: AssetQuerySet[Asset], ids: list[UUID], view: Any) -> QuerySet[Asset]:
    """Assets in the categories or anywhere below them."""
    named = Category.objects.for_user(view.request.user).filter(pk__in=ids).values("household")
    # nosemgrep: rows-through-for-user - the households of categories that came through it
    rows_of_trees = Category.objects.filter(household__in=named)
    parents = dict(rows_of_trees.values_list("id", "parent_id"))
    return rows.in_category_tree(subtree([pk for pk in ids if pk in parents], parents))


def type_filter(rows: QuerySet[Asset], wanted: list[str], view: Any) -> QuerySet[Asset]:
    """Assets of the types with these codes or ids."""
    ids = [text for text in wanted if CANONICAL_ID.fullmatch(text)]
    codes = set(wanted) - set(ids)
    by_id = rows.filter(asset_type__in=[UUID(text) for text in ids])
    return by_id | rows.filter(asset_type__code__in=codes)


def read_institution(text: str) -> tuple[str, ...]:
    """The keys of the institution that is named; those of none for "none"."""
    key = name_key(read_text(text))
    return NO_INSTITUTION if key in NO_INSTITUTION else (key,)


def institution_filter(rows: QuerySet[Asset], wanted: list[tuple[str, ...]], view: Any) -> QuerySet[Asset]:
    return rows.filter(institution_key__in={key for keys in wanted for key in keys})


def disposed_filter(rows: QuerySet[Asset], wanted: list[bool], view: Any) -> QuerySet[Asset]:
    is_disposed = {"disposed_on__lte": F("as_of")}
    return rows.filter(**is_disposed) if wanted[0] else rows.exclude(**is_disposed)
