"""The shapes of lots, gains, income and returns, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portfolios.models import LOT_METHODS
from reports.api.missing_rates import AssetNameSerializer, MissingPriceSerializer
from strata.api.fields import DaySerializerField, TotalSerializerField, UUIDSerializerField


def text(about: str = "", *, null: bool = True) -> serializers.CharField:
    """A number as text."""
    return serializers.CharField(allow_null=null, help_text=about)


def total(about: str = "") -> TotalSerializerField:
    return TotalSerializerField(allow_null=True, help_text=about)


class MissingRateOfDaySerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    on = DaySerializerField()


class OpenLotSerializer(serializers.Serializer[Any]):
    transaction_id = UUIDSerializerField(help_text="The purchase; also after a transfer or a spin-off.")
    acquired_on = DaySerializerField()
    quantity = text("What is left of it, in shares of the day; negative in a short lot.", null=False)
    cost = total("With fees and taxes, rounded down to 1/10,000.")
    unit_cost = text("null where nothing is counted.")
    value = total("Its part of the asset's value.")
    unrealised_gain = total()
    holding_days = serializers.IntegerField()


class ClosedLotSerializer(serializers.Serializer[Any]):
    transaction_id = UUIDSerializerField(help_text="The purchase.")
    disposal_id = UUIDSerializerField(help_text="The sale, or the corporate action.")
    acquired_on = DaySerializerField()
    disposed_on = DaySerializerField()
    quantity = text("What was sold of it, in shares of the day of the sale.", null=False)
    cost = total()
    proceeds = total("Net of fees and taxes.")
    realised_gain = total("null where an exchange rate is missing.")
    fx_gain = total("The part of the gain that comes from the exchange rate.")
    holding_days = serializers.IntegerField()


class LotTotalsSerializer(serializers.Serializer[Any]):
    asset_id = UUIDSerializerField()
    on = DaySerializerField()
    method = serializers.ChoiceField(choices=LOT_METHODS)
    currency = serializers.CharField()
    quantity = text("Of the open lots.", null=False)
    cost = total("Of the open lots; null where nothing says what it cost.")
    value = total("Of the asset; null before its first value.")
    unrealised_gain = total("Value less cost.")
    realised_gain = total("Of all lots that were closed up to the day.")
    fx_gain = total("The part of the realised gain that comes from exchange rates.")
    missing_quantity = text("What was sold without being held.", null=False)
    missing_proceeds = total("What that was sold for; in no gain.")


class LotsSerializer(LotTotalsSerializer):
    open = OpenLotSerializer(many=True)
    closed = ClosedLotSerializer(many=True, required=False, help_text="With closed=1.")


class DetailedLotsSerializer(LotTotalsSerializer):
    open = OpenLotSerializer(many=True, required=False, help_text="With detail=1.")
    closed = ClosedLotSerializer(many=True, required=False, help_text="With detail=1.")


class AllLotsSerializer(serializers.Serializer[Any]):
    method = serializers.ChoiceField(
        choices=LOT_METHODS,
        allow_null=True,
        help_text="The one that was asked for; null for each asset's own.",
    )
    on = DaySerializerField()
    results = DetailedLotsSerializer(many=True)


class HoldingSerializer(serializers.Serializer[Any]):
    asset_id = UUIDSerializerField()
    on = DaySerializerField()
    currency = serializers.CharField()
    quantity = text("null where units are not counted.")
    price = text("Of a unit.")
    value = total("null before the first value.")
    cost_basis = total("What it cost; null where nothing says so.")
    unrealised_gain = total()
    missing_quantity = text("What was sold without being held.", null=False)


class GainSerializer(ClosedLotSerializer):
    asset = AssetNameSerializer()


class GainTotalsSerializer(serializers.Serializer[Any]):
    cost = TotalSerializerField()
    proceeds = TotalSerializerField()
    realised_gain = TotalSerializerField(help_text="With the part that comes from exchange rates.")
    fx_gain = TotalSerializerField(help_text="That part.")


NO_PRICES = "Always empty: no figure of this report needs a price."


class RealisedGainsSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    method = serializers.ChoiceField(choices=LOT_METHODS, allow_null=True)
    results = GainSerializer(many=True)
    totals = GainTotalsSerializer(help_text="Rounded once. What lacks a rate is left out.")
    complete = serializers.BooleanField()
    missing_rates = MissingRateOfDaySerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True, help_text=NO_PRICES)


class IncomeAmountsSerializer(serializers.Serializer[Any]):
    income = TotalSerializerField(help_text="Gross.")
    fees = TotalSerializerField()
    taxes = TotalSerializerField()


class IncomeRowSerializer(IncomeAmountsSerializer):
    key = serializers.CharField(help_text="A month, a year, or an id.")
    name = serializers.CharField()


class IncomeSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    group_by = serializers.CharField()
    rows = IncomeRowSerializer(many=True)
    total = IncomeAmountsSerializer()
    complete = serializers.BooleanField()
    missing_rates = MissingRateOfDaySerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True, help_text=NO_PRICES)


class DrawdownSerializer(serializers.Serializer[Any]):
    value = text("As a fraction of the peak.", null=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        days = {"from": "The day of the peak.", "to": "The day of the lowest point."}
        fields = {name: DaySerializerField(allow_null=True, help_text=about) for name, about in days.items()}
        return {**super().get_fields(), **fields}


class BenchmarkInstrumentSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    symbol = serializers.CharField()


class BenchmarkSerializer(serializers.Serializer[Any]):
    instrument = BenchmarkInstrumentSerializer()
    twr = text("Of its prices.")
    xirr_of_same_flows = text("If every flow had bought or sold it at the price of its day.")


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class FlowSerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    amount = TotalSerializerField(help_text="Positive where money came in.")


class ChainDaySerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    start = TotalSerializerField(help_text="The value at the end of the day before.")
    inflow = TotalSerializerField(help_text="At the day's start.")
    outflow = TotalSerializerField(help_text="At the day's end.")
    end = TotalSerializerField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        about = "(end + outflow) / (start + inflow) - 1; null on a day with nothing invested."
        return {**super().get_fields(), "return": text(about)}


class PerformanceSerializer(serializers.Serializer[Any]):
    start = DaySerializerField(help_text="Its end is the beginning: flows of this day are not included.")
    end = DaySerializerField()
    currency = serializers.CharField()
    method = serializers.ChoiceField(choices=LOT_METHODS, allow_null=True)
    start_value = total()
    end_value = total()
    net_flows = total("Money that came in (or, negative, left) after `start`.")
    twr = text("True time-weighted return of the period.")
    twr_annualised = text("(1 + twr) ^ (365 / days) - 1.")
    xirr = text("Money-weighted return, per year.")
    realised_gain = total("Of the lots that were closed after `start`, with `fx_gain`.")
    unrealised_gain = total("Value less cost of what is held on `end`.")
    fx_gain = total("The part of the realised gain that comes from exchange rates.")
    income = total("Gross.")
    fees = total("Of transactions, with the costs that were recorded alone and the interest of loans.")
    taxes = total()
    max_drawdown = DrawdownSerializer(allow_null=True)
    volatility = text("Of the daily returns, for the period.")
    semi_volatility = text("Of the returns below their mean.")
    benchmark = BenchmarkSerializer(allow_null=True, help_text="null where none is asked for.")
    missing_rates = MissingRateOfDaySerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True)
    reasons = serializers.DictField(
        child=ReasonSerializer(), help_text="Why a field is null, or what to know of it, by its name."
    )
    flows = FlowSerializer(many=True, required=False, help_text="With explain=1.")
    days = ChainDaySerializer(
        many=True,
        required=False,
        help_text="With explain=1; without those on which a price is missing at the beginning or the end.",
    )
