"""The household's share of an asset by day, and its part of the whole values.

Shares are whole millionths, amounts whole ten-thousandths. A part is the whole amount times the share of the day,
rounded half to even.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import half_even
from assets.valuation.series import ValueSeries, ten_thousandths

PLACES = 6
ALL = 10**PLACES
FROM_THE_BEGINNING = date.min
KEPT = 512  # of one asset each: most are a line


class Share(NamedTuple):
    """From `on` on the household owns `share` of the asset; None is from the beginning."""

    on: date | None
    share: Decimal


class ShareChange(NamedTuple):
    """By how much the household's part of the day's whole value rises because its share changes, in ten-thousandths:
    less than zero where the share falls, or where that of a debt rises.
    """

    on: date
    amount: int
    is_rise: bool  # of the share


class Change(NamedTuple):
    """From `on` on the share is `after`, and until then `before`; in millionths."""

    on: date
    before: int
    after: int


def as_text(shares: Iterable[Share]) -> str:
    """As Asset.shares has them: "0.5, 2025-01-01: 1"."""
    return ", ".join(
        f"{share.share.normalize():f}" if share.on is None else f"{share.on}: {share.share.normalize():f}"
        for share in shares
    )


def read_shares(text: str) -> list[Share]:
    """What as_text has written."""
    shares = []
    for entry in text.split(", ") if text else ():
        on, _, share = entry.rpartition(": ")
        shares.append(Share(date.fromisoformat(on) if on else None, Decimal(share)))
    return shares


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of each day: shares[i] from days[i] on. The first day is the beginning."""

    days: Sequence[date]
    shares: Sequence[int]

    def on(self, day: date) -> int:
        return self.shares[bisect_right(self.days, day) - 1]

    def share_on(self, day: date) -> Decimal:
        return Decimal(self.on(day)).scaleb(-PLACES)

    def part_on(self, day: date, whole: int) -> int:
        return part(whole, self.on(day))

    def changes(self) -> Iterator[Change]:
        steps = zip(self.days, self.shares, strict=True)
        for (_, before), (on, after) in pairwise(steps):
            if before != after:
                yield Change(on, before, after)

    def changes_in(self, start: date, end: date) -> list[Change]:
        """Those after `start` up to `end`."""
        return [change for change in self.changes() if start < change.on <= end]


@lru_cache(maxsize=KEPT)
def shares_in(text: str) -> Shares:
    """Those of a text of as_text. Before its first day the household owns all."""
    entries = [Share(FROM_THE_BEGINNING, Decimal(1)), *read_shares(text)]
    by_day = {entry.on or FROM_THE_BEGINNING: int(entry.share.scaleb(PLACES)) for entry in entries}
    return Shares(tuple(by_day), tuple(by_day.values()))


def part(whole: int, share: int) -> int:
    return half_even(whole * share, ALL)


def parts(
    days: Sequence[date], amounts: Sequence[int | None], shares: Shares, *, start: date, end: date
) -> tuple[Sequence[date], list[int | None]]:
    """The household's values of an asset with these whole values: the newest on or before `start`, and those up to
    `end`. A day on which the share changes has a value, as soon as the asset has one.
    """
    changes = shares.changes_in(days[0], end) if days else []
    if not changes:
        share = shares.on(days[0]) if days else ALL
        return days, [None if whole is None else part(whole, share) for whole in amounts]
    by_day = dict(zip(days, amounts, strict=True))
    for change in changes:
        whole = amounts[bisect_right(days, change.on) - 1]
        if whole is not None:
            by_day[change.on] = whole
    points = sorted(by_day)
    points = points[max(bisect_right(points, start) - 1, 0) :]
    wholes = ((on, by_day[on]) for on in points)
    return points, [None if whole is None else shares.part_on(on, whole) for on, whole in wholes]


def share_changes_of(shares: Shares, whole: ValueSeries, start: date, end: date) -> list[ShareChange]:
    """What the changes after `start` up to `end` move, where there is a value to share: not before the second day with
    a value, in a gap, and after the disposal. `whole` begins with the newest value on or before `start`.
    """
    changes = []
    for change in shares.changes_in(start, end):
        value, before = whole.value_on(change.on), whole.value_on(change.on - timedelta(days=1))
        if value is None or before is None:
            continue  # it was not there before, or is not now
        amount = ten_thousandths(value)
        moved = part(amount, change.after) - part(amount, change.before)
        if moved:  # nothing from the disposal on
            changes.append(ShareChange(change.on, moved, change.after > change.before))
    return changes
