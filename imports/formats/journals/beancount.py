"""Beancount's journals. Options, plugins and included files are refused by line; all other lines are read."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from imports.formats.cells import Refused
from imports.formats.journals.amounts import STRICT, AmountReader
from imports.formats.journals.bookings import reading_of
from imports.formats.journals.contents import (
    ASSETS,
    EQUITY,
    EXPENSES,
    INCOME,
    LIABILITIES,
    Balance,
    Entry,
    Journal,
    Pad,
    Posting,
    Price,
    Stated,
)
from imports.formats.journals.lines import SAMPLE, numbered_lines, sample_of
from imports.formats.rows import Options, Reading
from imports.reading.days import read_day
from imports.reading.files import TABLES, File
from imports.reading.numbers import read_number
from imports.reading.refusals import Reason

NAME = "beancount"
ROOTS = (ASSETS, LIABILITIES, EQUITY, INCOME, EXPENSES)
NEVER = ("option", "plugin", "include")
PUSHED = ("pushtag", "poptag", "pushmeta", "popmeta")
NOTHING = ("close", "note", "event", "document", "query", "custom", "open", "commodity")
_ACCOUNT = r"[^\W\d_][\w\-]*(?::[\w\-]+)+"
_DATED = re.compile(r"([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2})\s+(\S+)\s*(.*)")
_POSTING = re.compile(rf"(?:[*!&#?%PSTCURM]\s+)?({_ACCOUNT})(?:\s+(.*))?")
_META = re.compile(r"([a-z][\w\-]*):(?:\s+(.*))?")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_FLAG = re.compile(r"txn|[*!&#?%PSTCURM]")
_FITS = re.compile(
    rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ \t]+(?:(?:open|balance|pad|close)[ \t]+{_ACCOUNT}"
    r"|(?:commodity|price)[ \t]+[A-Z]|(?:txn|[*!])[ \t]+\")",
    re.MULTILINE,
)
_BALANCE = re.compile(rf"({_ACCOUNT})\s+([^~]*)(?:~\s*([0-9.,]+)\s*)?(.*)")


def fits(file: File, options: Options) -> int:
    return 80 if file.kind == TABLES and _FITS.search(sample_of(file)[:SAMPLE]) else 0


def read(file: File, options: Options) -> Reading:
    return reading_of(NAME, file, options, lambda: (BeancountReader().journal(file.text.text), None))


def root_of(account: str) -> str:
    root = account.partition(":")[0]
    return root if root in ROOTS else ""


class BeancountReader:
    def __init__(self) -> None:
        self.result = Journal(root_of)
        self.amounts = AmountReader(STRICT)
        self.entry: Entry | None = None
        self.meta: dict[str, str] | None = None

    def journal(self, text: str) -> Journal:
        for number, line in numbered_lines(text):
            bare = without_comment(line).rstrip()
            if not bare.strip():
                continue
            if bare[0] in " \t":
                self.indented(number, bare.strip())
            else:
                self.entry, self.meta = None, {}  # lines below what is refused belong to it
                self.directive(number, bare)
        return self.result

    def directive(self, number: int, line: str) -> None:
        match = _DATED.fullmatch(line)
        if match is None:
            word = line.split(maxsplit=1)[0]
            if word in PUSHED:
                self.result.skip(number, line)
            elif line[0] not in "*:#!&?%":  # headings of an outline
                self.result.refuse(number, line)
            return
        day = read_day(match[1].replace("/", "-"), None)
        if day is None:
            self.result.refuse(number, line, "BAD_DATE", "date")
            return
        try:
            self.dated(number, day.on, match[2], match[3], line)
        except Refused as refused:
            reason = refused.reason
            self.result.refuse(number, reason.text or line, reason.code, reason.field)

    def dated(self, number: int, on: date, word: str, rest: str, line: str) -> None:
        if _FLAG.fullmatch(word):
            strings = [unquoted(text) for text in _STRING.findall(rest)]
            note = " | ".join(text for text in strings[:2] if text)
            self.entry = Entry(number, on, note, line)
            self.meta = self.entry.meta
            self.result.entries.append(self.entry)
        elif word == "price":
            commodity, _, amount = rest.partition(" ")
            self.result.prices.append(Price(number, on, commodity, self.amounts.amount(amount), line))
        elif word == "balance":
            self.result.balances.append(self.balance(number, on, rest, line))
        elif word == "pad":
            names = rest.split()
            if len(names) != 2:
                raise Refused("MISSING_FIELD", "account", line[:100])
            self.result.pads.append(Pad(number, on, names[0], names[1], line))
        elif word in NOTHING:
            self.about(number, on, word, rest, line)
        else:
            self.result.refuse(number, line)

    def about(self, number: int, on: date, word: str, rest: str, line: str) -> None:
        """What is no booking: the descriptions of accounts and commodities, and what only people read."""
        name = rest.split(maxsplit=1)[0] if rest.strip() else ""
        if word == "open" and name:
            self.meta = {}
            self.result.accounts[name] = self.meta
        elif word == "commodity" and name:
            self.meta = {}
            self.result.commodities[name] = self.meta
        elif word == "custom" and (match := _POSTING.fullmatch(rest.removeprefix('"strata-value"').strip())):
            amount = self.amounts.amount(match[2] or "")
            self.result.stated.append(Stated(number, on, match[1], amount, line))
            return
        self.result.skip(number, line)

    def balance(self, number: int, on: date, rest: str, line: str) -> Balance:
        match = _BALANCE.fullmatch(rest)
        if match is None:
            raise Refused("MISSING_FIELD", "account", line[:100])
        written = f"{match[2]} {match[4]}"
        amount = self.amounts.amount(written)
        stated = read_number(match[3], ".") if match[3] else None
        exponent = amount.number.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        tolerance = stated.value if stated else Decimal(1).scaleb(-places) if places else Decimal(0)
        return Balance(number, on, match[1], amount, tolerance, line)

    def indented(self, number: int, line: str) -> None:
        if (match := _META.fullmatch(line)) and self.meta is not None:
            value = match[2] or ""
            string = _STRING.fullmatch(value)
            self.meta.setdefault(match[1], unquoted(string[1]) if string else value)
        elif self.entry is not None and (match := _POSTING.fullmatch(line)):
            self.posting(self.entry, number, match[1], match[2] or "")
        elif self.entry is not None and line[0] not in "#^":
            self.entry.refusal = Reason("UNSUPPORTED", None, line[:100])
        elif self.entry is None and self.meta is None and not _META.fullmatch(line):
            self.result.refuse(number, line)

    def posting(self, entry: Entry, number: int, account: str, rest: str) -> None:
        posting = Posting(number, account)
        entry.postings.append(posting)
        self.meta = {}  # that of a posting is not that of the transaction
        try:
            self.amounts.fill(posting, rest)
        except Refused as refused:
            entry.refusal = refused.reason


def without_comment(line: str) -> str:
    """The line before its semicolon, unless that is in quotes."""
    if ";" not in line:
        return line
    inside, escaped = False, False
    for at, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\" and inside:
            escaped = True
        elif character == '"':
            inside = not inside
        elif character == ";" and not inside:
            return line[:at]
    return line


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), text)
