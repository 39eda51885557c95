"""Django looks for the kernel's models here. Nothing else imports this module: see the modules below."""

from strata.accounts.models import ApiToken, LoginCount, User
from strata.audit.models import IdempotentAnswer, JournalEntry

__all__ = ["ApiToken", "IdempotentAnswer", "JournalEntry", "LoginCount", "User"]
