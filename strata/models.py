"""Where Django finds the kernel's own tables. Nothing else imports this: see the modules below."""

from strata.accounts.models import ApiToken, LoginCount, User
from strata.audit.models import Change, IdempotentAnswer

__all__ = ["ApiToken", "Change", "IdempotentAnswer", "LoginCount", "User"]
