"""Connects assets to the signals and registries of the layers below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig

if TYPE_CHECKING:
    from portfolios.models import Household


class AssetsConfig(AppConfig):
    name = "assets"

    def ready(self) -> None:
        # Models can be imported only when all apps are loaded.
        from assets import prices
        from assets.models import PriceLoad
        from assets.prices.store import OfLoads
        from assets.services import classification, undo
        from assets.valuation import registry
        from assets.valuation.sources import market_prices, market_upkeep, markets, snapshot_upkeep, snapshots
        from assets.valuation.sources.by_terms import depreciations, growths, indices, loans
        from portfolios.signals import household_created
        from strata.audit.tracking import register_derived

        def add_categories(household: Household, **kwargs: Any) -> None:
            classification.add_starter_categories(household)

        for model, derived in (*market_upkeep.MODELS, *snapshot_upkeep.MODELS):
            register_derived(model, derived)
        register_derived(PriceLoad, OfLoads())
        prices.register_hook(market_prices.HOOK)
        registry.register_manual(snapshots.SOURCE, points_sql=snapshots.SOURCE.points_sql)
        for computed in (loans, depreciations, growths, indices):
            registry.register(computed.SOURCE)
        registry.register_stored(markets.SOURCE)
        household_created.connect(add_categories, dispatch_uid="starter_categories", weak=False)
        undo.register()
