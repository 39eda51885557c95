"""Whether a shared instrument of this database gives the same figures as that of an archive, at any instant.

Its prices, its splits and what a price is are compared as they were when the archive was written, each with the instant
since when it is known: from other ones the restored household would have other values, now or in its past.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from archives.rows.lines import lines_of
from archives.rows.tables import Row
from assets.models import Instrument, InstrumentAction, PriceBlock, PriceLoad

OF_INSTRUMENT = ("quote_unit", "max_age_days", "created_at")
OF_LOAD = ("created_at", "split_adjusted", "adjusted_to", "withdrawn_at")
OF_BLOCK = ("year", "first_day", "days", "scale", "width", "prices")
OF_ACTION = (
    "type",
    "on",
    "numerator",
    "denominator",
    "cost_ratio",
    "cash",
    "cash_cost_ratio",
    "amount",
    "created_at",
)

ARCHIVED_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Figures:
    """Sums of what decides the figures of some instruments, from rows as an archive has them, in its order."""

    def __init__(self, names: dict[str, str], as_of: datetime) -> None:
        """`names` are what the instruments are called here, by their ids in the rows."""
        self._names, self._as_of = names, as_of.astimezone(UTC).strftime(ARCHIVED_INSTANT)
        self._loads: dict[str, bytes] = {}
        self._sums = {name: hashlib.blake2b() for name in names.values()}
        self.becomes: dict[str, set[str]] = {name: set() for name in names.values()}

    def see(self, model: type[models.Model], row: Row) -> None:
        if model is PriceLoad:
            self._loads[row["id"]] = digest(self._as_it_was(row), OF_LOAD)
        elif model is Instrument:
            self._add(row["id"], digest(row, OF_INSTRUMENT))
        elif model is PriceBlock:
            self._add(row["instrument_id"], self._loads.get(row["load_id"], b"") + digest(row, OF_BLOCK))
        elif model is InstrumentAction:
            into = str(row.get("to_instrument_id"))
            into = self._names.get(into, into)
            self._add(row["instrument_id"], into.encode() + digest(row, OF_ACTION))
            if row["instrument_id"] in self._names and into in self._sums:
                self.becomes[self._names[row["instrument_id"]]].add(into)

    def _as_it_was(self, load: Row) -> Row:
        withdrawn_at = load.get("withdrawn_at")
        is_later = isinstance(withdrawn_at, str) and withdrawn_at > self._as_of
        return {**load, "withdrawn_at": None} if is_later else load

    def _add(self, old: str, data: bytes) -> None:
        if old in self._names:
            self._sums[self._names[old]].update(data)

    def differing(self, others: Figures) -> set[str]:
        """The instruments with other figures, and those that become one of them: its shares would go elsewhere."""
        differing = {name for name, own in self._sums.items() if own.digest() != others._sums[name].digest()}
        while more := {name for name, into in self.becomes.items() if into & differing} - differing:
            differing |= more
        return differing


def digest(row: Row, names: Iterable[str]) -> bytes:
    values = json.dumps([row.get(name) for name in names])
    return hashlib.blake2b(values.encode(), digest_size=16).digest()


def figures_here(instrument_ids: list[UUID], as_of: datetime) -> Figures:
    """Of shared instruments of this database, as far as they were known at the instant."""
    figures = Figures({str(pk): str(pk) for pk in instrument_ids}, as_of)
    for rows in shared_rows(instrument_ids, as_of):
        for block in lines_of(rows):
            for line in block:
                figures.see(rows.model, json.loads(line))
    return figures


def shared_rows(instrument_ids: list[UUID], as_of: datetime) -> Iterator[QuerySet[Any]]:
    blocks = PriceBlock.objects.filter(
        load__household=None, load__created_at__lte=as_of, instrument__pk__among=instrument_ids
    )
    actions = InstrumentAction.objects.filter(
        household=None, created_at__lte=as_of, instrument__pk__among=instrument_ids
    )
    yield Instrument.objects.filter(pk__among=instrument_ids).order_by("pk")
    yield PriceLoad.objects.filter(pk__in=blocks.order_by().values("load")).order_by("pk")
    yield blocks.order_by("pk")
    yield actions.order_by("pk")
