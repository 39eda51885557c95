"""POST prices:batch: records up to 100,000 prices of any instruments at once, as JSON or as CSV."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
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
from assets.prices.readers import BadTable, lines_of
from assets.services.instruments.price_rows import (
    NOT_AN_ID,
    by_instrument,
    ids_found,
    names_found,
    rows_by_name,
    table_rows,
)
from assets.services.instruments.prices import record_prices
from strata.api.batches import (
    BatchAnswerSerializer,
    BatchRows,
    BatchSerializer,
    BatchView,
    refused_rows,
)
from strata.api.fields import DaySerializerField, UUIDSerializerField, checked
from strata.api.http.parsers import StrictJSONParser, decoded, path_of, read_limited, require_utf8
from strata.api.parameters import FLAG, TEXT, Parameter, choice, described, read_flag, read_text
from strata.api.serializers import NOT_AN_OBJECT
from strata.exceptions import Invalid
from strata.tenancy.batches import OnError, Refusals

MOST_ROWS = 100_000
FIELDS = ("instrument_id", "on", "price")
INSTRUMENT = "00000000-0000-700f-8000-000000000001"
SENT = {
    "source": "csv",
    "rows": [
        {"instrument_id": INSTRUMENT, "on": "2026-11-02", "price": "12.34"},
        {"instrument_id": INSTRUMENT, "on": "2026-11-03", "price": "12.56"},
    ],
}


class PriceRows(BatchRows):
    most = MOST_ROWS


class PriceRowSerializer(serializers.Serializer[Any]):
    """The price of an instrument on a day, as it is quoted."""

    instrument_id = UUIDSerializerField()
    on = PriceDayField()
    price = PriceField()

    class Meta:
        list_serializer_class = PriceRows


class PriceBatchSerializer(LoadSerializer, BatchSerializer):
    """Prices of any instruments. A later load replaces the earlier prices of the same days."""

    on_error = serializers.ChoiceField([*OnError], default=OnError.SKIP)
    rows = PriceRowSerializer(many=True)


class CsvOptionsSerializer(LoadSerializer):
    on_error = serializers.ChoiceField([*OnError], default=OnError.SKIP)


class PriceBatchAnswerSerializer(BatchAnswerSerializer):
    """`load_id` is null where nothing was written."""

    load_id = UUIDSerializerField(allow_null=True)


class CsvTable(list[list[str]]):
    """The lines of a CSV after its header, each in the order of COLUMNS."""


class PriceCsvParser(BaseParser):
    """A table with the header `instrument,on,price`, in UTF-8."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        require_utf8(media_type or "")
        text = decoded(read_limited(stream, path_of(parser_context)))
        try:
            return CsvTable(line.cells for line in lines_of(io.StringIO(text, newline="")))
        except BadTable as error:
            raise ParseError(str(error)) from None


def options_in_query() -> dict[str, Parameter]:
    """The fields beside the rows, for a CSV. A day is read again by the serializer, as in JSON."""
    return {
        "on_error": choice([*OnError], "For a CSV: what a bad row means."),
        "source": Parameter(read_text, None, TEXT, "For a CSV: where the prices are from.", many=False),
        "split_adjusted": Parameter(
            read_flag, None, FLAG, "For a CSV: the prices are divided by later splits.", many=False
        ),
        "adjusted_to": Parameter(
            lambda text: checked_day(text),
            None,
            {"type": "string", "format": "date"},
            "For a CSV: up to which day they are divided by splits; today where it is left out.",
            many=False,
        ),
        "accept_jumps": Parameter(
            read_flag, None, FLAG, "For a CSV: also prices a hundred times off.", many=False
        ),
    }


def checked_day(text: str) -> str:
    return checked(DaySerializerField().to_internal_value, text).isoformat()


class PriceBatchView(BatchView):
    serializer_class = PriceBatchSerializer
    parser_classes = (StrictJSONParser, PriceCsvParser)
    parents = Instrument.objects.all()
    parent_name = "instrument"
    parameters = {**BatchView.parameters, **options_in_query()}
    no_etag = "A batch has no ETag."

    @extend_schema(
        operation_id="prices_batch",
        tags=["instruments"],
        parameters=described(parameters),
        request={"application/json": PriceBatchSerializer, "text/csv": {"type": "string"}},
        responses=PriceBatchAnswerSerializer,
        examples=[
            OpenApiExample("two prices", value=SENT, request_only=True, media_type="application/json"),
            OpenApiExample(
                "a table",
                value="instrument,on,price\nWORLD,2026-11-02,12.34\n",
                request_only=True,
                media_type="text/csv",
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Records up to 100,000 prices at once; the bad rows are named, and the others are written.

        With `on_error` `refuse` one bad row refuses all. A CSV has the header `instrument,on,price`, where the
        instrument is an id, an ISIN or a symbol; what is beside the rows in JSON is then in the query. `replaced`
        counts days that had another price, `skipped` those that had the same one.
        """
        self.refuse_if_match(request)
        refusals, latest = Refusals(), latest_day(request.user)
        visible = Instrument.objects.for_user(request.user)
        if isinstance(request.data, CsvTable):
            options = self.csv_options()
            by_name = rows_by_name(
                table_rows(enumerate(limited(request.data)), refusals), refusals, latest=latest
            )
            ids, field = names_found(by_name.keys(), visible), "instrument"
        else:
            options = self.json_options(request)
            by_name = rows_by_name(json_rows(options.pop("rows"), refusals), refusals, latest=latest)
            ids, field = ids_found(by_name.keys(), visible), "instrument_id"
        recorded = record_prices(
            by_instrument(by_name, ids, refusals),
            load_terms(options, latest),
            **options,
            refusals=refusals,
            precondition=self.precondition(),
            instrument_field=field,
            dry_run=self.is_dry_run,
        )
        counts = {name: recorded.count(name) for name in ("created", "replaced", "skipped")}
        refused = refused_rows(refusals.one_for_each_row())
        return Response({"load_id": recorded.load_id and str(recorded.load_id), **counts, **refused})

    def csv_options(self) -> dict[str, Any]:
        sent = {name: values[0] for name, values in self.read_parameters().items() if name != "dry_run"}
        options = CsvOptionsSerializer(data=sent)
        options.is_valid(raise_exception=True)
        return dict(options.validated_data)

    def json_options(self, request: Request) -> dict[str, Any]:
        misplaced = self.read_parameters().keys() - BatchView.parameters.keys()
        if misplaced:
            message = "With JSON, send it in the body."
            raise serializers.ValidationError(dict.fromkeys(sorted(misplaced), message))
        body = PriceBatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)


# --- rows ---


def limited(rows: CsvTable) -> CsvTable:
    """As BatchRows does for JSON."""
    try:
        checked_rows: list[Any] = PriceRows(child=PriceRowSerializer()).to_internal_value(rows)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"rows": error.detail}) from None
    return CsvTable(checked_rows)


def json_rows(rows: Iterable[Any], refusals: Refusals) -> Iterator[tuple[int, str, Any, Any]]:
    for number, row in enumerate(rows):
        if type(row) is dict and type(name := row.get("instrument_id")) is str:
            if len(row) == len(FIELDS) and "on" in row and "price" in row:
                yield number, name, row["on"], row["price"]
                continue
            unknown = sorted(row.keys() - {*FIELDS})
            if not unknown:
                yield number, name, row.get("on"), row.get("price")
                continue
            errors = [Invalid(field[:100], "There is no such field.", "unknown") for field in unknown[:5]]
            refusals.add(number, *errors)
        elif type(row) is dict:
            is_missing = "instrument_id" not in row
            message, code = ("This field is required.", "required") if is_missing else (NOT_AN_ID, "invalid")
            refusals.add(number, Invalid("instrument_id", message, code))
        else:
            refusals.add(number, Invalid(None, NOT_AN_OBJECT))
