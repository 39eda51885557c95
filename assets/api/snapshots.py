"""The API of an asset's values."""

from __future__ import annotations

from typing import Any

from assets.api.entries import AssetEntryViewSet, MomentSerializer
from assets.models import AssetSnapshot
from assets.services.snapshots import next_free_instant
from portfolios.api.schema import in_path
from strata.api.fields import (
    InstantSerializerField,
)
from strata.api.parameters import KNOWN_AT, day_filter


class AssetSnapshotSerializer(MomentSerializer):
    observed_at = InstantSerializerField(required=False)

    class Meta:
        model = AssetSnapshot
        fields = ("id", "asset_id", "value", "observed_at", "on", "note", "created_at", "updated_at")
        validators = ()

    needed_by_put = ("value",)

    def create(self, attrs: dict[str, Any]) -> AssetSnapshot:
        if not self.initial_data.keys() & {"observed_at", "on"}:
            attrs["observed_at"] = next_free_instant(self.context["asset"], attrs["observed_at"])
        row: AssetSnapshot = super().create(attrs)
        return row


@in_path("asset_id")
class AssetSnapshotViewSet(AssetEntryViewSet):
    resource_name = "snapshot"
    queryset = AssetSnapshot.objects.all()
    serializer_class = AssetSnapshotSerializer
    cursor_fields = ("on", "observed_at", "id")
    duplicate_error = (
        "DUPLICATE_SNAPSHOT",
        "observed_at",
        "The asset has a value at this instant: change that one, which `existing` names.",
    )
    known_by = {"on": None, "observed_at": None}
    parameters = {"start": day_filter("on__gte"), "end": day_filter("on__lte"), "known_at": KNOWN_AT}
