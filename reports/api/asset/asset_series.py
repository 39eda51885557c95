"""The API of an asset's values over time with what each was made of, and of the schedule of a loan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import exceptions, serializers

from assets.models import Asset
from assets.models.loan import ExtraPaymentEffect
from assets.rules.assets import terms as rules
from assets.valuation import WhatIf, loan_schedule
from assets.valuation.formulas.loan import Row, Schedule
from assets.valuation.series import money
from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from reports.api.views import Report, answering, day, refuse_reversed
from reports.calculations.intervals import INTERVALS
from reports.queries.asset_values import DescribedValue, DescribedValues, described_values
from reports.queries.defaults import today_of
from reports.queries.etag import with_etag_counts
from reports.queries.net_worth import ReportTooLarge
from strata.api.fields import (
    DaySerializerField,
    ExactSerializerField,
    MoneySerializerField,
    TotalSerializerField,
)
from strata.api.http.table_responses import FORMAT
from strata.api.parameters import KNOWN_AT, Parameter, choice
from strata.api.views import path_id
from strata.exceptions import NotFound
from strata.fields.numbers import decimal_text, money_text, plain

type Table = Iterator[list[str]]
VALUE_COLUMNS = ("on", "value", "source", "quantity", "price", "price_on", "rate", "whole_value", "share")
SCHEDULE_COLUMNS = Row._fields


class AssetReport(Report):
    """A report on one asset. It depends on the asset's portfolio: every write in that makes a new ETag."""

    @cached_property
    def portfolios(self) -> list[Portfolio]:
        """The portfolio of the asset in the path; 404 if the caller may not see the asset."""
        visible = Portfolio.objects.for_user(self.request.user)
        portfolios = list(with_etag_counts(visible.filter(assets=self.asset_id)))
        if not portfolios:
            raise NotFound("asset")
        return portfolios

    @property
    def asset_id(self) -> Any:
        return path_id(self.kwargs["pk"], "asset")

    @property
    def today(self) -> date:
        (portfolio,) = self.portfolios
        return today_of(portfolio)

    def asset(self) -> Asset:
        rows = Asset.objects.for_user(self.request.user).filter(portfolio__in=self.portfolios)
        asset = rows.filter(pk=self.asset_id).first()
        if asset is None:  # moved or deleted since
            raise NotFound("asset")
        return asset


# --- values over time ---


class ValuePointSerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    value = MoneySerializerField(allow_null=True)
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field of this name
    quantity = ExactSerializerField(allow_null=True)
    price = ExactSerializerField(allow_null=True)
    price_on = DaySerializerField(allow_null=True)
    rate = ExactSerializerField(allow_null=True)
    whole_value = MoneySerializerField(allow_null=True)
    share = ExactSerializerField()


class ValuesOverTimeSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    points = ValuePointSerializer(many=True)


@in_path("id")
@extend_schema_view(get=extend_schema(operation_id="assets_values_over_time", tags=["values"]))
@answering(ValuesOverTimeSerializer, "a row for each point.")
class AssetValuesView(AssetReport):
    """What the asset was worth over time, and what each value was made of."""

    parameters = {
        "start": day("From this day on; from the first value, where it is absent."),
        "end": day("Up to this day; today, where it is absent."),
        "interval": choice(INTERVALS, "A point at the end of each; month, where it is absent."),
        "known_at": KNOWN_AT,
        **FORMAT,
    }

    def report(self, **asked: Any) -> DescribedValues:
        end: date = asked.pop("end", None) or self.today
        start: date | None = asked.pop("start", None)
        refuse_reversed(start, end)
        try:
            return described_values(self.asset(), start=start, end=end, **asked)
        except ReportTooLarge as error:
            raise exceptions.ValidationError({error.field: str(error)}, code="too_much") from None

    def answer(self, values: DescribedValues) -> dict[str, Any]:
        return {"currency": values.currency, "points": [*map(point_answer, values.points)]}

    def table(self, values: DescribedValues) -> Table:
        yield [*VALUE_COLUMNS]
        for point in values.points:
            shown = point_answer(point)
            yield [shown[name] or "" for name in VALUE_COLUMNS]

    def file_title(self, values: DescribedValues) -> tuple[str, ...]:
        return "values", values.name


def point_answer(point: DescribedValue) -> dict[str, str | None]:
    origin = point.origin
    return dict.fromkeys(VALUE_COLUMNS) | {
        "on": point.on.isoformat(),
        "value": None if point.value is None else money_text(point.value),
        "source": origin and origin.source,
        "quantity": origin and fraction_text(origin.quantity),
        "price": origin and fraction_text(origin.price),
        "price_on": None if origin is None or origin.price_on is None else origin.price_on.isoformat(),
        "rate": None if origin is None or origin.rate is None else plain(origin.rate),
        "whole_value": None if point.whole_value is None else money_text(point.whole_value),
        "share": plain(point.share),
    }


def fraction_text(number: Fraction | None) -> str | None:
    return None if number is None else decimal_text(number)


# --- the schedule of a loan ---


class ScheduleRowSerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    payment = MoneySerializerField()
    interest = MoneySerializerField()
    principal = MoneySerializerField()
    extra = MoneySerializerField()
    balance = MoneySerializerField()


class ScheduleSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    rows = ScheduleRowSerializer(many=True)
    payoff_on = DaySerializerField(allow_null=True)
    total_interest = TotalSerializerField()


class ShownSchedule(NamedTuple):
    asset: Asset
    schedule: Schedule


def number(about: str, *, is_amount: bool = False) -> Parameter:
    field = MoneySerializerField() if is_amount else ExactSerializerField()
    schema = {"type": "string", "format": "decimal"}
    return Parameter(field.to_internal_value, None, schema, about, many=False)


@in_path("id")
@answering(ScheduleSerializer, "a row for each payment.")
class ScheduleView(AssetReport):
    """What is paid on which day, and what is owed after it; with `what_if_` parameters as it would be."""

    parameters = {
        "what_if_on": day(
            "The day of the extra payment, or the first of the rate; today, where it is absent."
        ),
        "what_if_extra": number("An extra payment on that day.", is_amount=True),
        "what_if_effect": choice(
            ExtraPaymentEffect.values,
            "Whether it shortens the term or lowers the payment; shorten, where it is absent.",
        ),
        "what_if_rate": number("A yearly rate from that day on, as a fraction of 1."),
        "known_at": KNOWN_AT,
        **FORMAT,
    }

    def report(self, **asked: Any) -> ShownSchedule:
        asset = self.asset()
        schedule = loan_schedule(asset.pk, self.what_if(asked))
        if schedule is None:
            raise NotFound("schedule")
        return ShownSchedule(asset, schedule)

    def what_if(self, asked: dict[str, Any]) -> WhatIf | None:
        extra: Decimal | None = asked.get("what_if_extra")
        rate: Decimal | None = asked.get("what_if_rate")
        if extra is not None:
            rules.validate_positive_amount("what_if_extra", extra)
        elif "what_if_effect" in asked:
            raise exceptions.ValidationError(
                {"what_if_effect": "It is of an extra payment: send what_if_extra."}
            )
        if rate is not None:
            rules.validate_rate("what_if_rate", rate)
        if extra is None and rate is None:
            if "what_if_on" in asked:
                message = "Send what_if_extra or what_if_rate with it."
                raise exceptions.ValidationError({"what_if_on": message})
            return None
        effect = asked.get("what_if_effect", ExtraPaymentEffect.SHORTEN.value)
        return WhatIf(asked.get("what_if_on", self.today), extra, effect, rate)

    def answer(self, shown: ShownSchedule) -> dict[str, Any]:
        payoff_on = shown.schedule.payoff_on
        return {
            "currency": shown.asset.currency,
            "rows": [dict(zip(SCHEDULE_COLUMNS, texts(row), strict=True)) for row in shown.schedule.rows],
            "payoff_on": payoff_on and payoff_on.isoformat(),
            "total_interest": money_text(money(shown.schedule.total_interest)),
        }

    def table(self, shown: ShownSchedule) -> Table:
        yield [*SCHEDULE_COLUMNS]
        yield from map(texts, shown.schedule.rows)

    def file_title(self, shown: ShownSchedule) -> tuple[str, ...]:
        return "schedule", shown.asset.name


def texts(row: Row) -> list[str]:
    on, *amounts = row
    return [on.isoformat(), *(money_text(money(amount)) for amount in amounts)]
