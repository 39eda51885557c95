"""What the services check of a row besides the types of its values. Each function takes the values as a line has them,
and raises ValueError, ValidationError or StrataError.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import models

from archives.rows.documents import (
    MISSING_PRICES,
    MISSING_RATES,
    require_days,
    require_import,
    require_references,
)
from archives.rows.json_texts import read_json
from archives.rows.values import parsed_binary, unpacked
from assets.models import (
    Asset,
    AssetOrder,
    AssetSnapshot,
    AssetType,
    Depreciation,
    Growth,
    Instrument,
    InstrumentAction,
    Loan,
    LoanHoliday,
    LoanRate,
    PriceBlock,
    Transaction,
)
from assets.prices.codec import numbers_in
from assets.rules.assets.asset_types import settled_liquidity
from assets.rules.assets.ownership import validate_shares
from assets.rules.assets.terms import (
    LOWEST_GROWTH,
    Decline,
    validate_cost,
    validate_decline,
    validate_life,
    validate_rate,
    validate_term_and_payment,
)
from assets.rules.entries.transactions import TransactionValues, validate_transaction
from assets.rules.instruments.actions import ActionValues, validate_action
from assets.rules.instruments.instruments import (
    validate_cusip,
    validate_isin,
    validate_mic,
    validate_quote_unit,
    validate_sedol,
)
from assets.valuation.formulas.shares import as_text, read_shares
from imports.models import Import, ImportBlock, ImportedRows
from reports.models import PortfolioSnapshot
from strata.fields.dates import FIRST_YEAR, LAST_YEAR
from strata.fields.numbers import EXACT_PLACES, exact

type Row = dict[str, Any]
type Rule = Callable[[Row], None]

ONE_DAY = timedelta(days=1)
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS = re.compile("(" + _ID + "( " + _ID + ")*)?")
_TOTAL = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,18})?")
WIDTHS = (4, 8, 16)


def number(value: Any) -> Decimal | None:
    return None if value is None else exact(value)


def day_and_instant(row: Row) -> None:
    """The day is that of the instant in some zone: a portfolio may have changed its own since."""
    on, instant = row["on"], row["observed_at" if "observed_at" in row else "occurred_at"]
    if on != instant[:10] and abs(date.fromisoformat(on) - date.fromisoformat(instant[:10])) > ONE_DAY:
        raise ValueError("the day is not that of the time")


def transaction(row: Row) -> None:
    day_and_instant(row)
    amounts = (number(row[name]) for name in ("amount", "quantity", "unit_price", "fee", "tax"))
    validate_transaction(TransactionValues(row["type"], row["currency"], *amounts))
    if row["lots"] is not None:
        check_lots(row["lots"])


def check_lots(lots: Any) -> None:
    if type(lots) is not list:
        raise ValueError("lots are a list")
    for lot in lots:
        units = number(lot["quantity"])
        if set(lot) != {"transaction_id", "quantity"} or units is None or units <= 0:
            raise ValueError("a lot has a transaction_id and a quantity above zero")
        if not re.fullmatch(_ID, lot["transaction_id"]):
            raise ValueError("a lot names a transaction")


def asset(row: Row) -> None:
    if row["shares"]:
        shares = read_shares(row["shares"])
        validate_shares(shares)
        if as_text(shares) != row["shares"]:
            raise ValueError("shares are not written as Strata writes them")


def asset_order(row: Row) -> None:
    if not _IDS.fullmatch(row["asset_ids"]):
        raise ValueError("asset_ids has more than ids")


def asset_type(row: Row) -> None:
    if row["liquid"] is not None:
        settled_liquidity(row["group"], row["liquid"])


def instrument(row: Row) -> None:
    checks = {
        "isin": validate_isin,
        "cusip": validate_cusip,
        "sedol": validate_sedol,
        "mic": validate_mic,
        "quote_unit": validate_quote_unit,
    }
    for name, check in checks.items():
        if check(row[name]) != row[name]:
            raise ValueError(f"{name} is not written as Strata writes it")


def instrument_action(row: Row) -> None:
    as_they_are = ("type", "to_instrument_id", "to_asset_id", "symbol", "isin")
    values: dict[str, Any] = {name: row[name] for name in as_they_are}
    for name in ("numerator", "denominator"):
        values[name] = None if row[name] is None else int(row[name])
    for name in ("cost_ratio", "cash", "cash_cost_ratio", "amount"):
        values[name] = number(row[name])
    validate_action(ActionValues(**values))


def price_block(row: Row) -> None:
    """The numbers fit together: reading a block never fails."""
    days, prices = (parsed_binary(row[name]) for name in ("days", "prices"))
    year, first_day, scale, width = (int(row[name]) for name in ("year", "first_day", "scale", "width"))
    count = int.from_bytes(days, "little").bit_count()
    last = first_day + int.from_bytes(days, "little").bit_length() - 1
    if not FIRST_YEAR <= year <= LAST_YEAR or not count or not days[0] & 1 or first_day < 0:
        raise ValueError("it has no days of a year")
    if date(year, 1, 1).toordinal() + last > date(year, 12, 31).toordinal():
        raise ValueError("it has days after the end of its year")
    if width not in WIDTHS or not 0 <= scale <= EXACT_PLACES or len(prices) != count * width:
        raise ValueError("it has not one price for each of its days")
    if min(numbers_in(width, prices)) < 0:
        raise ValueError("a price is below zero")


def loan(row: Row) -> None:
    term = None if row["term"] is None else int(row["term"])
    validate_term_and_payment(row["loan_type"], term, number(row["payment"]))
    if exact(row["principal"]) <= 0 or (number(row["payment"]) or 1) <= 0:
        raise ValueError("an amount is not above zero")
    if row["first_payment_on"] < row["started_on"]:
        raise ValueError("the first payment lies before the day on which the loan was paid out")


def loan_rate(row: Row) -> None:
    validate_rate("rate", exact(row["rate"]))


def loan_holiday(row: Row) -> None:
    if row["end"] < row["start"]:
        raise ValueError("it ends before its first day")


def depreciation(row: Row) -> None:
    decline = Decline(row["method"], number(row["rate"]), number(row["factor"]), row["switch"])
    validate_decline(decline)
    validate_life(int(row["life"]), int(row["first_year_months"]))
    validate_cost(exact(row["cost"]), exact(row["residual_value"]))


def growth(row: Row) -> None:
    validate_rate("rate", exact(row["rate"]), least=LOWEST_GROWTH)


def portfolio_snapshot(row: Row) -> None:
    if not _TOTAL.fullmatch(row["value"]):
        raise ValueError("value is no number")
    for name, shape in (("missing_rates", MISSING_RATES), ("missing_prices", MISSING_PRICES)):
        if not shape(row[name]):
            raise ValueError(f"{name} is no list of what is missing")


def imported_rows(row: Row) -> None:
    require_days(read_json(unpacked(row["days"]).decode()))
    require_references(read_json(unpacked(row["references"]).decode()))


def import_block(row: Row) -> None:
    if type(row["counts"]) is not dict or not all(type(count) is int for count in row["counts"].values()):
        raise ValueError("counts are numbers")


RULES: dict[type[models.Model], Rule] = {
    AssetType: asset_type,
    Instrument: instrument,
    InstrumentAction: instrument_action,
    PriceBlock: price_block,
    Asset: asset,
    AssetOrder: asset_order,
    AssetSnapshot: day_and_instant,
    Transaction: transaction,
    Loan: loan,
    LoanRate: loan_rate,
    LoanHoliday: loan_holiday,
    Depreciation: depreciation,
    Growth: growth,
    PortfolioSnapshot: portfolio_snapshot,
    Import: require_import,
    ImportedRows: imported_rows,
    ImportBlock: import_block,
}
