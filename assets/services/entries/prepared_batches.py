"""Values and transactions of one portfolio that are prepared before they are written, however many there are.

Planning, checking and what is derived from the values take most of the time, and need no lock. The caller makes sure
that all rows of the assets are the same in the end (imports.services.state), or throws away what was prepared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from assets.models import Asset, AssetSnapshot, Transaction
from assets.services.entries import transaction_batches
from assets.services.entries.stored_transactions import Key
from assets.services.entries.transaction_batches import TransactionBatch, TransactionRow
from assets.services.entries.value_batches import ValueBatch, ValueRow, parents, planned_batch
from assets.valuation import PlannedValues, apply_planned, read_planned, valued_by_hand_alone
from assets.valuation.series import ten_thousandths
from assets.valuation.totals.contributions import Contribution
from portfolios.models import Portfolio
from strata.audit.batches import PreparedDeletes, PreparedInserts, PreparedUpdates, record_batch
from strata.audit.guarding import raise_revisions
from strata.audit.locating import RowIds, located
from strata.audit.models import Action
from strata.tenancy.batches import IfExists, Outcome

ROWS_AT_A_TIME = 10_000
MOST_ROWS = 200_000  # that should be prepared: they are in memory until they are written


class SameRow(Exception):
    """Two rows of different batches are about the same value or transaction: the second depends on the first."""


class PreparedValues:
    """Add rows, then `finish`, all in one consistent read; then `write`, in a transaction."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.writes: list[PreparedInserts | PreparedUpdates] = []
        self.planned: dict[UUID, PlannedValues] = {}
        self.contribution = Contribution.empty()
        self.outcomes: Counter[Outcome] = Counter()  # of all rows
        self.count = 0  # of those that are new or change

    def add(self, rows: Mapping[int, ValueRow]) -> ValueBatch:
        """As `record_values` with REPLACE. Rows of all batches together have a day of an asset once: else SameRow."""
        assets = {
            asset.pk: asset for asset in parents().filter(pk__in={row.asset_id for row in rows.values()})
        }
        batch = planned_batch(rows, assets, if_exists=IfExists.REPLACE)
        new, replaced = [], []
        for value in batch.values.values():
            snapshot = value.snapshot
            planned = self.planned.setdefault(snapshot.asset_id, PlannedValues())
            if snapshot.on in planned.days:
                raise SameRow
            planned.days.add(snapshot.on)
            self.outcomes[value.outcome] += 1
            if not value.is_changed:
                continue
            units = ten_thousandths(snapshot.value)
            if value.outcome is Outcome.CREATED:
                new.append(snapshot)
                planned.new[snapshot.on] = units
            else:
                replaced.append(snapshot)
                planned.replaced[snapshot.pk] = units
        if new:
            self.writes.append(PreparedInserts(new, self.portfolio.household_id))
        if replaced:
            self.writes.append(PreparedUpdates(replaced, ["value", "note"]))
        self.count += len(new) + len(replaced)
        return batch

    def finish(self) -> None:
        """Calculate what is derived from the values."""
        self.contribution = read_planned(self.planned)
        self.planned = {}

    def write(self) -> None:
        """Write them. The portfolio is locked."""
        if not self.count:
            return
        raise_revisions(AssetSnapshot, [self.portfolio.pk])
        for prepared in self.writes:
            prepared.write()
        apply_planned(self.contribution)
        record_batch(Portfolio, {self.portfolio.pk: self.count}, Action.UPDATE_VALUES)


class PreparedTransactions:
    """Add rows, all in one consistent read; then `write`, in a transaction. None may move units: nothing is derived."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.writes: list[PreparedInserts] = []
        self.keys: set[Key] = set()
        self.positions: dict[tuple[UUID, date], int] = {}
        self.rows = 0
        self.count = 0  # of those that are new

    def add(self, rows: Mapping[int, TransactionRow]) -> TransactionBatch:
        """As `add_transactions`. Rows of all batches together have a key of another program once: else SameRow."""
        ids = {row.asset_id for row in rows.values()}
        assets = {asset.pk: asset for asset in transaction_batches.parents().filter(pk__in=ids)}
        batch = transaction_batches.planned_batch(rows, assets)
        new = batch.new
        self.rows += len(rows)
        if any(row.quantity is not None or row.transfer_id is not None for row in new.values()):
            raise TypeError("These transactions move units.")
        keys = transaction_batches.keys_of(new)
        if not self.keys.isdisjoint(keys.values()):
            raise SameRow
        self.keys.update(keys.values())
        if new:
            last = {**transaction_batches.last_positions(new.values()), **self.positions}
            transaction_batches.place(new, rows, last)
            self.positions = last
            self.writes.append(PreparedInserts(list(new.values()), self.portfolio.household_id))
            self.count += len(new)
        return batch

    def write(self) -> None:
        """Write them. The portfolio is locked."""
        if not self.count:
            return
        raise_revisions(Transaction, [self.portfolio.pk])
        for prepared in self.writes:
            prepared.write()
        record_batch(Portfolio, {self.portfolio.pk: self.count}, Action.ADD_TRANSACTIONS)


class Content(NamedTuple):
    """What a value was before it was replaced."""

    value: Decimal
    note: str


class PreparedReversal:
    """Values that are removed, or get their earlier content back; of assets of the portfolio that are valued by hand.

    Prepared as above: the caller makes sure that the values and the assets are the same when it is written, with the
    portfolio locked. `other_removed` and `other_earlier` are left out: values of other assets.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        asset_ids: Collection[UUID],
        *,
        removed: Collection[UUID],
        earlier: Mapping[UUID, Content],
    ) -> None:
        self.portfolio = portfolio
        own = Asset.objects.filter(portfolio=portfolio, pk__among=list(asset_ids))
        self.asset_ids = valued_by_hand_alone(set(own.values_list("pk", flat=True)))
        self.writes: list[PreparedDeletes | PreparedUpdates] = []
        planned: dict[UUID, PlannedValues] = {pk: PlannedValues() for pk in self.asset_ids}
        for rows in self.batches(removed):
            ids = RowIds(places=self.asset_ids)
            for pk, asset_id in rows.values_list("pk", "asset_id"):
                planned[asset_id].removed.add(pk)
                ids.append(pk)
            self.writes.append(PreparedDeletes(AssetSnapshot, ids))
        restored: set[UUID] = set()
        for rows in self.batches(earlier):
            snapshots = list(rows)
            for snapshot in snapshots:
                snapshot.value, snapshot.note = earlier[snapshot.pk]
                planned[snapshot.asset_id].replaced[snapshot.pk] = ten_thousandths(snapshot.value)
                restored.add(snapshot.pk)
            if snapshots:
                self.writes.append(PreparedUpdates(snapshots, ["value", "note"]))
        gone = set[UUID]().union(*(of_asset.removed for of_asset in planned.values()))
        self.other_removed = [pk for pk in removed if pk not in gone]
        self.other_earlier = {pk: content for pk, content in earlier.items() if pk not in restored}
        self.contribution = read_planned(planned)

    def batches(self, ids: Collection[UUID]) -> Iterator[Any]:
        """The rows with these ids, some at a time."""
        rows = AssetSnapshot.objects.order_by()
        for batch in batched(ids if self.asset_ids else (), ROWS_AT_A_TIME):
            yield located(rows, batch, self.asset_ids)

    def write(self) -> None:
        raise_revisions(AssetSnapshot, [self.portfolio.pk])
        for prepared in self.writes:
            prepared.write()
        apply_planned(self.contribution)
