"""Django looks for the kernel's models here. Nothing else imports this module: see the modules below."""

from strata.accounts.models import ApiToken, LoginCount, User
from strata.audit.models import Deletion, HistoryEntry, IdempotentAnswer, JournalEntry, JournalWrite
from strata.db.write_format.models import DatabaseFormat

__all__ = [
    "ApiToken",
    "DatabaseFormat",
    "Deletion",
    "HistoryEntry",
    "IdempotentAnswer",
    "JournalEntry",
    "JournalWrite",
    "LoginCount",
    "User",
]
