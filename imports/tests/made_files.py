"""A format for tests: its files are JSON, and say all that is shared by several imports of a household.

An account is {"name", "symbol", "tags", "categories", "disposed_on"}, a row one of ["value", account, day, value],
["transaction", account, day, amount, reference] and ["price", symbol, day, price].
"""

import json
from datetime import date
from decimal import Decimal

from imports.formats.registry import Format
from imports.formats.rows import (
    Account,
    Details,
    FileRow,
    Instrument,
    PriceItem,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)


def file_of(accounts, rows) -> bytes:
    return json.dumps({"accounts": accounts, "rows": rows}).encode()


def security(symbol) -> Instrument:
    return Instrument(symbol, f"The {symbol}", "share", "EUR")


def account_of(said) -> Account:
    sold = said.get("disposed_on")
    details = Details(
        tags=tuple(said.get("tags", ())),
        categories=tuple(map(tuple, said.get("categories", ()))),
        disposed_on=date.fromisoformat(sold) if sold else None,
        proceeds=Decimal(5) if sold else None,
    )
    symbol = said.get("symbol")
    kind = "STOCKS" if symbol else "SAVINGS_ACCOUNT"
    instrument, holder = (security(symbol), said["name"]) if symbol else (None, "")
    return Account(said["name"], "EUR", kind, instrument, holder, details)


def item_of(reading, keys, row_type, name, day, number, reference=""):
    on, number = date.fromisoformat(day), Decimal(number)
    if row_type == "price":
        return PriceItem(reading.instrument(security(name)), on, number)
    if row_type == "value":
        return ValueItem(keys[name], on, number)
    units = Decimal(1)
    return TransactionItem(keys[name], "ACQUIRE", on, None, number, units, external_id=reference)


def read(file, options) -> Reading:
    said = json.loads(file.data)

    def rows(reading):
        keys = {account["name"]: reading.account(account_of(account)) for account in said["accounts"]}
        for line, row in enumerate(said["rows"], 1):
            yield FileRow(line, {"line": str(line)}, RowType(row[0]), (item_of(reading, keys, *row),))

    return Reading("made", {}, rows)


MADE = Format("made", lambda file, options: 1, read)
