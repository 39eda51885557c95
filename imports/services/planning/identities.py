"""By what a booking of a file is known when it comes again: the file's own id, else its content and its number."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import count

from imports.formats.rows import QuantityItem, TransactionItem
from imports.services.planning.quantities import reference_of
from strata.fields.numbers import plain

SOURCE_LENGTH = 100


def source_of(format_name: str, account_key: str) -> str:
    """The source of the transactions of an account: at most 100 characters, with a hash where it would be more."""
    source = f"{format_name}:{account_key}"
    if len(source) <= SOURCE_LENGTH:
        return source
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    return f"{source[: SOURCE_LENGTH - 17]}:{digest}"


class References:
    """The references of the bookings of one file, in their order. Equal bookings are numbered from 1."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()
        self._ids: set[tuple[str, str]] = set()

    def next(self, item: TransactionItem | QuantityItem, first: str = "") -> str | None:
        """The reference of the item; `first` is that of the row's first booking.

        None for an id that an earlier row of the account has: the file has the row twice.
        """
        if isinstance(item, QuantityItem):
            return reference_of(item.on)
        if item.leg and first:
            return self._leg(item.account, f"{first}/{item.leg}")
        if item.external_id:
            key = item.account, item.external_id
            if key in self._ids:
                return None
            self._ids.add(key)
            return item.external_id
        digest = hashlib.sha256(content_of(item).encode()).digest()[:16]
        self._seen[digest] += 1
        return f"{digest.hex()}-{self._seen[digest]}"

    def _leg(self, account: str, reference: str) -> str:
        """A row may pay twice from one account: the price and the fee. The second leg is the first with -2."""
        numbered = (f"{reference}-{number}" if number > 1 else reference for number in count(1))
        free = next(name for name in numbered if (account, name) not in self._ids)
        self._ids.add((account, free))
        return free


def content_of(item: TransactionItem) -> str:
    """What the booking says, in one form whatever the file's delimiter, marks and columns are."""
    when = item.occurred_at.isoformat() if item.occurred_at else item.on.isoformat()
    numbers = (item.quantity, item.unit_price, item.amount, item.fee, item.tax)
    written = ("" if number is None else plain(number.normalize()) for number in numbers)
    currency = (item.currency,) if item.currency else ()
    return "\n".join((item.account, item.type, when, *written, item.note, *currency))
