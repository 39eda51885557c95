"""The API of categories: the household's tree by which assets are sorted."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.assets import AssetSerializer, AssetViewSet
from assets.models import Category
from assets.services import classification
from portfolios.api.fields import HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.fields import (
    UUIDSerializerField,
)
from strata.api.parameters import KNOWN_AT, id_filter, search_filter
from strata.api.serializers import HouseholdSerializer, RelatedId, StrictSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet, HouseholdViewSet
from strata.exceptions import NotFound


class CategorySerializer(HouseholdSerializer):
    household_id = HouseholdId()
    parent_id = RelatedId(Category.objects, "category", source="parent", required=False, allow_null=True)

    class Meta:
        model = Category
        fields = ("id", "household_id", "name", "parent_id")
        validators = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if self.instance and attrs.get("parent"):
            classification.refuse_bad_parent(self.instance, attrs["parent"])
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Category:
        if validated_data.get("parent"):
            new = Category(household=validated_data["household"])
            classification.refuse_bad_parent(new, validated_data["parent"])
        row: Category = super().create(validated_data)
        return row


class AttachSerializer(StrictSerializer):
    asset_id = UUIDSerializerField()


class CategoryViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "category"
    queryset = Category.objects.order_by("name_key", "id")
    serializer_class = CategorySerializer
    parameters = {
        "household": id_filter("household"),
        "parent": id_filter("parent"),
        "search": search_filter("name_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at"}

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        classification.delete_category(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=CategorySerializer(many=True))
    @action(detail=True, url_path="children")
    def children(self, request: Request, pk: str) -> Response:
        """The categories directly below this one."""
        rows = self.filter_queryset(self.get_queryset()).filter(parent=self.get_row(pk))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=AttachSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post"], url_path="assets")
    def assets(self, request: Request, pk: str) -> Response:
        """Puts an asset into the category, and returns the asset."""
        body = AttachSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        self.visible(pk)
        view = sibling(AssetViewSet, self)
        asset = view.get_row(str(body.validated_data["asset_id"]))
        category = self.visible(pk)
        self.require_unchanged(category)
        classification.attach(asset, category)
        self.idempotency_household_id = category.household_id
        return view.respond_with(asset)

    def visible(self, text: str) -> Category:
        """The category, not locked: if it is in the asset's household, that household's lock guards it too."""
        category: Category | None = self.get_queryset().filter(pk=path_id(text, self.resource_name)).first()
        if category is None:
            raise NotFound(self.resource_name)
        return category


def sibling[Sibling: HouseholdViewSet](view_class: type[Sibling], view: HouseholdViewSet) -> Sibling:
    """Another viewset for the same request. The path's ids are not passed on: they are not of its rows."""
    other = view_class()
    other.request, other.kwargs, other.args = view.request, {}, ()
    other.action, other.format_kwarg = "retrieve", None
    return other
