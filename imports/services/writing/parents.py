"""Makes what the rows of an import belong to: instruments, assets with their labels. What is there already is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from assets.models import Asset, Category, Tag
from assets.models.asset import Valuation
from assets.services.assets import NewAsset, create_assets
from assets.services.classification import create_category, create_tag
from assets.services.entries.disposal import dispose
from assets.services.instruments.instruments import create_instrument
from assets.services.labels import set_first_labels
from imports.services.planning.accounts import type_ids_of
from portfolios.models import Portfolio
from strata.fields.names import name_key


class Parents:
    """`made` has the ids of what this import makes, by kind."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.type_ids = type_ids_of(portfolio.household_id)
        self.made: dict[str, list[UUID]] = {"asset": [], "instrument": [], "category": [], "tag": []}
        self._tags: dict[str, UUID] | None = None
        self._categories: dict[tuple[UUID | None, str], UUID] | None = None

    def instrument(self, record: Mapping[str, Any]) -> UUID:
        if record["instrument_id"]:
            return UUID(record["instrument_id"])
        created = create_instrument(self.portfolio.household_id, **record["values"])
        self.made["instrument"].append(created.pk)
        return created.pk

    def assets(
        self, accounts: Sequence[Mapping[str, Any]], instrument_ids: Mapping[str, UUID]
    ) -> list[Asset]:
        """A new asset for each of the accounts."""
        if not accounts:
            return []
        assets = create_assets(
            self.portfolio.pk, [self.new_asset(account, instrument_ids) for account in accounts]
        )
        self.made["asset"] += [asset.pk for asset in assets]
        return assets

    def label(self, asset: Asset, account: Mapping[str, Any]) -> None:
        """Give an asset that was made before, and is new, the labels of its account."""
        self.made["asset"].append(asset.pk)
        categories, tags = self.labels(account["new"])
        if categories or tags:
            set_first_labels(asset, category_ids=categories, tag_ids=tags)

    def labels(self, new: Mapping[str, Any]) -> tuple[list[UUID], list[UUID]]:
        """Categories and tags. Those that are not there are made."""
        return [self.category(path) for path in new["categories"]], [self.tag(name) for name in new["tags"]]

    def new_asset(self, account: Mapping[str, Any], instrument_ids: Mapping[str, UUID]) -> NewAsset:
        categories, tags = self.labels(account["new"])
        return self.without_labels(account, instrument_ids)._replace(category_ids=categories, tag_ids=tags)

    def without_labels(self, account: Mapping[str, Any], instrument_ids: Mapping[str, UUID]) -> NewAsset:
        """With an instrument it is valued at market price."""
        new = account["new"]
        columns: dict[str, Any] = {"notes": new["notes"], "institution": new["institution"]}
        if new["instrument"]:
            columns |= {"instrument_id": instrument_ids[new["instrument"]], "valuation": Valuation.MARKET}
        elif new.get("shares"):
            columns["shares"] = new["shares"]
        if new["quantity"]:
            columns["quantity"] = Decimal(new["quantity"])
        if new["acquired_on"]:
            columns["acquired_on"] = date.fromisoformat(new["acquired_on"])
        return NewAsset(
            account["name"],
            self.type_ids[account["asset_type"]],
            account["currency"],
            columns=columns,
        )

    def tag(self, name: str) -> UUID:
        household_id = self.portfolio.household_id
        if self._tags is None:
            rows = Tag.objects.filter(household=household_id).order_by("-pk")
            self._tags = {name_key(row.name): row.pk for row in rows}
        key = name_key(name)
        if key not in self._tags:
            self._tags[key] = create_tag(household_id, name=name).pk
            self.made["tag"].append(self._tags[key])
        return self._tags[key]

    def category(self, path: Sequence[str]) -> UUID:
        """The category at the end of the path, which begins at the top."""
        household_id = self.portfolio.household_id
        if self._categories is None:
            rows = Category.objects.filter(household=household_id).order_by("-pk")
            self._categories = {(row.parent_id, name_key(row.name)): row.pk for row in rows}
        parent: UUID | None = None
        for name in path:
            key = parent, name_key(name)
            if key not in self._categories:
                created = create_category(household_id, name=name, parent_id=parent)
                self._categories[key] = created.pk
                self.made["category"].append(created.pk)
            parent = self._categories[key]
        if parent is None:
            raise ValueError("a path has at least one name")
        return parent


def dispose_of(asset_id: UUID, new: Mapping[str, Any]) -> None:
    """Dispose of a new asset that the file says was sold or given away. Its rows are written before."""
    if new["disposed_on"]:
        proceeds = Decimal(new["proceeds"]) if new["proceeds"] else None
        dispose(asset_id, on=date.fromisoformat(new["disposed_on"]), proceeds=proceeds)
