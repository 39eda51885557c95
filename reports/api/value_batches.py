"""POST values:batch: records many values at once, or says what they would change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.entries.snapshots import value_matches
from assets.models import Asset
from assets.services.entries.value_batches import RecordedValue, ValueBatch, ValueRow, record_values
from reports.services.value_batches import TotalChange, preview_values
from strata.api.batches import (
    BatchAnswerSerializer,
    BatchRows,
    BatchSerializer,
    BatchView,
    refused_rows,
)
from strata.api.fields import (
    DaySerializerField,
    InstantSerializerField,
    MoneySerializerField,
    NoteSerializerField,
    TextSerializerField,
    TotalSerializerField,
    UUIDSerializerField,
)
from strata.api.parameters import described
from strata.api.serializers import StrictSerializer
from strata.fields.dates import instant_text
from strata.fields.numbers import money_text
from strata.tenancy.batches import IfExists, Outcome, Refusals

TAG_LENGTH = 200
ASSETS = ("00000000-0000-7004-8000-000000000001", "00000000-0000-7004-8000-000000000008")
SENT = {
    "if_exists": "replace",
    "rows": [
        {"asset_id": ASSETS[0], "on": "2026-11-01", "value": "1204.55", "note": "statement"},
        {"asset_id": ASSETS[1], "observed_at": "2026-11-01T18:00:00Z", "value": "-180000.00"},
    ],
}


class ValueRowSerializer(StrictSerializer):
    """A value of the whole asset, in its currency; negative for what is owed."""

    ignored = frozenset()
    asset_id = UUIDSerializerField()
    on = DaySerializerField(
        required=False,
        help_text="The day of the value; today where neither it nor `observed_at` is given.",
    )
    observed_at = InstantSerializerField(
        required=False,
        help_text="The instant of the value, where a day has several. It must be on `on`, if both are given.",
    )
    value = MoneySerializerField()
    note = NoteSerializerField(
        required=False, allow_blank=True, help_text="Left out, a value that is replaced keeps its note."
    )
    if_match = TextSerializerField(
        required=False,
        allow_blank=True,
        max_length=TAG_LENGTH,
        help_text="The ETag of `GET assets/{id}/values/{on}`, or an empty text for no value: 412 in any other state.",
    )

    class Meta:
        list_serializer_class = BatchRows


class ValueBatchSerializer(BatchSerializer):
    """Values of many assets, or many values of one."""

    if_exists = serializers.ChoiceField(
        [*IfExists], default=IfExists.REFUSE, help_text="What is done with a value that exists already."
    )
    rows = ValueRowSerializer(many=True)


class RecordedValueSerializer(serializers.Serializer[Any]):
    """What became of a row, and the value as it is now. Of a refused row all but the outcome is null."""

    outcome = serializers.ChoiceField([*Outcome])
    id = UUIDSerializerField(allow_null=True)
    asset_id = UUIDSerializerField(allow_null=True)
    on = DaySerializerField(allow_null=True)
    observed_at = InstantSerializerField(allow_null=True)
    value = MoneySerializerField(allow_null=True)
    note = serializers.CharField(allow_null=True, allow_blank=True)


class TotalChangeSerializer(serializers.Serializer[Any]):
    """Net worth of a portfolio on the last day that the rows name in it, without and with the rows."""

    portfolio_id = UUIDSerializerField()
    on = DaySerializerField()
    currency = serializers.CharField()
    before = TotalSerializerField()
    after = TotalSerializerField()
    change = TotalSerializerField()
    complete = serializers.BooleanField()


class ValueBatchAnswerSerializer(BatchAnswerSerializer):
    results = RecordedValueSerializer(many=True, help_text="In the order of the rows.")
    dry_run = serializers.BooleanField(required=False, help_text="True for a dry run, else absent.")
    totals = TotalChangeSerializer(many=True, required=False, help_text="Of a dry run.")


class ValueBatchView(BatchView):
    serializer_class = ValueBatchSerializer
    parents = Asset.objects.all()
    parent_name = "asset"

    @extend_schema(
        operation_id="values_batch",
        tags=["values"],
        parameters=described(BatchView.parameters),
        request=ValueBatchSerializer,
        responses=ValueBatchAnswerSerializer,
        examples=[OpenApiExample("two values", value=SENT, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Records up to 10,000 values at once, all or nothing unless `on_error` is `skip`.

        A row with `on` is about the last value of that day, one with `observed_at` about the value of that instant.
        `if_exists` says what is done where there is one: `refuse` it, `replace` it, or `skip` the row. Errors name the
        row, as in `rows[3].value`. With `?dry_run=1` nothing is written, and the answer has the totals as they would
        be.
        """
        return self.handle_batch(request)

    def write(
        self, rows: Mapping[int, dict[str, Any]], refusals: Refusals, options: dict[str, Any]
    ) -> dict[str, Any]:
        sent = {number: ValueRow(**row) for number, row in rows.items()}
        options |= {"refusals": refusals, "precondition": self.precondition(), "matches": value_matches}
        if self.is_dry_run:
            batch, totals = preview_values(sent, **options)
            return batch_answer(batch, is_dry=True) | {
                "dry_run": True,
                "totals": [*map(total_answer, totals)],
            }
        return batch_answer(record_values(sent, **options))


def batch_answer(batch: ValueBatch, *, is_dry: bool = False) -> dict[str, Any]:
    count = len(batch.values) + len(batch.refusals)
    return {
        "created": batch.count(Outcome.CREATED),
        "replaced": batch.count(Outcome.REPLACED),
        "skipped": batch.count(Outcome.SKIPPED),
        **refused_rows(batch.refusals.one_for_each_row()),
        "results": [value_answer(batch.values.get(number), is_dry=is_dry) for number in range(count)],
    }


def value_answer(recorded: RecordedValue | None, *, is_dry: bool) -> dict[str, Any]:
    if recorded is None:
        empty = dict.fromkeys(("id", "asset_id", "on", "observed_at", "value", "note"))
        return {"outcome": Outcome.REFUSED, **empty}
    row = recorded.snapshot
    is_planned = is_dry and recorded.outcome is Outcome.CREATED
    return {
        "outcome": recorded.outcome,
        "id": None if is_planned else str(row.pk),
        "asset_id": str(row.asset_id),
        "on": row.on.isoformat(),
        "observed_at": instant_text(row.observed_at),
        "value": money_text(row.value),
        "note": row.note,
    }


def total_answer(total: TotalChange) -> dict[str, Any]:
    return {
        "portfolio_id": str(total.portfolio_id),
        "on": total.on.isoformat(),
        "currency": total.currency,
        "before": money_text(total.before),
        "after": money_text(total.after),
        "change": money_text(total.change),
        "complete": total.complete,
    }
