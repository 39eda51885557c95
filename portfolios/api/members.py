"""The API of a household's members and invitations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portfolios.api.mixins import caller
from portfolios.api.schema import in_path
from portfolios.models import Household, Invitation, Membership, Role
from portfolios.services import members
from strata.api.fields import InstantSerializerField, TextSerializerField, UUIDSerializerField
from strata.api.http.etags import etag_of
from strata.api.serializers import HouseholdSerializer, StrictSerializer
from strata.api.views import path_id
from strata.api.viewsets import DeleteMixin, HouseholdViewSet, UpdateMixin
from strata.exceptions import NotFound
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import OWNERS


class MemberSerializer(HouseholdSerializer):
    username = serializers.CharField(source="user.username", read_only=True)
    user_id = UUIDSerializerField(read_only=True)
    household_id = UUIDSerializerField(read_only=True)
    accepted_at = InstantSerializerField(read_only=True)
    required_for_put = ("role",)
    computed = frozenset({"username", "accepted_at"})

    class Meta:
        model = Membership
        fields = ("id", "household_id", "user_id", "username", "role", "accepted_at", "created_at")


class InvitationSerializer(HouseholdSerializer):
    """Shows the same for a name that a user has and for one that nobody has."""

    household_id = UUIDSerializerField(read_only=True)
    household_name = serializers.CharField(source="household.name", read_only=True)
    invited_by = serializers.SerializerMethodField(help_text="The username of whoever invited; may be empty.")

    class Meta:
        model = Invitation
        fields = ("id", "household_id", "household_name", "username", "role", "invited_by", "created_at")
        read_only_fields = fields

    def get_invited_by(self, invitation: Invitation) -> str:
        return invitation.created_by.username if invitation.created_by else ""


class NewInvitationSerializer(StrictSerializer):
    username = TextSerializerField(
        max_length=150, help_text="Whether a user has the name or not; as it was typed."
    )
    role = serializers.ChoiceField(choices=Role.choices)


INVITATIONS = Invitation.objects.select_related("household", "created_by").order_by("created_at", "id")


@in_path("household_id")
class MemberViewSet(
    UpdateMixin, DeleteMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, HouseholdViewSet
):
    """Every member sees the members; owners change them, and anyone may leave."""

    resource_name = "member"
    service = members.MEMBERS
    write_roles = OWNERS
    queryset = Membership.objects.select_related("user").order_by("created_at", "id")
    serializer_class = MemberSerializer

    def get_queryset(self) -> QuerySet[Membership]:
        self.require_parents()
        return super().get_queryset().filter(household=self.kwargs["household_id"])

    def require_parents(self) -> None:
        pk = path_id(self.kwargs["household_id"], "household")
        if not Household.objects.for_user(self.request.user).filter(pk=pk).exists():
            raise NotFound("household")

    def require_write_role(self, row: Owned, resource_name: str | None = None) -> None:
        """Anyone may leave."""
        leaves = self.request.method == "DELETE" and cast("Membership", row).user_id == self.request.user.pk
        if not leaves:
            super().require_write_role(row, resource_name)


@in_path("household_id")
@extend_schema_view(
    list=extend_schema(
        responses={
            200: InvitationSerializer(many=True),
            403: OpenApiResponse(description="Only owners see invitations."),
        }
    )
)
class HouseholdInvitationViewSet(mixins.ListModelMixin, HouseholdViewSet):
    """The invitations of a household that wait for an answer. Only its owners see and create them."""

    resource_name = "invitation"
    write_roles = OWNERS
    queryset = INVITATIONS
    serializer_class = InvitationSerializer

    def get_queryset(self) -> QuerySet[Invitation]:
        return super().get_queryset().filter(household=self.owned_household_id())

    def owned_household_id(self) -> UUID:
        """The id in the path. Raises NotFound or Forbidden where the caller does not own the household."""
        household = Household(pk=path_id(self.kwargs["household_id"], "household"))
        self.require_owner(household)
        return household.pk

    def require_owner(self, household: Owned) -> None:
        self.require_write_role(household, "household")

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Invite whoever has the name. Members see the household's whole past, including its journal.

        The answer is the same whether a user has the name or not.
        """
        household_id = self.owned_household_id()
        body = NewInvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        invitation = members.invite(household_id, **body.validated_data, precondition=self.require_owner)
        data = self.get_serializer(invitation).data
        place = request.build_absolute_uri(reverse("invitation-detail", args=[invitation.pk]))
        return Response(
            data, status=status.HTTP_201_CREATED, headers={"ETag": etag_of(data), "Location": place}
        )


class InvitationViewSet(DeleteMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, HouseholdViewSet):
    """The invitations that wait for the caller's answer. Owners of a household also reach its invitations by id."""

    resource_name = "invitation"
    service = members.INVITATIONS
    queryset = INVITATIONS
    serializer_class = InvitationSerializer

    def get_queryset(self) -> QuerySet[Invitation]:
        received = self.queryset.filter(pk__in=members.invitations_for(caller(self.request)).values("pk"))
        if self.action == "list":
            return received
        return received | self.queryset.for_user(self.request.user, OWNERS)

    def row_is_visible(self, pk: UUID, parents: Mapping[str, UUID]) -> bool:
        return self.get_queryset().filter(pk=pk).exists()

    def require_write_role(self, row: Owned, resource_name: str | None = None) -> None:
        """Whoever sees an invitation may delete it: the invited user declines, an owner withdraws."""
        if not self.get_queryset().filter(pk=row.pk).exists():
            raise NotFound(self.resource_name)

    @extend_schema(request=None, responses=MemberSerializer)
    @action(detail=True, methods=["post"], url_path="accept")
    def accept(self, request: Request, pk: str) -> Response:
        """Become a member, who sees the household's whole past. Accepting again changes nothing."""
        user, check = caller(request), self.require_unchanged
        member = members.accept_invitation(self.row_id(), user, precondition=check)
        return Response(MemberSerializer(member, context=self.get_serializer_context()).data)
