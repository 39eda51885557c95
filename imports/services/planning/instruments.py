"""Which instrument a security of a file is: one of the household, else one that all share, else a new one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from assets.models import Instrument as StoredInstrument
from assets.models import PriceBlock, PriceLoad
from assets.rules.instruments.instruments import validate_cusip, validate_isin, validate_sedol
from imports.formats.rows import CHOSEN, Instrument
from imports.formats.trades import PLACES
from imports.reading.numbers import rounded_fraction
from portfolios.models import Portfolio
from strata.exceptions import NotFound
from strata.fields.names import name_key, validate_name

SYMBOL_LENGTH = 40
IDS = ("isin", "cusip", "sedol")
BOND = "bond"


@dataclass(slots=True)
class InstrumentPlan:
    """The instrument that a security of the file is, or the values of the new one that it will be."""

    instrument: Instrument
    stored: StoredInstrument | None = None
    is_written: bool = False
    has_good_name: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_good_name = self.stored is not None or can_be_stored(self.instrument)

    @property
    def currency(self) -> str:
        """An asset is in the currency of its instrument."""
        return self.stored.currency if self.stored else self.instrument.currency

    @property
    def is_shared(self) -> bool:
        return self.stored is not None and self.stored.household_id is None

    @property
    def is_in_other_currency(self) -> bool:
        return self.stored is not None and self.instrument.currency not in ("", self.stored.currency)

    def as_stored(self, price: Decimal) -> Decimal:
        """A price of the file in the unit of the stored instrument: pence may be pounds there. Per cent are per cent
        everywhere.
        """
        own, stored = self.instrument, self.stored
        if stored is None or own == CHOSEN or BOND in (own.instrument_type, stored.instrument_type):
            return price
        ratio = Fraction(own.quote_unit) / Fraction(stored.quote_unit)
        return price if ratio == 1 else rounded_fraction(Fraction(price) * ratio, PLACES)

    def as_json(self) -> dict[str, Any]:
        """What the commit needs."""
        return {
            "key": self.instrument.key,
            "instrument_id": str(self.stored.pk) if self.stored else None,
            "is_written": self.is_written,
            "values": values_of(self.instrument),
        }


def values_of(instrument: Instrument) -> dict[str, str]:
    """The columns of a new instrument."""
    name = instrument.name or instrument.symbol or instrument.isin or instrument.cusip or instrument.sedol
    return {
        "symbol": (instrument.symbol or instrument.isin or name)[:SYMBOL_LENGTH],
        "name": name[:200],
        "instrument_type": instrument.instrument_type,
        "isin": good_id(instrument.isin, validate_isin),
        "cusip": good_id(instrument.cusip, validate_cusip),
        "sedol": good_id(instrument.sedol, validate_sedol),
        "currency": instrument.currency,
        "quote_unit": instrument.quote_unit,
    }


def can_be_stored(instrument: Instrument) -> bool:
    """Whether a new instrument can have these texts. One without any is still to be named by a person."""
    values = values_of(instrument)
    try:
        return not values["symbol"] or bool(
            validate_name(values["symbol"], max_length=SYMBOL_LENGTH) and validate_name(values["name"])
        )
    except ValidationError:
        return False


def good_id(text: str, validate: Callable[[str], str]) -> str:
    """The identifier in its normal form; "" for none, and for a text whose check digit is wrong."""
    try:
        return validate(text)
    except ValidationError:
        return ""


@dataclass(slots=True)
class Instruments:
    """The instruments of a file, matched in sets as they appear."""

    portfolio: Portfolio
    chosen: str | None = None  # options.instrument_id, for a file of one security
    plans: dict[str, InstrumentPlan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises NotFound for an instrument that the household cannot use."""
        if self.chosen:
            stored = usable(self.portfolio.household_id).filter(pk=self.chosen).first()
            if stored is None:
                raise NotFound("instrument", "options.instrument_id")
            self.plans[CHOSEN.key] = InstrumentPlan(CHOSEN, stored)

    def plan_all(self, instruments: Mapping[str, Instrument]) -> None:
        new = {key: instrument for key, instrument in instruments.items() if key not in self.plans}
        if new:
            rows = matches(
                self.portfolio.household_id, [values_of(new_instrument) for new_instrument in new.values()]
            )
            for (key, instrument), stored in zip(new.items(), rows, strict=True):
                self.plans[key] = InstrumentPlan(instrument, stored)


def usable(household_id: UUID) -> QuerySet[StoredInstrument]:
    """The household's own, and those that all share."""
    return StoredInstrument.objects.filter(Q(household=household_id) | Q(household=None))


def matches(household_id: UUID, wanted: Collection[Mapping[str, str]]) -> list[StoredInstrument | None]:
    """The stored instrument of each of these: by ISIN, CUSIP or SEDOL, else by symbol and currency, else by name and
    currency.

    The household's own come first, then the shared ones, the older before the newer.
    """
    symbols = {name_key(values["symbol"]) for values in wanted}
    names = {name_key(values["name"]) for values in wanted}
    same = Q(symbol_key__in=symbols) | Q(name_key__in=names)
    for name in IDS:
        if ids := {values.get(name, "") for values in wanted} - {""}:
            same |= Q(**{f"{name}__in": ids})
    rows = usable(household_id).filter(same)
    ordered = sorted(rows, key=lambda row: (row.household_id is None, row.pk))
    return [best_match(values, ordered) for values in wanted]


def best_match(wanted: Mapping[str, str], rows: list[StoredInstrument]) -> StoredInstrument | None:
    currency = wanted["currency"]
    own_ids = {name: text for name in IDS if (text := wanted.get(name, ""))}
    for name, text in own_ids.items():
        if same := [row for row in rows if getattr(row, name) == text]:
            return next((row for row in same if row.currency == currency), same[0])
    # Another ISIN is another security, whatever its symbol is.
    others = [
        row for row in rows if row.currency == currency and not any(getattr(row, name) for name in own_ids)
    ]
    by_symbol = (row for row in others if row.symbol_key == name_key(wanted["symbol"]))
    if wanted["symbol"] not in (wanted["isin"], wanted["name"]):
        return next(by_symbol, None)
    by_name = (row for row in others if row.name_key == name_key(wanted["name"]))
    return next(by_symbol, None) or next(by_name, None)


def state_of_instruments(household_id: UUID, records: Collection[Mapping[str, Any]]) -> list[Any]:
    """What the plan of these instruments depends on: which ones they are, and what these are like."""
    chosen = [record["instrument_id"] for record in records if is_chosen(record)]
    by_file = [record for record in records if not is_chosen(record)]
    rows = [
        *usable(household_id).filter(pk__in=chosen),
        *matches(household_id, [record["values"] for record in by_file]),
    ]
    keys = [CHOSEN.key] * (len(rows) - len(by_file)) + [record["key"] for record in by_file]
    withdrawn = last_withdrawal(household_id, {row.pk for row in rows if row})
    return [
        *((key, row and (row.pk, row.currency, row.quote_unit)) for key, row in zip(keys, rows, strict=True)),
        *([withdrawn] if withdrawn else ()),
    ]


def last_withdrawal(household_id: UUID, instrument_ids: Collection[UUID]) -> datetime | None:
    """When prices of these instruments were last withdrawn: what was there already may have to be imported now."""
    loads = PriceLoad.objects.filter(household=household_id, withdrawn_at__isnull=False).order_by()
    withdrawn = dict(loads.values_list("pk", "withdrawn_at"))
    if not withdrawn:
        return None
    blocks = PriceBlock.objects.filter(load__in=list(withdrawn), instrument__in=list(instrument_ids))
    load_ids = blocks.order_by().values_list("load_id", flat=True).distinct()
    return max((at for pk in load_ids if (at := withdrawn[pk])), default=None)


def is_chosen(record: Mapping[str, Any]) -> bool:
    return bool(record["key"] == CHOSEN.key and record["instrument_id"])
