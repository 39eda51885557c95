"""The API of an asset's transactions."""

from __future__ import annotations

from assets.api.entries.base import AssetEntrySerializer, AssetEntryViewSet
from assets.models import Transaction
from assets.services.transactions import TRANSACTIONS
from portfolios.api.schema import in_path
from strata.api.fields import CurrencySerializerField, InstantSerializerField
from strata.api.parameters import KNOWN_AT, choice_filter, day_filter


class TransactionSerializer(AssetEntrySerializer):
    occurred_at = InstantSerializerField(required=False)
    currency = CurrencySerializerField(required=False)

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
