"""Checks an archive as a whole, before anything is written: what is accepted waits in spools."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import batched
from uuid import UUID

from django.db import models
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.files.container import Container
from archives.rows.alike import EntryLines
from archives.rows.contents import (
    JOURNAL,
    MODELS,
    PEOPLE,
    RATES,
    SHARED,
    member_of,
    models_by_member,
)
from archives.rows.ids import ID, Ids, random_mask
from archives.rows.journal import STORED, Entries
from archives.rows.json_texts import read_json
from archives.rows.tables import Row, Table, parsed_line, parsed_lines
from archives.rows.values import UserIds
from archives.services.agreement import Lots, Targets, Transfers, UniqueRows
from archives.services.people import Person, people_in
from archives.services.rates import ArchivedRate, rates_in
from archives.services.shared import SharedRows
from archives.services.spool import JournalSpool, Spool, StoredRow
from archives.services.terms import check_terms
from assets.models import (
    Asset,
    AssetSnapshot,
    AssetType,
    Category,
    Instrument,
    PriceLoad,
    Tag,
    Transaction,
)
from imports.models import Import, ImportBlock
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget
from strata.audit.journal import any_was_recorded
from strata.audit.models import JournalEntry

IDS_AT_A_TIME, VALUES_AT_A_TIME = 500, 5000
_ROW_ID = re.compile(rb'"(?:object_)?id"\s*:\s*"(' + ID.pattern.encode() + rb')"')
_OF_SNAPSHOTS = f'"{AssetSnapshot._meta.label}"'.encode()
# Others refer to them: their ids stay in memory.
REFERRED = (Household, AssetType, Category, Tag, Instrument, PriceLoad, Portfolio, Asset, Import)

type Checks = list[Transfers | Lots | Targets]


@dataclass(slots=True)
class Plan:
    """An archive that was accepted. `holder_id` is the household that its rows are written into, which differs where
    they replace many rows.
    """

    ids: Ids
    household_id: UUID
    holder_id: UUID
    spools: dict[type[models.Model], Spool] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    rates: list[ArchivedRate] = field(default_factory=list)
    # Symbols of instruments that this database has with other figures.
    copied: list[str] = field(default_factory=list)
    # Lines of the legs of transfers whose other leg is not in the archive.
    alone: list[int] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {model._meta.label_lower: spool.count for model, spool in self.spools.items() if spool.count}

    def close(self) -> None:
        for spool in self.spools.values():
            spool.close()


def own_ids(container: Container) -> set[str]:
    """The ids of the rows that there are or were, by which texts and loose references are recognised.

    Those of values are left out, of which there may be a million: only the rows of imports name them.
    """
    with_values = container.manifest.members.get(member_of(ImportBlock))
    keeps_values = with_values is not None and with_values.rows > 0
    ids: set[str] = set()
    for name in container.manifest.members:
        if name in (SHARED, RATES) or (name == member_of(AssetSnapshot) and not keeps_values):
            continue
        for line in container.lines(name):
            if keeps_values or name != JOURNAL or _OF_SNAPSHOTS not in line:
                ids.update(ids_in(line))
    return ids


def ids_in(line: bytes) -> Iterator[str]:
    """The ids of rows in a line. In JSON they may be written with escapes, as no archive of Strata has them."""
    if b"\\u" in line:
        with suppress(ValueError, RecursionError):  # the line is refused when it is checked
            line = json.dumps(read_json(line.decode())).encode()
    return (match.decode() for match in _ROW_ID.findall(line))


def any_is_here(ids: Collection[str]) -> bool:
    """Whether one of these rows is in this database, or ever was."""
    for batch in batched(ids, IDS_AT_A_TIME):
        if any_was_recorded([UUID(pk) for pk in batch]):
            return True
        # Some may have been written without the journal.
        if any(model._base_manager.filter(pk__in=batch).exists() for model in REFERRED):
            return True
    return False


def any_value_is_here(container: Container) -> bool:
    """The same of values. They are here only with their assets, unless somebody has forged what the history names."""
    if not AssetSnapshot._base_manager.exists():
        return False
    lines = (line for line in container.lines(JOURNAL) if _OF_SNAPSHOTS in line)
    ids = (UUID(pk) for line in lines for pk in ids_in(line))
    for batch in batched(ids, VALUES_AT_A_TIME):
        if any_was_recorded(batch) or AssetSnapshot._base_manager.filter(pk__among=batch).exists():
            return True
    return False


class Checker:
    """Reads a container from its first member to its last, and fills a plan."""

    def __init__(
        self,
        container: Container,
        *,
        users: UserIds,
        keeps_ids: bool,
        target: UUID | None,
        holder_id: UUID | None,
        with_rates: bool,
    ) -> None:
        self.container, self.users, self.with_rates = container, users, with_rates
        manifest = container.manifest
        own = own_ids(container)
        keeps_ids = keeps_ids and target is None and not (any_is_here(own) or any_value_is_here(container))
        mask = 0 if keeps_ids else random_mask()
        self.ids = ids = Ids(mask, own)
        self.old_id = str(manifest.household_id)
        household_id = target or UUID(ids.of_row(self.old_id))
        holder_id = holder_id or household_id
        for model in REFERRED:
            ids.known[model] = {}
        ids.known[Household] = {self.old_id: holder_id.hex}
        ids.shared[self.old_id] = household_id.hex
        self.plan = Plan(ids, household_id, holder_id)
        self._parents: dict[str, str | None] = {}  # of the categories
        self._transfers = Transfers()

    def checked(self, *, with_history: bool) -> Plan:
        try:
            self._check_names()
            self._check_rows()
            if with_history:
                self._check_journal()
            self.plan.people = people_in(self.container)
            if self.with_rates:
                self.plan.rates = list(rates_in(self.container))
        except BaseException:
            self.plan.close()
            raise
        return self.plan

    def _check_names(self) -> None:
        for name in self.container.manifest.members:
            if name not in (JOURNAL, SHARED, RATES) and name not in models_by_member():
                raise refusals.bad_name(name)

    def _check_rows(self) -> None:
        shared = SharedRows(self.container, self.ids, self.users, self.plan.household_id)
        self.plan.copied = shared.copied
        for model in MODELS:
            if model in PEOPLE:
                continue
            table = Table(model, member_of(model), self.ids, self.users)
            spool = self.plan.spools[model] = Spool(model, table.names)
            for row in shared.rows_of(model):
                spool.add(row)
            unique, checks = UniqueRows(spool), self._checks_of(model)
            for rows in self._blocks(table, checks):
                unique.see(rows)
                spool.extend(rows)
            if model is Household:
                require_one_household(spool)
            unique.check()
            table.check_tree()
            if model is Category:
                self._parents = table.parents
        self.plan.alone = sorted(self._transfers.alone.values())
        check_terms(self.container)

    def _checks_of(self, model: type[models.Model]) -> Checks:
        """What looks at each row beside those before it."""
        if model is Transaction:
            return [self._transfers, Lots(self.ids)]
        return [Targets(self._parents)] if model is AllocationTarget else []

    def _blocks(self, table: Table, checks: Checks) -> Iterator[Sequence[StoredRow]]:
        """The rows of a member. Most are checked many at a time; where that fails, one by one, to name the line."""
        number = 1
        for lines in self.container.blocks(table.member):
            rows = None if checks or table.model is Household else self._rows_together(table, lines)
            yield rows or [
                self._row(table, checks, line, place) for place, line in enumerate(lines, start=number)
            ]
            number += len(lines)

    def _rows_together(self, table: Table, lines: Sequence[bytes]) -> list[StoredRow] | None:
        values = parsed_lines(lines)
        if values is None:
            return None
        if "household_id" in table.keys and any(row.get("household_id") != self.old_id for row in values):
            return None
        return table.rows(values)

    def _row(self, table: Table, checks: Checks, line: bytes, number: int) -> StoredRow:
        values: Row = parsed_line(line, table.member, number)
        if "household_id" in table.keys and values.get("household_id") != self.old_id:
            raise refusals.foreign_row(table.member, number, "household_id")
        if table.model is Household and values.get("id") != self.old_id:
            raise refusals.foreign_row(table.member, number, "id")
        row = table.row(values, number)
        for check in checks:
            check.see(values, number)
        return row

    def _check_journal(self) -> None:
        lines = EntryLines(Entries(self.plan.household_id, self.ids, self.users))
        spool = self.plan.spools[JournalEntry] = JournalSpool(STORED)
        for run in lines.runs(self.container.lines(JOURNAL)):
            spool.add_run(run)


def require_one_household(spool: Spool) -> None:
    if spool.count != 1:
        raise refusals.bad_row(member_of(Household), None, _("There is not exactly one household."))
