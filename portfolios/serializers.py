"""How households and their members are read and written."""

from __future__ import annotations

from rest_framework import serializers

from portfolios.models import Household, Membership
from strata.api.fields import (
    InstantSerializerField,
    TextSerializerField,
    UUIDSerializerField,
)
from strata.api.serializers import HouseholdSerializer, StrictSerializer

OWNED = ("portfolio", "asset_type", "category", "tag", "asset")


class HouseholdsOwnSerializer(HouseholdSerializer):
    role = serializers.SerializerMethodField()
    computed = frozenset({"role"})

    class Meta:
        model = Household
        fields = ("id", "name", "role", "created_at", "updated_at")

    def get_role(self, household) -> str:
        """The caller's own role."""
        user = self.context["request"].user
        mine = [one.role for one in household.memberships.all() if one.user_id == user.pk and one.accepted_at]
        return mine[0] if mine else ""


class MemberSerializer(HouseholdSerializer):
    username = serializers.CharField(source="user.username", read_only=True)
    user_id = UUIDSerializerField(read_only=True)
    household_id = UUIDSerializerField(read_only=True)
    accepted_at = InstantSerializerField(read_only=True, allow_null=True)
    needed_by_put = ("role",)
    computed = frozenset({"username", "accepted_at"})

    class Meta:
        model = Membership
        fields = ("id", "household_id", "user_id", "username", "role", "accepted_at", "created_at")
        validators = ()


class InvitationSerializer(StrictSerializer):
    username = TextSerializerField(max_length=150)
    role = serializers.ChoiceField(choices=Membership.Role.choices)
