"""Files that were cut, doubled, shuffled or damaged: refused or imported, and never half, twice or with a 500."""

import random

import pytest

from imports.models import Import
from imports.tests.files import DAYS_DOWN, LONG_AMERICAN, WIDE_GERMAN, ods, xlsx
from imports.tests.import_requests import IMPORTS, send
from imports.tests.test_transactions import GERMAN, WITH_IDS

pytestmark = [pytest.mark.usefixtures("shared_rows"), pytest.mark.on_sqlite]
FILES = {
    "wide": WIDE_GERMAN,
    "long": LONG_AMERICAN,
    "down": DAYS_DOWN,
    "bookings": GERMAN,
    "ids": WITH_IDS,
    "xlsx": xlsx({"A": [["Date", "Asset", "Value", "Currency"], ["2025-01-31", "Fund", 1, "EUR"]]}),
    "ods": ods({"A": [["asset (EUR)", "2025-01-31"], ["House", 5.5]]}),
}
CASES = 25  # of each file


def damaged(data: bytes, chance: random.Random) -> bytes:
    kind, changed = chance.randrange(5), bytearray(data)
    if kind == 0:
        return data[: chance.randrange(len(data) + 1)]
    if kind == 1:
        return data[: chance.randrange(len(data))] + data
    if kind == 2:
        lines = data.split(b"\n")
        chance.shuffle(lines)
        return b"\n".join(lines)
    if kind == 3:
        lines = data.split(b"\n")
        return b"\n".join([*lines, *lines])
    for _ in range(5):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("name", FILES)
def test_damaged_file_is_refused_or_imported_once(alice, portfolio, name):
    chance = random.Random(name)
    for _ in range(CASES):
        data = damaged(FILES[name], chance)
        first = send(alice, portfolio, data)
        assert first.status_code in (201, 400, 413), (data, first.content)
        if first.status_code != 201:
            continue
        committed = alice.post(f"{IMPORTS}/{first.json()['id']}/commit")
        assert committed.status_code in (200, 409), (data, committed.content)
        if committed.status_code == 200:
            again = send(alice, portfolio, data).json()["counts"]
            assert {again[row_type]["create"] for row_type in again} == {0}, data
    assert Import.objects.exists()
