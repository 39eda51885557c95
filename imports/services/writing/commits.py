"""Commits an import: everything in its preview except what is refused, in one transaction, once.

Of a large one the rows of new accounts were written before, and are shown by it (hidden_values).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from assets.models import Asset
from assets.prices.planning import NewPrice
from assets.rules.instruments.prices import in_units
from assets.services.entries.transactions import update_transaction
from assets.services.entries.transfers import record_transfer
from assets.services.instrument_actions import add_action
from assets.services.instruments.prices import LoadTerms, record_prices
from assets.services.labels import CATEGORY_LABELS, TAG_LABELS
from imports.models import Import, ImportBlock, ImportFile
from imports.services import errors
from imports.services.blocks import BlockRow, WrittenBlocks, blocks_of, replace
from imports.services.drafts import state_of_import
from imports.services.planning.decisions import TRANSFER, columns_of
from imports.services.planning.known_rows import Written, remember
from imports.services.planning.outcomes import ROW_TYPES
from imports.services.previews import file_of, require_preview
from imports.services.texts import QUESTIONS, sentence
from imports.services.writing.hidden_values import HiddenValues
from imports.services.writing.parents import Parents, dispose_of
from imports.services.writing.rows import (
    add_bookings,
    days_by_asset,
    note_stated,
    record_items,
    references_by_asset,
)
from portfolios.models import Portfolio
from strata.audit import actor
from strata.audit.clock import written_at
from strata.exceptions import NotFound
from strata.tenancy.batches import OnError, Outcome
from strata.tenancy.guards import lock_guards, note_parents_guards
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent

BLOCKS_AT_A_TIME = 10


@atomic_write
def commit_import(
    import_id: UUID, *, hidden: HiddenValues | None = None, precondition: Precondition = always
) -> Import:
    """Write what the preview shows. A second commit changes nothing and gives the same answer.

    `hidden` is what was written of it before, and is shown now; not where it is of an earlier preview.

    409 QUESTIONS_OPEN, IMPORT_STALE where the data that the preview depends on has changed, IMPORT_EXPIRED,
    IMPORT_UNDONE.
    """
    row = locked_import(import_id)
    precondition(row)
    if row.status == Import.Status.COMMITTED:
        return row
    require_preview(row)
    file = file_of(row)
    refuse_open_questions(row)
    with actor.caused_by(f"import:{row.pk}"):
        Commit(row, file, hidden if hidden is not None and hidden.fits(row, file) else None).run()
    return row


def locked_import(import_id: UUID) -> Import:
    """The import, with the guards of all that it may write locked. Raises NotFound."""
    columns = Import.objects.filter(pk=import_id).values_list("portfolio_id", "summary").first()
    if columns is None:
        raise NotFound("import")
    portfolio_id, summary = columns
    if any(summary.get("counts", {}).get("action", {}).values()):
        # An action is one of the whole household: its portfolios are locked at once, in the one order of locks.
        household = Portfolio.objects.filter(pk=portfolio_id).values("household")
        portfolios = Portfolio._base_manager.filter(household__in=household)
        lock_guards(Asset._base_manager.none(), will_refer_to={"portfolio": portfolios})
    portfolio = locked_parent(Asset, Portfolio.objects.all(), portfolio_id, "import")
    row = Import.objects.filter(pk=import_id).first()
    if row is None:
        raise NotFound("import")
    row.portfolio = portfolio
    note_parents_guards(row, portfolio)
    return row


def refuse_open_questions(row: Import) -> None:
    open_questions = [question for question in row.summary["questions"] if question["required"]]
    if open_questions:
        raise errors.QuestionsOpen(
            [
                {
                    "field": f"options.{question['option']}",
                    "code": question["code"],
                    "message": sentence(QUESTIONS, question["code"]),
                }
                for question in open_questions
            ]
        )


class Commit:
    """One commit of one import."""

    def __init__(self, row: Import, file: ImportFile, hidden: HiddenValues | None = None) -> None:
        self.row, self.file, self.hidden = row, file, hidden
        self.parents = Parents(row.portfolio)
        self.made: Counter[str] = Counter()
        self.updated: Counter[str] = Counter()
        self.assets: dict[str, UUID] = {}
        self.instruments: dict[str, UUID] = {}
        self.written: dict[UUID, Written] = {}
        self.cancelled: list[list[str]] = []  # accounts and references

    def run(self) -> None:
        row = self.row
        accounts: list[dict[str, Any]] = row.summary["accounts"]
        instruments: list[dict[str, Any]] = row.summary.get("instruments", [])
        if state_of_import(row.portfolio, row.summary) != self.file.state:
            raise errors.again(errors.STALE)
        self.find_or_make_parents(accounts, instruments)
        written = self.hidden.blocks if self.hidden else None
        if written is not None:
            written.replace_whole(row.pk)
        for blocks in groups_of_blocks(row.pk, written):
            self.write([item for item in items_of(blocks) if not (self.hidden and self.hidden.has(item))])
            self.note_quantities(blocks)
            for block, rows in blocks:
                for record in rows:
                    record["f"] = None
                replace(block, rows)
        for account in accounts:
            if account.get("new") and account["key"] in self.assets:
                dispose_of(self.assets[account["key"]], account["new"])
        self.finish(accounts)

    def finish(self, accounts: list[dict[str, Any]]) -> None:
        row = self.row
        for ids in self.parents.made.values():
            for pk in ids:
                self.written_of(pk).made_asset = True
        remember(row.pk, self.written)
        row.status, row.committed_at = Import.Status.COMMITTED, written_at()
        row.summary = {
            **row.summary,
            "accounts": [{**account, "new": None} for account in accounts],
            "instruments": list(map(without_plan, row.summary.get("instruments", []))),
        }
        row.result = {
            "made": {name: self.made[name] for name in ROW_TYPES},
            "updated": {name: self.updated[name] for name in ("value", "transaction")},
            "skipped": row.summary["skipped"],
            "refused": row.summary["refused"],
            "cancelled": self.cancelled,
            "made_assets": [str(pk) for pk in self.parents.made["asset"]],
        }
        row.save()
        self.file.delete()

    def find_or_make_parents(self, accounts: list[dict[str, Any]], instruments: list[dict[str, Any]]) -> None:
        """The asset of each account that has rows to write, and the instrument of each that has prices or an asset.

        New ones are made, and named in the summary.
        """
        used, quoted = self.used_keys(accounts, instruments)
        of_accounts = {
            account["new"]["instrument"] for account in accounts if account["key"] in used and account["new"]
        }
        for record in instruments:
            if record["key"] in quoted | of_accounts:
                pk = self.instruments[record["key"]] = self.parents.instrument(record)
                self.written_of(pk)
        new = [account for account in accounts if not account["asset_id"] and account["key"] in used]
        self.assets = {
            account["key"]: UUID(account["asset_id"]) for account in accounts if account["asset_id"]
        }
        for account, asset in zip(new, self.new_assets(new), strict=True):
            account["asset_id"], self.assets[account["key"]] = str(asset.pk), asset.pk
            account["instrument_id"] = asset.instrument_id and str(asset.instrument_id)
            for kind, names in (
                ("category", account["new"]["categories"]),
                ("tag", account["new"]["tags"]),
            ):
                for pk in labels_of_asset(asset, kind) if names else ():
                    self.written_of(pk)
        self.made["asset"] = len(self.parents.made["asset"])
        self.made["instrument"] = len(self.parents.made["instrument"])

    def new_assets(self, accounts: list[dict[str, Any]]) -> list[Asset]:
        """The assets of new accounts: those that are hidden are shown, and the others made."""
        assets: dict[str, Asset] = {}
        if self.hidden is not None:
            assets = self.hidden.show(self.row.portfolio)
            prepared = self.hidden.prepared
            prepared.write()
            self.hidden.prepared_bookings.write()
            self.written |= self.hidden.written
            self.made += self.hidden.made
            self.made["value"] += prepared.outcomes[Outcome.CREATED]
            self.made["transaction"] += self.hidden.prepared_bookings.rows
            self.updated["value"] += prepared.outcomes[Outcome.REPLACED]
            for account in accounts:
                if account["key"] in assets:
                    self.parents.label(assets[account["key"]], account)
        others = [account for account in accounts if account["key"] not in assets]
        created = self.parents.assets(others, self.instruments)
        assets |= {account["key"]: asset for account, asset in zip(others, created, strict=True)}
        return [assets[account["key"]] for account in accounts]

    def used_keys(
        self, accounts: list[dict[str, Any]], instruments: list[dict[str, Any]]
    ) -> tuple[set[str], set[str]]:
        """The keys of the new accounts and of the instruments that something is written of."""
        new = {account["key"]: account["new"] for account in accounts if account["new"]}
        quoted = {record["key"]: record for record in instruments}
        if all("is_written" in record for record in (*new.values(), *quoted.values())):
            return written_keys(new), written_keys(quoted)
        return self.used_keys_of_rows()

    def used_keys_of_rows(self) -> tuple[set[str], set[str]]:
        """The same for a preview by a version that did not note them. Can go when no preview is that old."""
        used: set[str] = set()
        quoted: set[str] = set()
        for _, rows in blocks_of(self.row.pk):
            for record in rows:
                for item in record["b"]:
                    if "account" in item:
                        used.add(item["account"])
                    else:
                        quoted.add(item["instrument"])
        return used, quoted

    # --- rows ---

    def write(self, items: list[dict[str, Any]]) -> None:
        by_type: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            by_type.setdefault(item["row_type"], []).append(item)
        for item in by_type.get("asset", []):
            item["id"] = str(self.assets[item["account"]])
        self.write_values(by_type.get("value", []))
        bookings = by_type.get("transaction", [])
        self.write_transactions([item for item in bookings if item["type"] != TRANSFER])
        self.write_transfers([item for item in bookings if item["type"] == TRANSFER])
        prices = by_type.get("price", [])
        write_prices(prices, self.instruments, source_of_prices(self.row))
        self.made["price"] += len(prices)
        self.write_actions(by_type.get("action", []))

    def note_quantities(self, blocks: list[tuple[ImportBlock, list[BlockRow]]]) -> None:
        """What the file says is held, its balances, and what it cancels."""
        for _, rows in blocks:
            for record in rows:
                self.cancelled += record.get("x", ())
                note_stated(record, self.row.format, self.assets, self.written_of)

    def write_values(self, items: list[dict[str, Any]]) -> None:
        if not items:
            return
        batch = record_items(items, self.assets)
        for asset_id, ordinals in days_by_asset(items, self.assets).items():
            self.written_of(asset_id).days.add(ordinals)
        created = batch.count(Outcome.CREATED)
        self.made["value"] += created
        self.updated["value"] += len(items) - created

    def write_transactions(self, items: list[dict[str, Any]]) -> None:
        new = [item for item in items if not item["before"]]
        if new:
            add_bookings(new, self.assets)
        for item in items:
            if item["before"]:
                update_transaction(UUID(item["id"]), columns_of(item))
        for asset_id, references in references_by_asset(items, self.assets).items():
            self.written_of(asset_id).references.update(references)
        self.made["transaction"] += len(new)
        self.updated["transaction"] += len(items) - len(new)

    def write_transfers(self, items: list[dict[str, Any]]) -> None:
        """The legs of a transfer are two items of one row: the first has the units that leave."""
        for leaving, arriving in zip(items[::2], items[1::2], strict=True):
            legs = record_transfer(
                self.assets[leaving["account"]],
                self.assets[arriving["account"]],
                columns_of(leaving),
                known_as=[(item["source"], item["external_id"]) for item in (leaving, arriving)],
            )
            for item, leg in zip((leaving, arriving), (legs.leg_out, legs.leg_in), strict=True):
                item["id"] = str(leg.pk)
                self.written_of(leg.asset_id).references.add(item["external_id"])
            self.made["transaction"] += 2

    def write_actions(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            action = add_action(
                self.row.portfolio.household_id,
                instrument_id=self.instruments[item["instrument"]],
                on=date.fromisoformat(item["on"]),
                type=item["type"],
                numerator=item["numerator"],
                denominator=item["denominator"],
            )
            item["id"] = str(action.pk)
        self.made["action"] += len(items)

    def written_of(self, asset_id: UUID) -> Written:
        if asset_id not in self.written:
            self.written[asset_id] = Written()
        return self.written[asset_id]


def source_of_prices(row: Import) -> str:
    """By which the undo knows the loads of the import."""
    return f"import:{row.pk}"


def write_prices(items: list[dict[str, Any]], instruments: Mapping[str, UUID], source: str) -> None:
    """The preview has shown them, so that prices which jump are written too."""
    by_instrument: dict[UUID, list[NewPrice]] = {}
    for number, item in enumerate(items):
        on = date.fromisoformat(item["on"]).toordinal()
        price = NewPrice(on, number, *in_units(Decimal(item["price"])))
        by_instrument.setdefault(instruments[item["instrument"]], []).append(price)
    if by_instrument:
        record_prices(by_instrument, LoadTerms(source, accept_jumps=True), on_error=OnError.REFUSE)


def written_keys(records: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {key for key, record in records.items() if record["is_written"]}


def without_plan(instrument: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an instrument of the file."""
    return {name: value for name, value in instrument.items() if name != "is_written"}


def labels_of_asset(asset: Asset, kind: str) -> Iterator[UUID]:
    labels = CATEGORY_LABELS if kind == "category" else TAG_LABELS
    return iter(labels.of(asset))


def items_of(blocks: list[tuple[ImportBlock, list[BlockRow]]]) -> list[dict[str, Any]]:
    return [item for _, rows in blocks for record in rows for item in record["b"]]


def groups_of_blocks(
    import_id: UUID, written: WrittenBlocks | None
) -> Iterator[list[tuple[ImportBlock, list[BlockRow]]]]:
    """The blocks, a few at a time: as many rows as a batch may have. Not those that are written already as a whole."""
    group: list[tuple[ImportBlock, list[BlockRow]]] = []
    for block in blocks_of(import_id, written):
        group.append(block)
        if len(group) == BLOCKS_AT_A_TIME:
            yield group
            group = []
    if group:
        yield group
