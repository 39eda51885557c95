"""A table for a model that exists only in one test file, made on whichever database is configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models


@contextmanager
def table_of(model: type[models.Model], blocker) -> Iterator[type[models.Model]]:
    """For a module's fixture, outside any transaction: SQLite makes no table inside one."""
    with blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(model)
        try:
            yield model
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(model)
