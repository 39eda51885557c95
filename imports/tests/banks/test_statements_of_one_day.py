"""Statements of one day in separate files: which balance counts does not depend on the order of the imports."""

import pytest

from imports.formats.banks.statements import rank_of
from imports.tests.import_requests import commit, preview, rows, undo, values_of

pytestmark = pytest.mark.usefixtures("shared_rows")

CAMT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
{order}<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{opening}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2025-01-30</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2025-01-31</Dt></Dt></Bal></Stmt></BkToCstmrStmt></Document>"""
NUMBERED = ("<ElctrncSeqNb>9</ElctrncSeqNb>", "<ElctrncSeqNb>10</ElctrncSeqNb>")
TIMED = ("<CreDtTm>2025-01-31T12:00:00+02:00</CreDtTm>", "<CreDtTm>2025-01-31T11:00:00Z</CreDtTm>")
SWIFT = ":20:A\n:25:DE02120300000000202051\n:28C:{order}\n:60F:C250130EUR{opening},\n:62F:C250131EUR{closing},\n-\n"
OFX = """OFXHEADER:100

<OFX><SIGNONMSGSRSV1><SONRS><DTSERVER>{order}</SONRS></SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR
<BANKACCTFROM><ACCTID>1</BANKACCTFROM><LEDGERBAL><BALAMT>{closing}<DTASOF>20250131</LEDGERBAL></STMTRS></STMTTRNRS>
</BANKMSGSRSV1></OFX>"""
FILES = {
    "camt by number": (CAMT, NUMBERED),
    "camt by time": (CAMT, TIMED),
    "mt940 by number": (SWIFT, ("9/1", "10/1")),
    "mt940 by page": (SWIFT, ("9/1", "9/2")),
    "ofx by time": (OFX, ("20250131080000[-5:EST]", "20250131170000[-5:EST]")),
}


def files_of(name):
    """The earlier and the later statement: 100 becomes 70, and then 40."""
    text, orders = FILES[name]
    balances = (("100", "70"), ("70", "40"))
    return [
        text.format(order=order, opening=opening, closing=closing).encode()
        for order, (opening, closing) in zip(orders, balances, strict=True)
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("is_later_first", [False, True])
def test_last_closing_and_first_opening_of_a_day_count(alice, portfolio, name, is_later_first):
    files = files_of(name)
    for data in reversed(files) if is_later_first else files:
        commit(alice, preview(alice, portfolio, data))
    values = [(on, value) for _, on, value in values_of(portfolio)]
    opening = [] if name.startswith("ofx") else [("2025-01-30", "100.0000")]
    assert values == [*opening, ("2025-01-31", "40.0000")]
    for data in files:
        counts = preview(alice, portfolio, data)["counts"]["value"]
        assert (counts["create"], counts["update"]) == (0, 0)


def test_balance_that_a_later_statement_has_is_left_out_with_the_reason(alice, portfolio):
    earlier, later = files_of("mt940 by number")
    commit(alice, preview(alice, portfolio, later))
    reasons = [row["reason"] for row in rows(alice, preview(alice, portfolio, earlier)) if row["reason"]]
    assert [(reason["code"], "later statement" in reason["message"]) for reason in reasons] == [
        ("ALREADY_THERE", True)
    ]


def test_after_the_undo_of_the_later_statement_the_earlier_one_counts(alice, portfolio):
    earlier, later = files_of("camt by number")
    of_later = preview(alice, portfolio, later)
    commit(alice, of_later)
    undo(alice, of_later)
    commit(alice, preview(alice, portfolio, earlier))
    assert [value for *_, value in values_of(portfolio)] == ["100.0000", "70.0000"]


def test_statements_without_an_order_have_no_rank():
    assert rank_of(("", ""), "", is_closing=True) == rank_of(("x", "0"), is_closing=False) == ""
