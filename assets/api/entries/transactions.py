"""The API of an asset's transactions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from assets.api.entries.base import AssetEntrySerializer, AssetEntryViewSet
from assets.models import Transaction
from assets.services.entries.transactions import TRANSACTIONS
from portfolios.api.schema import in_path
from strata.api.fields import (
    CurrencySerializerField,
    ExactSerializerField,
    InstantSerializerField,
    ListSerializerField,
    UUIDSerializerField,
)
from strata.api.parameters import KNOWN_AT, choice_filter, day_filter
from strata.api.serializers import StrictSerializer
from strata.fields.numbers import plain

MOST_LOTS = 1000


class ChosenLotSerializer(StrictSerializer):
    """A part of a lot: the transaction that opened it, and how many of its units."""

    ignored = frozenset()
    transaction_id = UUIDSerializerField()
    quantity = ExactSerializerField()

    def to_internal_value(self, data: Any) -> Any:
        """A PATCH may leave out what it does not change of the transaction, but nothing of a lot."""
        lot: Any = super().to_internal_value(data)
        required = {
            name: [ErrorDetail(str(field.error_messages["required"]), "required")]
            for name, field in self.fields.items()
            if name not in lot
        }
        if required:
            raise serializers.ValidationError(required)
        return lot


class ChosenLots(ListSerializerField):
    """The lots that a sale takes first, as they are stored; null where none is chosen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=ChosenLotSerializer(), max_length=MOST_LOTS, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        lots: Any = super().to_internal_value(data)
        return [
            {"transaction_id": str(lot["transaction_id"]), "quantity": plain(lot["quantity"])} for lot in lots
        ]

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation(data) or None

    def to_representation(self, lots: Any) -> Any:
        return lots


class TransactionSerializer(AssetEntrySerializer):
    occurred_at = InstantSerializerField(required=False)
    currency = CurrencySerializerField(required=False)
    lots = ChosenLots(required=False, allow_null=True)
    transfer_id = UUIDSerializerField(read_only=True, allow_null=True)

    class Meta:
        model = Transaction
        fields = (
            "id",
            "asset_id",
            "type",
            "amount",
            "quantity",
            "unit_price",
            "fee",
            "tax",
            "currency",
            "lots",
            "transfer_id",
            "occurred_at",
            "on",
            "position",
            "note",
            "source",
            "external_id",
            "created_at",
            "updated_at",
        )
        extra_kwargs = {
            "fee": {"required": False},
            "tax": {"required": False},
            "position": {"required": False},
        }

    required_for_put = ("type",)


@in_path("asset_id")
class TransactionViewSet(AssetEntryViewSet):
    resource_name = "transaction"
    service = TRANSACTIONS
    queryset = Transaction.objects.all()
    serializer_class = TransactionSerializer
    cursor_fields = ("on", "position", "id")
    parameters = {
        "start": day_filter("on__gte", "From this day on."),
        "end": day_filter("on__lte", "Up to this day."),
        "type": choice_filter("type", Transaction.Type.values, "Of this type of transaction."),
        "known_at": KNOWN_AT,
    }
