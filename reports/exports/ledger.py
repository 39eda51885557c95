"""A portfolio as plain values, for the formats of other programs: assets with their recorded values and transactions.

Other programs have no splits: quantities and prices are in shares of today, that is after all splits and stock
dividends. What an asset is worth, and what its lots cost, stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from assets.models import Asset, AssetSnapshot, Instrument, InstrumentAction, Transaction
from assets.models.asset import Valuation
from assets.models.classification import Group, Kind
from assets.prices import reading
from assets.prices.conversion import Split, product
from assets.prices.splits import splits_of
from portfolios.models import Portfolio
from reports.exports.moved_units import MovedLot, moved_lots
from strata.db.consistent_read import consistent_read
from strata.fields.names import name_key
from strata.fields.numbers import decimal_text

LONG_AGO = date(1900, 1, 1)
SPLITS = (InstrumentAction.Type.SPLIT, InstrumentAction.Type.STOCK_DIVIDEND)


MOST_ROWS = 200_000  # values and transactions: they are in memory at once


# Of a price or a quantity that was divided by a split: so many that the reader finds what it was before.
RATIO_PLACES = 36


class TooLarge(Exception):
    """The portfolio has more than MOST_ROWS values and transactions."""


class Entry(NamedTuple):
    """A transaction. Its quantity is in shares of today; amounts are as recorded, 0 where there is none.

    Of units that were transferred the amount is what they cost; `other_asset` is the other side, if it is in this
    portfolio. `recorded` is its quantity on its day, where that of today has more places than can be written.
    """

    pk: UUID | str
    type: str
    on: date
    quantity: Fraction | None
    amount: Decimal
    fee: Decimal
    tax: Decimal
    currency: str
    note: str
    transfer_id: UUID | None
    other_asset: UUID | None = None
    is_of_security: bool = False
    recorded: Decimal | None = None


@dataclass(slots=True)
class Security:
    """What assets hold, with its prices per share of today."""

    pk: UUID
    symbol: str
    name: str
    instrument_type: str
    currency: str
    isin: str
    cusip: str = ""
    sedol: str = ""
    quote_unit: str = "1"  # in which other programs quote it; the prices here are for one unit
    splits: Sequence[Split] = ()
    actions: str = ""  # its splits and stock dividends, as Strata's own imports read them
    prices: Sequence[tuple[date, Fraction]] = ()
    own_symbol: str = ""  # in Strata, where the file needs another one

    def ratio(self, on: date) -> Fraction:
        """How many shares of today one share of the day has become."""
        return product(split for split in self.splits if split.on > on.toordinal())


@dataclass(slots=True)
class ExportedAsset:
    """`values` are those that count, one a day. `security` is only that of an asset which holds units of it."""

    pk: UUID
    name: str
    currency: str
    type_code: str
    is_debt: bool
    is_money: bool
    quantity: Decimal | None
    acquired_on: date | None
    today: date
    shares: str = ""  # the household's share by day, as Asset.shares has it
    disposed_on: date | None = None
    security: Security | None = None
    values: dict[date, Decimal] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    @property
    def has_units_of_transactions(self) -> bool:
        """Whether they say how many units of the security there are; else `quantity` does."""
        return self.security is not None and any(entry.quantity for entry in self.entries)


@dataclass(slots=True)
class Exported:
    """`unwritten` are corporate actions that the formats have nothing for; `today` is that of the portfolio."""

    name: str
    currency: str
    assets: list[ExportedAsset]
    securities: list[Security]
    unwritten: list[str]
    today: date


def exported(portfolio: Portfolio, today: date) -> Exported:
    """The portfolio with a fixed number of queries, from one state of the database. Raises TooLarge."""
    with consistent_read():
        refuse_too_large(portfolio)
        assets = assets_of(portfolio, today)
        securities = securities_of(portfolio, assets, today)
        add_values(portfolio, assets)
        add_entries(portfolio, assets)
        add_transfers(portfolio, assets, today)
        unwritten = actions_without_a_form(portfolio, securities)
    by_security = {security.pk: security for security in securities}
    rows = list(assets.values()), list(by_security.values())
    return Exported(portfolio.name, portfolio.base_currency, *rows, unwritten, today)


def refuse_too_large(portfolio: Portfolio) -> None:
    for rows in (AssetSnapshot.objects, Transaction.objects):
        if rows.filter(asset__portfolio=portfolio).order_by()[MOST_ROWS:].exists():
            raise TooLarge


def assets_of(portfolio: Portfolio, today: date) -> dict[UUID, ExportedAsset]:
    columns = ("pk", "name", "currency", "asset_type__code", "asset_type__group", "asset_type__kind", "kind")
    rows = Asset.objects.filter(portfolio=portfolio).order_by("pk")
    assets = {}
    for pk, name, currency, code, group, type_kind, kind, *described in rows.values_list(
        *columns, "quantity", "acquired_on", "shares", "disposed_on"
    ):
        quantity, acquired_on, *others = described
        is_money = (kind or type_kind) == Kind.BALANCE
        is_debt = group == Group.LIABILITIES
        about = (pk, name, currency, code, is_debt, is_money, quantity, acquired_on, today, *others)
        assets[pk] = ExportedAsset(*about)
    return assets


def securities_of(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset], today: date) -> list[Security]:
    """Those that the assets at market prices hold, which the assets then name."""
    rows = Asset.objects.filter(portfolio=portfolio, valuation=Valuation.MARKET, instrument__isnull=False)
    held = dict(rows.order_by().values_list("pk", "instrument_id"))
    instruments = Instrument.objects.filter(pk__among=list(set(held.values()))).order_by("symbol_key", "pk")
    columns = ("pk", "symbol", "name", "instrument_type", "currency", "isin", "cusip", "sedol", "quote_unit")
    securities = {row[0]: Security(*row) for row in instruments.values_list(*columns)}
    rename_duplicates(securities.values())
    splits = splits_of(list(securities), portfolio.household_id)
    series = reading.read(list(securities), LONG_AGO, today, splits=splits)
    for pk, security in securities.items():
        security.splits = splits.get(pk, ())
        if of_security := series.get(pk):
            security.prices = [
                (on, Fraction(amount, of_security.denominator) / security.ratio(on))
                for on, amount in zip(of_security.days, of_security.amounts, strict=True)
            ]
    for pk, instrument_id in held.items():
        assets[pk].security = securities[instrument_id]
    return list(securities.values())


def rename_duplicates(securities: Iterable[Security]) -> None:
    """Without an ISIN a security is found again by its symbol and currency: the second of two is called `SYMBOL-2`."""
    taken: set[tuple[str, str]] = set()
    for security in securities:
        symbol, number = security.symbol, 2
        while not security.isin and (name_key(security.symbol), security.currency) in taken:
            security.symbol, number = f"{symbol}-{number}", number + 1
        taken.add((name_key(security.symbol), security.currency))


def add_values(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset]) -> None:
    rows = AssetSnapshot.objects.filter(asset__portfolio=portfolio)
    ordered = rows.order_by("asset_id", "on", "observed_at", "id").values_list("asset_id", "on", "value")
    for pk, on, value in ordered.iterator(chunk_size=2000):
        assets[pk].values[on] = value  # the last of a day counts


def add_entries(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset]) -> None:
    rows = Transaction.objects.filter(asset__portfolio=portfolio).order_by(
        "on", "occurred_at", "position", "pk"
    )
    columns = (
        "asset_id",
        "pk",
        "type",
        "on",
        "quantity",
        "amount",
        "fee",
        "tax",
        "currency",
        "note",
        "transfer_id",
    )
    for pk, *row in rows.values_list(*columns).iterator(chunk_size=2000):
        asset = assets[pk]
        asset.entries.append(in_shares_of_today(Entry(*row), asset.security))


def in_shares_of_today(entry: Entry, security: Security | None) -> Entry:
    entry = entry._replace(amount=entry.amount or Decimal(0), is_of_security=security is not None)
    if entry.quantity is None:
        return entry
    recorded: Any = entry.quantity  # a Decimal, as it is stored
    quantity = Fraction(recorded) * (security.ratio(entry.on) if security else 1)
    return entry._replace(quantity=quantity, recorded=None if is_written_exactly(quantity) else recorded)


def is_written_exactly(number: Fraction) -> bool:
    return Fraction(decimal_text(number)) == number


def add_transfers(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset], today: date) -> None:
    """Where moved units went, and what they cost. Most portfolios have no transfers, and nothing more is read."""
    places: dict[UUID | None, list[UUID]] = {}
    for pk, asset in assets.items():
        for entry in asset.entries:
            if entry.transfer_id and entry.quantity:
                places.setdefault(entry.transfer_id, []).append(pk)
    if not places:
        return
    arrived = moved_lots(portfolio, {pk for ids in places.values() for pk in ids}, today)
    for pk, asset in assets.items():
        asset.entries = [
            part
            for entry in asset.entries
            for part in transferred(entry, pk, places.get(entry.transfer_id, ()), arrived)
        ]


def transferred(
    entry: Entry, asset_id: UUID, places: Sequence[UUID], arrived: Mapping[UUID | None, Sequence[MovedLot]]
) -> Iterator[Entry]:
    """The entry with what its units cost. What came from another portfolio is an entry for each lot."""
    lots = arrived.get(entry.transfer_id, ()) if places else ()
    cost = sum((lot.cost for lot in lots), Decimal(0)) or entry.amount
    others = [other for other in places if other != asset_id]
    if others or not lots or not entry.quantity or entry.quantity < 0:
        yield entry._replace(amount=cost, other_asset=others[0] if others else None)
        return
    missing = 1 - sum((lot.part for lot in lots), Fraction(0))
    for number, (part, cost) in enumerate([*lots, *([(missing, Decimal(0))] if missing else [])], 1):
        known = str(entry.pk) if number == 1 else f"{entry.pk}-{number}"
        yield entry._replace(pk=known, quantity=entry.quantity * part, amount=cost, recorded=None)


def actions_without_a_form(portfolio: Portfolio, securities: Sequence[Security]) -> list[str]:
    """Those that the formats have nothing for. The securities get the text of the others."""
    symbols = {security.pk: security.symbol for security in securities}
    rows = InstrumentAction.objects.filter(instrument__pk__among=list(symbols))
    rows = rows.exclude(type=InstrumentAction.Type.RENAME)
    own = rows.filter(household=portfolio.household_id) | rows.filter(household=None)
    columns = own.order_by("on", "pk").values_list("type", "instrument_id", "on", "numerator", "denominator")
    splits: dict[UUID, dict[tuple[str, date], str]] = {}
    others = []
    for type_, pk, on, numerator, denominator in columns:
        if type_ in SPLITS:
            text = f"{on} {type_} {numerator or 1}:{denominator or 1}"
            splits.setdefault(pk, {}).setdefault((type_, on), text)
        else:
            others.append(f"{type_} of {symbols[pk]} on {on}")
    for security in securities:
        security.actions = "; ".join(splits.get(security.pk, {}).values())
    return others
