"""Connects assets to the signals and registries of the layers below it."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    name = "assets"

    def ready(self):
        from assets.holdings.upkeep import OfActions, OfTransactions
        from assets.models import Asset, InstrumentAction, PriceLoad, Transaction
        from assets.prices.store import OfLoads
        from assets.services import classification, undo
        from assets.valuation import registry, upkeep
        from assets.valuation.sources import depreciations, growths, loans, snapshots
        from portfolios.models import Portfolio
        from portfolios.signals import household_created
        from strata.audit.tracking import register_derived

        def add_categories(household, **kwargs):
            classification.add_starter_categories(household)

        register_derived(Portfolio, upkeep.OfPortfolios())
        register_derived(Asset, upkeep.OfAssets())
        register_derived(InstrumentAction, OfActions())
        register_derived(Transaction, OfTransactions())
        register_derived(PriceLoad, OfLoads())
        register_derived(snapshots.Snapshots.model, snapshots.OfSnapshots())
        registry.register_manual(snapshots.SOURCE, points_sql=snapshots.SOURCE.points_sql)
        for computed in (loans, depreciations, growths):
            registry.register(computed.SOURCE)
        household_created.connect(add_categories, dispatch_uid="starter_categories", weak=False)
        undo.register()
