"""The API of portfolios: each is shown with its total."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from rest_framework import serializers

from portfolios.api.fields import LOT_METHOD, STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from portfolios.models import Portfolio
from portfolios.services.portfolios import PORTFOLIOS
from reports.api.filters import INCLUDE
from reports.api.missing_rates import MissingPrices, MissingRates
from reports.queries import PortfolioTotal, portfolio_totals
from strata.api.fields import (
    BooleanSerializerField,
    CurrencySerializerField,
    DaySerializerField,
    TotalSerializerField,
)
from strata.api.names import name_filter
from strata.api.parameters import KNOWN_AT, ON, currency_filter, id_filter, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet
from strata.fields.numbers import money_text


class PortfolioListSerializer(serializers.ListSerializer[Portfolio]):
    """Calculates the totals of a page together, in a fixed number of queries."""

    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        rows: list[Portfolio] = list(data)
        child = cast("PortfolioSerializer", self.child)
        child.totals = child.totals_of(rows)
        return super().to_representation(rows)


class PortfolioSerializer(HouseholdSerializer):
    """`total_value` is in `base_currency`; if it is not `complete`, `missing_rates` and `missing_prices`
    name what it leaves out.

    Assets that do not count in net worth are in it with `include=all` alone.
    """

    household_id = HouseholdId()
    base_currency = CurrencySerializerField(required=False)
    total_value = TotalSerializerField(read_only=True)
    total_value_on = DaySerializerField(read_only=True)
    complete = BooleanSerializerField(read_only=True)
    missing_rates = MissingRates()
    missing_prices = MissingPrices()
    totals: dict[UUID, PortfolioTotal] | None = None
    immutable = {"household_id": STAYS_IN_ITS_HOUSEHOLD}
    computed = frozenset({"total_value", "total_value_on", "complete", "missing_rates", "missing_prices"})

    class Meta:
        model = Portfolio
        list_serializer_class = PortfolioListSerializer
        fields = (
            "id",
            "household_id",
            "name",
            "base_currency",
            "time_zone",
            "lot_method",
            "allow_short",
            "total_value",
            "total_value_on",
            "complete",
            "missing_rates",
            "missing_prices",
            "created_at",
            "updated_at",
        )
        extra_kwargs = {"time_zone": {"required": False}, **LOT_METHOD}

    def totals_of(self, portfolios: list[Portfolio]) -> dict[UUID, PortfolioTotal]:
        include_all = self.context.get("include_all", False)
        return portfolio_totals(portfolios, self.context.get("on"), include_all=include_all)

    def to_representation(self, portfolio: Portfolio) -> dict[str, Any]:
        totals = self.totals or self.totals_of([portfolio])
        total = totals[portfolio.pk]
        shown: Any = portfolio  # the fields of its total are read from the row as the others are
        shown.total_value, shown.total_value_on = money_text(total.value), total.on
        shown.complete = total.complete
        shown.missing_rates, shown.missing_prices = total.missing_rates, total.missing_prices
        return super().to_representation(portfolio)


class PortfolioViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "portfolio"
    service = PORTFOLIOS
    queryset = Portfolio.objects.order_by("name_key", "id")
    serializer_class = PortfolioSerializer
    parameters = {
        "household": id_filter("household", "Of this household, by id."),
        "currency": currency_filter("base_currency", "Added up in this currency."),
        "name": name_filter(),
        "search": search_filter("name_key__has_part"),
        "on": ON,
        "include": INCLUDE,
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at", "updated_at": "updated_at"}

    def get_serializer_context(self) -> Mapping[str, Any]:
        context = super().get_serializer_context()
        if getattr(self, "swagger_fake_view", False):
            return context
        return {**context, "on": self.on, "include_all": "include" in self.read_parameters()}
