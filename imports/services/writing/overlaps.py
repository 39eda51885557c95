"""What other imports have written of the rows of an import that is undone.

Imports are undone in any order: what one of them has changed stays until it is undone itself, and the last of them
gives back what was there before all of them, also where an earlier one was undone first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from imports.formats.rows import RowType
from imports.models import Import, ImportedRows
from imports.services.blocks import blocks_of
from imports.services.planning.known_rows import used_by

type Record = dict[str, Any]  # what a row was before

SEVERAL = (RowType.VALUE.value, RowType.TRANSACTION.value)  # an import may change those of another


class Overlaps:
    """Read before the undo writes. What it reads are imports with rows of the same assets, in the same household."""

    def __init__(self, row: Import) -> None:
        self._row = row
        self._changed_later, self._next_before = self._changes_by_later_imports()
        self._before = self._what_was_before()

    def is_changed_later(self, pk: UUID) -> bool:
        """Whether an import that was committed later, and is not undone, has changed the row."""
        return pk in self._changed_later

    def before_the_change(self, pk: UUID) -> Record | None:
        """What the row was when the next import changed it: more than this one wrote, where somebody edited it."""
        return self._next_before.get(pk)

    def before(self, pk: UUID, recorded: Record | None) -> Record | None:
        """What the row was before this import, and before those that were undone since. None: it was not there."""
        return self._before.get(pk, recorded)

    def _others(self) -> Any:
        """Those that were committed, undone or not."""
        same_assets = ImportedRows.objects.filter(asset_id__in=used_by(self._row.pk))
        return Import.objects.filter(
            portfolio__household=self._row.portfolio.household_id,
            pk__in=same_assets.values("file_import"),
            committed_at__isnull=False,
        ).exclude(pk=self._row.pk)

    def _changes_by_later_imports(self) -> tuple[set[UUID], dict[UUID, Record]]:
        """The rows that later imports have changed, and what each was before the first of these changes.

        One that was undone before the next one was committed has changed nothing.
        """
        later = self._others().filter(committed_at__gte=self._row.committed_at)
        is_shared = later.filter(status=Import.Status.COMMITTED).exists()
        changed: set[UUID] = set()
        before: dict[UUID, tuple[Record, datetime | None]] = {}  # and when that import was undone
        for other in later.order_by("committed_at", "pk") if is_shared else ():
            for pk, record in changes_by(other) if has_changes(other) else ():
                first = before.get(pk)
                if first is None or (first[1] is not None and first[1] <= other.committed_at):
                    before[pk] = record, other.undone_at
                if other.status == Import.Status.COMMITTED:
                    changed.add(pk)
        return changed, {pk: record for pk, (record, _) in before.items()}

    def _what_was_before(self) -> dict[UUID, Record | None]:
        """Of the rows that this import has changed, where those before it were undone while it was not."""
        row, in_time = self._row, {"committed_at__lte": self._row.committed_at}
        undone_since = Q(status=Import.Status.UNDONE, undone_at__gte=row.committed_at)
        if not has_changes(row) or not self._others().filter(undone_since, **in_time).exists():
            return {}
        earlier = self._others().filter(**in_time).order_by("-committed_at", "-pk")
        return what_was_before({pk for pk, _ in changes_by(row)}, row, earlier)


def what_was_before(
    changed: Iterable[UUID], last: Import, earlier: Iterable[Import]
) -> dict[UUID, Record | None]:
    """Follow each of the rows back, through imports that are undone now, and were not when the next one was committed.

    `earlier` has the newest first.
    """
    since: dict[UUID, datetime | None] = dict.fromkeys(changed, last.committed_at)  # of the next import
    before: dict[UUID, Record | None] = {}
    for other in earlier:
        if not since:
            break
        for pk, record in records_of(other):
            committed_at = since.get(pk)
            if committed_at is None or (other.undone_at is not None and other.undone_at <= committed_at):
                continue
            if other.status == Import.Status.UNDONE:
                before[pk], since[pk] = record, other.committed_at
            if other.status == Import.Status.COMMITTED or record is None:
                del since[pk]
    return before


def has_changes(row: Import) -> bool:
    return any(row.result.get("updated", {}).values())


def changes_by(row: Import) -> Iterator[tuple[UUID, Record]]:
    return ((pk, record) for pk, record in records_of(row) if record is not None)


def records_of(row: Import) -> Iterator[tuple[UUID, Record | None]]:
    """The values and transactions that the import wrote, each with what it was before."""
    for _, rows in blocks_of(row.pk):
        for record in rows:
            for item in record["b"]:
                if item["row_type"] in SEVERAL and item["id"]:
                    yield UUID(item["id"]), item["before"]
