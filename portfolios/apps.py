"""Connects portfolios to the signals and registries of the kernel."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    name = "portfolios"

    def ready(self):
        from portfolios.services.households import household_at_login
        from portfolios.services.members import invitations_for
        from strata.signals import logged_in
        from strata.tenancy.invitations import register_invitations

        def make_first_household(user, **kwargs):
            household_at_login(user)

        logged_in.connect(make_first_household, dispatch_uid="first_household", weak=False)
        register_invitations(invitations_for)
