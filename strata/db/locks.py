"""Row locks in one order, so that no two writers wait for each other (docs/decisions/0009).

Every write locks in this order. Rows in a portfolio are not locked themselves:

    0  the idempotency key (a named lock, before the transaction), then its row
    1  the table of exchange rates, only where rates are added
    2  the user
    3  households, by id
    4  portfolios, by id
    5  instruments, by id, where their prices are written, or where an asset begins to have its values from them

A login locks its account's count (strata.accounts.lockout) before all of these; nothing else does.
"""

from __future__ import annotations

from typing import Any

from django.db import models


def lock_rows(rows: models.QuerySet[models.Model]) -> list[Any]:
    """Lock the rows in the order of their keys until the transaction ends. Returns the keys of the existing rows.

    FOR NO KEY UPDATE: when others insert children of these rows, their foreign keys are checked at COMMIT. This check
    would wait for a plain FOR UPDATE, whose holder may be waiting for them. No joins: after a wait, a locking read
    through a join still sees the old row and drops it. On SQLite, where only one transaction writes at a time, this
    only reads.
    """
    plain = rows.order_by("pk").select_for_update(no_key=True)
    return list(plain.values_list("pk", flat=True))
