"""A portfolio as the JSON that Ghostfolio exports and imports.

Money accounts are accounts with balances, securities are profiles with prices and trades. What is valued as a whole is
a profile that was made by hand: the price of its one unit on each day is the recorded value.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from reports.exports.ledger import RATIO_PLACES, Entry, Exported, ExportedAsset, Security
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
    by_hand = [asset for asset in portfolio.assets if not asset.security and not is_account(asset)]
    places = places_of(portfolio.assets)
    return written(
        {
            "meta": {"date": now.isoformat(), "version": "strata"},
            "accounts": [
                *(account(asset) for asset in portfolio.assets if is_account(asset)),
                *places.values(),
            ],
            "assetProfiles": [
                *map(profile, portfolio.securities),
                *(profile_by_hand(asset) for asset in by_hand),
            ],
            "platforms": [],
            "tags": [],
            "activities": [
                activity | ({"accountId": str(asset.pk)} if asset.pk in places else {})
                for asset in portfolio.assets
                for activity in activities(asset)
            ],
            "user": {"settings": {"currency": portfolio.currency}},
        }
    )


def is_account(asset: ExportedAsset) -> bool:
    """Prices are above zero: what is worth nothing or less on some day has balances. So has what is owned in part."""
    has_no_price = asset.is_money or asset.shares or any(value <= 0 for value in asset.values.values())
    return not asset.security and bool(has_no_price)


def places_of(assets: Iterable[ExportedAsset]) -> dict[UUID, dict[str, Any]]:
    """Accounts for the assets that hold the same security: without one, Ghostfolio has a single holding of it."""
    holders: dict[UUID, list[ExportedAsset]] = {}
    for asset in assets:
        if asset.security:
            holders.setdefault(asset.security.pk, []).append(asset)
    several = [asset for of_security in holders.values() for asset in of_security if len(of_security) > 1]
    names: Counter[str] = Counter()
    places = {}
    for asset in several:
        names[asset.name] += 1
        name = asset.name if names[asset.name] == 1 else f"{asset.name} ({names[asset.name]})"
        places[asset.pk] = {**account(asset), "name": name, "balances": []}
    return places


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


def profile(security: Security) -> dict[str, Any]:
    asset_class, sub_class = CLASSES.get(security.instrument_type, (None, None))
    prices = [(on, decimal_text(price, RATIO_PLACES)) for on, price in security.prices]
    source = MANUAL if asset_class is None else YAHOO
    names = (security.symbol, security.name, security.currency, security.isin or None)
    unit = "" if security.quote_unit == "1" else security.quote_unit
    comment = described({"strata-splits": security.actions, "strata-quote-unit": unit})
    about = profile_of(names, source, prices, asset_class=asset_class, sub_class=sub_class)
    return about | {"comment": comment, "cusip": security.cusip or None}


def notes_of(asset: ExportedAsset) -> str | None:
    return described({"strata-shares": asset.shares, "strata-disposed": str(asset.disposed_on or "")})


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
    elif asset.values:
        on = min(asset.values)
        yield activity("BUY", on, str(asset.pk), asset.currency, Fraction(1), Fraction(asset.values[on]))


def of_account(asset: ExportedAsset, entry: Entry) -> dict[str, Any]:
    costs = entry.fee + entry.tax
    fee = costs + (entry.amount if entry.type == "EXPENSE" else 0)
    price = Fraction(entry.amount) if entry.type == "INCOME" else Fraction(0)
    name = "INTEREST" if entry.type == "INCOME" else "FEE"
    booked = activity(name, entry.on, str(asset.pk), entry.currency, Fraction(price > 0), price, fee=fee)
    return booked | {"accountId": str(asset.pk), "comment": entry.note or None, "dataSource": MANUAL}


def of_security(asset: ExportedAsset, security: Security) -> Iterator[dict[str, Any]]:
    source = {"dataSource": MANUAL if security.instrument_type not in CLASSES else YAHOO}
    if asset.quantity and not asset.has_units_of_transactions:
        first = security.prices[0] if security.prices else (asset.acquired_on or asset.today, Fraction(0))
        on = asset.acquired_on or first[0]
        units = Fraction(asset.quantity)
        yield activity("BUY", on, security.symbol, security.currency, units, first[1]) | source
    for entry in asset.entries:
        if trade := of_trade(entry, security):
            is_moved = entry.other_asset is not None
            comment = described({"strata-transfer": str(entry.transfer_id), "strata-note": entry.note})
            yield trade | source | {"comment": comment if is_moved else entry.note or None}


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
