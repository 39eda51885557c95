"""Checks for what was recorded twice: transactions of one asset, and assets."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import date

from assets.valuation.series import Amount, ValueSeries
from reports.calculations.quality.codes import Code
from reports.calculations.quality.examined import Examined, Recorded
from reports.calculations.quality.finding import (
    Finding,
    Severity,
)

SAME_SALE_DAYS = 7


def recorded_twice(asset: Examined) -> Iterator[Finding]:
    """A second sale besides the one that the disposal recorded, and transactions with the same data."""
    disposals = [row for row in asset.transactions if row.by_disposal]
    first: dict[Hashable, Recorded] = {}
    for row in asset.transactions:
        if row.by_disposal:
            continue
        if row.type == "DISPOSE" and any(_same_sale(row, disposal) for disposal in disposals):
            message = "The disposal recorded a sale already, and this one looks the same: keep one of them."
            yield _twice(asset, row, message, "warning")
            continue
        alike = (row.on, row.type, row.amount, row.currency, row.quantity)
        if first.setdefault(alike, row) is not row:
            yield _twice(asset, row, "There is another transaction of this day that is the same.", "note")


def _same_sale(row: Recorded, disposal: Recorded) -> bool:
    near = abs((row.on - disposal.on).days) <= SAME_SALE_DAYS
    return row.on == disposal.on or (
        near and (row.amount, row.currency) == (disposal.amount, disposal.currency)
    )


def _twice(asset: Examined, row: Recorded, message: str, severity: Severity) -> Finding:
    facts = (row.id, row.on, row.type, row.amount, row.currency, row.quantity, severity)
    return Finding(Code.POSSIBLE_DUPLICATE_TRANSACTION, asset.asset, row.on, message, severity, facts=facts)


def duplicate_assets(assets: Iterable[Examined]) -> Iterator[Finding]:
    """Assets with the same name, type and currency, whose values agree on every day on which both have one."""
    alike: dict[tuple[str, str, str], list[Examined]] = {}
    for asset in assets:
        alike.setdefault(_likeness(asset), []).append(asset)
    for namesakes in alike.values():
        if len(namesakes) > 1:
            yield from _doubles(namesakes)


def _doubles(namesakes: Sequence[Examined]) -> Iterator[Finding]:
    """Each asset that duplicates an earlier one, with the first such; only assets with a common value are compared.

    An asset of its own portfolio is preferred: so the finding is the same if other portfolios are checked as well.
    """
    first_with: dict[tuple[Hashable, date, Amount], int] = {}
    for place, asset in enumerate(namesakes):
        points = [point for point in zip(asset.history.days, asset.history.amounts, strict=True) if point[1]]
        own, anywhere = [[(where, *point) for point in points] for where in (asset.portfolio, None)]
        candidates = [
            number
            for keys in (own, anywhere)
            for number in sorted({first_with[key] for key in keys if key in first_with})
        ]
        for other in (namesakes[number] for number in dict.fromkeys(candidates)):
            if (since := _agree_since(other.history, asset.history)) is not None:
                message = "It has the name and the type of another asset, and the same values."
                yield Finding(
                    Code.POSSIBLE_DUPLICATE,
                    asset.asset,
                    since,
                    message,
                    "warning",
                    other.asset,
                    facts=_likeness(asset),
                    params={"since": since},
                )
                break
        for key in (*own, *anywhere):
            first_with.setdefault(key, place)


def _likeness(asset: Examined) -> tuple[str, str, str]:
    """What two assets must have in common so that one may duplicate the other."""
    return " ".join(asset.name.casefold().split()), asset.type, asset.history.currency


def _agree_since(first: ValueSeries, second: ValueSeries) -> date | None:
    """The first day on which both have a value; None if there is none, or if their values differ on any day."""
    second_values = dict(zip(second.days, second.amounts, strict=True))
    shared = [(on, value) for on, value in zip(first.days, first.amounts, strict=True) if on in second_values]
    if any(second_values[on] != value for on, value in shared):
        return None
    return shared[0][0] if shared else None
