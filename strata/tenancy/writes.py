"""What the services share: a row is locked before it is read, and saved only where it changes.

Each service function locks first (strata.tenancy.guards), then calls its `precondition` with the locked row, then
decides what may be refused, then writes. It joins the transaction of its caller, if there is one, and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from operator import methodcaller
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, models, transaction

from strata.db.errors.uniqueness import is_unique_violation
from strata.db.retry import Restart, is_in_transaction
from strata.exceptions import Conflict, NotFound
from strata.tenancy.guards import lock_guards, note_guards, parent_of, rows_referred_to
from strata.tenancy.querysets import Owned

type Precondition = Callable[[Any], None]
NOWHERE: Mapping[str, Any] = MappingProxyType({})  # no column of a row is known but its id


def atomic_write[**Args, Result](function: Callable[Args, Result]) -> Callable[Args, Result]:
    """The function in a transaction: that of the caller, who then rolls it back after an error, or one of its own."""

    @wraps(function)
    def write(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        if is_in_transaction():
            return function(*args, **kwargs)
        with transaction.atomic():
            return function(*args, **kwargs)

    return write


def always(row: object) -> None:
    """The default precondition: always met."""


def not_offered(*args: object, **kwargs: object) -> Any:
    """The default of a service: the resource has no such write."""
    raise NotImplementedError


class Service(NamedTuple):
    """The functions by which the API and the admin write the rows of one resource.

    create(parent_id, *, precondition, **values) -> the new row; `precondition` gets the locked parent.
    update(row_id, changes, *, precondition) -> the row; delete(row_id, *, precondition). `precondition` gets the locked
    row. `values` and `changes` have columns as keys, such as parent_id.
    """

    create: Callable[..., Any] = not_offered
    update: Callable[..., Any] = not_offered
    delete: Callable[..., None] = not_offered


def locked_row[Row: Owned](
    rows: models.QuerySet[Row],
    pk: UUID,
    resource: str,
    *,
    changes: Mapping[str, Any] | None = None,
    for_delete: bool = False,
    within: Mapping[str, Any] = NOWHERE,
) -> Row:
    """Lock what guards the row, and the parent that `changes` move it to; then read it.

    `for_delete`: also what guards the rows that are deleted with it. `within` are columns of the row that are known:
    the column that locates it (TrackedModel.located_by).

    Raises NotFound(resource), and Restart where the row moved while this waited for the lock.
    """
    model, parent = rows.model, parent_of(rows.model)
    referred = {name: row for name, row in rows_referred_to(model, changes or {}).items() if name == parent}
    stored = model._base_manager.filter(pk=pk, **within)
    guards = lock_guards(stored, for_delete=for_delete, will_refer_to=referred)
    row = rows.filter(pk=pk, **within).first()
    if row is None:
        raise NotFound(resource)
    if not guards.protect(row):
        raise Restart("the row has moved")
    note_guards(row, guards)
    return row


def locked_parent[Parent: Owned](
    model: type[Owned],
    parents: models.QuerySet[Parent],
    pk: UUID,
    resource: str,
) -> Parent:
    """Lock what guards a new row of `model` below this parent; then read the parent.

    Raises NotFound(resource), and Restart where the parent moved while this waited for the lock.
    """
    referred = {parent_of(model) or "": parents.model._base_manager.filter(pk=pk)}
    guards = lock_guards(model._base_manager.none(), will_refer_to=referred)
    parent = parents.filter(pk=pk).first()
    if parent is None:
        raise NotFound(resource)
    if not guards.protect_rows_in(model, parent.owning_household_id(), parent.owning_portfolio_id()):
        raise Restart("the parent has moved")
    note_guards(parent, guards)
    return parent


def locked_parents[Parent: Owned](
    model: type[Owned],
    parents: models.QuerySet[Parent],
    ids: Collection[UUID],
) -> dict[UUID, Parent]:
    """As `locked_parent`, for new rows of `model` below many parents: those that exist, by id. All are locked at once,
    in the one order of locks.
    """
    if not ids:
        return {}
    referred = {parent_of(model) or "": parents.model._base_manager.filter(pk__among=list(ids))}
    guards = lock_guards(model._base_manager.none(), will_refer_to=referred)
    rows = {parent.pk: parent for parent in parents.filter(pk__among=list(ids))}
    for parent in rows.values():
        if not guards.protect_rows_in(model, parent.owning_household_id(), parent.owning_portfolio_id()):
            raise Restart("a parent has moved")
        note_guards(parent, guards)
    return rows


@atomic_write
def delete_row[Row: Owned](
    rows: models.QuerySet[Row],
    pk: UUID,
    resource: str,
    precondition: Precondition = always,
    *,
    delete: Callable[[Row], object] = methodcaller("delete"),
    within: Mapping[str, Any] = NOWHERE,
) -> None:
    """Lock the row and all that is deleted with it, ask the precondition, and delete it. Raises NotFound(resource)."""
    row = locked_row(rows, pk, resource, for_delete=True, within=within)
    precondition(row)
    delete(row)


def save_changes(row: models.Model, changes: Mapping[str, Any]) -> bool:
    """Save the columns that differ. Without a difference nothing is written: no journal entry, no new revision."""
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.save(update_fields=[*changed])
    return bool(changed)


@contextmanager
def conflict_if_duplicate(
    model: type[models.Model], conflict: Conflict, *, key: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Raise a Conflict like this one where a unique constraint of the model refuses a row. The caller must roll back.

    `key` are columns that find the existing row: the API reads it after the rollback, and names it in the answer.
    """
    try:
        yield
    except IntegrityError as error:
        if not is_unique_violation(error, model):
            raise
        raise Conflict(conflict.code, conflict.message, conflict.field, existing_key=key) from error
