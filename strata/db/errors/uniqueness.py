"""Whether a row was refused because it is there already, as the database tells it."""

from __future__ import annotations

from django.db import IntegrityError, models

UNIQUE_VIOLATION = "23505"  # PostgreSQL's code: its words are in the server's language


def is_unique_violation(error: IntegrityError, model: type[models.Model]) -> bool:
    """Whether a unique constraint of the model's own table said no, and not one of what is written beside it."""
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is not None:
        return (diagnostics.sqlstate, diagnostics.table_name) == (UNIQUE_VIOLATION, model._meta.db_table)
    return f"UNIQUE constraint failed: {model._meta.db_table}." in str(error)  # SQLite names the columns
