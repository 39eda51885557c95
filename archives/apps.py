"""Connects archives to the registries of the layers below it."""

from django.apps import AppConfig


class ArchivesConfig(AppConfig):
    name = "archives"

    def ready(self) -> None:
        # Models can be imported only when all apps are loaded.
        from archives.menu import household_links, menu_links
        from portfolios.household_links import register_household_links
        from strata.admin.sidebar import register_links

        register_links(menu_links)
        register_household_links(household_links)
