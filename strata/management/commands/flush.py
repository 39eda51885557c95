"""flush: refused, with the reason."""

from django.core.management.commands import flush

from strata.commands import RefusedCommand


class Command(RefusedCommand, flush.Command):
    refusal = (
        "Nothing was deleted: the journal and the rates cannot be deleted, and rows that migrations added would be "
        "lost. Create a new database instead (docs/operations.md)."
    )
