"""The XML of Portfolio Performance: every booking once, whichever object it is stored in."""

from datetime import date
from decimal import Decimal

import pytest

from assets.holdings.events import QUANTITY_PLACES
from assets.holdings.reading import quantities_of
from assets.models import Asset, InstrumentAction
from imports.formats.rows import ActionItem
from imports.reading.refusals import FileRefused
from imports.tests.all_formats import own, real_sample
from imports.tests.files import zipped
from imports.tests.import_requests import commit, preview, send, undo, values_of
from imports.tests.trackers.sums import amounts, cash, fees, held, items, prices, read, reasons, values

OWN = own("portfolio-performance.xml")
SMALL = b"""<client id="1"><version>%s</version>%s<securities><security id="2"><name>A</name>
<prices><price t="2010-01-04" v="10000"/></prices></security></securities><accounts><account id="3"><name>Cash</name>
<transactions><account-transaction><date>2010-01-04</date><amount>5000</amount><type>BUY</type>
<crossEntry id="4"><portfolio id="5"><name>Depot</name><transactions><portfolio-transaction id="6">
<date>2010-01-04 00:00:00.0 CET</date><amount>5000</amount><security reference="2"/><shares>1000000</shares>
<fees>100</fees><crossEntry reference="4"/><type>BUY</type></portfolio-transaction></transactions></portfolio>
<account reference="3"/></crossEntry></account-transaction></transactions></account></accounts>
<portfolios><portfolio reference="5"/></portfolios></client>"""


@pytest.mark.on_sqlite
def test_every_booking_is_read_once():
    _, rows = read(OWN)
    assert amounts(rows) == {
        ("ACQUIRE", "EUR"): 2000 + 1000 + 100,
        ("INCOME", "EUR"): 20 + 10,
        ("DISPOSE", "EUR"): 100,
        ("EXPENSE", "USD"): 2,
    }
    assert held(rows) == {"Depot: DE0007236101|EUR": 9, "Other depot: DE0007236101|EUR": 2}
    assert fees(rows) == 10
    assert cash(rows) == {
        "Cash EUR|EUR": 2000 - 1015 + 15 - 100 + 8,
        "Cash USD|USD": 106,
        "Depot: DE0007236101|EUR": 15,
    }
    assert values(rows)[-1] == ("Cash EUR|EUR", "2024-05-03", 908)
    assert [price.price for price in prices(rows)] == [Decimal("100.5"), 110]
    assert {code for _, code in reasons(rows)} == {"BAD_DATE", "ZERO_ROW", "NOT_A_TRANSACTION", "ADJUSTED"}


@pytest.mark.on_sqlite
def test_split_before_the_first_booking_is_an_action_and_a_later_one_is_in_the_shares_already():
    _, rows = read(OWN)
    assert [(item.on, item.numerator, item.denominator) for item in items(rows, ActionItem)] == [
        (date(2020, 1, 1), 2, 1)
    ]


@pytest.mark.usefixtures("shared_rows")
def test_file_is_imported_with_its_depots_and_undone(alice, portfolio):
    shown = preview(alice, portfolio, OWN)
    assert "NO_PRICES" not in [warning["code"] for warning in shown["warnings"]]
    commit(alice, shown)
    units = {}
    for asset in Asset.objects.filter(instrument__isnull=False):
        units[asset.institution] = (
            quantities_of([asset.pk])[asset.pk].on(date(2024, 12, 31)) // 10**QUANTITY_PLACES
        )
    assert units == {"Depot": 9, "Other depot": 2}
    assert ("Cash USD", "2024-05-02", "106.0000") in values_of(portfolio)
    undo(alice, shown)
    assert not InstrumentAction.objects.exists()


@pytest.mark.on_sqlite
def test_zipped_file_is_the_same():
    assert amounts(read(zipped({"data.xml": OWN}))[1]) == amounts(read(OWN)[1])


@pytest.mark.on_sqlite
def test_older_files_have_other_scales_ids_and_no_currency():
    reading, _ = read(SMALL % (b"25", b""))
    assert [question.code for question in reading.questions] == ["CURRENCY"]
    expected = {b"25": (10, 100), b"29": (1, 100), b"48": (1, 1), b"49": (Decimal("0.01"), Decimal("0.0001"))}
    for version, (shares, price) in expected.items():
        reading, rows = read(SMALL % (version, b"<baseCurrency>EUR</baseCurrency>"))
        assert (held(rows), [quoted.price for quoted in prices(rows)]) == ({"Depot: A|EUR": shares}, [price])
        assert amounts(rows) == {("ACQUIRE", "EUR"): 49}
        assert cash(rows) == {"Cash|EUR": -50}
        assert not reading.questions


@pytest.mark.on_sqlite
def test_circle_of_references_ends():
    circle = OWN.replace(
        b'<referenceAccount reference="../../../../.."/>', b'<referenceAccount reference="."/>'
    )
    broken = circle.replace(b'<date reference="../../../../../date"/>', b'<date reference="../date"/>')
    assert broken != OWN
    assert "MISSING_FIELD" in [code for _, code in reasons(read(broken)[1])]


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PORTFOLIO\x00\x01\x02", "ENCRYPTED_FILE"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><client><version>1</version></client>', "ENTITIES_REFUSED"),
        (OWN[:3000], "BROKEN_FILE"),
        (zipped({"data.portfolio": b"PPPBV1"}), "UNKNOWN_FORMAT"),
    ],
)
def test_file_that_cannot_be_read_says_why(data, code):
    with pytest.raises(FileRefused) as refused:
        read(data)
    assert refused.value.code == code


@pytest.mark.on_sqlite
def test_real_file_of_version_29():
    _, rows = read(real_sample("portfolio-performance/currency_sample.xml"))
    assert held(rows) == {
        "Portfolio EUR: BAS.DE|EUR": 10,
        "Portfolio USD: BAS.DE|EUR": 10,
        "Portfolio EUR: AAPL|USD": 5,
        "Portfolio USD: AAPL|USD": 10,
    }
    deposits = {"EUR": Decimal("2173.4"), "USD": Decimal("2420.31")}
    bought = {"EUR": Decimal("1173.4"), "USD": Decimal("1997.91")}
    charges = 20  # fee and tax of each
    assert amounts(rows) == {("ACQUIRE", code): deposits[code] + bought[code] - charges for code in deposits}
    assert cash(rows) == {f"Account {code}|{code}": deposits[code] - bought[code] for code in deposits}
    assert fees(rows) == charges
    assert len(prices(rows)) == 2737
    assert [(item.on.isoformat(), item.numerator) for item in items(rows, ActionItem)] == [("2014-06-09", 7)]


@pytest.mark.on_sqlite
def test_real_file_with_a_transfer_of_shares():
    _, rows = read(real_sample("portfolio-performance/test-10.xml"))
    assert held(rows) == {"security-account-1: share-1|EUR": 7, "security-account-2: share-1|EUR": 3}
    assert (amounts(rows), len(prices(rows))) == ({("ACQUIRE", "EUR"): 100}, 4)
    assert values(rows) == [("deposit-account-1 (EUR)|EUR", "2023-01-01", -100)]


@pytest.mark.usefixtures("shared_rows")
@pytest.mark.parametrize("data", [b"PPPBV1\x08\x01", zipped({"data.portfolio": b"PPPBV1\x08\x01"})])
def test_a_binary_file_is_refused_with_what_to_do(alice, portfolio, data):
    refused = send(alice, portfolio, data)
    assert (refused.status_code, refused.json()["code"]) == (400, "UNKNOWN_FORMAT")
    assert "XML" in refused.json()["message"]
