"""A transaction that PostgreSQL ends because of a deadlock is repeated, in every entry point, and is recorded once."""

from __future__ import annotations

import re
import traceback
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.messages import get_messages
from django.core.management import call_command, find_commands, get_commands, load_command_class
from django.db import OperationalError, connection, transaction

from archives.services.writing import write_archive
from assets.models import ExchangeRate, Instrument, Tag
from strata.audit.models import IdempotentAnswer, JournalEntry
from strata.commands import StrataCommand
from strata.db import retry
from strata.db.retry import DEADLOCK, SERIALIZATION_FAILURE, Restart, run_in_transaction
from tests.admin_forms import url
from tests.all_routes import path_for, routes
from tests.strata_apps import APPS
from tests.valid_requests import ROUTES_BY_OWNER, SUPERUSERS_SEE

API = "/api/v1"
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b")
SYNTAX_ERROR = "42601"


class FromPostgreSQL(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def failing(sqlstate: str, times: int):
    """A function that raises Django's error for this PostgreSQL error so many times, then does nothing."""
    left = [times]

    def fail() -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("refused") from FromPostgreSQL(sqlstate)

    return fail


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(retry, "PAUSE_SECONDS", (0, 0))


@pytest.fixture
def deadlock_tags(monkeypatch):
    """A function that makes the next writes of a tag end in a deadlock after they were written."""

    def deadlock(times: int) -> None:
        fail, original = failing(DEADLOCK, times), Tag.save

        def save(self, *args, **kwargs):
            original(self, *args, **kwargs)
            fail()

        monkeypatch.setattr(Tag, "save", save)

    return deadlock


@pytest.mark.parametrize("sqlstate", [DEADLOCK, SERIALIZATION_FAILURE])
def test_transaction_is_repeated_after_a_deadlock(db, household, sqlstate):
    fail = failing(sqlstate, 2)

    def work():
        Tag.objects.create(household=household, name="blue")
        fail()
        return "done"

    assert run_in_transaction(work) == "done"
    assert Tag.objects.count() == 1


def test_transaction_that_raises_restart_is_repeated(db):
    runs = []

    def work():
        runs.append(1)
        if len(runs) < 3:
            raise Restart("moved")

    run_in_transaction(work)
    assert len(runs) == 3


@pytest.mark.parametrize(("error", "attempts"), [(DEADLOCK, 3), (SYNTAX_ERROR, 1)])
def test_deadlock_is_tried_three_times_and_other_errors_once(db, error, attempts):
    runs = []

    def work():
        runs.append(1)
        failing(error, 1)()

    with pytest.raises(OperationalError):
        run_in_transaction(work)
    assert len(runs) == attempts


def test_inner_transaction_is_not_repeated(db):
    runs = []

    def work():
        runs.append(1)
        failing(DEADLOCK, 1)()

    with pytest.raises(OperationalError), transaction.atomic():
        run_in_transaction(work)
    assert len(runs) == 1


# --- every entry point ---


@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "k1"}], ids=["plain", "with a key"])
def test_api_repeats_a_transaction_and_writes_once(alice, household, deadlock_tags, headers):
    deadlock_tags(2)
    answer = alice.post(f"{API}/tags", {"name": "blue"}, **headers)
    assert answer.status_code == 201
    assert [str(row.pk) for row in Tag.objects.all()] == [answer.json()["id"]]
    assert JournalEntry.objects.filter(model="assets.Tag").count() == 1
    assert IdempotentAnswer.objects.count() == len(headers)
    if headers:
        assert alice.post(f"{API}/tags", {"name": "blue"}, **headers)["Idempotency-Replayed"] == "true"


def test_api_answers_503_with_retry_after_when_all_attempts_fail(alice, household, deadlock_tags):
    deadlock_tags(3)
    answer = alice.post(f"{API}/tags", {"name": "blue"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "UNAVAILABLE", "1")
    assert not Tag.objects.exists() and not IdempotentAnswer.objects.exists()


def test_admin_repeats_a_transaction_and_shows_one_message(alices, household, deadlock_tags):
    deadlock_tags(2)
    answer = alices.post(url(Tag, "add"), {"household": household.pk, "name": "blue"})
    assert answer.status_code == 302
    assert Tag.objects.count() == 1
    assert len(list(get_messages(answer.wsgi_request))) == 1


def test_admin_answers_503_when_all_attempts_fail(alices, household, deadlock_tags):
    alices.raise_request_exception = False
    deadlock_tags(9)
    answer = alices.post(url(Tag, "add"), {"household": household.pk, "name": "blue"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert not Tag.objects.exists()


def test_command_repeats_a_transaction(db, household):
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
    "import_file": ("worth.csv", "--portfolio", "{portfolio}", "--yes"),
    "load_prices": ("prices.csv",),
    "load_rates": ("rates.csv",),
    "rebuild": (),
    "restore": ("home.zip", "--owner", "alice"),
    "seed_benchmark": ("--assets", "1", "--snapshots", "1"),
    "take_snapshots": (),
}


def test_every_command_that_writes_is_known():
    commands = {
        name
        for app in APPS
        for name in find_commands(str(Path(apps.get_app_config(app).path) / "management"))
    }
    writing = {name for name in commands if getattr(load_command_class(app_of(name), name), "writes", False)}
    assert writing - {"backup"} == set(COMMANDS), "a backup writes a file, and no row"


def app_of(command: str) -> str:
    return get_commands()[command]


def is_repeated() -> bool:
    """Whether run_in_transaction is among the callers."""
    return any(frame.f_code is run_in_transaction.__code__ for frame, _ in traceback.walk_stack(None))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_repeats_a_transaction(alice_user, portfolio, command, tmp_path, monkeypatch):
    """Its first statement that writes a row ends in a deadlock. The transactions of the others are repeated too."""
    ExchangeRate.objects.create(currency="USD", on="2026-01-01", units_per_euro="1", source="ecb")
    (tmp_path / "rates.csv").write_text("currency,on,units_per_euro\nUSD,2026-01-02,1.2\n")
    Instrument.objects.create(symbol="ABC", name="Fund", currency="EUR")
    (tmp_path / "prices.csv").write_text("instrument,on,price\nABC,2026-01-02,1.2\n")
    (tmp_path / "worth.csv").write_text("account,date,balance,currency\nMain,2026-01-31,1,EUR\n")
    with (tmp_path / "home.zip").open("w+b") as file:
        write_archive(portfolio.household_id, file)
    arguments = [argument.format(portfolio=portfolio.pk) for argument in COMMANDS[command]]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", StringIO("a good long password\n"))
    fail, written, alone = failing(DEADLOCK, 1), [], []

    def fail_first_write(execute, sql, params, many, context):
        if WRITES.match(sql):
            written.append(sql)
            if not is_repeated():
                alone.append(sql)
            fail()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_first_write):
        call_command(command, *arguments, stdout=StringIO())
    assert len(written) > 1
    assert written[0] in written[1:]
    assert not alone


# --- reads ---


@pytest.mark.django_db(transaction=True)
def test_options_of_every_route_lock_nothing(alice, world):
    """On PostgreSQL a lock outside a transaction is an error, which a test's own transaction would hide."""
    for route in routes():
        if route.name in {*ROUTES_BY_OWNER["one user's"], *SUPERUSERS_SEE}:
            continue
        answer = alice.options(path_for(route, world))
        assert answer.status_code == 200, (route.name, answer.content)
