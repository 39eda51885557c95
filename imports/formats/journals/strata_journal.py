"""What Strata's own journals say beside their postings: which booking each is, also one of no money and no units, and
which assets there are. Their values are all written down, so no booking of theirs gives one.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from imports.formats.cells import Refused
from imports.formats.journals.accounts import JournalAccounts
from imports.formats.journals.amounts import STRICT, AmountReader
from imports.formats.journals.contents import EQUITY, EXPENSES, INCOME, Amount, Entry, Journal
from imports.formats.journals.transactions import Part, costs_in
from imports.formats.rows import AssetItem, FileRow, Item, Reading, RowType, TransactionItem
from imports.formats.trades import ZERO, Trade, booking, units
from imports.reading.numbers import plus, read_number

OPENING, FEES, TAXES = "Equity:Opening-Balances", "Expenses:Fees", "Expenses:Taxes"
# Where the other side of a booking of money is.
OTHER_SIDE = {"INCOME": INCOME, "EXPENSE": EXPENSES, "ACQUIRE": EQUITY, "DISPOSE": EQUITY}


def is_written_by_strata(entry: Entry, accounts: JournalAccounts) -> bool:
    """A booking of Strata, or a pad of one of its accounts: the journal says what these accounts are worth."""
    if "strata-type" in entry.meta:
        return True
    return is_pad_of_strata(entry, accounts)


def is_pad_of_strata(entry: Entry, accounts: JournalAccounts) -> bool:
    """What a value differs from the bookings before it: it is no booking."""
    names = [posting.account for posting in entry.postings]
    return entry.is_pad and OPENING in names and any(map(accounts.is_of_strata, names))


def is_opening_of_strata(entry: Entry, accounts: JournalAccounts) -> bool:
    """The units of an asset that has no transactions: they are part of what is said of its account."""
    names = [posting.account for posting in entry.postings]
    return "strata-type" not in entry.meta and OPENING in names and any(map(accounts.has_quantity, names))


def assets_of_strata(reading: Reading, journal: Journal, accounts: JournalAccounts) -> Iterator[FileRow]:
    """Each account that Strata opened, also one of which nothing else is said."""
    for account in journal.accounts:
        if accounts.is_of_strata(account) and (key := accounts.key_of(account)):
            yield FileRow(1, {"line": account}, RowType.ASSET, (AssetItem(key),))


def items_of_strata(
    reading: Reading, entry: Entry, parts: list[Part], accounts: JournalAccounts
) -> tuple[Item, ...] | None:
    """None for what the postings say, such as a trade, and for what somebody has changed."""
    kind, account = entry.meta["strata-type"], entry.meta.get("strata-asset", "")
    if kind in ("TRANSFER", "ADJUST") and parts:
        return moved_units(entry, [part for part in parts if part.is_own and not part.is_money], accounts)
    key = accounts.key_of(account) if account else None
    if key is None or kind not in ("ADJUST", *OTHER_SIDE):
        return None
    trade = Trade(key, kind, entry.on, accounts.currency_of(account), note=entry.note)
    if not fill_from_postings(trade, account, parts) and not fill_from_notes(trade, entry, parts):
        return None
    trade.external_id = entry.meta.get("strata-id", "")[:100]
    if kind == "ADJUST":
        return (adjustment(trade),) if trade.quantity else None
    quantity = entry.meta.get("strata-quantity")
    trade.quantity = number_of(quantity) if quantity else None
    return (booking(reading, entry.line, trade),)


def with_recorded_quantity(entry: Entry, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The quantity that a split made one without an end. The postings have it with fewer places."""
    if "strata-recorded" not in entry.meta:
        return items
    recorded = abs(number_of(entry.meta["strata-recorded"]))
    return tuple(
        item._replace(quantity=-recorded if item.quantity < 0 else recorded)
        if isinstance(item, TransactionItem) and item.quantity
        else item
        for item in items
    )


def fill_from_postings(trade: Trade, account: str, parts: list[Part]) -> bool:
    """Whether the postings are those of a booking of money, which they then fill."""
    currencies = {part.units.commodity for part in parts}
    if len(currencies) != 1 or any(part.is_own and part.account != account for part in parts):
        return False
    if any(part.is_own and not part.is_money for part in parts):
        return False
    costs = [part for part in parts if part.account in (FEES, TAXES)]
    others = [part for part in parts if not part.is_own and part not in costs]
    side = [part for part in others if part.root == OTHER_SIDE.get(trade.type)]
    if any(part.root != EQUITY for part in others if part not in side):
        return False
    (trade.currency,) = currencies
    trade.amount = abs(plus(ZERO, *(part.units.number for part in side)))
    trade.fee, trade.tax = costs_in(costs, trade.currency)
    return True


def fill_from_notes(trade: Trade, entry: Entry, parts: list[Part]) -> bool:
    """Fills a booking without postings, such as what was paid for a house."""
    if parts or not entry.meta.keys() & {"strata-amount", "strata-quantity"}:
        return False
    trade.amount, trade.currency = amount_of(entry.meta.get("strata-amount", f"0 {trade.currency}"))
    trade.fee, _ = amount_of(entry.meta.get("strata-fee", f"0 {trade.currency}"))
    trade.tax, _ = amount_of(entry.meta.get("strata-tax", f"0 {trade.currency}"))
    trade.quantity = number_of(entry.meta.get("strata-quantity", "0"))
    return True


def adjustment(trade: Trade) -> TransactionItem:
    quantity = trade.quantity or ZERO
    size = units(quantity, "quantity") or ZERO
    note, known = trade.note[:10_000], trade.external_id
    signed = -size if quantity < 0 else size
    return TransactionItem(
        trade.account, trade.type, trade.on, None, None, signed, note=note, external_id=known
    )


def amount_of(text: str) -> Amount:
    """Raises Refused."""
    return AmountReader(STRICT).amount(text)


def number_of(text: str) -> Decimal:
    """Raises Refused."""
    number = read_number(text, ".")
    if number is None:
        raise Refused("BAD_NUMBER", "quantity", text[:100])
    return number.value


def moved_units(entry: Entry, parts: list[Part], accounts: JournalAccounts) -> tuple[Item, ...] | None:
    """The two legs of a transfer, or units that came with their cost or left: None for anything else."""
    if len({part.units.commodity for part in parts}) != 1 or any(part.posting.price for part in parts):
        return None
    known, note = entry.meta.get("strata-id", "")[:100], entry.note[:10_000]
    bookings = []
    for part in parts:
        number, commodity = part.units
        units = accounts.units(commodity, entry.on, number)
        key, cost = accounts.holding(part.account, commodity), part.posting.cost
        leg = TransactionItem(key, "ADJUST", entry.on, None, None, units, note=note, external_id=known)
        bookings.append(
            leg if cost is None else leg._replace(amount=abs(cost.number), currency=cost.commodity)
        )
    if len(bookings) == 1:
        return tuple(bookings)
    leaving, arriving = sorted(bookings, key=lambda leg: leg.quantity or 0)[:2]
    is_pair = len(bookings) == 2 and plus(*(part.units.number for part in parts)) == 0
    if not is_pair or leaving.account == arriving.account:
        return None
    return leaving._replace(type="TRANSFER"), arriving._replace(type="TRANSFER", leg="in")
