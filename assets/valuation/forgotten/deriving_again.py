"""Derives again what is forgotten, as soon as a report wants it and the database can be written."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import DatabaseError

from assets.models import Asset
from assets.valuation import registry, sql, upkeep
from assets.valuation.protocol import AssetValues
from strata.db.retry import is_in_transaction, run_in_transaction

log = logging.getLogger("strata.derived")


def derive_again(portfolio_ids: Collection[UUID]) -> bool:
    """Derive the data of the forgotten ones among the portfolios, each in a transaction. Returns whether none is left.

    In a transaction it does not try: that one may only read, or see an earlier state. Where the database cannot be
    written (a standby, a full disk) or another write takes too long, the portfolio stays as it is.
    """
    if is_in_transaction():
        return False
    try:
        for portfolio_id in sql.forgotten_among(portfolio_ids):
            run_in_transaction(partial(upkeep.derive_if_forgotten, portfolio_id))
    except DatabaseError as error:
        log.warning("derived data is not stored, as the database could not be written", exc_info=error)
        return False
    return True


def derive_again_of_assets(asset_ids: Collection[UUID]) -> bool:
    rows = Asset.objects.filter(pk__among=list(asset_ids)).order_by()
    return derive_again(set(rows.values_list("portfolio_id", flat=True)))


class MonthsReader(Protocol):
    """A function of sql that reads values in months."""

    def __call__(
        self, ids: Sequence[UUID], start: date, end: date, forgotten: list[UUID]
    ) -> Iterator[AssetValues]: ...


def stored_values(
    valuations: registry.Valuations, read: MonthsReader, start: date, end: date
) -> Iterator[AssetValues]:
    """The values in the derived table; those that are forgotten are read from their sources."""
    forgotten: list[UUID] = []
    yield from read([*valuations], start, end, forgotten)
    if forgotten and derive_again_of_assets(forgotten):
        ids, forgotten = forgotten, []
        yield from read(ids, start, end, forgotten)
    if forgotten:
        yield from registry.values({pk: valuations[pk] for pk in forgotten}, start, end)
