"""Ghostfolio's export (JSON)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from imports.formats.cells import Refused
from imports.formats.quote_units import as_quoted
from imports.formats.row_results import filled
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    ActionItem,
    AssetItem,
    Details,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    PriceItem,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.formats.share_splits import ShareSplit, price_then, read_splits, units_then
from imports.formats.strata_notes import details_in, read_note, read_notes, read_own_day, read_unit
from imports.formats.trades import (
    ASSET_TYPES,
    ZERO,
    Trade,
    amount_of,
    booking,
    cash_account,
    earned_or_spent,
    flow,
    holding,
    money,
    units,
)
from imports.reading.currencies import MINOR_QUOTE_UNIT, major_currency
from imports.reading.days import read_day
from imports.reading.files import JSON, File
from imports.reading.kinds import asset_type_of
from imports.reading.numbers import plus, times
from imports.reading.refusals import Reason

NAME = "ghostfolio-json"
TYPES = ("BUY", "SELL", "DIVIDEND", "FEE", "INTEREST", "LIABILITY")
TRADES = ("BUY", "SELL")
KINDS = {"BUY": "ACQUIRE", "SELL": "DISPOSE", "DIVIDEND": "INCOME"}
OF_CLASS = {
    "CRYPTOCURRENCY": "crypto",
    "ETF": "etf",
    "MUTUALFUND": "fund",
    "BOND": "bond",
    "COMMODITY": "commodity",
    "PRECIOUS_METAL": "commodity",
    "STOCK": "share",
    "FIXED_INCOME": "bond",
    "EQUITY": "share",
}
LATE = 20  # an instant at a full hour of the evening in UTC is midnight in a zone to the east
_MIDNIGHT = re.compile(r"[0-9-]{10}T([0-9]{2}):00:00(?:\.0+)?Z")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


@dataclass(slots=True)
class Activity:
    """What a row says, whatever file it is from. `currency` is the code of the file, such as GBp."""

    type: str
    on: date
    symbol: str
    currency: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    note: str
    external_id: str
    account: str = ""  # its name
    account_currency: str = ""
    is_manual: bool = False
    disposed_on: date | None = None  # of the account's holding, in Strata's own exports


@dataclass(slots=True)
class Profile:
    name: str = ""
    currency: str = ""
    isin: str = ""
    cusip: str = ""
    instrument_type: str = "other"
    asset_type: str = ""
    is_manual: bool = False
    splits: tuple[ShareSplit, ...] = ()
    quote_unit: str = "1"  # of Strata's own exports, whose prices are for one unit
    disposed_on: date | None = None  # the same, of what one asset alone holds
    symbol: str = ""  # the same
    is_whole: bool = False  # the same: an asset whose values are the prices, and no security


def items_of(
    reading: Reading, line: int, activity: Activity, profile: Profile | None, tags: tuple[str, ...]
) -> tuple[Item, ...]:
    """Raises Refused."""
    if activity.type not in TYPES:
        raise Refused("UNKNOWN_TYPE", "type", activity.type[:100])
    currency, unit = major_currency(activity.currency)
    if not currency:
        raise Refused("BAD_CURRENCY", "currency", activity.currency[:20])
    if min(activity.quantity, activity.price, activity.fee) < 0:
        raise Refused("OUT_OF_RANGE", "quantity", "-")
    divisor = Decimal("0.01") if unit == MINOR_QUOTE_UNIT else Decimal(1)
    fee = money(reading, line, times(activity.fee, divisor), "fee")
    amount = money(reading, line, amount_of(activity.quantity, activity.price, unit) or ZERO, "amount")
    if activity.type in ("FEE", "INTEREST"):
        return charges(reading, activity, currency, amount, fee)
    if not activity.symbol or len(activity.symbol) > NAME_LENGTH:
        raise Refused(
            "BAD_NAME" if activity.symbol else "MISSING_FIELD", "symbol", activity.symbol[:NAME_LENGTH]
        )
    if activity.type == "LIABILITY":
        name = profile.name if profile and profile.name else activity.symbol
        key = reading.account(Account(name, currency, "LOAN", details=Details(tags=tags)))
        booked = flow(key, activity.on, amount, activity.note, activity.external_id)
        return (booked, ValueItem(key, activity.on, -amount))
    instrument = instrument_of(activity, profile, currency, unit)
    kind = profile.asset_type if profile else ""
    disposed_on = activity.disposed_on or (profile.disposed_on if profile else None)
    details = Details(tags=tags, disposed_on=disposed_on)
    key = holding(reading, instrument, activity.account, kind, details=details)
    is_income = activity.type == "DIVIDEND"
    splits = profile.splits if profile else ()
    own_unit = profile.quote_unit if profile else "1"
    trade = Trade(
        key,
        KINDS[activity.type],
        activity.on,
        currency,
        None if is_income else units_then(activity.quantity, splits, activity.on),
        None if is_income else as_quoted(price_then(activity.price, splits, activity.on), own_unit),
        amount,
        fee,
        note=activity.note,
        external_id=activity.external_id,
        quote_unit=unit if own_unit == "1" else own_unit,
    )
    return (booking(reading, line, trade),)


def is_nothing(activity: Activity) -> bool:
    """Units may be free: of a trade the quantity alone has to be there."""
    if activity.fee or activity.type not in TYPES:
        return False
    return not activity.quantity or not (activity.price or activity.type in TRADES)


def charges(
    reading: Reading, activity: Activity, currency: str, amount: Decimal, fee: Decimal
) -> tuple[Item, ...]:
    """A fee, or interest less its fee, on the account that the file names."""
    if activity.account and activity.account_currency == currency:
        key = reading.account(Account(activity.account, currency, "CHECKING_ACCOUNT"))
    else:
        key = cash_account(reading, currency)
    if activity.type == "FEE":
        return (earned_or_spent(key, activity.on, -(fee or amount), activity.note, activity.external_id),)
    items = [earned_or_spent(key, activity.on, amount, activity.note, activity.external_id)]
    if fee:
        items.append(earned_or_spent(key, activity.on, -fee, activity.note, leg="fee"))
    return tuple(items)


def instrument_of(activity: Activity, profile: Profile | None, currency: str, unit: str) -> Instrument:
    """The symbols of what was made by hand are ids: the name is the symbol then."""
    if profile is None:
        kind = "other" if activity.is_manual else "share"
        isin = activity.symbol if _ISIN.fullmatch(activity.symbol) else ""
        return Instrument(activity.symbol, activity.symbol, kind, currency, isin, unit)
    own, own_unit = major_currency(profile.currency) if profile.currency else (currency, unit)
    own_unit = own_unit if profile.quote_unit == "1" else profile.quote_unit
    name = profile.name or activity.symbol
    symbol = profile.symbol or (name if profile.is_manual else activity.symbol)
    return Instrument(
        symbol,
        name[:NAME_LENGTH],
        profile.instrument_type,
        own or currency,
        profile.isin,
        own_unit if own else unit,
        profile.cusip,
    )


def fits(file: File, options: Options) -> int:
    if file.kind != JSON or not isinstance(file.json, Mapping):
        return 0
    activities = file.json.get("activities")
    others = {"meta", "accounts", "assetProfiles", "platforms", "user", "tags"}
    if not isinstance(activities, list) or not file.json.keys() & others:
        return 0
    return 100


def read(file: File, options: Options) -> Reading:
    content: Mapping[str, Any] = file.json
    reading = Reading(NAME, {"layout": NAME, "time_zone": options.time_zone}, lambda reading: iter(()))
    reading.read = partial(json_rows, content=content, options=options)
    return reading


def json_rows(reading: Reading, *, content: Mapping[str, Any], options: Options) -> Iterator[FileRow]:
    reader = JsonReader(reading, content, options)
    line = 0
    yield from reader.own_assets()
    for line, record in enumerate(content["activities"], 1):
        yield reader.filled(line, record, RowType.TRANSACTION, reader.activity)
    for account in reader.accounts.values():
        balances = account.get("balances")
        for record in balances if isinstance(balances, list) else ():
            line += 1
            yield reader.filled(line, record, RowType.VALUE, partial(reader.balance, account=account))
    for symbol, record in reader.records.items():
        prices = record.get("marketData")
        for price in prices if isinstance(prices, list) else ():
            line += 1
            yield reader.filled(line, price, RowType.PRICE, partial(reader.price, symbol=symbol))
    for split in reader.splits():
        line += 1
        yield FileRow(line, {"split": split.on.isoformat()}, RowType.ACTION, (split,))
    if not line:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class JsonReader:
    def __init__(self, reading: Reading, content: Mapping[str, Any], options: Options) -> None:
        self.reading, self.options = reading, options
        self.accounts = {text(record, "id"): record for record in records(content, "accounts")}
        self.tags = {text(record, "id"): text(record, "name") for record in records(content, "tags")}
        self.records = {text(record, "symbol"): record for record in records(content, "assetProfiles")}
        self.profiles = {symbol: profile_of(record) for symbol, record in self.records.items()}
        self.tags_of = self._tags_of_symbols(content)
        self.transfers: dict[
            str, dict[str, Mapping[str, Any]]
        ] = {}  # by id and type: of Strata's own exports
        for record in records(content, "activities"):
            if known := transfer_of(record):
                self.transfers.setdefault(known, {})[text(record, "type")] = record

    def own_assets(self) -> Iterator[FileRow]:
        """The accounts of Strata's own exports that are assets, also those of which nothing else is said."""
        for account in self.accounts.values():
            if "strata-type" in read_notes(text(account, "comment")) and (key := self.key_of(account)):
                yield FileRow(0, {"account": text(account, "name")[:100]}, RowType.ASSET, (AssetItem(key),))

    def key_of(self, account: Mapping[str, Any]) -> str | None:
        """That of an account of money, with what Strata's own exports say of it."""
        notes = read_notes(text(account, "comment"))
        currency, name = major_currency(text(account, "currency"))[0], text(account, "name")[:NAME_LENGTH]
        if not name or not currency:
            return None
        own_type = notes.get("strata-type", "")
        asset_type = asset_type_of(own_type) if own_type else "CHECKING_ACCOUNT"
        return self.reading.account(Account(name, currency, asset_type, details=details_in(notes)))

    def whole(self, symbol: str) -> str | None:
        """The key of what was valued as a whole, in Strata's own exports."""
        profile = self.profiles.get(symbol)
        currency = major_currency(profile.currency)[0] if profile and profile.is_whole else ""
        if profile is None or not currency or not profile.name:
            return None
        details = details_in(read_notes(text(self.records[symbol], "comment")))
        return self.reading.account(Account(profile.name, currency, profile.asset_type, details=details))

    def of_whole(self, line: int, activity: Activity, key: str) -> tuple[Item, ...]:
        """What it earned or cost; its one unit is no purchase."""
        kind = {"DIVIDEND": "INCOME", "FEE": "EXPENSE"}.get(activity.type)
        currency = major_currency(activity.currency)[0]
        if kind is None or not currency:
            return ()
        amount, fee = times(activity.quantity, activity.price), activity.fee
        amount, fee = (amount, fee) if kind == "INCOME" else (fee, ZERO)
        trade = Trade(key, kind, activity.on, currency, None, None, amount, fee, note=activity.note)
        return (booking(self.reading, line, trade),)

    def _tags_of_symbols(self, content: Mapping[str, Any]) -> dict[str, list[str]]:
        """An asset has the tags of all of its activities."""
        tags: dict[str, list[str]] = {}
        for activity in content["activities"]:
            ids = activity.get("tags") if isinstance(activity, Mapping) else None
            for pk in ids if isinstance(ids, list) else ():
                name = self.tags.get(str(pk))
                names = tags.setdefault(text(activity, "symbol"), [])
                if name and name not in names:
                    names.append(name)
        return tags

    def filled(
        self,
        line: int,
        record: Any,
        row_type: RowType,
        items: Callable[[int, Mapping[str, Any]], tuple[Item, ...]],
    ) -> FileRow:
        if not isinstance(record, Mapping):
            return FileRow(line, {"": str(record)[:100]}, row_type, refusal=Reason("MISSING_FIELD", "type"))
        read = {
            str(name)[:100]: str(value)[:1_000]
            for name, value in record.items()
            if value not in (None, "", [])
        }
        row = FileRow(line, read, row_type)
        if row_type is RowType.TRANSACTION and text(record, "type") == "BUY" and self.is_of_pair(record):
            row.skip = Reason("WITH_ANOTHER_ROW")
            return row
        return filled(row, partial(items, line, record))

    def activity(self, line: int, record: Mapping[str, Any]) -> tuple[Item, ...]:
        account = self.accounts.get(text(record, "accountId"), {})
        symbol = text(record, "symbol")
        activity = Activity(
            text(record, "type").upper(),
            self.day(line, record),
            symbol,
            text(record, "currency"),
            number(record, "quantity"),
            number(record, "unitPrice"),
            number(record, "fee"),
            read_note(text(record, "comment")),
            text(record, "id"),
            text(account, "name")[:NAME_LENGTH],
            text(account, "currency"),
            text(record, "dataSource") == "MANUAL",
            details_in(read_notes(text(account, "comment"))).disposed_on,
        )
        if whole := self.whole(symbol):
            return self.of_whole(line, activity, whole)
        if is_nothing(activity):
            return ()
        if self.is_of_pair(record):
            return self.transfer(line, record)
        tags = tuple(self.tags_of.get(symbol, ()))
        return items_of(self.reading, line, activity, self.profiles.get(symbol), tags)

    def is_of_pair(self, record: Mapping[str, Any]) -> bool:
        """Whether it is a leg of a transfer whose other leg is in the file too."""
        return self.transfers.get(transfer_of(record), {}).keys() == {"BUY", "SELL"}

    def transfer(self, line: int, record: Mapping[str, Any]) -> tuple[Item, ...]:
        known, on, symbol = transfer_of(record), self.day(line, record), text(record, "symbol")
        sides = self.transfers[known]
        keys = [self.holding_of(sides[kind]) for kind in ("SELL", "BUY")]
        if keys[0] == keys[1] or sides["BUY"] is sides["SELL"]:
            raise Refused("UNSUPPORTED", "type", known[:100])
        splits = self.profiles[symbol].splits if symbol in self.profiles else ()
        quantity = units(units_then(number(record, "quantity"), splits, on), "quantity")
        if not quantity:
            raise Refused("MISSING_FIELD", "quantity")
        note = read_note(text(record, "comment"))
        leg = TransactionItem(
            keys[0], "TRANSFER", on, None, None, -quantity, note=note, external_id=known[:100]
        )
        return (leg, leg._replace(account=keys[1], quantity=quantity, leg="in"))

    def holding_of(self, record: Mapping[str, Any]) -> str:
        """The account of the security that the activity is of."""
        symbol, account = text(record, "symbol"), self.accounts.get(text(record, "accountId"), {})
        profile = self.profiles.get(symbol)
        currency, unit = major_currency(text(record, "currency"))
        if not symbol or not currency:
            raise Refused("MISSING_FIELD" if currency else "BAD_CURRENCY", "symbol", symbol[:100])
        nothing = Activity("BUY", date.min, symbol, currency, ZERO, ZERO, ZERO, "", "")
        instrument = instrument_of(nothing, profile, currency, unit)
        holder = text(account, "name")[:NAME_LENGTH]
        notes = read_notes(text(account, "comment"))
        kind = profile.asset_type if profile else ""
        return holding(self.reading, instrument, holder, kind, details=details_in(notes))

    def balance(self, line: int, record: Mapping[str, Any], account: Mapping[str, Any]) -> tuple[Item, ...]:
        currency, _ = major_currency(text(account, "currency"))
        name = text(account, "name")[:NAME_LENGTH]
        if not name or not currency:
            raise Refused(
                "MISSING_FIELD" if not name else "BAD_CURRENCY", "account", text(account, "currency")[:20]
            )
        value = money(self.reading, line, number(record, "value"), "value")
        return (ValueItem(self.key_of(account) or "", self.day(line, record), value),)

    def price(self, line: int, record: Mapping[str, Any], symbol: str) -> tuple[Item, ...]:
        profile = self.profiles[symbol]
        currency, unit = major_currency(profile.currency)
        if not currency or not symbol:
            raise Refused("BAD_CURRENCY", "currency", profile.currency[:20])
        on = self.day(line, record)
        if whole := self.whole(symbol):
            return (ValueItem(whole, on, money(self.reading, line, number(record, "marketPrice"), "value")),)
        nothing = Activity("BUY", date.min, symbol, profile.currency, ZERO, ZERO, ZERO, "", "")
        key = self.reading.instrument(instrument_of(nothing, profile, currency, unit))
        then = price_then(number(record, "marketPrice"), profile.splits, on)
        price = units(as_quoted(then, profile.quote_unit), "price")
        return (PriceItem(key, on, price or ZERO),) if price else ()

    def splits(self) -> Iterator[ActionItem]:
        """Those of Strata's own exports."""
        for symbol, profile in self.profiles.items():
            currency, unit = major_currency(profile.currency)
            if profile.splits and currency and symbol:
                nothing = Activity("BUY", date.min, symbol, profile.currency, ZERO, ZERO, ZERO, "", "")
                key = self.reading.instrument(instrument_of(nothing, profile, currency, unit))
                yield from (split.item(key) for split in profile.splits)

    def day(self, line: int, record: Mapping[str, Any]) -> date:
        """The day as it is written; an instant at midnight of a zone to the east is the next day."""
        written = text(record, "date")
        day = read_day(written, None)
        if day is None:
            raise Refused("BAD_DATE" if written else "MISSING_FIELD", "date", written[:100])
        if self.options.time_zone:
            return in_zone(written, self.options.time_zone) or day.on
        late = _MIDNIGHT.fullmatch(written)
        if late and int(late[1]) >= LATE and day.on < date.max:
            self.reading.warn(FileWarning("LOCAL_MIDNIGHT", line, "date", written))
            return day.on + timedelta(days=1)
        return day.on


def transfer_of(record: Mapping[str, Any]) -> str:
    """The id of the transfer that it is a leg of, in Strata's own exports; "" for none."""
    return read_notes(text(record, "comment")).get("strata-transfer", "")


def in_zone(written: str, zone: str) -> date | None:
    try:
        instant = datetime.fromisoformat(written)
        return instant.astimezone(ZoneInfo(zone)).date() if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


def profile_of(record: Mapping[str, Any]) -> Profile:
    main, sub = text(record, "assetClass"), text(record, "assetSubClass")
    is_manual = text(record, "dataSource") == "MANUAL"
    notes = read_notes(text(record, "comment"))
    own_type = notes.get("strata-type", "")
    kind = OF_CLASS.get(sub) or OF_CLASS.get(main) or ("other" if is_manual or main else "share")
    asset_type = "REAL_ESTATE" if main == "REAL_ESTATE" else ASSET_TYPES.get(kind, "OTHER")
    asset_type = asset_type_of(own_type) if own_type else asset_type
    return Profile(
        text(record, "name")[:NAME_LENGTH],
        text(record, "currency"),
        text(record, "isin").upper(),
        text(record, "cusip").upper(),
        kind,
        asset_type,
        is_manual,
        read_splits(notes.get("strata-splits", "")),
        read_unit(notes.get("strata-quote-unit", "1")),
        read_own_day(notes.get("strata-disposed", "")),
        notes.get("strata-symbol", ""),
        is_manual and "strata-type" in notes,
    )


def records(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    content_list = content.get(name)
    return (
        [record for record in content_list if isinstance(record, Mapping)]
        if isinstance(content_list, list)
        else []
    )


def text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return "" if value is None or isinstance(value, dict | list | bool) else str(value).strip()


def number(record: Mapping[str, Any], name: str) -> Decimal:
    """Raises Refused for what is no number. Nothing is zero."""
    value = record.get(name)
    if value is None or value == "":
        return ZERO
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or len(str(value)) > 60:
        raise Refused("BAD_NUMBER", name, str(value)[:100])
    try:
        parsed = Decimal(value)
    except ArithmeticError:
        raise Refused("BAD_NUMBER", name, str(value)[:100]) from None
    if not parsed.is_finite() or abs(parsed.adjusted()) > 40:
        raise Refused("BAD_NUMBER", name, str(value)[:100])
    return plus(parsed)
