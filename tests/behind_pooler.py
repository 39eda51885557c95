"""Runs a command with TEST_DATABASE_URL behind PgBouncer: `python -m tests.behind_pooler .venv/bin/pytest`.

So the suite's pass on PostgreSQL shows that nothing in Strata needs a connection of its own: each transaction may have
another one. Clients use TLS, and verify the certificate. With `CI` set PgBouncer has to be installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from strata.environment.database_url import database
from tests.databases import SERVER
from tests.pooler import pooling, program

# For each test process, which has a database of its own: some tests hold several transactions open.
POOL_SIZE = 10
MISSING = "PgBouncer is not installed (apt install pgbouncer)"


def main(command: list[str]) -> int:
    url = os.environ["TEST_DATABASE_URL"]
    if program() is None:
        if os.environ.get("CI"):
            sys.stderr.write(f"== {MISSING}, so the pass on PostgreSQL cannot run.\n")
            return 1
        sys.stderr.write(f"== {MISSING}: THE TESTS CONNECT DIRECTLY, AND DO NOT TEST IT.\n")
        return subprocess.call(command)
    with pooling(url, size=POOL_SIZE) as pooler:
        urls = {"TEST_DATABASE_URL": pooler.url_of(url), SERVER: url}
        return subprocess.call(command, env=os.environ | urls)


def server_entry() -> dict[str, Any]:
    """The entry of DATABASES without the pooler, for a test of what only a connection of its own can have."""
    return database(os.environ.get(SERVER) or os.environ["TEST_DATABASE_URL"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
