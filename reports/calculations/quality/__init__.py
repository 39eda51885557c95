"""Data quality: values that are missing, old, or look like a typing error.

A "finding" names an asset (or a rate) and mostly a day. It does not say that a value is wrong, only that somebody
should look at it. A "warning" makes a total doubtful; a "note" may well be right.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from assets.rates.book import Jump, RateBook
from reports.calculations.quality.codes import Code, Subject
from reports.calculations.quality.duplicates import duplicate_assets, recorded_twice
from reports.calculations.quality.examined import Examined, Recorded, is_gone, until
from reports.calculations.quality.finding import (
    KEY_PATTERN,
    Finding,
    Severity,
    is_key,
    stale_value_key,
)
from reports.calculations.quality.one_day import (
    acquired_late,
    after_its_disposal,
    drift,
    no_value,
    positive_liability,
    stale,
    without_a_rate,
)
from reports.calculations.quality.value_series import through_its_history

__all__ = [
    "KEY_PATTERN",
    "Code",
    "Examined",
    "Finding",
    "Recorded",
    "Severity",
    "Subject",
    "by_severity",
    "findings",
    "is_key",
    "rate_jumps",
    "stale_value_key",
]


def findings(assets: Iterable[Examined], *, on: date, currency: str, rates: RateBook) -> list[Finding]:
    """The findings about the assets as of a day, in `currency`: warnings first, then by code, then as given.

    Assets disposed of by `on` are only checked for values after the disposal, jumps and duplicates. Values after `on`
    are ignored.
    """
    assets = list(assets)
    all_findings = [
        finding
        for asset in assets
        for finding in (*after_its_disposal(asset, on), *acquired_late(asset, on), *recorded_twice(asset))
    ]
    assets = [until(asset, on) for asset in assets]
    all_findings += [
        finding
        for asset in assets
        for check in (no_value, stale, without_a_rate, positive_liability, drift)
        if not is_gone(asset, on)
        for finding in check(asset, on, currency, rates)
    ]
    all_findings += [finding for asset in assets for finding in through_its_history(asset)]
    all_findings += duplicate_assets(assets)
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
    return Finding(Code.RATE_JUMP, None, jump.on, message, "warning", facts=facts, params=params)


def by_severity(finding: Finding) -> tuple[bool, str]:
    return finding.severity != "warning", finding.code
