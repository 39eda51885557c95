"""A portfolio as a journal of beancount, which `bean-check` accepts.

A money account has the balance of each recorded value, with a pad where its transactions do not explain it. What is
valued as a whole is 1 unit of a commodity A<n>, with a price for each recorded value. Units of securities are bought
and sold at their cost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from reports.exports.ledger import RATIO_PLACES, Entry, Exported, ExportedAsset, Security
from strata.fields.currencies import currency_codes
from strata.fields.numbers import decimal_text, money_text, plain

DAY = timedelta(days=1)
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
ACCOUNT = re.compile(r"[^A-Za-z0-9]+")
COMMODITY = re.compile(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]")
OPENING, TRANSFERS, INCOME, COSTS, FEES, TAXES = (
    *("Equity:Opening-Balances", "Equity:Transfers", "Income:Earned"),
    *("Expenses:Costs", "Expenses:Fees", "Expenses:Taxes"),
)
type Line = tuple[date, int, str]  # the day, its place within the day, and the text


def journal(portfolio: Exported) -> Iterator[str]:
    """The lines of the journal, the header first and then by day."""
    names = Names(portfolio)
    yield f'option "title" {quoted(portfolio.name)}\n'
    yield f'option "operating_currency" "{portfolio.currency}"\n'
    yield "; Quantities and prices of securities are in shares of today: splits are applied.\n"
    for action in portfolio.unwritten:
        yield f"; Not in this file: {one_line(action)}.\n"
    lines: list[Line] = [*commodities(portfolio, names)]
    for asset in portfolio.assets:
        lines += asset_lines(asset, names)
    lines += common_accounts(lines, portfolio.today)
    for _, _, text in sorted(lines, key=lambda line: line[:2]):
        yield text


class Names:
    """The account of each asset, and the commodity of each security and of what is valued as a whole."""

    def __init__(self, portfolio: Exported) -> None:
        self.accounts: dict[object, str] = {}
        taken: set[str] = set()
        for asset in portfolio.assets:
            self.accounts[asset.pk] = account_of(asset, taken)
        self.commodities: dict[object, str] = {}
        used = set(currency_codes())
        for number, security in enumerate(portfolio.securities, start=1):
            self.commodities[security.pk] = commodity_of(security.symbol, f"I{number}", used)
        for number, asset in enumerate(portfolio.assets, start=1):
            if not asset.security and not asset.is_money:
                self.commodities[asset.pk] = commodity_of("", f"A{number}", used)


def account_of(asset: ExportedAsset, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", asset.name).encode("ascii", "ignore").decode()
    part = ACCOUNT.sub("-", plain).strip("-")[:60] or "Asset"
    part = part[0].upper() + part[1:]
    root = "Liabilities" if asset.is_debt else "Assets"
    name, number = f"{root}:{part}", 2
    while name in taken:
        name, number = f"{root}:{part}-{number}", number + 1
    taken.add(name)
    return name


def commodity_of(symbol: str, otherwise: str, used: set[str]) -> str:
    name = symbol.upper()
    number, base = 2, otherwise
    if not COMMODITY.fullmatch(name) or name in used:
        name = base if len(base) > 1 else f"{base}0"
    while name in used:
        name, number = f"{base}-{number}", number + 1
    used.add(name)
    return name


# --- lines ---


def commodities(portfolio: Exported, names: Names) -> Iterator[Line]:
    for security in portfolio.securities:
        commodity = names.commodities[security.pk]
        first = min(
            [on for on, _ in security.prices] + first_days(portfolio, security), default=portfolio.today
        )
        splits = f"  strata-splits: {quoted(security.actions)}\n" if security.actions else ""
        yield (
            first,
            0,
            (
                f"{first} commodity {commodity}\n  name: {quoted(security.name)}\n"
                f"  strata-symbol: {quoted(security.symbol)}\n  strata-isin: {quoted(security.isin)}\n"
                f"{other_ids(security)}{splits}"
            ),
        )
        for on, price in security.prices:
            yield on, 3, f"{on} price {commodity} {decimal_text(price, RATIO_PLACES)} {security.currency}\n"


def other_ids(security: Security) -> str:
    """What most securities do not have."""
    described = (("cusip", security.cusip), ("sedol", security.sedol), ("quote-unit", security.quote_unit))
    return "".join(f"  strata-{name}: {quoted(text)}\n" for name, text in described if text not in ("", "1"))


def first_days(portfolio: Exported, security: Security) -> list[date]:
    return [first_day(asset) for asset in portfolio.assets if asset.security is security]


def first_day(asset: ExportedAsset) -> date:
    """On which the account opens: that of the first value, transaction or acquisition."""
    days = [*asset.values, *(entry.on for entry in asset.entries)]
    if asset.acquired_on:
        days.append(asset.acquired_on)
    if asset.security:
        days += [on for on, _ in asset.security.prices[:1]] if not asset.entries else []
    return min(days, default=asset.today)


def asset_lines(asset: ExportedAsset, names: Names) -> Iterator[Line]:
    first, account = first_day(asset), names.accounts[asset.pk]
    booking = ' "NONE"' if asset.security and not covers_its_sales(asset) else ""
    booking = ' "FIFO"' if asset.security and not booking else booking
    currency = "" if not booking else f" {names.commodities[asset.security.pk]}"  # type: ignore[union-attr]
    yield (
        first,
        1,
        (
            f"{first} open {account}{currency}{booking}\n  strata-name: {quoted(asset.name)}\n"
            f'  strata-currency: "{asset.currency}"\n  strata-type: {quoted(asset.type_code)}\n'
            f'  strata-id: "{asset.pk}"\n{details_of(asset, names)}'
        ),
    )
    if asset.security:
        yield from units_of(asset, first, names)
    elif asset.is_money:
        yield from balances(asset, account)
    else:
        yield from whole(asset, first, account, names)


def details_of(asset: ExportedAsset, names: Names) -> str:
    """What most assets do not have. The units of a security are those of its transactions."""
    described = {
        "commodity": names.commodities[asset.security.pk] if asset.security else "",
        "shares": asset.shares,
        "disposed": str(asset.disposed_on or ""),
        "acquired": str(asset.acquired_on or ""),
        "quantity": ""
        if asset.quantity is None or asset.has_units_of_transactions
        else plain(asset.quantity),
    }
    return "".join(f"  strata-{name}: {quoted(text)}\n" for name, text in described.items() if text)


def balances(asset: ExportedAsset, account: str) -> Iterator[Line]:
    """Each value is the balance at the beginning of the next day. A pad is only written where it has an effect."""
    running, written = Decimal(0), 0
    for on in sorted(asset.values):
        while written < len(asset.entries) and asset.entries[written].on <= on:
            running += money_of(asset.entries[written], asset.currency)
            written += 1
        value = asset.values[on]
        if running != value:
            yield on, 2, f"{on} pad {account} {OPENING}\n"
        yield on + DAY, 2, f"{on + DAY} balance {account} {money_text(value)} {asset.currency}\n"
        running = value
    for entry in asset.entries:
        yield entry.on, 4, transaction(entry, booked(entry, account), account)


def money_of(entry: Entry, currency: str) -> Decimal:
    """What the entry adds to the account in its currency."""
    if entry.currency != currency or entry.type not in ("ACQUIRE", "DISPOSE", "INCOME", "EXPENSE"):
        return Decimal(0)
    costs = entry.fee + entry.tax
    return entry.amount - costs if entry.type in ("ACQUIRE", "INCOME") else -entry.amount - costs


def booked(entry: Entry, account: str) -> list[str]:
    """The postings of money at an account: those of a transaction without units."""
    kind, currency = entry.type, entry.currency
    sign = 1 if kind in ("ACQUIRE", "INCOME") else -1
    other = {"INCOME": INCOME, "EXPENSE": COSTS}.get(kind, TRANSFERS)
    if kind not in ("ACQUIRE", "DISPOSE", "INCOME", "EXPENSE") or not (
        entry.amount or entry.fee or entry.tax
    ):
        return []
    return [
        posting(account, sign * entry.amount - entry.fee - entry.tax, currency),
        *costs(entry),
        posting(other, -sign * entry.amount, currency),
    ]


def costs(entry: Entry) -> list[str]:
    parts = ((FEES, entry.fee), (TAXES, entry.tax))
    return [posting(account, amount, entry.currency) for account, amount in parts if amount]


def whole(asset: ExportedAsset, first: date, account: str, names: Names) -> Iterator[Line]:
    commodity = names.commodities[asset.pk]
    yield first, 0, f"{first} commodity {commodity}\n  name: {quoted(asset.name)}\n"
    yield (
        first,
        4,
        (
            f"{first} * {quoted(asset.name)}\n{posting(account, Decimal(1), commodity)}"
            f"{posting(OPENING, Decimal(-1), commodity)}"
        ),
    )
    for on, value in sorted(asset.values.items()):
        yield on, 3, f"{on} price {commodity} {money_text(value)} {asset.currency}\n"
    for entry in asset.entries:
        yield entry.on, 4, transaction(entry, booked(entry, TRANSFERS) if earned(entry) else [], account)


def earned(entry: Entry) -> bool:
    """Money that was earned or spent; what was put into the asset is no posting of its one unit."""
    return entry.type in ("INCOME", "EXPENSE")


# --- units of securities ---


def covers_its_sales(asset: ExportedAsset) -> bool:
    """Whether lots at cost explain everything: only purchases, and sales of what was held."""
    held = Fraction(0)
    for entry in asset.entries:
        if entry.quantity is None:
            continue
        if entry.type not in ("ACQUIRE", "DISPOSE", "INCOME"):
            return False
        units = Fraction(decimal_text(entry.quantity))  # as it is written
        held += -units if entry.type == "DISPOSE" else units
        if held < 0:
            return False
    return any(entry.quantity for entry in asset.entries)


def units_of(asset: ExportedAsset, first: date, names: Names) -> Iterator[Line]:
    in_lots, account = covers_its_sales(asset), names.accounts[asset.pk]
    commodity = names.commodities[asset.security.pk]  # type: ignore[union-attr]
    if asset.quantity and not asset.has_units_of_transactions:
        units = Fraction(asset.quantity)
        lines = f"{units_posting(account, units, commodity)}{units_posting(OPENING, -units, commodity)}"
        yield first, 4, f"{first} * {quoted(asset.name)}\n{lines}"
    for on, value in sorted(asset.values.items()):
        yield on, 5, f'{on} custom "strata-value" {account} {money_text(value)} {asset.currency}\n'
    for entry in asset.entries:
        if entry.other_asset is None:
            postings = traded(entry, account, commodity, in_lots=in_lots)
        elif entry.quantity and entry.quantity < 0:
            postings = moved(entry, account, names.accounts[entry.other_asset], commodity)
        else:
            continue  # it is in the entry of the units that leave
        yield entry.on, 4, transaction(entry, postings, account)


def moved(entry: Entry, account: str, other: str, commodity: str) -> list[str]:
    units = entry.quantity or Fraction(0)
    return [units_posting(account, units, commodity), units_posting(other, -units, commodity)]


def traded(entry: Entry, account: str, commodity: str, *, in_lots: bool) -> list[str]:
    units, money = entry.quantity, entry.currency
    if not units:
        return booked(entry, TRANSFERS) if earned(entry) else []
    total = f"{{{{{money_text(entry.amount)} {money}}}}}"
    if entry.type not in ("ACQUIRE", "DISPOSE", "INCOME"):
        if units > 0 and entry.amount:
            came = f"  {account}  {decimal_text(units)} {commodity} {total}\n"
            return [came, posting(TRANSFERS, -entry.amount, money)]
        return [units_posting(account, units, commodity), units_posting(TRANSFERS, -units, commodity)]
    paid = entry.amount + entry.fee + entry.tax
    if entry.type == "INCOME":
        rest = [posting(INCOME, -entry.amount, money), *paid_costs(entry)]
        return [f"  {account}  {decimal_text(units)} {commodity} {total}\n", *rest]
    if entry.type == "ACQUIRE":
        bought = f"  {account}  {decimal_text(units)} {commodity} {total}\n"
        return [bought, *costs(entry), posting(TRANSFERS, -paid, money)]
    lots = " {}" if in_lots else ""
    sold = f"  {account}  {decimal_text(-units)} {commodity}{lots} @@ {money_text(entry.amount)} {money}\n"
    received = posting(TRANSFERS, entry.amount - entry.fee - entry.tax, money)
    gains = [f"  {INCOME}\n"] if in_lots else []
    return [sold, *costs(entry), received, *gains]


def paid_costs(entry: Entry) -> list[str]:
    """Costs of income in kind, which are paid from elsewhere."""
    spent = entry.fee + entry.tax
    return [*costs(entry), posting(TRANSFERS, -spent, entry.currency)] if spent else []


# --- text ---


def transaction(entry: Entry, postings: Iterable[str], account: str = "") -> str:
    written = "".join(postings)
    about = f"  strata-asset: {quoted(account)}\n" if account else ""
    return (
        f'{entry.on} * {quoted(entry.note)}\n  strata-type: "{entry.type}"\n  strata-id: "{entry.pk}"\n'
        f"{about}{unposted(entry, is_empty=not written)}{written}"
    )


def unposted(entry: Entry, *, is_empty: bool) -> str:
    """What the postings do not say: all of a transaction without any, and units that are not those of a security."""
    described = {}
    if is_empty and entry.type != "ADJUST":
        amounts = {"amount": entry.amount, "fee": entry.fee, "tax": entry.tax}
        described = {
            name: f"{money_text(amount)} {entry.currency}"
            for name, amount in amounts.items()
            if amount or name == "amount"
        }
    if entry.recorded is not None:
        described["recorded"] = plain(entry.recorded)
    elif entry.quantity is not None and (is_empty or not entry.is_of_security):
        described["quantity"] = decimal_text(entry.quantity)
    return "".join(f"  strata-{name}: {quoted(text)}\n" for name, text in described.items())


def posting(account: str, amount: Decimal, commodity: str) -> str:
    return f"  {account}  {money_text(amount)} {commodity}\n"


def units_posting(account: str, units: Fraction, commodity: str) -> str:
    return f"  {account}  {decimal_text(units)} {commodity}\n"


def common_accounts(lines: Iterable[Line], today: date) -> Iterator[Line]:
    """The other accounts, which open with the first line."""
    first = min((on for on, *_ in lines), default=today)
    for account in (OPENING, TRANSFERS, INCOME, COSTS, FEES, TAXES):
        yield first, 0, f"{first} open {account}\n"


def quoted(text: str) -> str:
    """A string of beancount, on one line: it has escapes for new lines and tabs."""
    return f'"{"".join(ESCAPES.get(character) or visible(character) for character in text)}"'


def one_line(text: str) -> str:
    return "".join(map(visible, text))


def visible(character: str) -> str:
    """A space instead of a control character. Others that are not seen join letters: they are part of a name."""
    return " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
