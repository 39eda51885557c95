"""Temporary views that have the names of the tables on one connection, and show the tables as they were at an instant.

Where no row of a table was changed since, the view only leaves out the newer rows. Otherwise the images of the changed
rows are staged in a temporary table, and replace the rows in the view. The views are written for the planner of each
database, so that it can use the indexes of the tables. On PostgreSQL they are for tables with many images; with few,
common_tables.py needs no temporary table.
"""

# ruff: noqa: S608 - the statements contain only the names of our own tables and columns

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, models

from strata.audit.past.lines import IMAGES, RESTORATIONS, Chosen
from strata.audit.past.tables import (
    columns,
    fresh_values,
    is_known,
    key_fields,
    quoted,
    searched_by,
    table,
)
from strata.fields.names import name_key

MANY = 200  # images; with fewer, an index takes longer to build than it saves


class TemporalViews:
    """Works in the transaction of `cursor`. The end of that transaction removes what it creates."""

    schema: str
    index: str  # CREATE INDEX, with places for its name, the table and the columns

    def __init__(self, cursor: Any, to: datetime) -> None:
        self.cursor, self.to = cursor, to

    def create(self, model: type[models.Model], chosen: Mapping[str, Chosen]) -> None:
        """From now on the table's name means a view. `chosen` has the entries of rows that were changed since."""
        if chosen:
            self.stage(model, chosen)
        view = self.view_with_images(model) if chosen else self.view(model)
        self.cursor.execute(f"CREATE TEMPORARY VIEW {table(model)} AS {view}")

    def stage(self, model: type[models.Model], chosen: Mapping[str, Chosen]) -> None:
        """Fill the temporary table: with images, and with the ids alone of rows that did not exist then."""
        self.declare(model)
        if IMAGES in chosen:
            count = self.fill(model, chosen[IMAGES])
            searched = searched_by(model) if count >= MANY else []
            for number, names in enumerate((("id",), *searched)):
                listed = ", ".join(quoted(name) for name in names)
                index = f"{staging_table(model)[1:-1]}_{number}"
                self.cursor.execute(self.index.format(index, staging_table(model), listed))
            self.rebuild_keys(model)
        if RESTORATIONS in chosen:
            entries = chosen[RESTORATIONS]
            self.cursor.execute(
                f"INSERT INTO {staging_table(model)} (id) SELECT c.id FROM ({entries.rows()}) c",
                entries.params,
            )

    def rebuild_keys(self, model: type[models.Model]) -> None:
        """The keys of names are not in the images: Python calculates them."""
        for field in key_fields(model):
            self.cursor.execute(f"SELECT id, {quoted(field.source)} FROM {staging_table(model)}")
            keys = [(name_key(name), pk) for pk, name in self.cursor.fetchall()]
            self.cursor.executemany(
                f"UPDATE {staging_table(model)} SET {quoted(str(field.column))} = %s WHERE id = %s", keys
            )

    def view(self, model: type[models.Model]) -> str:
        return f"SELECT {columns(model)} FROM {self.schema}.{table(model)} WHERE {self.is_old(model)}"

    def is_old(self, model: type[Any], row: str = "") -> str:
        return is_known(model, lambda column: f"{row}{quoted(column)}", self.instant)

    def staged_rows(self, model: type[Any]) -> str:
        """SQL for the staged images. A row that did not exist then is staged with its id alone."""
        return f"FROM {staging_table(model)} WHERE {quoted(model.known_since)} IS NOT NULL"

    # --- what the databases do differently ---

    @property
    def instant(self) -> str:
        """`to` in SQL."""
        raise NotImplementedError

    def declare(self, model: type[Any]) -> None:
        """Create the temporary table, empty."""
        raise NotImplementedError

    def fill(self, model: type[Any], chosen: Chosen) -> int:
        """Stage the images in the entries. Returns their number."""
        raise NotImplementedError

    def view_with_images(self, model: type[models.Model]) -> str:
        raise NotImplementedError


class SQLiteTemporalViews(TemporalViews):
    schema = "main"
    index = "CREATE INDEX temp.{} ON {} ({})"

    @property
    def instant(self) -> str:
        return f"'{connection.ops.adapt_datetimefield_value(self.to)}'"

    def declare(self, model: type[Any]) -> None:
        """The columns have the same types as the model's: with other types a union cannot use the indexes."""
        fields = model._meta.local_concrete_fields
        declared = ", ".join(f"{quoted(field.column)} {field.db_type(connection)}" for field in fields)
        self.cursor.execute(f"CREATE TEMPORARY TABLE {staging_table(model)} ({declared})")

    def fill(self, model: type[Any], chosen: Chosen) -> int:
        fields, fresh = model._meta.local_concrete_fields, fresh_values(model)
        images = ", ".join(f"COALESCE(json_extract(c.before, '$.{field.column}'), %s)" for field in fields)
        self.cursor.execute(
            f"INSERT INTO {staging_table(model)} SELECT {images} FROM ({chosen.rows()}) c"
            f" WHERE {is_known(model, in_image, self.instant)}",
            [*(fresh.get(field.column) for field in fields), *chosen.params],
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
        cursor.execute("SELECT current_schema()")
        self.schema = quoted(cursor.fetchone()[0])

    @property
    def instant(self) -> str:
        return instant_of(self.to)

    def declare(self, model: type[Any]) -> None:
        self.cursor.execute(
            f"CREATE TEMPORARY TABLE {staging_table(model)} ON COMMIT DROP AS"
            f" SELECT * FROM {self.schema}.{table(model)} WITH NO DATA"
        )

    def fill(self, model: type[Any], chosen: Chosen) -> int:
        self.cursor.execute(
            f"INSERT INTO {staging_table(model)} SELECT image.* FROM ({chosen.rows()}) c,"
            f" LATERAL jsonb_populate_record(NULL::{self.schema}.{table(model)}, %s::jsonb || c.before) image"
            f" WHERE {self.is_old(model, 'image.')}",
            [*chosen.params, json.dumps(fresh_values(model), default=str)],
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


def staging_table(model: type[models.Model]) -> str:
    return quoted(f"past_{model._meta.db_table}")


def in_image(column: str) -> str:
    """The column in the image of an entry, in SQLite's SQL."""
    return f"json_extract(c.before, '$.{column}')"


def instant_of(to: datetime) -> str:
    """An instant in PostgreSQL's SQL."""
    return f"'{to.isoformat()}'::timestamptz"


TEMPORAL_VIEWS: dict[str, type[TemporalViews]] = {
    "sqlite": SQLiteTemporalViews,
    "postgresql": PostgreSQLTemporalViews,
}
