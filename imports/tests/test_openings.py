"""What was in an account before the first row: named by a person, or by the first statement of a bank."""

from decimal import Decimal

import pytest

from imports.tests.import_requests import commit, preview, send, values_of
from imports.tests.trackers.sums import read, values

pytestmark = pytest.mark.usefixtures("shared_rows")

BOOKINGS = (
    b"date,description,amount,currency,account\n2025-02-05,Rent,-30,EUR,Main\n2025-02-03,Pay,100,EUR,Main\n"
    b"2025-02-05,Coffee,-3.50,EUR,Main\n"
)
MARCH = b"date,description,amount,currency,account\n2025-03-01,Pay,100,EUR,Main\n"
KEY = "Main|EUR"


def options(on, amount):
    return {"options": {"accounts": {KEY: {"opening": {"on": on, "amount": amount}}}}}


def balances(portfolio):
    return {on: Decimal(value) for _, on, value in values_of(portfolio)}


def codes(new_import):
    return [warning["code"] for warning in new_import["warnings"]]


def test_opening_is_offered_and_gives_the_balance_of_each_day(alice, portfolio):
    without = preview(alice, portfolio, BOOKINGS)
    assert [
        (question["code"], question["required"], question["account"]) for question in without["questions"]
    ] == [("OPENING", False, KEY)]
    assert (codes(without), without["counts"]["value"]["create"]) == (["NO_BALANCES"], 0)
    with_opening = preview(alice, portfolio, BOOKINGS, **options("2025-02-01", "10"))
    assert (codes(with_opening), with_opening["questions"]) == ([], [])
    commit(alice, with_opening)
    assert balances(portfolio) == {
        "2025-01-31": Decimal(10),
        "2025-02-03": Decimal(110),
        "2025-02-05": Decimal("76.5"),
    }


def test_days_before_the_opening_are_computed_backwards(alice, portfolio):
    commit(alice, preview(alice, portfolio, BOOKINGS, **options("2025-02-05", "110")))
    assert balances(portfolio) == {
        "2025-02-03": Decimal(110),
        "2025-02-04": Decimal(110),
        "2025-02-05": Decimal("76.5"),
    }


@pytest.mark.parametrize(
    "amount", ["1_000", "\u0661\u0662", " 1 ", "0.12345", "1e14", "NaN", True, None, [1]]
)
def test_opening_that_is_no_amount_is_refused_by_name(alice, portfolio, amount):
    response = send(alice, portfolio, BOOKINGS, **options("2025-02-01", amount))
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "options.accounts")


def test_a_balance_of_the_file_goes_before_the_computed_one(alice, portfolio):
    data = BOOKINGS.replace(b"account\n", b"account,balance\n").replace(
        b"Pay,100,EUR,Main", b"Pay,100,EUR,Main,111"
    )
    new_import = preview(alice, portfolio, data, **options("2025-02-01", "10"))
    assert codes(new_import) == ["BALANCE_DIFFERS"]
    commit(alice, new_import)
    assert balances(portfolio)["2025-02-03"] == 111


def test_openings_of_files_in_any_order(alice, portfolio):
    commit(alice, preview(alice, portfolio, MARCH, **options("2025-03-01", "76.5")))
    commit(alice, preview(alice, portfolio, BOOKINGS, **options("2025-02-01", "10")))
    assert list(balances(portfolio).values()) == [10, 110, Decimal("76.5"), Decimal("76.5"), Decimal("176.5")]
    again = preview(alice, portfolio, MARCH, **options("2025-03-01", "76.5"))
    assert {
        kind: counts["create"] + counts["update"]
        for kind, counts in again["counts"].items()
        if kind != "asset"
    } == {kind: 0 for kind in again["counts"] if kind != "asset"}


def camt(number: int, opening: str, closing: str, day: str) -> bytes:
    balance = (
        "<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        "<Dt><Dt>{}</Dt></Dt></Bal>"
    )
    moved = Decimal(closing) - Decimal(opening)
    entry = (
        f"<Ntry><Amt Ccy='EUR'>{moved}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        "</Ntry>"
    )
    return (
        f"<Stmt><ElctrncSeqNb>{number}</ElctrncSeqNb><Acct><Id><IBAN>NL1</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balance.format('OPBD', opening, day)}{balance.format('CLBD', closing, day)}{entry}</Stmt>"
    ).encode()


def swift(number: int, opening: str, closing: str, day: str) -> bytes:
    moved = Decimal(closing) - Decimal(opening)
    return (
        f":20:1\n:25:NL1\n:28C:{number}/1\n:60F:C{day}EUR{opening},\n:61:{day}C{moved},NTRFNONREF\n:62F:C{day}EUR{closing},\n-\n"
    ).encode()


@pytest.mark.on_sqlite
@pytest.mark.parametrize("make", [camt, swift])
def test_statements_of_a_file_count_by_their_days_and_not_by_their_places(make):
    days = ("2025-01-02", "2025-01-02", "2025-01-03") if make is camt else ("250102", "250102", "250103")
    parts = [
        make(9, "10", "25", days[0]),
        make(10, "25", "30", days[1]),
        make(11, "30", "31", days[2]),
    ]
    for in_order in (parts, parts[::-1], [parts[1], parts[2], parts[0]]):
        data = b"".join(in_order)
        if make is camt:
            data = b"<Document><BkToCstmrStmt>" + data + b"</BkToCstmrStmt></Document>"
        last_of_day = {on: value for _, on, value in values(read(data)[1])}
        assert last_of_day == {"2025-01-01": 10, "2025-01-02": 30, "2025-01-03": 31}
