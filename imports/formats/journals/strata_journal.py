"""Bookings of Strata's own journals that postings alone do not say: income and costs of an asset, without units; units
that moved from one asset to another, and corrections of how many there are.
"""

from __future__ import annotations

from imports.formats.journals.accounts import JournalAccounts
from imports.formats.journals.contents import EQUITY, EXPENSES, INCOME, Entry
from imports.formats.journals.transactions import Part, costs_in
from imports.formats.rows import Item, Reading, TransactionItem
from imports.formats.trades import Trade, booking
from imports.reading.numbers import plus

COSTS = "Expenses:Costs"


def items_of_strata(
    reading: Reading, entry: Entry, parts: list[Part], accounts: JournalAccounts
) -> tuple[Item, ...] | None:
    """None for what the postings say, and for what has no postings."""
    kind, account = entry.meta["strata-type"], entry.meta.get("strata-asset", "")
    if kind in ("TRANSFER", "ADJUST"):
        return moved_units(entry, [part for part in parts if part.is_own and not part.is_money], accounts)
    if kind not in ("INCOME", "EXPENSE") or not account or not parts:
        return None
    if any(part.root not in (EQUITY, INCOME, EXPENSES) for part in parts):
        return None
    currency = parts[0].units.commodity
    named = [part for part in parts if part.root == INCOME or part.account == COSTS]
    costs = [part for part in parts if part.account != COSTS]
    key = accounts.only_holding(account) or accounts.money(account, currency)
    fee, tax = costs_in(costs, currency)
    amount = abs(plus(*(part.units.number for part in named)))
    trade = Trade(key, kind, entry.on, currency, None, None, amount, fee, tax, entry.note)
    trade.external_id = entry.meta.get("strata-id", "")[:100]
    return (booking(reading, entry.line, trade),)


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
