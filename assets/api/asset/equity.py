"""What is one's own of something that loans are secured on, in the detail of it and of each of its loans."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from assets.services.equity import equity_of
from strata.api.fields import ExactSerializerField, TotalSerializerField
from strata.fields.numbers import money_text, plain


class EquitySerializer(serializers.Serializer[Any]):
    value = TotalSerializerField()
    loans = TotalSerializerField()
    equity = TotalSerializerField()
    loan_to_value = ExactSerializerField(allow_null=True)


def equity_texts(asset: Any) -> dict[str, str | None] | None:
    """On the day `as_of` of the asset, which was read `with_collateral`.

    None where no loan is secured on anything, and where something is missing.
    """
    equity = equity_of(asset, asset.collateral_id, asset.as_of)
    if equity is None:
        return None
    return {
        "value": money_text(equity.value),
        "loans": money_text(equity.owed),
        "equity": money_text(equity.equity),
        "loan_to_value": None if equity.loan_to_value is None else plain(equity.loan_to_value),
    }
