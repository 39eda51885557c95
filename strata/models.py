"""Django looks for the kernel's models here. Nothing else imports this module: see the modules below."""

from strata.accounts.models import ApiToken, LoginCount, User
from strata.audit.models import Deletion, IdempotentAnswer, JournalEntry

__all__ = ["ApiToken", "Deletion", "IdempotentAnswer", "JournalEntry", "LoginCount", "User"]
