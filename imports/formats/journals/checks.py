"""Balances of a journal: those that it asserts are compared with its postings, and pads are what was missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from imports.formats.journals.contents import Amount, Balance, Entry, Journal, Pad, Posting
from imports.formats.journals.transactions import Part
from imports.formats.rows import FileWarning, Reading
from imports.formats.trades import ZERO
from imports.reading.numbers import plus

type Dated = tuple[Entry, list[Part]]
BALANCES, OTHERS = 0, 1


def checked(reading: Reading, journal: Journal, entries: list[Dated]) -> list[Dated]:
    """The transactions with those that pads are, in the order of their days."""
    return Checks(reading, journal).walked(entries)


class Checks:
    """`held` is what each account has, with all accounts below it."""

    def __init__(self, reading: Reading, journal: Journal) -> None:
        self.reading, self.journal = reading, journal
        self.held: dict[tuple[str, str], Decimal] = {}
        self.pads: dict[str, Pad] = {}
        self.padded: dict[int, dict[str, Decimal]] = {}

    def walked(self, entries: list[Dated]) -> list[Dated]:
        order: list[tuple[date, int, int, Balance | Pad | Dated]] = []
        order += [(balance.on, BALANCES, balance.line, balance) for balance in self.journal.balances]
        order += [(pad.on, OTHERS, pad.line, pad) for pad in self.journal.pads]
        order += [(dated[0].on, OTHERS, dated[0].line, dated) for dated in entries]
        for *_, step in sorted(order, key=lambda step: step[:3]):
            if isinstance(step, Balance):
                self.balance(step)
            elif isinstance(step, Pad):
                self.pads[step.account] = step
            else:
                self.entry(*step)
        for entry, parts in self.of_pads():
            entries.append((entry, parts))
        return sorted(entries, key=lambda dated: (dated[0].on, dated[0].line))

    def add(self, account: str, number: Decimal, commodity: str) -> None:
        while account:
            key = account, commodity
            self.held[key] = plus(self.held.get(key, ZERO), number)
            account = account.rpartition(":")[0]

    def entry(self, entry: Entry, parts: list[Part]) -> None:
        for part in parts:
            self.add(part.account, *part.units)
            asserted = part.posting.asserted
            if (
                asserted is not None
                and self.held.get((part.account, asserted.commodity), ZERO) != asserted.number
            ):
                self.warn(part.line, part.account, asserted)

    def balance(self, balance: Balance) -> None:
        number, commodity = balance.amount
        missing = plus(number, -self.held.get((balance.account, commodity), ZERO))
        pad = self.pads.get(balance.account)
        if pad is not None and commodity not in (done := self.padded.setdefault(pad.line, {})):
            done[commodity] = missing
            self.add(balance.account, missing, commodity)
        elif abs(missing) > balance.tolerance:
            self.warn(balance.line, balance.account, balance.amount)

    def warn(self, line: int, account: str, amount: Amount) -> None:
        held = self.held.get((account, amount.commodity), ZERO)
        text = f"{account[:100]}: {amount.number:f} / {held:f} {amount.commodity}"
        self.reading.warn(FileWarning("BALANCE_DIFFERS", line, "balance", text[:200]))

    def of_pads(self) -> Iterator[Dated]:
        for pad in self.journal.pads:
            entry = Entry(pad.line, pad.on, "", pad.text, is_pad=True)
            parts = []
            for commodity, number in self.padded.get(pad.line, {}).items():
                for account, size in ((pad.account, number), (pad.other, -number)):
                    amount = Amount(size, commodity)
                    posting = Posting(pad.line, account, amount)
                    entry.postings.append(posting)
                    if root := self.journal.root_of(account):
                        parts.append(Part(pad.line, account, root, amount, posting))
            yield entry, parts
