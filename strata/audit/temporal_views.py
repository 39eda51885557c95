"""Temporary views that have the names of the tables on one connection, and show the tables as they were at an instant.

Where no row of a table was changed since, the view only leaves out the newer rows. Otherwise the images of the changed
rows are staged in a temporary table, and replace the rows in the view. The views are written for the planner of each
database, so that it can use the indexes of the tables.
"""

# ruff: noqa: S608 - the statements contain only the names of our own tables and columns

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, models

from strata.audit.models import JournalEntry
from strata.fields.names import NameKeyField, name_key

JOURNAL = JournalEntry._meta.db_table
MANY = 200  # images; with fewer, an index takes longer to build than it saves


class TemporalViews:
    """Works in the transaction of `cursor`. The end of that transaction removes what it creates."""

    schema: str
    index: str  # CREATE INDEX, with places for its name, the table and the columns

    def __init__(self, cursor: Any, to: datetime) -> None:
        self.cursor, self.to = cursor, to
        self.staged: set[type[models.Model]] = set()

    def stage_images(self, model: type[models.Model], first: models.QuerySet[Any]) -> None:
        """Fill a temporary table with the images in the journal entries `first`."""
        chosen, params = first.query.get_compiler(connection=connection).as_sql()
        count = self.fill(model, chosen, params)
        self.staged.add(model)
        searched = searched_by(model) if count >= MANY else []
        for number, columns in enumerate((("id",), *searched)):
            listed = ", ".join(quoted(column) for column in columns)
            self.cursor.execute(
                self.index.format(f"{staging_table(model)[1:-1]}_{number}", staging_table(model), listed)
            )
        self.rebuild_keys(model)

    def stage_missing(self, model: type[models.Model], first: models.QuerySet[Any]) -> None:
        """Stage the ids alone of the rows in these entries: they did not exist then, although they are older."""
        chosen, params = first.query.get_compiler(connection=connection).as_sql()
        self.cursor.execute(
            f"INSERT INTO {staging_table(model)} (id) SELECT c.object_id FROM {JOURNAL} c WHERE c.id IN ({chosen})",
            params,
        )

    def rebuild_keys(self, model: type[models.Model]) -> None:
        """The keys of names are not in the images: Python calculates them."""
        for field in model._meta.local_concrete_fields:
            if isinstance(field, NameKeyField):
                self.cursor.execute(f"SELECT id, {quoted(field.source)} FROM {staging_table(model)}")
                keys = [(name_key(name), pk) for pk, name in self.cursor.fetchall()]
                self.cursor.executemany(
                    f"UPDATE {staging_table(model)} SET {quoted(str(field.column))} = %s WHERE id = %s", keys
                )

    def create_views(self, tables: Iterable[type[models.Model]]) -> None:
        """From now on the names of the tables mean the views."""
        for model in tables:
            view = self.view_with_images(model) if model in self.staged else self.view(model)
            self.cursor.execute(f"CREATE TEMPORARY VIEW {table(model)} AS {view}")

    def view(self, model: type[models.Model]) -> str:
        return f"SELECT {columns(model)} FROM {self.schema}.{table(model)} WHERE {self.is_old(model)}"

    def is_old(self, model: type[Any]) -> str:
        return f"{quoted(model.known_since)} <= {self.instant}"

    def staged_rows(self, model: type[Any]) -> str:
        """SQL for the staged images. A row that did not exist then is staged with its id alone."""
        return f"FROM {staging_table(model)} WHERE {quoted(model.known_since)} IS NOT NULL"

    # --- what the databases do differently ---

    @property
    def instant(self) -> str:
        """`to` in SQL."""
        raise NotImplementedError

    def fill(self, model: type[Any], chosen: str, params: Any) -> int:
        """Stage the images in the entries that the query `chosen` gives the ids of. Returns their number."""
        raise NotImplementedError

    def view_with_images(self, model: type[models.Model]) -> str:
        raise NotImplementedError


class SQLiteTemporalViews(TemporalViews):
    schema = "main"
    index = "CREATE INDEX temp.{} ON {} ({})"

    @property
    def instant(self) -> str:
        return f"'{connection.ops.adapt_datetimefield_value(self.to)}'"

    def fill(self, model: type[Any], chosen: str, params: Any) -> int:
        """The columns have the same types as the model's: with other types a union cannot use the indexes."""
        fields = model._meta.local_concrete_fields
        declared = ", ".join(f"{quoted(field.column)} {field.db_type(connection)}" for field in fields)
        self.cursor.execute(f"CREATE TEMPORARY TABLE {staging_table(model)} ({declared})")
        fresh = fresh_values(model)
        images = ", ".join(f"COALESCE(json_extract(c.before, '$.{field.column}'), %s)" for field in fields)
        self.cursor.execute(
            f"INSERT INTO {staging_table(model)} SELECT {images} FROM {JOURNAL} c WHERE c.id IN ({chosen})"
            f" AND json_extract(c.before, '$.{model.known_since}') <= {self.instant}",
            [*(fresh.get(field.column) for field in fields), *params],
        )
        count: int = self.cursor.rowcount
        return count

    def view_with_images(self, model: type[models.Model]) -> str:
        return (
            f"{self.view(model)} AND id NOT IN (SELECT id FROM {staging_table(model)})"
            f" UNION ALL SELECT {columns(model)} {self.staged_rows(model)}"
        )


class PostgreSQLTemporalViews(TemporalViews):
    index = "CREATE INDEX {} ON {} ({})"

    def __init__(self, cursor: Any, to: datetime) -> None:
        super().__init__(cursor, to)
        self.cursor.execute("SELECT current_schema()")
        self.schema = quoted(self.cursor.fetchone()[0])

    @property
    def instant(self) -> str:
        return f"'{self.to.isoformat()}'::timestamptz"

    def fill(self, model: type[Any], chosen: str, params: Any) -> int:
        self.cursor.execute(
            f"CREATE TEMPORARY TABLE {staging_table(model)} ON COMMIT DROP AS SELECT was.* FROM {JOURNAL} c,"
            f" LATERAL jsonb_populate_record(NULL::{self.schema}.{table(model)}, %s::jsonb || c.before) was"
            f" WHERE c.id IN ({chosen}) AND was.{self.is_old(model)}",
            [json.dumps(fresh_values(model), default=str), *params],
        )
        count: int = self.cursor.rowcount
        return count

    def view_with_images(self, model: type[models.Model]) -> str:
        """The condition is outside of the union: otherwise a join cannot use the indexes of its two parts."""
        return (
            f"SELECT {columns(model)} FROM (SELECT {columns(model)}, TRUE AS is_stored FROM"
            f" {self.schema}.{table(model)} UNION ALL SELECT {columns(model)}, FALSE {self.staged_rows(model)}) known"
            f" WHERE NOT is_stored OR ({self.is_old(model)} AND id NOT IN (SELECT id FROM {staging_table(model)}))"
        )


TEMPORAL_VIEWS: dict[str, type[TemporalViews]] = {
    "sqlite": SQLiteTemporalViews,
    "postgresql": PostgreSQLTemporalViews,
}


def fresh_values(model: type[Any]) -> dict[str, Any]:
    """The values of columns that are missing in older images: the defaults of columns that cannot be null."""
    fields = [field for field in model._meta.local_concrete_fields if field.has_default() and not field.null]
    return {
        field.column: field.get_db_prep_save(field.default, connection)
        for field in fields
        if not callable(field.default)
    }


def searched_by(model: type[Any]) -> list[list[str]]:
    """The columns by which the model's own table is searched."""
    unique = [rule for rule in model._meta.constraints if isinstance(rule, models.UniqueConstraint)]
    indexed = (*unique, *model._meta.indexes)
    named = [index.fields for index in indexed if index.fields and not index.condition]
    return [[model._meta.get_field(name).column for name in fields] for fields in named]


def table(model: type[models.Model]) -> str:
    return quoted(model._meta.db_table)


def staging_table(model: type[models.Model]) -> str:
    return quoted(f"past_{model._meta.db_table}")


def columns(model: type[Any]) -> str:
    return ", ".join(quoted(field.column) for field in model._meta.local_concrete_fields)


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)
