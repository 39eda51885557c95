"""loaddata: refused, with the reason."""

from django.core.management.commands import loaddata

from strata.commands import RefusedCommand


class Command(RefusedCommand, loaddata.Command):
    refusal = (
        "Nothing was loaded: the journal would not record it, and totals would be wrong. "
        "Restore a backup instead (docs/operations.md), or send the rows over the API."
    )
