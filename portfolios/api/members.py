"""The API of a household's members and invitations."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portfolios.api.mixins import caller
from portfolios.api.schema import in_path
from portfolios.models import Household, Invitation, Membership, Role
from portfolios.services import members
from strata.api.fields import InstantSerializerField, TextSerializerField, UUIDSerializerField
from strata.api.http.etags import etag_of
from strata.api.mixins import DeleteMixin, UpdateMixin
from strata.api.serializers import HouseholdSerializer, StrictSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdViewSet
from strata.exceptions import NotFound
from strata.tenancy.guards import lock_guards
from strata.tenancy.roles import OWNERS, require_role


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
    write_roles = OWNERS
    queryset = Membership.objects.select_related("user").order_by("created_at", "id")
    serializer_class = MemberSerializer

    def get_queryset(self) -> QuerySet[Membership]:
        pk = path_id(self.kwargs["household_id"], "household")
        if not Household.objects.for_user(self.request.user).filter(pk=pk).exists():
            raise NotFound("household")
        return super().get_queryset().filter(household=pk)

    def require_writer(self, row: Any) -> None:
        if self.request.method != "DELETE" or row.user_id != self.request.user.pk:
            super().require_writer(row)

    def save_serializer(self, serializer: Any, **given: Any) -> Any:
        member = serializer.instance
        return members.change_role(member.pk, serializer.validated_data.get("role", member.role))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        members.remove_member(self.get_object().pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


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
    queryset = INVITATIONS
    serializer_class = InvitationSerializer

    def get_queryset(self) -> QuerySet[Invitation]:
        return super().get_queryset().filter(household=self.owned_household())

    def owned_household(self) -> Household:
        """The path's household, which the caller owns; for a write it is locked."""
        pk = path_id(self.kwargs["household_id"], "household")
        rows = Household.objects.for_user(self.request.user).filter(pk=pk)
        if self.request.method not in SAFE_METHODS:
            lock_guards(rows)
        household = rows.first()
        if household is None:
            raise NotFound("household")
        require_role(self.request.user, household.pk, OWNERS)
        return household

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Invite whoever has the name. Members see the household's whole past, including its journal.

        The answer is the same whether a user has the name or not.
        """
        household = self.owned_household()
        body = NewInvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        invitation = members.invite(household.pk, **body.validated_data)
        self.idempotency_household_id = household.pk
        data = self.get_serializer(invitation).data
        place = request.build_absolute_uri(reverse("invitation-detail", args=[invitation.pk]))
        return Response(
            data, status=status.HTTP_201_CREATED, headers={"ETag": etag_of(data), "Location": place}
        )


class InvitationViewSet(DeleteMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, HouseholdViewSet):
    """The invitations that wait for the caller's answer. Owners of a household also reach its invitations by id."""

    resource_name = "invitation"
    write_roles = OWNERS
    queryset = INVITATIONS
    serializer_class = InvitationSerializer

    def get_queryset(self) -> QuerySet[Invitation]:
        received = self.queryset.filter(pk__in=members.invitations_for(caller(self.request)).values("pk"))
        if self.action == "list":
            return received
        return received | self.queryset.for_user(self.request.user, OWNERS)

    def require_writer(self, row: Any) -> None:
        if not members.invitations_for(caller(self.request)).filter(pk=row.pk).exists():
            super().require_writer(row)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        members.withdraw_invitation(self.get_object().pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=MemberSerializer)
    @action(detail=True, methods=["post"], url_path="accept")
    def accept(self, request: Request, pk: str) -> Response:
        """Become a member, who sees the household's whole past. Accepting again changes nothing."""
        member = members.accept_invitation(
            path_id(pk, self.resource_name), caller(request), precondition=self.require_unchanged
        )
        return Response(MemberSerializer(member, context=self.get_serializer_context()).data)
