"""Shared by our commands: help with an example, the actor of their changes, `--dry-run`, progress on a terminal.

Exit codes: 0 done (or nothing to do), 1 refused or failed, 2 wrong arguments, 3 a source could not be reached.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable
from datetime import date
from typing import Any, NoReturn, TextIO, cast

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter, OutputWrapper

from strata.audit import actor, deletions
from strata.db.retry import run_in_transaction
from strata.fields.dates import parse_day, validate_year
from strata.outputs import drop_unread_output

FAILED, WRONGLY_CALLED, UNREACHABLE = 1, 2, 3
EXIT_CODES = "exit codes: 0 done or nothing to do, 1 refused or failed, 2 wrong arguments"


class RawHelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples."""


class StrataCommand(BaseCommand):
    """The base of our commands. The command is the actor of what it changes; `writes = True` adds `--dry-run`."""

    examples: tuple[str, ...] = ()
    exit_codes = EXIT_CODES
    writes = False
    finishes_deletions = False  # of those that are run every day, or write many rows anyway
    verbosity = 1

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = "\n".join(f"  python manage.py {example}" for example in self.examples)
        kwargs.setdefault("epilog", f"examples:\n{lines}\n\n{self.exit_codes}")
        return super().create_parser(prog_name, subcommand, formatter_class=RawHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        if self.writes:
            parser.add_argument(
                "--dry-run", action="store_true", help="Say what would be done, and write nothing."
            )

    def run_from_argv(self, argv: list[str]) -> None:
        """In a process of its own, as in a worker (gunicorn.conf.py): what is loaded now stays until the end."""
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        if self.writes:
            self.stdout = OutputWrapper(cast("TextIO", KeptOpen(sys.stdout)))
            self.stderr = OutputWrapper(cast("TextIO", KeptOpen(sys.stderr)))
            self.stderr.style_func = self.style.ERROR
        try:
            super().run_from_argv(argv)
        finally:
            self.stdout.flush()

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Django calls this before `handle`, both from the command line and from call_command."""
        self.verbosity = options["verbosity"]
        with actor.acting(channel=f"command:{self.name}"):
            done = super().execute(*args, **options)
        if self.finishes_deletions and not options.get("dry_run"):
            deletions.finish_all()
        return done

    def in_transaction[Result](self, work: Callable[[], Result]) -> Result:
        """Run a part of the work in a transaction, repeated after a deadlock. So `work` itself should print nothing."""
        return run_in_transaction(work)

    def say(self, text: str) -> None:
        """Write to standard output, unless `--verbosity 0` is given."""
        if self.verbosity > 0:
            self.stdout.write(text)

    def progress(self, what: str, total: int) -> Progress:
        return Progress(what, total, self.stderr)


class KeptOpen:
    """An output whose reader may leave. What is written after that goes nowhere: the work of a command goes on."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        self.unless_unread(self.stream.write, text)

    def flush(self) -> None:
        self.unless_unread(self.stream.flush)

    def unless_unread(self, output: Callable[..., Any], *parts: str) -> None:
        try:
            output(*parts)
        except BrokenPipeError:
            if not drop_unread_output():
                raise


class RefusedCommand(BaseCommand):
    """Replaces a command of Django that writes without Strata's journal. The command line refuses it and says why.

    `call_command` still works: Django's tests use it to empty their databases.
    """

    refusal = ""

    def run_from_argv(self, argv: list[str]) -> NoReturn:
        self.stderr.write(f"CommandError: {self.refusal}")
        sys.exit(FAILED)


class Progress:
    """A line on standard error that is updated in place. Nothing is written to a pipe or a log."""

    def __init__(self, what: str, total: int, stream: Any) -> None:
        self.what, self.total, self.stream = what, total, stream
        self.done, self.shown = 0, -1
        self.visible = stream.isatty()

    def advance(self, count: int = 1) -> None:
        self.done += count
        percent = 100 * self.done // max(self.total, 1)
        if self.visible and percent != self.shown:
            self.shown = percent
            self.stream.write(f"\r{self.what}: {percent} % ({self.done:,} of {self.total:,})", ending="")
            self.stream.flush()

    def end(self) -> None:
        if self.visible and self.shown >= 0:
            self.stream.write("")


def positive(text: str) -> int:
    """A whole number from 1, for the `type` of an option."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def calendar_day(text: str) -> date:
    """A day such as 2026-01-31, for the `type` of an option."""
    try:
        day = parse_day(text)
        validate_year(day)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(error.messages[0]) from None
    return day
