"""Row locks in one order, so that no two writers wait for each other (docs/decisions/0009).

Every write locks in this order, and nothing below a portfolio by itself:

    0  the idempotency key (a named lock, before the transaction), then its row
    1  the table of exchange rates, only where rates are added
    2  the user
    3  households, by id
    4  portfolios, by id

A login locks its account's count (strata.accounts.lockout) before all of these; nothing else does.
"""

from __future__ import annotations

from typing import Any

from django.db import models


def lock_rows(rows: models.QuerySet) -> list[Any]:
    """Lock the rows in the order of their keys, until the transaction ends; the keys of those that are there.

    FOR NO KEY UPDATE: the foreign keys of what others write below these rows are checked when those commit, which
    would wait for a plain FOR UPDATE while its holder waits for them. No joins: a locking read through a join that
    waited sees the old row and drops it. On SQLite, where writers queue by whole transactions, it only reads.
    """
    plain = rows.order_by("pk").select_for_update(no_key=True)
    return list(plain.values_list("pk", flat=True))
