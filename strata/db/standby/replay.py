"""How far the standby has replayed the primary's log. What one thread has read is remembered for all of them.

A server never goes back while it runs, and when it ends, so do its connections. So what was read of a server holds for
each connection to it that was open then, and only a read after a further write has to ask. Not behind a pooler, which
may give each statement another server: it is seen by the process ids that it gives to its clients.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

# Of the server: whether it is no standby, its position, and which server it is. A pooler's client knows no such pid.
REPLAYED = (
    "SELECT NOT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text, pg_backend_pid(),"
    " concat_ws(' ', pg_postmaster_start_time(), inet_server_addr(), inet_server_port())"
)


class ReadPosition(NamedTuple):
    """Bytes of the log that a server had replayed, and when it was asked."""

    replayed: int
    at: float


class Direct(NamedTuple):
    """What is remembered with a connection without a pooler: its server, and an instant at which it was open."""

    server: str
    since: float


_read_positions: dict[str, ReadPosition] = {}  # of this process, by server


def bytes_before(position: str) -> int:
    """A position in the log, such as 16/B374D848, as a number."""
    high, low = position.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def is_known_to_reach(standby: Any, wanted: int) -> bool:
    """Whether the server of this connection is known to have replayed as much."""
    direct: Direct | None = vars(standby.connection).get("direct") if standby.connection else None
    if direct is None or (read := _read_positions.get(direct.server)) is None:
        return False
    return read.replayed >= wanted and read.at >= direct.since


def reaches(standby: Any, wanted: int) -> bool:
    """Asks the server, and remembers its answer."""
    with standby.cursor() as cursor:
        asked_at = time.monotonic()  # the connection is open by now
        cursor.execute(REPLAYED)
        is_primary, position, pid, server = cursor.fetchone()
    if is_primary or position is None:
        return bool(is_primary)
    replayed = bytes_before(position)
    if pid == standby.connection.info.backend_pid:
        vars(standby.connection).setdefault("direct", Direct(server, asked_at))
        _read_positions[server] = ReadPosition(replayed, asked_at)
    return replayed >= wanted
