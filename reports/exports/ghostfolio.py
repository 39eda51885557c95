"""A portfolio as the JSON that Ghostfolio exports and imports.

Money accounts are accounts with balances, securities are profiles with prices and trades. What is valued as a whole is
a profile that was made by hand: the price of its one unit on each day is the recorded value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from reports.exports.ledger import RATIO_PLACES, Entry, Exported, ExportedAsset, Security
from reports.exports.unique_names import unique_names
from strata.fields.numbers import decimal_text, plain

CLASSES = {
    "share": ("EQUITY", "STOCK"),
    "etf": ("EQUITY", "ETF"),
    "fund": ("EQUITY", "MUTUALFUND"),
    "bond": ("FIXED_INCOME", "BOND"),
    "crypto": ("LIQUIDITY", "CRYPTOCURRENCY"),
    "commodity": ("COMMODITY", "COMMODITY"),
}
TRADES = {"ACQUIRE": "BUY", "DISPOSE": "SELL"}
MANUAL, YAHOO = "MANUAL", "YAHOO"


class Number(str):
    """A number as it is written, exactly."""

    __slots__ = ()


def document(portfolio: Exported, now: datetime) -> str:
    assets = with_unique_names(portfolio.assets)
    rename_symbols(portfolio.securities)
    by_hand = [asset for asset in assets if not asset.security and not is_account(asset)]
    places, alone = places_of(assets)
    return written(
        {
            "meta": {"date": now.isoformat(), "version": "strata"},
            "accounts": [
                *(account(asset) for asset in assets if is_account(asset)),
                *places.values(),
            ],
            "assetProfiles": [
                *(profile(security, alone.get(security.pk)) for security in portfolio.securities),
                *(profile_by_hand(asset) for asset in by_hand),
            ],
            "platforms": [],
            "tags": [],
            "activities": [
                activity | ({"accountId": str(asset.pk)} if asset.pk in places else {})
                for asset in assets
                for activity in activities(asset)
            ],
            "user": {"settings": {"currency": portfolio.currency}},
        }
    )


def with_unique_names(assets: Sequence[ExportedAsset]) -> list[ExportedAsset]:
    names = unique_names([(asset.name, asset.currency) for asset in assets])
    return [replace(asset, name=name) for asset, name in zip(assets, names, strict=True)]


def rename_symbols(securities: Iterable[Security]) -> None:
    """A profile is found by its symbol alone."""
    taken: set[str] = set()
    for security in securities:
        symbol, number = security.symbol, 2
        while security.symbol in taken:
            security.symbol, number = f"{symbol}-{number}", number + 1
        security.own_symbol = symbol
        taken.add(security.symbol)


def is_account(asset: ExportedAsset) -> bool:
    """Prices are above zero: what is worth nothing or less on some day has balances, and what has no value has none.

    So has what is owned in part.
    """
    has_no_price = asset.is_money or asset.shares or min(asset.values.values(), default=0) <= 0
    return not asset.security and bool(has_no_price)


def places_of(
    assets: Iterable[ExportedAsset],
) -> tuple[dict[UUID, dict[str, Any]], dict[UUID, ExportedAsset]]:
    """Accounts for the assets that hold the same security: without one, Ghostfolio has a single holding of it.

    With the assets that hold a security alone, by the security.
    """
    holders: dict[UUID, list[ExportedAsset]] = {}
    for asset in assets:
        if asset.security:
            holders.setdefault(asset.security.pk, []).append(asset)
    several = [asset for of_security in holders.values() for asset in of_security if len(of_security) > 1]
    places = {asset.pk: {**account(asset), "balances": []} for asset in several}
    return places, {pk: of_security[0] for pk, of_security in holders.items() if len(of_security) == 1}


def account(asset: ExportedAsset) -> dict[str, Any]:
    return {
        "id": str(asset.pk),
        "name": asset.name,
        "currency": asset.currency,
        "platformId": None,
        "comment": notes_of(asset),
        "balances": [
            {"date": instant(on), "value": Number(plain(value))} for on, value in sorted(asset.values.items())
        ],
    }


def profile(security: Security, asset: ExportedAsset | None) -> dict[str, Any]:
    """`asset` is the one that holds it, if there is one alone."""
    asset_class, sub_class = CLASSES.get(security.instrument_type, (None, None))
    prices = [(on, decimal_text(price, RATIO_PLACES)) for on, price in security.prices]
    source = MANUAL if asset_class is None else YAHOO
    names = (security.symbol, security.name, security.currency, security.isin or None)
    is_other_symbol = source == MANUAL or security.own_symbol != security.symbol
    notes = {
        "strata-symbol": security.own_symbol if is_other_symbol else "",
        "strata-splits": security.actions,
        "strata-quote-unit": "" if security.quote_unit == "1" else security.quote_unit,
        "strata-disposed": str(asset.disposed_on or "") if asset else "",
    }
    about = profile_of(names, source, prices, asset_class=asset_class, sub_class=sub_class)
    return about | {"comment": described(notes), "cusip": security.cusip or None}


def notes_of(asset: ExportedAsset) -> str | None:
    disposed = str(asset.disposed_on or "")
    return described(
        {
            "strata-type": "" if asset.security else asset.type_code,
            "strata-shares": asset.shares,
            "strata-disposed": disposed,
        }
    )


def described(texts: Mapping[str, str]) -> str | None:
    """What Ghostfolio has no field for, as Strata's own import reads it from a comment."""
    return " | ".join(f"{name}: {text}" for name, text in texts.items() if text) or None


def profile_by_hand(asset: ExportedAsset) -> dict[str, Any]:
    prices = [(on, plain(value)) for on, value in sorted(asset.values.items())]
    comment = notes_of(asset)
    return profile_of((str(asset.pk), asset.name, asset.currency, None), MANUAL, prices) | {
        "comment": comment
    }


def profile_of(
    names: tuple[str, str, str, str | None],
    source: str,
    prices: Iterable[tuple[date, str]],
    *,
    asset_class: str | None = None,
    sub_class: str | None = None,
) -> dict[str, Any]:
    symbol, name, currency, isin = names
    return {
        "symbol": symbol,
        "name": name,
        "currency": currency,
        "isin": isin,
        "dataSource": source,
        "assetClass": asset_class,
        "assetSubClass": sub_class,
        "comment": None,
        "countries": [],
        "sectors": [],
        "holdings": [],
        "isActive": True,
        "url": None,
        "marketData": [{"date": instant(on), "marketPrice": Number(price)} for on, price in prices],
    }


# --- activities ---


def activities(asset: ExportedAsset) -> Iterator[dict[str, Any]]:
    if is_account(asset):
        for entry in asset.entries:
            if entry.type in ("INCOME", "EXPENSE"):
                yield of_account(asset, entry)
    elif asset.security:
        yield from of_security(asset, asset.security)
    else:
        on = min(asset.values)
        yield activity("BUY", on, str(asset.pk), asset.currency, Fraction(1), Fraction(asset.values[on]))
        for entry in asset.entries:
            if entry.type in ("INCOME", "EXPENSE"):
                yield of_whole(asset, entry)


def of_account(asset: ExportedAsset, entry: Entry) -> dict[str, Any]:
    costs = entry.fee + entry.tax
    fee = costs + (entry.amount if entry.type == "EXPENSE" else 0)
    price = Fraction(entry.amount) if entry.type == "INCOME" else Fraction(0)
    name = "INTEREST" if entry.type == "INCOME" else "FEE"
    booked = activity(name, entry.on, str(asset.pk), entry.currency, Fraction(price > 0), price, fee=fee)
    return booked | {"accountId": str(asset.pk), "comment": note_of(entry), "dataSource": MANUAL}


def of_whole(asset: ExportedAsset, entry: Entry) -> dict[str, Any]:
    """What it earned, and what was spent on it."""
    costs, earned = entry.fee + entry.tax, entry.type == "INCOME"
    name, price = ("DIVIDEND", Fraction(entry.amount)) if earned else ("FEE", Fraction(0))
    fee = costs if earned else costs + entry.amount
    booked = activity(name, entry.on, str(asset.pk), entry.currency, Fraction(earned), price, fee=fee)
    return booked | {"comment": note_of(entry)}


def note_of(entry: Entry) -> str | None:
    """The note, so that none of a person is taken for one of ours."""
    if entry.other_asset is not None:
        return described({"strata-transfer": str(entry.transfer_id), "strata-note": entry.note})
    return described({"strata-note": entry.note}) if entry.note.startswith("strata-") else entry.note or None


def of_security(asset: ExportedAsset, security: Security) -> Iterator[dict[str, Any]]:
    source = {"dataSource": MANUAL if security.instrument_type not in CLASSES else YAHOO}
    if asset.quantity and not asset.has_units_of_transactions:
        first = security.prices[0] if security.prices else (asset.acquired_on or asset.today, Fraction(0))
        on = asset.acquired_on or first[0]
        units = Fraction(asset.quantity)
        yield activity("BUY", on, security.symbol, security.currency, units, first[1]) | source
    for entry in asset.entries:
        if trade := of_trade(entry, security):
            yield trade | source | {"comment": note_of(entry)}


def of_trade(entry: Entry, security: Security) -> dict[str, Any] | None:
    """None for what Ghostfolio has no activity for, such as a cost."""
    costs, units = entry.fee + entry.tax, entry.quantity
    if entry.type in TRADES and units:
        name, price = TRADES[entry.type], Fraction(entry.amount) / units
    elif entry.type in ("ADJUST", "TRANSFER") and units:
        name, units = ("BUY" if units > 0 else "SELL"), abs(units)
        price = Fraction(entry.amount) / units
    elif entry.type == "INCOME" and units:
        name, price = "BUY", Fraction(entry.amount) / units
    elif entry.type == "INCOME" and entry.amount:
        name, units, price = "DIVIDEND", Fraction(1), Fraction(entry.amount)
    else:
        return None
    return activity(name, entry.on, security.symbol, entry.currency, units, price, fee=costs)


def activity(
    name: str,
    on: date,
    symbol: str,
    currency: str,
    units: Fraction,
    price: Fraction,
    *,
    fee: Decimal | int = 0,
) -> dict[str, Any]:
    return {
        "accountId": None,
        "comment": None,
        "currency": currency,
        "dataSource": MANUAL,
        "date": instant(on),
        "fee": Number(plain(Decimal(fee))),
        "quantity": Number(decimal_text(units, RATIO_PLACES)),
        "symbol": symbol,
        "tags": [],
        "type": name,
        "unitPrice": Number(decimal_text(price, RATIO_PLACES)),
    }


# --- text ---


def instant(on: date) -> str:
    return f"{on.isoformat()}T00:00:00.000Z"


def written(value: Any) -> str:
    """JSON with exact numbers: json.dumps would make floats of them."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(name)}:{written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
