"""The API of a portfolio's stored totals."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.functional import cached_property
from rest_framework import serializers, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from reports.api.missing_rates import MissingRates
from reports.models import PortfolioSnapshot
from reports.queries import today_of
from reports.services.portfolio_snapshots import bring_up_to_date, take_snapshot
from strata.api.fields import (
    BooleanSerializerField,
    DaySerializerField,
    InstantSerializerField,
    NoteSerializerField,
    UUIDSerializerField,
)
from strata.api.pagination import CursorPaginator
from strata.api.parameters import KNOWN_AT, day_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.db.errors.uniqueness import is_unique_violation
from strata.db.locks import lock_rows
from strata.exceptions import Conflict, NotFound
from strata.tenancy.guards import Guards
from strata.tenancy.roles import require_role


class PortfolioSnapshotListSerializer(serializers.ListSerializer[PortfolioSnapshot]):
    """Calculates all outdated totals of a page together."""

    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        rows: list[PortfolioSnapshot] = list(data)
        bring_up_to_date(rows)
        return super().to_representation(rows)


class PortfolioSnapshotSerializer(HouseholdSerializer):
    """`value` is the total of that day as it is known now, including later corrections."""

    portfolio_id = UUIDSerializerField(read_only=True)
    value = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)
    observed_at = InstantSerializerField(read_only=True)
    on = DaySerializerField(required=False)
    note = NoteSerializerField(required=False, allow_blank=True)
    complete = BooleanSerializerField(read_only=True)
    manual = BooleanSerializerField(read_only=True)
    missing_rates = MissingRates()
    needed_by_put = ()
    computed = frozenset({"value", "currency", "complete", "missing_rates"})

    class Meta:
        model = PortfolioSnapshot
        list_serializer_class = PortfolioSnapshotListSerializer
        fields = (
            "id",
            "portfolio_id",
            "value",
            "currency",
            "on",
            "observed_at",
            "complete",
            "missing_rates",
            "note",
            "manual",
            "created_at",
        )
        validators = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if self.instance is not None and attrs.get("on", self.instance.on) != self.instance.on:
            raise serializers.ValidationError({"on": "A snapshot stays on its day: take another one."})
        return attrs

    def to_representation(self, row: PortfolioSnapshot) -> dict[str, Any]:
        if self.parent is None:
            bring_up_to_date([row])
        return super().to_representation(row)


@in_path("portfolio_id")
class PortfolioSnapshotViewSet(HouseholdModelViewSet):
    resource_name = "snapshot"
    queryset = PortfolioSnapshot.objects.select_related("portfolio")
    serializer_class = PortfolioSnapshotSerializer
    pagination_class = CursorPaginator
    cursor_fields = ("on", "observed_at", "id")
    parameters = {"start": day_filter("on__gte"), "end": day_filter("on__lte"), "known_at": KNOWN_AT}

    @cached_property
    def portfolio(self) -> Portfolio:
        pk = path_id(self.kwargs["portfolio_id"], "portfolio")
        rows = Portfolio.objects.for_user(self.request.user).filter(pk=pk)
        if self.request.method not in SAFE_METHODS:
            lock_rows(rows)
        portfolio = rows.first()
        if portfolio is None:
            raise NotFound("portfolio")
        return portfolio

    def lock(self, rows: Any = None) -> Guards:
        return Guards(portfolios=frozenset([self.portfolio.pk]))

    def get_queryset(self) -> QuerySet[PortfolioSnapshot]:
        return super().get_queryset().filter(portfolio=self.portfolio)

    def get_object(self) -> Any:
        row = super().get_object()
        if not (row.manual or self.request.method in SAFE_METHODS):
            raise Conflict(
                "TAKEN_SNAPSHOT", "It was taken by the clock: only those taken by hand are changed."
            )
        return row

    def duplicate_of(self, on: date | None) -> Conflict:
        """With the snapshot of that day (today) that was taken by hand, whose note can be changed."""
        conflict = Conflict(
            "DUPLICATE_SNAPSHOT", "There is a snapshot of this day, which `existing` names.", "on"
        )
        row = self.get_queryset().filter(on=on or today_of(self.portfolio), manual=True).first()
        if row is not None:
            link = self.request.build_absolute_uri(f"{self.request.path.rstrip('/')}/{row.pk}")
            conflict.existing = {"id": str(row.pk), "link": link}
        return conflict

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Store the portfolio's total of today or of a past day."""
        require_role(request.user, self.portfolio.household_id)
        self.idempotency_household_id = self.portfolio.household_id
        body = cast("PortfolioSnapshotSerializer", self.get_serializer(data=request.data))
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            with transaction.atomic():
                row = take_snapshot(self.portfolio, on=given.get("on"), note=given.get("note", ""))
        except IntegrityError as error:
            if not is_unique_violation(error, PortfolioSnapshot):
                raise
            raise self.duplicate_of(given.get("on")) from error
        response = self.respond_with(row, status.HTTP_201_CREATED)
        body.refuse_contradictions(response.data, but=body.ignored)
        return response
