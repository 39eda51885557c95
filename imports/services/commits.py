"""Commits an import: everything in its preview except what is refused, in one transaction, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from assets.models import Asset
from assets.services.assets import create_asset
from assets.services.entries.transaction_batches import TransactionRow, add_transactions
from assets.services.entries.transactions import update_transaction
from assets.services.entries.value_batches import ValueRow, record_values
from imports.models import Import, ImportBlock, ImportFile
from imports.services import errors
from imports.services.accounts import Accounts
from imports.services.blocks import BlockRow, blocks_of, replace
from imports.services.known_rows import Written, remember
from imports.services.planning import ROW_TYPES
from imports.services.previews import file_of, require_preview
from imports.services.state import state_of
from imports.services.texts import QUESTIONS, sentence
from portfolios.models import Portfolio
from strata.audit import actor
from strata.audit.clock import written_at
from strata.exceptions import NotFound
from strata.tenancy.batches import IfExists, Outcome
from strata.tenancy.guards import note_parents_guards
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent

BLOCKS_AT_A_TIME = 10


@atomic_write
def commit_import(import_id: UUID, *, precondition: Precondition = always) -> Import:
    """Write what the preview shows. A second commit changes nothing and gives the same answer.

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
        Commit(row, file).run()
    return row


def locked_import(import_id: UUID) -> Import:
    """The import, with the guards of all that it may write locked. Raises NotFound."""
    portfolio_id = Import.objects.filter(pk=import_id).values_list("portfolio_id", flat=True).first()
    if portfolio_id is None:
        raise NotFound("import")
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

    def __init__(self, row: Import, file: ImportFile) -> None:
        self.row, self.file = row, file
        self.made: Counter[str] = Counter()
        self.updated: Counter[str] = Counter()
        self.assets: dict[str, UUID] = {}
        self.written: dict[UUID, Written] = {}

    def run(self) -> None:
        row = self.row
        accounts: list[dict[str, Any]] = row.summary["accounts"]
        matched = [UUID(account["asset_id"]) for account in accounts if account["asset_id"]]
        if state_of(row.portfolio, matched) != self.file.state:
            raise errors.again(errors.STALE)
        self.find_or_make_assets(accounts)
        for blocks in groups_of_blocks(row.pk):
            items = items_of(blocks)
            self.write_values([item for item in items if item["row_type"] == "value"])
            self.write_transactions([item for item in items if item["row_type"] == "transaction"])
            for block, rows in blocks:
                for record in rows:
                    record["f"] = None
                replace(block, rows)
        remember(row.pk, self.written)
        row.status, row.committed_at = Import.Status.COMMITTED, written_at()
        row.summary = {**row.summary, "accounts": accounts}
        row.result = {
            "made": {name: self.made[name] for name in ROW_TYPES},
            "updated": {name: self.updated[name] for name in ("value", "transaction")},
            "skipped": row.summary["skipped"],
            "refused": row.summary["refused"],
            "made_assets": [str(pk) for pk, written in self.written.items() if written.made_asset],
        }
        row.save()
        self.file.delete()

    def find_or_make_assets(self, accounts: list[dict[str, Any]]) -> None:
        """The asset of each account that has rows to write; new ones are made, and named in the summary."""
        used = self.used_accounts()
        type_ids = Accounts(self.row.portfolio, {}).type_ids
        for account in accounts:
            key = account["key"]
            if account["asset_id"]:
                self.assets[key] = UUID(account["asset_id"])
            elif key in used:
                asset = create_asset(
                    self.row.portfolio_id,
                    name=account["name"],
                    currency=account["currency"],
                    asset_type_id=type_ids[account["asset_type"]],
                )
                account["asset_id"], self.assets[key] = str(asset.pk), asset.pk
                self.made["asset"] += 1
                self.written[asset.pk] = Written(made_asset=True)

    def used_accounts(self) -> set[str]:
        return {
            item["account"] for _, rows in blocks_of(self.row.pk) for record in rows for item in record["b"]
        }

    def write_values(self, items: list[dict[str, Any]]) -> None:
        if not items:
            return
        values = {number: self.value_row(item) for number, item in enumerate(items)}
        batch = record_values(values, if_exists=IfExists.REPLACE)
        for number, item in enumerate(items):
            recorded = batch.values[number]
            item["id"] = str(recorded.snapshot.pk)
            counter = self.made if recorded.outcome is Outcome.CREATED else self.updated
            counter["value"] += 1
            self.written_of(values[number].asset_id).days.add(recorded.snapshot.on.toordinal())

    def write_transactions(self, items: list[dict[str, Any]]) -> None:
        new = {number: item for number, item in enumerate(items) if not item["before"]}
        if new:
            rows = {number: self.transaction_row(item) for number, item in new.items()}
            batch = add_transactions(rows)
            for number, item in new.items():
                item["id"] = str(batch.transactions[number].transaction.pk)
        for item in items:
            if item["before"]:
                update_transaction(UUID(item["id"]), changes_of(item))
            self.written_of(self.assets[item["account"]]).references.add(item["external_id"])
        self.made["transaction"] += len(new)
        self.updated["transaction"] += len(items) - len(new)

    def written_of(self, asset_id: UUID) -> Written:
        return self.written.setdefault(asset_id, Written())

    def transaction_row(self, item: dict[str, Any]) -> TransactionRow:
        values = {**changes_of(item), "source": item["source"], "external_id": item["external_id"]}
        return TransactionRow(self.assets[item["account"]], values)

    def value_row(self, item: dict[str, Any]) -> ValueRow:
        return ValueRow(
            self.assets[item["account"]],
            Decimal(item["value"]),
            on=date.fromisoformat(item["on"]),
            note=item.get("note"),
        )


def items_of(blocks: list[tuple[ImportBlock, list[BlockRow]]]) -> list[dict[str, Any]]:
    return [item for _, rows in blocks for record in rows for item in record["b"]]


def changes_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a transaction that an item, or what was before it, says."""
    return {
        "type": item["type"],
        "on": date.fromisoformat(item["on"]),
        "amount": Decimal(item["amount"]) if item["amount"] else None,
        "note": item["note"],
    }


def groups_of_blocks(import_id: UUID) -> Iterator[list[tuple[ImportBlock, list[BlockRow]]]]:
    """The blocks, a few at a time: as many rows as a batch may have."""
    group: list[tuple[ImportBlock, list[BlockRow]]] = []
    for block in blocks_of(import_id):
        group.append(block)
        if len(group) == BLOCKS_AT_A_TIME:
            yield group
            group = []
    if group:
        yield group
