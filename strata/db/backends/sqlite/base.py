"""SQLite as Django has it, with two differences: only their owner may read its files, and LIKE knows every alphabet.

SQLite's own LIKE folds ASCII alone.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from pathlib import Path

from django.db.backends.sqlite3 import base

from strata.db.private_files import make_private_database, narrow_database

log = logging.getLogger("strata.sqlite")


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        keep_private(Path(conn_params["database"]))
        connection = super().get_new_connection(conn_params)
        connection.create_function("like", 3, is_like, deterministic=True)
        return connection


def keep_private(path: Path) -> None:
    """The database's files, before SQLite opens them. What is kept in memory alone has no path."""
    if not path.is_absolute():
        return
    try:
        make_private_database(path)
    except OSError:
        return  # a folder that cannot be written or is not there: SQLite says so
    if changed := narrow_database(path):
        log.warning("taken from others what they might do with %s", ", ".join(changed))


def is_like(pattern: object, value: object, escape: str) -> bool | None:
    """SQL's `value LIKE pattern ESCAPE escape`, whatever the case of either."""
    if pattern is None or value is None:
        return None
    return _compiled(str(pattern), escape).fullmatch(str(value)) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    tokens = re.findall(f"{re.escape(escape)}?.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    parts = [wild.get(token) or re.escape(token.removeprefix(escape) or token) for token in tokens]
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
