"""The API of the value that counts on one day of an asset: assets/{id}/values/{on}."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.entries.snapshots import AssetSnapshotSerializer, value_etag
from assets.models import Asset, AssetSnapshot
from assets.services.entries.snapshots import delete_value, put_value
from portfolios.api.schema import in_path
from strata.api.fields import DaySerializerField, InstantSerializerField
from strata.api.http.etags import require_state
from strata.api.parameters import KNOWN_AT
from strata.api.views import path_id
from strata.api.viewsets import HouseholdViewSet
from strata.exceptions import NotFound
from strata.fields.dates import parse_day, validate_year
from strata.tenancy.querysets import require_visible


class DayValueSerializer(AssetSnapshotSerializer):
    """The value that counts on the day. Its day is in the path, and its instant stays; a new one is of noon."""

    on = DaySerializerField(read_only=True)
    observed_at = InstantSerializerField(read_only=True)
    computed = frozenset({"updated_at"})


ON = OpenApiParameter(
    "on", {"type": "string", "format": "date"}, OpenApiParameter.PATH, description="The day."
)


@in_path("asset_id")
@extend_schema_view(
    retrieve=extend_schema(operation_id="assets_values_retrieve"),
    update=extend_schema(
        operation_id="assets_values_update",
        responses={
            200: OpenApiResponse(DayValueSerializer, "The value was replaced, or was the same."),
            201: OpenApiResponse(DayValueSerializer, "The value was recorded."),
        },
    ),
    destroy=extend_schema(operation_id="assets_values_destroy", responses={204: None}),
)
@extend_schema(parameters=[ON], tags=["values"])
class DayValueViewSet(HouseholdViewSet):
    resource_name = "snapshot"
    queryset = AssetSnapshot.objects.all()
    serializer_class = DayValueSerializer
    parameters = {"known_at": KNOWN_AT}
    idempotent_methods = ("PUT", "DELETE")
    creates_by_put = True

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The value that counts on exactly this day: the last one that was recorded on it. 404 where none was."""
        self.require_parents()
        rows = self.get_queryset().filter(asset=self.asset_id, on=self.day())
        row = rows.order_by("-observed_at").first()
        if row is None:
            raise NotFound(self.resource_name)
        return Response(self.as_json(row))

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replaces the last value of the day, or records one at noon where it has none.

        A `note` that is left out stays. The same again is 200 and changes nothing. `If-None-Match: *` only records a
        new value.
        """
        self.require_parents()
        on = self.day()
        serializer = cast("DayValueSerializer", self.get_serializer(data=request.data, partial=True))
        serializer.is_valid(raise_exception=True)
        row, is_new = put_value(self.asset_id, on, **serializer.changes, precondition=self.day_precondition)
        response = self.respond_with(row, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
        # An error here rolls the write back.
        serializer.refuse_changed_read_only(
            response.data, but=serializer.ignored if is_new else {"updated_at"}
        )
        if is_new:
            response["Location"] = request.build_absolute_uri(request.path.rstrip("/"))
        return response

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Deletes the last value of the day; one that was recorded earlier on the day then counts."""
        self.require_parents()
        delete_value(self.asset_id, self.day(), precondition=self.day_precondition)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @property
    def asset_id(self) -> Any:
        return path_id(self.kwargs["asset_id"], "asset")

    def day(self) -> date:
        """The day in the path; 404 where there is no such day."""
        try:
            on = parse_day(self.kwargs["on"])
            validate_year(on)
        except ValidationError:
            raise NotFound(self.resource_name) from None
        return on

    def require_parents(self) -> None:
        require_visible(Asset, self.request.user, self.asset_id)

    def day_precondition(self, asset: Asset, snapshot: AssetSnapshot | None) -> None:
        self.require_write_role(asset, "asset")
        require_state(self.request, lambda: None if snapshot is None else value_etag(snapshot))
