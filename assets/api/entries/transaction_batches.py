"""POST transactions:batch: records many transactions of any assets at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.entries.transactions import TransactionSerializer
from assets.models import Asset
from assets.services.entries.transaction_batches import (
    RecordedTransaction,
    TransactionBatch,
    TransactionRow,
    add_transactions,
)
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
    UUIDSerializerField,
)
from strata.fields.dates import instant_text
from strata.fields.numbers import money_text
from strata.tenancy.batches import Outcome, Refusals

ASSETS = ("00000000-0000-7004-8000-000000000002", "00000000-0000-7004-8000-000000000008")
SENT = {
    "rows": [
        {"asset_id": ASSETS[0], "type": "INCOME", "on": "2026-11-01", "amount": "41.25", "tax": "10.88"},
        {"asset_id": ASSETS[1], "type": "EXPENSE", "on": "2026-11-02", "amount": "12.00", "note": "Fee"},
    ],
}
NOT_OF_A_ROW = ("id", "asset_id", "transfer_id", "created_at", "updated_at")
SHOWN = ("id", "asset_id", "amount", "on", "occurred_at", "position")


class TransactionRowSerializer(TransactionSerializer):
    """One row: what a POST below the asset takes, and the asset."""

    ignored = frozenset()
    transfer_id = None  # type: ignore[assignment]  # so Django REST framework leaves a field out
    required_for_put = ()  # type: ignore[assignment]  # there is no PUT
    asset_id = UUIDSerializerField()

    class Meta(TransactionSerializer.Meta):
        fields = (
            "asset_id",
            *(name for name in TransactionSerializer.Meta.fields if name not in NOT_OF_A_ROW),
        )  # type: ignore[assignment]  # other ones
        list_serializer_class = BatchRows


class TransactionBatchSerializer(BatchSerializer):
    """Transactions of many assets, or many transactions of one."""

    rows = TransactionRowSerializer(many=True)


class RecordedTransactionSerializer(serializers.Serializer[Any]):
    """What became of a row, and the transaction as it is now. Of a refused row all but the outcome is null."""

    outcome = serializers.ChoiceField([*Outcome], help_text="What became of the row.")
    id = UUIDSerializerField(allow_null=True)
    asset_id = UUIDSerializerField(allow_null=True)
    amount = MoneySerializerField(allow_null=True)
    on = DaySerializerField(allow_null=True)
    occurred_at = InstantSerializerField(allow_null=True, help_text="Its instant, in UTC.")
    position = serializers.IntegerField(allow_null=True)


class TransactionBatchAnswerSerializer(BatchAnswerSerializer):
    results = RecordedTransactionSerializer(many=True, help_text="In the order of the rows.")


class TransactionBatchView(BatchView):
    parameters = {}
    serializer_class = TransactionBatchSerializer
    parents = Asset.objects.all()
    parent_name = "asset"

    @extend_schema(
        operation_id="transactions_batch",
        tags=["transactions"],
        request=TransactionBatchSerializer,
        responses=TransactionBatchAnswerSerializer,
        examples=[OpenApiExample("two transactions", value=SENT, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Records up to 10,000 transactions at once, all or nothing unless `on_error` is `skip`."""
        return self.handle_batch(request)

    def write(
        self, rows: Mapping[int, dict[str, Any]], refusals: Refusals, options: dict[str, Any]
    ) -> dict[str, Any]:
        sent = {number: TransactionRow(row.pop("asset_id"), row) for number, row in rows.items()}
        batch = add_transactions(sent, refusals=refusals, precondition=self.precondition(), **options)
        return batch_answer(batch)


def batch_answer(batch: TransactionBatch) -> dict[str, Any]:
    count = len(batch.transactions) + len(batch.refusals)
    return {
        "created": batch.count(Outcome.CREATED),
        "replaced": 0,
        "skipped": batch.count(Outcome.SKIPPED),
        **refused_rows(batch.refusals.one_for_each_row()),
        "results": [transaction_answer(batch.transactions.get(number)) for number in range(count)],
    }


def transaction_answer(recorded: RecordedTransaction | None) -> dict[str, Any]:
    if recorded is None:
        return {"outcome": Outcome.REFUSED, **dict.fromkeys(SHOWN)}
    row = recorded.transaction
    return {
        "outcome": recorded.outcome,
        "id": str(row.pk),
        "asset_id": str(row.asset_id),
        "amount": None if row.amount is None else money_text(row.amount),
        "on": row.on.isoformat(),
        "occurred_at": instant_text(row.occurred_at),
        "position": row.position,
    }
