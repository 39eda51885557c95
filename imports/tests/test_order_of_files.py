"""The same files in any order: what is held, and what it is worth, is the same in the end."""

import re
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from assets.holdings.events import QUANTITY_PLACES
from assets.holdings.reading import quantities_of
from assets.models import Asset, AssetSnapshot, Transaction
from imports.tests.import_requests import commit, preview, undo

pytestmark = pytest.mark.usefixtures("shared_rows")

START = date(2025, 1, 1)


def statement(first: date, trades, position, *, account="B1") -> bytes:
    """An investment statement: trades are (days after the first, units), the position is what is held at its end."""
    rows = ""
    for number, (after, units) in enumerate(trades):
        on = first + timedelta(days=after)
        side, body = ("BUYSTOCK", "INVBUY") if units > 0 else ("SELLSTOCK", "INVSELL")
        rows += (
            f"<{side}><{body}><INVTRAN><FITID>{first}-{number}</FITID><DTTRADE>{on:%Y%m%d}</DTTRADE></INVTRAN><SECID>"
            f"<UNIQUEID>1</UNIQUEID></SECID><UNITS>{units}</UNITS><UNITPRICE>2</UNITPRICE><TOTAL>{-2 * units}</TOTAL>"
            f"</{body}></{side}>"
        )
    end = first + timedelta(days=89)
    held = (
        ""
        if position is None
        else f"<INVPOSLIST><POSSTOCK><INVPOS><SECID><UNIQUEID>1</UNIQUEID></SECID><POSTYPE>LONG</POSTYPE>"
        f"<UNITS>{position}</UNITS><UNITPRICE>3</UNITPRICE><DTPRICEASOF>{end:%Y%m%d}</DTPRICEASOF></INVPOS></POSSTOCK>"
        "</INVPOSLIST>"
    )
    return (
        f"<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>{end:%Y%m%d}</DTASOF><CURDEF>USD</CURDEF><INVACCTFROM>"
        f"<ACCTID>{account}</ACCTID></INVACCTFROM><INVTRANLIST>{rows}</INVTRANLIST>{held}</INVSTMTRS></INVSTMTTRNRS>"
        "</INVSTMTMSGSRSV1></OFX>"
    ).encode()


STATEMENTS = re.compile(rb"<INVSTMTMSGSRSV1>(.*)</INVSTMTMSGSRSV1>")


def in_one_file(*files: bytes) -> bytes:
    inside = b"".join(match[1] for data in files if (match := STATEMENTS.search(data)))
    return b"<OFX><INVSTMTMSGSRSV1>" + inside + b"</INVSTMTMSGSRSV1></OFX>"


def quarter(number: int) -> date:
    return START + timedelta(days=90 * number)


QUARTERS = {
    "follow one another": (
        statement(quarter(0), [(9, 10), (20, Decimal("0.5"))], Decimal("30.5")),
        statement(quarter(1), [(9, 4), (20, -6)], Decimal("28.5")),
        statement(quarter(2), [(9, Decimal("12.5"))], 41),
    ),
    "with a gap, and all sold in between": (
        statement(quarter(0), [(9, 10)], 10),
        statement(quarter(2), [(9, 5)], 5),
        statement(quarter(3), [(9, -5)], 0),
    ),
    "that overlap": (
        statement(quarter(0), [(80, 7)], 9),
        statement(quarter(0) + timedelta(days=60), [(40, 1)], 10),
        statement(quarter(2), [(9, -10)], None),
    ),
    "without positions": (
        statement(quarter(0), [(9, 10)], None),
        statement(quarter(1), [(9, -3)], None),
        statement(quarter(2), [(9, 5)], 20),
    ),
}

ACTIVITIES = (
    b"date,type,symbol,instrumentType,quantity,unit_price,currency,fee,amount,comment,fxRate,subtype\n"
)
HEADER = b"account,date,balance,currency,ticker\n"
SETS = {
    **QUARTERS,
    "tables of quantities": (
        HEADER + b"Plan,2025-01-31,2,USD,MSFT\nPlan,2025-03-31,5,USD,MSFT\n",
        HEADER + b"Plan,2025-02-28,3.5,USD,MSFT\n",
        HEADER + b"Plan,2025-04-30,3.5,USD,MSFT\n",
    ),
    "holdings and the activities before them": (
        b"date,symbol,quantity,price,currency\n2025-06-30,MSFT,7,10,USD\n",
        ACTIVITIES + b"2025-02-01,BUY,MSFT,EQUITY,4,9,USD,,,,,\n",
        ACTIVITIES + b"2025-03-01,SPLIT,MSFT,EQUITY,2,,USD,,,,,\n",
    ),
}


def holdings():
    """What is held of each asset on each day on which something changes, and its values."""
    result = {}
    for asset in Asset.objects.all():
        steps = quantities_of([asset.pk])[asset.pk]
        days = {START + timedelta(days=10 * number) for number in range(45)}
        held = [Decimal(round(steps.on(on))).scaleb(-QUANTITY_PLACES) for on in sorted(days)]
        values = list(AssetSnapshot.objects.filter(asset=asset).order_by("on").values_list("on", "value"))
        result[asset.name, asset.currency] = held, values
    return result


@contextmanager
def taken_back():
    """What is written inside of it is gone after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.on_sqlite
@pytest.mark.parametrize("name", SETS)
def test_files_in_any_order(alice, portfolio, name):
    """After each import what is held is the same as with the same files in another order."""
    results = {}

    def go_on(so_far, left):
        assert holdings() == results.setdefault(frozenset(so_far), holdings()), so_far
        for data in left:
            with taken_back():
                commit(alice, preview(alice, portfolio, data))
                go_on((*so_far, data), [other for other in left if other != data])
        if not left:
            again = [preview(alice, portfolio, data)["counts"]["transaction"] for data in so_far[:1]]
            assert [(counts["create"], counts["update"]) for counts in again] == [(0, 0)]

    go_on((), SETS[name])


@pytest.mark.parametrize("name", ["follow one another", "with a gap, and all sold in between"])
def test_after_an_undo_there_is_what_the_other_files_say(alice, portfolio, name):
    first, second, third = QUARTERS[name]
    imports, results = {}, {(): {}}
    with taken_back():
        for data in (first, third):
            commit(alice, preview(alice, portfolio, data))
            results[data] = holdings()
    for data in (second, third, first):
        imports[data] = preview(alice, portfolio, data)
        commit(alice, imports[data])
    refused = undo(alice, imports[second], expected=409)
    assert {error["code"] for error in refused["errors"]} == {"IN_USE"}
    undo(alice, imports[second], force=True)
    assert holdings() == results[third]
    undo(alice, imports[third])
    assert holdings() == results[first]
    undo(alice, imports[first])
    assert not Asset.objects.exists() and not Transaction.objects.exists()


def test_a_correction_that_a_person_changed_stays(alice, portfolio):
    first, second, _ = QUARTERS["follow one another"]
    commit(alice, preview(alice, portfolio, second))
    row = Transaction.objects.get(type="ADJUST")
    assert (
        alice.patch(f"/api/v1/assets/{row.asset_id}/transactions/{row.pk}", {"quantity": "7"}).status_code
        == 200
    )
    assert preview(alice, portfolio, first)["counts"]["transaction"]["update"] == 0


def test_the_newest_file_first_is_what_the_newest_says(alice, portfolio):
    for data in reversed(QUARTERS["follow one another"]):
        commit(alice, preview(alice, portfolio, data))
    assert holdings()["1", "USD"][0][-1] == 41


def test_the_preview_shows_which_correction_changes(alice, portfolio):
    first, second, _ = QUARTERS["follow one another"]
    commit(alice, preview(alice, portfolio, second))
    earlier = preview(alice, portfolio, first)
    assert earlier["counts"]["transaction"]["update"] == 1
    done = commit(alice, earlier)
    assert done["updated"]["transaction"] == 1


def test_statements_of_one_file_in_any_order(alice, portfolio):
    files = QUARTERS["follow one another"]
    results = []
    for in_order in (files, files[::-1], (files[1], files[0], files[1], files[2])):
        with taken_back():
            commit(alice, preview(alice, portfolio, in_one_file(*in_order)))
            results.append(holdings())
    assert results[0] == results[1] == results[2]
    assert results[0]["1", "USD"][0][-1] == 41


def test_a_split_and_shares_from_elsewhere_between_two_statements(alice, portfolio):
    """20 shares, then 2 for 1, then 5 more from another broker: 45."""
    first, second = statement(quarter(0), [(9, 10)], 20), statement(quarter(1), [], 45)
    security = b"<SECID><UNIQUEID>1</UNIQUEID></SECID>"
    rows = (
        b"<SPLIT><INVTRAN><FITID>S</FITID><DTTRADE>20250501</DTTRADE></INVTRAN>"
        + security
        + b"<OLDUNITS>20</OLDUNITS>"
        b"<NEWUNITS>40</NEWUNITS><NUMERATOR>2</NUMERATOR><DENOMINATOR>1</DENOMINATOR></SPLIT><TRANSFER><INVTRAN>"
        b"<FITID>T</FITID><DTTRADE>20250502</DTTRADE></INVTRAN>"
        + security
        + b"<UNITS>5</UNITS><TFERACTION>IN"
        b"</TFERACTION></TRANSFER>"
    )
    second = second.replace(b"<INVTRANLIST>", b"<INVTRANLIST>" + rows)
    for files in ((first, second), (second, first), (in_one_file(second, first),)):
        with taken_back():
            for data in files:
                commit(alice, preview(alice, portfolio, data))
            held, _ = holdings()["1", "USD"]
            assert [held[number] for number in (0, 1, 11, 13, -1)] == [0, 20, 20, 45, 45]
