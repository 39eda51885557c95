"""finish_deletions: removes what large deletions have hidden."""

from __future__ import annotations

from typing import Any

from strata.audit import deletions
from strata.commands import StrataCommand


class Command(StrataCommand):
    help = (
        "Remove the rows of large deletions, in steps that no other write has to wait for. The server starts it after "
        "such a deletion. Where it was interrupted, take_snapshots, rebuild and others continue: it is rarely run by "
        "hand."
    )
    examples = ("finish_deletions",)

    def handle(self, *args: Any, **options: Any) -> None:
        count = deletions.unfinished().count()
        removed = deletions.finish_all()
        self.say(f"deletions: {count}, rows removed: {removed}")
