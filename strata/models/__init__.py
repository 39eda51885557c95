"""The kernel's own tables: users, tokens, counts of logins, the journal, and answers kept for repeated requests."""

from strata.models.change import Change
from strata.models.idempotency import IdempotentAnswer
from strata.models.login import LoginCount
from strata.models.token import ApiToken
from strata.models.user import User

__all__ = ["ApiToken", "Change", "IdempotentAnswer", "LoginCount", "User"]
