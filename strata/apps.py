"""Registers that users and tokens are never undone."""

from django.apps import AppConfig


class StrataConfig(AppConfig):
    name = "strata"

    def ready(self) -> None:
        # Models can be imported only when all apps are loaded.
        from strata.accounts.models import ApiToken, User
        from strata.audit.undo.rules import UndoRules, register_undo

        register_undo(User, UndoRules(impossible="USERS"))
        register_undo(ApiToken, UndoRules(impossible="TOKENS"))
