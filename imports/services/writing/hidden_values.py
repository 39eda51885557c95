"""Writes the values of the new accounts of a large import before its commit: in steps, and where nobody sees them.

The commit then shows the assets, whatever their number of values, and writes the rest: rows of assets that are there,
bookings, prices. If it never comes, what was written is removed (strata.audit.hidden_writes, docs/decisions/0058).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from assets.models import Asset
from assets.services.hidden_assets import add_hiding_place, insert_hidden, show_hidden
from imports.models import Import, ImportBlock, ImportFile
from imports.services.blocks import BlockRow, WrittenBlocks, numbered_blocks
from imports.services.drafts import Draft, state_of_import
from imports.services.planning.known_rows import Written
from imports.services.writing.parents import Parents
from imports.services.writing.rows import days_by_asset, note_stated, record_items
from portfolios.models import Portfolio
from strata.audit import actor, deletions, hidden_writes
from strata.audit.models import Deletion
from strata.db.consistent_read import consistent_read
from strata.fields.ids import uuid7
from strata.tenancy.writes import Precondition, always

BLOCKS_AT_A_TIME = 4  # a quarter of a second of CPU
ASSETS_AT_A_TIME = 1_000
VALUE, ASSET = "value", "asset"


class Source(NamedTuple):
    """An import that will be committed, what its preview depends on, and its blocks.

    `version` is the import's `updated_at`, where it is stored already.
    """

    row: Import
    state: str
    blocks: Iterable[tuple[int, list[BlockRow]]]
    version: datetime | None = None

    @property
    def accounts(self) -> list[Mapping[str, Any]]:
        """The new accounts that have values of their own, and not those of a security."""
        return [
            account
            for account in self.row.summary["accounts"]
            if (new := account["new"]) and new.get("is_written") and not new["instrument"]
        ]

    @property
    def is_large(self) -> bool:
        rows: int = sum(account["rows"] for account in self.accounts)
        return rows > deletions.MOST_AT_ONCE


def source_of(import_id: UUID, *, precondition: Precondition = always) -> Source | None:
    """Of a preview that can be committed. None where the commit would refuse it, or has been done."""
    with consistent_read():
        previews = Import.objects.filter(pk=import_id, status=Import.Status.PREVIEW)
        row = previews.select_related("portfolio").first()
        if row is None:
            return None
        precondition(row)
        state = ImportFile.objects.filter(file_import=row).values_list("state", flat=True).first()
        is_open = any(question["required"] for question in row.summary["questions"])
        if is_open or state is None or state != state_of_import(row.portfolio, row.summary):
            return None
    return Source(row, state, numbered_blocks(row.pk), row.updated_at)


def source_of_draft(draft: Draft, import_id: UUID) -> Source:
    """Of a draft that will be stored and committed in one transaction, as the import with this id."""
    row = Import(
        pk=import_id, portfolio=draft.row.portfolio, summary=draft.row.summary, format=draft.row.format
    )
    return Source(row, draft.state, draft.blocks.blocks())


@contextmanager
def values_hidden(source: Source | None) -> Iterator[HiddenValues | None]:
    """Write what can be hidden of a large import. Inside the block it is committed, or everything is removed again.

    It must be in no transaction, because it needs many.
    """
    if source is None or not source.is_large:
        yield None
        return
    hidden = HiddenValues(source)
    try:
        with actor.caused_by(f"import:{source.row.pk}"):
            hidden.write()
        yield hidden
    finally:
        hidden.remove()


class HiddenValues:
    """Values of new assets that wait for the commit. `assets` has their ids, by the keys of the accounts."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.portfolio: Portfolio = source.row.portfolio
        self.holder_id = uuid7()
        self.assets: dict[str, UUID] = {}
        self.written: dict[UUID, Written] = {}
        self.values = 0
        self.blocks = WrittenBlocks()
        self.is_complete = False
        self._deletion: Deletion | None = None

    # --- before the commit ---

    def write(self) -> None:
        place = partial(add_hiding_place, self.portfolio, self.holder_id)
        deletion = self._deletion = hidden_writes.begin(self.holder_id, place, for_another=True)
        for accounts in batched(self.source.accounts, ASSETS_AT_A_TIME):
            hidden_writes.step(deletion.pk, partial(self.insert_assets, accounts))
        self.written = {pk: Written() for pk in self.assets.values()}
        try:
            for blocks in batched(self.source.blocks, BLOCKS_AT_A_TIME):
                self.write_blocks(deletion, blocks)
        except ImportBlock.DoesNotExist:  # the preview was changed or deleted meanwhile
            return
        self.is_complete = True

    def write_blocks(self, deletion: Deletion, blocks: Sequence[tuple[int, list[BlockRow]]]) -> None:
        items = [item for _, rows in blocks for record in rows for item in record["b"]]
        self.write_values(deletion, [item for item in items if self.has(item)])
        for first, rows in blocks:
            self.keep(first, rows)

    def insert_assets(self, accounts: Sequence[Mapping[str, Any]]) -> None:
        parents = Parents(self.portfolio)
        rows = [parents.without_labels(account, {}) for account in accounts]
        for account, asset in zip(accounts, insert_hidden(self.portfolio, self.holder_id, rows), strict=True):
            self.assets[account["key"]] = asset.pk

    def write_values(self, deletion: Deletion, items: list[dict[str, Any]]) -> None:
        if not items:
            return
        household_id = self.portfolio.household_id
        hidden_writes.step_for(deletion, household_id, partial(record_items, items, self.assets))
        self.values += len(items)
        for asset_id, ordinals in days_by_asset(items, self.assets).items():
            self.written[asset_id].days.add(ordinals)

    def keep(self, first: int, rows: list[BlockRow]) -> None:
        is_whole = all(map(self.is_written, rows))
        if is_whole:
            for record in rows:
                note_stated(record, self.source.row.format, self.assets, self.written.__getitem__)
                record["f"] = None
            for item in (item for record in rows for item in record["b"] if item["row_type"] == ASSET):
                item["id"] = str(self.assets[item["account"]])
        self.blocks.add(first, rows, is_whole=is_whole)

    def is_written(self, record: BlockRow) -> bool:
        """Whether all that the row becomes is written, and all that it says is about the hidden assets."""
        own = all(
            item.get("account") in self.assets and item["row_type"] in (VALUE, ASSET) for item in record["b"]
        )
        said = (account for name in "kh" for account, *_ in record.get(name, ()))
        return own and not record.get("x") and all(account in self.assets for account in said)

    def has(self, item: Mapping[str, Any]) -> bool:
        return item["row_type"] == VALUE and item["account"] in self.assets

    # --- the commit ---

    def fits(self, row: Import, file: ImportFile) -> bool:
        """Whether it is of this preview: somebody may have changed it meanwhile."""
        is_same = self.source.state == file.state and self.source.version in (None, row.updated_at)
        return self.is_complete and is_same

    def show(self, portfolio: Portfolio) -> dict[str, Asset]:
        """Show the assets in their portfolio, which is locked. By the keys of the accounts."""
        if self._deletion is not None:
            hidden_writes.end(self._deletion.pk)
        shown = show_hidden(portfolio, self.holder_id, self.values)
        return {key: shown[pk] for key, pk in self.assets.items()}

    def remove(self) -> None:
        """Remove what was not shown."""
        if self._deletion is not None:
            hidden_writes.remove(self._deletion.pk)
