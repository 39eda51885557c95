"""Zip files that zipfile would open, and an archive of Strata never is."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from archives.files import container, manifest
from archives.files.container import Container
from archives.files.refusals import Refused
from archives.tests.archives import manifest_of, packed, zipped

pytestmark = pytest.mark.on_sqlite  # no database is asked
END, CENTRAL, LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
MEMBER = "journal.jsonl"
HOUSEHOLD = {"id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "Home"}
DOCUMENT = {"format": manifest.FORMAT, "version": manifest.VERSION, "household": HOUSEHOLD}


@pytest.fixture
def data() -> bytes:
    return packed({MEMBER: b'{"a":1}\n'}, DOCUMENT)


def code_of(data: bytes) -> str:
    """The code of the refusal of what is read before the rows; "" for none."""
    try:
        with Container(io.BytesIO(data)) as opened:
            opened.check_sums()
            for name in opened.manifest.members:
                list(opened.lines(name))
    except Refused as refused:
        return refused.code
    return ""


def test_a_plain_one_is_opened(data):
    assert code_of(data) == ""


def test_an_encrypted_member(data):
    """One bit in the header of the member, and one in the list of members, say so."""
    changed = bytearray(data)
    changed[data.index(LOCAL) + 6] |= 1
    changed[data.index(CENTRAL) + 8] |= 1
    assert code_of(bytes(changed)) == "ARCHIVE_NOT_ZIP"


def test_another_compression(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(MEMBER, b"{}\n" * 100)
    assert code_of(file.getvalue()) == "ARCHIVE_NOT_ZIP"


def test_a_list_of_members_that_is_elsewhere(data):
    """The end of a large zip says where its list is and how long, whatever the plain end says."""
    at = data.rindex(END)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)
    assert code_of(data[:at] + locator + data[at:]) == "ARCHIVE_TOO_LARGE"


def test_a_long_list_of_members(data, monkeypatch):
    """It is refused by what the end says of it, before it is read."""
    monkeypatch.setattr(container, "MOST_DIRECTORY", 10)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert code_of(data) == "ARCHIVE_TOO_LARGE"


def test_a_long_line(monkeypatch):
    monkeypatch.setattr(container, "LONGEST_LINE", 1000)
    monkeypatch.setattr(container, "CHUNK", 100)
    assert code_of(packed({MEMBER: b'{"a":"%s"}\n' % (b"x" * 2000)}, DOCUMENT)) == "ARCHIVE_ROW"


@pytest.mark.parametrize("version", [True, 1.0, "1", None, 0, manifest.VERSION + 1])
def test_a_version_that_is_no_earlier_one(version):
    assert code_of(packed({MEMBER: b""}, {**DOCUMENT, "version": version})) == "ARCHIVE_VERSION"


def test_a_member_that_the_manifest_has_twice(data):
    entry = manifest_of(data)["members"][0]
    assert code_of(zipped({MEMBER: b'{"a":1}\n'}, {**DOCUMENT, "members": [entry]})) == ""
    twice = zipped({MEMBER: b'{"a":1}\n'}, {**DOCUMENT, "members": [entry, entry]})
    assert code_of(twice) == "ARCHIVE_NAME"
