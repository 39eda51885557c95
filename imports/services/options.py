"""The options of an import: what a person decided about a file. Bad ones are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from imports.formats.rows import Options
from imports.formats.trackers.performance_words import ANSWERS
from imports.reading.days import ORDERS
from imports.reading.numbers import COMMA, POINT
from imports.reading.texts import ENCODINGS
from strata.exceptions import Invalid
from strata.fields.currencies import validate_currency
from strata.fields.dates import parse_day, validate_time_zone, validate_year
from strata.fields.names import validate_name
from strata.fields.numbers import MONEY_DIGITS, MONEY_PLACES, exact, plain

MOST_LINES = 100_000
MOST_ACCOUNTS = 10_000
COLUMNS = (
    "asset",
    "date",
    "value",
    "currency",
    "type",
    "note",
    "ticker",
    "owned",
    "owed",
    "amount",
    "balance",
    "id",
    "quantity",
    "price",
    "fee",
    "tax",
    "isin",
    "security",
    "class",
    "account",
)
ACCOUNT_OPTIONS = ("asset_id", "name", "asset_type", "sign", "opening", "skip")
VALUES = ("replace", "keep")


def _one_of(*words: str) -> Callable[[Any], Any]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(gettext("Send one of %(words)s.") % {"words": ", ".join(words)})
        return str(value)

    return read


def _text(value: Any) -> str:
    return validate_name(value)


def _delimiter(value: Any) -> str:
    if (
        not isinstance(value, str)
        or len(value) != 1
        or value in '"\r\n'
        or not (value.isprintable() or value == "\t")
    ):
        raise ValueError(gettext("Send one character."))
    return value


def _encoding(value: Any) -> str:
    name = str(value).lower().replace("_", "-")
    aliases = {"utf8": "utf-8", "windows-1252": "cp1252", "windows-1250": "cp1250", "latin-1": "iso-8859-1"}
    return str(_one_of(*ENCODINGS)(aliases.get(name, name)))


def _line(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
        raise ValueError(gettext("Send the number of a line, from 1."))
    return value


def _lines(value: Any) -> list[int]:
    if not isinstance(value, list) or len(value) > MOST_LINES:
        raise ValueError(gettext("Send a list of lines."))
    return sorted({_line(line) for line in value})


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(gettext("Send true or false."))
    return value


def _columns(value: Any) -> dict[str, str | int]:
    if not isinstance(value, Mapping):
        raise ValueError(gettext("Send our names of columns with those of the file."))
    if unknown := value.keys() - set(COLUMNS):
        raise ValueError(
            gettext("There is no such column: %(name)s.") % {"name": str(sorted(unknown)[0])[:50]}
        )
    return {name: _column(column) for name, column in value.items()}


def _column(value: Any) -> str | int:
    return value if isinstance(value, str) and len(value) <= 200 else _line(value)


def _day(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(gettext("Enter a day as YYYY-MM-DD."))
    day = parse_day(value)
    validate_year(day)
    return day.isoformat()


def _currency(value: Any) -> str:
    return str(validate_currency(value))


def _id(value: Any) -> str:
    return str(UUID(str(value)))


def _account(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) != {"asset_id"}:
            raise ValueError(gettext("Send a name or an asset_id."))
        return {"asset_id": _id(value["asset_id"])}
    return _text(value)


def _opening(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or set(value) != {"on", "amount"}:
        raise ValueError(gettext("Send on and amount."))
    amount = exact(value["amount"], digits=MONEY_DIGITS, places=MONEY_PLACES)
    return {"on": _day(value["on"]), "amount": plain(amount)}


_OF_AN_ACCOUNT: dict[str, Callable[[Any], Any]] = {
    "asset_id": _id,
    "name": _text,
    "asset_type": _text,
    "sign": _one_of("+", "-"),
    "opening": _opening,
    "skip": _flag,
}


def _accounts(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, Mapping) or len(value) > MOST_ACCOUNTS:
        raise ValueError(gettext("Send the accounts by their keys."))
    accounts: dict[str, dict[str, Any]] = {}
    for key, options in value.items():
        if not isinstance(options, Mapping) or options.keys() - set(ACCOUNT_OPTIONS):
            raise ValueError(
                gettext("Send for each account: %(words)s.") % {"words": ", ".join(ACCOUNT_OPTIONS)}
            )
        accounts[str(key)] = {
            name: None if option is None else _OF_AN_ACCOUNT[name](option) for name, option in options.items()
        }
    return accounts


READERS: dict[str, Callable[[Any], Any]] = {
    "delimiter": _delimiter,
    "encoding": _encoding,
    "decimal": _one_of(POINT, COMMA),
    "date_order": _one_of(*ORDERS),
    "header_row": _line,
    "sheet": _text,
    "columns": _columns,
    "currency": _currency,
    "on": _day,
    "account": _account,
    "portfolio": _text,
    "instrument_id": _id,
    "symbol": _text,
    "type": _one_of(*ANSWERS),
    "time_zone": validate_time_zone,
    "cash": _flag,
    "again": _lines,
    "skip": _lines,
    "accounts": _accounts,
    "values": _one_of(*VALUES),
}


def read_options(sent: Any) -> dict[str, Any]:
    """The options as they are stored; null stays, and takes an option back. Raises Invalid with the option's name."""
    if not isinstance(sent, Mapping):
        raise Invalid("options", gettext("Send an object."))
    options = {}
    for name, value in sent.items():
        if name not in READERS:
            raise Invalid(f"options.{str(name)[:100]}", gettext("There is no such option."), "unknown")
        options[name] = None if value is None else _checked(name, value)
    return options


def _checked(name: str, value: Any) -> Any:
    try:
        return READERS[name](value)
    except ValidationError as error:
        raise Invalid(f"options.{name}", error.messages[0]) from None
    except (ValueError, ArithmeticError) as error:
        message = str(error) if type(error) is ValueError else gettext("It cannot be read.")
        raise Invalid(f"options.{name}", message) from None


def merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the changes. Those of accounts are merged for each account."""
    accounts = {**options.get("accounts", {})}
    for key, change in (changes.get("accounts") or {}).items():
        accounts[key] = {
            name: value for name, value in {**accounts.get(key, {}), **change}.items() if value is not None
        }
    after = {name: value for name, value in {**options, **changes}.items() if value is not None}
    if "accounts" in changes:
        after["accounts"] = accounts if changes["accounts"] is not None else {}
    return after


def for_formats(options: Mapping[str, Any]) -> Options:
    """The options that decide how a file is read."""
    names: tuple[str, ...] = (
        "delimiter",
        "encoding",
        "decimal",
        "date_order",
        "header_row",
        "sheet",
        "currency",
        "type",
    )
    names += ("symbol", "instrument_id", "portfolio", "time_zone")
    account = options.get("account")
    return Options(
        **{name: options.get(name) for name in names},
        columns=options.get("columns") or {},
        on=date.fromisoformat(options["on"]) if options.get("on") else None,
        account=account if isinstance(account, str) else None,
    )
