"""The prices of one instrument: GET shows those that count, POST records one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.instruments.price_fields import (
    LoadSerializer,
    PriceDayField,
    PriceField,
    latest_day,
    load_terms,
)
from assets.models import Instrument
from assets.prices.conversion import Split, ratio_to_own_day
from assets.prices.splits import splits_of
from assets.prices.store import RecordedPrice, recorded_prices
from assets.services.instruments.prices import record_prices
from portfolios.api.schema import in_path
from strata.api.fields import DaySerializerField, InstantSerializerField, UUIDSerializerField
from strata.api.parameters import FLAG, KNOWN_AT, Parameter, day_filter, read_flag
from strata.api.views import path_id
from strata.api.viewsets import HouseholdViewSet
from strata.audit.point_in_time import as_known_at
from strata.db.consistent_read import consistent_read
from strata.fields.numbers import decimal_text
from strata.tenancy.batches import OnError, RowsRefused
from strata.tenancy.querysets import require_visible


class ShownPrice(NamedTuple):
    on: date
    price: str
    quoted: str
    load_id: UUID
    withdrawn_at: datetime | None


class PriceSerializer(serializers.Serializer[Any]):
    """The price of a day that counts: the one that was loaded last, unless it was withdrawn."""

    on = DaySerializerField()
    price = PriceField()
    quoted = PriceField()
    load_id = UUIDSerializerField()
    withdrawn_at = InstantSerializerField(allow_null=True)


class PriceEntrySerializer(LoadSerializer):
    """A price of a day, as it is quoted."""

    on = PriceDayField()
    price = PriceField()


class RecordedPriceSerializer(serializers.Serializer[Any]):
    """The price as it was recorded. `load_id` is null where the day had the same price, so that nothing was written."""

    on = DaySerializerField()
    price = PriceField()
    load_id = UUIDSerializerField(allow_null=True)


@in_path("instrument_id")
@extend_schema(tags=["instruments"])
@extend_schema_view(
    create=extend_schema(
        request=PriceEntrySerializer,
        responses={
            200: OpenApiResponse(RecordedPriceSerializer, "The day had this price."),
            201: OpenApiResponse(RecordedPriceSerializer, "The price was recorded."),
        },
    ),
)
class PriceViewSet(HouseholdViewSet):
    """Prices have no ids and are never changed: a newer one of the same day replaces an older one."""

    resource_name = "instrument"
    queryset = Instrument.objects.all()
    serializer_class = PriceSerializer
    parameters = {
        "start": day_filter("on__gte", "From this day on."),
        "end": day_filter("on__lte", "Up to this day."),
        "withdrawn": Parameter(
            read_flag, None, FLAG, "Also prices that were withdrawn and no longer count.", many=False
        ),
        "known_at": KNOWN_AT,
    }

    @property
    def instrument_id(self) -> UUID:
        return path_id(self.kwargs["instrument_id"], "instrument")

    def require_parents(self) -> None:
        require_visible(Instrument, self.request.user, self.instrument_id)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_parents()
        page = self.paginate_queryset(self.prices())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def prices(self) -> Sequence[ShownPrice]:
        """The newest first."""
        asked = self.read_parameters()
        start, end = asked.get("start", [None])[0], asked.get("end", [None])[0]
        if start and end and start > end:
            raise serializers.ValidationError({"start": f"It lies after the end, {end}."})
        splits = splits_of([self.instrument_id]).get(self.instrument_id, ())
        and_withdrawn = asked.get("withdrawn", [False])[0]
        recorded = recorded_prices(self.instrument_id, start, end, and_withdrawn=and_withdrawn)
        return [shown(price, splits) for price in reversed(recorded)]

    def every_row(self, one_piece: Any, paginator: Any) -> Iterator[Any]:
        """All prices are read at once: those of a day are found by merging their loads."""
        known_at = self.read_parameters().get("known_at")
        with as_known_at(known_at[0], self.request.user) if known_at else consistent_read():
            yield from self.get_serializer(self.prices(), many=True).data

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_parents()
        latest = latest_day(request.user)
        entry = PriceEntrySerializer(data=request.data, context={"latest": latest})
        entry.is_valid(raise_exception=True)
        values = dict(entry.validated_data)
        (number, places), on = values.pop("price"), values.pop("on")
        try:
            recorded = record_prices(
                {self.instrument_id: [(on, 0, number, places)]},
                load_terms(values, latest),
                on_error=OnError.REFUSE,
                precondition=self.require_write_role,
            )
        except RowsRefused as refused:
            raise refused.refusals[0].error from None
        price = decimal_text(Fraction(number, 10**places))
        answer = {"on": date.fromordinal(on), "price": price, "load_id": recorded.load_id}
        code = status.HTTP_200_OK if recorded.load_id is None else status.HTTP_201_CREATED
        return Response(RecordedPriceSerializer(answer).data, status=code)


def shown(recorded: RecordedPrice, splits: Sequence[Split]) -> ShownPrice:
    on, number, scale, adjusted_to, load_id, withdrawn_at = recorded
    quoted = Fraction(number, 10**scale)
    price = quoted * ratio_to_own_day(splits, on, adjusted_to)
    return ShownPrice(date.fromordinal(on), decimal_text(price), decimal_text(quoted), load_id, withdrawn_at)
