"""Django's SQLite engine with four differences: only the owner may read its files, LIKE ignores case in all letters, an
id that was read before is the same object, and a transaction begins only where this version may write.

SQLite's own LIKE ignores case only in ASCII letters.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.backends.sqlite3 import base, operations

from strata.db.params import parse_id
from strata.db.private_files import make_private_database, narrow_database
from strata.db.write_format import check

log = logging.getLogger("strata.sqlite")


class DatabaseOperations(operations.DatabaseOperations):
    def convert_uuidfield_value(self, value: str | None, *context: Any) -> UUID | None:
        return None if value is None else parse_id(value)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        keep_private(Path(conn_params["database"]))
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        connection.create_function("like", 3, is_like, deterministic=True)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        djangos: Any = super()  # the stubs do not have it
        djangos._start_transaction_under_autocommit()
        if not check.is_checked():
            return
        with self.wrap_database_errors:
            try:
                row = self.connection.execute(check.NUMBER).fetchone()
            except sqlite3.Error as error:
                if "no such table" in str(error):  # before the first migrations
                    return
                self.connection.execute("ROLLBACK")
                raise
        if check.is_newer(row):
            self.connection.execute("ROLLBACK")
            raise check.newer_format(row[0])


def keep_private(path: Path) -> None:
    """Make the files private before SQLite opens them. A database in memory has no path."""
    if not path.is_absolute():
        return
    try:
        make_private_database(path)
    except OSError:
        return  # the folder is missing or read-only: SQLite raises the error
    if changed := narrow_database(path):
        log.warning("removed the access of other users to %s", ", ".join(changed))


def is_like(pattern: object, value: object, escape: str) -> bool | None:
    """SQL's `value LIKE pattern ESCAPE escape`, without regard to case."""
    if pattern is None or value is None:
        return None
    return _compiled(str(pattern), escape).fullmatch(str(value)) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    tokens = re.findall(f"{re.escape(escape)}?.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    parts = [wild.get(token) or re.escape(token.removeprefix(escape) or token) for token in tokens]
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
