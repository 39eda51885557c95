"""Answers that are read from the standby while they are sent, and by the primary where the standby ends one of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import DatabaseError, InterfaceError

from strata.db.standby.reading import is_repeated, reading_from_standby

type Closers = Iterable[Callable[[], object]]


class Blocks(NamedTuple):
    """The blocks of an answer, and what ends its reading."""

    blocks: Iterable[bytes]
    closers: Closers

    def close(self) -> None:
        for close in self.closers:
            close()


# The same answer by the primary; None where it is none that is sent in blocks.
type BeginAgain = Callable[[], Blocks | None]


@dataclass(slots=True)
class Sent:
    """How much of an answer was sent, and what."""

    length: int = 0
    digest: Any = field(default_factory=sha256)

    def add(self, block: bytes) -> bytes:
        self.length += len(block)
        self.digest.update(block)
        return block


class OtherAnswer(DatabaseError):
    """What the primary answers does not begin with what was sent."""


def streamed(answer: Blocks, begin_again: BeginAgain) -> Generator[bytes]:
    """The blocks of an answer that is sent later, each read from the standby too.

    Where the standby ends the reading, such as by a conflict with recovery, the primary makes the same answer again,
    and what follows the sent part is sent. Raises what the standby raised where a write has changed that part since.
    """
    remaining, sent = iter(answer.blocks), Sent()
    try:
        while True:
            try:
                with reading_from_standby():
                    block = next(remaining, None)
            except (DatabaseError, InterfaceError) as error:
                if not is_repeated(error):
                    raise
                yield from by_primary(begin_again, sent, error)
                return
            if block is None:
                return
            yield sent.add(block)
    finally:
        with reading_from_standby():
            answer.close()


def by_primary(begin_again: BeginAgain, sent: Sent, error: Exception) -> Generator[bytes]:
    answer = begin_again()
    if answer is None:
        raise error
    try:
        yield from rest_of(answer.blocks, sent)
    except OtherAnswer:
        raise error from None
    finally:
        answer.close()


def rest_of(blocks: Iterable[bytes], sent: Sent) -> Iterator[bytes]:
    """What follows the sent part. Raises OtherAnswer, before it gives anything, where that part is another one."""
    again = Sent()
    for block in blocks:
        before = sent.length - again.length
        again.add(block[:before])
        if again.length < sent.length:
            continue
        if before and again.digest.digest() != sent.digest.digest():
            break
        if block[before:]:
            yield block[before:]
    if again.digest.digest() != sent.digest.digest():
        raise OtherAnswer("The answer has changed since its beginning was sent.")
