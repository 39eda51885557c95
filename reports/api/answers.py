"""The answers of reports: serializers for the schema, and functions that turn a report into plain values.

A long series has hundreds of thousands of figures: the functions write dicts directly, without serializer objects.
A key identifies a group: an id, a code, an institution's name as names are compared, or "none" for assets in no
category, or without a tag or an institution.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.prices.series import PriceOnDay
from reports.api.missing_rates import AssetNameSerializer, MissingPriceSerializer, MissingRateSerializer
from reports.calculations.allocation import Slice
from reports.calculations.change import Parts
from reports.calculations.net_worth import Point
from reports.calculations.real_terms import RealTerms
from reports.calculations.rounding import SHARE_PLACES
from reports.queries import AllocationReport, ChangeReport, NetWorthSeries, QualityIssue
from reports.queries.keys import key_text
from reports.queries.totals import gap_answer, price_gap_answer
from strata.api.fields import (
    DaySerializerField,
    ExactSerializerField,
    InstantSerializerField,
    TotalSerializerField,
    UUIDSerializerField,
)
from strata.fields.currencies import minor_units
from strata.fields.date_formats import DateFormat, day_text
from strata.fields.numbers import decimal_text, money_text

PARTS = (
    "start_value",
    "end_value",
    "change",
    "net_flows",
    "income",
    "expenses",
    "value_change",
    "fx_change",
    "added",
    "removed",
)


class GroupSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(
        help_text='An id or a code; "none" for what is in no category or tag, or at no institution.'
    )
    name = serializers.CharField()
    path = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="A category's way from the top of the tree."
    )


@extend_schema_field(
    {"type": "object", "additionalProperties": {"type": ["string", "null"], "format": "decimal"}}
)
class AmountsByKey(serializers.Field[dict[str, Decimal], dict[str, str], dict[str, str], Any]):
    pass


class PointReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class PointSerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    assets = TotalSerializerField(allow_null=True)
    liabilities = TotalSerializerField(allow_null=True, help_text="Zero or negative.")
    net = TotalSerializerField(allow_null=True)
    groups = AmountsByKey(required=False, help_text="The net of each group, by its key; with group_by.")
    complete = serializers.BooleanField()
    missing_rates = MissingRateSerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True)
    index = ExactSerializerField(
        required=False, allow_null=True, help_text="With `real`: the index that counts on the day."
    )
    index_on = DaySerializerField(required=False, allow_null=True, help_text="The day that the index is of.")
    reason = PointReasonSerializer(
        required=False,
        help_text="With `real`, why the amounts are null: NO_INDEX_VALUE. Absent where they are not.",
    )


class IndexSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    symbol = serializers.CharField()


class RealTermsSerializer(serializers.Serializer[Any]):
    instrument = IndexSerializer()
    on = DaySerializerField(help_text="All amounts are in the money of this day, the last one of the points.")
    index = ExactSerializerField(allow_null=True)
    index_on = DaySerializerField(allow_null=True)


class NetWorthSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    interval = serializers.CharField()
    group_by = serializers.CharField(allow_null=True)
    groups_overlap = serializers.BooleanField(
        help_text="Whether an asset counts in several groups, so that they add up to more than the total."
    )
    real = RealTermsSerializer(required=False, help_text="With `real`: the index and the day of the money.")
    groups = GroupSerializer(many=True)
    points = PointSerializer(many=True)


class DrillDownSerializer(serializers.Serializer[Any]):
    """Parameters that replace those of the same name, and `level`."""

    group_by = serializers.CharField()
    category = serializers.CharField(required=False)
    type = UUIDSerializerField(required=False)
    group = serializers.CharField(required=False)
    liquidity = serializers.CharField(required=False)
    institution = serializers.CharField(required=False)
    tag = serializers.CharField(required=False)
    asset_currency = serializers.CharField(required=False)
    portfolio = UUIDSerializerField(required=False)


class AssetGroupSerializer(GroupSerializer):
    value = TotalSerializerField()
    share = serializers.CharField(
        allow_null=True, help_text="Of all that is owned; all shares make exactly 1."
    )
    target = serializers.CharField(allow_null=True)
    drift = serializers.CharField(allow_null=True, help_text="The share less the target.")
    rebalance = TotalSerializerField(
        allow_null=True, help_text="What to buy (or, negative, to sell) to reach the target."
    )
    drill_down = DrillDownSerializer(
        allow_null=True, help_text="What to ask to look into it; null for an asset."
    )


class LiabilityGroupSerializer(GroupSerializer):
    value = TotalSerializerField()
    drill_down = DrillDownSerializer(allow_null=True)


class LiquidSerializer(serializers.Serializer[Any]):
    value = TotalSerializerField()
    share = serializers.CharField(allow_null=True, help_text="Of all that is owned; null where nothing is.")


class AllocationSerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    group_by = serializers.CharField()
    currency = serializers.CharField()
    assets = TotalSerializerField()
    liabilities = TotalSerializerField()
    net = TotalSerializerField()
    liquid = LiquidSerializer(help_text="What is owned and can be turned into money within days.")
    groups_overlap = serializers.BooleanField()
    asset_groups = AssetGroupSerializer(many=True, help_text="Of what is owned, the largest first.")
    liability_groups = LiabilityGroupSerializer(many=True, help_text="Of what is owed.")
    complete = serializers.BooleanField()
    missing_rates = MissingRateSerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True)


class PartsSerializer(serializers.Serializer[Any]):
    """change = net_flows + income - expenses + value_change + fx_change + added - removed, to the cent."""

    start_value = TotalSerializerField()
    end_value = TotalSerializerField()
    change = TotalSerializerField()
    net_flows = TotalSerializerField(help_text="Money that came in (or, negative, left).")
    income = TotalSerializerField()
    expenses = TotalSerializerField(help_text="Positive where something was paid; subtracted.")
    value_change = TotalSerializerField()
    fx_change = TotalSerializerField(help_text="What exchange rates did.")
    added = TotalSerializerField(
        help_text="First values of what was not bought, and what came with a larger share."
    )
    removed = TotalSerializerField(
        help_text="Last values of what left without a sale, and what went with a smaller share; subtracted."
    )


class ChangeRowSerializer(PartsSerializer, GroupSerializer):
    pass


class LeftOutSerializer(serializers.Serializer[Any]):
    key = UUIDSerializerField()
    name = serializers.CharField()


class ChangeSerializer(serializers.Serializer[Any]):
    start = DaySerializerField()
    end = DaySerializerField()
    group_by = serializers.CharField()
    currency = serializers.CharField()
    total = PartsSerializer()
    groups_overlap = serializers.BooleanField()
    rows = ChangeRowSerializer(many=True)
    complete = serializers.BooleanField()
    left_out = LeftOutSerializer(
        many=True, help_text="Assets that are in none of the figures, as a rate or a price is missing."
    )
    missing_rates = MissingRateSerializer(many=True)
    missing_prices = MissingPriceSerializer(many=True)


class DismissedSerializer(serializers.Serializer[Any]):
    by = serializers.CharField(allow_blank=True, help_text="Empty where the user is gone.")
    at = InstantSerializerField()
    reason = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Names this finding as long as what it is about is the same.")
    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=["warning", "note"])
    message = serializers.CharField()
    asset = AssetNameSerializer(
        allow_null=True, help_text="null where it is about a rate, whose currency `message` names."
    )
    on = DaySerializerField(allow_null=True)
    other_asset_id = UUIDSerializerField(allow_null=True, help_text="The asset that this one may double.")
    link = serializers.CharField(help_text="The API's path where it can be fixed.")
    admin_link = serializers.CharField(help_text="The admin's page where it can be fixed.")
    dismissed = DismissedSerializer(allow_null=True, help_text="Who dismissed it, when and why.")


class QualitySerializer(serializers.Serializer[Any]):
    on = DaySerializerField()
    since = DaySerializerField(help_text="Jumps and duplicates were searched among values from this day on.")
    findings = FindingSerializer(many=True)


# --- answers ---


def group(
    key: Hashable, labels: Mapping[Hashable, str], paths: Mapping[Hashable, list[str]]
) -> dict[str, Any]:
    named = {"key": key_text(key), "name": labels[key]}
    return named | {"path": paths[key]} if paths else named


def writer(currency: str) -> Any:
    """The function that writes amounts of the currency. For two decimal places, the usual case, `str` is enough."""
    return str if minor_units(currency) == 2 else money_text


def net_worth_answer(series: NetWorthSeries) -> dict[str, Any]:
    keys = {key: key_text(key) for key in series.labels}
    text, grouped, real = writer(series.currency), series.group_by is not None, series.real
    points = [point_answer(point, keys, text, grouped=grouped) for point in series.points]
    return {
        "currency": series.currency,
        "interval": series.interval,
        "group_by": series.group_by,
        "groups_overlap": series.overlap,
        **({} if real is None else {"real": real_answer(real)}),
        "groups": [group(key, series.labels, series.paths) for key in series.labels],
        "points": points if real is None else real_points(real, points, keys.values() if grouped else None),
    }


def real_answer(real: RealTerms) -> dict[str, Any]:
    index = {"id": str(real.instrument_id), "symbol": real.symbol}
    return {"instrument": index, "on": real.on.isoformat(), **index_answer(real.last)}


def index_answer(value: PriceOnDay | None) -> dict[str, str | None]:
    if value is None:
        return {"index": None, "index_on": None}
    return {"index": decimal_text(value.price), "index_on": value.on.isoformat()}


def real_points(
    real: RealTerms, known: Iterable[Mapping[str, Any]], keys: Iterable[str] | None
) -> list[dict[str, Any]]:
    """The known points, and one without amounts for each day whose index is unknown. `keys` are those of the groups."""
    known = iter(known)
    points = []
    for number, (on, value) in enumerate(zip(real.days, real.values, strict=True)):
        lacking_on = real.lacking_on(number)
        if lacking_on is None:
            point = next(known)
        else:
            point = unknown_point(on, None if keys is None else dict.fromkeys(keys))
            point |= {"reason": no_index_value(real, lacking_on)}
        points.append({**point, **index_answer(value)})
    return points


def unknown_point(on: date, groups: Mapping[str, None] | None) -> dict[str, Any]:
    point: dict[str, Any] = {
        "on": on.isoformat(),
        "assets": None,
        "liabilities": None,
        "net": None,
        "complete": False,
        "missing_rates": [],
        "missing_prices": [],
    }
    return point if groups is None else point | {"groups": groups}


def no_index_value(real: RealTerms, on: date) -> dict[str, str]:
    day = day_text(on, DateFormat.DAY_MONTH_NAME_YEAR)
    return {"code": "NO_INDEX_VALUE", "message": f"{real.symbol} has no value on {day}."}


def point_answer(point: Point, keys: Mapping[Hashable, str], text: Any, *, grouped: bool) -> dict[str, Any]:
    net = text(point.net)
    answer = {
        "on": point.on.isoformat(),
        "assets": net if point.assets is point.net else text(point.assets),
        "liabilities": text(point.liabilities),
        "net": net,
        "complete": not (point.missing_rates or point.missing_prices),
        "missing_rates": [gap_answer(gap) for gap in point.missing_rates],
        "missing_prices": [price_gap_answer(gap) for gap in point.missing_prices],
    }
    if grouped:
        answer["groups"] = {shown: text(point.groups[key]) for key, shown in keys.items()}
    return answer


def share_text(share: Decimal | None) -> str | None:
    return None if share is None else f"{share:.{SHARE_PLACES}f}"


def slice_answer(report: AllocationReport, part: Slice) -> dict[str, Any]:
    named = group(part.key, report.labels, report.paths) | {"value": money_text(part.value)}
    drill_down = report.drill_down.get(part.key)
    return named | {"drill_down": drill_down and {name: key_text(key) for name, key in drill_down.items()}}


def allocation_answer(report: AllocationReport) -> dict[str, Any]:
    allocation = report.allocation
    return {
        "on": allocation.on.isoformat(),
        "group_by": report.group_by,
        "currency": allocation.currency,
        "assets": money_text(allocation.assets),
        "liabilities": money_text(allocation.liabilities),
        "net": money_text(allocation.net),
        "liquid": {
            "value": money_text(allocation.liquid.value),
            "share": share_text(allocation.liquid.share),
        },
        "groups_overlap": allocation.overlap,
        "asset_groups": [
            slice_answer(report, part)
            | {
                "share": share_text(part.share),
                "target": share_text(part.target),
                "drift": share_text(part.drift),
                "rebalance": None if part.rebalance is None else money_text(part.rebalance),
            }
            for part in allocation.asset_groups
        ],
        "liability_groups": [slice_answer(report, part) for part in allocation.liability_groups],
        "complete": allocation.complete,
        "missing_rates": list(map(gap_answer, allocation.missing_rates)),
        "missing_prices": list(map(price_gap_answer, allocation.missing_prices)),
    }


def parts_answer(parts: Parts, text: Any) -> dict[str, str]:
    return dict(zip(PARTS, map(text, in_order(parts)), strict=True))


in_order = attrgetter(*PARTS)


def change_answer(report: ChangeReport) -> dict[str, Any]:
    change, text = report.change, writer(report.change.currency)
    return {
        "start": change.start.isoformat(),
        "end": change.end.isoformat(),
        "group_by": report.group_by,
        "currency": change.currency,
        "total": parts_answer(change.total, text),
        "groups_overlap": change.overlap,
        "rows": [
            group(key, report.labels, report.paths) | parts_answer(parts, text)
            for key, parts in change.rows.items()
        ],
        "complete": change.complete,
        "left_out": [{"key": str(key), "name": report.labels[key]} for key in change.left_out],
        "missing_rates": list(map(gap_answer, change.missing_rates)),
        "missing_prices": list(map(price_gap_answer, change.missing_prices)),
    }


def issue_answer(issue: QualityIssue) -> dict[str, Any]:
    finding, dismissal = issue.finding, issue.dismissal
    return {
        "key": finding.key,
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "asset": finding.asset and {"id": str(finding.asset), "name": issue.name},
        "on": finding.on and finding.on.isoformat(),
        "other_asset_id": finding.other and str(finding.other),
        "link": issue.link,
        "admin_link": issue.admin_link,
        "dismissed": dismissal
        and {
            "by": dismissal.by,
            "at": InstantSerializerField().to_representation(dismissal.at),
            "reason": dismissal.reason,
        },
    }
