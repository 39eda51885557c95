"""A column with the ids of up to a thousand rows: an array on PostgreSQL, and JSON on SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models


class IdListField(models.Field):  # type: ignore[type-arg]  # Field takes no parameters at run time
    """Takes and returns a list of UUIDs, or None.

    Both databases can make a row of each id by themselves: by `unnest` and by `json_each`, as `char(32)` has it.
    """

    def db_type(self, connection: Any) -> str:
        return "uuid[]" if connection.vendor == "postgresql" else "text"

    def get_db_prep_value(self, value: Iterable[UUID] | None, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        digits = [pk.hex for pk in value]
        return f"{{{','.join(digits)}}}" if connection.vendor == "postgresql" else json.dumps(digits)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[UUID] | None:
        if isinstance(value, str):
            return [UUID(text) for text in json.loads(value)]
        return value  # type: ignore[no-any-return]
