"""What assets does when something happens below it."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    name = "assets"

    def ready(self):
        from assets import derived, seeds
        from assets.models import Asset, AssetSnapshot
        from portfolios.models import Portfolio
        from portfolios.signals import household_created
        from strata.history import register_derived

        def furnish(household, **kwargs):
            seeds.give_starter_categories(household)

        register_derived(Portfolio, derived.OfPortfolios())
        register_derived(Asset, derived.OfAssets())
        register_derived(AssetSnapshot, derived.OfSnapshots())
        household_created.connect(furnish, dispatch_uid="starter_categories", weak=False)
