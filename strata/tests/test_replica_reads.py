"""What the standby cannot answer is answered by the primary, once."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
)
from django.http import HttpResponse, StreamingHttpResponse

from strata.api.errors import APIError
from strata.api.http import replica_reads
from strata.api.http.replica_reads import by_standby
from strata.db.errors.outages import is_lost
from strata.db.standby import primary as primaries
from strata.db.standby import reading, replay
from strata.db.standby.primary import Primary, PrimaryIsAway
from strata.environment.database_url import database, replica
from strata.metrics.meter import metered
from strata.metrics.recording import metrics
from strata.server.logs import JsonLines
from strata.server.middleware import RequestLog

pytestmark = pytest.mark.on_sqlite


class Standby:
    """Takes the place of the standby's connection."""

    def __init__(self) -> None:
        self.execute_wrappers = []

    def close(self) -> None:
        pass

    close_if_unusable_or_obsolete = close


class View:
    def __init__(self) -> None:
        self.kept = 1


@pytest.fixture
def standby(monkeypatch, settings):
    monkeypatch.setitem(settings.DATABASES, reading.ALIAS, {})
    monkeypatch.setattr(reading, "has_replayed", lambda position: True)
    monkeypatch.setattr(replica_reads, "has_replayed", lambda position: True)
    monkeypatch.setattr(reading, "_paused_until", 0)
    monkeypatch.setattr(replica_reads, "primary", Primary())
    usual, standby = connections["default"], Standby()
    connections[reading.ALIAS] = standby
    yield standby
    del connections[reading.ALIAS]
    assert connections["default"] is usual


def request_with(**auth):
    return SimpleNamespace(auth=SimpleNamespace(**auth), _request=SimpleNamespace())


def error(kind: type[DatabaseError], sqlstate: str | None) -> DatabaseError:
    raised = kind("text")
    raised.__cause__ = SimpleNamespaceError(sqlstate)
    return raised


class SimpleNamespaceError(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


CONFLICT, CANCELLED, READ_ONLY = (
    error(OperationalError, "40001"),
    error(OperationalError, "57014"),
    error(InternalError, "25006"),
)
GONE, ITS_OWN_FAULT = error(OperationalError, None), error(ProgrammingError, "42601")


@pytest.mark.parametrize("refusal", [CONFLICT, CANCELLED, READ_ONLY, GONE], ids=lambda refusal: repr(refusal))
def test_read_that_the_standby_refuses_is_repeated_once_on_the_primary(standby, refusal):
    view, sources = View(), []

    def handler(request):
        sources.append((connections["default"] is standby, view.kept))
        view.kept = 2
        if connections["default"] is standby:
            raise refusal
        return HttpResponse("answer")

    assert by_standby(view, handler)(request_with(written_to="0/1")).content == b"answer"
    assert sources == [(True, 1), (False, 1)]


@pytest.fixture
def counted(monkeypatch):
    """The reads that are counted, each with whether it waited."""
    reads = []
    monkeypatch.setattr(metrics, "read", lambda source, why, waited: reads.append((source, why, waited > 0)))
    return reads


@pytest.mark.parametrize(
    ("token", "replayed", "paused", "read"),
    [
        ({"written_to": "0/1"}, True, False, ("replica", "caught_up", True)),
        ({"written_to": "0/1"}, False, False, ("primary", "lagging", False)),
        ({"written_to": "0/1"}, False, True, ("primary", "away", False)),
        ({"written_to": None, "is_stale": True}, False, False, ("replica", "away", False)),
        ({}, True, False, ("primary", "no_position", False)),
    ],
)
def test_each_read_is_counted_by_who_answers_it_and_why(
    standby, counted, monkeypatch, token, replayed, paused, read
):
    monkeypatch.setattr(replica_reads, "has_replayed", lambda position: replayed)
    if paused:
        reading.pause()
    request = request_with(**token)
    assert by_standby(View(), lambda request: HttpResponse())(request).status_code == 200
    assert counted == [read]
    assert request._request.read_from == read[0]


def test_read_that_is_repeated_is_counted_for_both(standby, counted):
    def handler(request):
        if connections["default"] is standby:
            raise READ_ONLY
        return HttpResponse()

    request = request_with(written_to="0/1")
    by_standby(View(), handler)(request)
    assert counted == [("replica", "caught_up", True), ("primary", "repeated", False)]
    assert request._request.read_from == "primary"


@pytest.mark.parametrize("source", ["primary", "replica", None])
def test_line_of_a_request_says_who_answered_a_read(rf, caplog, source):
    def answer(request):
        if source:
            request.read_from = source
        return HttpResponse()

    with caplog.at_level("INFO", logger="strata.requests"):
        RequestLog(answer)(rf.get("/api/v1/tags"))
    (line,) = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert line.get("read_from") == source
    assert ("read_from" in line) == bool(source)


def test_statements_on_the_standby_are_counted_with_those_of_the_request(
    standby, monkeypatch, django_db_blocker
):
    monkeypatch.setattr(replay, "REPLAYED", "SELECT 1, NULL, 1, ''")  # as of a primary
    second = type(connections["default"])(
        connections["default"].settings_dict | {"NAME": ":memory:"}, reading.ALIAS
    )
    connections[reading.ALIAS] = second
    try:
        with django_db_blocker.unblock(), metered(connections["default"]) as meter:
            assert reading._waits_for(1)
            assert meter.queries == 1
            with reading.reading_from_standby(), connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            assert meter.queries == 2
            assert meter.seconds > 0
        assert second.execute_wrappers == []
    finally:
        second.close()


def test_fault_of_the_program_is_not_repeated(standby):
    def handler(request):
        raise ITS_OWN_FAULT

    with pytest.raises(ProgrammingError):
        by_standby(SimpleNamespace(), handler)(request_with(written_to="0/1"))


def test_what_the_standby_refuses_while_the_primary_is_away_is_503(standby):
    def handler(request):
        raise READ_ONLY

    with pytest.raises(APIError) as refused:
        by_standby(SimpleNamespace(), handler)(request_with(written_to=None, is_stale=True))
    assert (refused.value.status_code, refused.value.wait) == (503, 5)


def test_caller_without_a_token_reads_from_the_primary(standby):
    def handler(request):
        return HttpResponse(str(connections["default"] is standby))

    assert by_standby(SimpleNamespace(), handler)(request_with()).content == b"False"
    assert by_standby(SimpleNamespace(), handler)(request_with(written_to="0/1")).content == b"True"


@pytest.mark.django_db  # the end of an answer looks after the open connections
def test_answer_in_blocks_is_read_from_the_standby_until_its_end(standby):
    places = []

    def blocks():
        try:
            for number in range(3):
                places.append(connections["default"] is standby)
                yield str(number)
        finally:
            places.append(connections["default"] is standby)

    response = by_standby(SimpleNamespace(), lambda request: StreamingHttpResponse(blocks()))(
        request_with(written_to="0/1")
    )
    sent = iter(response.streaming_content)
    assert next(sent) == b"0"
    assert connections["default"] is not standby
    response.close()
    assert places == [True, True]


def test_primary_that_is_away_is_not_asked_until_it_answers(standby, monkeypatch):
    answers, asked = iter([False, False, True]), []
    monkeypatch.setattr(primaries, "ASK_SECONDS", 0)
    monkeypatch.setattr(primaries, "accepts_writes", lambda: asked.append(1) or next(answers))
    started = []
    monkeypatch.setattr(primaries, "Thread", lambda **options: started.append(options["target"]) or Idle())
    primary = Primary()
    with pytest.raises(OperationalError), primary.asked():
        raise GONE
    with pytest.raises(PrimaryIsAway), primary.asked():
        pytest.fail("it was asked")
    primary.report()
    (ask,) = started
    ask()
    assert len(asked) == 3
    with primary.asked():
        assert not primary.is_away


class Idle:
    def start(self) -> None:
        pass


def test_without_a_standby_every_request_asks_the_primary():
    primary = Primary()
    with pytest.raises(OperationalError), primary.asked():
        raise GONE
    assert not primary.is_away


@pytest.mark.parametrize(
    ("sqlstate", "lost"),
    [(None, True), ("08006", True), ("57P01", True), ("57014", False), ("53300", False), ("40P01", False)],
)
def test_server_is_lost_where_it_does_not_answer(sqlstate, lost):
    assert is_lost(error(OperationalError, sqlstate)) == lost
    assert not is_lost(error(ProgrammingError, sqlstate))


POSTGRESQL = "postgres://app@127.0.0.1/strata"


@pytest.mark.parametrize(
    ("url", "primary", "problem"),
    [
        ("sqlite:////tmp/a.db", POSTGRESQL, "REPLICA_URL names a SQLite file"),
        (POSTGRESQL, "sqlite:////tmp/a.db", "DATABASE_URL names a SQLite file"),
        ("postgres://app:secret@h:x/strata", POSTGRESQL, "REPLICA_URL has a host whose port"),
    ],
)
def test_replica_that_cannot_be_is_refused_by_name(url, primary, problem):
    with pytest.raises(ImproperlyConfigured, match=problem) as refused:
        replica(url, database(primary))
    assert "secret" not in str(refused.value)


def test_replica_may_be_several_hosts():
    entry = replica("postgres://app@a:5432,b:5433/strata", database(POSTGRESQL))
    assert (entry["HOST"], entry["PORT"]) == ("a,b", "5432,5433")
