"""The operation of a migration that ends the time of versions which write an earlier format."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

STORE = {
    "sqlite": "INSERT OR REPLACE INTO strata_databaseformat (id, number) VALUES (1, %s)",
    "postgresql": "INSERT INTO strata_databaseformat (id, number) VALUES (1, %s)"
    " ON CONFLICT (id) DO UPDATE SET number = excluded.number",
}


class RaiseFormat(Operation):
    """Versions whose WRITTEN_FORMAT is lower refuse writes from now on. It waits for the transactions they have begun.

    It is the only operation of its migration: until that ends, nobody can begin to write. Backwards the number before
    is stored again.
    """

    reversible = True
    atomic = True

    def __init__(self, number: int) -> None:
        self.number = number

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing: the models stay as they are."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._store(schema_editor, self.number)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._store(schema_editor, self.number - 1)

    def _store(self, schema_editor: Any, number: int) -> None:
        vendor = schema_editor.connection.vendor
        if vendor == "postgresql":
            schema_editor.execute("LOCK TABLE strata_databaseformat IN ACCESS EXCLUSIVE MODE")
        schema_editor.execute(STORE[vendor], [number])

    def describe(self) -> str:
        return f"The database is written in format {self.number}"
