"""The API of asset types: what an asset is. A type is shared by all households or belongs to one."""

from __future__ import annotations

from typing import Any

from assets.models import AssetType
from assets.models.classification import Group
from portfolios.api.fields import HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.parameters import KNOWN_AT, choice_filter, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet
from strata.exceptions import Conflict


class AssetTypeSerializer(HouseholdSerializer):
    household_id = HouseholdId(allow_null=True)
    needed_by_put = ("label",)

    class Meta:
        model = AssetType
        fields = ("id", "household_id", "code", "label", "group", "kind", "stale_after_days")
        validators = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        code = attrs.get("code")
        if code:
            others = AssetType.objects.filter(household=None, code=code)
            if self.instance is not None:
                others = others.exclude(pk=self.instance.pk)
            if others:
                raise Conflict("DUPLICATE_NAME", "A shared type has this code.", "code")
        return attrs


class AssetTypeViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "asset_type"
    queryset = AssetType.objects.order_by("code", "id")
    serializer_class = AssetTypeSerializer
    duplicate_error = ("DUPLICATE_NAME", "code", "The code is taken.")
    parameters = {
        "group": choice_filter("group", Group.values),
        "search": search_filter("code", "label_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"code": "code", "label": "label_key"}
