"""What portfolios does when something happens below it."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    name = "portfolios"

    def ready(self):
        from portfolios.households import first_household
        from strata.signals import logged_in

        def make_first_household(user, **kwargs):
            first_household(user)

        logged_in.connect(make_first_household, dispatch_uid="first_household", weak=False)
