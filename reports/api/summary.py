"""The API of the summary, for a widget or a prompt."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from reports.api.answers import share_text, writer
from reports.api.missing_rates import MissingPriceSerializer, MissingRateSerializer
from reports.api.views import OF_EVERY_REPORT, Report, answering, day
from reports.queries.summary import Summary, summary_on
from reports.queries.totals import gap_answer, price_gap_answer
from strata.api.fields import DaySerializerField, TotalSerializerField


class MonthSerializer(serializers.Serializer[Any]):
    start = DaySerializerField(
        help_text="The last day of the month before `on`, or the day of the first value if that is later."
    )
    change = TotalSerializerField(help_text="Net worth on `on` less that on `start`.")
    change_ratio = serializers.CharField(
        allow_null=True, help_text="Relative to the absolute value on `start`; null where that is zero."
    )


class FindingCountsSerializer(serializers.Serializer[Any]):
    problems = serializers.IntegerField(help_text="Findings of quality with the severity warning.")
    hints = serializers.IntegerField(help_text="Findings of quality with the severity note.")


class SummarySerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    currency = serializers.CharField()
    net_worth = TotalSerializerField(help_text="That of GET net-worth on the day, to the cent.")
    complete = serializers.BooleanField()
    missing_rates = MissingRateSerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True)
    month = MonthSerializer(
        allow_null=True, help_text="What changed in this month; null before the first value."
    )
    current_assets = serializers.IntegerField(help_text="Assets that are not disposed of on the day.")
    stale_values = serializers.IntegerField(help_text="Of these, the ones whose value is out of date.")
    findings = FindingCountsSerializer(help_text="Without those that were dismissed.")


def summary_answer(summary: Summary) -> dict[str, Any]:
    point, month, text = summary.net_worth, summary.month, writer(summary.currency)
    return {
        "on": summary.on.isoformat(),
        "currency": summary.currency,
        "net_worth": text(point.net),
        "complete": point.complete,
        "missing_rates": list(map(gap_answer, point.missing_rates)),
        "missing_prices": list(map(price_gap_answer, point.missing_prices)),
        "month": month
        and {
            "start": month.start.isoformat(),
            "change": text(month.change),
            "change_ratio": share_text(month.ratio),
        },
        "current_assets": summary.current_assets,
        "stale_values": summary.stale_values,
        "findings": {"problems": summary.problems, "hints": summary.hints},
    }


@answering(SummarySerializer)
class SummaryView(Report):
    """Net worth, its change in this month and what needs attention, in one small answer for a widget or a prompt."""

    renderer_classes = (JSONRenderer,)
    parameters = {**OF_EVERY_REPORT, "on": day("The day; today, where it is absent.")}
    answer = staticmethod(summary_answer)

    def report(self, **asked: Any) -> Summary:
        return summary_on(self.portfolios, **asked)
