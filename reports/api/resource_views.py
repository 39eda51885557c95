"""The API of portfolios, their stored totals and targets: a portfolio is shown with its total."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import SAFE_METHODS

from portfolios.api.mixins import InHousehold
from portfolios.models import Portfolio
from reports.api.resources import AllocationTargetSerializer, PortfolioSerializer, PortfolioSnapshotSerializer
from reports.models import AllocationTarget, PortfolioSnapshot
from reports.queries import take_snapshot
from strata.api.filters import AS_OF, KNOWN_AT, by_currency, by_day, by_id, searching
from strata.api.pagination import Cursor
from strata.api.viewsets import (
    HouseholdModelViewSet,
    path_id,
    require_role,
)
from strata.db.locks import lock_rows
from strata.exceptions import Conflict, NotFound
from strata.guards import Guards
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
        "search": searching("name_key__has_part"),
        "on": AS_OF,
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at", "updated_at": "updated_at"}

    def get_serializer_context(self):
        context = super().get_serializer_context()
        return context if getattr(self, "swagger_fake_view", False) else {**context, "on": self.as_of}


class AllocationTargetViewSet(InHousehold, HouseholdModelViewSet):
    """What share of what is owned the groups of an allocation are meant to have."""

    where_created = (
        "In the household of the rows that it names, else as `household_id` says, else in the caller's own."
    )
    thing = "allocation_target"
    queryset = AllocationTarget.objects.order_by("created_at", "id")
    serializer_class = AllocationTargetSerializer
    duplicate = ("DUPLICATE_TARGET", None, "There is a target for this group.")
    parameters = {"household": by_id("household"), "portfolio": by_id("portfolio"), "known_at": KNOWN_AT}

    def needs_default(self, named):
        """Not where a row that it names says the household; a type that all share says none."""
        of_the_household = named.keys() - {"asset_type"} or (
            "asset_type" in named and named["asset_type"].filter(household__isnull=False).exists()
        )
        return super().needs_default(named) and not of_the_household


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
        rows = Portfolio.objects.for_user(self.request.user).filter(pk=pk)
        if self.request.method not in SAFE_METHODS:
            lock_rows(rows)
        found = rows.first()
        if found is None:
            raise NotFound("portfolio")
        return found

    def lock(self, rows=None):
        return Guards(portfolios=frozenset([self.portfolio.pk]))

    def get_queryset(self):
        return super().get_queryset().filter(portfolio=self.portfolio)

    def get_object(self):
        row = super().get_object()
        if not (row.manual or self.request.method in SAFE_METHODS):
            raise Conflict(
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
            raise Conflict("DUPLICATE_SNAPSHOT", "There is a snapshot of this day.", "on") from error
        response = self.answer(row, status.HTTP_201_CREATED)
        body.refuse_contradictions(response.data, but=body.ignored)
        return response
