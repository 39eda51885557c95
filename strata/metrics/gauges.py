"""Figures that are read from the database when Prometheus asks, at most once in KEPT_SECONDS in each process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

log = logging.getLogger("strata.metrics")
KEPT_SECONDS = 15

# Yields (the values of the labels, the figure).
type Reading = Callable[[], Iterable[tuple[tuple[str, ...], float]]]


@dataclass(frozen=True, slots=True)
class Gauge:
    name: str
    help: str
    labels: tuple[str, ...]
    read: Reading


_register: dict[str, Gauge] = {}


def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Callable[[Reading], Reading]:
    """Register a figure by its name in Prometheus, with its unit at the end: strata_newest_rate_age_seconds."""

    def register(read: Reading) -> Reading:
        _register[name] = Gauge(name, text, labels, read)
        return read

    return register


class GaugeCollector:
    """All gauges for a registry of prometheus_client. One that cannot be read is left out, and logged; while the
    database is away, so are all after it.
    """

    def __init__(self) -> None:
        self._kept: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterator[Metric]:
        if time.monotonic() >= self._until:
            self._kept = list(self._read_all())
            self._until = time.monotonic() + KEPT_SECONDS
        yield from self._kept

    def _read_all(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily  # as in recording.py

        autodiscover_modules("metrics", "server.gauges")  # of the apps, and strata/server/gauges.py
        try:
            for entry in _register.values():
                family = GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
                try:
                    for values, figure in entry.read():
                        family.add_metric(values, figure)
                except (DatabaseError, InterfaceError) as error:
                    log.warning("%s cannot be read for /metrics", entry.name, exc_info=error)
                    if isinstance(error, OperationalError | InterfaceError):
                        return
                else:
                    yield family
        finally:
            connection.close_if_unusable_or_obsolete()
