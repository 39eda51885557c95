"""The serializers of missing rates and prices, and what a cell of a CSV says of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strata.api.fields import (
    CurrencySerializerField,
    DaySerializerField,
    UUIDSerializerField,
)
from strata.api.serializers import StrictSerializer


class MissingRateSerializer(StrictSerializer):
    """`currency` has no rate on the day, so the amount is left out."""

    currency = CurrencySerializerField()
    on = DaySerializerField()
    amount = serializers.CharField()
    amount_currency = CurrencySerializerField(
        required=False,
        help_text="Of the amount, where it is not `currency`: then it is the currency of the report that lacks a rate.",
    )

    def to_representation(self, gap: dict[str, str]) -> dict[str, str]:
        return gap  # already plain JSON values, both in a PortfolioTotal and as stored


@extend_schema_field(MissingRateSerializer(many=True))
class MissingRates(serializers.ReadOnlyField):
    """A total's missing rates: plain values already. PostgreSQL reorders an object's members; this fixes the order."""

    def to_representation(self, gaps: list[dict[str, str]]) -> list[dict[str, str]]:
        members = ("currency", "on", "amount", "amount_currency")
        return [{name: gap[name] for name in members if name in gap} for gap in gaps]

    def in_cell(self, gap: Mapping[str, str]) -> str:
        return gap_text(gap["currency"], gap["amount"], gap.get("amount_currency"))


class AssetNameSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    name = serializers.CharField()


class InstrumentSymbolSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    symbol = serializers.CharField(help_text="The symbol by which it is traded.")


class MissingPriceSerializer(serializers.Serializer[Any]):
    """The asset has no value on the day, because no price of its instrument counts, so it is left out."""

    asset = AssetNameSerializer()
    instrument = InstrumentSymbolSerializer(allow_null=True, help_text="The security whose price is missing.")
    on = DaySerializerField(help_text="The day of the figure.")
    last_on = DaySerializerField(
        allow_null=True, help_text="The day of the last price before it; null where there is none."
    )

    def to_representation(self, gap: dict[str, Any]) -> dict[str, Any]:
        return gap  # already plain JSON values, both in a PortfolioTotal and as stored


@extend_schema_field(MissingPriceSerializer(many=True))
class MissingPrices(serializers.ReadOnlyField):
    """A total's missing prices: plain values already. The order of the members is fixed as in MissingRates."""

    def to_representation(self, gaps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "asset": {name: gap["asset"][name] for name in ("id", "name")},
                "instrument": gap["instrument"]
                and {name: gap["instrument"][name] for name in ("id", "symbol")},
                "on": gap["on"],
                "last_on": gap["last_on"],
            }
            for gap in gaps
        ]

    def in_cell(self, gap: Mapping[str, Any]) -> str:
        return price_gap_text(gap["asset"]["name"], gap["last_on"])


def price_gap_text(name: str, last_on: str | None) -> str:
    """The asset that was left out, and the day of its last price."""
    return f"{name} (last price {last_on})" if last_on else f"{name} (no price)"


def gap_text(currency: str, amount: str, amount_currency: str | None = None) -> str:
    """The amount that was left out; and the total's currency, if that is the one without a rate."""
    if amount_currency:
        return f"{amount_currency} {amount} (no rate of {currency})"
    return f"{currency} {amount}"
