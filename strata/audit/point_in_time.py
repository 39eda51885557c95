"""The past as it was known at an instant: for one request, every table shows its rows of that instant.

Statements stay as they are: the names of the tables mean other rows for the length of the block (strata.audit.past).
These are the rows that are older than the instant and unchanged since. For rows that were changed since, it is the
image in the first journal entry after the instant. A row that was deleted then, and that an undo restored since, is
left out.
All of it is in a transaction that is always rolled back, so the next request on the connection does not see it.
Memberships and users are those of today: who may see the present may see the past.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from strata.audit.clock import set_back
from strata.audit.past.lines import households_involved, models_touched
from strata.audit.past.statements import PAST_STATEMENTS
from strata.audit.past.tables import temporal_models
from strata.db.consistent_read import consistent_read, on_disk


@contextmanager
def as_known_at(to: datetime, user: Any) -> Iterator[None]:
    """Inside the block, reads see the user's households as they were known at `to`. Writes are rolled back."""
    with on_disk(), consistent_read(), set_back(to):  # rows that others change meanwhile would have no image
        try:
            households = households_involved(temporal_models(), to, user)
            touched = models_touched([model._meta.label for model in temporal_models()], to, households)
            with connection.cursor() as cursor:
                statements = PAST_STATEMENTS[connection.vendor](cursor, to, households, touched)
                with connection.execute_wrapper(statements):
                    yield
        finally:
            transaction.set_rollback(True)
