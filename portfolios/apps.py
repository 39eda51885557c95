"""Connects portfolios to the registries of the kernel."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    name = "portfolios"

    def ready(self) -> None:
        # Models can be imported only when all apps are loaded.
        from portfolios.services import undo
        from portfolios.services.members import invitations_for
        from strata.tenancy.invitations import register_invitations

        register_invitations(invitations_for)
        undo.register()
