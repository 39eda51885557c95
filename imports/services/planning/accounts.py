"""Which asset an account of a file is: as a person said, as an earlier import had it, or by its name or the end of its
number, and its currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext

from assets.classification.tree import MOST_LEVELS
from assets.models import Asset, AssetType
from assets.rules.assets.ownership import validate_shares
from assets.services.labels import MOST_LABELS
from assets.valuation.formulas.shares import Share, as_text
from imports.formats.rows import Account, account_key
from imports.models import Import
from imports.services.planning.instruments import InstrumentPlan, Instruments
from portfolios.models import Portfolio
from strata.exceptions import Invalid, NotFound
from strata.fields.names import KEY_LENGTH, name_key, validate_name, validate_note
from strata.fields.numbers import exact, money_text, plain

LEAST_DIGITS = 5  # of an account number: four may be a year
SHORTEST_END = 3  # characters: fewer are shared by too many accounts


@dataclass(slots=True)
class AccountPlan:
    """What becomes of an account: the asset that it is, or the new one that it will be."""

    account: Account
    name: str
    asset_type: str
    currency: str
    asset: Asset | None = None
    instrument: InstrumentPlan | None = None
    sign: int = 1
    is_skipped: bool = False
    rows: int = 0
    first_on: date | None = None
    last_on: date | None = None
    is_written: bool = False
    first_line: int = 0
    has_good_name: bool | None = None  # None where nobody asked yet

    def saw(self, line: int, on: date) -> None:
        self.rows += 1
        self.first_line = self.first_line or line
        self.first_on = on if self.first_on is None else min(on, self.first_on)
        self.last_on = on if self.last_on is None else max(on, self.last_on)

    def as_json(self) -> dict[str, Any]:
        asset = self.asset
        return {
            "key": self.account.key,
            "name": self.name,
            "currency": self.currency,
            "asset_id": str(asset.pk) if asset else None,
            "asset_type": self.asset_type,
            "instrument_id": self.instrument_id,
            "rows": self.rows,
            "first_on": self.first_on.isoformat() if self.first_on else None,
            "last_on": self.last_on.isoformat() if self.last_on else None,
            "net": None,
            "new": None if asset else self.as_new(),
        }

    @property
    def instrument_id(self) -> str | None:
        stored = self.instrument.stored if self.instrument else None
        known = self.asset.instrument_id if self.asset else stored.pk if stored else None
        return str(known) if known else None

    def as_new(self) -> dict[str, Any]:
        """What a new asset needs beside its name, type and currency, and whether anything is written of it."""
        details = self.account.details
        return {
            "is_written": self.is_written,
            "instrument": self.account.instrument.key if self.account.instrument else None,
            "institution": self.account.holder,
            "notes": good_note(details.notes),
            "quantity": good_quantity(details.quantity),
            "acquired_on": details.acquired_on and details.acquired_on.isoformat(),
            "disposed_on": details.disposed_on and details.disposed_on.isoformat(),
            "proceeds": None if details.proceeds is None else money_text(details.proceeds),
            "shares": good_shares(details.shares),
            "categories": [path for names in details.categories[:MOST_LABELS] if (path := good_path(names))],
            "tags": good_names(details.tags, MOST_LABELS),
        }


@dataclass(slots=True)
class Accounts:
    """The accounts of a file, planned as they appear."""

    portfolio: Portfolio
    options: Mapping[str, Mapping[str, Any]]
    instruments: Instruments
    earlier: Mapping[str, str] = field(default_factory=dict)  # asset ids of an earlier import, by key
    single: Any = None  # options.account
    answered: str = ""  # options.currency
    plans: dict[str, AccountPlan] = field(default_factory=dict)
    _assets: dict[UUID, Asset] = field(init=False)
    _by_name: dict[tuple[str, str], list[Asset]] = field(init=False)
    type_ids: dict[str, UUID] = field(init=False)

    def __post_init__(self) -> None:
        assets = Asset.objects.filter(portfolio=self.portfolio).select_related("asset_type")
        self._assets, self._by_name = {asset.pk: asset for asset in assets}, {}
        for asset in self._assets.values():
            asset.portfolio = self.portfolio
            self._by_name.setdefault((asset.name_key, asset.currency), []).append(asset)
        self.type_ids = type_ids_of(self.portfolio.household_id)

    def disposals(self) -> dict[str, str]:
        """The days of disposal that the file says of its accounts, also of assets that are there."""
        days = {key: plan.account.details.disposed_on for key, plan in self.plans.items()}
        return {key: day.isoformat() for key, day in days.items() if day}

    def plan(self, account: Account) -> AccountPlan:
        plan = self.plans.get(account.key)
        if plan is None:
            plan = self.plans[account.key] = self._planned(account)
        return plan

    def plan_holders(self, instrument: InstrumentPlan) -> Iterator[AccountPlan]:
        """The assets with the instrument of which the file says nothing but what becomes of their units."""
        planned = {plan.asset.pk for plan in self.plans.values() if plan.asset}
        for asset in self._assets.values():
            if instrument.stored and asset.instrument_id == instrument.stored.pk and asset.pk not in planned:
                held = instrument.instrument._replace(currency=asset.currency)
                account = Account(asset.name, asset.currency, asset.asset_type.code, held, asset.institution)
                if account.key not in self.plans:
                    plan = AccountPlan(
                        account, asset.name, asset.asset_type.code, asset.currency, asset, instrument
                    )
                    yield self.plans.setdefault(account.key, plan)

    def _planned(self, account: Account) -> AccountPlan:
        options = options_of_account(self.options, account.key, self.answered)
        name = options.get("name") or account.name
        instrument = self.instruments.plans[account.instrument.key] if account.instrument else None
        base = self.portfolio.base_currency if account.in_base_currency else account.currency
        currency = instrument.currency if instrument else base
        asset = self._asset(account, name, currency, instrument, options)
        asset_type = asset.asset_type.code if asset else options.get("asset_type") or account.asset_type
        if asset_type not in self.type_ids:
            raise Invalid(
                "options.accounts", gettext("There is no such type: %(code)s.") % {"code": asset_type}
            )
        sign = -1 if options.get("sign") == "-" else 1
        skips = bool(options.get("skip"))
        return AccountPlan(account, name, asset_type, currency, asset, instrument, sign, skips)

    def _asset(
        self,
        account: Account,
        name: str,
        currency: str,
        instrument: InstrumentPlan | None,
        options: Mapping[str, Any],
    ) -> Asset | None:
        if chosen := options.get("asset_id"):
            return self._chosen(UUID(chosen), currency, "options.accounts")
        if isinstance(self.single, Mapping) and instrument is None:
            return self._chosen(UUID(self.single["asset_id"]), currency, "options.account")
        earlier = self._assets.get(UUID(self.earlier[account.key])) if account.key in self.earlier else None
        if earlier is not None and earlier.currency == currency and not options.get("name"):
            return earlier
        if instrument is not None:
            return self._holding(account, instrument)
        same = self._by_name.get((name_key(name), currency), []) or self._by_number(name, currency)
        return same[0] if len(same) == 1 else None

    def _by_number(self, name: str, currency: str) -> list[Asset]:
        """The assets whose account number ends as the name does, where that is a number: banks name accounts by it.
        Each is that of one account of the file.
        """
        number = account_number_in(name)
        taken = {plan.asset.pk for plan in self.plans.values() if plan.asset} if number else set()
        return [
            asset
            for asset in self._assets.values()
            if len(asset.account_number_end) >= SHORTEST_END
            and number.endswith(asset.account_number_end.upper())
            and asset.currency == currency
            and asset.pk not in taken
        ]

    def _holding(self, account: Account, instrument: InstrumentPlan) -> Asset | None:
        """The one asset with the instrument that is kept at the same place, or anywhere where the file names none."""
        if instrument.stored is None:
            return None
        held = [asset for asset in self._assets.values() if asset.instrument_id == instrument.stored.pk]
        if account.holder:
            held = [asset for asset in held if asset.institution_key == name_key(account.holder)]
        return held[0] if len(held) == 1 else None

    def _chosen(self, pk: UUID, currency: str, option: str) -> Asset:
        asset = self._assets.get(pk)
        if asset is None:
            raise NotFound("asset", option)
        if currency and asset.currency != currency:
            message = gettext("The asset is in %(currency)s.") % {"currency": asset.currency}
            raise Invalid(option, message)
        return asset

    def refuse_unknown_keys(self) -> None:
        """Options of accounts that the file does not have are mistakes."""
        known = {former for key in self.plans for former in keys_of_account(key, self.answered)}
        if unknown := self.options.keys() - known:
            message = gettext("The file has no account %(key)s.") % {"key": sorted(unknown)[0][:200]}
            raise Invalid("options.accounts", message, "unknown")


def account_number_in(name: str) -> str:
    """An account number or IBAN without what is between its groups, in capitals; "" for a name that is none."""
    number = "".join(filter(str.isalnum, name)).upper()
    digits = sum(map(str.isdecimal, number))
    return number if digits >= LEAST_DIGITS and 2 * digits > len(number) else ""


def can_be_named(plan: AccountPlan) -> bool:
    """Whether the asset, the source of its rows and its security can have the texts of the file."""
    try:
        validate_name(plan.name)
        validate_name(plan.account.key, max_length=KEY_LENGTH)
        if plan.account.holder:
            validate_name(plan.account.holder)
    except ValidationError:
        return False
    return plan.instrument is None or plan.instrument.has_good_name


def keys_of_account(key: str, answered: str) -> tuple[str, ...]:
    """The key, and before it the one that the account had until a person answered which currency it is in.

    The account is decided about together with the currency or before it, and is the same account after it.
    """
    name, _, currency = key.rpartition("|")
    return (account_key(name, ""), key) if currency and currency == answered else (key,)


def options_of_account(
    options: Mapping[str, Mapping[str, Any]], key: str, answered: str | None
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for known in keys_of_account(key, answered or ""):
        merged |= options.get(known, {})
    return merged


def type_ids_of(household_id: UUID) -> dict[str, UUID]:
    """The types that the household may use, by their codes."""
    types = AssetType.objects.filter(Q(household=None) | Q(household_id=household_id))
    return {code: pk for pk, code, _ in sorted(types.values_list("pk", "code", "household_id"), key=str)}


def good_names(names: Iterable[str], most: int) -> list[str]:
    """Those that a category or a tag can have, each once."""
    good: dict[str, str] = {}
    for name in names:
        try:
            good.setdefault(name_key(validate_name(name)), name)
        except ValidationError:
            continue
    return list(good.values())[:most]


def good_path(names: Sequence[str]) -> list[str]:
    """The path from the top, without names that no category can have."""
    return [good[0] for name in names[:MOST_LEVELS] if (good := good_names([name], 1))]


def good_quantity(quantity: Decimal | None) -> str | None:
    try:
        return None if quantity is None else plain(exact(quantity))
    except ValidationError:
        return None


def good_shares(shares: Sequence[tuple[date | None, Decimal]]) -> str:
    """As Asset.shares has them; "" for what nobody could own."""
    try:
        validate_shares(shares)
    except Invalid:
        return ""
    return as_text(Share(on, share) for on, share in shares)


def good_note(note: str) -> str:
    try:
        return str(validate_note(note))
    except ValidationError:
        return ""


def accounts_of_earlier(earlier: Import | None) -> dict[str, str]:
    """The assets of an earlier import by the keys of its accounts."""
    accounts = earlier.summary.get("accounts", ()) if earlier else ()
    return {account["key"]: account["asset_id"] for account in accounts if account["asset_id"]}
