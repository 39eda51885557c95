"""The API of allocation targets."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from assets.models import Asset, AssetType, Category, Tag
from portfolios.api.fields import HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from strata.api.fields import (
    CurrencySerializerField,
)
from strata.api.parameters import KNOWN_AT, id_filter
from strata.api.serializers import HouseholdSerializer, RelatedId
from strata.api.viewsets import HouseholdModelViewSet
from strata.exceptions import NotFound

OWNED = ("portfolio", "asset_type", "category", "tag", "asset")


class AllocationTargetSerializer(HouseholdSerializer):
    """A target names exactly one group, and keeps it: another group needs another target."""

    household_id = HouseholdId()
    portfolio_id = RelatedId(Portfolio.objects, "portfolio", required=False, allow_null=True)
    group_by = serializers.ChoiceField(read_only=True, choices=list(GROUPS))
    asset_type_id = RelatedId(AssetType.objects, "asset_type", required=False, allow_null=True)
    category_id = RelatedId(Category.objects, "category", required=False, allow_null=True)
    tag_id = RelatedId(Tag.objects, "tag", required=False, allow_null=True)
    currency = CurrencySerializerField(required=False, allow_null=True)
    asset_id = RelatedId(Asset.objects, "asset", required=False, allow_null=True)
    needed_by_put = ("share",)

    class Meta:
        model = AllocationTarget
        fields = (
            "id",
            "household_id",
            "portfolio_id",
            "group_by",
            "asset_type_id",
            "group",
            "category_id",
            "tag_id",
            "currency",
            "asset_id",
            "share",
            "created_at",
            "updated_at",
        )
        validators = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if self.instance is None:
            self.settle_household(attrs)
        else:
            self.refuse_another_group(attrs)
        return attrs

    def settle_household(self, attrs: dict[str, Any]) -> None:
        """Set the household from the rows that the target names, if it is absent; 404 for rows of two households."""
        rows = {field: attrs[field] for field in OWNED if attrs.get(field) is not None}
        for field, row in rows.items():
            owner = row.owning_household_id()
            if owner is not None and attrs.setdefault("household", Household(pk=owner)).pk != owner:
                raise NotFound(field)

    def refuse_another_group(self, attrs: dict[str, Any]) -> None:
        for field in (*OWNED, "group", "currency"):
            column = AllocationTarget.column(field)
            given = attrs.get(field)
            if field in attrs and getattr(given, "pk", given) != getattr(self.instance, column):
                raise serializers.ValidationError({column: "A target keeps its group: make another one."})


class AllocationTargetViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    """The share of what is owned that a group of an allocation is meant to have."""

    where_created = (
        "In the household of the rows that it names, else as `household_id` says, else in the caller's own."
    )
    resource_name = "allocation_target"
    queryset = AllocationTarget.objects.order_by("created_at", "id")
    serializer_class = AllocationTargetSerializer
    duplicate_error = ("DUPLICATE_TARGET", None, "There is a target for this group.")
    parameters = {
        "household": id_filter("household"),
        "portfolio": id_filter("portfolio"),
        "known_at": KNOWN_AT,
    }

    def needs_default(self, named: dict[str, Any]) -> bool:
        """No default if a row that the target names decides the household; a shared type does not."""
        of_the_household = named.keys() - {"asset_type"} or (
            "asset_type" in named and named["asset_type"].filter(household__isnull=False).exists()
        )
        return super().needs_default(named) and not of_the_household
