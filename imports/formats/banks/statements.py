"""What is the same in the statements of all banks: bookings of money, balances, and what is said at the end."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from imports.formats.cells import Refused
from imports.formats.questions_of_accounts import Debts
from imports.formats.row_results import ZERO_ROW, filled
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    Example,
    FileRow,
    FileWarning,
    Item,
    Options,
    Question,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.formats.trades import earned_or_spent, flow, money
from imports.reading.currencies import is_currency
from imports.reading.days import FIRST_YEAR, LAST_YEAR
from imports.reading.numbers import read_number
from imports.reading.refusals import Reason

LONGEST_ID = 150
LONGEST_CELL = 1_000
NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NONE", "NOREF"})


class StatementReader:
    """Makes rows for one reading. `skipped` and the questions are complete when `rows` has ended."""

    def __init__(self, reading: Reading, options: Options, decimal: str) -> None:
        self.reading, self.options, self.decimal = reading, options, decimal
        self.without_currency: list[Example] = []
        self.debts = Debts()

    def lines(self) -> Iterator[FileRow]:
        raise NotImplementedError

    def rows(self, message: str = "") -> Iterator[FileRow]:
        """The rows, then what is said of all of them. `message` is the bank's own where there is nothing."""
        count, has_bookings, has_values = 0, False, False
        for row in self.lines():
            count += 1
            for item in row.items:
                has_bookings |= isinstance(item, TransactionItem)
                has_values |= isinstance(item, ValueItem)
                self.debts.add(row.line, item)
            yield row
        if not count:
            self.reading.warn(FileWarning("NOTHING_INSIDE", text=message[:200]))
        elif has_bookings and not has_values:
            self.reading.warn(FileWarning("NO_BALANCES"))
        self.reading.questions.extend(self.debts.questions(self.reading))
        if self.without_currency:
            self.reading.questions.append(
                Question("CURRENCY", "currency", examples=tuple(self.without_currency[:5]))
            )

    def row(
        self,
        line: int,
        row_type: RowType,
        read: Mapping[str, str],
        make: Callable[[], tuple[Item, ...] | Reason],
    ) -> FileRow:
        shown = {name: text[:LONGEST_CELL] for name, text in read.items() if text.strip()}
        return filled(FileRow(line, shown, row_type), make)

    def booking(
        self, account: str, on: date, amount: Decimal, note: str, known: str = "", *, is_flow: bool = False
    ) -> tuple[Item, ...] | Reason:
        if not amount:
            return ZERO_ROW
        booking = flow if is_flow else earned_or_spent
        return (booking(account, on, amount, note, known),)

    def account(self, line: int, name: str, currency: str, asset_type: str) -> str:
        """Without a currency in the file, it is the one that a person named."""
        if not name or len(name) > NAME_LENGTH or not name.isprintable():
            raise Refused("BAD_NAME" if name else "MISSING_FIELD", "account", name[:NAME_LENGTH])
        if not currency:
            if not self.options.currency:
                self.without_currency.append(Example(line, name))
                raise Refused("MISSING_FIELD", "currency")
            currency = self.options.currency
        if not is_currency(currency):
            raise Refused("BAD_CURRENCY", "currency", currency[:20])
        return self.reading.account(Account(name, currency, asset_type))

    def amount(self, line: int, text: str, field: str = "amount") -> Decimal:
        text = text.strip()
        number = read_number(text, self.decimal)
        if number is None:
            raise Refused("BAD_NUMBER" if text else "MISSING_FIELD", field, text[:100])
        return money(self.reading, line, number.value, field)


class Span(NamedTuple):
    """Of a statement: its account, its first and last day as sortable texts, and its balances as the file has them."""

    account: tuple[str, ...]
    first: str
    last: str
    opening: str
    closing: str


def in_order_of_days[T](statements: Iterable[T], span_of: Callable[[T], Span]) -> list[T]:
    """The statements of each account by their days; of equal days, each after the one that it continues."""
    spans = [(span_of(statement), statement) for statement in statements]
    groups: dict[tuple[tuple[str, ...], str, str], list[tuple[Span, T]]] = {}
    for span, statement in spans:
        groups.setdefault((span.account, span.first, span.last), []).append((span, statement))
    accounts = list(dict.fromkeys(span.account for span, _ in spans))
    keys = sorted(groups, key=lambda key: (accounts.index(key[0]), *key[1:]))
    return [statement for key in keys for statement in continued(groups[key])]


def continued[T](statements: list[tuple[Span, T]]) -> Iterator[T]:
    left, before = list(statements), ""
    while left:
        closings = Counter(span.closing for span, _ in left if span.closing != span.opening)
        following = (number for number, (span, _) in enumerate(left) if before and span.opening == before)
        first = (number for number, (span, _) in enumerate(left) if span.opening not in closings)
        span, statement = left.pop(next(following, next(first, 0)))
        before = span.closing
        yield statement


BACKWARDS = str.maketrans("0123456789", "9876543210")


def rank_of(statement: tuple[str, str], *times: str, is_closing: bool) -> str:
    """The rank of a balance: by the number of the statement and of its page, then by when the bank made it.

    A closing counts more than the opening of a later statement. Of several closings the last one counts, of several
    openings the first.
    """
    numbers = [text if text.isascii() and text.isdigit() and len(text) <= 18 else "" for text in statement]
    digits = "".join(number.zfill(18) for number in numbers) + "".join(map(instant_digits, times))
    if not digits.strip("0"):
        return ""
    return f"2{digits}" if is_closing else f"1{digits.translate(BACKWARDS)}"


def instant_digits(text: str) -> str:
    """An instant as fourteen digits, in UTC where it names a zone; zeros for none."""
    try:
        at = datetime.fromisoformat(text.strip() if "-" in text[:5] else "")
        at = at.astimezone(UTC) if at.tzinfo else at
    except (ValueError, OverflowError):
        return "".join(filter(str.isdecimal, text.partition(".")[0].partition("[")[0]))[:14].ljust(14, "0")
    return f"{at:%Y%m%d%H%M%S}".zfill(14)


def day_of(year: str, month: str, day: str, text: str) -> date:
    """Raises Refused for what is no day."""
    try:
        on = date(int(year), int(month), int(day))
    except ValueError:
        raise Refused("BAD_DATE", "date", text[:100]) from None
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise Refused("BAD_DATE", "date", text[:100])
    return on


def note_of(*texts: str) -> str:
    """The texts one after another, each once, without line breaks and control characters."""
    result = ""
    for text in texts:
        if not text.isprintable():
            text = "".join(mark if mark.isprintable() else " " for mark in text)
        clean = " ".join(text.split())
        if clean.startswith(result):
            result = clean
        elif clean not in result:
            result = f"{result} {clean}"
    return result


def known_by(text: str) -> str:
    """The bank's own id of a booking, with a hash where it is longer than what is kept."""
    text = text.strip()
    if len(text) <= LONGEST_ID:
        return text
    return f"{text[: LONGEST_ID - 33]}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def reference_of(text: str) -> str:
    """A reference of the bank, "" for the words and zeros that mean that it has none."""
    text = text.strip()
    return "" if text.upper() in NO_REFERENCE or not text.strip("0") else text
