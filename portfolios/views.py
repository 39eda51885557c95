"""The API of households and portfolios."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from portfolios import members
from portfolios.households import make_household
from portfolios.models import AllocationTarget, Household, Membership, Portfolio, PortfolioSnapshot
from portfolios.reports import take_snapshot
from portfolios.serializers import (
    AllocationTargetSerializer,
    HouseholdsOwnSerializer,
    InvitationSerializer,
    MemberSerializer,
    PortfolioSerializer,
    PortfolioSnapshotSerializer,
)
from strata.api.errors import conflict, not_found
from strata.api.filters import AS_OF, KNOWN_AT, by_currency, by_day, by_id, choice, searching
from strata.api.pagination import Cursor, JournalCursor
from strata.api.viewsets import (
    Changes,
    Deletes,
    EventSerializer,
    HouseholdModelViewSet,
    HouseholdViewSet,
    InHousehold,
    path_id,
    require_role,
)
from strata.ownership import OWNERS
from strata.uniqueness import is_taken


def in_path(name: str):
    return extend_schema(parameters=[OpenApiParameter(name, str, OpenApiParameter.PATH)])


class PortfolioViewSet(InHousehold, HouseholdModelViewSet):
    thing = "portfolio"
    queryset = Portfolio.objects.order_by("name_key", "id")
    serializer_class = PortfolioSerializer
    parameters = {
        "household": by_id("household"),
        "currency": by_currency("base_currency"),
        "search": searching("name"),
        "on": AS_OF,
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at", "updated_at": "updated_at"}
    history = None  # the path is that of the net worth over time

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, pagination_class=JournalCursor, parameters={}, orderings={})
    def changes(self, request, *args, **kwargs):
        return self.journal()

    def get_serializer_context(self):
        context = super().get_serializer_context()
        return context if getattr(self, "swagger_fake_view", False) else {**context, "on": self.as_of}


class AllocationTargetViewSet(InHousehold, HouseholdModelViewSet):
    """What share of what is owned the groups of an allocation are meant to have."""

    thing = "allocation_target"
    queryset = AllocationTarget.objects.order_by("created_at", "id")
    serializer_class = AllocationTargetSerializer
    duplicate = ("DUPLICATE_TARGET", None, "There is a target for this group.")
    parameters = {"household": by_id("household"), "portfolio": by_id("portfolio"), "known_at": KNOWN_AT}


@in_path("portfolio_id")
class PortfolioSnapshotViewSet(HouseholdModelViewSet):
    thing = "snapshot"
    queryset = PortfolioSnapshot.objects.select_related("portfolio")
    serializer_class = PortfolioSnapshotSerializer
    pagination_class = Cursor
    cursor_fields = ("on", "observed_at", "id")
    parameters = {"start": by_day("on__gte"), "end": by_day("on__lte"), "known_at": KNOWN_AT}

    @cached_property
    def portfolio(self):
        pk = path_id(self.kwargs["portfolio_id"], "portfolio")
        found = Portfolio.objects.for_user(self.request.user).filter(pk=pk).first()
        if found is None:
            raise not_found("portfolio")
        return found

    def get_queryset(self):
        return super().get_queryset().filter(portfolio=self.portfolio)

    def get_object(self):
        row = super().get_object()
        if not (row.manual or self.request.method in SAFE_METHODS):
            raise conflict(
                "TAKEN_SNAPSHOT", "It was taken by the clock: only those taken by hand are changed."
            )
        return row

    def create(self, request, *args, **kwargs):
        """Write the portfolio's total down, as it is now or for a past day."""
        require_role(request.user, self.portfolio.household_id)
        self.idempotency_household_id = self.portfolio.household_id
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            with transaction.atomic():
                row = take_snapshot(self.portfolio, on=given.get("on"), note=given.get("note", ""))
        except IntegrityError as error:
            if not is_taken(error, PortfolioSnapshot):
                raise
            raise conflict("DUPLICATE_SNAPSHOT", "There is a snapshot of this day.", "on") from error
        return self.answer(row, status.HTTP_201_CREATED)


WITH_MEMBERS = {
    "include": choice(["members"], "With the changes of its members, their roles and invitations.")
}


class HouseholdsViewSet(HouseholdModelViewSet):
    thing = "household"
    writers = OWNERS
    queryset = Household.objects.prefetch_related("memberships").order_by("created_at", "id")
    serializer_class = HouseholdsOwnSerializer
    parameters = {"search": searching("name"), "known_at": KNOWN_AT}
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
            raise not_found("household")
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
            raise not_found(self.thing)
        return found

    @extend_schema(request=None, responses=MemberSerializer)
    @action(detail=True, methods=["post"], url_path="accept")
    def accept(self, request, pk=None):
        invitation = self.find(pk)
        members.accept(invitation)
        return Response(self.get_serializer(invitation).data)
