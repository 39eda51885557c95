"""flush: refused, in words that say why."""

from django.core.management.commands import flush

from strata.commands import RefusedCommand


class Command(RefusedCommand, flush.Command):
    refusal = (
        "Nothing was deleted: the journal and the rates cannot be, and what migrations laid down would be lost. "
        "Begin with a new database instead (docs/operations.md)."
    )
