"""A portfolio as plain values, for the formats of other programs: assets with their recorded values and transactions.

Other programs have no splits: quantities and prices are in shares of today, that is after all splits and stock
dividends. What an asset is worth, and what its lots cost, stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets.models import Asset, AssetSnapshot, Instrument, InstrumentAction, Transaction
from assets.models.asset import Valuation
from assets.models.classification import Group, Kind
from assets.prices import reading
from assets.prices.conversion import Split, product
from assets.prices.splits import splits_of
from portfolios.models import Portfolio
from strata.db.consistent_read import consistent_read

LONG_AGO = date(1900, 1, 1)
SPLITS = (InstrumentAction.Type.SPLIT, InstrumentAction.Type.STOCK_DIVIDEND)


MOST_ROWS = 200_000  # values and transactions: they are in memory at once


class TooLarge(Exception):
    """The portfolio has more than MOST_ROWS values and transactions."""


class Entry(NamedTuple):
    """A transaction. Its quantity is in shares of today; amounts are as recorded, 0 where there is none."""

    pk: UUID
    type: str
    on: date
    quantity: Fraction | None
    amount: Decimal
    fee: Decimal
    tax: Decimal
    currency: str
    note: str


@dataclass(slots=True)
class Security:
    """What assets hold, with its prices per share of today."""

    pk: UUID
    symbol: str
    name: str
    instrument_type: str
    currency: str
    isin: str
    splits: Sequence[Split] = ()
    actions: str = ""  # its splits and stock dividends, as Strata's own imports read them
    prices: Sequence[tuple[date, Fraction]] = ()

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
    security: Security | None = None
    values: dict[date, Decimal] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)


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
    for pk, name, currency, code, group, type_kind, kind, quantity, acquired_on in rows.values_list(
        *columns, "quantity", "acquired_on"
    ):
        is_money = (kind or type_kind) == Kind.BALANCE
        is_debt = group == Group.LIABILITIES
        assets[pk] = ExportedAsset(pk, name, currency, code, is_debt, is_money, quantity, acquired_on, today)
    return assets


def securities_of(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset], today: date) -> list[Security]:
    """Those that the assets at market prices hold, which the assets then name."""
    rows = Asset.objects.filter(portfolio=portfolio, valuation=Valuation.MARKET, instrument__isnull=False)
    held = dict(rows.order_by().values_list("pk", "instrument_id"))
    instruments = Instrument.objects.filter(pk__among=list(set(held.values()))).order_by("symbol_key", "pk")
    columns = ("pk", "symbol", "name", "instrument_type", "currency", "isin")
    securities = {row[0]: Security(*row) for row in instruments.values_list(*columns)}
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


def add_values(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset]) -> None:
    rows = AssetSnapshot.objects.filter(asset__portfolio=portfolio)
    ordered = rows.order_by("asset_id", "on", "observed_at", "id").values_list("asset_id", "on", "value")
    for pk, on, value in ordered.iterator(chunk_size=2000):
        assets[pk].values[on] = value  # the last of a day counts


def add_entries(portfolio: Portfolio, assets: Mapping[UUID, ExportedAsset]) -> None:
    rows = Transaction.objects.filter(asset__portfolio=portfolio).order_by(
        "on", "occurred_at", "position", "pk"
    )
    columns = ("asset_id", "pk", "type", "on", "quantity", "amount", "fee", "tax", "currency", "note")
    for pk, *row in rows.values_list(*columns).iterator(chunk_size=2000):
        asset = assets[pk]
        entry = Entry(*row)
        quantity = entry.quantity
        if quantity is not None:
            ratio = asset.security.ratio(entry.on) if asset.security else Fraction(1)
            quantity = Fraction(quantity) * ratio
        asset.entries.append(entry._replace(quantity=quantity, amount=entry.amount or Decimal(0)))


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
