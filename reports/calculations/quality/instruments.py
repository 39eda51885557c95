"""Findings about the identifiers of instruments that assets hold. Pure.

A wrong check digit is refused where an instrument is written: these findings are about rows that were loaded otherwise.
The check digit of an ISIN (ISO 6166) is python-stdnum's.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from stdnum import isin

from reports.calculations.quality.codes import Code
from reports.calculations.quality.finding import Finding


class Identified(NamedTuple):
    """An instrument with an ISIN, as a household sees it."""

    household: Hashable
    instrument: Hashable
    symbol: str
    isin: str


def instrument_findings(held: Mapping[Hashable, Identified], known: Iterable[Identified]) -> list[Finding]:
    """The findings about each asset's instrument, in the order of `held`.

    `known` are the instruments in question of each household: its own, and the shared ones that it holds.
    """
    by_isin: dict[tuple[Hashable, str], dict[Hashable, str]] = {}
    for each in known:
        by_isin.setdefault((each.household, each.isin), {})[each.instrument] = each.symbol
    return [
        finding
        for asset, instrument in held.items()
        for finding in (
            *_bad(asset, instrument),
            *_duplicate(asset, instrument, by_isin.get((instrument.household, instrument.isin), {})),
        )
    ]


def _bad(asset: Hashable, instrument: Identified) -> Iterator[Finding]:
    if not isin.is_valid(instrument.isin):
        message = f"{instrument.isin} is no ISIN: its length or its check digit is wrong."
        yield _finding(Code.BAD_ISIN, asset, instrument, message)


def _duplicate(asset: Hashable, instrument: Identified, same: Mapping[Hashable, str]) -> Iterator[Finding]:
    others = sorted((symbol, str(pk)) for pk, symbol in same.items() if pk != instrument.instrument)
    if others:
        symbols = ", ".join(symbol for symbol, _ in others)
        message = f"{symbols} has the ISIN {instrument.isin} of {instrument.symbol} too."
        yield _finding(
            Code.DUPLICATE_ISIN, asset, instrument, message, [pk for _, pk in others], others=symbols
        )


def _finding(
    code: Code,
    asset: Hashable,
    instrument: Identified,
    message: str,
    other_ids: Collection[str] = (),
    **params: Any,
) -> Finding:
    facts = (instrument.instrument, instrument.isin, *other_ids)
    params |= {"isin": instrument.isin, "symbol": instrument.symbol}
    return Finding(code, asset, None, message, "note", facts=facts, params=params)
