"""Connects imports to the registries of the layers below it."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self) -> None:
        # Models can be imported only when all apps are loaded.
        from imports.menu import menu_links
        from imports.models import Import
        from strata.admin.sidebar import register_links
        from strata.audit.models import Action
        from strata.audit.undo.rules import UndoRules, register_undo

        register_links(menu_links)
        # What an import wrote is undone by the import. The undo of a deleted portfolio brings its imports back.
        by_itself = frozenset({Action.CREATE, Action.UPDATE})
        register_undo(Import, UndoRules(impossible="IMPORT", impossible_actions=by_itself))
