"""Texts that an earlier version stored and that no restoration takes: an archive has U+FFFD in their place."""

from __future__ import annotations

import json
import zlib

import pytest
from django.db.models import TextField, Value

from archives.rows.unstorable import storable, storable_packed
from archives.tests.archives import archive_of, contents, restored
from assets.models import Asset, AssetSnapshot, Tag
from imports.models import Import, ImportBlock, ImportedRows
from imports.tests.import_requests import commit, preview
from portfolios.models import Household
from strata.audit.models import HistoryEntry
from tests.factories import add_value, create_asset, day

pytestmark = [pytest.mark.usefixtures("shared_rows"), pytest.mark.on_sqlite]  # PostgreSQL stores none of them
ZERO, HALF, INSTEAD = "a\0b", "a\ud800b", "a\ufffdb"


def stored(text: str) -> Value:
    """As it is: the fields of names and notes refuse it."""
    return Value(text, output_field=TextField())


def packed(value) -> bytes:
    return zlib.compress(json.dumps(value).encode())


def unpacked(data):
    return json.loads(zlib.decompress(bytes(data)))


@pytest.fixture
def damaged(alice, household, portfolio):
    """A household with such texts in a row, in an image of the history, and in the documents of an import."""
    asset = create_asset(portfolio, "House")
    add_value(asset, 5, day(0))
    AssetSnapshot.objects.filter(asset=asset).update_unrecorded(note=stored(ZERO))
    Asset.objects.filter(pk=asset.pk).update_unrecorded(notes=stored(f"\\u0000 {ZERO}\0"))
    tag = Tag.objects.create(household=household, name="Old")
    Tag.objects.filter(pk=tag.pk).update_unrecorded(name=stored(ZERO))
    alice.patch(f"/api/v1/tags/{tag.pk}", {"name": "New"})
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    Import.objects.update(options={"account": ZERO, "symbol": HALF})
    for block in ImportBlock.objects.all():
        records = unpacked(block.rows)
        records[0]["b"][0]["note"] = ZERO
        records[1]["b"][0]["note"] = HALF
        ImportBlock.objects.filter(pk=block.pk).update(rows=packed(records))
    written = ImportedRows.objects.first()
    ImportedRows.objects.filter(pk=written.pk).update(references=packed([ZERO]))
    return household


def test_a_household_with_them_can_be_restored(damaged, alice_user):
    copy = Household.objects.get(pk=restored(archive_of(damaged), alice_user).household_id)

    assert AssetSnapshot.objects.get(asset__portfolio__household=copy, on=day(0)).note == INSTEAD
    assert Asset.objects.get(portfolio__household=copy, name="House").notes == f"\\u0000 {INSTEAD}\ufffd"
    tag = Tag.objects.get(household=copy)
    before = HistoryEntry.objects.get(object_id=tag.pk, before__isnull=False).before
    assert (tag.name, before["name"]) == ("New", INSTEAD)
    own = Import.objects.get(portfolio__household=copy)
    assert own.options == {"account": INSTEAD, "symbol": INSTEAD}
    notes = [record["b"][0].get("note") for record in unpacked(ImportBlock.objects.get(file_import=own).rows)]
    assert notes[:2] == [INSTEAD, INSTEAD]
    references = ImportedRows.objects.filter(file_import=own).values_list("references", flat=True)
    assert [INSTEAD] in map(unpacked, references)
    again = contents(archive_of(copy))
    assert len(again) == len(contents(archive_of(damaged)))


def test_nothing_else_is_changed():
    for text in ("a\\\\u0000", "\\\\\\\\u0000", "é😀", "\\ud83d", "\\n"):
        assert storable(text) == text.encode()
    assert storable("\\\\\\u0000 \\u0000\\u0000") == "\\\\\ufffd \ufffd\ufffd".encode()
    rows = packed(["😀", "\\u0000", "x"]).hex()
    assert unpacked(bytes.fromhex(storable_packed(rows))) == ["😀", "\\u0000", "x"]
    plain = packed(["x"]).hex()
    assert storable_packed(plain) is plain
