"""A full or read-only disk, a failing fsync, a database that is down or hangs: requests are refused, never a 500.

Reads continue where they can, liveness stays 200, and everything works again afterwards without a restart. The disk
that is filled is small and in memory, which needs root; strace makes system calls fail.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.disks import small_disk
from tests.load_clients import writers
from tests.serving import environment, serving, wait_for
from tests.write_paths import WritePaths, statuses

pytestmark = [pytest.mark.server, pytest.mark.chaos]
WRITE_CALLS = "pwrite64,write,pwritev,ftruncate,fallocate,unlink,unlinkat"
LONG_NOTE = "x" * 4_000


@contextmanager
def failing(pids: list[int], calls: str, error: str, *paths: str):
    """Makes the system calls of the processes fail on these files, for the duration of the block."""
    command = ["strace", "-f", "-q", "-o", "/dev/null", "-e", f"trace={calls}"]
    command += [part for path in paths for part in ("-P", path)]
    command += ["-e", f"inject={calls}:error={error}"]
    command += [part for pid in pids for part in ("-p", str(pid))]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
        try:
            wait_until_traced(pids, strace)
            yield
        finally:
            strace.terminate()


def wait_until_traced(pids: list[int], strace: subprocess.Popen) -> None:
    def are_traced() -> bool:
        assert strace.poll() is None, strace.stderr.read().decode()
        return all(is_traced(task) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())

    wait_for(are_traced)


def is_traced(task: Path) -> bool:
    return "TracerPid:\t0\n" not in (task / "status").read_text()


def files_of(url: str) -> list[str]:
    path = url.removeprefix("sqlite:///")
    return [path, f"{path}-wal"]


def assert_readable(paths: WritePaths) -> None:
    assert paths.live().status == 200
    assert set(statuses(paths.reads()).values()) == {200}


def assert_refused(paths: WritePaths) -> None:
    answers = paths.writes()
    assert [(path, answer) for path, answer in answers.items() if not answer.is_refusal()] == []


def assert_recovered(paths: WritePaths) -> None:
    """Everything works again without a restart; each way to write succeeds."""
    assert_readable(paths)
    assert statuses(paths.writes()) == {
        "API, POST": 201,
        "API, POST with a key": 201,
        "API, PATCH": 200,
        "API, DELETE": 204,
        "API, login": 201,
        "API, wrong login": 401,
        "admin, add": 302,
        "admin, login": 302,
    }


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("calls", "error"), [(WRITE_CALLS, "EROFS"), ("fsync,fdatasync", "EIO"), (WRITE_CALLS, "ENOSPC")]
)
def test_failing_system_calls_on_the_database_files_are_refusals(database, url, calls, error):
    with serving(environment(url, WEB_CONCURRENCY="1")) as server:
        paths = WritePaths(server, database.token)
        before = snapshot_count(database, url)
        with failing(server.workers(), calls, error, *files_of(url)):
            assert_readable(paths)
            assert_refused(paths)
            assert_readable(paths)
        assert snapshot_count(database, url) == before
        assert_recovered(paths)
        assert database.damage(url) == []


@pytest.mark.on_sqlite
def test_full_disk_is_507_and_loses_nothing(database, tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk):
        url = database.fresh("strata", disk)
        with serving(environment(url, WEB_CONCURRENCY="1")) as server:
            paths = WritePaths(server, database.token)
            acknowledged = fill(paths, disk)
            assert_readable(paths)
            assert_refused(paths)
            assert_readable(paths)
            assert snapshot_count(database, url) == acknowledged
            (disk / "ballast").unlink()
            assert_recovered(paths)
            assert database.damage(url) == []


def fill(paths: WritePaths, disk: Path) -> int:
    """Fills the disk until even a small write is refused. Returns the number of acknowledged writes."""
    acknowledged = 0
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        for room, note in ((200_000, LONG_NOTE), (0, LONG_NOTE), (0, "")):
            pad(ballast, leaving=room)
            while (answer := paths.write(note)).status == 201:
                acknowledged += 1
            assert (answer.status, answer.is_refusal()) == (507, True)
        pad(ballast, leaving=0)
    return acknowledged


def pad(ballast, *, leaving: int) -> None:
    """Writes to the file until so many bytes are free."""
    disk = os.fstatvfs(ballast.fileno())
    room = disk.f_bavail * disk.f_frsize - leaving
    assert ballast.write(bytes(max(0, room))) >= room


def snapshot_count(database, url: str) -> int:
    return database.rows(url, "SELECT count(*) FROM assets_assetsnapshot")[0][0]


# --- PostgreSQL ---


@pytest.mark.on_postgresql
def test_full_disk_of_postgresql_is_507_and_loses_nothing(database):
    disk = database.folder / "disk"
    with (
        small_disk(disk),
        database.on_disk("strata_on_a_full_disk", disk) as url,
        serving(environment(url, WEB_CONCURRENCY="1")) as server,
    ):
        paths = WritePaths(server, database.token)
        acknowledged = fill(paths, disk)
        assert_readable(paths)
        answers = paths.writes()  # an update may still fit into a page of its table
        assert [
            path for path, answer in answers.items() if not (answer.is_refusal() or answer.status < 500)
        ] == []
        assert_readable(paths)
        (disk / "ballast").unlink()
        assert paths.write().status == 201
        assert snapshot_count(database, url) >= acknowledged
        assert database.damage(url) == []


@pytest.mark.on_postgresql
def test_read_only_postgresql_refuses_writes_and_serves_reads(database, url):
    """Like a standby after a failover, or a server that its administrator has made read-only."""
    with serving(environment(url, WEB_CONCURRENCY="1")) as server:
        paths = WritePaths(server, database.token)
        database.set_read_only(url, "on")
        assert_readable(paths)
        assert_refused(paths)
        database.set_read_only(url, "off")
        assert_recovered(paths)


@pytest.mark.on_postgresql
def test_postgresql_with_a_failing_fsync_refuses_and_recovers(database, url):
    """PostgreSQL then ends all connections and restarts by itself."""
    with serving(environment(url, WEB_CONCURRENCY="1", WEB_THREADS="1")) as server:
        paths = WritePaths(server, database.token)
        before = snapshot_count(database, url)
        with failing(database.sessions(url), "fsync,fdatasync", "EIO"):
            assert paths.write().is_refusal()
            assert paths.live().status == 200
        wait_for(lambda: paths.write().status == 201)
        # The refused write may have reached the disk.
        assert snapshot_count(database, url) - before in (1, 2)
        assert_recovered(paths)
        assert database.damage(url) == []


@pytest.mark.on_postgresql
def test_stopped_postgresql_is_refusals(database, url):
    with serving(environment(url, WEB_CONCURRENCY="1")) as server:
        paths = WritePaths(server, database.token)
        database.stop()
        try:
            assert_all_refused(paths)
        finally:
            database.start()
        assert_recovered(paths)


def assert_all_refused(paths: WritePaths) -> None:
    """Reads are refused too, except those that need no database."""
    assert paths.live().status == 200
    reads = paths.reads()
    assert reads.pop("schema").status == 200
    assert all(answer.is_refusal() for answer in reads.values()), statuses(reads)
    assert_refused(paths)


@pytest.mark.on_postgresql
def test_hanging_postgresql_is_refusals_and_liveness_stays(database, url, figures):
    """It is stopped while more clients write than the server has threads."""
    with serving(environment(url)) as server:
        paths = WritePaths(server, database.token)
        with writers(12, server.port, database.token, paths.asset) as log:
            wait_for(lambda: len(log.acknowledged) > 12)
            with database.hanging():
                began = monotonic()
                assert paths.live().status == 200
                live_after = monotonic() - began
                wait_for(lambda: log.statuses[503] > 12)
                figures(
                    f"live after {live_after:.1f} s, 12 writers refused after {monotonic() - began:.1f} s"
                )
                assert_all_refused(paths)
            wait_for(lambda: len(log.acknowledged) > 24)
        wait_for(lambda: set(statuses(paths.reads()).values()) == {200})
        assert set(log.failures()) == {503}
        assert snapshot_count(database, url) >= len(log.acknowledged)
        assert_recovered(paths)
