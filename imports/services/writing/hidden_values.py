"""Writes the rows of the new accounts of a large import before its commit: in steps, and where nobody sees them.

The commit then shows the assets, whatever their number of values and bookings, and writes the rest: rows of assets that
are there, transfers, prices. If it never comes, what was written is removed (strata.audit.hidden_writes,
docs/decisions/0058). Rows of assets that are there are prepared before it, so that it only inserts and updates (0061).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from assets.models import Asset
from assets.services.entries import prepared_batches
from assets.services.entries.prepared_batches import PreparedTransactions, PreparedValues, SameRow
from assets.services.hidden_assets import add_hiding_place, insert_hidden, show_hidden
from assets.valuation import valued_by_hand_alone
from imports.models import Import, ImportBlock, ImportFile
from imports.services.blocks import BlockRow, WrittenBlocks, numbered_blocks
from imports.services.drafts import Draft, state_of_import
from imports.services.planning.decisions import TRANSFER
from imports.services.planning.known_rows import Written
from imports.services.writing.parents import Parents
from imports.services.writing.rows import (
    add_bookings,
    days_by_asset,
    note_ids,
    note_ids_of_bookings,
    note_stated,
    record_items,
    references_by_asset,
    transaction_rows,
    value_rows,
)
from portfolios.models import Portfolio
from strata.audit import actor, deletions, hidden_writes
from strata.audit.models import Action, Deletion
from strata.db.consistent_read import consistent_read
from strata.exceptions import StrataError
from strata.fields.ids import uuid7
from strata.tenancy.writes import Precondition, always

BLOCKS_AT_A_TIME = 4  # of values a quarter of a second of CPU
BOOKINGS_AT_A_TIME = 2_000  # the same
PREPARED_AT_A_TIME = 10  # blocks
ASSETS_AT_A_TIME = 1_000
VALUE, ASSET, BOOKING = "value", "asset", "transaction"


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
        """The new accounts that have rows of their own, and not those of a security."""
        return [
            account
            for account in self.row.summary["accounts"]
            if (new := account["new"]) and new.get("is_written") and not new["instrument"]
        ]

    @property
    def stored_assets(self) -> dict[str, UUID]:
        """The assets that are there already, by the keys of their accounts."""
        return {
            account["key"]: UUID(account["asset_id"])
            for account in self.row.summary["accounts"]
            if account["asset_id"]
        }

    @property
    def stored_rows(self) -> int:
        """How many rows are about them."""
        return sum(account["rows"] for account in self.row.summary["accounts"] if account["asset_id"])

    @property
    def fits_in_memory(self) -> bool:
        """Whether the rows of assets that are there can be prepared: these are in memory until the commit."""
        return self.stored_rows <= prepared_batches.MOST_ROWS

    @property
    def is_large(self) -> bool:
        rows: int = sum(account["rows"] for account in self.accounts)
        return rows + self.stored_rows > deletions.MOST_AT_ONCE


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
    """Write what can be hidden of a large import, and prepare rows of assets that are there. Inside the block it is
    committed, or everything is removed again.

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
    """Rows that wait for the commit: those of new assets are written, of others prepared.

    `assets` has the ids of the new assets, by the keys of the accounts.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.portfolio: Portfolio = source.row.portfolio
        self.holder_id = uuid7()
        self.assets: dict[str, UUID] = {}
        self.stored_assets: dict[str, UUID] = {}  # those whose rows are prepared
        self.prepared = PreparedValues(self.portfolio)
        self.prepared_bookings = PreparedTransactions(self.portfolio)
        self.written: dict[UUID, Written] = defaultdict(Written)
        self.made: Counter[str] = Counter()  # what new assets have, by the types of rows
        self.blocks = WrittenBlocks()
        self.is_complete, self.is_prepared = False, True
        self._deletion: Deletion | None = None

    # --- before the commit ---

    def write(self) -> None:
        try:
            if self.source.accounts:
                self.write_hidden()
                self.prepare(self.blocks.not_whole())
            else:
                self.prepare(self.source.blocks)
        except ImportBlock.DoesNotExist:  # the preview was changed or deleted meanwhile
            return
        self.is_complete = self.is_prepared

    def write_hidden(self) -> None:
        place = partial(add_hiding_place, self.portfolio, self.holder_id)
        deletion = self._deletion = hidden_writes.begin(self.holder_id, place, for_another=True)
        for accounts in batched(self.source.accounts, ASSETS_AT_A_TIME):
            hidden_writes.step(deletion.pk, partial(self.insert_assets, accounts))
        for pk in self.assets.values():
            self.written[pk] = Written()
        for blocks in batched(self.source.blocks, BLOCKS_AT_A_TIME):
            self.write_blocks(deletion, blocks)

    def write_blocks(self, deletion: Deletion, blocks: Sequence[tuple[int, list[BlockRow]]]) -> None:
        items = [item for _, rows in blocks for record in rows for item in record["b"] if self.has(item)]
        self.write_values(deletion, [item for item in items if item["row_type"] == VALUE])
        bookings = (item for item in items if item["row_type"] == BOOKING)
        for batch in batched(bookings, BOOKINGS_AT_A_TIME):
            self.write_bookings(deletion, batch)
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
        self.made[VALUE] += len(items)
        for asset_id, ordinals in days_by_asset(items, self.assets).items():
            self.written[asset_id].days.add(ordinals)

    def write_bookings(self, deletion: Deletion, items: Sequence[dict[str, Any]]) -> None:
        household_id = self.portfolio.household_id
        hidden_writes.step_for(deletion, household_id, partial(add_bookings, items, self.assets))
        self.made[BOOKING] += len(items)
        for asset_id, references in references_by_asset(items, self.assets).items():
            self.written[asset_id].references.update(references)

    def keep(self, first: int, rows: list[BlockRow]) -> None:
        is_whole = all(map(self.is_written, rows))
        if is_whole:
            for record in rows:
                note_stated(record, self.source.row.format, self.all_assets, self.written.__getitem__)
                record["f"] = None
            for item in (item for record in rows for item in record["b"] if item["row_type"] == ASSET):
                item["id"] = str(self.all_assets[item["account"]])
        self.blocks.add(first, rows, is_whole=is_whole)

    @property
    def all_assets(self) -> Mapping[str, UUID]:
        return self.assets | self.stored_assets

    def is_written(self, record: BlockRow) -> bool:
        """Whether all that the row becomes is written or prepared, and all that it says is about these assets."""
        assets = self.all_assets
        own = all(
            self.has(item) or (item["row_type"] == ASSET and item["account"] in assets)
            for item in record["b"]
        )
        said = (account for name in "kh" for account, *_ in record.get(name, ()))
        return own and not record.get("x") and all(account in assets for account in said)

    def has(self, item: Mapping[str, Any]) -> bool:
        """Whether it is a value or a booking of a hidden asset, or one of an asset that is there that can be prepared.

        The legs of a transfer are written together, by the commit.
        """
        row_type, account = item["row_type"], item.get("account")
        if account in self.stored_assets:
            return row_type == VALUE or is_plain_booking(item)
        is_row = row_type == VALUE or (row_type == BOOKING and item["type"] != TRANSFER)
        return is_row and account in self.assets

    # --- what is prepared ---

    def prepare(self, blocks: Iterable[tuple[int, list[BlockRow]]]) -> None:
        """Plan the rows of assets that are there, as these are at one moment: the state is that of the preview."""
        stored = self.source.stored_assets
        with consistent_read():
            if state_of_import(self.portfolio, self.source.row.summary) != self.source.state:
                self.is_prepared = False
                return
            by_hand = valued_by_hand_alone(stored.values()) if self.source.fits_in_memory else ()
            self.stored_assets = {key: pk for key, pk in stored.items() if pk in by_hand}
            try:
                for group in batched(blocks, PREPARED_AT_A_TIME):
                    self.prepare_blocks(group)
                self.prepared.finish()
            except (StrataError, SameRow):  # the commit says what it is, or does it
                self.is_prepared = False

    def prepare_blocks(self, blocks: Sequence[tuple[int, list[BlockRow]]]) -> None:
        of_blocks = (item for _, rows in blocks for record in rows for item in record["b"])
        items = [item for item in of_blocks if item.get("account") in self.stored_assets and self.has(item)]
        if values := [item for item in items if item["row_type"] == VALUE]:
            note_ids(values, self.prepared.add(value_rows(values, self.stored_assets)))
            for asset_id, ordinals in days_by_asset(values, self.stored_assets).items():
                self.written[asset_id].days.add(ordinals)
        if bookings := [item for item in items if item["row_type"] == BOOKING]:
            batch = self.prepared_bookings.add(transaction_rows(bookings, self.stored_assets))
            note_ids_of_bookings(bookings, batch)
            for asset_id, references in references_by_asset(bookings, self.stored_assets).items():
                self.written[asset_id].references.update(references)
        for first, rows in blocks:
            self.keep(first, rows)

    # --- the commit ---

    def fits(self, row: Import, file: ImportFile) -> bool:
        """Whether it is of this preview: somebody may have changed it meanwhile."""
        is_same = self.source.state == file.state and self.source.version in (None, row.updated_at)
        return self.is_complete and is_same

    def show(self, portfolio: Portfolio) -> dict[str, Asset]:
        """Show the assets in their portfolio, which is locked. By the keys of the accounts."""
        if self._deletion is None:
            return {}
        hidden_writes.end(self._deletion.pk)
        shown = show_hidden(
            portfolio,
            self.holder_id,
            {Action.UPDATE_VALUES: self.made[VALUE], Action.ADD_TRANSACTIONS: self.made[BOOKING]},
        )
        return {key: shown[pk] for key, pk in self.assets.items()}

    def remove(self) -> None:
        """Remove what was not shown."""
        if self._deletion is not None:
            hidden_writes.remove(self._deletion.pk)


def is_plain_booking(item: Mapping[str, Any]) -> bool:
    """Whether it is a new transaction that moves no units."""
    is_new = item["row_type"] == BOOKING and not item["before"]
    return is_new and item["type"] != TRANSFER and not item.get("quantity")
