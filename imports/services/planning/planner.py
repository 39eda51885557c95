"""What becomes of each row of a file: create, update, skip or refuse. Nothing but the preview itself is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from assets.models import Transaction
from assets.prices.store import StoredPrices, stored_prices
from imports.formats.rows import (
    CASH,
    OF_AN_ACCOUNT,
    ActionItem,
    AssetItem,
    CancelItem,
    FileRow,
    FileWarning,
    Item,
    OfAccount,
    PriceItem,
    QuantityItem,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.reading.refusals import Reason
from imports.services.blocks import BlockRow, BlockWriter
from imports.services.planning.accounts import AccountPlan, Accounts, can_be_named
from imports.services.planning.decisions import TRANSFER, becomes, compared, problem_of, transaction_before
from imports.services.planning.first_pass import FirstPass, OnePass
from imports.services.planning.identities import References, source_of
from imports.services.planning.known_rows import Written, cancelled_before, known_rows
from imports.services.planning.outcomes import CREATE, KNOWN, REFUSALS, REFUSE, SKIP, UPDATE, Choices, Plan
from imports.services.planning.quantities import Holding, Move, holdings_of, reference_of
from imports.services.planning.stored import (
    Booked,
    Planned,
    Quoted,
    find_actions,
    find_cancelled,
    find_prices,
    find_transactions,
    find_values,
)
from portfolios.models import Portfolio
from strata.audit.clock import written_at
from strata.exceptions import Invalid
from strata.fields.dates import local_day
from strata.fields.names import NAME_LENGTH
from strata.fields.numbers import plain

ROWS_AT_A_TIME = 5_000
type Record = tuple[BlockRow, list[Planned]]


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
        self.instruments = accounts.instruments
        self.choices, self.blocks = choices, blocks
        self.plan, self.references = Plan(), References()
        zones = {portfolio.time_zone, settings.TIME_ZONE}
        self.latest_today = max(local_day(written_at(), zone) for zone in zones)
        self._known: dict[UUID, Written] = {}
        self._corrections: dict[str, dict[date, Decimal]] = {}
        self._holdings: dict[UUID, Holding] = {}
        self._splits: list[ActionItem] = []
        self._cancelled = cancelled_before(portfolio, reading.format) if reading.takes_back else frozenset()
        self._actions: set[tuple[str, str, date]] = set()
        self._unseen = set(choices.skip | choices.again)  # lines that no row has had yet
        self.priced: set[str] = set()  # keys of instruments

    def run(self, first: FirstPass | OnePass) -> Plan:
        """Raises FileRefused for too many rows, and Invalid for options that do not fit the file."""
        for rows in batched(first.rows(self.reading.rows()), ROWS_AT_A_TIME):
            for record in self._planned(rows, first):
                self._add(record)
        for record in self._corrected_later(first):
            self._add(record)
        self.blocks.close()
        new = sum(plan.is_written and plan.asset is None for plan in self.accounts.plans.values())
        self.plan.counts[RowType.ASSET, CREATE] = new
        new = sum(plan.is_written and plan.stored is None for plan in self.instruments.plans.values())
        self.plan.counts[RowType.INSTRUMENT, CREATE] = new
        self._warn_of_missing_prices()
        return self.plan

    def refuse_unknown_lines(self) -> None:
        """Chosen lines in which no row begins are mistakes: the row that was meant would be imported, or left out.

        Before all is answered the file may have no rows yet.
        """
        if any(question.required for question in self.reading.questions):
            return
        for name in ("skip", "again"):
            if unknown := self._unseen & getattr(self.choices, name):
                message = gettext("No row of the file begins in line %(line)s.") % {"line": min(unknown)}
                raise Invalid(f"options.{name}", message, "unknown")

    def _add(self, record: BlockRow) -> None:
        self.plan.count(record)
        self.blocks.add(record)

    def _planned(self, rows: Sequence[FileRow], first: FirstPass | OnePass) -> Iterator[BlockRow]:
        self.instruments.plan_all(self.reading.instruments)
        records = [self._read(row, first) for row in rows]
        every = [planned for _, several in records for planned in several]
        booked = [planned for planned in every if isinstance(planned, Booked)]
        self._know({planned.plan.asset.pk for planned in booked if planned.plan.asset})
        find_values(every, self.portfolio)
        find_transactions(
            {
                (planned.plan.asset.pk, self.source(planned.plan), planned.reference): planned
                for planned in booked
                if planned.reference and planned.plan.asset is not None
            }
        )
        if self.reading.takes_back:
            find_cancelled((several for _, several in records), self.source)
        find_prices(every)
        find_actions(every, self.portfolio.household_id)
        for record, several in records:
            if several:
                self._decide(record, several)
            yield record

    # --- before the database is asked ---

    def _read(self, row: FileRow, first: FirstPass | OnePass) -> Record:
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
        self._unseen.discard(row.line)
        several: list[Planned] = []
        reference = ""
        for item in row.items:
            if isinstance(item, OF_AN_ACCOUNT):
                if isinstance(item, TransactionItem) and item.leg == CASH and not self.choices.has_cash:
                    continue
                reason, reference = self._add_booking(row.line, item, first, several, reference)
                if reason is None and isinstance(item, QuantityItem):
                    stated = [item.account, item.on.isoformat(), plain(item.quantity)]
                    record.setdefault("h", []).append(stated)
            elif isinstance(item, AssetItem):
                reason = self._add_asset(row.line, item, record)
            elif isinstance(item, CancelItem):
                reason = self._add_cancellation(row.line, item, several, record)
            else:
                reason = self._add_quote(row.line, item, first, several)
            record["r"] = record["r"] or reason
        is_refused = row.refusal or (record["r"] and record["r"].code in REFUSALS)
        record["o"] = REFUSE if is_refused else CREATE if record["b"] else SKIP
        if record["b"]:
            record["r"] = None
        if is_refused or (record["r"] and is_transfer(row.items)):
            several.clear()
        return record, several

    def _add_booking(
        self, line: int, item: OfAccount, first: FirstPass | OnePass, several: list[Planned], reference: str
    ) -> tuple[Reason | None, str]:
        plan = self._plan_of(item.account)
        plan.saw(line, item.on)
        reason = self._reason_before(line, item, plan, first)
        own: str | None = ""
        if not isinstance(item, ValueItem):
            own = self.references.next(item, reference)
            reason = reason or (Reason("ALREADY_THERE") if own is None else None)
            if (item.account, own) in self._cancelled:
                reason = Reason("CANCELLED")
            if isinstance(item, TransactionItem) and item.leg != CASH and item.on > self.latest_today:
                self.plan.warnings.append(FileWarning("FUTURE", line, "date", item.on.isoformat()))
        if reason is None:
            if isinstance(item, QuantityItem):
                item = item._replace(quantity=self._correction(item, plan, first))
            elif isinstance(item, TransactionItem) and item.unit_price is not None and plan.instrument:
                item = item._replace(unit_price=plan.instrument.as_stored(item.unit_price))
            several.append(Booked(item, plan, own or ""))
        return reason, reference or own or ""

    def _add_cancellation(
        self, line: int, item: CancelItem, several: list[Planned], record: BlockRow
    ) -> Reason | None:
        plan = self._plan_of(item.account)
        if line in self.choices.skip or plan.is_skipped:
            return Reason("SKIPPED_BY_YOU")
        several.append(Booked(item, plan, item.booking.external_id))
        return None

    def _add_asset(self, line: int, item: AssetItem, record: BlockRow) -> Reason | None:
        plan = self._plan_of(item.account)
        plan.rows += 1
        if line in self.choices.skip or plan.is_skipped:
            return Reason("SKIPPED_BY_YOU")
        if not self._has_good_name(plan):
            return Reason("BAD_NAME", "asset", plan.name)
        if plan.asset is not None or plan.is_written:
            return Reason("ALREADY_THERE")
        plan.is_written = True
        if plan.instrument is not None:
            plan.instrument.is_written = True
        record["b"].append(
            {
                "row_type": str(RowType.ASSET),
                "id": None,
                "account": plan.account.key,
                "name": plan.name,
                "currency": plan.currency,
                "before": None,
            }
        )
        return None

    def _add_quote(
        self, line: int, item: PriceItem | ActionItem, first: FirstPass | OnePass, several: list[Planned]
    ) -> Reason | None:
        plan = self.instruments.plans[item.instrument]
        is_last = first.is_last(item)
        reason = problem_of(item)
        if line in self.choices.skip:
            reason = Reason("SKIPPED_BY_YOU")
        elif not plan.has_good_name:
            reason = Reason("BAD_NAME", "security", plan.instrument.key[:NAME_LENGTH])
        elif not is_last:
            reason = Reason("LATER_ROW")
        elif isinstance(item, PriceItem) and plan.is_in_other_currency:
            reason = Reason("OTHER_CURRENCY", "currency", f"{plan.instrument.currency} / {plan.currency}")
        elif isinstance(item, PriceItem) and item.on > self.latest_today:
            reason = Reason("FUTURE_PRICE", "date", item.on.isoformat())
        elif isinstance(item, ActionItem):
            key = item.instrument, item.type, item.on
            reason = reason or (Reason("ALREADY_THERE") if key in self._actions else None)
            self._actions.add(key)
        if reason is None:
            if isinstance(item, PriceItem):
                item = item._replace(price=plan.as_stored(item.price))
            several.append(Quoted(item, plan))
        return reason

    def _reason_before(
        self, line: int, item: OfAccount, plan: AccountPlan, first: FirstPass | OnePass
    ) -> Reason | None:
        is_last = first.is_last(item)
        if line in self.choices.skip or plan.is_skipped:
            return Reason("SKIPPED_BY_YOU")
        if not self._has_good_name(plan):
            return Reason("BAD_NAME", "asset", plan.name)
        return problem_of(item) or (None if is_last else Reason("LATER_ROW"))

    def _plan_of(self, key: str) -> AccountPlan:
        plan = self.accounts.plans.get(key)
        return self.accounts.plan(self.reading.accounts[key]) if plan is None else plan

    def _has_good_name(self, plan: AccountPlan) -> bool:
        if plan.has_good_name is None:
            plan.has_good_name = can_be_named(plan)
        return plan.has_good_name

    def _correction(self, item: QuantityItem, plan: AccountPlan, first: FirstPass | OnePass) -> Decimal:
        if item.account not in self._corrections:
            stored = self._holding(plan)
            holding = Holding(stored.asset_id, stored.stated, stored.stored)
            stated = first.quantities[item.account]
            self._corrections[item.account] = holding.corrections(stated, self.source(plan))
        return self._corrections[item.account][item.on]

    def _holding(self, plan: AccountPlan) -> Holding:
        if plan.asset is None:
            return Holding()
        self._know({plan.asset.pk})
        return self._holdings.setdefault(plan.asset.pk, Holding(plan.asset.pk))

    # --- with what is stored ---

    def _know(self, asset_ids: set[UUID]) -> None:
        if new := asset_ids - self._known.keys():
            known = {pk: Written() for pk in new} | known_rows(new)
            self._known |= known
            self._holdings |= holdings_of(known)

    def source(self, plan: AccountPlan) -> str:
        return source_of(self.reading.format, plan.account.key)

    # --- what becomes of a row ---

    def _decide(self, record: BlockRow, several: list[Planned]) -> None:
        decided = [(planned, *self._decision(record["l"], planned)) for planned in several]
        refused = next((reason for _, _, reason in decided if reason is not None), None)
        if refused and is_transfer([planned.item for planned in several]):
            decided = [(planned, before, refused) for planned, before, _ in decided]
        for planned, before, reason in decided:
            item = planned.item
            if isinstance(item, ValueItem) and item.rank and is_there(reason):
                record.setdefault("k", []).append([item.account, item.on.isoformat(), item.rank])
            if reason is None:
                self._note_as_written(planned)
                if isinstance(planned, Booked) and not isinstance(item, ValueItem):
                    becoming = becomes(planned, self.source(planned.plan))
                else:
                    becoming = becomes(planned)
                becoming["before"] = before
                record["b"].append(becoming)
            else:
                record["r"] = reason if reason.code in REFUSALS else record["r"] or reason
        if self.reading.takes_back and (cancelled := list(cancelled_in(several))):
            record["x"] = cancelled
        if record["r"] and record["r"].code in REFUSALS and not record["b"]:
            record["o"] = REFUSE
        if record["b"]:
            record["r"] = None
            record["o"] = UPDATE if all(becoming["before"] for becoming in record["b"]) else CREATE

    def _decision(self, line: int, planned: Planned) -> tuple[dict[str, Any] | None, Reason | None]:
        before, reason = compared(planned, keeps_values=self.choices.keeps_values)
        if isinstance(planned, Quoted):
            return before, reason
        if reason is None and before is not None and self._is_earlier(planned):
            reason = Reason("LATER_STATEMENT")
        if reason is None and planned.stored is None and self._was_deleted(line, planned):
            reason = Reason("DELETED_BY_HAND")
        wanted_again = planned.reference and line in self.choices.again
        if wanted_again and reason is not None and reason.code in KNOWN:
            planned.reference, planned.transaction, reason = f"{planned.reference}/again", None, None
        return before, reason

    def _note_as_written(self, planned: Planned) -> None:
        planned.plan.is_written = True
        item = planned.item
        if isinstance(planned, Booked):
            if planned.plan.instrument is not None and planned.plan.asset is None:
                planned.plan.instrument.is_written = True
            if isinstance(item, CancelItem) and planned.transaction is not None:
                planned.plan.saw(1, item.on)
                self._holding(planned.plan).changed.add(planned.transaction.pk)
            if isinstance(item, TransactionItem) and item.quantity is not None and planned.plan.asset:
                self._note_move(self._holding(planned.plan), item, planned.transaction)
        elif isinstance(item, PriceItem):
            self.priced.add(item.instrument)
        elif isinstance(item, ActionItem):
            self._splits.append(item)

    def _note_move(self, holding: Holding, item: TransactionItem, stored: Transaction | None) -> None:
        if holding.stated and item.quantity is not None:
            holding.moves.append(Move(item.type, item.on, item.quantity))
            if stored is not None:
                holding.changed.add(stored.pk)

    def _corrected_later(self, first: FirstPass | OnePass) -> Iterator[BlockRow]:
        """What earlier files say is held stays true: their corrections are changed by what this file moves before."""
        for split in self._splits:
            for plan in self.accounts.plan_holders(self.instruments.plans[split.instrument]):
                self._holding(plan)
        for plan in list(self.accounts.plans.values()):
            holding = self._holdings.get(plan.asset.pk) if plan.asset else None
            if holding is None or not holding.stated or plan.is_skipped:
                continue
            own = first.quantities.get(plan.account.key, {})
            instrument = plan.instrument.instrument.key if plan.instrument else ""
            holding.actions = [split for split in self._splits if split.instrument == instrument]
            if not (own or holding.is_moved):
                continue
            for item, stored in holding.changes(own, self.source(plan)):
                planned = Booked(item._replace(account=plan.account.key), plan, reference_of(item.on))
                planned.transaction = stored
                plan.saw(plan.first_line or 1, item.on)
                self._note_as_written(planned)
                before = transaction_before(stored) if stored else None
                source = stored.source if stored else self.source(plan)
                yield {
                    "l": plan.first_line,
                    "c": None,
                    "s": None,
                    "t": str(RowType.TRANSACTION),
                    "f": {},
                    "b": [{**becomes(planned, source), "before": before}],
                    "r": None,
                    "o": UPDATE if stored else CREATE,
                }

    def _is_earlier(self, planned: Booked) -> bool:
        """Whether the value that is there is from a later statement, which was imported before."""
        item, asset = planned.item, planned.plan.asset
        if not isinstance(item, ValueItem) or not item.rank or asset is None:
            return False
        return self._known[asset.pk].ranks.get((self.reading.format, item.on), "") > item.rank

    def _was_deleted(self, line: int, planned: Booked) -> bool:
        if planned.plan.asset is None or line in self.choices.again:
            return False
        known = self._known[planned.plan.asset.pk]
        if planned.reference:
            return planned.reference in known.references
        return planned.item.on.toordinal() in known.days

    def _warn_of_missing_prices(self) -> None:
        """Instruments that will be held and have no price: what they are worth is not known."""
        held = [
            plan.instrument
            for plan in self.accounts.plans.values()
            if plan.is_written and plan.instrument is not None
        ]
        if not held:
            return
        year = self.latest_today.year
        stored = stored_prices({plan.stored.pk for plan in held if plan.stored}, year, year)
        missing = {
            plan.instrument.symbol or plan.instrument.name
            for plan in held
            if plan.instrument.key not in self.priced
            and (plan.stored is None or not stored.get(plan.stored.pk, StoredPrices()).every.ordinals)
        }
        if missing:
            names = ", ".join(sorted(missing)[:10])
            self.plan.warnings.append(FileWarning("NO_PRICES", text=f"{len(missing)}: {names}"))


def cancelled_in(several: Iterable[Planned]) -> Iterator[list[str]]:
    """The accounts and references of the bookings that a row cancels."""
    for planned in several:
        if isinstance(planned.item, CancelItem) and isinstance(planned, Booked) and planned.reference:
            yield [planned.item.account, planned.reference]


def is_there(reason: Reason | None) -> bool:
    """Whether the value of the item will be there after the commit."""
    return reason is None or reason.code == "ALREADY_THERE"


def is_transfer(items: Iterable[Item]) -> bool:
    """The two legs of a transfer are written together or not at all."""
    return any(isinstance(item, TransactionItem) and item.type == TRANSFER for item in items)
