"""What holds for every format: the same file twice adds nothing, an undo leaves nothing, and a file that was cut,
doubled, shuffled or damaged is refused or imported, and never half, twice or with a 500.
"""

import random

import pytest

from assets.models import Asset, Instrument, InstrumentAction, Transaction
from imports.formats.detection import format_names
from imports.models import Import, ImportFile
from imports.services.previews import Upload, create_import
from imports.services.writing.commits import Commit, commit_import
from imports.tests.all_formats import SAMPLES
from imports.tests.import_requests import IMPORTS, commit, preview, send, undo

pytestmark = pytest.mark.usefixtures("shared_rows")
CASES = 20  # of each sample
EVERY = pytest.mark.parametrize("name", SAMPLES)


def test_every_format_has_a_sample():
    assert {sample.format for sample in SAMPLES.values()} == set(format_names())


def total(counts, outcome):
    return sum(by_outcome[outcome] for by_outcome in counts.values())


@EVERY
def test_format_is_detected_and_the_same_file_adds_nothing(alice, portfolio, name):
    sample = SAMPLES[name]
    parts = {"options": dict(sample.options), "name": sample.file_name}
    new_import = preview(alice, portfolio, sample.data, **parts)
    assert new_import["format"] == sample.format
    assert new_import["format"] not in new_import["detected"]["others"]
    done = commit(alice, new_import)
    assert "is_written" not in str(Import.objects.get(pk=new_import["id"]).summary)
    assert total(new_import["counts"], "create") == sum(done["made"].values()) > 0
    again = preview(alice, portfolio, sample.data, **parts)
    assert (total(again["counts"], "create"), total(again["counts"], "update")) == (0, 0)
    assert sum(commit(alice, again)["made"].values()) == 0
    undo(alice, again)
    undo(alice, new_import)
    assert not Asset.objects.filter(portfolio=portfolio).exists()
    assert not Instrument.objects.filter(household=portfolio.household).exists()


@EVERY
def test_preview_says_of_which_accounts_and_instruments_its_rows_write(alice, portfolio, name):
    """So that the commit does not have to read all rows for it, but for a preview by an earlier version."""
    sample = SAMPLES[name]
    row = create_import(Upload(portfolio.pk, sample.data, sample.file_name, options=sample.options))
    accounts, instruments = row.summary["accounts"], row.summary.get("instruments", [])
    of_commit = Commit(row, ImportFile.objects.get(file_import=row))
    used, quoted = of_commit.used_keys(accounts, instruments)
    read_used, read_quoted = of_commit.used_keys_of_rows()
    assert used == read_used & {account["key"] for account in accounts if account["new"]}
    of_accounts = {account["new"]["instrument"] for account in accounts if account["key"] in used}
    assert quoted == (read_quoted | of_accounts) - {None}
    for record in (*(account["new"] for account in accounts if account["new"]), *instruments):
        del record["is_written"]
    Import.objects.filter(pk=row.pk).update_unrecorded(summary=row.summary)
    done = commit_import(row.pk)
    assert done.summary["instruments"] == instruments
    assert done.result["made"]["asset"] == len(used)
    assert done.result["made"]["instrument"] == len(quoted)


def damaged(data: bytes, chance: random.Random) -> bytes:
    kind, changed = chance.randrange(6), bytearray(data)
    if kind == 0:
        return data[: chance.randrange(len(data) + 1)]
    if kind == 1:
        return data[: chance.randrange(len(data))] + data
    lines = data.split(b"\n")
    if kind == 2:
        chance.shuffle(lines)
        return b"\n".join(lines)
    if kind == 3:
        return b"\n".join([*lines, *lines])
    if kind == 4:
        at = chance.randrange(len(lines))
        return b"\n".join([*lines[:at], *lines[at + 1 :]])
    for _ in range(5):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


@pytest.mark.on_sqlite
@EVERY
def test_damaged_file_is_refused_or_imported_once(alice, portfolio, name):
    chance, sample = random.Random(name), SAMPLES[name]
    models = (Asset, Transaction, Instrument, InstrumentAction)
    for _ in range(CASES):
        data = damaged(sample.data, chance)
        first = send(alice, portfolio, data, name=sample.file_name, options=dict(sample.options))
        if first.status_code == 400 and "options" in first.content.decode():
            first = send(alice, portfolio, data, name=sample.file_name)
        assert first.status_code in (201, 400, 413), (data, first.content)
        if first.status_code != 201:
            continue
        before = [model.objects.count() for model in models]
        committed = alice.post(f"{IMPORTS}/{first.json()['id']}/commit")
        assert committed.status_code in (200, 409), (data, committed.content)
        if committed.status_code == 409:
            assert [model.objects.count() for model in models] == before
            continue
        promised = {kind: counts["create"] for kind, counts in first.json()["counts"].items()}
        assert committed.json()["made"] == promised, data
        again = send(alice, portfolio, data, name=sample.file_name, options=first.json()["options"])
        counts = again.json()["counts"]
        assert {counts[row_type]["create"] for row_type in counts} == {0}, data
    assert Import.objects.exists()
