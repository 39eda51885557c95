"""The API of an asset's terms: assets/{id}/terms. Each way to find a value has terms of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assets.models import Asset
from assets.models.asset import Valuation
from assets.models.loan import DayCount, ExtraPaymentEffect, Frequency, LoanRounding, LoanType
from assets.models.terms import Compounding, DepreciationMethod, DepreciationStep
from assets.services.terms import put_terms, read_terms
from portfolios.api.schema import in_path
from strata.api.fields import (
    BooleanSerializerField,
    DaySerializerField,
    ExactSerializerField,
    IntegerSerializerField,
    ListSerializerField,
    MoneySerializerField,
    UUIDSerializerField,
)
from strata.api.http.etags import etag_of, require_state
from strata.api.parameters import KNOWN_AT
from strata.api.serializers import StrictSerializer
from strata.api.views import BaseAPIView, path_id
from strata.exceptions import NotFound
from strata.tenancy.querysets import require_visible
from strata.tenancy.roles import require_role

MOST_ROWS = 1000  # of one list


class LoanRateSerializer(StrictSerializer):
    ignored = frozenset()
    on = DaySerializerField()
    rate = ExactSerializerField()


class LoanExtraPaymentSerializer(StrictSerializer):
    ignored = frozenset()
    on = DaySerializerField()
    amount = MoneySerializerField()
    effect = serializers.ChoiceField(ExtraPaymentEffect.values, default=ExtraPaymentEffect.SHORTEN.value)


class LoanHolidaySerializer(StrictSerializer):
    ignored = frozenset()
    start = DaySerializerField()
    end = DaySerializerField()


class TermsRows(ListSerializerField):
    """Rows of the terms. An error names its row, from 0: rates[1].on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_ROWS, **kwargs)

    def run_child_validation(self, data: Any) -> list[Any]:
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            rows = {f"[{number}]": errors for number, errors in error.detail.items()}
            raise serializers.ValidationError(cast("Any", rows)) from None


class LoanTermsSerializer(StrictSerializer):
    ignored = frozenset()
    valuation = serializers.ChoiceField([Valuation.LOAN.value])
    principal = MoneySerializerField()
    started_on = DaySerializerField()
    first_payment_on = DaySerializerField()
    frequency = serializers.ChoiceField(Frequency.values, default=Frequency.MONTHLY.value)
    loan_type = serializers.ChoiceField(LoanType.values, default=LoanType.ANNUITY.value)
    term = IntegerSerializerField(default=None, allow_null=True)
    payment = MoneySerializerField(default=None, allow_null=True)
    day_count = serializers.ChoiceField(DayCount.values, default=DayCount.THIRTY_360.value)
    rounding = serializers.ChoiceField(LoanRounding.values, default=LoanRounding.CURRENCY.value)
    rates = TermsRows(child=LoanRateSerializer())
    extra_payments = TermsRows(child=LoanExtraPaymentSerializer(), default=list)
    holidays = TermsRows(child=LoanHolidaySerializer(), default=list)
    collateral_id = UUIDSerializerField(default=None, allow_null=True)


class DepreciationTermsSerializer(StrictSerializer):
    ignored = frozenset()
    valuation = serializers.ChoiceField([Valuation.DEPRECIATION.value])
    method = serializers.ChoiceField(
        DepreciationMethod.values, default=DepreciationMethod.STRAIGHT_LINE.value
    )
    cost = MoneySerializerField()
    residual_value = MoneySerializerField(default=Decimal(0))
    life = IntegerSerializerField()
    started_on = DaySerializerField()
    step = serializers.ChoiceField(DepreciationStep.values, default=DepreciationStep.DAY.value)
    rate = ExactSerializerField(default=None, allow_null=True)
    factor = ExactSerializerField(default=None, allow_null=True)
    switch = BooleanSerializerField(default=False)
    first_year_months = IntegerSerializerField(default=12)


class GrowthTermsSerializer(StrictSerializer):
    ignored = frozenset()
    valuation = serializers.ChoiceField([Valuation.GROWTH.value])
    rate = ExactSerializerField()
    compounding = serializers.ChoiceField(Compounding.values, default=Compounding.YEARLY.value)


class PricedTermsSerializer(StrictSerializer):
    """Terms that are an instrument with prices; where it is absent, that of the asset."""

    ignored = frozenset()
    instrument_id = UUIDSerializerField(default=None, allow_null=True)


class MarketTermsSerializer(PricedTermsSerializer):
    valuation = serializers.ChoiceField([Valuation.MARKET.value])


class IndexTermsSerializer(PricedTermsSerializer):
    valuation = serializers.ChoiceField([Valuation.INDEX.value])


SERIALIZERS: dict[str, type[StrictSerializer]] = {
    Valuation.LOAN: LoanTermsSerializer,
    Valuation.DEPRECIATION: DepreciationTermsSerializer,
    Valuation.GROWTH: GrowthTermsSerializer,
    Valuation.MARKET: MarketTermsSerializer,
    Valuation.INDEX: IndexTermsSerializer,
}
TERMS = PolymorphicProxySerializer(
    component_name="Terms",
    serializers={str(name): serializer for name, serializer in SERIALIZERS.items()},
    resource_type_field_name="valuation",
)


def serializer_for(data: Any) -> StrictSerializer:
    """The serializer that `valuation` names."""
    valuation = data.get("valuation") if isinstance(data, dict) else None
    if not isinstance(valuation, str) or valuation not in SERIALIZERS:
        message = f"Send valuation: one of {', '.join(sorted(SERIALIZERS))}."
        raise serializers.ValidationError({"valuation": message}, code="invalid_choice")
    return SERIALIZERS[valuation](data=data)


@in_path("id")
class TermsView(BaseAPIView, APIView):
    has_etag = True
    parameters = {"known_at": KNOWN_AT}

    @extend_schema(responses=TERMS)
    def get(self, request: Request, pk: str) -> Response:
        """The terms by which the asset is valued. 404 where its values are entered by hand."""
        return Response(self.as_json())

    @extend_schema(request=TERMS, responses=TERMS)
    def put(self, request: Request, pk: str) -> Response:
        """Replaces the terms and sets the asset's `valuation`. Recorded values stay, and are anchors."""
        require_visible(Asset, request.user, self.asset_id)
        body = serializer_for(request.data)
        body.is_valid(raise_exception=True)
        terms = dict(body.validated_data)
        put_terms(self.asset_id, terms.pop("valuation"), terms, precondition=self.precondition)
        data = self.as_json()
        return Response(data, headers={"ETag": etag_of(data)})

    @property
    def asset_id(self) -> Any:
        return path_id(self.kwargs["pk"], "asset")

    def precondition(self, asset: Asset) -> None:
        require_role(self.request.user, asset.portfolio.household_id)
        require_state(self.request, self.present_etag)

    def present_etag(self) -> str | None:
        try:
            return etag_of(self.as_json())
        except NotFound:
            return None

    def as_json(self) -> dict[str, Any]:
        asset = Asset.objects.for_user(self.request.user).filter(pk=self.asset_id).first()
        if asset is None:
            raise NotFound("asset")
        terms = read_terms(asset)
        return cast("dict[str, Any]", SERIALIZERS[asset.valuation](terms).data)
