"""What a request may name by its code or name in place of an id."""

from __future__ import annotations

from rest_framework import serializers

from assets.models import Asset, AssetType, Category, Tag
from portfolios.models import Portfolio
from strata.api.fields import UUIDSerializerField
from strata.api.names import Nameable, NamedRows
from strata.api.serializers import StrictSerializer

PORTFOLIOS = NamedRows(Portfolio, "portfolio")
ASSETS = NamedRows(Asset, "asset")
ASSET_TYPES = NamedRows(AssetType, "asset_type", key="label_key", code="code")
CATEGORIES = NamedRows(Category, "category")
TAGS = NamedRows(Tag, "tag")


class NamedRow(StrictSerializer):
    id = UUIDSerializerField()
    name = serializers.CharField()


class BranchRow(NamedRow):
    parent_id = UUIDSerializerField(allow_null=True)


class NameableRow(Nameable, NamedRow):
    pass


class NameableBranch(Nameable, BranchRow):
    pass
