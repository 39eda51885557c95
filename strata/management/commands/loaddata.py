"""loaddata: refused, in words that say why."""

from django.core.management.commands import loaddata

from strata.commands import RefusedCommand


class Command(RefusedCommand, loaddata.Command):
    refusal = (
        "Nothing was loaded: it would leave no trace in the journal, and old totals. "
        "Restore a backup instead (docs/operations.md), or send the rows over the API."
    )
