"""Detects when a request has arrived completely, so that no thread waits for a slow client.

This module only looks for the end of the request. gunicorn's parser reads the same bytes afterwards and decides what
they mean. Where the end cannot be found, the request is handed over as it is, and a thread reads the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

END_OF_HEAD = b"\r\n\r\n"
# The most that gunicorn accepts: a request line and a hundred fields; it refuses more.
LONGEST_HEAD = 102 * 8190
LONGEST_SIZE_LINE = 8190
RATE = 10_000  # bytes per second: the slowest rate for an upload of a file
# "POST /api/v1/...": routes that accept files. A thread reads a file while it arrives, as long as the rate is RATE.
FILE_ROUTES: tuple[re.Pattern[bytes], ...] = (
    re.compile(rb"POST [^ ?\r\n]*/(?:api/v1/imports|api/v1/archives|admin/import|admin/archives)/?[ ?]"),
)

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)")
_NAMES_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:")
_ENCODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:")
_EXPECTS = re.compile(rb"\r\nexpect[ \t]*:")


class Stage(Enum):
    INCOMPLETE = "more has to come"
    WHOLE = "all of it is here"
    HAND_OVER = "a thread has to read the rest"


class Arrival:
    """The received part of one request. Bytes of the next request may follow it."""

    def __init__(self, longest_body: int, larger: Sequence[tuple[re.Pattern[bytes], int]] = ()) -> None:
        """`larger` are the routes whose bodies may be longer, by what the request line begins with."""
        self.received = bytearray()
        self.head_ends: int | None = None
        self.is_file = False
        self._longest_body, self._larger = longest_body, larger
        self._whole_at: int | None = None
        self._next_chunk: int | None = None
        self._most_bytes = 0  # of head and body together, once the head is here

    def add(self, data: bytes) -> Stage:
        searched = max(0, len(self.received) - len(END_OF_HEAD) + 1)
        self.received += data
        if self.head_ends is None:
            return self._look_for_the_end_of_the_head(searched)
        return self._stage_of_body()

    def _look_for_the_end_of_the_head(self, searched: int) -> Stage:
        blank = len(self.received) - len(self.received.lstrip(b"\r\n"))  # lines before the request line
        end = self.received.find(END_OF_HEAD, max(searched, blank))
        if end < 0:
            return Stage.INCOMPLETE if len(self.received) <= LONGEST_HEAD else Stage.HAND_OVER
        self.head_ends = end + len(END_OF_HEAD)
        self.is_file = any(route.match(self.received) for route in FILE_ROUTES)
        for route, longest in self._larger:
            if route.match(self.received, blank):
                self._longest_body = longest
        self._most_bytes = self.head_ends + self._longest_body + LONGEST_SIZE_LINE
        return self._stage_of_head(bytes(self.received[: end + 2]).lower(), self.head_ends)

    def _stage_of_head(self, head: bytes, body_starts: int) -> Stage:
        if self.is_file or _EXPECTS.search(head):
            return Stage.HAND_OVER
        lengths = _NAMES_LENGTH.findall(head)
        if _ENCODED.search(head):
            self._next_chunk = body_starts
            return Stage.HAND_OVER if lengths else self._stage_of_body()
        length = _LENGTH.search(head)
        if len(lengths) > 1 or bool(lengths) != bool(length):
            return Stage.HAND_OVER
        if length and int(length[1]) > self._longest_body:
            return Stage.HAND_OVER
        self._whole_at = body_starts + (int(length[1]) if length else 0)
        return self._stage_of_body()

    def _stage_of_body(self) -> Stage:
        if self._whole_at is not None:
            return Stage.WHOLE if len(self.received) >= self._whole_at else Stage.INCOMPLETE
        if self._next_chunk is None:
            return Stage.HAND_OVER
        return self._stage_of_chunks(self._next_chunk)

    def _stage_of_chunks(self, chunk: int) -> Stage:
        """`chunk` is where the next chunk begins that was not read yet."""
        while chunk < len(self.received):
            line_ends = self.received.find(b"\r\n", chunk)
            if line_ends < 0:
                break
            size = _size_of(self.received[chunk:line_ends])
            if size is None:
                return Stage.HAND_OVER
            if size == 0:
                is_whole = self.received.find(END_OF_HEAD, line_ends) >= 0
                return Stage.WHOLE if is_whole else self._unless_longer(self._most_bytes, chunk)
            chunk = self._next_chunk = line_ends + 2 + size + 2
        return self._unless_longer(self._most_bytes + LONGEST_SIZE_LINE, chunk)

    def _unless_longer(self, most: int, chunk: int) -> Stage:
        return Stage.HAND_OVER if max(len(self.received), chunk) > most else Stage.INCOMPLETE


def _size_of(line: bytearray) -> int | None:
    digits = bytes(line).split(b";")[0].strip(b" \t")
    return int(digits, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,15}", digits) else None
