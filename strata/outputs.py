"""Standard output and standard error that are closed, or pipes, and whether anybody reads them."""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO


def replace_closed_outputs() -> None:
    """Send to nowhere what would be written to an output that is closed (`>&-`), for which Python has None."""
    sys.stdout = sys.stdout or open_nowhere()
    sys.stderr = sys.stderr or open_nowhere()


def open_nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # as long as the process runs


def drop_unread_output() -> bool:
    """Send to nowhere what would be written to a pipe that has no reader; False where both outputs have one."""
    unread = [stream.fileno() for stream in (sys.stdout, sys.stderr) if is_unread(stream.fileno())]
    if unread:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in unread:
            os.dup2(nowhere, number)
        os.close(nowhere)
    return bool(unread)


def is_unread(number: int) -> bool:
    """Whether this file descriptor is a pipe that nobody reads."""
    poll = select.poll()
    poll.register(number, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
