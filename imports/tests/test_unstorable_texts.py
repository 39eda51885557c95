"""Texts that no database or no answer can have, a zero byte and half of a surrogate pair, in every kind of file."""

import io
import json
import zipfile

import pytest

from imports.formats.detection import read_file
from imports.formats.rows import Options
from imports.reading.refusals import FileRefused
from imports.tests.all_formats import SAMPLES
from imports.tests.files import xlsx, zipped
from imports.tests.import_requests import LONG, preview, rows, send
from imports.tests.strata_databases import strata_database


def ghostfolio(text: str) -> bytes:
    """Its JSON with the escapes of the text in a note, so that the bytes themselves are good."""
    activity = {"accountId": None, "comment": text, "currency": "EUR", "dataSource": "YAHOO", "fee": 0}
    activity |= {"date": "2025-01-31T00:00:00.000Z", "quantity": 1, "symbol": "ACME", "type": "BUY"}
    return json.dumps({"meta": {}, "activities": [{**activity, "unitPrice": 2}]}).encode()


def workbook(escape: str) -> bytes:
    """A workbook with the escape of a character, as XLSX has them, in the name of an account."""
    table = [["account", "date", "balance", "currency"], ["Savings", "2025-01-31", "100", "EUR"]]
    with zipfile.ZipFile(io.BytesIO(xlsx({"Worth": table}))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    members[sheet] = members[sheet].replace(b"Savings", b"Sav" + escape.encode() + b"ings")
    return zipped(members)


def database(name: str) -> bytes:
    """A database of an earlier Strata with a tag of this name, which is SQL."""
    tag = f"INSERT INTO tags VALUES ('g2', {name});"
    return strata_database(has_portfolios=False, more=tag)


BROKEN = {
    "CSV": b"account,date,balance,currency\nSav\0ings,2025-01-31,100,EUR\n",
    "JSON with a zero byte": ghostfolio("a\0b"),
    "JSON with half of a pair": ghostfolio("a\ud800b"),
    "OFX": SAMPLES["ofx"].data.replace(b"<OFX>", b"CHARSET:1252\n<OFX>", 1).replace(b"<MEMO>", b"<MEMO>\0"),
    "SQLite": database("'a' || char(0)"),
    "XLSX": workbook("_x0000_"),
}
GOOD = {
    "JSON with a whole pair": ghostfolio("a\U0001f600b"),
    "SQLite with bytes": database("x'41004a'"),
    "XLSX": workbook("_x0041_"),
}


@pytest.mark.on_sqlite  # no database can change it
@pytest.mark.parametrize("name", BROKEN)
def test_file_with_a_text_that_cannot_be_stored_is_refused(name):
    with pytest.raises(FileRefused) as refused:
        list(read_file(BROKEN[name], Options()).reading.rows())
    assert refused.value.code == "BROKEN_FILE"


@pytest.mark.on_sqlite
@pytest.mark.parametrize("name", GOOD)
def test_escapes_of_good_texts_are_read(name):
    assert list(read_file(GOOD[name], Options()).reading.rows())


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_of_it_is_kept(alice, portfolio, name):
    response = send(alice, portfolio, BROKEN[name])
    assert (response.status_code, response.json()["code"]) == (400, "BROKEN_FILE")


def test_note_with_a_whole_pair_is_shown(alice, portfolio):
    [row] = rows(alice, preview(alice, portfolio, GOOD["JSON with a whole pair"]))
    assert row["outcome"] == "create"


@pytest.mark.parametrize("option", ["columns", "account", "accounts"])
def test_half_of_a_pair_in_an_option_is_refused(alice, portfolio, option):
    options = {option: "\ud800" if option == "account" else {"value": "\ud800"}}
    response = send(alice, portfolio, LONG, options=options)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "options")
