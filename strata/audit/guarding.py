"""Locks what a write of tracked rows needs, and raises the revisions of the portfolios (see strata.tenancy.guards)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F

from strata.audit.locating import RowIds, located, located_by, place_of
from strata.exceptions import NotFound
from strata.tenancy.guards import (
    HeldGuards,
    forget_held_guards,
    held_guards,
    lock_guards,
    note_guards_of_siblings,
    owner_columns,
    parent_of,
    portfolio_model,
)
from strata.tenancy.querysets import Owned

type Owners = tuple[UUID | None, UUID | None]  # the ids of a household and of a portfolio


def guard_rows[Rows: models.QuerySet[Any]](
    rows: Rows, *, to: UUID | None = None, for_delete: bool = False, known: list[UUID] | None = None
) -> tuple[Rows, RowIds]:
    """Lock the guards of the rows, raise the revisions of their portfolios, and return the rows and their ids.

    `to` is the parent that the rows will move to. `for_delete` is True for a deletion, which deletes the children too.
    `known` are the ids by which the rows were selected: they are not read then, and some may not be there any more.
    """
    goal = parents(rows.model, set() if to is None else {to})
    while True:
        guards = lock_guards(rows, for_delete=for_delete, will_refer_to=goal)
        ids, owners = ids_and_owners(rows, known)
        beyond = {
            (household, portfolio) for each in goal.values() for _, household, portfolio in owners_of(each)
        }
        if all(guards.protect_rows_in(rows.model, *each) for each in owners | beyond):
            break  # otherwise a row has moved during the wait for the lock: start again
    portfolios, others = ({portfolio_id for _, portfolio_id in each} for each in (owners, beyond))
    if others - portfolios:
        forget_held_guards()
    raise_revisions(rows.model, portfolios | others)
    return among(rows, ids)


def guard_stored_row(row: Owned) -> models.QuerySet[Any]:
    """Lock the guards of the row, unless they are held, and raise the revisions. Returns the row as a queryset."""
    model, to = type(row), destination(type(row), vars(row))
    manager: Any = model._base_manager
    rows: models.QuerySet[Any] = manager.filter(pk=row.pk, **place_of(row))
    held = held_guards(row)
    if held is not None and stays_guarded(row, held):
        raise_revisions(model, (held.portfolio_id, row.owning_portfolio_id()))
        if row.owning_portfolio_id() != held.portfolio_id:
            forget_held_guards()
        return rows
    return guard_rows(rows, to=to)[0]


def stays_guarded(row: Owned, held: HeldGuards) -> bool:
    """Whether the guards that are held for the row also guard it where it is written to."""
    if row.owning_portfolio_id() == held.portfolio_id:
        return True
    return held.guards.protect(row)


def by_ids[Rows: models.QuerySet[Any]](rows: Rows) -> tuple[Rows, RowIds]:
    column = located_by(rows.model)
    keys = list(rows.order_by().values_list("pk", *column))
    return among(rows, RowIds((pk for pk, *_ in keys), (place for _, *places in keys for place in places)))


def among[Rows: models.QuerySet[Any]](rows: Rows, ids: RowIds) -> tuple[Rows, RowIds]:
    """Select the rows by their ids: then they stay the same rows, whatever is written to them."""
    manager: Any = rows.model._base_manager
    return located(manager.using(rows.db), ids, ids.places), ids


def guard_new_rows(model: type[Owned], rows: Iterable[Owned]) -> None:
    """Lock the guards of rows that will be created, and raise the revisions of their portfolios.

    Raises NotFound where their parent was deleted, even if a moment ago.
    """
    parent = parent_of(model)
    rows = list(rows)
    if parent and all_parents_are_held(model, rows, parent):
        return
    ids = {getattr(row, f"{parent}_id") for row in rows} - {None} if parent else set()
    goal = parents(model, ids)
    while parent and goal:
        guards = lock_guards(model._base_manager.none(), will_refer_to=goal)
        owned = owners_of(goal[parent])
        if all(guards.protect_rows_in(model, *owners) for _, *owners in owned):
            if len(owned) < len(ids):
                raise NotFound(parent)
            raise_revisions(model, (portfolio_id for *_, portfolio_id in owned))
            return


def all_parents_are_held(model: type[Owned], rows: list[Any], parent: str) -> bool:
    """Where the guards of all parents are held: raise the revisions, and note the guards on the rows.

    Each parent is looked at once, with its first row: many rows have few parents.
    """
    below: dict[int, list[Any]] = {}
    for row in rows:
        below.setdefault(id(row._state.fields_cache.get(parent)), []).append(row)
    held = [held_parent(model, siblings[0], parent) for siblings in below.values()]
    if not held or not all(held):
        return False
    raise_revisions(model, {siblings[0].owning_portfolio_id() for siblings in below.values()})
    for siblings, of_parent in zip(below.values(), held, strict=True):
        if of_parent is not None:
            note_guards_of_siblings(siblings, of_parent)
    return True


def held_parent(model: type[Owned], row: Owned, parent: str) -> HeldGuards | None:
    """The guards that the row's parent was read under, if they are still held and guard the row too."""
    held = held_guards(row._state.fields_cache.get(parent))
    owners = row.owning_household_id(), row.owning_portfolio_id()
    return held if held is not None and held.guards.protect_rows_in(model, *owners) else None


def owners_of(rows: models.QuerySet[Owned]) -> list[tuple[UUID, UUID | None, UUID | None]]:
    """For each row: its id, the id of its household, and the id of its portfolio or None."""
    household, portfolio = owner_columns(rows.model)
    rows = rows.order_by()
    if portfolio is None:
        return [(pk, household_id, None) for pk, household_id in rows.values_list("pk", household)]
    return list(rows.values_list("pk", household, portfolio))


def ids_and_owners(
    rows: models.QuerySet[Owned], known: list[UUID] | None = None
) -> tuple[RowIds, set[Owners]]:
    """The ids of the rows with what they are located by, and their households and portfolios.

    Many rows have few owners. Where the ids are `known`, only the owners are read.
    """
    household, portfolio = owner_columns(rows.model)
    column = located_by(rows.model)
    if portfolio is None:
        owned = owners_of(rows)
        return RowIds(pk for pk, *_ in owned), {(owner, None) for _, owner, _ in owned}
    own = () if known is not None else ("pk",)
    keys = rows.order_by().values_list(household, portfolio, *column, *own)
    owners, ids = set[Owners](), RowIds(known or ())
    for household_id, portfolio_id, *rest in keys.distinct() if known is not None else keys:
        owners.add((household_id, portfolio_id))
        if column:
            ids.places.add(rest[0])
        if known is None:
            ids.append(rest[-1])
    return ids, owners


def parents(model: type[Owned], ids: Collection[UUID]) -> dict[str, models.QuerySet[Owned]]:
    """The parents with these ids, by the name of the foreign key."""
    parent = parent_of(model)
    if parent is None or not ids:
        return {}
    related: Any = model._meta.get_field(parent).related_model
    return {parent: related._base_manager.filter(pk__in=ids)}


def destination(model: type[Owned], values: dict[str, Any]) -> UUID | None:
    """The id of the new parent that a write sets; None where the rows do not move."""
    if not model.portfolio_lookup:
        return None
    parent = parent_of(model) or ""
    given = values.get(parent, values.get(f"{parent}_id"))
    if hasattr(given, "resolve_expression"):
        raise TypeError("Rows can only move to one parent at a time.")
    return getattr(given, "pk", given)


def raise_revisions(model: type[Any], portfolio_ids: Iterable[UUID | None]) -> None:
    """Add one to the revision of each portfolio. The same revision means unchanged data."""
    ids = set(portfolio_ids) - {None}
    if ids and model.raises_revision and model.portfolio_lookup is not None:
        rows: Any = portfolio_model()._base_manager.filter(pk__in=ids)
        rows.update_unrecorded(revision=F("revision") + 1)
