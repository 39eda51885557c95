"""The instruments themselves: a household's own, and those that all households share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.api.instruments.price_sources import PriceFetchSerializer, fetch_as_json
from assets.models import Instrument
from assets.models.instrument import InstrumentType
from assets.rules.instruments.instruments import (
    minor_unit_hint,
    validate_cusip,
    validate_isin,
    validate_mic,
    validate_sedol,
)
from assets.services.instruments.instruments import INSTRUMENTS
from portfolios.api.fields import STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from strata.api.fields import CurrencySerializerField, TextSerializerField
from strata.api.parameters import KNOWN_AT, choice_filter, code_filter, currency_filter, search_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.viewsets import HouseholdModelViewSet
from strata.audit import clock
from strata.fields.currencies import validate_currency


def currency_of_an_instrument(code: Any) -> str:
    """As of an asset; a minor unit is refused with what to send instead."""
    if isinstance(code, str) and (hint := minor_unit_hint(code)):
        raise hint
    return validate_currency(code)


class InstrumentCurrency(CurrencySerializerField):
    check = staticmethod(currency_of_an_instrument)


@extend_schema_field({"type": "string", "maxLength": 12, "pattern": "^[A-Za-z]{2}[0-9A-Za-z]{9}[0-9]$"})
class IsinField(TextSerializerField):
    check = staticmethod(validate_isin)


@extend_schema_field({"type": "string", "maxLength": 9, "pattern": "^[0-9A-Za-z*@#]{8}[0-9]$"})
class CusipField(TextSerializerField):
    check = staticmethod(validate_cusip)


@extend_schema_field({"type": "string", "maxLength": 7, "pattern": "^[0-9A-Za-z]{6}[0-9]$"})
class SedolField(TextSerializerField):
    check = staticmethod(validate_sedol)


@extend_schema_field({"type": "string", "maxLength": 4, "pattern": "^[0-9A-Za-z]{4}$"})
class MicField(TextSerializerField):
    check = staticmethod(validate_mic)


class InstrumentSerializer(HouseholdSerializer):
    household_id = HouseholdId(allow_null=True)
    currency = InstrumentCurrency(help_text="The currency of its prices. Pence are quote_unit 1/100 of GBP.")
    isin = IsinField(required=False, allow_blank=True)
    cusip = CusipField(required=False, allow_blank=True)
    sedol = SedolField(required=False, allow_blank=True)
    mic = MicField(required=False, allow_blank=True)
    fetch = serializers.SerializerMethodField()
    immutable = {"household_id": STAYS_IN_ITS_HOUSEHOLD}
    computed = frozenset({"fetch"})
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
            "fetch",
        )

    @extend_schema_field(PriceFetchSerializer(allow_null=True))
    def get_fetch(self, instrument: Instrument) -> dict[str, Any] | None:
        """What was last fetched is not known of the past."""
        noted = None if clock.known_at() else getattr(instrument, "fetch", None)
        return noted and fetch_as_json(noted)


class InstrumentViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    resource_name = "instrument"
    queryset = Instrument.objects.select_related("fetch").order_by("symbol_key", "id")
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
