"""manage.py: an error that an operator can fix is one sentence and exit code 1, not a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, InterfaceError, connection

from strata.db.errors.outages import outage_sentence
from strata.outputs import drop_unread_output, replace_closed_outputs

READER_IS_GONE = 128 + 13  # what a shell reports of a program that SIGPIPE ended


def execute(argv: list[str]) -> None:
    """Run a command. `--traceback` shows the traceback of such errors too."""
    replace_closed_outputs()
    with closed_pipes_end_quietly():
        if "--traceback" in argv:
            execute_from_command_line(argv)
            return
        with outages_as_sentences():
            execute_from_command_line(argv)


@contextmanager
def closed_pipes_end_quietly() -> Iterator[None]:
    """End the process without a traceback where nobody reads its output any more: `networth | head`.

    A command that writes to the database drops its output instead, and goes on (strata.commands).
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # a pipe's last part, which Python would write after the end of the program
    except BrokenPipeError:
        if not drop_unread_output():
            raise
        sys.exit(READER_IS_GONE)


@contextmanager
def outages_as_sentences() -> Iterator[None]:
    """End the process with one sentence where a setting is wrong, or the database or its disk cannot be used.

    Other errors are raised.
    """
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"CommandError: {error}")
    except (DatabaseError, InterfaceError, OSError) as error:
        sentence = outage_sentence(error, connection.settings_dict)
        if sentence is None:
            raise
        sys.exit(f"CommandError: {sentence}")
