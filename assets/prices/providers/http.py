"""Fetches a web address with limits of time and size, never from a private address, and again after 429 and 5xx."""

from __future__ import annotations

import random
import socket
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError
from urllib3.util.timeout import Timeout

from assets.prices.providers.addresses import RefusedAddress, addresses_of

ATTEMPTS = 4
MOST_REDIRECTS = 3
LONGEST_PAUSE = 30.0  # seconds
PIECE = 64 * 1024
AGENT = "Strata (household net worth; https://github.com)"
REDIRECTS = (301, 302, 303, 307, 308)
GZIP = ("gzip", "x-gzip")
GZIP_START = b"\x1f"  # several of them may follow each other
GZIP_WINDOW = 16 + zlib.MAX_WBITS  # what zlib calls data with the header and the check sum of gzip
UNKNOWN_SYMBOL = (404, 410)  # others, such as 400, may as well be about the address or the key of the source


class FetchFailed(Exception):
    """Why a source gave no prices, in a few words. `pause` is what it asked to wait; `may_retry`: it may work later;
    `of_symbol`: the source works, but has nothing for this symbol.
    """

    def __init__(
        self,
        reason: str,
        *,
        may_retry: bool = False,
        pause: float | None = None,
        of_symbol: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.may_retry, self.pause = reason, may_retry, pause
        self.of_symbol = of_symbol


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` for a whole answer, `most_bytes` of it, unpacked. `private_hosts` may be connected to all the same."""

    seconds: float
    most_bytes: int
    private_hosts: Collection[str] = ()


@dataclass(slots=True)
class Deadline:
    """Cuts the connections of one request off when its time is over, however slowly they deliver."""

    private_hosts: Collection[str]
    seconds: float
    sockets: list[socket.socket] = field(default_factory=list)
    ends_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends_at = time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at

    def remaining(self) -> float:
        """How many seconds are left. At least a thousandth: a socket with 0 would not wait at all, but say so."""
        return max(self.ends_at - time.monotonic(), 0.001)

    def cut(self) -> None:
        for connected in self.sockets:
            try:
                connected.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by now

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to an allowed address of the host. A copy of it stays here, to be cut off.

        A redirect may ask for one when the time is over: nothing would cut that one off.
        """
        error: OSError | None = None
        for family, address in addresses_of(host, port, self.private_hosts, self.remaining()):
            connected = socket.socket(family, socket.SOCK_STREAM)
            try:
                connected.settimeout(self.remaining())
                connected.connect(address)
            except OSError as refused:
                connected.close()
                error = refused
            else:
                self.sockets.append(connected.dup())
                if not self.is_over:
                    return connected
                connected.close()
            if self.is_over:
                raise TimeoutError
        raise error or OSError("no address")


@contextmanager
def running(limits: Limits) -> Iterator[Deadline]:
    deadline = Deadline(limits.private_hosts, limits.seconds)
    timer = Timer(limits.seconds, deadline.cut)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        for connected in deadline.sockets:
            connected.close()


def pool_of(deadline: Deadline) -> urllib3.PoolManager:
    """Connections that are made by the deadline: also those after a redirect."""

    class CheckedConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return deadline.connect(self.host, self.port or 80)

    class CheckedTLSConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return deadline.connect(self.host, self.port or 443)

    class CheckedPool(urllib3.HTTPConnectionPool):
        ConnectionCls = CheckedConnection

    class CheckedTLSPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = CheckedTLSConnection

    manager = urllib3.PoolManager(retries=False, timeout=Timeout(deadline.seconds))
    manager.pool_classes_by_scheme = {"http": CheckedPool, "https": CheckedTLSPool}
    return manager


def fetch(
    url: str,
    limits: Limits,
    *,
    pause: Callable[[float], None] | None = None,
    jitter: Callable[[float, float], float] = random.uniform,
) -> bytes:
    """The body of the answer. Raises FetchFailed. It asks again after 429 and 5xx, with growing pauses."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return fetch_once(url, limits)
        except FetchFailed as failure:
            if not failure.may_retry or attempt == ATTEMPTS:
                raise
            wait = failure.pause if failure.pause is not None else 2**attempt * jitter(0.5, 1)
            if wait > LONGEST_PAUSE:
                raise
            (pause or time.sleep)(wait)
    raise AssertionError("at least one attempt")


def fetch_once(url: str, limits: Limits) -> bytes:
    with running(limits) as deadline, pool_of(deadline) as pool:
        try:
            return _following(pool, url, limits)
        except RefusedAddress:
            raise FetchFailed("refused address") from None
        except (HTTPError, OSError, ValueError) as error:
            if deadline.is_over or isinstance(error, HTTPTimeoutError | socket.timeout):
                raise FetchFailed("timeout") from None
            raise FetchFailed(f"no answer: {type(cause_of(error)).__name__}") from None
        finally:
            if deadline.is_over:
                raise FetchFailed("timeout") from None


def cause_of(error: Exception) -> Exception:
    """What the system has said: urllib3 wraps it."""
    last = error.args[-1] if isinstance(error, ProtocolError) and error.args else None
    return last if isinstance(last, Exception) else error


def _following(pool: urllib3.PoolManager, url: str, limits: Limits) -> bytes:
    for _ in range(MOST_REDIRECTS + 1):
        if urlsplit(url).scheme not in ("http", "https"):
            raise FetchFailed("refused address")
        headers = {"User-Agent": AGENT, "Accept-Encoding": "gzip"}
        answer = pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        location = answer.headers.get("Location")
        if answer.status in REDIRECTS and location:
            answer.close()
            url = urljoin(url, location)
            continue
        return _body(answer, limits.most_bytes)
    raise FetchFailed("too many redirects")


def _body(answer: Any, most_bytes: int) -> bytes:
    if answer.status != 200:
        answer.close()
        raise FetchFailed(
            f"HTTP {answer.status}",
            may_retry=answer.status == 429 or answer.status >= 500,
            pause=pause_of(answer.headers),
            of_symbol=answer.status in UNKNOWN_SYMBOL,
        )
    pieces, size = [], 0
    for piece in _unpacked(answer):
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            answer.close()
            raise FetchFailed("too large")
    return b"".join(pieces)


def _unpacked(answer: Any) -> Iterable[bytes]:
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    raw: Iterable[bytes] = answer.stream(PIECE, decode_content=False)
    if encoding in ("", "identity"):
        return raw
    if encoding in GZIP:
        return unzipped(raw)
    raise FetchFailed("unknown encoding")


def unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of gzip data, in pieces of at most PIECE bytes. Raises FetchFailed for what is no gzip, and where the
    end with its check sum is missing: the last price could have lost some of its digits. urllib3 does not notice that.
    """
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    try:
        for piece in pieces:
            packed = piece
            while packed:
                if unpacker.eof and not packed.startswith(GZIP_START):
                    return  # what follows the end is nothing of it
                if unpacker.eof:
                    unpacker = zlib.decompressobj(GZIP_WINDOW)
                yield unpacker.decompress(packed, PIECE)
                packed = unpacker.unused_data or unpacker.unconsumed_tail
        while not unpacker.eof and (rest := unpacker.decompress(b"", PIECE)):
            yield rest
    except zlib.error:
        raise FetchFailed("broken gzip") from None
    if not unpacker.eof:
        raise FetchFailed("cut off")


def pause_of(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """What Retry-After asks for, in seconds: it is a number of them, or an instant."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - (now or datetime.now(UTC))).total_seconds(), 0)
