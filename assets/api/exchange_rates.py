"""The API of exchange rates."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db.models import QuerySet
from rest_framework import mixins, serializers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import ExchangeRate
from assets.models.exchange_rate import RATES_ARE_APPEND_ONLY, WHO_ADDS_RATES
from assets.rates.writer import record_rate
from strata.api.fields import ExactSerializerField
from strata.api.parameters import KNOWN_AT, choice_filter, currency_filter, day_filter
from strata.api.serializers import HouseholdSerializer, StrictSerializer
from strata.api.viewsets import HouseholdViewSet
from strata.exceptions import Forbidden


class ExchangeRateSerializer(StrictSerializer, serializers.ModelSerializer[ExchangeRate]):
    serializer_field_mapping = HouseholdSerializer.serializer_field_mapping
    units_per_euro = ExactSerializerField(positive=True)

    class Meta:
        model = ExchangeRate
        fields = ("id", "currency", "on", "units_per_euro", "lasting", "source", "recorded_at")
        read_only_fields = ("source", "recorded_at")

    def create(self, validated_data: dict[str, Any]) -> ExchangeRate:
        return record_rate(**validated_data)


class ExchangeRateViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, HouseholdViewSet
):
    """Shared by all. Only superusers add rates, and nobody changes one: a newer rate replaces an older one."""

    resource_name = "exchange_rate"
    queryset = ExchangeRate.objects.order_by("-on", "currency", "-id")
    serializer_class = ExchangeRateSerializer
    parameters = {
        "currency": currency_filter(),
        "start": day_filter("on__gte", "From this day on."),
        "end": day_filter("on__lte", "Up to this day."),
        "source": choice_filter("source", ExchangeRate.Source.values, "From this source."),
        "known_at": KNOWN_AT,
    }

    def get_queryset(self) -> QuerySet[ExchangeRate]:
        rows: QuerySet[ExchangeRate] = self.queryset.all()
        return rows

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not request.user.is_superuser:
            raise Forbidden(WHO_ADDS_RATES)
        return super().create(request, *args, **kwargs)

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[override]  # as in the stubs of DRF
        raise MethodNotAllowed(
            str(request.method), f'Method "{request.method}" not allowed. {RATES_ARE_APPEND_ONLY}'
        )

    def perform_create(self, serializer: Any) -> None:
        super().perform_create(serializer)
        serializer.refuse_changed_read_only(serializer.data, but=serializer.ignored)
