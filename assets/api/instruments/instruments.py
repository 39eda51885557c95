"""The instruments themselves: a household's own, and those that all households share."""

from __future__ import annotations

from typing import Any

from assets.models import Instrument
from assets.models.instrument import InstrumentType
from assets.rules.instruments import minor_unit_hint
from assets.services.instruments import INSTRUMENTS
from portfolios.api.fields import STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.fields import CurrencySerializerField
from strata.api.parameters import KNOWN_AT, choice_filter, code_filter, currency_filter, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet
from strata.fields.currencies import validate_currency


def currency_of_an_instrument(code: Any) -> str:
    """As of an asset; a minor unit is refused with what to send instead."""
    if isinstance(code, str) and (hint := minor_unit_hint(code)):
        raise hint
    return validate_currency(code)


class InstrumentCurrency(CurrencySerializerField):
    check = staticmethod(currency_of_an_instrument)


class InstrumentSerializer(HouseholdSerializer):
    household_id = HouseholdId(allow_null=True)
    currency = InstrumentCurrency(help_text="The currency of its prices. Pence are quote_unit 1/100 of GBP.")
    immutable = {"household_id": STAYS_IN_ITS_HOUSEHOLD}
    required_for_put = ("symbol", "name", "currency")

    class Meta:
        model = Instrument
        fields = (
            "id",
            "household_id",
            "symbol",
            "name",
            "instrument_type",
            "isin",
            "cusip",
            "sedol",
            "mic",
            "currency",
            "quote_unit",
            "max_age_days",
        )
        validators = ()


class InstrumentViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "instrument"
    queryset = Instrument.objects.order_by("symbol_key", "id")
    serializer_class = InstrumentSerializer
    service = INSTRUMENTS
    parameters = {
        "isin": code_filter("isin"),
        "symbol": code_filter("symbol"),
        "instrument_type": choice_filter("instrument_type", InstrumentType.values, "Of this type."),
        "currency": currency_filter(),
        "search": search_filter("symbol_key__has_part", "name_key__has_part", "isin"),
        "known_at": KNOWN_AT,
    }
    orderings = {"symbol": "symbol_key", "name": "name_key"}
