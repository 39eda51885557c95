"""Bookings of Strata's own journals that postings alone do not say: income and costs of an asset, without units."""

from __future__ import annotations

from imports.formats.journals.accounts import JournalAccounts
from imports.formats.journals.contents import EQUITY, EXPENSES, INCOME, Entry
from imports.formats.journals.transactions import Part, costs_in
from imports.formats.rows import Item, Reading
from imports.formats.trades import Trade, booking
from imports.reading.numbers import plus

COSTS = "Expenses:Costs"


def items_of_strata(
    reading: Reading, entry: Entry, parts: list[Part], accounts: JournalAccounts
) -> tuple[Item, ...] | None:
    """None for what the postings say, and for what has no postings."""
    kind, account = entry.meta["strata-type"], entry.meta.get("strata-asset", "")
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
