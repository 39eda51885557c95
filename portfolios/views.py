"""The API of households, their members and invitations."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portfolios.models import Household, Invitation, Membership
from portfolios.serializers import (
    HouseholdsOwnSerializer,
    InvitationSerializer,
    MemberSerializer,
    NewInvitationSerializer,
)
from portfolios.services import households, members
from strata.api.etags import etag_of
from strata.api.filters import KNOWN_AT, choice, searching
from strata.api.pagination import JournalCursor
from strata.api.viewsets import (
    Changes,
    Deletes,
    EventSerializer,
    HouseholdModelViewSet,
    HouseholdViewSet,
    path_id,
    require_role,
)
from strata.exceptions import NotFound
from strata.guards import lock_guards
from strata.ownership import OWNERS


def in_path(name: str):
    return extend_schema(parameters=[OpenApiParameter(name, str, OpenApiParameter.PATH)])


INVITATIONS = Invitation.objects.select_related("household", "created_by").order_by("created_at", "id")
WITH_MEMBERS = {
    "include": choice(
        ["members"],
        "With the changes of its members and their roles; for its owners those of invitations too.",
    )
}


class HouseholdsViewSet(HouseholdModelViewSet):
    thing = "household"
    writers = OWNERS
    queryset = Household.objects.prefetch_related("memberships").order_by("created_at", "id")
    serializer_class = HouseholdsOwnSerializer
    parameters = {"search": searching("name_key__has_part"), "known_at": KNOWN_AT}
    included_kinds = (Membership, Invitation)

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, pagination_class=JournalCursor, parameters=WITH_MEMBERS, orderings={})
    def history(self, request, *args, **kwargs):
        return self.journal()

    def write(self, serializer, **given):
        name = serializer.validated_data.get("name")
        if serializer.instance is None:
            return households.create_household(self.request.user, name)
        return households.update_household(serializer.instance.pk, name=name or serializer.instance.name)

    def destroy(self, request, *args, **kwargs):
        households.delete_household(self.get_object().pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


@in_path("household_id")
class MemberViewSet(Changes, Deletes, mixins.RetrieveModelMixin, mixins.ListModelMixin, HouseholdViewSet):
    """Every member sees the members; owners change them, and anyone may leave."""

    thing = "member"
    writers = OWNERS
    queryset = Membership.objects.select_related("user").order_by("created_at", "id")
    serializer_class = MemberSerializer

    def get_queryset(self):
        pk = path_id(self.kwargs["household_id"], "household")
        if not Household.objects.for_user(self.request.user).filter(pk=pk).exists():
            raise NotFound("household")
        return super().get_queryset().filter(household=pk)

    def require_writer(self, row):
        if self.request.method != "DELETE" or row.user_id != self.request.user.pk:
            super().require_writer(row)

    def write(self, serializer, **given):
        member = serializer.instance
        return members.change_role(member.pk, serializer.validated_data.get("role", member.role))

    def destroy(self, request, *args, **kwargs):
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
    """The names that wait to join a household. Its owners see and make them."""

    thing = "invitation"
    queryset = INVITATIONS
    serializer_class = InvitationSerializer

    def get_queryset(self):
        return super().get_queryset().filter(household=self.owned_household())

    def owned_household(self) -> Household:
        """The path's, which the caller owns; for a write locked."""
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
    def create(self, request, *args, **kwargs):
        """Invite whoever has the name. Joining shows the household's whole past, its journal too.

        The answer is the same whether a user has the name or not, and tells nothing of it.
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


class InvitationViewSet(Deletes, mixins.RetrieveModelMixin, mixins.ListModelMixin, HouseholdViewSet):
    """The caller's own invitations that wait for an answer; the owners of a household reach its own, too."""

    thing = "invitation"
    writers = OWNERS
    queryset = INVITATIONS
    serializer_class = InvitationSerializer

    def get_queryset(self):
        mine = self.queryset.filter(pk__in=members.invitations_for(self.request.user).values("pk"))
        if self.action == "list":
            return mine
        return mine | self.queryset.for_user(self.request.user, OWNERS)

    def require_writer(self, row):
        if not members.invitations_for(self.request.user).filter(pk=row.pk).exists():
            super().require_writer(row)

    def destroy(self, request, *args, **kwargs):
        members.withdraw_invitation(self.get_object().pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=MemberSerializer)
    @action(detail=True, methods=["post"], url_path="accept")
    def accept(self, request, pk=None):
        """Become a member, with the household's whole past to look at. Accepting again changes nothing."""
        member = members.accept_invitation(
            path_id(pk, self.thing), request.user, precondition=self.require_unchanged
        )
        return Response(MemberSerializer(member, context=self.get_serializer_context()).data)
