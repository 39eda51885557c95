"""The reads that most resources have, prepared: a single row, and the first page of a list that nothing narrows.

What they read depends on the view, on the user, and on the scope of the request: the parent in the path, or a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from strata.api.pagination import LARGEST_PAGE_SIZE, USUAL_PAGE_SIZE
from strata.db.prepared import PLACEHOLDERS, Prepared
from strata.tenancy.roles import user_with_id_only

type View = Any  # the class of a view; its `rows_for` says which rows a user may see, and nothing else does
type Scope = Mapping[str, Any]
type ScopeTypes = tuple[tuple[str, type], ...]  # the names of a scope, with the types of their values
SIZES = (
    USUAL_PAGE_SIZE,
    LARGEST_PAGE_SIZE,
)  # of pages whose query is kept: the number of rows is part of the SQL


def types_of(scope: Scope) -> ScopeTypes:
    return tuple((name, type(value)) for name, value in scope.items())


def can_be_prepared(scope: Scope) -> bool:
    return all(value_type in PLACEHOLDERS for _, value_type in types_of(scope))


def read_row(view: View, user: Any, pk: UUID, scope: Scope) -> Any | None:
    """The row as `view` shows it; None where the user may not see it."""
    return _row(view, types_of(scope)).first(user.pk, pk, *scope.values())


@cache
def _row(view: View, scope_types: ScopeTypes) -> Prepared[Any]:
    def build(user_id: UUID, pk: UUID, *values: Any) -> QuerySet[Any]:
        return _rows(view, user_id, scope_types, values).filter(pk=pk).order_by()[:1]

    return Prepared(build, UUID, UUID, *(value_type for _, value_type in scope_types))


@cache
def _first_page(view: View, scope_types: ScopeTypes, order: tuple[str, ...], limit: int) -> Prepared[Any]:
    def build(user_id: UUID, *values: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = view.columns_for_list(
            _ordered(_rows(view, user_id, scope_types, values), order)
        )
        return rows[:limit]

    return Prepared(build, UUID, *(value_type for _, value_type in scope_types))


def _rows(view: View, user_id: UUID, scope_types: ScopeTypes, values: tuple[Any, ...]) -> QuerySet[Any]:
    scope = {name: value for (name, _), value in zip(scope_types, values, strict=True)}
    rows: QuerySet[Any] = view.rows_for(user_with_id_only(user_id), **scope)
    return rows


def _ordered(rows: QuerySet[Any], order: tuple[str, ...]) -> QuerySet[Any]:
    return rows.order_by(*order) if order else rows


class PlainList:
    """All rows of a list. Their queryset is made only where the first page is not enough."""

    def __init__(self, view: View, user: Any, scope: Scope, order: tuple[str, ...] = ()) -> None:
        self.view, self.user, self.scope, self.order = view, user, scope, order

    def order_by(self, *fields: str) -> PlainList:
        return PlainList(self.view, self.user, self.scope, fields)

    def __getitem__(self, part: slice) -> Any:
        """Paginators read one row more than a page has."""
        if not part.start and part.stop - 1 in SIZES:
            page = _first_page(self.view, types_of(self.scope), self.order, part.stop)
            return page(self.user.pk, *self.scope.values())
        return self.view.columns_for_list(_ordered(self.queryset(), self.order))[part]

    def count(self) -> int:
        return self.queryset().count()

    def queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.view.rows_for(self.user, **self.scope)
        return rows
