"""A write that was chosen as a deadlock's victim is run again, wherever it came from, and leaves one trace."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.messages import get_messages
from django.core.management import call_command, find_commands, get_commands, load_command_class
from django.db import OperationalError, connection, transaction

from assets.models import ExchangeRate, Tag
from strata.audit.models import IdempotentAnswer, JournalEntry
from strata.commands import StrataCommand
from strata.db import retry
from strata.db.retry import DEADLOCK, SERIALIZATION_FAILURE, Restart, run_in_transaction
from tests.admin_forms import url
from tests.all_routes import path_for, routes
from tests.strata_apps import APPS
from tests.valid_requests import ROUTES_BY_OWNER

API = "/api/v1"
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b")
SYNTAX_ERROR = "42601"


class FromPostgreSQL(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def failing(sqlstate: str, times: int):
    """Raises what Django makes of PostgreSQL's error, so many times; then does nothing."""
    left = [times]

    def fail() -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("refused") from FromPostgreSQL(sqlstate)

    return fail


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(retry, "PAUSE_SECONDS", (0, 0))


@pytest.fixture
def crossed(monkeypatch):
    """The first so many writes of a tag end in a deadlock, after they were written."""

    def cross(times: int) -> None:
        fail, usual = failing(DEADLOCK, times), Tag.save

        def save(self, *args, **kwargs):
            usual(self, *args, **kwargs)
            fail()

        monkeypatch.setattr(Tag, "save", save)

    return cross


@pytest.mark.parametrize("sqlstate", [DEADLOCK, SERIALIZATION_FAILURE])
def test_a_victim_is_run_again(db, household, sqlstate):
    fail = failing(sqlstate, 2)

    def work():
        Tag.objects.create(household=household, name="blue")
        fail()
        return "done"

    assert run_in_transaction(work) == "done"
    assert Tag.objects.count() == 1


def test_what_has_to_restart_is_run_again(db):
    asked = []

    def work():
        asked.append(1)
        if len(asked) < 3:
            raise Restart("moved")

    run_in_transaction(work)
    assert len(asked) == 3


@pytest.mark.parametrize(("error", "runs"), [(DEADLOCK, 3), (SYNTAX_ERROR, 1)])
def test_nothing_is_tried_a_fourth_time_and_other_errors_only_once(db, error, runs):
    asked = []

    def work():
        asked.append(1)
        failing(error, 1)()

    with pytest.raises(OperationalError):
        run_in_transaction(work)
    assert len(asked) == runs


def test_inside_a_transaction_it_is_the_outermost_that_is_run_again(db):
    asked = []

    def work():
        asked.append(1)
        failing(DEADLOCK, 1)()

    with pytest.raises(OperationalError), transaction.atomic():
        run_in_transaction(work)
    assert len(asked) == 1


# --- every way in ---


@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "k1"}], ids=["plain", "with a key"])
def test_the_api_runs_a_victim_again_and_writes_once(alice, household, crossed, headers):
    crossed(2)
    answer = alice.post(f"{API}/tags", {"name": "blue"}, **headers)
    assert answer.status_code == 201
    assert [str(row.pk) for row in Tag.objects.all()] == [answer.json()["id"]]
    assert JournalEntry.objects.filter(model="assets.Tag").count() == 1
    assert IdempotentAnswer.objects.count() == len(headers)
    if headers:
        assert alice.post(f"{API}/tags", {"name": "blue"}, **headers)["Idempotency-Replayed"] == "true"


def test_after_the_last_attempt_the_api_answers_503_and_when_to_try_again(alice, household, crossed):
    crossed(3)
    answer = alice.post(f"{API}/tags", {"name": "blue"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "UNAVAILABLE", "1")
    assert not Tag.objects.exists() and not IdempotentAnswer.objects.exists()


def test_the_admin_runs_a_victim_again_and_says_once_that_it_was_done(alices, household, crossed):
    crossed(2)
    answer = alices.post(url(Tag, "add"), {"household": household.pk, "name": "blue"})
    assert answer.status_code == 302
    assert Tag.objects.count() == 1
    assert len(list(get_messages(answer.wsgi_request))) == 1


def test_after_the_last_attempt_the_admin_says_503(alices, household, crossed):
    alices.raise_request_exception = False
    crossed(9)
    answer = alices.post(url(Tag, "add"), {"household": household.pk, "name": "blue"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert not Tag.objects.exists()


def test_commands_run_a_victim_again(db, household):
    fail, command = failing(DEADLOCK, 2), StrataCommand()

    def work():
        Tag.objects.create(household=household, name="blue")
        fail()

    command.in_transaction(work)
    assert Tag.objects.count() == 1


COMMANDS = {
    "create_token": ("alice",),
    "create_user": ("zoe", "--password-stdin"),
    "demo": (),
    "load_rates": ("rates.csv",),
    "rebuild": (),
    "seed_benchmark": ("--assets", "1", "--snapshots", "1"),
    "take_snapshots": (),
}


def test_every_command_that_writes_is_known():
    retried = {
        name
        for app in APPS
        for name in find_commands(str(Path(apps.get_app_config(app).path) / "management"))
    }
    writing = {name for name in retried if getattr(load_command_class(app_of(name), name), "writes", False)}
    assert writing - {"backup"} == set(COMMANDS), "a backup writes a file, and no row"


def app_of(command: str) -> str:
    return get_commands()[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs_a_victim_again(alice_user, portfolio, command, tmp_path, monkeypatch):
    """Its first statement that writes a row ends in a deadlock."""
    ExchangeRate.objects.create(currency="USD", on="2026-01-01", units_per_euro="1", source="ecb")
    (tmp_path / "rates.csv").write_text("currency,on,units_per_euro\nUSD,2026-01-02,1.2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", StringIO("a good long password\n"))
    fail, written = failing(DEADLOCK, 1), []

    def cross(execute, sql, params, many, context):
        if WRITES.match(sql):
            written.append(sql)
            fail()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cross):
        call_command(command, *COMMANDS[command], stdout=StringIO())
    assert len(written) > 1
    assert written[0] in written[1:]


# --- what only reads ---


@pytest.mark.django_db(transaction=True)
def test_options_of_every_route_lock_nothing(alice, world):
    """On PostgreSQL a lock outside of a transaction is an error; a test's own would hide it."""
    for route in routes():
        if route.name in ROUTES_BY_OWNER["one user's"]:
            continue
        answer = alice.options(path_for(route, world))
        assert answer.status_code == 200, (route.name, answer.content)
