"""The API of a portfolio's stored totals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from reports.api.missing_rates import MissingPrices, MissingRates
from reports.models import PortfolioSnapshot
from reports.services.portfolio_snapshots import SNAPSHOTS, bring_up_to_date, take_snapshot
from strata.api.fields import (
    BooleanSerializerField,
    DaySerializerField,
    InstantSerializerField,
    NoteSerializerField,
    TotalSerializerField,
    UUIDSerializerField,
)
from strata.api.pagination import CursorPaginator
from strata.api.parameters import KNOWN_AT, day_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.tenancy.querysets import Owned, require_visible


class PortfolioSnapshotListSerializer(serializers.ListSerializer[PortfolioSnapshot]):
    """Calculates all outdated totals of a page together."""

    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        rows: list[PortfolioSnapshot] = list(data)
        bring_up_to_date(rows)
        return super().to_representation(rows)


class PortfolioSnapshotSerializer(HouseholdSerializer):
    """`value` is the total of that day as it is known now, including later corrections."""

    portfolio_id = UUIDSerializerField(read_only=True)
    value = TotalSerializerField(read_only=True)
    currency = serializers.CharField(read_only=True)
    observed_at = InstantSerializerField(read_only=True)
    on = DaySerializerField(required=False)
    note = NoteSerializerField(required=False, allow_blank=True)
    complete = BooleanSerializerField(read_only=True)
    manual = BooleanSerializerField(read_only=True)
    missing_rates = MissingRates()
    missing_prices = MissingPrices()
    immutable = {"on": "A snapshot stays on its day: take another one."}
    required_for_put = ()
    computed = frozenset({"value", "currency", "complete", "missing_rates", "missing_prices"})

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
            "missing_prices",
            "note",
            "manual",
            "created_at",
        )

    def to_representation(self, row: PortfolioSnapshot) -> dict[str, Any]:
        if self.parent is None:
            bring_up_to_date([row])
        return super().to_representation(row)


@in_path("portfolio_id")
class PortfolioSnapshotViewSet(HouseholdModelViewSet):
    resource_name = "snapshot"
    service = SNAPSHOTS
    queryset = PortfolioSnapshot.objects.select_related("portfolio")
    serializer_class = PortfolioSnapshotSerializer
    pagination_class = CursorPaginator
    cursor_fields = ("on", "observed_at", "id")
    parameters = {
        "start": day_filter("on__gte", "From this day on."),
        "end": day_filter("on__lte", "Up to this day."),
        "known_at": KNOWN_AT,
    }

    @property
    def portfolio_id(self) -> UUID:
        return path_id(self.kwargs["portfolio_id"], "portfolio")

    def require_parents(self) -> None:
        require_visible(Portfolio, self.request.user, self.portfolio_id)

    @cached_property
    def scope(self) -> dict[str, Any]:
        self.require_parents()
        return {"portfolio": self.portfolio_id}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Store the portfolio's total of today or of a past day."""
        return super().create(request, *args, **kwargs)

    def create_row(self, values: dict[str, Any]) -> PortfolioSnapshot:
        return take_snapshot(self.portfolio_id, **values, precondition=self.portfolio_precondition)

    def portfolio_precondition(self, portfolio: Owned) -> None:
        self.require_write_role(portfolio, "portfolio")
