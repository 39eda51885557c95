"""The API of an asset's transactions."""

from __future__ import annotations

from typing import Any

from assets.api.entries import AssetEntryViewSet, MomentSerializer
from assets.models import Transaction
from assets.services.disposal import check_recorded_sale
from assets.services.transactions import next_position, recounted_amount
from portfolios.api.schema import in_path
from strata.api.fields import (
    CurrencySerializerField,
    InstantSerializerField,
)
from strata.api.parameters import KNOWN_AT, choice_filter, day_filter


class TransactionSerializer(MomentSerializer):
    occurred_at = InstantSerializerField(required=False)
    currency = CurrencySerializerField(required=False)
    instant_field = "occurred_at"

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
        validators = ()
        extra_kwargs = {
            "fee": {"required": False},
            "tax": {"required": False},
            "position": {"required": False},
        }

    needed_by_put = ("type",)

    def settle_moment(self, attrs: dict[str, Any]) -> None:
        """A new day for a disposal's sale is refused first, before a contradiction with the instant is reported."""
        if self.instance is not None and "on" in attrs:
            check_recorded_sale(self.instance, {"on": attrs["on"]})
        super().settle_moment(attrs)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if self.instance is None:
            attrs.setdefault("currency", self.context["asset"].currency)
        check_recorded_sale(self.instance, attrs)
        attrs.update(recounted_amount(self.instance, attrs))
        return attrs

    def create(self, attrs: dict[str, Any]) -> Transaction:
        if "position" not in attrs:
            attrs["position"] = next_position(self.context["asset"], attrs["on"])
        row: Transaction = super().create(attrs)
        return row


@in_path("asset_id")
class TransactionViewSet(AssetEntryViewSet):
    resource_name = "transaction"
    queryset = Transaction.objects.all()
    serializer_class = TransactionSerializer
    cursor_fields = ("on", "position", "id")
    duplicate_error = (
        "DUPLICATE_TRANSACTION",
        "external_id",
        "The asset has a transaction with this source and id: change that one, which `existing` names.",
    )
    known_by = {"source": "", "external_id": None}
    parameters = {
        "start": day_filter("on__gte"),
        "end": day_filter("on__lte"),
        "type": choice_filter("type", Transaction.Type.values),
        "known_at": KNOWN_AT,
    }
