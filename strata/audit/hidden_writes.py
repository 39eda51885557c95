"""Writing a household, or rows for another one, in steps: nobody sees it before the last one, and no step holds a lock
for long.

It has no members meanwhile, and a row of Deletion with `written_until`. Each step sets that to some time from now. If a
process dies, it passes, and the next command that finishes deletions removes what was written, its entries in the
journal too: for everybody else it was never there (docs/decisions/0046, 0047, 0058).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from strata.audit import deletions
from strata.audit.clock import begin_writing, written_at
from strata.audit.models import Deletion
from strata.audit.recording import Unseen, newest_entry, recorded_as, shared_write, signature
from strata.db.locks import lock_rows
from strata.db.retry import run_in_transaction
from strata.exceptions import Conflict
from strata.tenancy.guards import household_model

WRITTEN_FOR = timedelta(minutes=2)  # after its last step it counts as interrupted
INTERRUPTED = Conflict("INTERRUPTED", _("It took too long, and what was written is removed: try again."))


def begin(household_id: UUID, insert: Callable[[], object], *, for_another: bool = False) -> Deletion:
    """The first step: `insert` the household itself. The next steps have to name what is returned.

    `for_another`: its rows become those of another household in the last step, and their entries are of that one. Then
    each entry must have the `write_id` of what is returned.
    """
    stored: list[Deletion] = []

    def work() -> None:
        insert()
        stored[:] = [
            Deletion.objects.create(
                model=household_model()._meta.label,
                object_id=household_id,
                holder_id=household_id,
                at=written_at(),
                written_until=timezone.now() + WRITTEN_FOR,
                journal_after=newest_entry(),
                write_id=shared_write(signature()) if for_another else None,
                **signature(),
            )
        ]

    run_in_transaction(work)
    return stored[0]


def step(write_id: UUID, work: Callable[[], object]) -> None:
    """Do a part of the work in a transaction of its own, which may begin again after a deadlock. Then let others write.

    Raises INTERRUPTED where it was removed, or may be at any time.
    """

    def guarded() -> None:
        rows = held(write_id)
        rows.update(written_until=timezone.now() + WRITTEN_FOR)
        work()

    deletions.step_of_many(guarded)


def step_for(hidden: Deletion, household_id: UUID, work: Callable[[], object]) -> None:
    """As `step`, of what `begin` began `for_another`: this household. New rows are written at its instant, and have
    their entries at once; rows that are there may not be changed.
    """
    if hidden.write_id is None:
        raise TypeError("It was not begun for another household.")
    unseen = Unseen(household_id, hidden.write_id)

    def signed() -> None:
        begin_writing(hidden.at)
        with recorded_as(unseen):
            work()

    step(hidden.pk, signed)


def end(write_id: UUID) -> None:
    """In the transaction of the last step, which gives the household its members."""
    held(write_id).delete()


def held(write_id: UUID) -> Any:
    rows = Deletion.objects.filter(pk=write_id)
    lock_rows(rows)
    if not rows.filter(written_until__gt=timezone.now()).exists():
        raise INTERRUPTED
    return rows


def remove(write_id: UUID) -> None:
    """Remove what was written, step by step, unless the last step was done."""
    Deletion.objects.filter(pk=write_id).update(written_until=timezone.now())
    deletions.finish(write_id)
