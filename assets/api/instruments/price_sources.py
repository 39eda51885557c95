"""Where prices come from: the sources of the installation, which superusers alone see, and those of an instrument."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assets.models import Instrument, InstrumentSource, PriceSource
from assets.prices.fetch_process import start_fetching
from assets.prices.providers.formats import PLACEHOLDERS
from assets.rules.instruments.price_sources import DECIMALS, DELIMITERS, validate_address, validate_path
from assets.services.instruments.price_fetching import request_fetch
from assets.services.instruments.price_sources import SOURCES, SourceRow, put_sources, sources_of
from portfolios.api.schema import in_path
from strata.api.fields import (
    InstantSerializerField,
    IntegerSerializerField,
    NameSerializerField,
    TextSerializerField,
)
from strata.api.http.etags import etag_of, require_match
from strata.api.parameters import search_filter
from strata.api.serializers import HouseholdSerializer, StrictSerializer
from strata.api.views import BaseAPIView, path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.exceptions import Forbidden, NotFound
from strata.fields.dates import instant_text
from strata.tenancy.querysets import Owned, require_visible
from strata.tenancy.roles import EDITORS, role_in

MOST_SOURCES = 20
WHO_HAS_SOURCES = "Price sources are of the whole installation: only superusers see and change them."


@extend_schema_field({"type": "string", "maxLength": 1000, "pattern": r"^https?://\S+$"})
class AddressField(TextSerializerField):
    def check(self, text: str, /) -> str:
        return validate_address(text, PLACEHOLDERS)


@extend_schema_field({"type": "string", "maxLength": 200, "pattern": r"^[^\s.]+(\.[^\s.]+)*$"})
class PathField(TextSerializerField):
    check = staticmethod(validate_path)


class PriceSourceSerializer(HouseholdSerializer):
    url = AddressField(required=False, allow_blank=True, max_length=1000)
    rows_path = PathField(required=False, allow_blank=True, max_length=200)
    date_field = PathField(required=False, allow_blank=True, max_length=100)
    price_field = PathField(required=False, allow_blank=True, max_length=100)
    delimiter = serializers.ChoiceField([*DELIMITERS], required=False)
    decimal = serializers.ChoiceField([*DECIMALS], required=False)
    required_for_put = ("name", "source_type")

    class Meta:
        model = PriceSource
        fields = (
            "id",
            "name",
            "source_type",
            "url",
            "rows_path",
            "date_field",
            "price_field",
            "delimiter",
            "decimal",
            "unit",
            "split_adjusted",
            "enabled",
        )


class PriceSourceViewSet(HouseholdModelViewSet):
    resource_name = "price_source"
    queryset = PriceSource.objects.order_by("name_key", "id")
    serializer_class = PriceSourceSerializer
    service = SOURCES
    parameters = {"search": search_filter("name_key__has_part")}

    @classmethod
    def rows_for(cls, user: Any, **scope: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = cls.queryset.filter(**scope)
        return rows if user.is_superuser else rows.none()

    def is_prepared(self) -> bool:
        return False

    def row_is_visible(self, pk: UUID, parents: Any) -> bool:
        return self.rows_for(self.request.user, pk=pk).exists()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not request.user.is_superuser:
            raise Forbidden(WHO_HAS_SOURCES)
        return super().create(request, *args, **kwargs)

    def create_row(self, values: dict[str, Any]) -> Any:
        return self.service.create(**values)


# --- of an instrument ---


class SourceRows(serializers.ListSerializer[Any]):
    """Errors name the row: [0].symbol."""

    def run_validation(self, data: Any = empty) -> Any:
        try:
            return super().run_validation(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                rows = {
                    f"[{key}]" if isinstance(key, int) else key: detail
                    for key, detail in error.detail.items()
                }
                raise serializers.ValidationError(rows) from None
            raise


class InstrumentSourceSerializer(StrictSerializer):
    """By which symbol a source knows the instrument. The source with the lowest priority is asked first."""

    ignored = frozenset()
    source = NameSerializerField(max_length=100)  # type: ignore[assignment]  # of a field
    symbol = NameSerializerField(max_length=100)
    priority = IntegerSerializerField(min_value=0, max_value=32_767, default=1)

    class Meta:
        list_serializer_class = SourceRows


class OfAnInstrument(BaseAPIView, APIView):
    write_roles: tuple[str, ...] = EDITORS

    def instrument_id(self) -> UUID:
        pk: UUID = path_id(self.kwargs["instrument_id"], "instrument")
        require_visible(Instrument, self.request.user, pk)
        return pk

    def precondition(self, instrument: Owned) -> None:
        household_id = instrument.owning_household_id()
        if household_id is None:
            if not self.request.user.is_superuser:
                raise Forbidden
            return
        role = role_in(self.request.user, household_id)
        if role is None:
            raise NotFound("instrument")
        if role not in self.write_roles:
            raise Forbidden
        self.idempotency_household_id = household_id


@in_path("instrument_id")
class InstrumentSourcesView(OfAnInstrument):
    """The list is replaced as a whole."""

    has_etag = True

    @extend_schema(
        operation_id="instruments_sources_retrieve",
        tags=["instruments"],
        responses=InstrumentSourceSerializer(many=True),
    )
    def get(self, request: Request, instrument_id: str) -> Response:
        """Which sources have the prices of the instrument, in the order in which they are asked."""
        return Response(rows_as_json(sources_of(self.instrument_id())))

    @extend_schema(
        operation_id="instruments_sources_update",
        tags=["instruments"],
        request=InstrumentSourceSerializer(many=True),
        responses=InstrumentSourceSerializer(many=True),
    )
    def put(self, request: Request, instrument_id: str) -> Response:
        """Replaces the list of sources."""
        pk = self.instrument_id()
        body = InstrumentSourceSerializer(data=request.data, many=True, max_length=MOST_SOURCES)  # type: ignore[call-arg]  # of the list
        body.is_valid(raise_exception=True)
        rows = [SourceRow(**row) for row in body.validated_data]
        data = rows_as_json(put_sources(pk, rows, precondition=self.unchanged))
        return Response(data, headers={"ETag": etag_of(data)})

    def unchanged(self, instrument: Owned) -> None:
        self.precondition(instrument)
        require_match(self.request, lambda: etag_of(rows_as_json(sources_of(instrument.pk))))


def rows_as_json(links: list[InstrumentSource]) -> list[dict[str, Any]]:
    return [{"source": link.source.name, "symbol": link.symbol, "priority": link.priority} for link in links]


class PriceFetchSerializer(serializers.Serializer[Any]):
    """When prices were last requested, and what became of that."""

    requested_at = InstantSerializerField(allow_null=True)
    finished_at = InstantSerializerField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)


@in_path("instrument_id")
class FetchView(OfAnInstrument):
    @extend_schema(
        operation_id="instruments_fetch",
        tags=["instruments"],
        request=None,
        responses={202: PriceFetchSerializer},
    )
    def post(self, request: Request, instrument_id: str) -> Response:
        """Asks the sources of the instrument for its prices, in a process of its own; nobody waits for them."""
        pk = self.instrument_id()
        noted = request_fetch(pk, precondition=self.precondition)
        start_fetching(pk)
        return Response(fetch_as_json(noted), status=status.HTTP_202_ACCEPTED)


def fetch_as_json(noted: Any) -> dict[str, Any]:
    instants = {name: getattr(noted, name) for name in ("requested_at", "finished_at")}
    texts = {name: at and instant_text(at) for name, at in instants.items()}
    return {**texts, "outcome": noted.outcome or None}
