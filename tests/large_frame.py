"""Calls a function with room for all of its frames, so that CPython need not map memory for them again and again.

CPython 3.12 keeps the frames of Python functions in chunks of 16 KiB. A call for which the present chunk has no room
maps a new one, and its return unmaps it (https://github.com/python/cpython/issues/142183). A loop that happens to run
at the end of a chunk pays two system calls and a page fault for each call: a tenth of this suite's CPU time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Half a MiB and a word: CPython then maps one MiB, of which the other half is free for other frames.
WORDS = 2**16 + 1


def call_in_large_frame(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


# The size of a frame's stack is what its code says. Memory that is not used is mapped, but takes no RAM.
call_in_large_frame.__code__ = call_in_large_frame.__code__.replace(co_stacksize=WORDS)
