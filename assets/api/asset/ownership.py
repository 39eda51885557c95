"""The household's share of an asset: assets/{id}/ownership."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.asset.terms import TermsRows
from assets.models import Asset
from assets.services.ownership import put_shares, shares_of
from assets.valuation.formulas.shares import Share
from strata.api.fields import DaySerializerField, ExactSerializerField
from strata.api.http.etags import etag_of, is_fresh
from strata.api.parameters import KNOWN_AT
from strata.api.serializers import StrictSerializer
from strata.api.viewsets import HouseholdViewSet


class ShareField(ExactSerializerField):
    """A number with more places than any share: the rule refuses them by name."""

    digits, places = 100, 100


class ShareSerializer(StrictSerializer):
    ignored = frozenset()
    on = DaySerializerField(default=None, allow_null=True)
    share = ShareField()

    def to_representation(self, share: Share) -> dict[str, Any]:
        return super().to_representation(share._asdict())


class OwnershipSerializer(StrictSerializer):
    ignored = frozenset()
    shares = TermsRows(child=ShareSerializer())


class AssetOwnershipMixin(HouseholdViewSet):
    """It is the asset's: so are its ETag and its history."""

    @extend_schema(responses=OwnershipSerializer)
    @action(detail=True, methods=["get"], parameters={"known_at": KNOWN_AT}, filter_backends=())
    def ownership(self, request: Request, pk: str) -> Response:
        """The household's share by day. Without any it owns all of the asset."""
        answer = self.answer_of(self.get_object())
        if is_fresh(request, answer["ETag"]):
            answer.status_code, answer.data = 304, None
        return answer

    @extend_schema(request=OwnershipSerializer, responses=OwnershipSerializer)
    @ownership.mapping.put
    def replace_ownership(self, request: Request, pk: str) -> Response:
        """Replaces the whole list. Recorded values stay those of the whole asset."""
        self.require_visible()
        body = OwnershipSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        shares = [Share(**row) for row in body.validated_data["shares"]]
        return self.answer_of(put_shares(self.row_id(), shares, precondition=self.precondition))

    def answer_of(self, asset: Asset) -> Response:
        data = OwnershipSerializer({"shares": shares_of(asset)}).data
        return Response(data, headers={"ETag": etag_of(self.as_json(asset))})
