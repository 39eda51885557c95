"""MT940, the statements of SWIFT. A reader of our own, which refuses a row by its line and never a whole file for it.

A booking has no id that can be relied on: it is known by what it says, and by its number among equal ones.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from imports.formats.banks.statements import Span, StatementReader, day_of, in_order_of_days, note_of, rank_of
from imports.formats.cells import Refused
from imports.formats.rows import FileRow, FileWarning, Item, Options, Question, Reading, RowType, ValueItem
from imports.reading.files import STATEMENT, File
from imports.reading.numbers import COMMA, plus
from imports.reading.refusals import FileRefused, Reason

NAME = "mt940"
ASSET_TYPE = "CHECKING_ACCOUNT"
OPENING, CLOSING, BOOKING, TEXT = "60F", "62F", "61", "86"
PAGES = ("60M", "62M")
SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}  # R takes an earlier booking back
CENTURY_AFTER = 80  # 80 to 99 are of the century before
_FIELD = re.compile(r":([0-9]{2}[A-Z]?):(.*)")
_BOOKING = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{4})?(R[CD]|E[CD]|[CD])([A-Z])?([0-9.,]+)([A-Z][A-Z0-9]{3})?(.*)"
)
_BALANCE = re.compile(r"([CD])([0-9]{2})([0-9]{2})([0-9]{2})([A-Z]{3})([0-9.,]+)\s*")
_SUBFIELD = re.compile(r"\?([0-9]{2})")
_IS_STRUCTURED = re.compile(r"[0-9]{3}\?[0-9]{2}")
NAMES, REMITTANCE = ("32", "33"), (*map(str, range(20, 30)), *map(str, range(60, 64)))


def fits(file: File, options: Options) -> int:
    return 100 if file.kind == STATEMENT else 0


def read(file: File, options: Options) -> Reading:
    text = file.text
    statements = list(statements_of(text.text.replace("\r\n", "\n").replace("\r", "\n")))
    if not statements:
        raise FileRefused("UNKNOWN_FORMAT")
    reading = Reading(NAME, {"layout": NAME, "decimal": COMMA}, lambda reading: iter(()))
    reading.detected |= {"encoding": text.encoding, "bom": text.has_bom}
    if not text.is_certain and not options.encoding:
        reading.questions.append(Question("ENCODING", "encoding", False, suggestion=text.encoding))
    reading.read = lambda reading: SwiftReader(reading, options, statements).rows()
    return reading


@dataclass(slots=True)
class Field:
    """A tag with its lines."""

    tag: str
    line: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(slots=True)
class Statement:
    """The fields from one :20: to the next. `total` is None where a booking could not be read."""

    fields: list[Field] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    total: Decimal | None = Decimal(0)

    def text(self, *tags: str) -> str:
        return next((part.text.strip() for part in self.fields if part.tag in tags), "")

    @property
    def account(self) -> str:
        return self.text("25", "25P").split("\n")[0].strip()

    @property
    def currency(self) -> str:
        balances = (_BALANCE.fullmatch(part.text) for part in self.fields if part.tag[:2] in ("60", "62"))
        return next((match[5] for match in balances if match), "")


def span_of(statement: Statement) -> Span:
    days, balances = [], {OPENING: "", CLOSING: ""}
    for part in statement.fields:
        if part.tag[:2] in ("60", "62") and (match := _BALANCE.fullmatch(part.text.strip())):
            century = "19" if int(match[2]) >= CENTURY_AFTER else "20"
            days.append("".join((century, match[2], match[3], match[4])))
            balances[part.tag[:2] + "F"] = f"{match[1]} {match[6]}"
    days = days or [""]
    account = statement.account, statement.currency
    return Span(account, min(days), max(days), balances[OPENING], balances[CLOSING])


def statements_of(text: str) -> Iterator[Statement]:
    """The envelope of SWIFT and the lines of one dash end a field."""
    statement: Statement | None = None
    is_open = False
    for number, line in enumerate(text.split("\n"), 1):
        line = "".join(mark for mark in line if mark >= " ").rstrip()
        if line.startswith("{") and (at := line.find("{4:")) >= 0:
            line = line[at + 3 :]
        match = _FIELD.fullmatch(line)
        if match is None:
            if line.startswith(("-}", "{")) or line == "-":
                is_open = False
            elif is_open and statement:
                statement.fields[-1].lines.append(line)
            continue
        if match[1] == "20" or statement is None:
            if statement:
                yield statement
            statement = Statement()
        statement.fields.append(Field(match[1], number, [match[2]]))
        is_open = True
    if statement:
        yield statement


class SwiftReader(StatementReader):
    def __init__(self, reading: Reading, options: Options, statements: list[Statement]) -> None:
        super().__init__(reading, options, COMMA)
        self.statements = statements

    def lines(self) -> Iterator[FileRow]:
        """The statements by their days: the first of an account has its opening, the last of a day its closing."""
        seen: set[tuple[str, str]] = set()
        for source in in_order_of_days(self.statements, span_of):
            statement = Statement(source.fields)
            name, currency = statement.account, statement.currency
            for number, part in enumerate(statement.fields):
                if part.tag == BOOKING:
                    following = statement.fields[number + 1 : number + 2]
                    note = following[0].text if following and following[0].tag == TEXT else ""
                    yield self.booked(statement, part, note, name, currency)
            yield from self.balances(statement, name, currency, is_first=(name, currency) not in seen)
            seen.add((name, currency))

    def booked(self, statement: Statement, part: Field, note: str, name: str, currency: str) -> FileRow:
        first, _, more = part.text.partition("\n")

        def make() -> tuple[Item, ...] | Reason:
            match = _BOOKING.fullmatch(first)
            if match is None:
                raise Refused("UNSUPPORTED", "61", first[:100])
            if match[5] not in SIGNS:
                return Reason("NOT_BOOKED", "61", match[5])
            on = self.day(part.line, match[1], match[2], match[3])
            amount = SIGNS[match[5]] * self.swift_amount(part.line, match[7])
            account = self.account(part.line, name, currency, ASSET_TYPE)
            statement.days.append(on)
            statement.total = None if statement.total is None else plus(statement.total, amount)
            return self.booking(account, on, amount, note_of(*texts_of(note)) or note_of(more))

        row = self.row(part.line, RowType.TRANSACTION, {":61:": part.text, ":86:": note}, make)
        if row.refusal:
            statement.total = None
        return row

    def balances(
        self, statement: Statement, name: str, currency: str, *, is_first: bool
    ) -> Iterator[FileRow]:
        """Closings are values; so is the opening of the first statement of an account. Pages have none."""
        amounts: dict[str, Decimal] = {}
        for part in statement.fields:
            if part.tag not in (OPENING, CLOSING, *PAGES):
                continue

            def make(part: Field = part) -> tuple[Item, ...] | Reason:
                if part.tag in PAGES:
                    return Reason("SUMMARY_ROW")
                match = _BALANCE.fullmatch(part.text.strip())
                if match is None:
                    raise Refused("UNSUPPORTED", part.tag, part.text[:100])
                amount = SIGNS[match[1]] * self.swift_amount(part.line, match[6])
                on = self.day(part.line, match[2], match[3], match[4])
                amounts[part.tag] = amount
                if part.tag == OPENING and not is_first:
                    return Reason("SUMMARY_ROW")
                if part.tag == OPENING and statement.days:
                    on = min(statement.days) - timedelta(days=1)
                number, _, page = statement.text("28C", "28").partition("/")
                rank = rank_of((number.strip(), page.strip()), is_closing=part.tag == CLOSING)
                account = self.account(part.line, name, currency, ASSET_TYPE)
                return (ValueItem(account, on, amount, rank=rank),)

            yield self.row(part.line, RowType.VALUE, {f":{part.tag}:": part.text}, make)
        if len(amounts) == 2 and statement.total is not None:
            computed = plus(amounts[OPENING], statement.total)
            if computed != amounts[CLOSING]:
                text = f"{computed:f} / {amounts[CLOSING]:f}"
                self.reading.warn(FileWarning("BALANCE_DIFFERS", statement.fields[0].line, "balance", text))

    def swift_amount(self, line: int, text: str) -> Decimal:
        """Digits and one comma, which may be the last mark: "6800,"."""
        if text.count(",") > 1 or "." in text:
            raise Refused("BAD_NUMBER", "amount", text[:100])
        return self.amount(line, text)

    def day(self, line: int, year: str, month: str, day: str) -> date:
        """30 February, which banks that count 30 days a month write, is the last day of the month."""
        written = f"{year}{month}{day}"
        century = "19" if int(year) >= CENTURY_AFTER else "20"
        if 1 <= int(month) <= 12 and 28 < int(day) <= 31:
            last = calendar.monthrange(int(century + year), int(month))[1]
            if int(day) > last:
                on = date(int(century + year), int(month), last)
                self.reading.warn(FileWarning("CLAMPED", line, "date", f"{written}: {on}"))
                return on
        return day_of(century + year, month, day, written)


def texts_of(note: str) -> Iterator[str]:
    """Names and remittance of a structured text; any other text as it is."""
    lines = note.split("\n")
    if not _IS_STRUCTURED.match(lines[0]):
        yield " ".join(lines)
        return
    _, *parts = _SUBFIELD.split("".join(lines))
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    yield " ".join(text for code, text in pairs if code in NAMES)
    said = "".join(text if len(text) >= 27 else f"{text} " for code, text in pairs if code in REMITTANCE)
    yield said or " ".join(text for code, text in pairs if code == "00")
