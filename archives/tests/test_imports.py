"""Imports in an archive: restored they are shown, committed and undone as before, and they reach no other household."""

from __future__ import annotations

import json
import zlib
from datetime import date

import pytest
from django.utils import timezone

from archives.rows.contents import member_of
from archives.tests.archives import archive_of, changed, contents, restored
from assets.doctor import wrong_months, wrong_packs
from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    Category,
    Instrument,
    PriceLoad,
    Tag,
)
from assets.services.instruments.withdrawals import withdraw_loads
from imports.models import Import, ImportBlock, ImportedRows
from imports.tests.all_formats import SAMPLES
from imports.tests.import_requests import IMPORTS, LONG, commit, preview, rows, undo
from portfolios.models import Household, Portfolio
from reports.models import PortfolioSnapshot
from strata.exceptions import StrataError
from tests.factories import add_value, create_asset, day, record_price

IMPORT, BLOCKS, WRITTEN = member_of(Import), member_of(ImportBlock), member_of(ImportedRows)
TOTALS = member_of(PortfolioSnapshot)

pytestmark = pytest.mark.usefixtures("shared_rows")


def copy_of(household, owner) -> Household:
    """The household restored beside itself."""
    return Household.objects.get(pk=restored(archive_of(household), owner).household_id)


def imports_of(client, household) -> list[dict]:
    own = Import.objects.filter(portfolio__household=household).order_by("pk")
    return [client.get(f"{IMPORTS}/{pk}").json() for pk in own.values_list("pk", flat=True)]


@pytest.mark.parametrize("name", SAMPLES)
def test_restored_import_is_undone_like_its_original(alice, alice_user, household, portfolio, name):
    sample = SAMPLES[name]
    original = preview(alice, portfolio, sample.data, options=dict(sample.options), name=sample.file_name)
    done = commit(alice, original)
    before = Asset.objects.filter(portfolio=portfolio).count()

    (copied,) = imports_of(alice, copy_of(household, alice_user))

    assert commit(alice, copied) == {**done, "id": copied["id"]}
    assert len(rows(alice, copied)) == len(rows(alice, original))
    undone = undo(alice, copied)
    assert undone["removed"] == done["made"]
    assert not Asset.objects.filter(portfolio=copied["portfolio_id"]).exists()
    assert Asset.objects.filter(portfolio=portfolio).count() == before
    again = Household.objects.get(portfolios=copied["portfolio_id"])
    assert [row["status"] for row in imports_of(alice, copy_of(again, alice_user))] == ["undone"]


def test_an_undone_import_that_has_left_a_category_and_a_tag_is_restored(
    alice, alice_user, household, portfolio
):
    original = preview(alice, portfolio, SAMPLES["strata-json"].data)
    commit(alice, original)
    mine = create_asset(portfolio, "Mine")
    AssetCategory.objects.create(asset=mine, category=Category.objects.get(parent__name="Money"))
    AssetTag.objects.create(asset=mine, tag=Tag.objects.get(name="Liquid"))
    kept = undo(alice, original, force=True)["kept"]
    assert {row["row_type"] for row in kept} == {"category", "tag"}
    (copied,) = imports_of(alice, copy_of(household, alice_user))
    assert copied["status"] == "undone"


@pytest.mark.parametrize("is_shared", [False, True])
def test_withdrawn_prices_stay_withdrawn_in_a_restored_household(
    alice, alice_user, household, portfolio, is_shared
):
    fund = Instrument.objects.create(
        household=None if is_shared else household, symbol="FUND", name="Fund", currency="EUR"
    )
    create_asset(portfolio, "Fund", instrument=fund, valuation="market", quantity=2, acquired_on=day(0))
    for on, price in ((0, 20), (0, 30), (3, 40)):
        record_price(fund, day(on), price)
    *_, second, third = PriceLoad.objects.order_by("pk")
    instant = timezone.now()
    withdraw_loads([second.pk, third.pk])
    data = archive_of(household)
    if is_shared:  # the target lacks it, so that it becomes the household's own
        Instrument.objects.filter(pk=fund.pk).update(symbol="ELSE")

    copied = Household.objects.get(pk=restored(data, alice_user).household_id)

    own = Instrument.objects.get(household=copied)
    assert own.pk != fund.pk
    path = f"/api/v1/instruments/{own.pk}/prices"

    def shown(**query):
        results = alice.get(path, query).json()["results"]
        return [(row["on"], row["price"], row["withdrawn_at"]) for row in results]

    at = alice.get(f"/api/v1/instruments/{fund.pk}/prices", {"withdrawn": "1"}).json()["results"][0][
        "withdrawn_at"
    ]
    first = str(day(0))
    assert at is not None and shown() == [(first, "20", None)]
    assert shown(withdrawn="1") == [(str(day(3)), "40", at), (first, "20", None), (first, "30", at)]
    if not is_shared:  # what others had of a shared one is not in the household's history
        assert shown(known_at=instant.isoformat()) == [(str(day(3)), "40", None), (first, "30", None)]
    assert [*wrong_packs(), *wrong_months()] == []


# --- what no import has ---


@pytest.fixture
def data(alice, household, portfolio) -> bytes:
    """An archive with an import that was committed, one that was undone, and a stored total."""
    first = preview(alice, portfolio)
    commit(alice, first)
    second = preview(alice, portfolio, LONG.replace(b"Savings", b"Other"))
    commit(alice, second)
    undo(alice, second, force=True)
    alice.post(f"/api/v1/portfolios/{portfolio.pk}/snapshots", {"on": "2025-03-01"})
    return archive_of(household)


def set_in(member, number, *path, value):
    """Sets what is at the path in a row of the member."""

    def change(members):
        place = members[member][number]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


def without(member, number, *path):
    def change(members):
        place = members[member][number]
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]

    return change


def packed(value) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return zlib.compress(text.encode()).hex()


def in_blocks(change):
    """Changes the first record of the first block."""

    def change_block(members):
        block = members[BLOCKS][0]
        records = json.loads(zlib.decompress(bytes.fromhex(block["rows"])))
        change(records[0])
        block["rows"] = packed(records)

    return change_block


def item(**values):
    return in_blocks(lambda record: record["b"][0].update(values))


SHARED_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
BAD = {
    "result without what was made": without(IMPORT, 0, "result", "made"),
    "result without assets": without(IMPORT, 0, "result", "made_assets"),
    "no count": set_in(IMPORT, 0, "result", "made", "asset", value="1"),
    "another id of an asset": set_in(IMPORT, 0, "result", "made_assets", value=[SHARED_ID.replace("-", "")]),
    "upper case": set_in(IMPORT, 0, "result", "made_assets", value=[SHARED_ID.upper()]),
    "cancelled": set_in(IMPORT, 0, "result", "cancelled", value=["xy"]),
    "undone without what was removed": without(IMPORT, 1, "result", "removed"),
    "kept": set_in(IMPORT, 1, "result", "kept", value=[{"id": "x"}]),
    "no instant of the commit": set_in(IMPORT, 0, "committed_at", value=None),
    "no instant of the undo": set_in(IMPORT, 1, "undone_at", value=None),
    "unknown option": set_in(IMPORT, 0, "options", "eval", value="1"),
    "no encoding": set_in(IMPORT, 0, "options", "encoding", value="rot13"),
    "detected": set_in(IMPORT, 0, "summary", "detected", value=[1]),
    "accounts": set_in(IMPORT, 0, "summary", "accounts", value={}),
    "unknown question": set_in(IMPORT, 0, "summary", "questions", value=[{"code": []}]),
    "no detected": without(IMPORT, 0, "summary", "detected"),
    "no accounts": without(IMPORT, 0, "summary", "accounts"),
    "account without a key": without(IMPORT, 0, "summary", "accounts", 0, "key"),
    "asset of an account": set_in(IMPORT, 0, "summary", "accounts", 0, "asset_id", value="7"),
    "counts": set_in(IMPORT, 0, "summary", "counts", "asset", value=[1]),
    "question": set_in(IMPORT, 0, "summary", "questions", value=[{"code": "CURRENCY"}]),
    "warning": set_in(IMPORT, 0, "summary", "warnings", value=[["ROUNDED"]]),
    "skipped": set_in(IMPORT, 0, "summary", "skipped", value="none"),
    "sign": set_in(
        IMPORT,
        0,
        "summary",
        "questions",
        value=[
            {
                "code": "SIGN",
                "option": "accounts",
                "required": True,
                "choices": ["+", "-"],
                "examples": [{"line": 1, "text": "yesterday: much"}],
                "answer": None,
            }
        ],
    ),
    "outcome": in_blocks(lambda record: record.update(o="explode")),
    "reason": in_blocks(lambda record: record.update(r=["WHY", None, ""])),
    "no items": in_blocks(lambda record: record.pop("b")),
    "item without a type": in_blocks(lambda record: record["b"][0].pop("row_type")),
    "type of an item": item(row_type=["value"]),
    "id of an item": item(id="7"),
    "id of another form": item(id=SHARED_ID.replace("-", "")),
    "day of an item": item(on="2025-02-30"),
    "value of an item": item(value="1e400"),
    "before": item(before={"value": "much"}),
    "quantities": in_blocks(lambda record: record.update(h=[["a", "2025-01-01", "much"]])),
    "ranks": in_blocks(lambda record: record.update(k=[["a", "2025-01-01"]])),
    "half a pair": set_in(BLOCKS, 0, "rows", value=packed('["\\ud800"]')),
    "a fraction": set_in(BLOCKS, 0, "rows", value=packed("[1.5]")),
    "no day": set_in(WRITTEN, 0, "days", value=packed([2**40])),
    "held": set_in(WRITTEN, 0, "references", value=packed(["held\tyesterday\t1"])),
    "rank": set_in(WRITTEN, 0, "references", value=packed(["rank\tx"])),
    "missing rates": set_in(TOTALS, 0, "missing_rates", value=[{"currency": "USD"}]),
    "missing prices": set_in(TOTALS, 0, "missing_prices", value=[{"asset": {"name": "x"}}]),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_document_that_strata_never_wrote_is_refused(data, alice_user, change):
    """Each made a page, a list, or an undo of the restored household 500."""
    assert restored(changed(data, lambda members: None), alice_user).counts["imports.import"] == 2
    with pytest.raises(StrataError) as refused:
        restored(changed(data, change), alice_user)
    assert refused.value.code == "ARCHIVE_ROW"


# --- rows of others ---


def their_value() -> AssetSnapshot:
    others = Portfolio.objects.create(household=Household.objects.create(name="Theirs"), name="Theirs")
    return add_value(create_asset(others, "House"), "100", date(2025, 1, 31))


def undo_restored(alice, alice_user, data: bytes, change) -> None:
    household_id = restored(changed(data, change), alice_user).household_id
    for row in imports_of(alice, household_id):
        if row["status"] == "committed":
            undo(alice, row, force=True)


def escaped(pk) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in str(pk))


def test_undo_of_a_restored_import_reaches_no_row_of_others(alice, alice_user, data):
    """The forger knows an id of theirs, and escapes it, so that it is not replaced by another one."""
    snapshot = their_value()

    def change(members):
        block = members[BLOCKS][0]
        text = zlib.decompress(bytes.fromhex(block["rows"])).decode()
        records = json.loads(text)
        for record in records:
            for value in record["b"]:
                value.update(id="ID", before=None)
        block["rows"] = packed(json.dumps(records).replace("ID", escaped(snapshot.pk)))

    undo_restored(alice, alice_user, data, change)
    assert AssetSnapshot.objects.get(pk=snapshot.pk).value == 100


def test_undo_of_a_restored_import_deletes_no_shared_security(alice, alice_user, data):
    shared = Instrument.objects.create(
        household=None, instrument_type="share", symbol="SHARE", name="Share", currency="EUR"
    )

    def change(members):
        members[WRITTEN][0].update(asset_id=str(shared.pk), made_asset=True)
        shown = {**row_of(shared), "household_id": None}
        members["data/shared.jsonl"].append({"model": "assets.instrument", "row": shown})

    undo_restored(alice, alice_user, data, change)
    assert Instrument.objects.filter(pk=shared.pk).exists()


def row_of(instrument) -> dict:
    """As an archive has it."""
    own = Household.objects.create(name="Own")
    copied = Instrument.objects.create(
        household=own, instrument_type="share", symbol="SHARE", name="Share", currency="EUR"
    )
    (row,) = contents_of(own)
    copied.delete()
    return {**row, "id": str(instrument.pk)}


def contents_of(household) -> list[dict]:
    return contents(archive_of(household))["data/assets.instrument.jsonl"]
