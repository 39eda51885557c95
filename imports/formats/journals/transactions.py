"""What a transaction of a journal becomes: bookings of money, and trades with their costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from imports.formats.cells import Refused
from imports.formats.journals.contents import (
    ASSETS,
    EXPENSES,
    INCOME,
    LIABILITIES,
    Amount,
    Entry,
    Posting,
)
from imports.formats.rows import CASH, Item, Reading, TransactionItem
from imports.formats.trades import ZERO, Trade, booking, earned_or_spent, flow, money, units
from imports.reading.currencies import is_currency
from imports.reading.numbers import plus
from imports.reading.refusals import Reason

OWN = (ASSETS, LIABILITIES)
EARNED = (INCOME, EXPENSES)
TAXES = ("tax", "steuer", "impôt", "impuesto", "belasting", "imposta")


class Part(NamedTuple):
    """A posting whose amount is known. `value` is what it cost or brought; None without cost and price."""

    line: int
    account: str
    root: str
    units: Amount
    posting: Posting

    @property
    def is_own(self) -> bool:
        return self.root in OWN

    @property
    def is_money(self) -> bool:
        return is_currency(self.units.commodity)

    @property
    def is_trade(self) -> bool:
        posting = self.posting
        return self.is_own and not self.is_money and bool(posting.cost or posting.price or posting.from_lots)


def parts_of(entry: Entry, root_of: Callable[[str], str]) -> list[Part]:
    """The postings with the one whose amount is left out: it makes the sum zero. Raises Refused."""
    if entry.refusal:
        raise Refused(entry.refusal.code, entry.refusal.field or "", entry.refusal.text)
    roots = {posting.account: root_of(posting.account) for posting in entry.postings}
    if unknown := next((account for account, root in roots.items() if not root), None):
        raise Refused("UNKNOWN_TYPE", "account", unknown[:100])
    parts = [
        Part(posting.line, posting.account, roots[posting.account], posting.units, posting)
        for posting in entry.postings
        if posting.units is not None
    ]
    without = [posting for posting in entry.postings if posting.units is None]
    if len(without) > 1:
        raise Refused("MISSING_FIELD", "amount", without[1].account[:100])
    if without:
        account, known = without[0].account, [part.posting.weight for part in parts]
        if roots[account] in OWN and None in known:
            raise Refused("MISSING_FIELD", "amount", account[:100])
        for currency, total in sums(weight for weight in known if weight).items():
            if total:
                parts.append(
                    Part(without[0].line, account, roots[account], Amount(-total, currency), without[0])
                )
    return parts


def sums(amounts: Iterable[Amount]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for number, commodity in amounts:
        totals[commodity] = plus(totals.get(commodity, ZERO), number)
    return totals


class Booker:
    """`money_at` and `holding_at` give the keys of the accounts with a currency, or with a commodity; `units_of` gives
    the units of a commodity as they were on a day.
    """

    def __init__(
        self,
        reading: Reading,
        money_at: Callable[[str, str], str],
        holding_at: Callable[[str, str], str],
        units_of: Callable[[str, date, Decimal], Decimal],
    ) -> None:
        self.reading, self.money_at, self.holding_at = reading, money_at, holding_at
        self.units_of = units_of

    def items(self, entry: Entry, parts: list[Part]) -> tuple[Item, ...]:
        """Raises Refused."""
        trades, taken = self.trades(entry, entry.on, parts)
        moved = [
            TransactionItem(
                self.holding_at(part.account, part.units.commodity),
                "ADJUST",
                entry.on,
                None,
                None,
                self.signed(self.units_of(part.units.commodity, entry.on, part.units.number)),
                note=entry.note[:10_000],
            )
            for part in parts
            if part.is_own and not part.is_money and not part.is_trade and part.units.number
        ]
        paid = self.money(entry, entry.on, parts, taken, CASH if trades else "")
        items = [*trades, *moved, *paid]
        known = entry.meta.get("strata-id", "")[:100]
        return tuple(
            item._replace(leg=leg_of(item.leg, number), external_id=identity(known, number))
            for number, item in enumerate(items)
        )

    def signed(self, number: Decimal) -> Decimal:
        size = units(number, "quantity") or ZERO
        return -size if number < 0 else size

    # --- trades ---

    def trades(
        self, entry: Entry, on: date, parts: list[Part]
    ) -> tuple[list[TransactionItem], dict[str, bool]]:
        """The trades, and the currencies whose income and costs are those of a trade."""
        groups: dict[tuple[str, str, bool], list[Part]] = {}
        for part in parts:
            if part.is_trade and part.units.number:
                groups.setdefault((part.account, part.units.commodity, part.units.number > 0), []).append(
                    part
                )
        bookings, taken = [], {}
        for (account, commodity, is_bought), group in groups.items():
            paid = bought_for(group) if is_bought else sold_for(group, parts, len(groups))
            fee, tax = (ZERO, ZERO) if paid.commodity in taken else costs_in(parts, paid.commodity)
            taken[paid.commodity] = True
            in_kind = is_bought and is_income(parts, paid)
            trade = Trade(
                self.holding_at(account, commodity),
                "INCOME" if in_kind else "ACQUIRE" if is_bought else "DISPOSE",
                on,
                paid.commodity,
                self.units_of(commodity, on, abs(plus(*(part.units.number for part in group)))),
                None,
                abs(paid.number),
                fee,
                tax,
                entry.note,
            )
            bookings.append(booking(self.reading, entry.line, trade))
        return bookings, taken

    # --- money ---

    def money(
        self, entry: Entry, on: date, parts: list[Part], taken: dict[str, bool], leg: str
    ) -> list[TransactionItem]:
        """What was earned or spent is that at the accounts that received or paid it; the rest is a flow."""
        earned = sums(
            Amount(-part.units.number, part.units.commodity)
            for part in parts
            if part.root in EARNED and part.units.commodity not in taken
        )
        bookings = []
        for part in parts:
            if not part.is_own or not part.is_money:
                continue
            number, currency = part.units
            share = min(abs(number), abs(earned.get(currency, ZERO)))
            if number and share and (number > 0) == (earned[currency] > 0):
                share = share if number > 0 else -share
                earned[currency] = plus(earned[currency], -share)
            else:
                share = ZERO
            key = self.money_at(part.account, currency)
            for make, size in ((earned_or_spent, share), (flow, plus(number, -share))):
                amount = money(self.reading, part.line, size, "amount")
                if amount:
                    bookings.append(make(key, on, amount, entry.note, leg=leg))
        return bookings


def bought_for(group: list[Part]) -> Amount:
    values = [part.posting.cost or part.posting.price for part in group]
    if None in values:
        raise Refused("MISSING_FIELD", "cost", group[0].account[:100])
    return one_sum(value for value in values if value)


def sold_for(group: list[Part], parts: list[Part], trades: int) -> Amount:
    """The price, else the cost with the gain, else what was received before costs."""
    prices = [part.posting.price for part in group]
    if None not in prices:
        return one_sum(price for price in prices if price)
    if trades > 1:
        raise Refused("MISSING_FIELD", "price", group[0].account[:100])
    costs = [part.posting.cost for part in group]
    if None not in costs:
        cost = one_sum(cost for cost in costs if cost)
        gains = (part.units.number for part in parts if part.root == INCOME and is_in(part, cost.commodity))
        return Amount(plus(cost.number, *gains), cost.commodity)
    received = sums(part.units for part in parts if part.is_money and part.root != INCOME)
    if len(received) != 1:
        raise Refused("MISSING_FIELD", "price", group[0].account[:100])
    [(currency, number)] = received.items()
    return Amount(number, currency)


def one_sum(amounts: Iterable[Amount]) -> Amount:
    totals = sums(amounts)
    if len(totals) != 1:
        raise Refused("UNSUPPORTED", "currency", ", ".join(sorted(totals))[:100])
    [(currency, number)] = totals.items()
    if not is_currency(currency):
        raise Refused("BAD_CURRENCY", "currency", currency[:20])
    return Amount(number, currency)


def is_in(part: Part, currency: str) -> bool:
    return part.units.commodity == currency


def costs_in(parts: list[Part], currency: str) -> tuple[Decimal, Decimal]:
    """Fees and taxes; none where money came back."""
    totals = [ZERO, ZERO]
    for part in parts:
        if part.root == EXPENSES and is_in(part, currency):
            is_tax = any(word in part.account.casefold() for word in TAXES)
            totals[is_tax] = plus(totals[is_tax], part.units.number)
    fee, tax = totals
    return max(fee, ZERO), max(tax, ZERO)


def is_income(parts: list[Part], paid: Amount) -> bool:
    """Whether units were received as income, such as a dividend that was reinvested."""
    income = [part.units.number for part in parts if part.root == INCOME and is_in(part, paid.commodity)]
    return bool(paid.number) and plus(*income) == -paid.number


def leg_of(leg: str, number: int) -> str:
    return leg if leg == CASH or not number else leg or f"leg{number}"


def identity(known: str, number: int) -> str:
    return "" if not known else known if not number else f"{known}/{number}"


NOTHING = Reason("NOT_A_TRANSACTION")
