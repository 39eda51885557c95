"""The API of asset types: what an asset is. A type is shared by all households or belongs to one."""

from __future__ import annotations

from assets.models import AssetType
from assets.models.classification import Group
from assets.services import classification
from portfolios.api.fields import STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.fields import BooleanSerializerField
from strata.api.parameters import KNOWN_AT, choice_filter, code_filter, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet


class AssetTypeSerializer(HouseholdSerializer):
    household_id = HouseholdId(allow_null=True)
    liquid = BooleanSerializerField(
        required=False,
        allow_null=True,
        help_text="Whether what is of this type can be turned into money within days; null for debts. Where it is"
        " absent or null, types of the group FINANCIAL are.",
    )
    immutable = {"household_id": STAYS_IN_ITS_HOUSEHOLD}
    required_for_put = ("code", "label")

    class Meta:
        model = AssetType
        fields = ("id", "household_id", "code", "label", "group", "kind", "stale_after_days", "liquid")


class AssetTypeViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "asset_type"
    queryset = AssetType.objects.order_by("code", "id")
    serializer_class = AssetTypeSerializer
    service = classification.TYPES
    parameters = {
        "code": code_filter("code"),
        "group": choice_filter("group", Group.values, "Of this class."),
        "search": search_filter("code", "label_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"code": "code", "label": "label_key"}
