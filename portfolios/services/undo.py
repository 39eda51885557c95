"""What holds for the undo of households, members and portfolios."""

from __future__ import annotations

from portfolios.models import Household, Invitation, Membership, Portfolio
from portfolios.services.portfolios import NAME_IS_TAKEN
from strata.audit.models import Action
from strata.audit.undo.rules import UndoRules, register_undo
from strata.tenancy.roles import OWNERS

MADE_OR_DELETED = frozenset({Action.CREATE, Action.DELETE})


def register() -> None:
    """A household's name may be undone; who is in it, and so its beginning and end, may not."""
    of_households = UndoRules(roles=OWNERS, impossible="MEMBERS", impossible_actions=MADE_OR_DELETED)
    register_undo(Household, of_households)
    for model in (Membership, Invitation):
        register_undo(model, UndoRules(roles=OWNERS, impossible="MEMBERS"))
    register_undo(Portfolio, UndoRules(duplicate=NAME_IS_TAKEN))
