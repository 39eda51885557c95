"""The filters of reports: the assets of a type, a group of types, a tag, a currency, or a branch of categories.

"none" means assets without a tag or in no category, as in the keys of groups.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from assets.api.filters import read_institution
from assets.api.names import ASSET_TYPES, CATEGORIES, TAGS
from assets.models.classification import Group
from reports.queries.groups import LIQUIDITY
from reports.queries.keys import NONE_KEY
from strata.api.names import ID_OR_NAME, NamedRows
from strata.api.parameters import TEXT, Parameter, choice, currency_code, read_text

INCLUDE = choice(
    ["all"], "Also the assets that do not count in net worth, which are left out where it is absent."
)
ASSET_FILTERS = {
    "type": Parameter(
        read_text, None, ID_OR_NAME, "Only assets of this type, by id, code or name.", many=False
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
    "tag": Parameter(
        read_text, None, ID_OR_NAME, 'Only assets with this tag, by id or name, or with "none".', many=False
    ),
    "asset_currency": currency_code("Only assets that are kept in this currency."),
    "category": Parameter(
        read_text,
        None,
        ID_OR_NAME,
        'Only assets in this category or below it, by id or name, or in "none".',
        many=False,
    ),
}


def read_asset_filter(asked: dict[str, Any], user: Any) -> None:
    """Replace the filter parameters with the `asset_filter` that reports take. 404 for what the user may not see."""
    asset_filter: dict[str, Any] = {}
    if "type" in asked:
        asset_filter["type"] = ASSET_TYPES.ids([asked.pop("type")], user, "type")
    if "group" in asked:
        asset_filter["group"] = [asked.pop("group")]
    if "liquidity" in asked:
        asset_filter["liquidity"] = asked.pop("liquidity")
    if "institution" in asked:
        asset_filter["institution"] = asked.pop("institution")
    if "asset_currency" in asked:
        asset_filter["currency"] = [asked.pop("asset_currency")]
    if "tag" in asked:
        asset_filter["tag"] = id_or_none("tag", TAGS, asked.pop("tag"), user)
    if "category" in asked:
        asked["category"] = id_or_none("category", CATEGORIES, asked["category"], user)
        if asked["category"] is None:
            asset_filter["category"] = asked.pop("category")
    asked["asset_filter"] = asset_filter


def id_or_none(parameter: str, rows: NamedRows, text: str, user: Any) -> UUID | None:
    """The id of the row that the text names, or None for "none"."""
    return None if text == NONE_KEY else rows.ids([text], user, parameter)[0]
