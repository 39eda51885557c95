"""Data quality: values that are missing, old, or look like a typing error.

A "finding" names an asset (or a rate) and mostly a day. It does not say that a value is wrong, only that somebody
should look at it. A "warning" makes a total doubtful; a "note" may well be right.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from typing import Any, Literal

from assets.rates.book import Jump, MissingRate, RateBook
from assets.valuation.series import Amount, ValueSeries, money

type Severity = Literal["warning", "note"]

NO_VALUE = "NO_VALUE"
STALE_VALUE = "STALE_VALUE"
MISSING_RATE = "MISSING_RATE"
SUSPICIOUS_JUMP = "SUSPICIOUS_JUMP"
CHANGED_SIGN = "CHANGED_SIGN"
POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
POSITIVE_LIABILITY = "POSITIVE_LIABILITY"
VALUE_AFTER_DISPOSAL = "VALUE_AFTER_DISPOSAL"
RATE_JUMP = "RATE_JUMP"
ACQUIRED_AFTER_FIRST_VALUE = "ACQUIRED_AFTER_FIRST_VALUE"
POSSIBLE_DUPLICATE_TRANSACTION = "POSSIBLE_DUPLICATE_TRANSACTION"
LOAN_DRIFT = "LOAN_DRIFT"

CREDIT_CARD = "CREDIT_CARD"  # the code of the shared type; its balance may be above zero for a while

FACTORS = {10: ("ten times as much", "a tenth of it"), 100: ("a hundred times as much", "a hundredth of it")}
TOLERANCE = Fraction(5, 100)
KEY_DIGITS = 24
KEY_PATTERN = "^[A-Z_]+-[0-9a-f]+$"
SAME_SALE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction as it was recorded; `by_disposal` if disposing of the asset recorded it."""

    id: Hashable
    on: date
    type: str
    amount: Amount | None
    currency: str
    quantity: Hashable
    by_disposal: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """An asset with the data that the checks need.

    `type` is its type's code; `liability` says whether values of that type are owed. A value is stale if it is more
    than `stale_after_days` old. `traded_on` are the days (ascending) of purchases, sales and adjustments, which
    explain a jump since the value before; `transactions` are all transactions of the period, oldest first.
    `first_value_on` is the day of its very first value, which may be before the beginning of `history`. Values that are
    computed are never out of date, and have no typing errors. `drift` is of a loan whose last recorded value is not the
    one of its schedule: the day, the recorded value, and that of the schedule.
    """

    asset: Hashable
    name: str
    type: str
    history: ValueSeries
    stale_after_days: int
    liability: bool = False
    traded_on: Sequence[date] = ()
    acquired_on: date | None = None
    transactions: Sequence[Recorded] = ()
    portfolio: Hashable = None
    first_value_on: date | None = None
    is_computed: bool = False
    drift: tuple[date, Amount, Amount] | None = None

    @property
    def first_on(self) -> date | None:
        """The day of its first value."""
        return self.first_value_on or (self.history.days[0] if self.history.days else None)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at. `on` is the day of the value or rate; `other` is the asset that this one may duplicate.

    `asset` is None if the finding is about a rate.

    `facts`, with `asset` and `other`, identify the finding; by default the day. `params` are the values that the
    message names: amounts, days, numbers of days.
    """

    code: str
    asset: Hashable
    on: date | None
    message: str
    severity: Severity
    other: Hashable | None = None
    facts: tuple[Hashable, ...] = field(default=(), kw_only=True)
    params: Mapping[str, Any] = field(default_factory=dict, kw_only=True, compare=False)

    @property
    def key(self) -> str:
        """Identifies the finding by its code, its assets and its facts: if the facts change, the key changes."""
        return key_of(self.code, self.asset, self.other, *(self.facts or (self.on,)))


def key_of(code: str, *named: Hashable) -> str:
    digest = sha256("\n".join(map(str, named)).encode()).hexdigest()
    return f"{code}-{digest[:KEY_DIGITS]}"


def stale_value_key(asset: Hashable, value_on: date) -> str:
    """The key of the finding that the asset's last value, of that day, is out of date."""
    return key_of(STALE_VALUE, asset, None, value_on)


def is_key(text: str) -> bool:
    """Whether the text has the form of a finding's key."""
    return re.fullmatch(KEY_PATTERN, text) is not None


def findings(assets: Iterable[Examined], *, on: date, currency: str, rates: RateBook) -> list[Finding]:
    """The findings about the assets as of a day, in `currency`: warnings first, then by code, then as given.

    Assets disposed of by `on` are only checked for values after the disposal, jumps and duplicates. Values after `on`
    are ignored.
    """
    assets = list(assets)
    all_findings = [
        finding
        for asset in assets
        for finding in (*_after_its_disposal(asset, on), *_acquired_late(asset, on), *_recorded_twice(asset))
    ]
    assets = [_until(asset, on) for asset in assets]
    all_findings += [
        finding
        for asset in assets
        for check in (_no_value, _stale, _without_a_rate, _positive_liability, _drift)
        if not _gone(asset, on)
        for finding in check(asset, on, currency, rates)
    ]
    all_findings += [finding for asset in assets for finding in _through_its_history(asset)]
    all_findings += _duplicates(assets)
    return sorted(all_findings, key=by_severity)


def rate_jumps(currencies: Iterable[str], rates: RateBook) -> list[tuple[str, Finding]]:
    """(currency, finding) for each rate that is probably a typing error, such as 108 for 1.08."""
    return [
        (jump.currency, _of_a_rate(jump)) for currency in sorted(currencies) for jump in rates.jumps(currency)
    ]


def _of_a_rate(jump: Jump) -> Finding:
    message = (
        f"The rate of {jump.currency} goes from {jump.before.normalize():f} to {jump.units.normalize():f} for a euro. "
        "If it is a slip, a newer rate of the same day replaces it, which a superuser records."
    )
    facts = (jump.currency, jump.on, jump.units.normalize())
    params = {"currency": jump.currency, "before": jump.before, "after": jump.units, "on": jump.on}
    return Finding(RATE_JUMP, None, jump.on, message, "warning", facts=facts, params=params)


def by_severity(finding: Finding) -> tuple[bool, str]:
    return finding.severity != "warning", finding.code


def _until(asset: Examined, on: date) -> Examined:
    """The asset without the values that do not count on the day: later ones, and those since its disposal."""
    past = asset.history
    count = bisect_right(past.days, past.last_day(on))
    if count == len(past.days):
        return asset
    return replace(asset, history=replace(past, days=past.days[:count], values=past.values[:count]))


def _gone(asset: Examined, on: date) -> bool:
    return asset.history.disposed_on is not None and asset.history.disposed_on <= on


# --- of one asset, on the day ---


def _after_its_disposal(asset: Examined, on: date) -> Iterator[Finding]:
    """The last value that counts nothing: after the disposal, or on its day if there is no earlier value.

    A value on the day of the disposal, after earlier values, is usual and no error.
    """
    past = asset.history
    if past.disposed_on is None or not past.days:
        return
    had_a_value = asset.first_on is not None and asset.first_on < past.disposed_on
    first = past.disposed_on + timedelta(days=1) if had_a_value else past.disposed_on
    for day, value in zip(reversed(past.days), reversed(past.amounts), strict=True):
        if first <= day <= on and value:
            message = (
                f"The value of this day counts nothing: it was disposed of on {past.disposed_on}. "
                "If that was a mistake, reinstate it; what was bought again is a new asset."
            )
            facts = (day, past.disposed_on, _plain(value))
            params = {"disposed_on": past.disposed_on}
            yield Finding(
                VALUE_AFTER_DISPOSAL, asset.asset, day, message, "warning", facts=facts, params=params
            )
            return


def _acquired_late(asset: Examined, on: date) -> Iterator[Finding]:
    """The asset has a value from before the day of its acquisition."""
    first, acquired = asset.first_on, asset.acquired_on
    if acquired is not None and first is not None and first <= on and first < acquired:
        message = f"It was acquired on {acquired}, but has a value of {first} already."
        params = {"acquired_on": acquired, "on": first}
        facts = (acquired, first)
        yield Finding(
            ACQUIRED_AFTER_FIRST_VALUE, asset.asset, first, message, "warning", facts=facts, params=params
        )


def _recorded_twice(asset: Examined) -> Iterator[Finding]:
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
    return Finding(POSSIBLE_DUPLICATE_TRANSACTION, asset.asset, row.on, message, severity, facts=facts)


def _no_value(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if not asset.history.days:
        yield Finding(NO_VALUE, asset.asset, None, "It has no value yet.", "warning")


def _stale(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if asset.is_computed:
        return
    if asset.history.days and (age := (on - asset.history.days[-1]).days) > asset.stale_after_days:
        message = f"Its value is {age} days old; for its type {asset.stale_after_days} are usual."
        params = {"age": age, "expected": asset.stale_after_days}
        yield Finding(STALE_VALUE, asset.asset, asset.history.days[-1], message, "warning", params=params)


def _without_a_rate(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if not asset.history.amounts or not asset.history.amounts[-1]:
        return
    try:
        rates.rate(asset.history.currency, currency, on=on)
    except MissingRate as gap:
        message = (
            f"There is no rate for {gap.currency} on {on} or shortly before: totals leave it out. "
            "Rates come by load_rates, or from a superuser."
        )
        params = {"currency": gap.currency, "on": on}
        yield Finding(MISSING_RATE, asset.asset, on, message, "warning", facts=(gap.currency,), params=params)


def _positive_liability(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if asset.liability and asset.history.amounts and asset.history.amounts[-1] > 0:
        day, value = asset.history.days[-1], asset.history.amounts[-1]
        severity: Severity = "note" if asset.type == CREDIT_CARD else "warning"
        message = "What is owed has a negative value; this one counts as owned."
        facts = (day, _plain(value))
        yield Finding(POSITIVE_LIABILITY, asset.asset, day, message, severity, facts=facts)


def _drift(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if asset.drift is not None:
        day, recorded, scheduled = asset.drift
        message = f"It was recorded as {_plain(recorded)}, and its schedule says {_plain(scheduled)}."
        facts = (day, _plain(recorded), _plain(scheduled))
        params = {"on": day, "recorded": money(recorded), "scheduled": money(scheduled)}
        yield Finding(LOAN_DRIFT, asset.asset, day, message, "warning", facts=facts, params=params)


# --- of one asset, through its history ---


def _through_its_history(asset: Examined) -> Iterable[Finding]:
    if asset.is_computed or _is_steady(asset.history.amounts):
        return ()
    return (*_jumps(asset), *_changed_signs(asset))


def _is_steady(values: Sequence[Amount]) -> bool:
    """Whether no value is more than nine times another, and all have the same sign: true for nearly every history.

    Then there is no jump and no change of sign, and the values need not be compared one by one.
    """
    if not values:
        return True
    least, most = min(values), max(values)
    return 0 < most <= 9 * least or 9 * most <= least < 0


def _jumps(asset: Examined) -> Iterator[Finding]:
    """Values about 10 or 100 times the one before, or 1/10 or 1/100 of it: a misplaced point or an extra digit.

    If the next value jumps back, only the first jump is reported. A trade between the two values explains a jump.
    """
    past = asset.history
    undone: Fraction | None = None
    for number, (before, after) in enumerate(pairwise(past.amounts), start=1):
        factor = _factor(before, after)
        if factor and _traded(asset, past.days[number - 1], past.days[number]):
            factor = None
        if factor and factor != undone:
            message = f"It goes from {_plain(before)} to {_plain(after)}: about {_times(factor)}."
            facts = (past.days[number], _plain(before), _plain(after))
            params = {"before": money(before), "after": money(after), "factor": factor}
            yield Finding(
                SUSPICIOUS_JUMP,
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
    small, large = (before, after) if before <= after else (after, before)
    if 0 < large <= 9 * small or 9 * large <= small < 0:
        return None  # nearly all pairs
    if not before or not after or (before > 0) != (after > 0):
        return None
    ratio = Fraction(after) / Fraction(before)
    for factor in FACTORS:
        for exact in (Fraction(factor), Fraction(1, factor)):
            if abs(ratio / exact - 1) <= TOLERANCE:
                return exact
    return None


def _times(factor: Fraction) -> str:
    more, less = FACTORS[max(factor.numerator, factor.denominator)]
    return more if factor > 1 else less


def _changed_signs(asset: Examined) -> Iterator[Finding]:
    """Values with another sign than the one before; for an overdrawn account this may well be right."""
    values = [
        (on, value) for on, value in zip(asset.history.days, asset.history.amounts, strict=True) if value
    ]
    for (since, before), (on, after) in pairwise(values):
        if (before > 0) != (after > 0) and not _traded(asset, since, on):
            message = f"It changes its sign, from {_plain(before)} to {_plain(after)}."
            facts = (on, _plain(before), _plain(after))
            params = {"before": money(before), "after": money(after)}
            yield Finding(CHANGED_SIGN, asset.asset, on, message, "note", facts=facts, params=params)


def _traded(asset: Examined, since: date, until: date) -> bool:
    """Whether something was bought, sold or adjusted after `since` up to `until`."""
    return bisect_right(asset.traded_on, since) < bisect_right(asset.traded_on, until)


def _plain(amount: Amount) -> str:
    return f"{money(amount).normalize():f}"


# --- of two assets ---


def _duplicates(assets: Iterable[Examined]) -> Iterator[Finding]:
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
                    POSSIBLE_DUPLICATE,
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
