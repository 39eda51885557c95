"""Guards: the rows that a write locks. First households by id, then portfolios by id (docs/decisions/0009).

The row of a household guards everything in the household that is in no portfolio. The row of a portfolio guards all
that is in the portfolio. A row in a portfolio that refers to a row of the household (an asset to its type, a link to
its tag) is guarded by both. A writer that holds the guards of what it reads and writes sees no change by others, and
has to wait for no other lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from strata.db.locks import lock_rows
from strata.db.retry import Restart
from strata.tenancy.querysets import Owned


class Guards(NamedTuple):
    """The keys of the households and portfolios that are locked."""

    households: frozenset[UUID] = frozenset()
    portfolios: frozenset[UUID] = frozenset()

    def protect(self, row: Owned) -> bool:
        """Whether the guards of the row are locked, that is, it has not moved since."""
        return self.protect_rows_in(type(row), row.owning_household_id(), row.owning_portfolio_id())

    def protect_rows_in(
        self, model: type[Owned], household_id: UUID | None, portfolio_id: UUID | None
    ) -> bool:
        """Whether the guards of a row of this model in this household and portfolio are locked."""
        if not self.is_locked(self.portfolios, portfolio_id if model.portfolio_lookup is not None else None):
            return False
        return not guarded_by_household(model) or self.is_locked(self.households, household_id)

    @staticmethod
    def is_locked(locked: frozenset[UUID], pk: UUID | None) -> bool:
        """Always true on SQLite, where nobody else can have moved the row, and for rows without an owner."""
        return pk is None or pk in locked or not rows_are_locked()


class HeldGuards(NamedTuple):
    """The guards that a row was read under, and its portfolio then. A write of the row does not lock them again."""

    guards: Guards
    portfolio_id: UUID | None
    # The transaction and the savepoints that were open: the locks end with any of them.
    open_blocks: tuple[object, ...]
    move_count: int  # how many moves there had been: after another one, what is known of any row may be wrong

    def are_held(self) -> bool:
        if not self.open_blocks or self.move_count != _move_count.get():
            return False
        return tuple(connection.atomic_blocks[: len(self.open_blocks)]) == self.open_blocks


_move_count: ContextVar[int] = ContextVar("moves of rows to another parent", default=0)


def forget_held_guards() -> None:
    """A row moves to another parent: every row that is held is locked and read again before it is written."""
    _move_count.set(_move_count.get() + 1)


def note_guards(row: Owned, guards: Guards, *, open_blocks: tuple[object, ...] | None = None) -> None:
    """Note on the row that its guards are locked, by default in the present block. Call it after the row was read."""
    if open_blocks is None:
        open_blocks = tuple(connection.atomic_blocks)
    row._held_guards = HeldGuards(guards, row.owning_portfolio_id(), open_blocks, _move_count.get())


def note_guards_of_siblings(rows: Sequence[Owned], held: HeldGuards) -> None:
    """The same for rows of one parent, whose guards are held."""
    for row in rows:
        if row is rows[0]:
            note_guards(row, held.guards, open_blocks=held.open_blocks)
        row._held_guards = rows[0]._held_guards


def note_parents_guards(row: Owned, parent: Owned) -> None:
    """Note on a row that was read below a held parent that the parent's guards are its own."""
    if (held := held_guards(parent)) is not None:
        note_guards(row, held.guards, open_blocks=held.open_blocks)


def held_guards(row: models.Model | None) -> HeldGuards | None:
    """The guards that are still held for the row; None where it has to be locked."""
    held: HeldGuards | None = getattr(row, "_held_guards", None)
    return held if held is not None and held.are_held() else None


def rows_are_locked() -> bool:
    """False on SQLite, where writers wait for each other's whole transactions."""
    return connection.features.has_select_for_update


def lock_guards(
    rows: models.QuerySet[Owned],
    *,
    for_delete: bool = False,
    will_refer_to: Mapping[str, models.QuerySet[Owned]] | None = None,
) -> Guards:
    """Lock the guards of the rows until the transaction ends. The caller checks whether the rows still exist.

    `for_delete`: also the guards of all rows that are deleted with them. `will_refer_to`: the rows that
    they will refer to, by foreign key. The guards of these are locked too, and the portfolio that the rows move to.
    """
    if not rows_are_locked():
        return Guards()
    referred = will_refer_to or {}
    households = household_ids(rows, for_delete)
    if guarded_by_household(rows.model):
        households += [row.order_by().values(owner_columns(row.model)[0]) for row in referred.values()]
    portfolios = portfolio_ids(rows, for_delete)
    parent = (rows.model.portfolio_lookup or "").partition("__")[0]
    portfolios += portfolio_ids(referred[parent], for_delete=False) if parent in referred else []
    return Guards(
        frozenset(_lock(household_model(), households)), frozenset(_lock(portfolio_model(), portfolios))
    )


def read_locked(rows: models.QuerySet[Owned]) -> list[Any]:
    """The rows, read after their guards were locked. Raises Restart where one of them has moved meanwhile."""
    guards = lock_guards(rows)
    locked_rows = list(rows.order_by("pk"))
    if not all(map(guards.protect, locked_rows)):
        raise Restart("one of them has moved")
    return locked_rows


def _lock(model: type[models.Model], ids: list[models.QuerySet[Any]]) -> Collection[UUID]:
    """In one statement, with the keys from a subquery: the rows could move between two statements."""
    ids = [queryset for queryset in ids if not queryset.query.is_empty()]
    if not ids:
        return ()
    return lock_rows(model._base_manager.filter(pk__in=ids[0].union(*ids[1:]) if ids[1:] else ids[0]))


# --- which rows ---


def parent_of(model: type[Owned]) -> str | None:
    """The name of the foreign key to the parent of a row; None for a household."""
    return (model.portfolio_lookup or model.household_lookup).partition("__")[0] or None


def rows_referred_to(model: type[Owned], values: Mapping[str, Any]) -> dict[str, models.QuerySet[Owned]]:
    """The rows of households that these values of a row refer to, by foreign key. Its keys are columns, as tag_id."""
    fields: Iterable[Any] = model._meta.concrete_fields
    return {
        field.name: field.related_model._base_manager.filter(pk=values[field.attname])
        for field in fields
        if field.is_relation
        and issubclass(field.related_model, Owned)
        and values.get(field.attname) is not None
    }


def household_ids(rows: models.QuerySet[Owned], for_delete: bool) -> list[models.QuerySet[Any]]:
    models_below = {rows.model, *(cascaded(rows.model) if for_delete else ())}
    if not any(map(guarded_by_household, models_below)):
        return []
    return [rows.order_by().values(owner_columns(rows.model)[0])]


def portfolio_ids(rows: models.QuerySet[Owned], for_delete: bool) -> list[models.QuerySet[Any]]:
    """The children of a row in a portfolio are in the same portfolio; those of other rows may be in any portfolio."""
    column = owner_columns(rows.model)[1]
    if column is not None:
        return [rows.order_by().values(column)]
    querysets = []
    for relation in cascading(rows.model) if for_delete else ():
        children = relation.related_model._base_manager
        parents = rows.order_by().values("pk")
        querysets += portfolio_ids(children.filter(**{f"{relation.field.name}__in": parents}), for_delete)
    return querysets


@cache
def owner_columns(model: type[Owned]) -> tuple[str, str | None]:
    """The lookups from a row to the id of its household, and to the id of its portfolio or None."""
    portfolio = model.portfolio_lookup
    return (
        f"{model.household_lookup}_id" if model.household_lookup else "pk",
        None if portfolio is None else f"{portfolio}_id" if portfolio else "pk",
    )


def cascading(model: type[models.Model]) -> list[Any]:
    """The relations through which deleting rows of `model` deletes other rows of the household."""
    return [
        relation
        for relation in model._meta.related_objects
        if relation.on_delete is models.CASCADE and issubclass(relation.related_model, Owned)
    ]


def cascaded(model: type[models.Model]) -> set[type[Owned]]:
    """The models of all rows that may be deleted with a row."""
    children = {relation.related_model for relation in cascading(model)} - {model}
    return children.union(*map(cascaded, children))


@cache
def guarded_by_household(model: type[Owned]) -> bool:
    """Whether its rows are in no portfolio, or refer to rows that are in none."""
    if not model.portfolio_lookup:
        return True
    fields: Iterable[Any] = model._meta.concrete_fields
    targets = (field.related_model for field in fields if field.is_relation)
    return any(issubclass(target, Owned) and target.portfolio_lookup is None for target in targets)


@cache
def household_model() -> type[models.Model]:
    return next(model for model in owned_models() if model.household_lookup == "")


@cache
def portfolio_model() -> type[models.Model]:
    return next(model for model in owned_models() if model.portfolio_lookup == "")


def owned_models() -> list[type[Owned]]:
    return [model for model in apps.get_models() if issubclass(model, Owned)]
