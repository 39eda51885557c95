"""What new snapshots add to the derived data.

Of an asset that has no value between the first and the last of them this follows from the rows themselves, the value
before and the value after them: what was just written is not read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from assets.models import AssetSnapshot
from assets.valuation import deltas, upkeep
from assets.valuation.codecs.months import encode_months
from assets.valuation.deltas import AssetFacts
from assets.valuation.series import ten_thousandths
from assets.valuation.sources import snapshots_sql


class Around(NamedTuple):
    """An asset before snapshots of it are written. `is_busy` says whether it has a value from the first of their days
    to the last; `before` and `after` are the days with a value next to these, each with its value in ten-thousandths.
    """

    facts: AssetFacts
    is_busy: bool
    before: Mapping[date, int]
    after: Mapping[date, int]


def read_around(rows: Sequence[AssetSnapshot]) -> dict[UUID, Around]:
    """For each asset of rows that are not written yet, in one statement. Raises ValidationError for what is no day."""
    spans: dict[UUID, tuple[date, date]] = {}
    day = AssetSnapshot._meta.get_field("on").check_value
    for pk, on in {(row.asset_id, row.on) for row in rows}:
        on = on if type(on) is date else day(on)
        first, last = spans.get(pk, (on, on))
        spans[pk] = min(first, on), max(last, on)
    around = {}
    for pk, *facts, is_busy, before_on, before, after_on, after in snapshots_sql.around_new(
        [(pk, first, last) for pk, (first, last) in spans.items()]
    ):
        neighbours = [
            {} if on is None else {on: value} for on, value in ((before_on, before), (after_on, after))
        ]
        around[pk] = Around(AssetFacts(*facts), is_busy, *neighbours)
    return around


def contribution(rows: Iterable[AssetSnapshot], around: Mapping[UUID, Around]) -> upkeep.Contribution:
    """What the written rows of these assets, none of which is busy, add to the derived data."""
    total = upkeep.Contribution.empty()
    for pk, own in values_by_asset(rows).items():
        facts, _, before, after = around[pk]
        total.valuations[pk] = facts.source
        for values, sign in (({**before, **own, **after}, 1), ({**before, **after}, -1)):
            deltas.add_values(total.sums, facts, values, values.values(), sign=sign)
        shared = {on.replace(day=1) for on in (*before, *after)}
        for month, encoded in encode_months([*own], [*own.values()]):
            if month in shared:  # it has other values too
                total.months.add((pk, month))
            else:
                total.encoded[pk, month] = encoded
    return total


def values_by_asset(rows: Iterable[AssetSnapshot]) -> dict[UUID, dict[date, int]]:
    """Of each asset its days in their order, each with the last value of the day."""
    values: dict[UUID, dict[date, int]] = {}
    for row in sorted(rows, key=attrgetter("on", "observed_at")):
        values.setdefault(row.asset_id, {})[row.on] = ten_thousandths(row.value)
    return values
