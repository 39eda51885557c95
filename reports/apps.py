"""Connects reports to the signals and registries of the layers below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import AppConfig

if TYPE_CHECKING:
    from assets.models import Asset, Category


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        # Models can be imported only when all apps are loaded.
        from assets.admin.asset.sections import register_section
        from assets.signals import asset_leaves_household, category_moves
        from reports.menu import menu_links
        from reports.performance.holding_section import holding_section
        from reports.services import allocation_targets, undo
        from strata.admin.sidebar import register_links

        def leaving(asset: Asset, **kwargs: Any) -> None:
            allocation_targets.targets_of_leaving_asset(asset)

        def moving(category: Category, parent_id: UUID | None, **kwargs: Any) -> None:
            allocation_targets.targets_beside_moving_category(category, parent_id)

        asset_leaves_household.connect(leaving, dispatch_uid="targets_of_leaving_asset", weak=False)
        register_links(menu_links)
        register_section(holding_section)
        category_moves.connect(moving, dispatch_uid="targets_beside_moving_category", weak=False)
        undo.register()
