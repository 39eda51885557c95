"""The foreign key that a write would break, as PostgreSQL reports it at COMMIT. SQLite's writers run one at a time."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models
from django.db.backends.utils import names_digest

FOREIGN_KEY_VIOLATION = "23503"  # PostgreSQL's code: its messages are in the server's language
DIGEST_LENGTH = 8  # Django puts a digest of the table and the column into the name of the constraint


def broken_reference(error: IntegrityError) -> models.ForeignKey[Any, Any] | None:
    """The foreign key to a row that was deleted, or that is deleted while it is in use; None for other errors."""
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is None or diagnostics.sqlstate != FOREIGN_KEY_VIOLATION:
        return None
    keys = (
        field
        for model in apps.get_models()
        if model._meta.db_table == diagnostics.table_name
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
    )
    return next((key for key in keys if digest_of(key) in (diagnostics.constraint_name or "")), None)


def raise_broken_references() -> None:
    """Raise now the IntegrityError that COMMIT would raise; nothing where all rows that are referred to exist."""
    if connection.vendor == "postgresql":
        connection.check_constraints()


def digest_of(key: models.ForeignKey[Any, Any]) -> str:
    return names_digest(key.model._meta.db_table, str(key.column), length=DIGEST_LENGTH)
