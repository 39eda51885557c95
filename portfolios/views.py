"""The API of households, their members and invitations."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.response import Response

from portfolios import members
from portfolios.households import make_household
from portfolios.models import Household, Membership
from portfolios.serializers import HouseholdsOwnSerializer, InvitationSerializer, MemberSerializer
from strata.api.filters import KNOWN_AT, choice, searching
from strata.api.pagination import JournalCursor
from strata.api.viewsets import (
    Changes,
    Deletes,
    EventSerializer,
    HouseholdModelViewSet,
    HouseholdViewSet,
    path_id,
)
from strata.exceptions import NotFound
from strata.ownership import OWNERS


def in_path(name: str):
    return extend_schema(parameters=[OpenApiParameter(name, str, OpenApiParameter.PATH)])


WITH_MEMBERS = {
    "include": choice(["members"], "With the changes of its members, their roles and invitations.")
}


class HouseholdsViewSet(HouseholdModelViewSet):
    thing = "household"
    writers = OWNERS
    queryset = Household.objects.prefetch_related("memberships").order_by("created_at", "id")
    serializer_class = HouseholdsOwnSerializer
    parameters = {"search": searching("name_key__has_part"), "known_at": KNOWN_AT}
    included_kinds = (Membership,)

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, pagination_class=JournalCursor, parameters=WITH_MEMBERS, orderings={})
    def history(self, request, *args, **kwargs):
        return self.journal()

    def write(self, serializer, **given):
        if serializer.instance is None:
            return make_household(self.request.user, serializer.validated_data["name"])
        return super().write(serializer, **given)

    @extend_schema(request=InvitationSerializer, responses={201: MemberSerializer})
    @action(detail=True, methods=["post"], url_path="invitations")
    def invitations(self, request, pk=None):
        household = self.find(pk)
        body = InvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        member = members.invite(household, **body.validated_data)
        data = MemberSerializer(member, context=self.get_serializer_context()).data
        return Response(data, status=status.HTTP_201_CREATED)


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

    def find(self, text, *, queryset=None):
        rows = self.get_queryset()
        mine = rows.filter(pk=path_id(text, self.thing), user=self.request.user)
        if self.request.method == "DELETE" and mine.exists():
            return mine.get()
        return super().find(text, queryset=rows)

    def write(self, serializer, **given):
        if serializer.validated_data.get("role", serializer.instance.role) != serializer.instance.role:
            members.require_another_owner(serializer.instance)
        return super().write(serializer, **given)

    def destroy(self, request, *args, **kwargs):
        member = self.get_object()
        members.require_another_owner(member)
        member.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationViewSet(Deletes, mixins.RetrieveModelMixin, mixins.ListModelMixin, HouseholdViewSet):
    """The caller's own invitations that wait for an answer."""

    thing = "invitation"
    queryset = Membership.objects.select_related("user").order_by("created_at", "id")
    serializer_class = MemberSerializer

    def get_queryset(self):
        return self.queryset.filter(user=self.request.user, accepted_at__isnull=True)

    def find(self, text, *, queryset=None):
        found = self.queryset.filter(user=self.request.user, pk=path_id(text, self.thing)).first()
        if found is None or (found.accepted_at and self.action != "accept"):
            raise NotFound(self.thing)
        return found

    @extend_schema(request=None, responses=MemberSerializer)
    @action(detail=True, methods=["post"], url_path="accept")
    def accept(self, request, pk=None):
        invitation = self.find(pk)
        members.accept(invitation)
        return Response(self.get_serializer(invitation).data)
