"""How assets are shown: dicts made of columns, so that a page of them needs no models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from rest_framework.renderers import JSONRenderer

from assets.services import labels
from assets.valuation import AssetRef, NewestPoint, newest_points
from strata.api.fields import InstantSerializerField
from strata.exceptions import Invalid
from strata.fields.numbers import money_text, plain

if TYPE_CHECKING:
    from assets.valuation.current import AssetWithValue

type JsonObject = dict[str, Any]

instant = InstantSerializerField().to_representation
json_bytes = JSONRenderer().render


class AssetRow(NamedTuple):
    """The columns that an answer is made of, by the names that a query gives them."""

    pk: UUID
    name: str
    currency: str
    quantity: Decimal | None
    notes: str
    institution: str
    account_number_end: str
    counts_in_net_worth: bool
    kind: str
    valuation: str
    instrument_id: UUID | None
    lot_method: str | None
    acquired_on: date | None
    disposed_on: date | None
    as_of: date
    current_value: Decimal | None
    current_value_on: date | None
    created_at: datetime
    updated_at: datetime
    asset_type_id: UUID
    asset_type__code: str
    asset_type__label: str
    asset_type__group: str
    portfolio_id: UUID
    portfolio__name: str
    shares: str
    share: Decimal = Decimal(1)  # no column: it follows from `shares` and `as_of`

    def with_point(self, point: NewestPoint) -> AssetRow:
        return self._replace(current_value=point.value, current_value_on=point.on, share=point.share)


COLUMNS = AssetRow._fields[:-1]
_columns_of = attrgetter(*(name.replace("__", ".") for name in AssetRow._fields))


def with_other_values(rows: Iterable[AssetRow]) -> list[AssetRow]:
    """The rows of a query, with the values filled in that are not recorded values of the whole asset."""
    rows = list(rows)
    others = {
        ref: row.as_of
        for row in rows
        for ref in (AssetRef(row.pk, row.currency, row.valuation, row.shares, row.disposed_on),)
        if not ref.is_by_hand
    }
    points = newest_points(others)
    return [row.with_point(points[row.pk]) if row.pk in points else row for row in rows]


def row_of(asset: AssetWithValue) -> AssetRow:
    return AssetRow._make(_columns_of(asset))


def as_json(rows: Sequence[AssetRow]) -> list[JsonObject]:
    """The assets as the API shows them. A type or portfolio of many of them is one object."""
    labels_by_asset = labels_as_json([row.pk for row in rows])
    types: dict[UUID, JsonObject] = {}
    portfolios: dict[UUID, JsonObject] = {}
    for row in rows:
        types.setdefault(row.asset_type_id, type_as_json(row))
        portfolios.setdefault(row.portfolio_id, {"id": str(row.portfolio_id), "name": row.portfolio__name})
    return [
        own_fields(row)
        | {"asset_type": types[row.asset_type_id], "portfolio": portfolios[row.portfolio_id]}
        | labels_by_asset[row.pk]
        for row in rows
    ]


def own_fields(row: AssetRow) -> JsonObject:
    return {
        "id": str(row.pk),
        "name": row.name,
        "currency": row.currency,
        "quantity": None if row.quantity is None else plain(row.quantity),
        "notes": row.notes,
        "institution": row.institution,
        "account_number_end": row.account_number_end,
        "counts_in_net_worth": row.counts_in_net_worth,
        "kind": row.kind,
        "valuation": row.valuation,
        "instrument_id": row.instrument_id and str(row.instrument_id),
        "lot_method": row.lot_method,
        "acquired_on": row.acquired_on and row.acquired_on.isoformat(),
        "disposed": row.disposed_on is not None and row.disposed_on <= row.as_of,
        "disposed_on": row.disposed_on and row.disposed_on.isoformat(),
        "current_value": None if row.current_value is None else money_text(row.current_value),
        "current_value_on": row.current_value_on and row.current_value_on.isoformat(),
        "share": plain(row.share),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
    }


def type_as_json(row: AssetRow) -> JsonObject:
    return {
        "id": str(row.asset_type_id),
        "code": row.asset_type__code,
        "label": row.asset_type__label,
        "group": row.asset_type__group,
    }


def labels_as_json(assets: Collection[UUID]) -> dict[UUID, JsonObject]:
    """The categories and tags of each asset as the API shows them."""
    category_as_json = cache(
        lambda category: {
            "id": str(category.id),
            "name": category.name,
            "parent_id": category.parent_id and str(category.parent_id),
        }
    )
    tag_as_json = cache(lambda tag: {"id": str(tag.id), "name": tag.name})
    return {
        pk: {
            "categories": [category_as_json(category) for category in of_asset.categories],
            "tags": [tag_as_json(tag) for tag in of_asset.tags],
        }
        for pk, of_asset in labels.labels_of(assets).items()
    }


# --- the size of a page ---

LARGEST_PAGE = 8 * 2**20  # bytes of JSON


def refuse_large(page: list[JsonObject]) -> None:
    """Raises Invalid for a page that would be too large as JSON."""
    size = size_of(page) if may_be_large(page) else 0
    if size > LARGEST_PAGE and len(page) > 1:
        message = (
            f"These assets are more than 8 MiB: ask for at most {len(page) * LARGEST_PAGE // size} a page."
        )
        raise Invalid("page_size", message, "too_much")


def may_be_large(page: list[JsonObject]) -> bool:
    """Whether the page must be measured: a character of a note takes at most 6 bytes, a label at most 1,000."""
    label_count = sum(len(row["categories"]) + len(row["tags"]) for row in page)
    return 6 * sum(len(row["notes"]) for row in page) + 1000 * label_count + 4000 * len(page) > LARGEST_PAGE


def size_of(page: list[JsonObject]) -> int:
    """The size of the page as JSON, in bytes. A label that many assets have is measured once."""
    labels_by_id = {id(label): label for row in page for label in categories_and_tags(row)}
    sizes = {key: len(json_bytes(label)) for key, label in labels_by_id.items()}
    own = sum(len(json_bytes(row | {"categories": [], "tags": []})) for row in page)
    return own + sum(sizes[id(label)] + 1 for row in page for label in categories_and_tags(row))


def categories_and_tags(row: JsonObject) -> Iterable[JsonObject]:
    return (*row["categories"], *row["tags"])
