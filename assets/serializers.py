"""How assets, their values and movements, and what sorts them are read and written."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from assets import taxonomy
from assets.models import Asset, AssetSnapshot, AssetType, Category, ExchangeRate, Tag, Transaction
from assets.moments import free_moment
from assets.movements import check_movement, next_position, refuse_moved_disposal
from portfolios.api.fields import HouseholdId
from portfolios.models import Portfolio
from strata.api.fields import (
    BooleanSerializerField,
    CurrencySerializerField,
    DaySerializerField,
    ExactSerializerField,
    InstantSerializerField,
    ListSerializerField,
    MoneySerializerField,
    UUIDSerializerField,
    checked,
)
from strata.api.serializers import HouseholdSerializer, RelatedId, StrictSerializer
from strata.clock import written_at
from strata.days import resolve_moment
from strata.exceptions import Conflict, Invalid
from strata.money import money_text, plain

instant = InstantSerializerField().to_representation


class AssetTypeSerializer(HouseholdSerializer):
    household_id = HouseholdId(allow_null=True)
    needed_by_put = ("label",)

    class Meta:
        model = AssetType
        fields = ("id", "household_id", "code", "label", "group", "kind", "stale_after_days")
        validators = ()

    def validate(self, attrs):
        attrs = super().validate(attrs)
        code = attrs.get("code")
        if code and AssetType.objects.filter(household=None, code=code).exclude(
            pk=getattr(self.instance, "pk", None)
        ):
            raise Conflict("DUPLICATE_NAME", "A shared type has this code.", "code")
        return attrs


class CategorySerializer(HouseholdSerializer):
    household_id = HouseholdId()
    parent_id = RelatedId(Category.objects, "category", source="parent", required=False, allow_null=True)

    class Meta:
        model = Category
        fields = ("id", "household_id", "name", "parent_id")
        validators = ()

    def validate(self, attrs):
        attrs = super().validate(attrs)
        if self.instance and attrs.get("parent"):
            taxonomy.refuse_bad_parent(self.instance, attrs["parent"])
        return attrs

    def create(self, validated_data):
        if validated_data.get("parent"):
            new = Category(household=validated_data["household"])
            taxonomy.refuse_bad_parent(new, validated_data["parent"])
        return super().create(validated_data)


class TagSerializer(HouseholdSerializer):
    household_id = HouseholdId()

    class Meta:
        model = Tag
        fields = ("id", "household_id", "name")
        validators = ()


class TypeOfAsset(StrictSerializer):
    id = UUIDSerializerField()
    code = serializers.CharField()
    label = serializers.CharField()
    group = serializers.CharField()


class NamedRow(StrictSerializer):
    id = UUIDSerializerField()
    name = serializers.CharField()


class BranchRow(NamedRow):
    parent_id = UUIDSerializerField(allow_null=True)


class FirstValue(StrictSerializer):
    """What a new asset may be given besides its own fields: its first value, and when that was."""

    value = MoneySerializerField(write_only=True, required=False)
    observed_at = InstantSerializerField(write_only=True, required=False)
    on = DaySerializerField(write_only=True, required=False)


class LabelIds(ListSerializerField):
    """Ids of categories or tags. The list may be longer than an asset may have: one that had more can lose some."""

    child = UUIDSerializerField()

    def __init__(self, **kwargs):
        about = f"At most {taxonomy.MOST_LABELS}; an asset that has more keeps them."
        super().__init__(write_only=True, required=False, max_length=1000, help_text=about, **kwargs)


def labels_shown(assets: Collection[UUID]) -> dict[UUID, dict[str, list[dict[str, str | None]]]]:
    """The categories and tags of each asset as its answer has them; a label of many assets is one object."""
    categories = taxonomy.labels_of(assets, taxonomy.CATEGORIES)
    tags = taxonomy.labels_of(assets, taxonomy.TAGS)
    branch = cache(
        lambda one: {"id": str(one.id), "name": one.name, "parent_id": one.parent_id and str(one.parent_id)}
    )
    tag = cache(lambda one: {"id": str(one.id), "name": one.name})
    return {
        pk: {
            "categories": [branch(one) for one in categories.get(pk, ())],
            "tags": [tag(one) for one in tags.get(pk, ())],
        }
        for pk in assets
    }


LARGEST_PAGE = 8 * 2**20  # bytes of JSON


class AssetListSerializer(serializers.ListSerializer):
    """Reads the categories and tags of a page together, and refuses a page that would be too large."""

    def to_representation(self, data):
        rows = list(data)
        self.child.labels = labels_shown([row.pk for row in rows])
        page = super().to_representation(rows)
        size = size_of(page) if may_be_large(page) else 0
        if size > LARGEST_PAGE and len(page) > 1:
            message = f"These assets are more than 8 MiB: ask for at most {len(page) * LARGEST_PAGE // size} a page."
            raise Invalid("page_size", message, "too_much")
        return page


def may_be_large(page: list[dict[str, Any]]) -> bool:
    """Whether to measure it: no character of a note takes more than 6 bytes, no label 1,000, no other field much."""
    labels = sum(len(row["categories"]) + len(row["tags"]) for row in page)
    return 6 * sum(len(row["notes"]) for row in page) + 1000 * labels + 4000 * len(page) > LARGEST_PAGE


def size_of(page: list[dict[str, Any]]) -> int:
    """Of the page as JSON, in bytes. A label that many assets have is measured once."""
    labels = {id(label): label for row in page for label in (*row["categories"], *row["tags"])}
    sizes = {key: len(as_json(label)) for key, label in labels.items()}
    own = sum(len(as_json(row | {"categories": [], "tags": []})) for row in page)
    return own + sum(sizes[id(label)] + 1 for row in page for label in (*row["categories"], *row["tags"]))


as_json = JSONRenderer().render


class AssetSerializer(FirstValue, HouseholdSerializer):
    """Written by ids (`portfolio_id`, `asset_type_id`, `category_ids`, `tag_ids`), read with the rows themselves."""

    portfolio_id = RelatedId(
        Portfolio._base_manager,
        "portfolio",
        write_only=True,
        help_text="Another one moves the asset with its whole past: values, transactions and totals of all days.",
    )
    asset_type_id = RelatedId(AssetType.objects, "asset_type", write_only=True)
    currency = CurrencySerializerField(required=False)
    quantity = ExactSerializerField(required=False, allow_null=True)
    category_ids = LabelIds()
    tag_ids = LabelIds()
    disposed = BooleanSerializerField(read_only=True)
    disposed_on = DaySerializerField(read_only=True, allow_null=True)
    current_value = MoneySerializerField(read_only=True, allow_null=True)
    current_value_on = DaySerializerField(read_only=True, allow_null=True)
    asset_type = TypeOfAsset(read_only=True)
    portfolio = NamedRow(read_only=True)
    categories = BranchRow(many=True, read_only=True)
    tags = NamedRow(many=True, read_only=True)
    computed = frozenset({"current_value", "current_value_on", "disposed"})
    set_elsewhere = {
        "asset_type": "Send asset_type_id.",
        "portfolio": "Send portfolio_id.",
        "categories": "Send category_ids.",
        "tags": "Send tag_ids.",
        "disposed": "Use dispose or reinstate.",
        "disposed_on": "Use dispose or reinstate.",
    }

    labels = None

    class Meta:
        model = Asset
        list_serializer_class = AssetListSerializer
        fields = (
            "id",
            "name",
            "currency",
            "quantity",
            "notes",
            "kind",
            "acquired_on",
            "disposed",
            "disposed_on",
            "current_value",
            "current_value_on",
            "created_at",
            "updated_at",
            "asset_type",
            "portfolio",
            "categories",
            "tags",
            "portfolio_id",
            "asset_type_id",
            "category_ids",
            "tag_ids",
            "value",
            "observed_at",
            "on",
        )
        validators = ()

    def to_representation(self, row: Asset) -> dict[str, Any]:
        """By hand: building it field by field takes most of a list's time."""
        portfolio, asset_type = row.portfolio, row.asset_type
        return {
            "id": str(row.pk),
            "name": row.name,
            "currency": row.currency,
            "quantity": None if row.quantity is None else plain(row.quantity),
            "notes": row.notes,
            "kind": row.kind,
            "acquired_on": row.acquired_on and row.acquired_on.isoformat(),
            "disposed": row.disposed_on is not None and row.disposed_on <= row.as_of,
            "disposed_on": row.disposed_on and row.disposed_on.isoformat(),
            "current_value": None if row.current_value is None else money_text(row.current_value),
            "current_value_on": row.current_value_on and row.current_value_on.isoformat(),
            "created_at": instant(row.created_at),
            "updated_at": instant(row.updated_at),
            "asset_type": {
                "id": str(asset_type.pk),
                "code": asset_type.code,
                "label": asset_type.label,
                "group": asset_type.group,
            },
            "portfolio": {"id": str(portfolio.pk), "name": portfolio.name},
            **(self.labels or labels_shown([row.pk]))[row.pk],
        }

    def computed_of(self, row: Asset) -> frozenset[str]:
        """`disposed` becomes true on the day of a recorded disposal, and without one never."""
        return self.computed if row.disposed_on else self.computed - {"disposed"}

    def validate(self, attrs):
        attrs = super().validate(attrs)
        portfolio = attrs.get("portfolio")
        if portfolio is not None:
            self.require_editor(portfolio)
        if "value" not in attrs and attrs.keys() & {"observed_at", "on"}:
            raise serializers.ValidationError({"value": "A moment needs a value."}, code="required")
        if self.instance is None:
            attrs.setdefault("currency", portfolio.base_currency)
        elif attrs.keys() & {"value", "observed_at", "on"}:
            raise serializers.ValidationError({"value": "Only a new asset takes a value; add a snapshot."})
        self._refuse_new_currency(attrs)
        self._refuse_late_acquisition(attrs)
        taxonomy.check_labels(self.instance, attrs)
        return attrs

    def _refuse_new_currency(self, attrs):
        row = self.instance
        if row is not None and attrs.get("currency", row.currency) != row.currency and row.has_entries():
            raise Conflict("CURRENCY_IN_USE", "It has values or transactions in its currency.", "currency")

    def _refuse_late_acquisition(self, attrs):
        row, on = self.instance, attrs.get("acquired_on")
        if row and on and row.disposed_on and row.acquired_on != on > row.disposed_on:
            message = f"It lies after {row.disposed_on}, when it was disposed of."
            raise serializers.ValidationError({"acquired_on": message})

    def create(self, attrs):
        categories, tags = attrs.pop("category_ids", ()), attrs.pop("tag_ids", ())
        first = {name: attrs.pop(name) for name in ("value", "observed_at", "on") if name in attrs}
        asset = super().create(attrs)
        taxonomy.label(asset, category_ids=categories, tag_ids=tags)
        if first:
            moment = (first.get("observed_at"), first.get("on"))
            at, on = checked(resolve_moment, *moment, asset.portfolio.time_zone, written_at())
            AssetSnapshot.objects.create(asset=asset, value=first["value"], observed_at=at, on=on)
        return asset

    def update(self, asset, attrs):
        labels = {name: attrs.pop(name) for name in ("category_ids", "tag_ids") if name in attrs}
        asset = super().update(asset, attrs)
        taxonomy.label(asset, **labels)
        return asset


class MomentSerializer(HouseholdSerializer):
    """What snapshots and transactions share: an instant, and the day it falls on where the portfolio is."""

    asset_id = UUIDSerializerField(read_only=True)
    on = DaySerializerField(required=False)
    needed_by_put: tuple[str, ...] = ()
    instant_field = "observed_at"

    def validate(self, attrs):
        attrs = super().validate(attrs)
        given = {name for name in (self.instant_field, "on") if name in attrs}
        if self.instance is None or given:
            self.settle_moment(attrs)
        return attrs

    def settle_moment(self, attrs):
        at, on, row = attrs.get(self.instant_field), attrs.get("on"), self.instance
        if row is not None and (at or getattr(row, self.instant_field), on or row.on) == (
            getattr(row, self.instant_field),
            row.on,
        ):
            return
        asset = self.context["asset"]
        attrs[self.instant_field], attrs["on"] = resolve_moment(
            at, on, asset.portfolio.time_zone, written_at()
        )


class AssetSnapshotSerializer(MomentSerializer):
    observed_at = InstantSerializerField(required=False)

    class Meta:
        model = AssetSnapshot
        fields = ("id", "asset_id", "value", "observed_at", "on", "note", "created_at", "updated_at")
        validators = ()

    needed_by_put = ("value",)

    def create(self, attrs):
        if not self.initial_data.keys() & {"observed_at", "on"}:
            attrs["observed_at"] = free_moment(self.context["asset"], attrs["observed_at"])
        return super().create(attrs)


class TransactionSerializer(MomentSerializer):
    occurred_at = InstantSerializerField(required=False)
    currency = CurrencySerializerField(required=False)
    instant_field = "occurred_at"

    class Meta:
        model = Transaction
        fields = (
            "id",
            "asset_id",
            "type",
            "amount",
            "quantity",
            "unit_price",
            "fee",
            "tax",
            "currency",
            "occurred_at",
            "on",
            "position",
            "note",
            "source",
            "external_id",
            "created_at",
            "updated_at",
        )
        validators = ()
        extra_kwargs = {
            "fee": {"required": False},
            "tax": {"required": False},
            "position": {"required": False},
        }

    needed_by_put = ("type",)

    def settle_moment(self, attrs):
        """The day of a disposal's sale is refused before it may contradict the instant, which is sent with it."""
        if self.instance is not None and "on" in attrs:
            refuse_moved_disposal(self.instance, {"on": attrs["on"]})
        super().settle_moment(attrs)

    def validate(self, attrs):
        attrs = super().validate(attrs)
        if self.instance is None:
            attrs.setdefault("currency", self.context["asset"].currency)
        refuse_moved_disposal(self.instance, attrs)
        attrs.update(check_movement(self.instance, attrs))
        return attrs

    def create(self, attrs):
        if "position" not in attrs:
            attrs["position"] = next_position(self.context["asset"], attrs["on"])
        return super().create(attrs)


class DisposalSerializer(StrictSerializer):
    """`on` is today where it is not given. `proceeds` makes one DISPOSE; without it the asset simply went."""

    on = DaySerializerField(required=False)
    proceeds = MoneySerializerField(required=False, allow_null=True)

    def validate_proceeds(self, value):
        if value is not None and value < 0:
            raise serializers.ValidationError("Proceeds are not negative.")
        return value


class AttachSerializer(StrictSerializer):
    asset_id = UUIDSerializerField()


class ExchangeRateSerializer(StrictSerializer, serializers.ModelSerializer):
    serializer_field_mapping = HouseholdSerializer.serializer_field_mapping
    units_per_euro = ExactSerializerField(positive=True)

    class Meta:
        model = ExchangeRate
        fields = ("id", "currency", "on", "units_per_euro", "lasting", "source", "recorded_at")
        read_only_fields = ("source", "recorded_at")
