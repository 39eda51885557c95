"""Rows without a value come last, in either direction: by themselves SQLite puts them first and PostgreSQL last."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy


class EmptyLast(F):
    """A field or an annotation to order by."""

    def asc(self, **kwargs: Any) -> OrderBy:
        return super().asc(**{"nulls_last": True} | kwargs)

    def desc(self, **kwargs: Any) -> OrderBy:
        return super().desc(**{"nulls_last": True} | kwargs)


def may_be_empty(rows: QuerySet[Any, Any], name: str) -> bool:
    """Of a column that cannot be, the order stays as an index has it."""
    if name in rows.query.annotations:
        return True
    try:
        return bool(rows.model._meta.get_field(name).null)
    except FieldDoesNotExist:
        return True


def directed(rows: QuerySet[Any, Any], name: str, *, descending: bool) -> str | OrderBy:
    """What `order_by` takes for the column."""
    if not may_be_empty(rows, name):
        return f"-{name}" if descending else name
    return EmptyLast(name).desc() if descending else EmptyLast(name).asc()
