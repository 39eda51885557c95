"""Which asset an account of a file is: as a person said, as an earlier import had it, or by name and currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext

from assets.models import Asset, AssetType
from imports.formats.rows import Account
from imports.models import Import
from portfolios.models import Portfolio
from strata.exceptions import Invalid, NotFound
from strata.fields.names import name_key


@dataclass(slots=True)
class AccountPlan:
    """What becomes of an account: the asset that it is, or the new one that it will be."""

    account: Account
    name: str
    asset_type: str
    asset: Asset | None = None
    sign: int = 1
    is_skipped: bool = False
    rows: int = 0
    first_on: date | None = None
    last_on: date | None = None
    is_written: bool = False

    def saw(self, on: date) -> None:
        self.rows += 1
        self.first_on = on if self.first_on is None else min(on, self.first_on)
        self.last_on = on if self.last_on is None else max(on, self.last_on)

    def as_json(self) -> dict[str, Any]:
        asset = self.asset
        return {
            "key": self.account.key,
            "name": self.name,
            "currency": self.account.currency,
            "asset_id": str(asset.pk) if asset else None,
            "asset_type": self.asset_type,
            "instrument_id": str(asset.instrument_id) if asset and asset.instrument_id else None,
            "rows": self.rows,
            "first_on": self.first_on.isoformat() if self.first_on else None,
            "last_on": self.last_on.isoformat() if self.last_on else None,
            "net": None,
        }


@dataclass(slots=True)
class Accounts:
    """The accounts of a file, planned as they appear."""

    portfolio: Portfolio
    options: Mapping[str, Mapping[str, Any]]
    earlier: Mapping[str, str] = field(default_factory=dict)  # asset ids of an earlier import, by key
    single: Any = None  # options.account
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
        types = AssetType.objects.filter(Q(household=None) | Q(household_id=self.portfolio.household_id))
        self.type_ids = {
            code: pk for pk, code, _ in sorted(types.values_list("pk", "code", "household_id"), key=str)
        }

    def plan(self, account: Account) -> AccountPlan:
        plan = self.plans.get(account.key)
        if plan is None:
            plan = self.plans[account.key] = self._planned(account)
        return plan

    def _planned(self, account: Account) -> AccountPlan:
        options = self.options.get(account.key, {})
        name = options.get("name") or account.name
        asset = self._asset(account, name, options)
        asset_type = asset.asset_type.code if asset else options.get("asset_type") or account.asset_type
        if asset_type not in self.type_ids:
            raise Invalid(
                "options.accounts", gettext("There is no such type: %(code)s.") % {"code": asset_type}
            )
        sign = -1 if options.get("sign") == "-" else 1
        return AccountPlan(account, name, asset_type, asset, sign, bool(options.get("skip")))

    def _asset(self, account: Account, name: str, options: Mapping[str, Any]) -> Asset | None:
        chosen = options.get("asset_id")
        if chosen is None and isinstance(self.single, Mapping):
            chosen = self.single["asset_id"]
        if chosen:
            return self._chosen(UUID(chosen), account.currency)
        earlier = self._assets.get(UUID(self.earlier[account.key])) if account.key in self.earlier else None
        if earlier is not None and earlier.currency == account.currency and not options.get("name"):
            return earlier
        same = self._by_name.get((name_key(name), account.currency), [])
        return same[0] if len(same) == 1 else None

    def _chosen(self, pk: UUID, currency: str) -> Asset:
        asset = self._assets.get(pk)
        if asset is None:
            raise NotFound("asset", "options.accounts")
        if currency and asset.currency != currency:
            message = gettext("The asset is in %(currency)s.") % {"currency": asset.currency}
            raise Invalid("options.accounts", message)
        return asset

    def refuse_unknown_keys(self) -> None:
        """Options of accounts that the file does not have are mistakes."""
        if unknown := self.options.keys() - self.plans.keys():
            message = gettext("The file has no account %(key)s.") % {"key": sorted(unknown)[0][:200]}
            raise Invalid("options.accounts", message, "unknown")


def accounts_of_earlier(earlier: Import | None) -> dict[str, str]:
    """The assets of an earlier import by the keys of its accounts."""
    accounts = earlier.summary.get("accounts", ()) if earlier else ()
    return {account["key"]: account["asset_id"] for account in accounts if account["asset_id"]}
