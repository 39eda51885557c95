"""Moving units of an asset, or a whole asset without units: POST assets/{id}/transfer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.entries.transactions import ChosenLots, TransactionSerializer
from assets.models import Asset
from assets.services.entries.transfers import transfer
from portfolios.models import Portfolio
from strata.api.fields import DaySerializerField, ExactSerializerField, UUIDSerializerField
from strata.api.serializers import StrictSerializer
from strata.api.viewsets import HouseholdViewSet
from strata.exceptions import NotFound
from strata.tenancy.querysets import is_visible


class TransferSerializer(StrictSerializer):
    """Where it goes: one of `to_asset_id` and `to_portfolio_id`. `on` is today if it is absent."""

    ignored = frozenset()
    to_asset_id = UUIDSerializerField(required=False)
    to_portfolio_id = UUIDSerializerField(required=False)
    on = DaySerializerField(required=False)
    quantity = ExactSerializerField(required=False, allow_null=True)
    lots = ChosenLots(required=False, allow_null=True)


class TransferAnswerSerializer(serializers.Serializer[Any]):
    transfer_id = UUIDSerializerField()

    def get_fields(self) -> dict[str, Any]:
        """`in` is a word of Python."""
        return {
            **super().get_fields(),
            "out": TransactionSerializer(help_text="What left the asset."),
            "in": TransactionSerializer(help_text="What arrived at the other one."),
        }


class AssetTransferMixin(HouseholdViewSet):
    @extend_schema(
        request=TransferSerializer,
        responses={201: OpenApiResponse(TransferAnswerSerializer, "It was moved.")},
    )
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, pk: str) -> Response:
        """Both legs are made together; deleting or editing one of them does the same to the other."""
        self.require_visible()
        body = TransferSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        self.require_visible_destination(Asset, "to_asset_id", values)
        self.require_visible_destination(Portfolio, "to_portfolio_id", values)
        moved = transfer(self.row_id(), **values, precondition=self.precondition)
        legs = {"out": moved.leg_out, "in": moved.leg_in}
        context = self.get_serializer_context()
        answer = {name: TransactionSerializer(leg, context=context).data for name, leg in legs.items()}
        return Response({"transfer_id": str(moved.transfer_id), **answer}, status=status.HTTP_201_CREATED)

    def require_visible_destination(self, model: Any, field: str, values: dict[str, Any]) -> None:
        if field in values and not is_visible(model, self.request.user, values[field]):
            raise NotFound(field.removeprefix("to_").removesuffix("_id"), field)
