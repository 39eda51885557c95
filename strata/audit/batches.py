"""The entry in the history of a portfolio for a write of many rows that are in it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Case, IntegerField, Value, When

from strata.audit.models import Action
from strata.audit.recording import is_unseen, write_journal
from strata.audit.tracking import TrackedModel


def record_batch(model: type[TrackedModel], counts: Mapping[UUID, int], action: Action) -> None:
    """Record for each of the rows how many rows below it were written. In one statement.

    The entry has the image of the row as any other has it, so that the past can be read across it. Where nobody sees
    the rows yet there is none: whoever shows them records them.
    """
    if counts and not is_unseen():
        rows = model._base_manager.filter(pk__among=list(counts))
        cases = [When(pk=pk, then=Value(count)) for pk, count in counts.items()]
        below = Case(*cases, output_field=IntegerField())
        write_journal(rows, action, number=len(counts), count=below)
