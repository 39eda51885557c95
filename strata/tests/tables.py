"""Creates the table of a model that exists only in one test file, on the configured database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models


@contextmanager
def table_of(model: type[models.Model], blocker) -> Iterator[type[models.Model]]:
    """For the fixture of a module, outside of any transaction: SQLite cannot create a table inside one."""
    with blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(model)
        try:
            yield model
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(model)
