"""What becomes of each row of a file: create, update, skip or refuse. Nothing but the preview itself is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError

from assets.models import AssetSnapshot, Transaction
from assets.services.entries.stored_values import Moment, stored_values
from imports.formats.rows import FileRow, Item, QuantityItem, Reading, RowType, TransactionItem, ValueItem
from imports.reading.refusals import FileRefused, Reason
from imports.services.accounts import AccountPlan, Accounts
from imports.services.blocks import BlockRow, BlockWriter
from imports.services.identities import References, source_of
from imports.services.known_rows import Written, known_rows
from portfolios.models import Portfolio
from strata.fields.dates import noon
from strata.fields.names import validate_name, validate_note
from strata.fields.numbers import money_text

CREATE, UPDATE, SKIP, REFUSE = "create", "update", "skip", "refuse"
OUTCOMES = (CREATE, UPDATE, SKIP, REFUSE)
ROWS_AT_A_TIME = 5_000
FIRST_ORDINAL, DAYS = date(1800, 1, 1).toordinal(), 150_000


class Choices(NamedTuple):
    """What a person chose about the rows. `skip` and `again` are lines."""

    skip: frozenset[int]
    again: frozenset[int]
    keeps_values: bool


class RepeatedDays:
    """The days of which a file has several values of one account: the last row counts. A bit for each day is enough."""

    def __init__(self, rows: Iterable[FileRow], most_rows: int) -> None:
        self.left: Counter[tuple[str, int]] = Counter()
        self.rows = 0
        seen: dict[str, bytearray] = {}
        for row in rows:
            self.rows += 1
            if self.rows > most_rows:
                raise FileRefused("TOO_MANY_ROWS", row.line)
            for item in row.items:
                if isinstance(item, ValueItem):
                    self._see(seen.setdefault(item.account, bytearray(DAYS // 8)), item)

    def _see(self, bits: bytearray, item: ValueItem) -> None:
        byte, bit = divmod(item.on.toordinal() - FIRST_ORDINAL, 8)
        if bits[byte] >> bit & 1:
            key = item.account, item.on.toordinal()
            self.left[key] = max(self.left[key], 1) + 1
        bits[byte] |= 1 << bit

    def is_last(self, item: ValueItem) -> bool:
        """Whether no later row has the day. Called once for each row, in their order."""
        key = item.account, item.on.toordinal()
        if key not in self.left:
            return True
        self.left[key] -= 1
        return self.left[key] == 0


@dataclass(slots=True)
class Plan:
    """What a preview says: the rows are in the blocks."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: int = 0
    skipped: int = 0

    def count(self, row: BlockRow) -> None:
        if row["o"] == REFUSE:
            self.refused += 1
        elif row["o"] == SKIP:
            self.skipped += 1
        if row["b"]:
            self.counts.update((item["row_type"], UPDATE if item["before"] else CREATE) for item in row["b"])
        elif row["t"]:
            self.counts[row["t"], row["o"]] += 1

    def as_json(self) -> dict[str, dict[str, int]]:
        return {
            row_type: {outcome: self.counts[row_type, outcome] for outcome in OUTCOMES}
            for row_type in ROW_TYPES
        }


ROW_TYPES = tuple(
    str(row_type)
    for row_type in (
        RowType.ASSET,
        RowType.VALUE,
        RowType.TRANSACTION,
        RowType.INSTRUMENT,
        RowType.PRICE,
        RowType.ACTION,
    )
)


@dataclass(slots=True)
class Planned:
    """One item of a row: what it is about, and what is stored in its place."""

    item: ValueItem | TransactionItem
    plan: AccountPlan
    reference: str = ""  # of a transaction
    value: AssetSnapshot | None = None
    transaction: Transaction | None = None

    @property
    def stored(self) -> AssetSnapshot | Transaction | None:
        return self.value or self.transaction


class Planner:
    """Plans the rows of a reading, a few thousand at a time."""

    def __init__(
        self,
        portfolio: Portfolio,
        reading: Reading,
        accounts: Accounts,
        choices: Choices,
        blocks: BlockWriter,
    ) -> None:
        self.portfolio, self.reading, self.accounts = portfolio, reading, accounts
        self.choices, self.blocks = choices, blocks
        self.plan, self.references = Plan(), References()
        self._known: dict[UUID, Written] = {}
        self._bad_names: set[str] = set()

    def run(self, most_rows: int) -> Plan:
        """Raises FileRefused for too many rows, and Invalid for options that do not fit the file."""
        repeated = RepeatedDays(self.reading.rows(), most_rows)
        for rows in batched(self.reading.rows(), ROWS_AT_A_TIME):
            for record in self._planned(rows, repeated):
                self.plan.count(record)
                self.blocks.add(record)
        self.blocks.close()
        new = sum(plan.is_written and plan.asset is None for plan in self.accounts.plans.values())
        self.plan.counts[RowType.ASSET, CREATE] = new
        return self.plan

    def _planned(self, rows: Iterable[FileRow], repeated: RepeatedDays) -> Iterator[BlockRow]:
        records = [self._read(row, repeated) for row in rows]
        every = [planned for _, several in records for planned in several]
        self._know({planned.plan.asset.pk for planned in every if planned.plan.asset})
        self._find_values(every)
        self._find_transactions(every)
        for record, several in records:
            if several:
                self._decide(record, several)
            yield record

    # --- before the database is asked ---

    def _read(self, row: FileRow, repeated: RepeatedDays) -> tuple[BlockRow, list[Planned]]:
        """The record of a row, with the items for which the database decides what becomes of them."""
        record: BlockRow = {
            "l": row.line,
            "c": row.column,
            "s": row.sheet,
            "t": row.row_type and str(row.row_type),
            "f": dict(row.read),
            "b": [],
            "r": row.refusal or row.skip,
        }
        several: list[Planned] = []
        for item in row.items:
            plan = self.accounts.plan(self.reading.accounts[item.account])
            plan.saw(item.on)
            reason = self._reason_before(row.line, item, plan, repeated)
            if reason is None and not isinstance(item, QuantityItem):
                reference = self.references.next(item) if isinstance(item, TransactionItem) else ""
                if reference is None:
                    reason = Reason("ALREADY_THERE")
                else:
                    several.append(Planned(item, plan, reference))
            record["r"] = record["r"] or reason
        is_refused = row.refusal or (record["r"] and record["r"].code in REFUSALS)
        record["o"] = REFUSE if is_refused else SKIP
        return record, several

    def _reason_before(
        self, line: int, item: Item, plan: AccountPlan, repeated: RepeatedDays
    ) -> Reason | None:
        is_last = not isinstance(item, ValueItem) or repeated.is_last(item)
        if line in self.choices.skip or plan.is_skipped:
            return Reason("SKIPPED_BY_YOU")
        if isinstance(item, QuantityItem):
            return Reason("UNSUPPORTED", "ticker", plan.account.name)
        if not self._has_good_texts(item, plan):
            return Reason("BAD_NAME", "asset", plan.name)
        return None if is_last else Reason("LATER_ROW")

    def _has_good_texts(self, item: ValueItem | TransactionItem, plan: AccountPlan) -> bool:
        if plan.name in self._bad_names:
            return False
        try:
            if plan.rows == 1:
                validate_name(plan.name)
            if item.note:
                validate_note(item.note)
            if isinstance(item, TransactionItem) and item.external_id:
                validate_name(item.external_id)
        except ValidationError:
            if plan.rows == 1:
                self._bad_names.add(plan.name)
            return False
        return True

    # --- with what is stored ---

    def _know(self, asset_ids: set[UUID]) -> None:
        if new := asset_ids - self._known.keys():
            self._known |= {pk: Written() for pk in new} | known_rows(new)

    def _find_values(self, every: Iterable[Planned]) -> None:
        """The value that counts on the day of each item, where the account is an asset already."""
        found, zone = [], self.portfolio.time_zone
        for planned in every:
            if isinstance(planned.item, ValueItem) and planned.plan.asset is not None:
                on = planned.item.on
                found.append((planned, Moment(planned.plan.asset, on, noon(on, zone))))
        for (planned, _), stored in zip(found, stored_values([at for _, at in found]), strict=True):
            planned.value = stored.of_day

    def _find_transactions(self, every: Iterable[Planned]) -> None:
        """The transaction that has the reference of each item, where the account is an asset already."""
        keyed = {
            (planned.plan.asset.pk, self.source(planned.plan), planned.reference): planned
            for planned in every
            if planned.reference and planned.plan.asset is not None
        }
        if not keyed:
            return
        rows = Transaction.objects.filter(
            asset__pk__among=list({asset_id for asset_id, *_ in keyed}),
            external_id__in={reference for *_, reference in keyed},
        )
        for row in rows.order_by():
            if planned := keyed.get((row.asset_id, row.source, row.external_id or "")):
                planned.transaction = row

    def source(self, plan: AccountPlan) -> str:
        return source_of(self.reading.format, plan.account.key)

    # --- what becomes of a row ---

    def _decide(self, record: BlockRow, several: list[Planned]) -> None:
        for planned in several:
            before, reason = self._compared(planned)
            if reason is None and planned.stored is None and self._was_deleted(record["l"], planned):
                reason = Reason("DELETED_BY_HAND")
            wanted_again = planned.reference and record["l"] in self.choices.again
            if wanted_again and reason is not None and reason.code in KNOWN:
                planned.reference, planned.transaction, reason = f"{planned.reference}/again", None, None
            if reason is None:
                planned.plan.is_written = True
                record["b"].append({**self._becomes(planned), "before": before})
            else:
                record["r"] = record["r"] or reason
        if record["b"]:
            record["r"] = None
            record["o"] = UPDATE if all(item["before"] for item in record["b"]) else CREATE

    def _compared(self, planned: Planned) -> tuple[dict[str, str] | None, Reason | None]:
        """What is stored in the place of the item, where that differs; or why nothing is written."""
        item = planned.item
        if (transaction := planned.transaction) is not None and isinstance(item, TransactionItem):
            stored = (transaction.type, transaction.on, transaction.amount, transaction.note)
            is_same = not item.external_id or stored == (item.type, item.on, item.amount, item.note)
            return (None, Reason("ALREADY_THERE")) if is_same else (transaction_before(transaction), None)
        if (snapshot := planned.value) is not None and isinstance(item, ValueItem):
            if snapshot.value == item.value * planned.plan.sign and item.note in (None, "", snapshot.note):
                return None, Reason("ALREADY_THERE")
            if self.choices.keeps_values:
                return None, Reason("KEPT")
            return {"value": money_text(snapshot.value), "note": snapshot.note}, None
        return None, None

    def _was_deleted(self, line: int, planned: Planned) -> bool:
        if planned.plan.asset is None or line in self.choices.again:
            return False
        known = self._known[planned.plan.asset.pk]
        if planned.reference:
            return planned.reference in known.references
        return planned.item.on.toordinal() in known.days

    def _becomes(self, planned: Planned) -> dict[str, Any]:
        item, plan, stored = planned.item, planned.plan, planned.stored
        common = {
            "id": str(stored.pk) if stored else None,
            "account": plan.account.key,
            "on": item.on.isoformat(),
            "currency": plan.account.currency,
        }
        if isinstance(item, ValueItem):
            value = {"row_type": str(RowType.VALUE), "value": money_text(item.value * plan.sign)}
            return value | common | ({"note": item.note} if item.note else {})
        return common | {
            "row_type": str(RowType.TRANSACTION),
            "type": item.type,
            "amount": None if item.amount is None else money_text(item.amount),
            "note": item.note,
            "source": self.source(plan),
            "external_id": planned.reference,
        }


REFUSALS = frozenset({"UNSUPPORTED", "BAD_NAME"})
KNOWN = frozenset({"ALREADY_THERE", "DELETED_BY_HAND"})


def transaction_before(row: Transaction) -> dict[str, str]:
    return {
        "type": row.type,
        "on": row.on.isoformat(),
        "amount": "" if row.amount is None else money_text(row.amount),
        "note": row.note,
    }
