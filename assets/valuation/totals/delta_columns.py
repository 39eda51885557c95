"""The deltas of many assets, added up by the column: as contributions.add_values gives them, in a quarter of the time.

Assets of which the values are of the same days are added as columns of numbers; any other goes day by day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from itertools import repeat
from operator import add, sub

from assets.valuation.totals.contributions import AssetFacts, DeltaKey, RunningSums, add_values

MOST_COLUMNS = 4  # of a key: some assets were not held for a time, and have no values of those days


class DeltaColumns:
    """Add assets, then take what is `finished`."""

    def __init__(self) -> None:
        self.sums: RunningSums = {}
        self.columns: dict[DeltaKey, list[_Column]] = {}

    def add(self, facts: AssetFacts, days: Sequence[date], amounts: Sequence[int]) -> None:
        """Add the deltas of an asset with these values, the oldest day first; a gap is 0."""
        if not facts.counts_in_net_worth or not days:
            return
        key = facts.portfolio_id, facts.currency, facts.asset_type_id
        if facts.disposed_on is None and min(amounts) >= 0:
            columns = self.columns.setdefault(key, [])
            days = days if isinstance(days, list) else [*days]
            if any(column.add(days, amounts) for column in columns):
                return
            if len(columns) < MOST_COLUMNS:
                columns.append(_Column(days, amounts))
                return
        add_values(self.sums, facts, days, amounts)

    def finished(self) -> RunningSums:
        for key, columns in self.columns.items():
            by_day = self.sums.setdefault(key, {})
            for column in columns:
                column.add_deltas_to(by_day)
        self.columns = {}
        return self.sums


class _Column:
    """What is owned on each of the days, of all assets together."""

    def __init__(self, days: list[date], values: Sequence[int]) -> None:
        self.days, self.totals = days, [*values]
        self.begun = {days[0]: 1}

    def add_deltas_to(self, by_day: dict[date, list[int]]) -> None:
        for on, rise in zip(self.days, map(sub, self.totals, [0, *self.totals]), strict=True):
            day_delta = by_day.get(on)
            if day_delta is None:
                by_day[on] = [rise, 0, 0]
            else:
                day_delta[0] += rise
        for on, count in self.begun.items():
            by_day.setdefault(on, [0, 0, 0])[2] += count

    def add(self, days: list[date], values: Sequence[int]) -> bool:
        """Whether it could be added: its days are a run of those of the column, or the column's are the last of its."""
        count, own_count = len(days), len(self.days)
        place = bisect_left(self.days, days[0])
        if self.days[place : place + count] != days:
            if count < own_count or days[count - own_count :] != self.days:
                return False
            self.days, self.totals, place = days, [*[0] * (count - own_count), *self.totals], 0
        end = place + count
        self.totals[place:end] = map(add, self.totals[place:end], values)
        if end < len(self.days):
            self.totals[end:] = map(add, self.totals[end:], repeat(values[-1]))
        self.begun[days[0]] = self.begun.get(days[0], 0) + 1
        return True
