"""The accounts of a journal as assets: each with a currency is one, and each with a commodity that it holds."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from imports.formats.journals.contents import LIABILITIES, Journal
from imports.formats.journals.transactions import OWN, Part
from imports.formats.rows import NAME_LENGTH, NO_DETAILS, Account, Details, Instrument, Reading
from imports.formats.share_splits import ShareSplit, read_splits, units_then
from imports.formats.strata_notes import read_own_day, read_shares, read_unit
from imports.reading.currencies import is_currency
from imports.reading.kinds import DEBTS, OTHER, asset_type_of
from imports.reading.numbers import read_number

KINDS = {
    "STOCKS": "share",
    "FUND": "fund",
    "BONDS": "bond",
    "CRYPTO": "crypto",
    "COMMODITIES": "commodity",
}
_WHOLE = re.compile(r"A[0-9]+(?:-[0-9]+)?")
# What Strata's own journals say of accounts and commodities.
THE_NAME, THE_TYPE, THE_CURRENCY = "strata-name", "strata-type", "strata-currency"
THE_SYMBOL, THE_ISIN, THE_SPLITS = "strata-symbol", "strata-isin", "strata-splits"
THE_DISPOSAL, THE_ID, THE_COMMODITY = "strata-disposed", "strata-id", "strata-commodity"
THE_QUANTITY, THE_ACQUISITION = "strata-quantity", "strata-acquired"
THE_CUSIP, THE_SEDOL, THE_UNIT, THE_SHARES = (
    "strata-cusip",
    "strata-sedol",
    "strata-quote-unit",
    "strata-shares",
)
OF_ASSETS = frozenset({THE_SHARES, THE_DISPOSAL, THE_QUANTITY, THE_ACQUISITION})


class JournalAccounts:
    """Two accounts that are given one name are two: the second gets a number."""

    def __init__(self, reading: Reading, journal: Journal, parts: list[Part]) -> None:
        self.reading, self.journal = reading, journal
        self.names: dict[str, str] = {}
        self.taken: set[tuple[str, str]] = set()
        self.currencies = currencies_of(journal, parts)
        self.main = main_currency(journal, parts)
        self.commodities_at: dict[str, set[str]] = {}
        self.parents: set[str] = set()
        self.holders: dict[str, str] = {}
        for part in parts:
            self.saw(part)
        self.wholes = self.assets_as_a_whole()
        self.instruments: dict[str, Instrument] = {}
        self.splits = {
            commodity: read_splits(about[THE_SPLITS])
            for commodity, about in journal.commodities.items()
            if THE_SPLITS in about
        }

    def saw(self, part: Part) -> None:
        parent = part.account.rpartition(":")[0]
        while parent and parent not in self.parents:
            self.parents.add(parent)
            parent = parent.rpartition(":")[0]
        if part.root in OWN and not part.is_money:
            self.commodities_at.setdefault(part.account, set()).add(part.units.commodity)
            self.holders.setdefault(part.units.commodity, part.account)

    def assets_as_a_whole(self) -> dict[str, str]:
        """The accounts of Strata's own journals whose one unit has a price for each value."""
        return {
            commodity: account
            for commodity, account in self.holders.items()
            if _WHOLE.fullmatch(commodity)
            and THE_NAME in self.journal.accounts.get(account, {})
            and THE_SYMBOL not in self.journal.commodities.get(commodity, {})
        }

    def is_whole(self, account: str, commodity: str) -> bool:
        return self.wholes.get(commodity) == account

    def whole_of(self, commodity: str) -> str | None:
        account = self.wholes.get(commodity)
        if account is None:
            return None
        return self.money(account, self.currency_of(account) or self.currencies.get(commodity, self.main))

    def keys_of_wholes(self) -> set[str]:
        """Their values are prices: what was earned with them, or spent on them, is no balance."""
        return {key for commodity in self.wholes if (key := self.whole_of(commodity))}

    def is_of_strata(self, account: str) -> bool:
        return THE_ID in self.journal.accounts.get(account, {})

    def has_quantity(self, account: str) -> bool:
        return THE_QUANTITY in self.journal.accounts.get(account, {})

    def currency_of(self, account: str) -> str:
        """As Strata's own journals say it; "" in all others."""
        currency = self.journal.accounts.get(account, {}).get(THE_CURRENCY, "")
        return currency if is_currency(currency) else ""

    def key_of(self, account: str) -> str | None:
        """The one asset that an account of Strata's own journals is."""
        if commodity := self.journal.accounts.get(account, {}).get(THE_COMMODITY):
            return self.holding(account, commodity)
        if holding := self.only_holding(account):
            return holding
        currency = self.currency_of(account)
        return self.money(account, currency) if currency else None

    def has_children(self, account: str) -> bool:
        return account in self.parents

    def units(self, commodity: str, on: date, number: Decimal) -> Decimal:
        """What the units were on the day, before later splits."""
        return units_then(number, self.splits_of(commodity), on)

    def splits_of(self, commodity: str) -> tuple[ShareSplit, ...]:
        return self.splits.get(commodity, ())

    # --- keys ---

    def money(self, account: str, currency: str) -> str:
        name, details = self.name_of(account), self.details_of(account)
        return self.reading.account(Account(name, currency, self.type_of(account), details=details))

    def details_of(self, account: str) -> Details:
        about = self.journal.accounts.get(account, {})
        if about.keys().isdisjoint(OF_ASSETS):
            return NO_DETAILS
        quantity = read_number(about.get(THE_QUANTITY, ""), ".")
        return Details(
            quantity=quantity.value if quantity else None,
            acquired_on=read_own_day(about.get(THE_ACQUISITION, "")),
            disposed_on=read_own_day(about.get(THE_DISPOSAL, "")),
            shares=read_shares(about.get(THE_SHARES, "")),
        )

    def name_of(self, account: str) -> str:
        """As Strata's own journals name it, else as it is written."""
        if account not in self.names:
            about = self.journal.accounts.get(account, {})
            name = about.get(THE_NAME, "").strip()[:NAME_LENGTH] or account[:NAME_LENGTH]
            currency = about.get(THE_CURRENCY, "")
            number, unique = 2, name
            while (unique, currency) in self.taken:
                unique, number = f"{name[: NAME_LENGTH - 10]} ({number})", number + 1
            self.taken.add((unique, currency))
            self.names[account] = unique
        return self.names[account]

    def type_of(self, account: str) -> str:
        words = self.journal.accounts.get(account, {}).get(THE_TYPE, "")
        kind = asset_type_of(*([words] if words else []), *reversed(account.split(":")[1:]))
        if self.journal.root_of(account) == LIABILITIES and kind not in DEBTS and not words:
            return "LOAN"
        return kind

    def holding(self, account: str, commodity: str) -> str:
        instrument = self.instrument(commodity)
        about = self.journal.accounts.get(account, {})
        name = about.get(THE_NAME, "").strip()[:NAME_LENGTH] or instrument.name
        of_security = (name, instrument.currency, self.type_of(account), instrument, account[:NAME_LENGTH])
        return self.reading.account(Account(*of_security, details=self.details_of(account)))

    def only_holding(self, account: str) -> str | None:
        """The key of an account that holds units of one commodity."""
        commodities = {
            each for each in self.commodities_at.get(account, ()) if not self.is_whole(account, each)
        }
        return self.holding(account, next(iter(commodities))) if len(commodities) == 1 else None

    def instrument(self, commodity: str) -> Instrument:
        if commodity not in self.instruments:
            about = self.journal.commodities.get(commodity, {})
            holder = self.holders.get(commodity)
            kind = KINDS.get(self.type_of(holder) if holder else OTHER, "other")
            self.instruments[commodity] = Instrument(
                about.get(THE_SYMBOL, "")[:NAME_LENGTH] or commodity[:NAME_LENGTH],
                about.get("name", "")[:NAME_LENGTH] or commodity[:NAME_LENGTH],
                kind,
                self.currencies.get(commodity, self.main),
                about.get(THE_ISIN, ""),
                read_unit(about.get(THE_UNIT, "1")),
                about.get(THE_CUSIP, ""),
                about.get(THE_SEDOL, ""),
            )
        return self.instruments[commodity]


def currencies_of(journal: Journal, parts: list[Part]) -> dict[str, str]:
    """The currency of each commodity: that of its first price, else of its first cost."""
    currencies: dict[str, str] = {}
    for price in sorted(journal.prices, key=lambda price: (price.on, price.line)):
        if is_currency(price.amount.commodity):
            currencies.setdefault(price.commodity, price.amount.commodity)
    for part in parts:
        value = part.posting.cost or part.posting.price
        if value is not None and is_currency(value.commodity):
            currencies.setdefault(part.units.commodity, value.commodity)
    return currencies


def main_currency(journal: Journal, parts: list[Part]) -> str:
    """Of commodities that nothing gives a currency: they have a quantity and no value."""
    money = (part.units.commodity for part in parts if part.is_money)
    prices = (price.amount.commodity for price in journal.prices if is_currency(price.amount.commodity))
    return next(money, None) or next(prices, None) or "USD"
