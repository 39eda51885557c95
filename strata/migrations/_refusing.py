"""An operation that refuses to migrate backwards over rows that the former version would misread."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import migrations


def refuse_backwards(app: str, model: str, advice: str, **conditions: Any) -> migrations.RunPython:
    """The last operation of the migration, so the first one backwards. `advice` says how to be rid of such rows."""

    def refuse(apps: Any, schema_editor: Any) -> None:
        rows = apps.get_model(app, model)._base_manager.using(schema_editor.connection.alias)
        if count := rows.filter(**conditions).count():
            raise CommandError(f"Nothing was migrated: {count:,} rows of {model} are left. {advice}")

    return migrations.RunPython(migrations.RunPython.noop, refuse)
