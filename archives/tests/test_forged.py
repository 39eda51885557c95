"""Archives that somebody has forged: no size and no type of what is in them breaks a restore, or fills the memory."""

from __future__ import annotations

import io
import json
import random
import re
import tracemalloc
from datetime import date

import pytest
from django.db import transaction

from archives.files.container import BYTES_AT_A_TIME, LINES_AT_A_TIME, Container
from archives.files.refusals import Refused
from archives.rows import json_texts
from archives.rows.contents import RATES, SHARED, SHARED_MODELS, columns_of, member_of
from archives.services import shared
from archives.tests.archives import archive_of, changed, contents, manifest_of, packed, restored
from assets.models import Instrument, InstrumentAction, PriceBlock, PriceLoad, Tag
from portfolios.models import Household, Membership, Portfolio
from strata.audit.models import HistoryEntry
from strata.exceptions import StrataError
from tests.factories import add_value, create_asset

MIB = 2**20
TAGS = member_of(Tag)
NEVER = "01890a5d-ac96-774b-bcce-b302099a8057"

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def data(household, portfolio):
    add_value(create_asset(portfolio, "Checking"), "12.34", on=date(2026, 1, 31))
    return archive_of(household)


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    members = {
        member: "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        for member, rows in contents(data).items()
    }
    return packed({**members, name: content}, manifest_of(data))


def refusal_of(data: bytes, owner=None, **values) -> StrataError:
    with pytest.raises(StrataError) as refused:
        restored(data, owner, **values)
    return refused.value


def test_lines_of_many_megabytes_are_read_one_by_one(data, alice_user):
    """They pack well: a few MiB would become gigabytes of lines that wait to be checked together."""
    count, size = 24, 2 * MIB
    name = random.Random(1).randbytes(12_000).hex()  # so much that it is not refused for what it becomes
    line = b'{"id":"%s","name":"%s"}\n' % (NEVER.encode(), name.encode().ljust(size, b"a"))
    forged = with_member(data, TAGS, line * count)
    assert len(forged) < MIB
    tracemalloc.start()
    try:
        refused = refusal_of(forged, alice_user, is_operator=False)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.code == "ARCHIVE_FOREIGN_ROW" and refused.field == f"{TAGS}, line 1"
    assert peak < count * size / 2


def test_lines_are_read_many_at_a_time_and_few_where_they_are_long(data):
    lines = [b"x"] * LINES_AT_A_TIME + [b"y"] * 3 + [b"z" * BYTES_AT_A_TIME] * 2 + [b"end"]
    with Container(io.BytesIO(with_member(data, TAGS, b"\n".join(lines)))) as container:
        blocks = list(container.blocks(TAGS))
    assert [len(block) for block in blocks] == [LINES_AT_A_TIME, 4, 1, 1]
    assert [line for block in blocks for line in block] == lines


def test_a_line_of_very_many_values_is_refused_before_it_is_read(data, alice_user, monkeypatch):
    monkeypatch.setattr(json_texts, "MOST_VALUES", 1000)
    line = b'{"id":"%s","name":[%s[]]}\n' % (NEVER.encode(), b"[]," * 1001)
    monkeypatch.setattr(
        json_texts,
        "decoded",
        lambda text: pytest.fail("it was read") if "[],[]" in text else json.loads(text),
    )
    refused = refusal_of(with_member(data, TAGS, line), alice_user)
    assert (refused.code, refused.field) == ("ARCHIVE_ROW", f"{TAGS}, line 1")


OF_NO_TYPE = [[], {"a": 1}, 7]
SHARED_COLUMNS = [
    (model, column.name)
    for model in SHARED_MODELS
    for column in columns_of(model)
    if column.name != "household_id"
]


@pytest.fixture
def shared_data(household, portfolio):
    """An asset has a shared instrument with a price and a split, which no database has that the archive comes to."""
    instrument = Instrument.objects.create(
        symbol="XYZ", name="Shares", currency="EUR", instrument_type="share"
    )
    load = PriceLoad.objects.create(source="by hand")
    PriceBlock.objects.create(
        load=load,
        instrument=instrument,
        year=2026,
        first_day=0,
        days=b"\1",
        scale=2,
        width=4,
        prices=bytes(4),
    )
    InstrumentAction.objects.create(
        instrument=instrument, type="split", on=date(2026, 1, 2), numerator=2, denominator=1
    )
    create_asset(portfolio, "Shares", instrument=instrument)
    return archive_of(household)


@pytest.mark.parametrize(
    ("model", "name"), SHARED_COLUMNS, ids=lambda value: getattr(value, "__name__", value)
)
@pytest.mark.parametrize("is_there", [True, False], ids=["shared here", "not here"])
def test_a_shared_row_with_a_value_of_no_type_it_has_is_refused_or_not_needed(
    shared_data, alice_user, model, name, is_there
):
    if not is_there:
        Instrument.objects.filter(household=None).update_unrecorded(symbol="ABC")
    for value in OF_NO_TYPE:

        def change(rows, value=value):
            for entry in rows[SHARED]:
                if entry["model"] == model._meta.label_lower:
                    entry["row"][name] = value

        try:
            restored(changed(shared_data, change), alice_user, is_operator=False, dry_run=True)
        except Refused as refused:
            assert refused.code in ("ARCHIVE_ROW", "ARCHIVE_FOREIGN_ROW")
            assert refused.field is not None


@pytest.mark.parametrize("currency", ["XXY", "usd", "EUR", "x" * 1000, None, [], {"a": 1}])
def test_rates_of_no_currency_are_refused_although_they_are_left_out(data, alice_user, currency):
    line = json.dumps({"currency": "USD"}) + "\n" + json.dumps({"currency": currency}) + "\n"
    refused = refusal_of(with_member(data, RATES, line.encode()), alice_user, is_operator=False)
    assert (refused.code, refused.field) == ("ARCHIVE_ROW", f"{RATES}, line 2")


def test_symbols_are_looked_for_a_few_hundred_at_a_time(data, alice_user, monkeypatch):
    """A statement of SQLite has up to 250,000 parameters."""
    row, numbers, look = {"isin": "", "mic": "", "currency": "EUR"}, [], shared.instruments_here
    entries = [
        {"model": "assets.instrument", "row": row | {"id": NEVER, "symbol": f"S{number}"}}
        for number in range(1_100)
    ]
    monkeypatch.setattr(
        shared, "instruments_here", lambda symbols: numbers.append(len(symbols)) or look(symbols)
    )
    forged = with_member(data, SHARED, "".join(f"{json.dumps(entry)}\n" for entry in entries).encode())
    refused = refusal_of(forged, alice_user, is_operator=False)
    assert (refused.code, refused.field) == ("ARCHIVE_ROW", f"{SHARED}, line 1")
    assert numbers == [500, 500, 100]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("name", None, "is null"), ("valuation", "magic", "is none of its choices"), ("valuation", [], "")],
)
def test_an_image_that_no_table_had_is_refused(data, alice_user, name, value, reason):
    """Reading the past would fail with it."""

    def change(rows):
        row = rows["data/assets.asset.jsonl"][0]
        rows["journal.jsonl"].append(
            rows["journal.jsonl"][0]
            | {
                "action": "update",
                "model": "assets.Asset",
                "object_id": row["id"],
                "before": row | {name: value},
            }
        )

    refused = refusal_of(changed(data, change), alice_user)
    assert refused.code == "ARCHIVE_ROW" and refused.field.startswith("journal.jsonl, line ")
    assert reason in str(refused.message)


# --- ids of others, hidden from the search that decides whether the ids of an archive can stay ---


@pytest.fixture
def victim(household, portfolio):
    asset = create_asset(portfolio, "Of others")
    return asset, add_value(asset, "1", on=date(2026, 1, 31))


@pytest.fixture
def unknown_data(victim, alice_user):
    """The archive of a household that this database has never had, so that its ids could stay."""
    savepoint = transaction.savepoint_create()
    home = Household.objects.create(name="Home")
    Membership.objects.create(household=home, user=alice_user, role="owner")
    add_value(
        create_asset(Portfolio.objects.create(household=home, name="All"), "Own"), "1", on=date(2026, 1, 31)
    )
    data = archive_of(home)
    transaction.savepoint_rollback(savepoint)
    assert restored(data, dry_run=True).remapped is False
    return data


def escaped(pk) -> str:
    """The id as JSON may write it: its first letter as an escape."""
    return re.sub("[a-f]", lambda match: f"\\u{ord(match[0]):04x}", str(pk), count=1)


def entry_of(row, model="assets.Asset") -> str:
    """A line of the journal that says that the row was changed."""
    entry = dict.fromkeys(("actor_name", "request_id"), "") | dict.fromkeys(("before", "count", "undo_of"))
    entry |= {"action": "update", "at": "2026-02-01T00:00:00.000000Z", "channel": "api", "model": model}
    return json.dumps(entry | {"object_id": str(row.pk)})


VALUE = "assets.AssetSnapshot"
HIDDEN = {
    "as it is": lambda asset, value: entry_of(asset),
    "escaped": lambda asset, value: entry_of(asset).replace(str(asset.pk), escaped(asset.pk)),
    "escaped name": lambda asset, value: entry_of(asset).replace('"object_id"', '"\\u006fbject_id"'),
    "spaces": lambda asset, value: entry_of(asset).replace('"object_id":', '"object_id" \t :  '),
    "as a name": lambda asset, value: entry_of(asset).replace('"actor_name": ""', f'"actor_name": "{VALUE}"'),
    "two models": lambda asset, value: f'{{"model":"{VALUE}",' + entry_of(asset)[1:],
    "a value": lambda asset, value: entry_of(value, VALUE),
    "a value, escaped": lambda asset, value: entry_of(value, VALUE).replace(str(value.pk), escaped(value.pk)),
}


@pytest.mark.parametrize("forge", HIDDEN.values(), ids=HIDDEN)
def test_no_entry_gets_the_id_of_a_row_of_others(unknown_data, victim, forge):
    """It would hide what the household of that row has written since: readers of the past look for its first entry."""
    journal = "".join(f"{json.dumps(entry)}\n" for entry in contents(unknown_data)["journal.jsonl"])
    forged = with_member(unknown_data, "journal.jsonl", f"{journal}{forge(*victim)}\n".encode())
    ids = [row.pk for row in victim]
    before = HistoryEntry.objects.of(ids).count()
    result = restored(forged)
    assert result.remapped
    assert HistoryEntry.objects.of(ids).count() == before


@pytest.mark.parametrize("text", ["-" * 36, "0" * 36])
def test_what_only_looks_like_an_id_is_refused_by_line(unknown_data, text):
    forged = changed(unknown_data, lambda rows: rows["data/assets.asset.jsonl"][0].update(id=text))
    refused = refusal_of(forged)
    assert (refused.code, refused.field) == ("ARCHIVE_ROW", "data/assets.asset.jsonl, line 1")
