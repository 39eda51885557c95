"""The writer of the journal: every entry, of whatever row, is written here, in the form that takes least room.

An entry has who wrote it by itself, or shares that with the others of its transaction, or is packed: of many new rows
the ids alone are stored (docs/decisions/0044). The database itself makes the images of rows, in one statement for one
row or for a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Value
from django.db.models.functions import Cast, JSONObject
from django.db.models.sql.compiler import SQLCompiler

from strata.audit import actor
from strata.audit.clock import is_open, outermost_block, written_at
from strata.audit.locating import ids_of, located
from strata.audit.models import (
    BITS_BELOW_MS,
    PACKED_SPAN_MS,
    SIGNED,
    Action,
    Deletion,
    JournalEntry,
    JournalWrite,
)
from strata.db.bulk import insert_rows
from strata.fields.money import ExactField
from strata.fields.names import NameKeyField
from strata.tenancy.guards import owner_columns
from strata.tenancy.querysets import Owned

SHARED_FROM = 5  # entries of a statement; with fewer, a write of their own takes more room than it saves
PACKED_FROM = 20  # creations in one transaction
PACKED_AT_MOST = 1000  # in one entry
ENTRIES_AT_A_TIME = 1000
IDS_AT_A_TIME = 10_000
NOBODY = {"actor_id": None, "actor_name": "", "request_id": "", "channel": ""}  # of an entry that has a write
type Recorded = tuple[Any, UUID | None, dict[str, Any] | None]
COMMON = (
    "at",
    "model",
    "household_id",
    "actor",
    "actor_name",
    "request_id",
    "channel",
)  # of an archive's creations
NOT_OF_CREATIONS = ("undo_of", "before", "count")
type StoredRow = Sequence[Any]
type RecordedRun = tuple[StoredRow, Sequence[str]]
type NewRow = tuple[UUID, UUID | None]  # its id, and that of its household
type Run = tuple[UUID | None, list[UUID]]  # a household, and the ids of its rows that one entry can have


def signature() -> dict[str, Any]:
    who = actor.current()
    user = who.user
    return {
        "actor_id": user.pk if user else None,
        "actor_name": user.get_username() if user else "",
        "request_id": who.request_id,
        "channel": who.channel,
        "undo_of": who.undo_of,
    }


# --- what entries share ---


@dataclass(frozen=True, slots=True)
class SharedWrite:
    """The JournalWrite of the current transaction. `begun` is among its commit hooks until it ends."""

    pk: int
    signed: tuple[Any, ...]
    block: Any
    begun: Callable[[], None]


def shared_write(signed: dict[str, Any]) -> int:
    """The id of the JournalWrite of the current transaction for this signature."""
    key, database = tuple(signed[name] for name in SIGNED), connections[connection.alias]
    known: SharedWrite | None = getattr(database, "strata_shared_write", None)
    block = outermost_block(database)
    if known is None or known.signed != key or known.block is not block or not is_open(known, database):
        row = JournalWrite(**dict(zip(SIGNED, key, strict=True)))
        row.save(force_insert=True)
        known = SharedWrite(row.pk, key, block, lambda: None)
        if database.in_atomic_block:
            transaction.on_commit(known.begun)
            database.strata_shared_write = known  # type: ignore[attr-defined]  # ours
    return known.pk


def columns_of(signed: dict[str, Any], *, shares: bool) -> dict[str, Any]:
    """The columns of an entry that say who wrote it."""
    return of_write(signed, shared_write(signed)) if shares else signed


def of_write(signed: dict[str, Any], write_id: int) -> dict[str, Any]:
    return {**signed, **NOBODY, "write_id": write_id}


# --- entries that nobody has seen ---


class Unseen(NamedTuple):
    """Of the entries of rows that nobody sees yet: the household that they will be in, and their JournalWrite."""

    household_id: UUID
    write_id: int


_unseen: ContextVar[Unseen | None] = ContextVar("strata_unseen", default=None)


@contextmanager
def recorded_as(unseen: Unseen) -> Iterator[None]:
    """Inside the block the entries of new rows are such entries. Other writes are refused: they could be seen."""
    token = _unseen.set(unseen)
    try:
        yield
    finally:
        _unseen.reset(token)


def is_unseen() -> bool:
    return _unseen.get() is not None


def newest_entry() -> int:
    return JournalEntry.objects.order_by("-id").values_list("pk", flat=True).first() or 0


def remove_unseen(deletion: Deletion, most: int) -> int:
    """Delete up to `most` entries of what was written in steps and not ended. The database refuses any other."""
    field: Any = JournalEntry._meta.get_field("household_id")
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM strata_change WHERE id IN (SELECT id FROM strata_change"
            " WHERE id > %s AND (household_id = %s OR write_id = %s) ORDER BY id LIMIT %s)",
            [
                deletion.journal_after,
                field.get_db_prep_value(deletion.holder_id, connection),
                deletion.write_id,
                most,
            ],
        )
        removed: int = cursor.rowcount
    return removed


# --- entries that Python makes ---


def write_creation(row: Owned, at: datetime) -> None:
    """Write the entry of a new row. It needs no image, because the row itself exists."""
    write_entries(type(row), Action.CREATE, [(row.pk, row.owning_household_id(), None)], at=at)


def write_entries(
    model: type[models.Model], action: Action, recorded: Iterable[Recorded], *, at: datetime | None = None
) -> None:
    """Write an entry for each row: its id, the id of its household, and its image before the write."""
    common = {"at": at or written_at(), "model": model._meta.label, "action": action}
    for batch in batched(recorded, ENTRIES_AT_A_TIME):
        columns = columns_of(signature(), shares=len(batch) >= SHARED_FROM) | common
        insert_entries(
            [
                JournalEntry(**columns, object_id=pk, household_id=household_id, before=image)
                for pk, household_id, image in batch
            ]
        )


def insert_entries(entries: list[JournalEntry]) -> None:
    if len(entries) == 1:
        entries[0].save(force_insert=True)
    else:
        JournalEntry.objects.bulk_create(entries)


# --- creations ---


def write_new_rows(rows: Sequence[Owned]) -> None:
    """Write the entries of rows that were just inserted, in the order of their ids. They need no images."""
    if not rows:
        return
    model: Any = type(rows[0])
    if unseen := _unseen.get():
        new_rows = [(pk, unseen.household_id) for pk in sorted(row.pk for row in rows)]
        write_creations_of(model, new_rows, write_id=unseen.write_id)
        return
    new = households_in_memory(rows) if len(rows) >= PACKED_FROM else None
    if new is None:
        ids = ids_of(rows)
        write_creations(located(model._base_manager.all(), ids, ids.places), number=len(rows))
    else:
        write_creations_of(model, sorted(new, key=itemgetter(0)))


def households_in_memory(rows: Sequence[Owned]) -> list[NewRow] | None:
    """The rows with their households, without a query; None where one is needed. Each parent is asked once."""
    parent, _, beyond = rows[0].household_lookup.partition("__")
    if not beyond:
        return [(row.pk, row.owning_household_id()) for row in rows]
    parents = [id(row._state.fields_cache.get(parent)) for row in rows]
    siblings = dict(zip(parents, rows, strict=True))
    if not all(row.knows_its_household() for row in siblings.values()):
        return None
    households = {key: row.owning_household_id() for key, row in siblings.items()}
    return [(row.pk, households[key]) for row, key in zip(rows, parents, strict=True)]


def write_creations(
    rows: models.QuerySet[Any], *, number: int | None = None, at: datetime | None = None
) -> None:
    """Write the entries of new rows, in the order of their ids. They need no images. `number` is how many, if known."""
    if number is not None and number < PACKED_FROM:
        _write_selected(rows.order_by("pk"), Action.CREATE, {}, number=number, at=at)
        return
    model: type[Owned] = rows.model
    new = rows.order_by("pk").values_list("pk", owner_columns(model)[0])
    write_creations_of(model, new.iterator(chunk_size=IDS_AT_A_TIME), at=at)


def write_creations_of(
    model: type[Owned], new: Iterable[NewRow], *, at: datetime | None = None, write_id: int | None = None
) -> None:
    """`new` is in the order of the ids. With `write_id` all entries are of this JournalWrite."""
    write_runs(runs_of(new), columns_of_creations(model, at=at, write_id=write_id))


def columns_of_creations(
    model: type[Owned], *, at: datetime | None = None, write_id: int | None = None
) -> dict[str, Any]:
    return {**signature(), "at": at or written_at(), "model": model._meta.label, "write_id": write_id}


def prepared_runs(new: Iterable[NewRow]) -> list[Run]:
    """What `write_prepared_creations` takes. `new` is in the order of the ids."""
    return list(runs_of(new))


def write_prepared_creations(model: type[Owned], runs: Iterable[Run]) -> None:
    write_runs(runs, columns_of_creations(model))


def runs_of(rows: Iterable[NewRow]) -> Iterator[Run]:
    """The rows, which are in the order of their ids, as lists of ids of one household that one entry can have."""
    open_runs: dict[UUID | None, list[UUID]] = {}
    run, last = open_runs.setdefault(None, []), None  # most rows are of the same household as the one before
    for pk, household_id in rows:
        if household_id is not last:
            run, last = open_runs.setdefault(household_id, []), household_id
        if run and (len(run) == PACKED_AT_MOST or not may_be_packed(run[0], pk)):
            yield household_id, run
            run = open_runs[household_id] = []
        run.append(pk)
    yield from ((household_id, run) for household_id, run in open_runs.items() if run)


def may_be_packed(first: UUID, last: UUID) -> bool:
    return (last.int >> BITS_BELOW_MS) - (first.int >> BITS_BELOW_MS) < PACKED_SPAN_MS


def write_runs(runs: Iterable[Run], columns: dict[str, Any]) -> None:
    """An entry for each run of new rows, or for each row of one that is too short."""
    signed = {name: columns[name] for name in (*SIGNED, "undo_of")}
    common = {"at": columns["at"], "model": columns["model"], "action": Action.CREATE}
    write_id = columns.get("write_id")
    for batch in batched(runs, ENTRIES_AT_A_TIME // PACKED_FROM):
        shares = write_id is not None or sum(len(ids) for _, ids in batch) >= SHARED_FROM
        own = columns_of(signed, shares=shares) if write_id is None else of_write(signed, write_id)
        shared = own | common
        entries = []
        for household_id, ids in batch:
            if len(ids) >= PACKED_FROM and shares and columns["undo_of"] is None:
                entry = JournalEntry(**shared, object_id=ids[0], last_id=ids[-1], packed=ids)
                entry.household_id, entry.count = household_id, len(ids)
                entries.append(entry)
            else:
                entries += [JournalEntry(**shared, object_id=pk, household_id=household_id) for pk in ids]
        insert_entries(entries)


# --- entries of an archive ---


def write_recorded(names: Sequence[str], runs: Iterable[RecordedRun]) -> None:
    """Write entries as they were recorded elsewhere, in this order. Values are as `insert_rows` takes them.

    A run is an entry, and the ids, in 32 hex digits, of all rows that have such an entry one after the other.
    """
    places = {name: place for place, name in enumerate(names)}
    place_of_id = places["object_id"]
    by_themselves: list[StoredRow] = []
    for row, ids in runs:
        is_packed = len(ids) >= PACKED_FROM and is_creation(places, row)
        if not is_packed:
            by_themselves += [(*row[:place_of_id], pk, *row[place_of_id + 1 :]) for pk in ids]
        if is_packed or len(by_themselves) >= IDS_AT_A_TIME:
            insert_rows(JournalEntry, names, by_themselves)
            by_themselves = []
        if is_packed:
            write_recorded_creations(places, row, ids)
    insert_rows(JournalEntry, names, by_themselves)


def is_creation(places: dict[str, int], row: StoredRow) -> bool:
    """Rows that follow each other and differ in their ids alone were then created in one write."""
    return row[places["action"]] == Action.CREATE and all(
        row[places[name]] is None for name in NOT_OF_CREATIONS
    )


def write_recorded_creations(places: dict[str, int], row: StoredRow, ids: Iterable[str]) -> None:
    common = {name: row[places[name]] for name in (*COMMON, "undo_of")}
    at = datetime.fromisoformat(common["at"])
    common |= {"at": at if at.tzinfo else at.replace(tzinfo=UTC), "actor_id": common.pop("actor")}
    household_id = UUID(common.pop("household_id")) if common["household_id"] else None
    write_runs(runs_of((UUID(int=int(pk, 16)), household_id) for pk in sorted(ids)), common)


# --- entries that the database makes ---


def write_journal(
    rows: models.QuerySet[Any],
    action: str,
    *,
    number: int,
    signed: dict[str, Any] | None = None,
    at: datetime | None = None,
    **more: Any,
) -> int:
    """Write the rows' images into the journal, before they are updated or deleted. Returns how many there are.

    `number` is about how many there will be. `signed` is who writes, as in `signature`, and `at` when; by default the
    current actor, now. `more` are expressions for further columns of the entries.
    """
    columns = {"before": row_image(rows.model), **more}
    return _write_selected(rows.order_by(), action, columns, number=number, signed=signed, at=at)


def _write_selected(
    rows: models.QuerySet[Any],
    action: str,
    columns: dict[str, Any],
    *,
    number: int,
    signed: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> int:
    if is_unseen():
        raise TypeError("Where nobody sees it, rows are only made.")
    model: type[Owned] = rows.model
    values = columns_of(signed or signature(), shares=number >= SHARED_FROM)
    values |= {"at": at or written_at(), "model": model._meta.label, "action": action}
    columns = {
        "household_id": F(owner_columns(model)[0]),
        **{name: typed_column(name, value) for name, value in values.items()},
        **columns,
    }
    selected = rows.annotate(**{f"journal_{name}": value for name, value in columns.items()})
    query = selected.values_list("pk", *(f"journal_{name}" for name in columns)).query
    try:
        sql, params = query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return 0
    fields: list[Any] = [JournalEntry._meta.get_field(name) for name in ("object_id", *columns)]
    named = ", ".join(f'"{field.column}"' for field in fields)
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f'INSERT INTO "{JournalEntry._meta.db_table}" ({named}) {sql}', params)
        written: int = cursor.rowcount
    return written


def typed_column(name: str, value: Any) -> Any:
    field: Any = JournalEntry._meta.get_field(name)
    field = field.target_field if field.is_relation else field
    if isinstance(field, models.AutoField | models.BigAutoField):
        field = models.BigIntegerField()
    kind = models.UUIDField() if isinstance(field, models.UUIDField) else type(field)()
    return CastAsStored(Value(value, output_field=kind), kind)


class CastAsStored(Cast):
    """A cast on PostgreSQL, which needs the type of a parameter. On SQLite a cast would cut off microseconds."""

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, Any]:
        return compiler.compile(self.source_expressions[0])


def row_image(model: type[models.Model]) -> JSONObject:
    """The row as a JSON object, each column as stored. Exact decimals are text, so that no digit is lost."""
    return JSONObject(
        **{
            field.attname: _column(field)
            for field in model._meta.local_concrete_fields
            if not isinstance(field, NameKeyField)
        }
    )


def _column(field: models.Field[Any, Any]) -> Any:
    return Cast(F(field.attname), models.TextField()) if isinstance(field, ExactField) else F(field.attname)
