"""What imports have written of each asset: days with values and references of transactions, packed.

A row that an import wrote, and that was deleted since, is not written again. Among the references are the quantities
that a file says are held: they hold for all files, in whatever order these are imported.
"""

from __future__ import annotations

import json
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from imports.models import Import, ImportedRows
from portfolios.models import Portfolio
from strata.fields.numbers import plain

MARK = "\t"  # no reference has it
STATED, RANKED = f"held{MARK}", f"rank{MARK}"


class Days:
    """Days as ordinals, each in four bytes: a set of a million takes a hundred MB."""

    def __init__(self) -> None:
        self._ordinals, self._is_sorted = array("i"), True

    def add(self, ordinals: Iterable[int]) -> None:
        self._ordinals.extend(ordinals)
        self._is_sorted = False

    def __iter__(self) -> Iterator[int]:
        """Each once, in order."""
        if not self._is_sorted:
            self._ordinals, self._is_sorted = array("i", sorted(set(self._ordinals))), True
        return iter(self._ordinals)

    def __contains__(self, ordinal: int) -> bool:
        iter(self)
        place = bisect_left(self._ordinals, ordinal)
        return place < len(self._ordinals) and self._ordinals[place] == ordinal


@dataclass(slots=True)
class Written:
    """Of one asset."""

    days: Days = field(default_factory=Days)
    references: set[str] = field(default_factory=set)
    made_asset: bool = False
    stated: dict[date, Decimal] = field(default_factory=dict)  # what is held at the end of a day
    ranks: dict[tuple[str, date], str] = field(default_factory=dict)  # of balances, by the format of the file

    def rank(self, format_name: str, on: date, rank: str) -> None:
        """The highest one counts."""
        key = format_name, on
        self.ranks[key] = max(rank, self.ranks.get(key, ""))


def known_rows(asset_ids: Collection[UUID], *, without: UUID | None = None) -> dict[UUID, Written]:
    """What committed imports that were not undone have written of these assets, but for the import `without`."""
    known: dict[UUID, Written] = {}
    committed = Import.objects.filter(status=Import.Status.COMMITTED)
    if without is not None:
        committed = committed.exclude(pk=without)
    rows = ImportedRows.objects.filter(asset_id__in=list(asset_ids), file_import__in=committed.values("pk"))
    in_order = rows.order_by("file_import__committed_at", "file_import_id")
    for asset_id, days, references in in_order.values_list("asset_id", "days", "references"):
        written = known.setdefault(asset_id, Written())
        written.days.add(_unpacked(days))
        for reference in _unpacked(references):
            if reference.startswith(STATED):
                _, on, quantity = reference.split(MARK)
                written.stated[date.fromisoformat(on)] = Decimal(quantity)
            elif reference.startswith(RANKED):
                _, format_name, on, rank = reference.split(MARK)
                written.rank(format_name, date.fromisoformat(on), rank)
            else:
                written.references.add(reference)
    return known


def cancelled_before(portfolio: Portfolio, format_name: str) -> frozenset[tuple[str, str]]:
    """The bookings, by account and reference, that files of this format have cancelled."""
    committed = Import.objects.filter(portfolio=portfolio, format=format_name, status=Import.Status.COMMITTED)
    results = committed.order_by().values_list("result", flat=True)
    return frozenset((key, reference) for result in results for key, reference in result.get("cancelled", ()))


def remember(import_id: UUID, written: dict[UUID, Written]) -> None:
    ImportedRows.objects.bulk_create(
        ImportedRows(
            file_import_id=import_id,
            asset_id=asset_id,
            made_asset=rows.made_asset,
            days=_packed(rows.days),
            references=_packed(
                sorted([*rows.references, *stated_texts(rows.stated), *ranked_texts(rows.ranks)])
            ),
        )
        for asset_id, rows in written.items()
    )


def stated_texts(stated: Mapping[date, Decimal]) -> list[str]:
    return [f"{STATED}{on}{MARK}{plain(quantity)}" for on, quantity in stated.items()]


def ranked_texts(ranks: Mapping[tuple[str, date], str]) -> list[str]:
    return [f"{RANKED}{format_name}{MARK}{on}{MARK}{rank}" for (format_name, on), rank in ranks.items()]


def forget(import_id: UUID) -> None:
    """Undone: what it wrote may be written again. Which assets it made stays known: the last user removes them."""
    ImportedRows.objects.filter(file_import_id=import_id).update(days=_packed([]), references=_packed([]))


def made_by_imports(asset_ids: Collection[UUID]) -> set[UUID]:
    """Those of the assets that an import made."""
    rows = ImportedRows.objects.filter(asset_id__in=list(asset_ids), made_asset=True)
    return set(rows.values_list("asset_id", flat=True))


def made_by(import_id: UUID) -> set[UUID]:
    """What the import made: assets, instruments, categories and tags."""
    return set(made_by_any([import_id]).values_list("asset_id", flat=True))


def made_by_any(import_ids: Collection[UUID]) -> QuerySet[ImportedRows]:
    return ImportedRows.objects.filter(file_import_id__in=list(import_ids), made_asset=True)


def undone_beside(row: Import) -> list[UUID]:
    """The undone imports of the household that made or used something that this one made or used."""
    own = ImportedRows.objects.filter(file_import_id=row.pk)
    beside = ImportedRows.objects.filter(asset_id__in=own.values("asset_id"))
    undone = Import.objects.filter(
        portfolio__household=row.portfolio.household_id,
        status=Import.Status.UNDONE,
        pk__in=beside.values("file_import"),
    )
    return list(undone.order_by().values_list("pk", flat=True))


def used_by(import_id: UUID) -> list[UUID]:
    """The assets that the import wrote rows of, or made."""
    return list(ImportedRows.objects.filter(file_import_id=import_id).values_list("asset_id", flat=True))


def _packed(values: Iterable[int | str]) -> bytes:
    return zlib.compress(json.dumps(list(values), separators=(",", ":")).encode(), 6)


def _unpacked(data: Any) -> list:  # type: ignore[type-arg]  # of numbers or of texts
    values: list = json.loads(zlib.decompress(bytes(data)))  # type: ignore[type-arg]
    return values
