"""Whether the database refused a row because of a unique constraint."""

from __future__ import annotations

from django.db import IntegrityError, models

UNIQUE_VIOLATION = "23505"  # PostgreSQL's code: its messages are in the server's language


def is_unique_violation(error: IntegrityError, model: type[models.Model]) -> bool:
    """Whether a unique constraint of the model's own table was violated, and not one of another table."""
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is not None:
        return (diagnostics.sqlstate, diagnostics.table_name) == (UNIQUE_VIOLATION, model._meta.db_table)
    return f"UNIQUE constraint failed: {model._meta.db_table}." in str(error)  # SQLite names the columns
