"""The API of tags: flat labels of assets."""

from __future__ import annotations

from assets.models import Tag
from assets.services import classification
from portfolios.api.fields import STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.names import name_filter
from strata.api.parameters import KNOWN_AT, id_filter, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet


class TagSerializer(HouseholdSerializer):
    household_id = HouseholdId()
    immutable = {"household_id": STAYS_IN_ITS_HOUSEHOLD}

    class Meta:
        model = Tag
        fields = ("id", "household_id", "name")


class TagViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "tag"
    service = classification.TAGS
    queryset = Tag.objects.order_by("name_key", "id")
    serializer_class = TagSerializer
    parameters = {
        "household": id_filter("household", "Of this household, by id."),
        "name": name_filter(),
        "search": search_filter("name_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at"}
