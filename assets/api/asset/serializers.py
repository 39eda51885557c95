"""What requests and answers about an asset are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from assets.api.asset import rows as asset_rows
from assets.api.asset.equity import EquitySerializer, equity_texts
from assets.api.fields import AccountNumberEnd
from assets.api.names import ASSET_TYPES, CATEGORIES, PORTFOLIOS, TAGS, NameableBranch, NameableRow
from assets.models import Asset
from assets.services import labels
from portfolios.api.fields import LOT_METHOD
from strata.api.fields import (
    BlankOrNameSerializerField,
    BooleanSerializerField,
    CurrencySerializerField,
    DaySerializerField,
    ExactSerializerField,
    InstantSerializerField,
    ListSerializerField,
    MoneySerializerField,
    UUIDSerializerField,
)
from strata.api.names import TakesNames
from strata.api.serializers import StrictSerializer
from strata.fields.numbers import money_text

if TYPE_CHECKING:
    from assets.valuation.current import AssetWithValue


class TypeOfAsset(StrictSerializer):
    id = UUIDSerializerField()
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of this name, not the label of one
    group = serializers.CharField()


class FirstValue(StrictSerializer):
    """The first value of a new asset and its moment, which may be sent with the asset's own fields."""

    value = MoneySerializerField(write_only=True, required=False)
    observed_at = InstantSerializerField(write_only=True, required=False)
    on = DaySerializerField(write_only=True, required=False)


MOST_NAMES = 1000  # categories or tags in a body


class LabelIds(ListSerializerField):
    """Ids of categories or tags. The list may exceed the limit for an asset: one that has more can lose some."""

    child = UUIDSerializerField()

    def __init__(self, **kwargs: Any) -> None:
        about = f"At most {labels.MOST_LABELS}; an asset that has more keeps them."
        super().__init__(write_only=True, required=False, max_length=MOST_NAMES, help_text=about, **kwargs)


class AssetSerializer(FirstValue, TakesNames):
    """Requests have ids (`portfolio_id`, `asset_type_id`, `category_ids`, `tag_ids`) or names (`portfolio`, `type`,
    `categories`, `tags`), answers have the rows.
    """

    portfolio_id = UUIDSerializerField(
        write_only=True,
        required=False,
        help_text="Another one moves the asset with its whole past: values, transactions and totals of all days.",
    )
    asset_type_id = UUIDSerializerField(write_only=True, required=False)
    type = NameableRow(rows=ASSET_TYPES, write_only=True, required=False)
    currency = CurrencySerializerField(required=False)
    quantity = ExactSerializerField(required=False, allow_null=True)
    institution = BlankOrNameSerializerField(
        required=False, help_text="Where it is kept: a bank, a broker, an insurer."
    )
    account_number_end = AccountNumberEnd(
        required=False,
        help_text="The last letters and digits of its account's number, at most 8: a whole number is not kept.",
    )
    counts_in_net_worth = BooleanSerializerField(
        required=False,
        help_text="False leaves it out of totals and reports, on all days; true where it is absent. Its values stay.",
    )
    instrument_id = UUIDSerializerField(required=False, allow_null=True)
    category_ids = LabelIds()
    tag_ids = LabelIds()
    disposed = BooleanSerializerField(read_only=True)
    disposed_on = DaySerializerField(read_only=True, allow_null=True)
    current_value = MoneySerializerField(read_only=True, allow_null=True)
    current_value_on = DaySerializerField(read_only=True, allow_null=True)
    share = ExactSerializerField(read_only=True)
    whole_value = MoneySerializerField(
        read_only=True, required=False, allow_null=True, help_text="In the answer about one asset alone."
    )
    equity = EquitySerializer(
        read_only=True, required=False, allow_null=True, help_text="In the answer about one asset alone."
    )
    asset_type = TypeOfAsset(read_only=True)
    portfolio = NameableRow(rows=PORTFOLIOS, required=False)
    categories = NameableBranch(rows=CATEGORIES, many=True, required=False, max_length=MOST_NAMES)
    tags = NameableRow(rows=TAGS, many=True, required=False, max_length=MOST_NAMES)
    named = {
        "portfolio": "portfolio_id",
        "type": "asset_type_id",
        "categories": "category_ids",
        "tags": "tag_ids",
    }
    computed = frozenset({"current_value", "current_value_on", "share", "whole_value", "disposed", "equity"})
    of_single_rows = frozenset({"whole_value", "equity"})
    set_elsewhere = {
        "asset_type": "Send type or asset_type_id.",
        "portfolio": "Send its id or its name, or portfolio_id.",
        "categories": "It is not what the asset has: leave it out beside category_ids.",
        "tags": "It is not what the asset has: leave it out beside tag_ids.",
        "disposed": "Use dispose or reinstate.",
        "disposed_on": "Use dispose or reinstate.",
        "share": "PUT assets/{id}/ownership sets it.",
    }

    class Meta:
        model = Asset
        extra_kwargs = LOT_METHOD
        fields = (
            "id",
            "name",
            "currency",
            "quantity",
            "notes",
            "institution",
            "account_number_end",
            "counts_in_net_worth",
            "kind",
            "valuation",
            "instrument_id",
            "lot_method",
            "acquired_on",
            "disposed",
            "disposed_on",
            "current_value",
            "current_value_on",
            "share",
            "whole_value",
            "equity",
            "created_at",
            "updated_at",
            "asset_type",
            "portfolio",
            "categories",
            "tags",
            "portfolio_id",
            "asset_type_id",
            "type",
            "category_ids",
            "tag_ids",
            "value",
            "observed_at",
            "on",
        )

    def to_representation(self, row: AssetWithValue) -> dict[str, Any]:
        whole = row.whole_value
        return asset_rows.as_json([asset_rows.row_of(row)])[0] | {
            "whole_value": None if whole is None else money_text(whole),
            "equity": equity_texts(row),
        }

    def computed_of(self, row: Asset) -> frozenset[str]:
        """`disposed` depends on today only if a disposal is recorded."""
        return self.computed if row.disposed_on else self.computed - {"disposed"}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        required = () if self.partial else ("portfolio_id", "asset_type_id")
        if missing := [name for name in required if name not in attrs]:
            raise serializers.ValidationError(
                dict.fromkeys(missing, "This field is required."), code="required"
            )
        first = attrs.keys() & {"value", "observed_at", "on"}
        if first and self.partial:
            raise serializers.ValidationError({"value": "Only a new asset takes a value; add a snapshot."})
        if first and "value" not in first:
            raise serializers.ValidationError({"value": "A moment needs a value."}, code="required")
        return attrs


class DisposalSerializer(StrictSerializer):
    """`on` is today if it is absent. `proceeds` records one DISPOSE; without it none is recorded."""

    on = DaySerializerField(required=False)
    proceeds = MoneySerializerField(required=False, allow_null=True)

    def validate_proceeds(self, value: Decimal | None) -> Decimal | None:
        if value is not None and value < 0:
            raise serializers.ValidationError("Proceeds are not negative.")
        return value
