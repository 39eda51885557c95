"""Has every statement read the tables as they were at an instant, for the length of a block.

A table is prepared when the first statement names it, so a request pays only for the tables that it reads. On SQLite
temporary views are created. On PostgreSQL the statements get common table expressions, as long as the tables of the
request have at most MOST_IMAGES images; those with more get temporary views too, which a standby refuses. A statement
that names a derived table raises DerivedDataHasNoPast: whatever it is written by, it would read the present.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from strata.audit import clock
from strata.audit.past.common_tables import CommonTables
from strata.audit.past.lines import Chosen, Line, Touched, first_after, lines_after
from strata.audit.past.tables import derived_models, key_fields, temporal_models
from strata.audit.past.temporal_views import TEMPORAL_VIEWS

MOST_IMAGES = 5_000
# What a statement that reads may begin with, before its own CTEs.
BEGINNING = re.compile(
    r"\s*(?P<explain>EXPLAIN\s+(\([^)]*\)\s*)?)?(?P<own>WITH(?P<recursive>\s+RECURSIVE)?\s)?", re.I
)
SELECTION = re.compile(r"[\s(]*SELECT\b", re.I)

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]
Model = type[models.Model]


class PastStatements:
    """A wrapper of what a connection executes (Django's execute_wrapper), in one transaction.

    `touched` has the models whose rows were written since `to`, in these households.
    """

    def __init__(self, cursor: Any, to: datetime, households: Sequence[UUID], touched: Touched) -> None:
        self.cursor, self.to, self.households, self.touched = cursor, to, households, touched
        self.prepared: set[Model] = set()
        self.is_preparing = False
        self.views = TEMPORAL_VIEWS[connection.vendor](cursor, to)

    def __call__(self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not self.is_preparing and (named := models_named(sql)):
            if named & derived_tables():
                clock.require_present()
            self.is_preparing = True
            try:
                for model in named - self.prepared:
                    self.prepare(model)
                    self.prepared.add(model)
            finally:
                self.is_preparing = False
            sql = self.rewritten(sql, named, has_params=params is not None)
        return execute(sql, params, many, context)

    def prepare(self, model: Model) -> None:
        """From now on statements that name the model's table read it as it was."""
        self.views.create(model, self.entries(model))

    def rewritten(self, sql: str, named: frozenset[Model], *, has_params: bool) -> str:
        return sql

    def entries(self, model: Model) -> dict[str, Chosen]:
        """The entries of the model's rows that were written since, by kind."""
        return {kind: first_after(model, self.to, self.households, kind) for kind in self.kinds(model)}

    def kinds(self, model: Model) -> list[str]:
        return [kind for kind, labels in self.touched.items() if model._meta.label in labels]


class PostgreSQLPastStatements(PastStatements):
    def __init__(self, cursor: Any, to: datetime, households: Sequence[UUID], touched: Touched) -> None:
        super().__init__(cursor, to, households, touched)
        self.common_tables = CommonTables(self.views.schema, to)
        self.ctes: dict[Model, str] = {}
        self.most_images = MOST_IMAGES  # of the tables that are named later

    def prepare(self, model: Model) -> None:
        lines = self.lines(model)
        if len(lines) > self.most_images:
            super().prepare(model)
        else:
            self.most_images -= len(lines)
            self.ctes[model] = self.common_tables.ctes(model, lines)

    def lines(self, model: Model) -> list[Line]:
        """The entries of the model's rows that were written since; no more than it takes to know that they are many."""
        names = [field.source for field in key_fields(model)]
        lines: list[Line] = []
        for kind in self.kinds(model):
            most = self.most_images + 1 - len(lines)
            lines += lines_after(model, self.to, self.households, kind, names=names, most=most)
        return lines

    def rewritten(self, sql: str, named: frozenset[Model], *, has_params: bool) -> str:
        """The statement with the CTEs of the tables that it names. One that writes stays as it is."""
        ctes = ", ".join(self.ctes[model] for model in named if model in self.ctes)
        beginning = BEGINNING.match(sql)
        if not ctes or not beginning:
            return sql
        rest = sql[beginning.end() :]
        if not beginning["own"] and not SELECTION.match(rest):
            return sql
        return "".join(
            (
                beginning["explain"] or "",
                "WITH RECURSIVE " if beginning["recursive"] else "WITH ",
                ctes.replace("%", "%%") if has_params else ctes,
                ", " if beginning["own"] else " ",
                rest,
            )
        )


PAST_STATEMENTS: dict[str, type[PastStatements]] = {
    "sqlite": PastStatements,
    "postgresql": PostgreSQLPastStatements,
}


def models_named(sql: str) -> frozenset[Model]:
    """The models whose tables the text may name: more than it needs cost little."""
    by_table = models_by_table()
    return frozenset(by_table[name] for name in set(pattern_of(tuple(by_table)).findall(sql)))


@cache
def models_by_table() -> dict[str, Model]:
    return {model._meta.db_table: model for model in (*temporal_models(), *derived_models())}


@cache
def derived_tables() -> frozenset[Model]:
    return frozenset(derived_models())


@cache
def pattern_of(names: Iterable[str]) -> re.Pattern[str]:
    any_name = "|".join(names)
    return re.compile(rf"\b(?:{any_name})\b")
