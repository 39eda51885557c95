"""Which rows guard a write, and locking them: households by id, then portfolios by id (docs/decisions/0009).

A household's row guards what is in the household and in no portfolio; a portfolio's row all that is in it. A row in a
portfolio that names one of the household (an asset its type, a link its tag) is guarded by both. Whoever holds the
guards of what it reads and writes finds it as it was read, and waits for nobody else on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

    def cover(self, row: Owned) -> bool:
        """Whether the row is still where it was when they were locked."""
        return self.cover_owners(type(row), row.owning_household_id(), row.owning_portfolio_id())

    def cover_owners(self, model: type[Owned], household_id: UUID | None, portfolio_id: UUID | None) -> bool:
        """Whether what guards a row of that model in this household and portfolio is locked."""
        if not self.have(self.portfolios, portfolio_id if model.portfolio_lookup is not None else None):
            return False
        return not guarded_by_household(model) or self.have(self.households, household_id)

    @staticmethod
    def have(locked: frozenset[UUID], pk: UUID | None) -> bool:
        """On SQLite whatever there is, is held: nobody else could have moved it. What nobody owns has no guard."""
        return pk is None or pk in locked or not rows_are_locked()


def rows_are_locked() -> bool:
    """False on SQLite, whose writers queue by whole transactions."""
    return connection.features.has_select_for_update


def lock_guards(
    rows: models.QuerySet, *, below: bool = False, named: Mapping[str, models.QuerySet] | None = None
) -> Guards:
    """Lock what guards the rows, until the transaction ends; whether they are there still is for the caller to look.

    `below`: with the guards of all that is deleted with them. `named`: by foreign key the rows that it is about to
    point to; they guard it too, and so does the portfolio into which one of them moves it.
    """
    if not rows_are_locked():
        return Guards()
    named = named or {}
    households = household_ids(rows, below)
    if guarded_by_household(rows.model):
        households += [row.order_by().values(owner_columns(row.model)[0]) for row in named.values()]
    portfolios = portfolio_ids(rows, below)
    parent = (rows.model.portfolio_lookup or "").partition("__")[0]
    portfolios += portfolio_ids(named[parent], below=False) if parent in named else []
    return Guards(
        frozenset(_lock(household_model(), households)), frozenset(_lock(portfolio_model(), portfolios))
    )


def read_locked(rows: models.QuerySet) -> list[Any]:
    """The rows, once what guards them is locked; Restart where one of them has moved meanwhile."""
    guards = lock_guards(rows)
    locked_rows = list(rows.order_by("pk"))
    if not all(map(guards.cover, locked_rows)):
        raise Restart("one of them has moved")
    return locked_rows


def _lock(model: type[models.Model], ids: list[models.QuerySet]) -> Collection[UUID]:
    """In one statement, with the keys from a subquery: the rows may be about to change hands."""
    ids = [queryset for queryset in ids if not queryset.query.is_empty()]
    if not ids:
        return ()
    return lock_rows(model._base_manager.filter(pk__in=ids[0].union(*ids[1:]) if ids[1:] else ids[0]))


# --- which rows ---


def household_ids(rows: models.QuerySet, below: bool) -> list[models.QuerySet]:
    models_below = {rows.model, *(cascaded(rows.model) if below else ())}
    if not any(map(guarded_by_household, models_below)):
        return []
    return [rows.order_by().values(owner_columns(rows.model)[0])]


def portfolio_ids(rows: models.QuerySet, below: bool) -> list[models.QuerySet]:
    """What is below a row of a portfolio is in that portfolio; what is below one of the household may be in any."""
    column = owner_columns(rows.model)[1]
    if column is not None:
        return [rows.order_by().values(column)]
    querysets = []
    for relation in cascading(rows.model) if below else ():
        children = relation.related_model._base_manager
        parents = rows.order_by().values("pk")
        querysets += portfolio_ids(children.filter(**{f"{relation.field.name}__in": parents}), below)
    return querysets


@cache
def owner_columns(model: type[Owned]) -> tuple[str, str | None]:
    """The names, from a row, of its household's id and of its portfolio's, where it is in one."""
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
    """The models of all that may go with a row."""
    children = {relation.related_model for relation in cascading(model)} - {model}
    return children.union(*map(cascaded, children))


@cache
def guarded_by_household(model: type[Owned]) -> bool:
    """In no portfolio, or pointing to what is in none."""
    if not model.portfolio_lookup:
        return True
    targets = (field.related_model for field in model._meta.concrete_fields if field.is_relation)
    return any(issubclass(target, Owned) and target.portfolio_lookup is None for target in targets)


@cache
def household_model() -> type[models.Model]:
    return next(model for model in owned_models() if model.household_lookup == "")


@cache
def portfolio_model() -> type[models.Model]:
    return next(model for model in owned_models() if model.portfolio_lookup == "")


def owned_models() -> list[type[Owned]]:
    return [model for model in apps.get_models() if issubclass(model, Owned)]
