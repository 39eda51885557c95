"""How households and their members are read and written."""

from __future__ import annotations

from rest_framework import serializers

from portfolios.models import Household, Invitation, Membership, Role
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
        mine = [one.role for one in household.memberships.all() if one.user_id == user.pk]
        return mine[0] if mine else ""


class MemberSerializer(HouseholdSerializer):
    username = serializers.CharField(source="user.username", read_only=True)
    user_id = UUIDSerializerField(read_only=True)
    household_id = UUIDSerializerField(read_only=True)
    accepted_at = InstantSerializerField(read_only=True)
    needed_by_put = ("role",)
    computed = frozenset({"username", "accepted_at"})

    class Meta:
        model = Membership
        fields = ("id", "household_id", "user_id", "username", "role", "accepted_at", "created_at")
        validators = ()


class InvitationSerializer(HouseholdSerializer):
    """The same for a name that a user has and for one that nobody has."""

    household_id = UUIDSerializerField(read_only=True)
    household_name = serializers.CharField(source="household.name", read_only=True)
    invited_by = serializers.SerializerMethodField(help_text="The username of whoever invited; may be empty.")

    class Meta:
        model = Invitation
        fields = ("id", "household_id", "household_name", "username", "role", "invited_by", "created_at")
        read_only_fields = fields

    def get_invited_by(self, invitation) -> str:
        return invitation.created_by.username if invitation.created_by else ""


class NewInvitationSerializer(StrictSerializer):
    username = TextSerializerField(
        max_length=150, help_text="Whether a user has the name or not; as it was typed."
    )
    role = serializers.ChoiceField(choices=Role.choices)
