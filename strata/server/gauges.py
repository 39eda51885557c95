"""The kernel's own gauges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from strata.audit.deletions import unfinished
from strata.doctor import last_report
from strata.metrics.gauges import gauge

type Readings = Iterator[tuple[tuple[str, ...], float]]


def age(instant: datetime) -> float:
    """In seconds."""
    return (timezone.now() - instant).total_seconds()


@gauge("strata_migrations_pending", "Migrations that are not applied")
def migrations_pending() -> Readings:
    executor = MigrationExecutor(connection)
    yield (), len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@gauge("strata_unfinished_deletion_age_seconds", "Age of the oldest deletion whose rows are not all removed")
def unfinished_deletion() -> Readings:
    begun = unfinished().order_by("at").values_list("at", flat=True).first()
    if begun is not None:
        yield (), age(begun)


@gauge("strata_doctor_broken", "What the last run of doctor on this machine found broken")
def doctor_broken() -> Readings:
    if (report := last_report()) is not None:
        yield (), report.broken


@gauge("strata_doctor_age_seconds", "Age of the last run of doctor on this machine")
def doctor_age() -> Readings:
    if (report := last_report()) is not None:
        yield (), age(report.at)
