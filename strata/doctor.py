"""The register of the checks of `manage.py doctor`, and the kernel's own checks.

An app adds its own in its file doctor.py: a function that yields Findings, decorated with `@examines("subject")`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from strata.audit.journal import count_of_changes_by
from strata.db import private_files
from strata.db.backends.postgresql.timeouts import (
    compiles_statements,
    jit_default,
    timeout_default,
    timeouts,
)
from strata.db.consistent_read import consistent_read
from strata.db.durability import durability
from strata.db.private_files import make_private_folder
from strata.db.standby.reading import is_configured
from strata.db.standby.state import (
    ASYNCHRONOUS,
    OK,
    SYNCHRONOUS,
    accepts_writes,
    position,
    replication,
    state_of_standby,
)
from strata.db.write_format.check import WRITTEN_FORMAT, only_reading, stored_format
from strata.exceptions import StrataError
from strata.fields.names import NameKeyField, name_key

REPORT = settings.DATA_DIR / "doctor.json"
BY_MIGRATE = "migrate"  # the channel of journal entries that migrations write


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    subject: str
    message: str


# What reading raises of a row that no rule has seen.
UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, ValidationError, StrataError)
HARMLESS = ("settings", "files")  # a FAIL of these does not prevent the other checks

Examination = Callable[[], Iterable[tuple[Level, str]]]
_register: dict[str, Examination] = {}


def examines(subject: str) -> Callable[[Examination], Examination]:
    """Register a check of the content of the database. It runs only when the database and its tables are in order."""

    def register(function: Examination) -> Examination:
        _register[subject] = function
        return function

    return register


@dataclass(frozen=True, slots=True)
class Report:
    """The last run of doctor on this machine: when, and how many FAILs."""

    at: datetime
    broken: int


def store_report(findings: Iterable[Finding]) -> None:
    """Keep what /metrics tells. A disk that is full or read-only is no reason for doctor to fail."""
    broken = sum(finding.level is Level.FAIL for finding in findings)
    with suppress(OSError):
        make_private_folder(REPORT.parent)
        REPORT.write_text(json.dumps({"at": timezone.now().isoformat(), "broken": broken}))


def last_report() -> Report | None:
    """None where doctor has not run, or its report cannot be read."""
    try:
        report = json.loads(REPORT.read_text())
        return Report(datetime.fromisoformat(report["at"]), int(report["broken"]))
    except (OSError, ValueError, KeyError):
        return None


def examine() -> list[Finding]:
    """The findings of all checks that can run. A missing database or table is a FAIL, and ends the checks."""
    autodiscover_modules("doctor", "accounts.doctor")  # and strata/accounts/doctor.py
    with only_reading():  # Django's checks begin transactions
        findings = list(_kernel())
    sound = all(finding.level is not Level.FAIL for finding in findings if finding.subject not in HARMLESS)
    if sound:
        with consistent_read():  # so that writes of others during the checks are not reported
            for subject, function in _register.items():
                findings.extend(_run(subject, partial(_in_savepoint, function)))
    return findings


def _in_savepoint(function: Examination) -> list[tuple[Level, str]]:
    """A database error ends only this check, not the transaction of all checks."""
    with transaction.atomic():
        return list(function())


def _kernel() -> Iterator[Finding]:
    yield from (Finding(level, "settings", text) for level, text in settings_in_order())
    reachable = list(_run("database", database_reachable))
    yield from reachable
    if reachable[0].level is Level.OK:
        yield from _run("durability", keeps_what_it_acknowledged)
        yield from _run("files", files_are_private)
        yield from _run("timeouts", ends_what_takes_too_long)
        yield from _run("jit", compiles_no_statement)
        yield from _run("migrations", migrations_applied)
        yield from _run("replication", standby_is_near)


@examines("names")
def names_have_their_keys() -> Iterator[tuple[Level, str]]:
    """With a wrong key a name is not found, and can be used twice. A newer Unicode in Python makes other keys."""
    wrong = {model._meta.label: count for model, count in wrong_keys().items() if count}
    for label, count in wrong.items():
        yield Level.FAIL, f"{count} of {label} have a wrong key. Save them again in the admin."
    if not wrong:
        yield Level.OK, "all keys are right"
    if given := count_of_changes_by(BY_MIGRATE):
        yield (
            Level.OK,
            f"{given} had the same name as another row, in another spelling, and got a number: see the journal",
        )


def wrong_keys() -> dict[type[models.Model], int]:
    counts: dict[type[models.Model], int] = {}
    for model in apps.get_models():
        for key in (field for field in model._meta.local_fields if isinstance(field, NameKeyField)):
            rows = model._base_manager.order_by().values_list(key.source, key.attname)
            wrong = sum(name_key(name) != stored for name, stored in rows.iterator(chunk_size=2000))
            counts[model] = counts.get(model, 0) + wrong
    return counts


def _run(subject: str, function: Examination) -> Iterator[Finding]:
    """A row that cannot be read is a finding, and no reason to leave out the other checks."""
    try:
        results = list(function())
    except DatabaseError as error:
        results = [(Level.FAIL, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")]
    except UNREADABLE as error:
        results = [(Level.FAIL, f"what is stored cannot be read: {type(error).__name__}: {error}")]
    yield from (Finding(level, subject, text) for level, text in results)


def settings_in_order() -> Iterator[tuple[Level, str]]:
    production = getattr(settings, "PRODUCTION", False)
    messages = checks.run_checks(include_deployment_checks=production)
    for message in messages:
        if message.level >= checks.WARNING and not message.is_silenced():
            yield (Level.FAIL if message.is_serious() else Level.WARN), f"{message.id}: {message.msg}"
    if settings.DEBUG:
        yield Level.WARN, "DEBUG is on: errors show internals of the program."
    if not messages and not settings.DEBUG:
        yield Level.OK, "production" if production else "development"


def database_reachable() -> Iterator[tuple[Level, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield Level.OK, connection.vendor


def keeps_what_it_acknowledged() -> Iterator[tuple[Level, str]]:
    for setting in durability():
        yield (Level.OK if setting.is_safe else Level.FAIL), str(setting)


def files_are_private() -> Iterator[tuple[Level, str]]:
    """The files of SQLite. Opening the database has already restricted their modes where possible."""
    if connection.vendor != "sqlite":
        return
    path = Path(connection.settings_dict["NAME"])
    for name, mode in private_files.narrowed().items():
        yield (
            Level.WARN,
            f"{name} was open to other users (mode {mode:04o}). Now only its owner may read and write it.",
        )
    for name, mode in private_files.open_to_others(path).items():
        yield (
            Level.FAIL,
            f"{name} is open to other users (mode {mode:04o}). As its owner run: chmod 600 {name}",
        )
    if path.is_absolute() and not private_files.open_to_others(path):
        yield Level.OK, "only the owner may read them"


def ends_what_takes_too_long() -> Iterator[tuple[Level, str]]:
    for timeout in timeouts(connection):
        if timeout.is_unset:
            yield (
                Level.FAIL,
                f"{timeout.name}=0 outside a transaction. Run: {timeout_default(connection, timeout)}",
            )
        else:
            yield Level.OK, str(timeout)


def compiles_no_statement() -> Iterator[tuple[Level, str]]:
    if compiles_statements(connection):
        yield (
            Level.WARN,
            f"jit=on outside a transaction: reports take several times as long. Run: {jit_default(connection)}",
        )


def standby_is_near() -> Iterator[tuple[Level, str]]:
    """Of REPLICA_URL: whether the standby keeps up, and what the death of the primary would lose."""
    if not is_configured():
        return
    if not accepts_writes():
        yield Level.WARN, "DATABASE_URL names a standby: nothing can be written."
    replica = state_of_standby(position())
    yield (Level.OK if replica == OK else Level.WARN), f"replica: {replica}"
    if replication() == SYNCHRONOUS:
        yield Level.OK, SYNCHRONOUS
    else:
        yield (
            Level.WARN,
            f"{ASYNCHRONOUS}: when the primary dies, the last writes are lost. Name the standby in "
            "synchronous_standby_names.",
        )


def migrations_applied() -> Iterator[tuple[Level, str]]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in waiting[:5])
        yield Level.FAIL, f"{len(waiting)} not applied: {names}. Run: python manage.py migrate"
    else:
        yield Level.OK, "all applied"
        yield from format_is_written()


def format_is_written() -> Iterator[tuple[Level, str]]:
    """Whether this version may write, or another one has raised the format of the database."""
    number = stored_format()
    if number > WRITTEN_FORMAT:
        yield (
            Level.WARN,
            f"the database has format {number}, and this version writes {WRITTEN_FORMAT}: it only reads.",
        )
