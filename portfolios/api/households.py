"""The API of households."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portfolios.api.fields import LOT_METHOD
from portfolios.api.mixins import caller
from portfolios.models import Household, Invitation, Membership
from portfolios.services import households
from strata.api.parameters import KNOWN_AT, choice, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet
from strata.tenancy.roles import OWNERS


class HouseholdsOwnSerializer(HouseholdSerializer):
    role = serializers.SerializerMethodField()
    computed = frozenset({"role"})

    class Meta:
        model = Household
        fields = ("id", "name", "lot_method", "role", "created_at", "updated_at")
        extra_kwargs = LOT_METHOD

    def get_role(self, household: Household) -> str:
        """The caller's own role."""
        user = self.context["request"].user
        roles = [
            membership.role for membership in household.memberships.all() if membership.user_id == user.pk
        ]
        return roles[0] if roles else ""


class HouseholdsViewSet(HouseholdModelViewSet):
    resource_name = "household"
    service = households.HOUSEHOLDS
    write_roles = OWNERS
    queryset = Household.objects.prefetch_related("memberships").order_by("created_at", "id")
    serializer_class = HouseholdsOwnSerializer
    parameters = {"search": search_filter("name_key__has_part"), "known_at": KNOWN_AT}
    history_parameters = {
        "include": choice(
            ["members"],
            "With the changes of its members and their roles; for its owners those of invitations too.",
        )
    }
    included_models = (Membership, Invitation)

    def create_row(self, values: dict[str, Any]) -> Household:
        household = households.create_household(caller(self.request), **values)
        self.idempotency_household_id = household.pk
        return household
