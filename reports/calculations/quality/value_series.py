"""Checks of all values of an asset in their order: jumps, and changes of sign."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from assets.valuation.series import Amount, money
from reports.calculations.quality.codes import Code
from reports.calculations.quality.examined import Examined, plain
from reports.calculations.quality.finding import Finding

FACTORS = {10: ("ten times as much", "a tenth of it"), 100: ("a hundred times as much", "a hundredth of it")}


PIECE = 32  # values that are looked at together


def through_its_history(asset: Examined) -> Iterable[Finding]:
    if asset.is_computed or _is_steady(asset.history.amounts):
        return ()
    return (*_jumps(asset), *_changed_signs(asset))


def _is_steady(values: Sequence[Amount]) -> bool:
    """Whether no value is more than nine times another, and all have the same sign: true for nearly every history.

    Then there is no jump and no change of sign, and the values need not be compared one by one.
    """
    if not values:
        return True
    numbers = list(values)  # an array makes each number again whenever it is looked at
    return _are_near(min(numbers), max(numbers))


def _are_near(least: Amount, most: Amount) -> bool:
    return 0 < most <= 9 * least or 9 * most <= least < 0


def _unsteady(values: Sequence[Amount]) -> Iterator[int]:
    """The places of the values that are not near the one before.

    A single wrong value makes a history unsteady, but only one or two of its pieces: only these are looked through.
    """
    numbers = list(values)
    for begin in range(0, len(numbers) - 1, PIECE):
        piece = numbers[begin : begin + PIECE + 1]  # the last value is the first one of the next piece
        if not _are_near(min(piece), max(piece)):
            pairs = enumerate(pairwise(piece), begin + 1)
            yield from (place for place, pair in pairs if not _are_near(min(pair), max(pair)))


def _jumps(asset: Examined) -> Iterator[Finding]:
    """Values about 10 or 100 times the one before, or 1/10 or 1/100 of it: a misplaced point or an extra digit.

    If the next value jumps back, only the first jump is reported. A trade between the two values explains a jump.
    """
    past, amounts = asset.history, asset.history.amounts
    undone: Fraction | None = None
    last = 0
    for number in _unsteady(amounts):
        if number != last + 1:
            undone = None  # what is between has not jumped
        last, before, after = number, amounts[number - 1], amounts[number]
        factor = _factor(before, after)
        if factor and _traded(asset, past.days[number - 1], past.days[number]):
            factor = None
        if factor and factor != undone:
            message = f"It goes from {plain(before)} to {plain(after)}: about {_times(factor)}."
            facts = (past.days[number], plain(before), plain(after))
            params = {"before": money(before), "after": money(after), "factor": factor}
            yield Finding(
                Code.SUSPICIOUS_JUMP,
                asset.asset,
                past.days[number],
                message,
                "warning",
                facts=facts,
                params=params,
            )
            undone = 1 / factor
        else:
            undone = None


def _factor(before: Amount, after: Amount) -> Fraction | None:
    """10, 100, 1/10 or 1/100 if `after` is about that many times `before`, with the same sign; else None."""
    if not before or not after or (before > 0) != (after > 0):
        return None
    for factor in FACTORS:
        if _is_about(after, factor * before):
            return Fraction(factor)
        if _is_about(factor * after, before):
            return Fraction(1, factor)
    return None


def _is_about(value: Amount, exact: Amount) -> bool:
    """Whether the value differs by at most a twentieth of the exact one."""
    bounds = 19 * exact, 21 * exact
    return min(bounds) <= 20 * value <= max(bounds)


def _times(factor: Fraction) -> str:
    more, less = FACTORS[max(factor.numerator, factor.denominator)]
    return more if factor > 1 else less


def _changed_signs(asset: Examined) -> Iterator[Finding]:
    """Values with another sign than the one before; for an overdrawn account this may well be right."""
    numbers = list(asset.history.amounts)
    if not numbers or min(numbers) >= 0 or max(numbers) <= 0:
        return
    values = [
        (on, value) for on, value in zip(asset.history.days, asset.history.amounts, strict=True) if value
    ]
    for (since, before), (on, after) in pairwise(values):
        if (before > 0) != (after > 0) and not _traded(asset, since, on):
            message = f"It changes its sign, from {plain(before)} to {plain(after)}."
            facts = (on, plain(before), plain(after))
            params = {"before": money(before), "after": money(after)}
            yield Finding(Code.CHANGED_SIGN, asset.asset, on, message, "note", facts=facts, params=params)


def _traded(asset: Examined, since: date, until: date) -> bool:
    """Whether something was bought, sold or adjusted after `since` up to `until`."""
    return bisect_right(asset.traded_on, since) < bisect_right(asset.traded_on, until)
