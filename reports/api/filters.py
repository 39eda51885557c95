"""The filters of reports: the assets of a type, a group of types, a tag, a currency, or a branch of categories.

"none" means assets without a tag or in no category, as in the keys of groups.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from assets.api.filters import read_institution
from assets.models import AssetType, Category, Tag
from assets.models.classification import Group
from reports.queries.groups import LIQUIDITY
from reports.queries.keys import NONE_KEY
from strata.api.fields import UUIDSerializerField
from strata.api.parameters import TEXT, UUID_SCHEMA, Parameter, choice, currency_code, read_text
from strata.exceptions import NotFound
from strata.fields.ids import CANONICAL_ID

ID_OR_NONE = {"anyOf": [UUID_SCHEMA, {"type": "string", "enum": [NONE_KEY]}]}


def id_or_none(text: str) -> UUID | None:
    return None if text == NONE_KEY else UUIDSerializerField().to_internal_value(text)


ASSET_FILTERS = {
    "type": Parameter(
        read_text,
        None,
        {"anyOf": [UUID_SCHEMA, TEXT]},
        "Only assets of this type, by code or id.",
        many=False,
    ),
    "group": choice(Group.values, "Only assets whose type is of this group."),
    "liquidity": choice(LIQUIDITY, "Only assets whose type is liquid, or only the others."),
    "institution": Parameter(
        read_institution,
        None,
        TEXT,
        'Only assets of this institution, in any spelling; "none" for those without one.',
        many=False,
    ),
    "tag": Parameter(id_or_none, None, ID_OR_NONE, "Only assets with this tag, or with none.", many=False),
    "asset_currency": currency_code("Only assets that are kept in this currency."),
    "category": Parameter(
        id_or_none, None, ID_OR_NONE, "Only assets in this category or below it, or in none.", many=False
    ),
}


def read_asset_filter(asked: dict[str, Any], user: Any) -> None:
    """Replace the filter parameters with the `asset_filter` that reports take. 404 for what the user may not see."""
    asset_filter: dict[str, Any] = {}
    if "type" in asked:
        asset_filter["type"] = types_named(asked.pop("type"), user)
    if "group" in asked:
        asset_filter["group"] = [asked.pop("group")]
    if "liquidity" in asked:
        asset_filter["liquidity"] = asked.pop("liquidity")
    if "institution" in asked:
        asset_filter["institution"] = asked.pop("institution")
    if "asset_currency" in asked:
        asset_filter["currency"] = [asked.pop("asset_currency")]
    if "tag" in asked:
        asset_filter["tag"] = visible_id("tag", Tag, asked.pop("tag"), user)
    if "category" in asked and visible_id("category", Category, asked["category"], user) is None:
        asset_filter["category"] = asked.pop("category")
    asked["asset_filter"] = asset_filter


def types_named(text: str, user: Any) -> list[UUID]:
    """Several types may have the same code: one in each of the caller's households."""
    named = {"pk": text} if CANONICAL_ID.fullmatch(text) else {"code": text}
    type_ids = list(AssetType.objects.for_user(user).filter(**named).values_list("pk", flat=True))
    if not type_ids:
        raise NotFound("asset_type", "type")
    return type_ids


def visible_id(parameter: str, model: type[Category] | type[Tag], pk: UUID | None, user: Any) -> UUID | None:
    """`pk`, or None as given; 404 if the user may not see the row."""
    if pk is not None and not model.objects.for_user(user).filter(pk=pk).exists():
        raise NotFound(parameter, parameter)
    return pk
