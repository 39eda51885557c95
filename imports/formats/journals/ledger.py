"""Journals of ledger and hledger. What they would compute or load is refused by line; all other lines are read."""

from __future__ import annotations

import re
from datetime import date

from imports.formats.cells import Refused
from imports.formats.journals.amounts import LOOSE, AmountReader
from imports.formats.journals.bookings import reading_of
from imports.formats.journals.contents import (
    ASSETS,
    EQUITY,
    EXPENSES,
    INCOME,
    LIABILITIES,
    Entry,
    Journal,
    Posting,
    Price,
)
from imports.formats.journals.lines import SAMPLE, numbered_lines, sample_of
from imports.formats.rows import Options, Reading
from imports.reading.days import read_day
from imports.reading.files import TABLES, File
from imports.reading.numbers import COMMA, POINT, decimal_mark
from imports.reading.refusals import Reason

NAME = "ledger"
COMMENTS = ";#%|*"
# Words of the first part of an account's name, in small letters.
ROOTS = {
    ASSETS: "asset assets aktiva vermögen actif actifs activo activos attività activa",
    LIABILITIES: "liability liabilities debt debts passiva verbindlichkeiten passif passifs pasivo pasivos passività",
    EQUITY: "equity eigenkapital anfangsbestand capitaux patrimonio vermogen",
    INCOME: "income incomes revenue revenues einnahmen erträge ertrag einkommen revenus ingresos entrate inkomsten",
    EXPENSES: "expense expenses ausgaben aufwand aufwendungen kosten dépenses gastos spese uitgaven",
}
ROOT_OF_WORD = {word: root for root, words in ROOTS.items() for word in words.split()}
TYPES = {"A": ASSETS, "C": ASSETS, "L": LIABILITIES, "E": EQUITY, "V": EQUITY, "R": INCOME, "X": EXPENSES}
TYPES |= {"G": INCOME, "ASSET": ASSETS, "CASH": ASSETS, "LIABILITY": LIABILITIES, "EQUITY": EQUITY}
TYPES |= {"REVENUE": INCOME, "EXPENSE": EXPENSES, "CONVERSION": EQUITY, "GAIN": INCOME}
NOTHING = ("payee", "tag", "N", "commodity", "decimal-mark")
_DAY = r"(?:[0-9]{4}[-/.])?[0-9]{1,2}[-/.][0-9]{1,2}"
_ENTRY = re.compile(rf"({_DAY})(?:=({_DAY}))?(?:\s+([*!])(?=\s|$))?(?:\s*(\([^()]*\)))?(?:\s+(.*))?")
_PRICE = re.compile(
    rf"P\s+({_DAY})\s+(?:[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?\s+)?(\"[^\"]+\"|[^\s\d\"]+)\s+(.+)"
)
_YEAR = re.compile(r"(?:Y|year|apply year)\s*([0-9]{4})")
_ACCOUNT_TYPE = re.compile(r"\btype:\s*([A-Za-z]+)")
_SPACES = re.compile(r"\s*\t\s*|\s{2,}")
_NUMBERS = re.compile(r"[0-9][0-9.,']*[.,][0-9]+")
_FITS = re.compile(
    rf"^(?:{_DAY}(?:=\S+)?(?:[ \t]+\S[^\n]*)?\n(?:[ \t]+;[^\n]*\n)*[ \t]+(?:[*!][ \t]+)?[(\[]?[^\s;][^\n]*"
    rf"|P[ \t]+[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}[ \t]+\S+[ \t]+\S"
    r"|account[ \t]+\S+:\S+)",
    re.MULTILINE,
)


def fits(file: File, options: Options) -> int:
    return 60 if file.kind == TABLES and _FITS.search(sample_of(file)[:SAMPLE]) else 0


def read(file: File, options: Options) -> Reading:
    def parse() -> tuple[Journal, AmountReader]:
        text = file.text.text
        reader = LedgerReader(options.decimal or mark_of(text), options.currency or "USD")
        return reader.journal(text), reader.amounts

    return reading_of(NAME, file, options, parse)


def mark_of(text: str) -> str:
    """The decimal mark: as the journal says, else as its numbers show, else a point."""
    if match := re.search(r"^decimal-mark\s+([.,])", text, re.MULTILINE):
        return POINT if match[1] == "." else COMMA
    numbers = (
        match[0] for line in text.split("\n") if line[:1] in " \tPD" for match in _NUMBERS.finditer(line)
    )
    return decimal_mark(numbers).mark or POINT


class LedgerReader:
    def __init__(self, mark: str, dollar: str) -> None:
        self.amounts = AmountReader(LOOSE, mark, dollar)
        self.types: dict[str, str] = {}
        self.result = Journal(self.root_of)
        self.entry: Entry | None = None
        self.account = ""
        self.year: int | None = None
        self.block = ""

    def root_of(self, account: str) -> str:
        """By the type that the journal gives the account, or one above it, else by the first word of its name."""
        name = account
        while name:
            if root := self.types.get(name):
                return root
            name = name.rpartition(":")[0]
        return ROOT_OF_WORD.get(account.partition(":")[0].casefold().strip(), "")

    def journal(self, text: str) -> Journal:
        for number, line in numbered_lines(text):
            bare = line.rstrip()
            if self.block:
                self.block = "" if bare in (f"end {self.block}", "end") else self.block
            elif not bare:
                self.entry, self.account = None, ""
            elif bare[0] in " \t":
                self.indented(number, bare.strip())
            elif bare[0] not in COMMENTS:
                self.entry, self.account = None, ""
                self.directive(number, bare)
        return self.result

    # --- lines at the margin ---

    def directive(self, number: int, line: str) -> None:
        if line[0].isdigit():
            self.transaction(number, line)
            return
        word, _, rest = line.partition(" ")
        if word in ("comment", "test"):
            self.block = word
        elif match := _YEAR.fullmatch(line):
            self.year = int(match[1])
            self.result.skip(number, line)
        elif word == "account":
            self.declared(rest)
            self.result.skip(number, line)
        elif word in NOTHING:
            self.result.skip(number, line)
        elif word in ("P", "D"):
            self.valued(number, word, line)
        else:
            self.result.refuse(number, line)

    def declared(self, rest: str) -> None:
        name, _, comment = rest.partition(";")
        self.account = name.strip()
        self.typed(comment)

    def typed(self, comment: str) -> None:
        match = _ACCOUNT_TYPE.search(comment)
        if match and (root := TYPES.get(match[1].upper())):
            self.types.setdefault(self.account, root)

    def valued(self, number: int, word: str, line: str) -> None:
        """A price, or the commodity of amounts that name none."""
        text = line.partition(";")[0].rstrip()
        try:
            if word == "D":
                self.amounts.default = self.amounts.amount(text[1:]).commodity
                self.result.skip(number, line)
                return
            match = _PRICE.fullmatch(text)
            if match is None:
                raise Refused("MISSING_FIELD", "price", text[:100])
            commodity = self.amounts.commodity(match[2])
            amount = self.amounts.amount(match[3])
            self.result.prices.append(Price(number, self.day(match[1]), commodity, amount, line))
        except Refused as refused:
            reason = refused.reason
            self.result.refuse(number, reason.text or line, reason.code, reason.field)

    def transaction(self, number: int, line: str) -> None:
        match = _ENTRY.fullmatch(line.partition(";")[0].rstrip())
        if match is None:
            self.result.refuse(number, line)
            return
        try:
            on = self.day(match[1])
        except Refused as refused:
            reason = refused.reason
            self.result.refuse(number, reason.text, reason.code, reason.field)
            return
        self.entry = Entry(number, on, (match[5] or "").strip(), line)
        self.result.entries.append(self.entry)

    def day(self, text: str) -> date:
        written = text.replace(".", "-").replace("/", "-")
        if written.count("-") == 1 and self.year is not None:
            written = f"{self.year}-{written}"
        day = read_day(written, None) if written.count("-") == 2 else None
        if day is None:
            raise Refused("BAD_DATE", "date", text[:100])
        return day.on

    # --- lines below them ---

    def indented(self, number: int, line: str) -> None:
        if line[0] in ";#":
            if self.account:
                self.typed(line)
        elif self.entry is not None:
            self.posting(self.entry, number, line)

    def posting(self, entry: Entry, number: int, line: str) -> None:
        text = line.partition(";")[0].rstrip()
        if text[:1] in "*!":
            text = text[1:].lstrip()
        parts = _SPACES.split(text, maxsplit=1)
        account, rest = parts[0], parts[1] if len(parts) > 1 else ""
        if account[:1] in "([" and account[-1:] in ")]":
            self.result.refuse(number, line)  # virtual: it need not add up
            return
        posting = Posting(number, account)
        entry.postings.append(posting)
        try:
            self.amounts.fill(posting, rest)
        except Refused as refused:
            entry.refusal = entry.refusal or refused.reason
        if posting.units is None and posting.asserted is not None:
            entry.refusal = entry.refusal or Reason("UNSUPPORTED", "amount", line[:100])
