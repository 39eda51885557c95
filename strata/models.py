"""Where Django finds the kernel's own tables. Nothing else imports this: see the modules below."""

from strata.accounts.models import ApiToken, LoginCount, User
from strata.audit.models import IdempotentAnswer, JournalEntry

__all__ = ["ApiToken", "IdempotentAnswer", "JournalEntry", "LoginCount", "User"]
