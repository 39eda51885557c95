"""The API of an asset's values."""

from __future__ import annotations

from typing import Any

from assets.api.entries.base import AssetEntrySerializer, AssetEntryViewSet
from assets.models import AssetSnapshot
from assets.services.entries.snapshots import SNAPSHOTS
from portfolios.api.schema import in_path
from strata.api.fields import InstantSerializerField
from strata.api.http.etags import etag_of, plain_tags
from strata.api.parameters import KNOWN_AT, day_filter

SIGN = (
    "In the asset's currency. Negative for what is owed: a debt of 100 is -100.00, whatever the admin shows."
)


class AssetSnapshotSerializer(AssetEntrySerializer):
    observed_at = InstantSerializerField(required=False)
    required_for_put = ("value",)

    class Meta:
        model = AssetSnapshot
        fields = ("id", "asset_id", "value", "observed_at", "on", "note", "created_at", "updated_at")
        extra_kwargs = {"value": {"help_text": SIGN}}


def value_etag(snapshot: AssetSnapshot) -> str:
    return etag_of(AssetSnapshotSerializer(snapshot).data)


def value_matches(tag: str, snapshot: AssetSnapshot | None) -> bool:
    """Whether a value is as the caller has read it: `tag` is its ETag, or "" for no value."""
    if snapshot is None or not tag:
        return snapshot is None and not tag
    tags = plain_tags(tag)
    return "*" in tags or value_etag(snapshot) in tags


@in_path("asset_id")
class AssetSnapshotViewSet(AssetEntryViewSet):
    resource_name = "snapshot"
    service = SNAPSHOTS
    queryset = AssetSnapshot.objects.all()
    serializer_class = AssetSnapshotSerializer
    cursor_fields = ("on", "observed_at", "id")

    @property
    def located(self) -> dict[str, Any]:
        return {"within": {"asset_id": self.asset_id}}

    parameters = {
        "start": day_filter("on__gte", "From this day on."),
        "end": day_filter("on__lte", "Up to this day."),
        "known_at": KNOWN_AT,
    }
