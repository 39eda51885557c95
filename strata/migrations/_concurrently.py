"""Operations of migrations that do not stop those who write to a large table meanwhile."""

from __future__ import annotations

from typing import Any

from django.core.management.color import no_style
from django.db import migrations


class AddIndexConcurrently(migrations.AddIndex):
    """AddIndex; on PostgreSQL without a lock on the table. For migrations with `atomic = False`."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.connection.vendor == "postgresql" and not schema_editor.atomic_migration:
            # One that was interrupted is left behind, and does not work.
            schema_editor.remove_index(model, self.index, concurrently=True)
            schema_editor.add_index(model, self.index, concurrently=True)
        else:
            schema_editor.add_index(model, self.index)


def reset_sequence(schema_editor: Any, *models: Any) -> None:
    """After rows were inserted with their ids: the next id is above them."""
    for statement in schema_editor.connection.ops.sequence_reset_sql(no_style(), models):
        schema_editor.execute(statement)
