"""SQLite as Django has it, but with a search that knows every alphabet: SQLite's own LIKE folds ASCII alone."""

from __future__ import annotations

import re
from functools import lru_cache

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        connection.create_function("like", 3, is_like, deterministic=True)
        return connection


def is_like(pattern: object, value: object, escape: str) -> bool | None:
    """SQL's `value LIKE pattern ESCAPE escape`, whatever the case of either."""
    if pattern is None or value is None:
        return None
    return _compiled(str(pattern), escape).fullmatch(str(value)) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    found = re.findall(f"{re.escape(escape)}?.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    parts = [wild.get(one) or re.escape(one.removeprefix(escape) or one) for one in found]
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
