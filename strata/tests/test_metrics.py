"""What /metrics is made of: gauges that are kept a while, doctor's report, and a dashboard that names what there is."""

from __future__ import annotations

import fcntl
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from assets.metrics import newest_rate
from assets.models import ExchangeRate
from strata import doctor
from strata.audit.models import Deletion
from strata.metrics import gauges
from strata.metrics.gauges import GaugeCollector
from strata.metrics.recording import Metrics, PrometheusMetrics, metrics
from strata.server.gauges import doctor_broken, unfinished_deletion
from strata.server.metrics_endpoint import with_metrics

DASHBOARD = settings.BASE_DIR / "deploy" / "grafana.json"


@pytest.fixture
def registered(monkeypatch):
    """An empty register."""
    own: dict[str, gauges.Gauge] = {}
    monkeypatch.setattr(gauges, "_register", own)
    return own


def test_nothing_is_counted_unless_metrics_are_on():
    assert type(metrics) is Metrics


@pytest.mark.django_db
def test_gauges_are_read_again_only_after_a_while(registered, monkeypatch):
    figures = iter((1.0, 2.0))
    gauges.gauge("strata_test", "A figure", ("source",))(lambda: [(("ecb",), next(figures))])
    collector = GaugeCollector()

    def read():
        return [sample.value for family in collector.collect() for sample in family.samples]

    assert [read(), read()] == [[1.0], [1.0]]
    monkeypatch.setattr(collector, "_until", 0)
    assert read() == [2.0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (DatabaseError("refused"), ["strata_other"]),
        (OperationalError("away"), []),
        (InterfaceError("away"), []),
    ],
    ids=["refused", "away", "closed"],
)
def test_gauge_that_the_database_refuses_is_left_out_and_all_while_it_is_away(
    registered, caplog, error, shown
):
    def fail():
        raise error

    gauges.gauge("strata_test", "A figure")(fail)
    gauges.gauge("strata_other", "Another")(lambda: [((), 1)])
    assert [family.name for family in GaugeCollector().collect()] == shown
    assert "strata_test cannot be read" in caplog.text


@pytest.mark.django_db
def test_a_worker_that_ends_meanwhile_need_not_wait_for_the_database(
    registered, settings, monkeypatch, tmp_path
):
    """Its master adds up its files, which takes the lock alone."""
    settings.METRICS = True
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    free = []

    def try_lock():
        with (tmp_path / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free.append(True)
        return [((), 1)]

    gauges.gauge("strata_test", "A figure")(try_lock)
    environ = {"SERVER_PORT": str(settings.METRICS_PORT), "PATH_INFO": "/metrics", "REQUEST_METHOD": "GET"}
    (body,) = with_metrics(lambda *_: [])(environ, lambda *_: None)
    assert free
    assert b"strata_test 1.0" in body


@pytest.mark.django_db
def test_age_of_the_newest_rate_by_source():
    today = timezone.now().date()
    for source, days in (("ecb", 3), ("ecb", 9), ("manual", 5)):
        on = today - timedelta(days=days)
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro="1.1", source=source)
    assert sorted(newest_rate()) == [(("ecb",), 3), (("manual",), 5)]


@pytest.mark.django_db
def test_age_of_the_oldest_deletion_that_is_not_finished():
    now = timezone.now()
    common = {"model": "x", "object_id": "0" * 32, "holder_id": "0" * 32}
    Deletion.objects.create(**common, at=now - timedelta(hours=9), finished_at=now)
    assert list(unfinished_deletion()) == []
    Deletion.objects.create(**common, at=now - timedelta(hours=1))
    Deletion.objects.create(**common, at=now - timedelta(hours=2))
    ((_, seconds),) = unfinished_deletion()
    assert 7200 <= seconds < 7260


@pytest.mark.django_db
def test_doctor_leaves_a_report(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "REPORT", tmp_path / "data" / "doctor.json")
    assert list(doctor_broken()) == []
    findings = [doctor.Finding(doctor.Level.FAIL, "x", "y"), doctor.Finding(doctor.Level.WARN, "x", "y")]
    monkeypatch.setattr("strata.management.commands.doctor.examine", lambda: findings)
    with pytest.raises(CommandError):
        call_command("doctor")
    assert list(doctor_broken()) == [((), 1)]
    doctor.REPORT.write_text("broken")
    assert list(doctor_broken()) == []


def test_the_dashboard_names_only_figures_that_there_are():
    code = "".join(
        path.read_text()
        for path in (
            Path("strata/metrics/recording.py"),
            Path("strata/server/gauges.py"),
            Path("assets/metrics.py"),
        )
        for path in (settings.BASE_DIR / path,)
    )
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    shown = {
        re.sub(r"_(total|bucket|sum|count)$", "", name) for name in re.findall(r"strata_[a-z_]+", queries)
    }
    assert shown == set(re.findall(r'"(strata_[a-z_]+)"', code))
    assert len(shown) >= 12


def test_every_counter_has_the_method_that_others_call():
    public = {name for name in vars(Metrics) if not name.startswith("_")}
    assert public <= set(vars(PrometheusMetrics))
