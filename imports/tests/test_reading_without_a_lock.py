"""Nobody waits while a file is read, or while somebody is asked."""

from __future__ import annotations

from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connections

from assets.models import Tag
from imports.services import drafts
from imports.tests.files import DAYS_DOWN
from imports.tests.import_requests import IMPORTS, LONG, commit, preview, values_of

pytestmark = pytest.mark.django_db(transaction=True)
TIMEOUT_SECONDS = 10


def written_elsewhere(household, name):
    """Whether another connection can write now. It would wait for the transaction of this one."""

    def write():
        try:
            Tag.objects.create(household=household, name=name)
        finally:
            connections.close_all()

    writer = Thread(target=write)
    writer.start()
    writer.join(TIMEOUT_SECONDS)
    return not writer.is_alive()


@pytest.fixture
def writes_while_reading(monkeypatch, household):
    """Writes on another connection whenever a file is read, and notes whether it had to wait."""
    done, read_file = [], drafts.read_file

    def read(*args, **kwargs):
        done.append(written_elsewhere(household, f"tag {len(done)}"))
        return read_file(*args, **kwargs)

    monkeypatch.setattr(drafts, "read_file", read)
    return done


def test_nobody_waits_while_a_file_is_read(alice, portfolio, writes_while_reading):
    draft = preview(alice, portfolio, DAYS_DOWN)
    alice.patch(f"{IMPORTS}/{draft['id']}", {"options": {"currency": "EUR"}})
    assert writes_while_reading == [True, True]
    assert commit(alice, draft)["made"]["value"] == 5


def test_nobody_waits_while_the_command_asks(tmp_path, portfolio, household, monkeypatch):
    path, done = tmp_path / "values.csv", []
    path.write_bytes(LONG)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: done.append(written_elsewhere(household, "x")) or "yes")
    call_command("import_file", str(path), "--portfolio", str(portfolio.pk))
    assert done == [True]
    assert len(values_of(portfolio)) == 3
