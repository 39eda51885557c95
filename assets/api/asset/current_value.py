"""How assets are read: each with its value on the day of `?on=`, by default today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from django.db.models import QuerySet
from django.utils.functional import cached_property

from assets.api.asset import rows as asset_rows
from assets.api.asset.rows import AssetRow
from assets.models import Asset
from assets.models.querysets import TIME_ZONES_OF_USER, AssetQuerySet, same_today
from assets.services.equity import with_collateral
from assets.valuation import with_current_value
from strata.api.parameters import is_ordered_by
from strata.api.viewsets import ListMixin
from strata.audit import clock
from strata.db.errors.references import raise_broken_references
from strata.exceptions import NotFound
from strata.fields.dates import local_day


def day_scope(user: Any, on: date | None = None) -> dict[str, Any]:
    """What current values depend on: the day, by default today. The zones in place of it, where today is two days."""
    zones = frozenset(() if on else TIME_ZONES_OF_USER(user.pk))
    day = on or same_today(zones)
    return {"on": day} if day else {"zones": zones}


class CurrentValueMixin(ListMixin):
    """Adds the value to the rows of a viewset of assets. A list reads columns, a single asset is a model."""

    @classmethod
    def rows_for(cls, user: Any, **scope: Any) -> QuerySet[Asset]:
        """Without a scope: the assets without their values."""
        rows = cast("AssetQuerySet[Asset]", super().rows_for(user).order_by("name_key", "id"))
        return with_collateral(with_current_value(rows, **scope)) if scope else rows

    @cached_property
    def scope(self) -> dict[str, Any]:
        if self.action == "history":
            return {}  # it needs only to know that the row exists
        in_sql = {"in_sql": True} if is_ordered_by(self.request, "current_value") else {}
        return day_scope(self.request.user, self.on) | in_sql

    @classmethod
    def columns_for_list(cls, rows: QuerySet[Asset]) -> QuerySet[Any, Any]:
        return rows.values_list(*asset_rows.COLUMNS)

    def page_as_json(self, page: list[Any]) -> list[dict[str, Any]]:
        assets = asset_rows.as_json(asset_rows.with_other_values(AssetRow(*row) for row in page))
        if not self.table_format:  # it has no pages
            asset_rows.refuse_large(assets)
        return assets

    def as_json(self, row: Asset) -> Mapping[str, Any]:
        """The row is read again: as a service returns it, it has no value. Today is a day of its own portfolio."""
        self.scope = {"on": self.on or local_day(clock.now(), row.portfolio.time_zone)}
        try:
            row = self.get_row(row.pk)
        except NotFound:
            # Another request may have deleted its type, which no lock guards because all households share it.
            raise_broken_references()
            raise
        return super().as_json(row)
