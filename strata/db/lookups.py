"""A lookup for many ids."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from strata.db.params import array_text


@models.UUIDField.register_lookup
class Among(Lookup):
    """`pk__among=ids`: like `in`, but with a single parameter and without a limit on the number of ids."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s)", (*params, array_text([pk.hex for pk in self.rhs]))
        ids = json.dumps([pk.hex for pk in self.rhs])
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, ids)  # noqa: S608 - a column of ours


@models.UUIDField.register_lookup
class Listed(Among):
    """`among` for a column of a view: SQLite hands a list on to the tables of the view, and no subquery."""

    lookup_name = "listed"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        if connection.vendor == "postgresql" or not self.rhs:
            return super().as_sql(compiler, connection)
        column, params = self.process_lhs(compiler, connection)
        ids = ", ".join(f"'{pk.hex}'" for pk in self.rhs)  # 32 hex digits each
        return f"{column} IN ({ids})", tuple(params)
