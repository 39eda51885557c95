"""Counts that all machines share, in the Redis that SHARED_URL names: a limit then holds for all of them together.

Redis is optional and may go away at any time. Then each machine counts in its own file, nobody waits, and one warning
is logged. A request spends at most two tries of TRY_SECONDS on a Redis that hangs, and only one request in
PAUSE_SECONDS tries again. Nothing that must be exact is in Redis: it loses what it acknowledged when its own standby
takes over.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

import redis
from django.utils.crypto import salted_hmac
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("strata.throttles")
TRY_SECONDS = 0.05  # for a connection, and for an answer
PAUSE_SECONDS = 5  # after an error, in which the machine's own file is used
COUNT_AND_EXPIRE = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
"""


class Counts(Protocol):
    """What counts names in windows of time."""

    def add(self, who: str, window: int, seconds: int) -> int:
        """Count one more in the window number `window`, which is `seconds` long. Returns the count."""
        ...


class SharedCounts:
    """Counts in Redis, and in `own` while Redis is away. Keys are keyed hashes of names, and expire by themselves."""

    def __init__(self, url: str, own: Counts) -> None:
        self._own = own
        # No retries by the client: they pause, and there would be several for each request.
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=TRY_SECONDS,
            socket_connect_timeout=TRY_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(COUNT_AND_EXPIRE)
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._is_away = False

    def add(self, who: str, window: int, seconds: int) -> int:
        if not self._may_try():
            return self._own.add(who, window, seconds)
        try:
            count = self._count(who, window, seconds)
        except (redis.RedisError, OSError) as error:
            self._set_away(error)
            return self._own.add(who, window, seconds)
        self._set_back()
        return count

    def _may_try(self) -> bool:
        """Whether to ask Redis. After an error one caller in PAUSE_SECONDS asks, and the others do not wait for it."""
        if not self._is_away:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._away_until:
                return False
            self._away_until = now + PAUSE_SECONDS
            return True

    def _count(self, who: str, window: int, seconds: int) -> int:
        tag = salted_hmac("strata.throttle", who, algorithm="sha256").hexdigest()[:32]
        keys, arguments = [f"strata:throttle:{seconds}:{window}:{tag}"], [2000 * seconds]
        try:
            return int(self._script(keys, arguments))
        except redis.ConnectionError:  # the server closed an idle connection: the next one is new
            return int(self._script(keys, arguments))

    def _set_away(self, error: Exception) -> None:
        with self._lock:
            is_new, self._is_away = not self._is_away, True
            self._away_until = time.monotonic() + PAUSE_SECONDS
        if is_new:
            log.warning("SHARED_URL does not answer: each machine counts by itself", exc_info=error)

    def _set_back(self) -> None:
        if self._is_away:
            self._is_away = False
            log.warning("SHARED_URL answers again: the machines count together")
