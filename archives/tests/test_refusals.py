"""What no restore accepts: each is refused with its code, and nothing is written."""

from __future__ import annotations

import io
import json
import random
import zipfile
from contextlib import nullcontext
from datetime import date

import pytest

from archives.files import container
from archives.files.refusals import Refused
from archives.rows.contents import member_of
from archives.tests.archives import archive_of, changed, contents, manifest_of, packed, restored
from assets.classification.seeds import TypeId
from assets.models import Asset, Category, ExchangeRate, Loan, LoanRate, Transaction
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget
from strata.audit.models import JournalEntry
from strata.exceptions import StrataError
from tests.dumps import dump
from tests.factories import add_value, create_asset

SNAPSHOTS, ASSETS = "data/assets.assetsnapshot.jsonl", "data/assets.asset.jsonl"
TRANSACTIONS = "data/assets.transaction.jsonl"
ELSEWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_home")]


@pytest.fixture(scope="module")
def shared_home(shared_rows, django_db_blocker):
    """The household with a few rows and its archive, made once for all tests of this module, like `shared_rows`."""
    with django_db_blocker.unblock():
        asset = create_asset(shared_rows["portfolio"], "Checking")
        add_value(asset, "12.34", on=date(2026, 1, 31))
        Transaction.objects.create(
            asset=asset,
            type="INCOME",
            amount="5",
            currency="EUR",
            on="2026-02-01",
            occurred_at="2026-02-01T12:00Z",
        )
        Category.objects.create(household=shared_rows["household"], name="Top")
        shared_rows["data"] = archive_of(shared_rows["household"])


@pytest.fixture
def home(household):
    return household


@pytest.fixture
def data(shared):
    return shared["data"]


def code_of(data: bytes, owner=None, **values) -> str:
    """The code of the refusal; nothing was written."""
    before, entries = dump(), JournalEntry.objects.count()
    with pytest.raises(StrataError) as refused:
        restored(data, owner, **values)
    assert (dump(), JournalEntry.objects.count()) == (before, entries)
    return refused.value.code


def first(member, **values):
    """Changes the first row of a member."""
    return lambda rows: rows[member][0].update(values)


def test_a_good_archive_is_accepted(data, alice_user):
    assert restored(changed(data, lambda rows: None), alice_user).counts["assets.asset"] == 1


@pytest.mark.parametrize("broken", [b"", b"PK", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_or_has_no_manifest(broken):
    assert code_of(broken) in ("ARCHIVE_NOT_ZIP", "ARCHIVE_NO_MANIFEST")


def test_a_manifest_of_something_else(data):
    assert code_of(changed(data, lambda rows: None, format="other")) == "ARCHIVE_NO_MANIFEST"
    assert code_of(changed(data, lambda rows: None, household={})) == "ARCHIVE_NO_MANIFEST"


@pytest.mark.parametrize("version", [2, "1", None, True, 0])
def test_another_version(data, version):
    assert code_of(changed(data, lambda rows: None, version=version)) == "ARCHIVE_VERSION"


def repacked(data: bytes, change) -> bytes:
    """The archive with other members but the same manifest."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_wrong_sum(data):
    def change(members):
        members[ASSETS] = members[ASSETS].replace(b"Checking", b"Chocking")

    assert code_of(repacked(data, change)) == "ARCHIVE_SUM"


def test_a_wrong_count(data):
    document = manifest_of(data)
    for entry in document["members"]:
        entry["rows"] += entry["name"] == ASSETS
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    file = packed(members, document)
    assert (
        code_of(
            repacked(file, lambda members: members.update({"manifest.json": json.dumps(document).encode()}))
        )
        == "ARCHIVE_COUNT"
    )


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../data/x.jsonl",
        "data\\x.jsonl",
        "C:/x.jsonl",
        "data/../x.jsonl",
        "data/x.jsonl",
        "x\0.jsonl",
    ],
)
def test_a_member_with_a_name_that_no_archive_has(data, name):
    assert code_of(repacked(data, lambda members: members.update({name: b""}))) == "ARCHIVE_NAME"
    members = {name: b"", **{"journal.jsonl": b""}}
    assert code_of(packed(members, manifest_of(data))) == "ARCHIVE_NAME"


def test_two_members_of_one_name_and_a_missing_one(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    for kept in ([*members, members[0]], members[1:]):
        file, is_doubled = io.BytesIO(), len(kept) > len(members)
        warned = pytest.warns(UserWarning) if is_doubled else nullcontext()
        with warned, zipfile.ZipFile(file, "w") as archive:
            for name, content in kept:
                archive.writestr(name, content)
        assert code_of(file.getvalue()) == "ARCHIVE_NAME"


def test_a_link(data):
    info = zipfile.ZipInfo("journal.jsonl")
    info.external_attr = 0o120777 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    assert code_of(file.getvalue()) == "ARCHIVE_NAME"


def test_bombs(data, monkeypatch, settings):
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("journal.jsonl", bytes(11 * 2**20))
    assert code_of(zeros.getvalue()) == "ARCHIVE_TOO_LARGE"
    with monkeypatch.context() as patch:
        patch.setattr(container, "MOST_UNPACKED", 1000)
        assert code_of(data) == "ARCHIVE_TOO_LARGE"
    with monkeypatch.context() as patch:
        patch.setattr(container, "MOST_MEMBERS", 5)
        assert code_of(data) == "ARCHIVE_TOO_LARGE"
    settings.ARCHIVE_MAX_BYTES = 1000
    assert code_of(data) == "ARCHIVE_TOO_LARGE"


def test_more_rows_than_a_request_restores(data, alice_user, settings):
    settings.ARCHIVE_MAX_ROWS_HTTP = 3
    assert code_of(data, alice_user, is_operator=False) == "ARCHIVE_TOO_LARGE"
    assert restored(data, alice_user).counts["assets.asset"] == 1


BAD_ROWS = {
    "currency": first(ASSETS, currency="XXY"),
    "too long": first(ASSETS, name="x" * 201),
    "bidi": first(ASSETS, name="a\u202eb"),
    "zero byte": first(ASSETS, notes="a\0b"),
    "half a pair": first(ASSETS, notes="\ud800"),
    "blank": first(ASSETS, name=""),
    "null": first(ASSETS, name=None),
    "a number": first(ASSETS, name=7),
    "no choice": first(ASSETS, valuation="magic"),
    "no day": first(ASSETS, acquired_on="2026-02-30"),
    "year": first(ASSETS, acquired_on="1700-01-01"),
    "shares": first(ASSETS, shares="2"),
    "no shares": first(ASSETS, shares="half"),
    "unknown field": first(ASSETS, secret="x"),
    "no id": first(ASSETS, id="7"),
    "no amount": first(SNAPSHOTS, value="1e3"),
    "too large": first(SNAPSHOTS, value="100000000000000.0000"),
    "other day": first(SNAPSHOTS, on="2026-03-31"),
    "no time": first(SNAPSHOTS, observed_at="2026-01-31T12:00:00"),
    "negative": first(TRANSACTIONS, fee="-1.0000"),
    "no amount of income": first(TRANSACTIONS, amount=None),
    "lots": first(TRANSACTIONS, lots=[{"transaction_id": "x", "quantity": "1"}]),
    "zone": first("data/portfolios.portfolio.jsonl", time_zone="Mars/Base"),
    "role": first("data/portfolios.membership.jsonl", role="king"),
    "no id of a member": first("data/portfolios.membership.jsonl", id="7"),
    "name twice": lambda rows: rows["data/portfolios.membership.jsonl"].append(
        rows["data/portfolios.membership.jsonl"][0]
    ),
    "model": first("journal.jsonl", model="strata.User"),
    "action": first("journal.jsonl", action="explode"),
    "image": first("journal.jsonl", before={"name; DROP": 1}),
    "two households": lambda rows: rows["data/portfolios.household.jsonl"].append(
        rows["data/portfolios.household.jsonl"][0]
    ),
    "a row twice": lambda rows: rows[SNAPSHOTS].append(rows[SNAPSHOTS][0]),
    "an instant twice": lambda rows: rows[SNAPSHOTS].append({**rows[SNAPSHOTS][0], "id": ELSEWHERE}),
    "no list": lambda rows: rows[ASSETS].append([]),
}


@pytest.mark.parametrize("change", BAD_ROWS.values(), ids=BAD_ROWS)
@pytest.mark.parametrize("is_operator", [True, False], ids=["command", "http"])
def test_a_row_that_no_editor_could_write(data, alice_user, change, is_operator):
    assert code_of(changed(data, change), alice_user, is_operator=is_operator) == "ARCHIVE_ROW"


def test_categories_above_themselves(data, home, alice_user):
    def change(rows):
        first, second = rows["data/assets.category.jsonl"][0], dict(rows["data/assets.category.jsonl"][0])
        second.update(id=ELSEWHERE, name="Other", parent_id=first["id"])
        first["parent_id"] = ELSEWHERE
        rows["data/assets.category.jsonl"] = [first, second]

    assert code_of(changed(data, change), alice_user) == "ARCHIVE_ROW"


FOREIGN = {
    "portfolio": first(ASSETS, portfolio_id=ELSEWHERE),
    "asset": first(SNAPSHOTS, asset_id=ELSEWHERE),
    "type": first(ASSETS, asset_type_id=ELSEWHERE),
    "household": first("data/portfolios.portfolio.jsonl", household_id=ELSEWHERE),
    "other household": first("data/portfolios.household.jsonl", id=ELSEWHERE),
    "members": first("data/portfolios.membership.jsonl", household_id=ELSEWHERE),
    "parent": first("data/assets.category.jsonl", parent_id=ELSEWHERE),
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_a_row_of_another_household(data, alice_user, change):
    assert code_of(changed(data, change), alice_user) == "ARCHIVE_FOREIGN_ROW"


def test_real_rows_of_others_are_foreign_too(data, alice_user, charlie_user):
    others = Portfolio.objects.create(household=Household.objects.create(name="Theirs"), name="Theirs")
    change = first(ASSETS, portfolio_id=str(others.pk))
    assert code_of(changed(data, change), alice_user) == "ARCHIVE_FOREIGN_ROW"


def test_terms_of_a_loan_without_a_rate(home, portfolio, alice_user):
    loan = create_asset(portfolio, "Loan", TypeId.LOAN)
    Loan.objects.create(
        asset=loan, principal="1000", started_on="2026-01-01", first_payment_on="2026-02-01", term=12
    )
    LoanRate.objects.create(asset=loan, on="2026-01-01", rate="0.04")
    data = archive_of(home)
    assert restored(data, alice_user).counts["assets.loan"] == 1
    change = first("data/assets.loanrate.jsonl", on="2026-06-01")
    assert code_of(changed(data, change), alice_user) == "ARCHIVE_ROW"


def test_no_owner_here(data):
    members = "data/portfolios.membership.jsonl"
    assert code_of(changed(data, first(members, user="nobody"))) == "VALIDATION_ERROR"


def test_a_rate_that_no_superuser_could_write(data, alice_user):
    def change(rows):
        rows["data/rates.jsonl"] = [
            {
                "id": ELSEWHERE,
                "currency": "USD",
                "on": "2026-01-31",
                "units_per_euro": "-1",
                "source": "ecb",
                "lasting": False,
                "recorded_at": "2026-01-31T12:00:00.000000Z",
            }
        ]

    assert code_of(changed(data, change), alice_user) == "ARCHIVE_ROW"
    assert not ExchangeRate.objects.filter(pk=ELSEWHERE).exists()


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_are_refused_and_change_nothing(data, alice_user, seed):
    """Cut, doubled, and with flipped bytes: never another error, and never a part of it."""
    drawn = random.Random(seed)
    for _ in range(25):
        broken = bytearray(data)
        choice = drawn.randrange(4)
        place = drawn.randrange(len(broken))
        if choice == 0:
            del broken[place:]
        elif choice == 1:
            broken.extend(bytes(broken))
        elif choice == 2:
            del broken[place : place + drawn.randrange(1, 200)]
        else:
            for _ in range(drawn.randrange(1, 4)):
                broken[drawn.randrange(len(broken))] ^= 1 << drawn.randrange(8)
        households = Household.objects.count()
        try:
            restored(bytes(broken), alice_user)
        except Refused:
            assert Household.objects.count() == households
        else:
            assert Household.objects.count() == households + 1
            assert contents(bytes(broken)) == contents(data)  # a byte that says nothing was flipped
    assert Asset.objects.exists()


# --- rows that contradict each other ---

CATEGORIES, TARGETS = member_of(Category), member_of(AllocationTarget)
RATES_OF_LOANS = member_of(LoanRate)


@pytest.fixture
def full_data(home, portfolio, alice):
    """With a transfer, a sale of a chosen lot, two targets of one kind, and a loan with two rates."""
    first, second = (create_asset(portfolio, name) for name in ("First", "Second"))
    add_value(first, "1", on=date(2026, 1, 30))
    add_value(first, "2", on=date(2026, 1, 31))
    bought = alice.post(
        f"/api/v1/assets/{first.pk}/transactions",
        {"type": "ACQUIRE", "on": "2026-01-01", "quantity": "10", "amount": "10"},
    ).json()
    lots = [{"transaction_id": bought["id"], "quantity": "3"}]
    for path, body in (
        (
            f"assets/{first.pk}/transactions",
            {"type": "DISPOSE", "amount": "4", "quantity": "3", "lots": lots},
        ),
        (f"assets/{first.pk}/transfer", {"to_asset_id": str(second.pk), "quantity": "2"}),
    ):
        answer = alice.post(f"/api/v1/{path}", {"on": "2026-02-01", **body})
        assert answer.status_code == 201, answer.content
    Category.objects.create(household=home, name="Below", parent=Category.objects.get(name="Top"))
    for code in ("STOCKS", "BONDS"):
        AllocationTarget.objects.create(household=home, asset_type_id=TypeId[code], share="0.5")
    loan = Loan.objects.create(
        asset=create_asset(portfolio, "Loan"),
        loan_type="annuity",
        principal="100",
        term=12,
        started_on="2026-01-01",
        first_payment_on="2026-02-01",
    )
    for on in ("2026-01-01", "2026-06-01"):
        LoanRate.objects.create(asset=loan.asset, on=on, rate="0.03")
    return archive_of(home)


def line_of(rows, member, **values) -> int:
    """The number of the last line with these values."""
    matching = [all(row[name] == value for name, value in values.items()) for row in rows[member]]
    return len(matching) - matching[::-1].index(True)


def row_of(rows, member, **values):
    return rows[member][line_of(rows, member, **values) - 1]


def second_like_first(rows, member, *names):
    first, *_, last = rows[member]
    last.update({name: first[name] for name in names})
    return member, len(rows[member])


def too_large_a_target(rows):
    rows[TARGETS][1]["share"] = "0.500000000000000001"
    return TARGETS, 2


def other_leg(**values):
    def change(rows):
        row_of(rows, TRANSACTIONS, type="TRANSFER").update(values)
        return TRANSACTIONS, line_of(rows, TRANSACTIONS, type="TRANSFER")

    return change


def third_leg(rows):
    leg = row_of(rows, TRANSACTIONS, type="TRANSFER")
    rows[TRANSACTIONS].append({**leg, "id": ELSEWHERE})
    return TRANSACTIONS, len(rows[TRANSACTIONS])


def lots(**values):
    def change(rows):
        row_of(rows, TRANSACTIONS, type="DISPOSE")["lots"][0].update(values)
        return TRANSACTIONS, line_of(rows, TRANSACTIONS, type="DISPOSE")

    return change


def cycle(rows):
    below = row_of(rows, CATEGORIES, name="Below")
    row_of(rows, CATEGORIES, name="Top")["parent_id"] = below["id"]
    return CATEGORIES, line_of(rows, CATEGORIES, name="Top")


def unsorted_shares(rows):
    rows[ASSETS][0]["shares"] = "2026-02-01 0.5,2026-01-01 1"
    return ASSETS, 1


CONTRADICTIONS = {
    "targets above 1": too_large_a_target,
    "legs of different days": other_leg(on="2026-02-02", occurred_at="2026-02-02T11:00:00.000000Z"),
    "legs of different quantities": other_leg(quantity="1"),
    "three legs": third_leg,
    "a lot that never was": lots(transaction_id=ELSEWHERE),
    "more lots than are sold": lots(quantity="4"),
    "a category above itself": cycle,
    "two values of an instant": lambda rows: second_like_first(
        rows, SNAPSHOTS, "asset_id", "on", "observed_at"
    ),
    "two rows with one id": lambda rows: second_like_first(rows, SNAPSHOTS, "id"),
    "two targets of a group": lambda rows: second_like_first(rows, TARGETS, "asset_type_id"),
    "two rates of a day": lambda rows: second_like_first(rows, RATES_OF_LOANS, "on"),
    "shares out of order": unsorted_shares,
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_rows_that_contradict_each_other(full_data, alice_user, change):
    expected: list[str] = []
    forged = changed(full_data, lambda rows: expected.append("{}, line {}".format(*change(rows))))
    with pytest.raises(StrataError) as refused:
        restored(forged, alice_user)
    assert refused.value.code in ("ARCHIVE_ROW", "ARCHIVE_FOREIGN_ROW")
    assert refused.value.field == expected[0]


def test_what_was_deleted_may_still_be_named(full_data, home, alice, alice_user):
    """The lot of a sale, and the other leg of a transfer, may be gone: their archive is accepted all the same."""
    lot = Transaction.objects.get(type="ACQUIRE")
    assert alice.delete(f"/api/v1/assets/{lot.asset_id}/transactions/{lot.pk}").status_code == 204
    assert alice.delete(f"/api/v1/assets/{Asset.objects.get(name='Second').pk}").status_code == 204
    data = archive_of(home)
    result = restored(data, alice_user)
    assert result.counts["assets.transaction"] == len(contents(full_data)[TRANSACTIONS]) - 2
    assert_leg_is_named(result, contents(data))


@pytest.mark.parametrize("place", [0, 1])
def test_a_leg_whose_other_one_is_missing_is_named(full_data, alice_user, place):
    """Damage looks as the deletion of an asset does, so it is not refused, and nobody has to find it by themselves."""
    assert restored(full_data, alice_user).warnings == []

    def lose_one(rows):
        legs = [row for row in rows[TRANSACTIONS] if row["type"] == "TRANSFER"]
        rows[TRANSACTIONS].remove(legs[place])

    data = changed(full_data, lose_one)
    assert_leg_is_named(restored(data, alice_user, dry_run=True), contents(data))


def assert_leg_is_named(result, rows):
    (warning,) = result.warnings
    line = line_of(rows, TRANSACTIONS, type="TRANSFER")
    assert warning["code"] == "TRANSFER_LEG_ALONE"
    assert warning["message"].endswith(f"{TRANSACTIONS}, line {line}.")
