"""Tables as they were at an instant, as common table expressions (CTEs) that a statement begins with, on PostgreSQL.

A CTE that has the name of a table replaces it in its statement. Nothing is created, so nothing is written, and it works
on a standby. Each statement pays for the images of the tables that it names: temporal_views.py is for many.
"""

# ruff: noqa: S608 - the statements contain only the names of our own tables and columns, and quoted literals

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

from strata.audit.past.lines import Chosen, Line
from strata.audit.past.tables import (
    column_names,
    columns,
    fresh_values,
    is_known,
    key_fields,
    quoted,
    searched_by,
    table,
)
from strata.audit.past.temporal_views import instant_of
from strata.fields.names import name_key

MANY = 100  # images; with fewer, a lookup reads all of them as fast as those of its group


class CommonTables:
    """Writes the CTEs of a table. A statement that begins with them reads the table as it was at `to`."""

    def __init__(self, schema: str, to: datetime) -> None:
        self.schema, self.instant = schema, instant_of(to)

    def ctes(self, model: type[models.Model], lines: Sequence[Line]) -> str:
        """`name AS (...)`, perhaps several. `lines` are the entries of its rows that were changed since."""
        if not lines:
            return f"{table(model)} AS NOT MATERIALIZED ({self.old_rows(model)})"
        group = group_column(model) if len(lines) >= MANY else None
        entry_ids = literal(braced(str(line.id) for line in lines))
        entries = Chosen(f"= ANY ({entry_ids}::bigint[])").rows()
        return (
            f"{cte('lines', model)} AS MATERIALIZED ({entries}), "
            f"{cte('images', model)} AS MATERIALIZED ({self.images(model, lines, group)}), "
            f"{table(model)} AS NOT MATERIALIZED ({self.rows_with_images(model, group)})"
        )

    def images(self, model: type[Any], lines: Sequence[Line], group: str | None) -> str:
        """The images as rows; with the column `group` as one row for each group, with an array of its images."""
        image, source = f"{literal(json.dumps(fresh_values(model), default=str))}::jsonb || c.before", "c"
        if fields := key_fields(model):
            pairs = (f"'{field.column}', key.{quoted(str(field.column))}" for field in fields)
            image = f"{image} || jsonb_build_object({', '.join(pairs)})"
            source = f"c LEFT JOIN {keys_of(model, lines)} ON key.id = c.id"
        return (
            f"SELECT {f'image.{group}, array_agg(image) AS members' if group else 'image.*'}"
            f" FROM {cte('lines', model)} {source}"
            f" CROSS JOIN LATERAL jsonb_populate_record(NULL::{self.present(model)}, {image}) image"
            f" WHERE c.before IS NOT NULL AND {self.is_old(model, 'image.')}"
            f"{f' GROUP BY image.{group}' if group else ''}"
        )

    def old_rows(self, model: type[Any]) -> str:
        return f"SELECT {columns(model)} FROM {self.present(model)} WHERE {self.is_old(model)}"

    def rows_with_images(self, model: type[Any], group: str | None) -> str:
        """The condition is outside of the union: otherwise a join cannot use the indexes of the table.

        For the same reason the images are read in a way that the planner keeps as a subquery.
        """
        images, names = cte("images", model), column_names(model)
        if group:
            names = [f"grouped.{name}" if name == group else f"image.{name}" for name in names]
            staged = f"{images} grouped CROSS JOIN LATERAL unnest(grouped.members) image"
        else:
            staged = f"{images} OFFSET 0"
        return (
            f"SELECT {columns(model)} FROM (SELECT {columns(model)}, TRUE AS is_stored FROM {self.present(model)}"
            f" UNION ALL (SELECT {', '.join(names)}, FALSE FROM {staged})) known WHERE NOT is_stored"
            f" OR ({self.is_old(model)} AND id NOT IN (SELECT id FROM {cte('lines', model)}))"
        )

    def present(self, model: type[models.Model]) -> str:
        return f"{self.schema}.{table(model)}"

    def is_old(self, model: type[Any], row: str = "") -> str:
        return is_known(model, lambda column: f"{row}{quoted(column)}", self.instant)


def group_column(model: type[models.Model]) -> str | None:
    """The column by which the rows of the table are looked up: the first one of its indexes."""
    return next((quoted(names[0]) for names in searched_by(model)), None)


def keys_of(model: type[models.Model], lines: Sequence[Line]) -> str:
    """A table `key` of the keys of the names in the lines: Python calculates them."""
    fields = key_fields(model)
    ids = braced(line.object_id.hex for line in lines)
    keys = [
        [name and name_key(name) for name in names]
        for names in zip(*(line.names for line in lines), strict=True)
    ]
    arrays = [f"{literal(ids)}::uuid[]", *(f"{literal(of_field)}::text[]" for of_field in keys)]
    return f"unnest({', '.join(arrays)}) key(id, {', '.join(quoted(str(field.column)) for field in fields)})"


def braced(values: Iterable[str]) -> str:
    """An array in PostgreSQL's text form."""
    return f"{{{','.join(values)}}}"


def literal(value: Any) -> str:
    """The value in SQL, quoted by the driver."""
    operations: Any = connection.ops  # the stubs have no compose_sql
    text: str = operations.compose_sql("%s", (value,))
    return text


def cte(part: str, model: type[models.Model]) -> str:
    return quoted(f"{part}_of_{model._meta.db_table}")
