"""The serializers of missing rates, and what a cell of a CSV says of one."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strata.api.fields import (
    CurrencySerializerField,
    DaySerializerField,
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


def gap_text(currency: str, amount: str, amount_currency: str | None = None) -> str:
    """The amount that was left out; and the total's currency, if that is the one without a rate."""
    if amount_currency:
        return f"{amount_currency} {amount} (no rate of {currency})"
    return f"{currency} {amount}"
