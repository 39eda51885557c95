"""Which foreign key a write would have broken, as PostgreSQL tells it at COMMIT. SQLite's writers meet none."""

from __future__ import annotations

from django.apps import apps
from django.db import IntegrityError, models
from django.db.backends.utils import names_digest

FOREIGN_KEY_VIOLATION = "23503"  # PostgreSQL's code: its words are in the server's language
DIGEST_LENGTH = 8  # of the table's and the column's name, in the name that Django gives the constraint


def broken_reference(error: IntegrityError) -> models.ForeignKey | None:
    """The key to a row that is gone, or that would be gone while it is pointed to; None for another error."""
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is None or diagnostics.sqlstate != FOREIGN_KEY_VIOLATION:
        return None
    keys = (
        field
        for model in apps.get_models()
        if model._meta.db_table == diagnostics.table_name
        for field in model._meta.concrete_fields
        if field.is_relation
    )
    return next((key for key in keys if digest_of(key) in (diagnostics.constraint_name or "")), None)


def digest_of(key: models.Field) -> str:
    return names_digest(key.model._meta.db_table, key.column, length=DIGEST_LENGTH)
