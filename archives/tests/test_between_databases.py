"""A household goes from PostgreSQL to SQLite and back: its rows, its history and what was known stay the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import transaction

from archives.rows.contents import SHARED
from archives.tests.archives import archive_of, contents, differences, restored
from archives.tests.other_database import answers_to
from archives.tests.test_round_trip import Original, outdated, without_event
from conftest import client_of
from strata.accounts.models import User
from tests.random_household import API
from tests.template_database import copy_sqlite_template

pytestmark = [pytest.mark.django_db, pytest.mark.on_postgresql, pytest.mark.server]


class Asked(Original):
    """Its answers are read once, below."""

    def read(self, client):
        return []


def asked_of(original: Original) -> list[str]:
    return [
        f"{API}{path}{'&' if '?' in path else '?'}known_at={quote(instant)}"
        for path, instant in original.asked
    ]


def in_sqlite(data: bytes, paths: list[str], folder) -> tuple[list[str], bytes]:
    """The answers of another process, which has restored the archive on SQLite, and the archive that it then makes."""
    names = ("restored.zip", "requests.json", "answers.json", "archived.zip", "other.db")
    restored_file, requests, answers, archived, database = (folder / name for name in names)
    copy_sqlite_template(database)
    restored_file.write_bytes(data)
    requests.write_text(json.dumps(paths))
    environment = {name: text for name, text in os.environ.items() if name != "TEST_DATABASE_URL"}
    subprocess.run(
        [sys.executable, "-m", "archives.tests.other_database", restored_file, requests, answers, archived],
        check=True,
        cwd=settings.BASE_DIR,
        env={**environment, "DATABASE_URL": f"sqlite:///{database}"},
    )
    return json.loads(answers.read_text()), archived.read_bytes()


def own_rows(members):
    return {name: rows for name, rows in members.items() if name != SHARED}


def test_all_is_the_same_on_sqlite_and_back_on_postgresql(tmp_path):
    ann = User.objects.create(username="ann")
    savepoint = transaction.savepoint_create()
    original = Asked(ann, int(os.environ.get("RANDOM_SEED", "3")))
    paths = asked_of(original)
    first_answers = answers_to(client_of(ann), paths)
    transaction.savepoint_rollback(savepoint)
    assert len(paths) > 3

    on_sqlite, data = in_sqlite(original.data, paths, tmp_path)

    assert [pair for pair in zip(on_sqlite, first_answers, strict=True) if pair[0] != pair[1]][:1] == []
    # Shared types are those of the other database, which were made there at another time.
    assert differences(own_rows(without_event(contents(data))), own_rows(original.rows)) == []
    assert not restored(data).remapped
    back = without_event(without_event(contents(archive_of(original.household))))
    assert differences(back, original.rows) == []
    assert outdated(original.household.pk) == []
    back_answers = answers_to(client_of(ann), paths)
    assert [pair for pair in zip(back_answers, first_answers, strict=True) if pair[0] != pair[1]][:1] == []
