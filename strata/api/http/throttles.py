"""The general throttle limits the requests per minute of a user, or of an address where nobody is logged in.

The counts are in one small file, .data/throttle, which all workers of a machine share. To count is to read, add one and
write under a lock; this takes 4 microseconds. The alternatives were measured. The local-memory cache counts in each
process separately. Django's DatabaseCache takes 430 microseconds and loses counts, because it reads and then writes. An
upsert takes 240 microseconds on SQLite and needs the write lock, so every read would become a write.

The file has its full size from the start, so that counting needs no disk space. Where the file cannot be used (the disk
is read-only or broken, or was full from the start), each process counts by itself, and no request fails. The file is
never synced: a count has no value after a restart. Several machines behind one address count separately, unless
SHARED_URL is set: see shared_counts.py.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from rest_framework import exceptions
from rest_framework.throttling import BaseThrottle

from strata.db.private_files import make_private_folder, open_private
from strata.metrics.recording import metrics

if TYPE_CHECKING:
    from strata.api.http.shared_counts import SharedCounts

log = logging.getLogger("strata.throttles")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SLOT = struct.Struct("<8sII")  # the hash of a name, the window of time, the count
SLOTS = 8  # in a bucket; each name belongs to one bucket
BUCKET = SLOT.size * SLOTS
BUCKETS = 4096
LARGEST_COUNT = 2**32 - 1
# For the lock: a worker that is stopped while it holds the lock must not stop the others.
TRIES, PAUSE = (
    40,
    0.0005,
)


class GeneralThrottle(BaseThrottle):
    """At most API_THROTTLE requests in each window of the clock, such as a minute. Each window has a new count."""

    left = 0.0

    def allow_request(self, request: Any, view: Any) -> bool:
        known = request.user and request.user.is_authenticated
        return self.allows(f"user {request.user.pk}" if known else address_of(request))

    def allows(self, who: str) -> bool:
        if settings.API_THROTTLE == "off":
            return True
        most, _, period = settings.API_THROTTLE.partition("/")
        seconds = SECONDS[period[0]]
        window, passed = divmod(time.time(), seconds)
        self.left = seconds - passed
        is_allowed = counts.add(who, int(window), seconds) <= int(most)
        if not is_allowed:
            metrics.throttled()
        return is_allowed

    def wait(self) -> float:
        return self.left


def address_of(request: Any) -> str:
    return f"address {client_of(request) or ''}"


def client_of(request: Any) -> str | None:
    """The client that throttle and lock-out count: from REMOTE_ADDR, which TrustedProxies sets to the client's.

    A /64 network of IPv6 counts as one client, because a home or a server has all of it. An IPv4-mapped address counts
    as the IPv4 address.
    """
    return network_of(request.META.get("REMOTE_ADDR", ""))


def network_of(word: str) -> str | None:
    """The IPv4 address, or the first address of the /64 network. None where `word` is not an address."""
    try:
        address = ip_address(word)
    except ValueError:
        return None
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False).network_address)


def count_refused(who: str) -> None:
    """Count a request that is refused before DRF checks its throttles, such as a 401. 429 where there are too many."""
    throttle = GeneralThrottle()
    if not throttle.allows(who):
        raise exceptions.Throttled(throttle.wait())


class Counts:
    """How often each name was counted in a window of time. Only a keyed hash of the name is stored.

    The file has a fixed size: 4096 buckets of 8 slots. Where all slots of a bucket are used in this window, names share
    a slot: then a count may be too high, but never too low.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._lock = threading.Lock()
        self._own: Counter[str] = Counter()
        self._own_window = 0
        self._warned = False

    def add(self, who: str, window: int, seconds: int = 60) -> int:
        """Count one more in the window, and return the count. `seconds`, the length of a window, needs no storage."""
        with self._lock:
            try:
                return self._add_shared(who, window)
            except OSError as error:
                self._warn(error)
                return self._add_own(who, window)

    def _add_shared(self, who: str, window: int) -> int:
        tag = salted_hmac("strata.throttle", who, algorithm="sha256").digest()[:8]
        start = int.from_bytes(tag) % BUCKETS * BUCKET
        if self._file is None:
            self._file = laid_out(self._path)
        with lock_file(self._file):
            slots = list(SLOT.iter_unpack(os.pread(self._file, BUCKET, start).ljust(BUCKET, b"\0")))
            place = place_of(tag, window, slots)
            owner, then, count = slots[place]
            owner, count = (owner, min(count + 1, LARGEST_COUNT)) if then == window else (tag, 1)
            os.pwrite(self._file, SLOT.pack(owner, window, count), start + place * SLOT.size)
        return count

    def _add_own(self, who: str, window: int) -> int:
        if window != self._own_window:
            self._own, self._own_window = Counter(), window
        self._own[who] += 1
        return self._own[who]

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            log.warning("the throttle's file cannot be used: each process counts by itself", exc_info=error)
        self._warned = True


def place_of(tag: bytes, window: int, slots: list[tuple[bytes, int, int]]) -> int:
    """The slot of the name; else a slot that is unused in this window; else a shared slot."""
    for place, (owner, then, _) in enumerate(slots):
        if owner == tag and then == window:
            return place
    for place, (_, then, _) in enumerate(slots):
        if then != window:
            return place
    return tag[-1] % SLOTS


def laid_out(path: Path) -> int:
    """The open file, written to its full size, so that counting never needs disk space."""
    make_private_folder(path.parent)
    file = open_private(path, os.O_RDWR)
    size = BUCKETS * BUCKET
    if os.fstat(file).st_size < size and not written(file, bytes(size)):
        os.close(file)
        raise OSError(errno.ENOSPC, "no space for the throttle's file")
    return file


def written(file: int, content: bytes) -> bool:
    try:
        return os.pwrite(file, content, 0) == len(content)
    except OSError:
        return False


@contextmanager
def lock_file(file: int) -> Iterator[None]:
    """A short lock between processes. Raises BlockingIOError where another process does not release it."""
    for attempt in range(TRIES):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            break
        except BlockingIOError:
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN, 1)


def counts_of_settings() -> Counts | SharedCounts:
    own = Counts(settings.DATA_DIR / "throttle")
    if not settings.SHARED_URL:
        return own
    # Here, because the client of Redis takes 0.2 s and 9 MiB, and few have a Redis.
    from strata.api.http.shared_counts import SharedCounts

    return SharedCounts(settings.SHARED_URL, own)


counts = counts_of_settings()
