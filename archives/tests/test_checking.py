"""The lines of an archive are checked without work, or memory, for each row that others are like."""

from __future__ import annotations

import io
import json

import pytest

from archives.files.container import Container
from archives.files.refusals import Refused
from archives.rows import alike
from archives.rows.ids import Ids
from archives.rows.journal import Entries
from archives.services.checking import Checker
from archives.tests.archives import archive_of
from assets.models import Asset, AssetSnapshot
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.django_db
MASK = 1
CREATED = {
    "action": "create",
    "actor_name": "alice",
    "at": "2026-01-31T12:00:00.000000Z",
    "channel": "api",
    "count": None,
    "model": "assets.Tag",
    "request_id": "abc",
    "undo_of": None,
}


def line_of(number: int, **values) -> bytes:
    pk = f"01a22a7b-c8f0-77b3-a71e-{number:012x}"
    return json.dumps(CREATED | {"object_id": pk} | values, sort_keys=True, separators=(",", ":")).encode()


@pytest.fixture
def entries(household):
    return Entries(household.pk, Ids(MASK, set()), lambda name: None)


@pytest.fixture
def parsed(monkeypatch):
    """The numbers of the lines that were read as JSON."""
    numbers, parse = [], alike.parsed_line
    monkeypatch.setattr(
        alike, "parsed_line", lambda line, name, number: numbers.append(number) or parse(line, name, number)
    )
    return numbers


def test_lines_that_differ_in_the_id_alone_are_read_once(entries, parsed):
    lines = [line_of(2), line_of(3), line_of(4, channel="admin"), line_of(5, channel="admin")]
    lines += [line_of(6, action="delete", before={"name": "Old"}), line_of(7, action="delete", before={})]
    entry_lines = alike.EntryLines(entries)
    runs = list(entry_lines.runs(lines))
    assert parsed == [1, 3, 5, 6]
    assert [len(ids) for _row, ids in runs] == [2, 2, 1, 1]
    place = alike.OBJECT_ID
    rows = [(*row[:place], pk, *row[place + 1 :]) for row, ids in runs for pk in ids]
    assert rows == [entries.row(json.loads(line), 0) for line in lines]
    assert [row[alike.OBJECT_ID][-1] for row in rows] == list("325476")  # as remapped


@pytest.mark.parametrize("pk", ["x" * 36, "01a22a7b-c8f0-77b3-a71e-0000000000G1", "\\u00" * 9])
def test_an_id_that_is_none_is_refused_after_lines_like_it(entries, pk):
    lines = alike.EntryLines(entries)
    line = line_of(3).replace(b"01a22a7b-c8f0-77b3-a71e-000000000003", pk.encode())
    with pytest.raises(Refused, match="line 2: object_id"):
        list(lines.runs([line_of(2), line]))


def test_a_line_with_two_ids_is_read_as_json(entries, parsed):
    twice = line_of(2).replace(b'{"action"', b'{"object_id":"01a22a7b-c8f0-77b3-a71e-000000000009","action"')
    lines = alike.EntryLines(entries)
    assert [len(ids) for _row, ids in lines.runs([twice, twice])] == [1, 1]
    assert parsed == [1, 2]


def test_runs_are_bounded(entries, parsed, monkeypatch):
    monkeypatch.setattr(alike, "MOST_IN_RUN", 2)
    lines = [line_of(number) for number in range(2, 7)]
    assert [len(ids) for _row, ids in alike.EntryLines(entries).runs(lines)] == [2, 2, 1]


def test_only_ids_that_others_refer_to_stay_in_memory(household, portfolio):
    asset = create_asset(portfolio, "Checking")
    add_value(asset, 100, day(0))
    with Container(io.BytesIO(archive_of(household))) as container:
        checker = Checker(
            container,
            users=lambda name: None,
            keeps_ids=False,
            target=None,
            holder_id=None,
            with_rates=False,
        )
        plan = checker.checked(with_history=True)
    try:
        assert plan.spools[AssetSnapshot].count == 1
        assert list(plan.ids.known[Asset]) == [str(asset.pk)]
        assert not plan.ids.known.get(AssetSnapshot)
    finally:
        plan.close()
