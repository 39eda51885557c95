"""The API of categories: the household's tree by which assets are sorted."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.asset.current_value import day_scope
from assets.api.asset.serializers import AssetSerializer
from assets.api.assets import AssetViewSet
from assets.api.names import CATEGORIES, NameableRow
from assets.models import Asset, Category
from assets.services import classification, labels
from portfolios.api.fields import STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.fields import UUIDSerializerField
from strata.api.http.etags import etag_of
from strata.api.names import TakesNames, name_filter
from strata.api.parameters import KNOWN_AT, id_filter, search_filter
from strata.api.serializers import StrictSerializer
from strata.api.viewsets import HouseholdModelViewSet
from strata.tenancy.querysets import Owned, require_visible


class CategorySerializer(TakesNames):
    household_id = HouseholdId()
    parent_id = UUIDSerializerField(required=False, allow_null=True)
    parent = NameableRow(rows=CATEGORIES, write_only=True, required=False, allow_null=True)
    named = {"parent": "parent_id"}
    immutable = {"household_id": STAYS_IN_ITS_HOUSEHOLD}

    class Meta:
        model = Category
        fields = ("id", "household_id", "name", "parent_id", "parent")


class AttachSerializer(StrictSerializer):
    asset_id = UUIDSerializerField()


class CategoryViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "category"
    service = classification.CATEGORIES
    queryset = Category.objects.order_by("name_key", "id")
    serializer_class = CategorySerializer
    parameters = {
        "household": id_filter("household", "Of this household, by id."),
        "parent": id_filter("parent", "Directly below this category, by id."),
        "name": name_filter(),
        "search": search_filter("name_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at"}

    @extend_schema(responses=CategorySerializer(many=True))
    @action(detail=True, url_path="children", is_list_action=True)
    def children(self, request: Request, pk: str) -> Response:
        """The categories directly below this one."""
        rows = self.filter_queryset(self.get_queryset()).filter(parent=self.get_object())
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=AttachSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post"], url_path="assets")
    def assets(self, request: Request, pk: str) -> Response:
        """Puts an asset into the category, and returns the asset."""
        body = AttachSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        self.get_object()

        def precondition(asset: Owned) -> None:
            self.require_write_role(asset, "asset")
            self.require_unchanged(self.get_object())

        asset_id = body.validated_data["asset_id"]
        require_visible(Asset, request.user, asset_id)
        asset = labels.attach(asset_id, self.row_id(), labels.CATEGORY_LABELS, precondition=precondition)
        return self.asset_response(asset)

    def asset_response(self, asset: Asset) -> Response:
        """The asset as its GET shows it."""
        user = self.request.user
        row = AssetViewSet.rows_for(user, **day_scope(user)).get(pk=asset.pk)
        data = AssetSerializer(row, context=self.get_serializer_context()).data
        return Response(data, headers={"ETag": etag_of(data)})
