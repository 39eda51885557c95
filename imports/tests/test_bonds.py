"""Bonds that are quoted in per cent of their nominal, and the ids of securities, in every format that has them."""

from decimal import Decimal

import pytest

from assets.models import Asset, Instrument
from imports.tests.import_requests import commit, preview, rows
from imports.tests.trackers.sums import cash, held, items, prices, read

DIGITS = "<UNIQUEID>912810TM0</UNIQUEID><UNIQUEIDTYPE>CUSIP</UNIQUEIDTYPE>"
OFX = f"""OFXHEADER:100

<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>20250331<CURDEF>USD<INVACCTFROM><ACCTID>B1</INVACCTFROM>
<INVTRANLIST>
<BUYDEBT><INVBUY><INVTRAN><FITID>1<DTTRADE>20250110</INVTRAN><SECID>{DIGITS}</SECID>
<UNITS>10000<UNITPRICE>98.5<COMMISSION>2<TOTAL>-9872.00</INVBUY><ACCRDINT>20.00</BUYDEBT>
<SELLDEBT><INVSELL><INVTRAN><FITID>2<DTTRADE>20250220</INVTRAN><SECID>{DIGITS}</SECID>
<UNITS>-4000<UNITPRICE>99<TOTAL>3970</INVSELL><ACCRDINT>10</SELLDEBT>
</INVTRANLIST>
<INVPOSLIST><POSDEBT><INVPOS><SECID>{DIGITS}</SECID><UNITS>6000<UNITPRICE>97.25<MKTVAL>5835.00
<DTPRICEASOF>20250331</INVPOS></POSDEBT></INVPOSLIST></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>
<SECLISTMSGSRSV1><SECLIST><DEBTINFO><SECINFO><SECID>{DIGITS}</SECID><SECNAME>Treasury bond</SECINFO></DEBTINFO>
</SECLIST></SECLISTMSGSRSV1></OFX>
""".encode()
FLEX = b"""<FlexQueryResponse><FlexStatements><FlexStatement accountId="U1"><Trades>
<Trade assetCategory="BOND" symbol="T 4 11/15/52" description="T 4 11/15/52" currency="USD" quantity="10000"
 tradePrice="98.5" proceeds="-9850" ibCommission="-2" netCash="-9852" buySell="BUY" tradeDate="20250110"
 securityID="912810TM0" securityIDType="CUSIP" transactionID="1"/>
</Trades></FlexStatement></FlexStatements></FlexQueryResponse>"""
SCHWAB = (
    b'"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
    b'"01/10/2025","Buy","912810TM0","US TREASURY BOND","10,000","$98.5","$2.00","-$9,852.00"\n'
)
TRADE_REPUBLIC = (
    b"datetime;date;account_type;category;type;asset_class;name;symbol;shares;price;amount;fee;tax;currency;"
    b"transaction_id;description\n"
    b"x;2025-01-10;DEFAULT;TRADING;BUY;BOND;Bund;DE0001102580;%s;%s;-9850.00;-2.00;;EUR;t-1;Buy\n"
)
TABLE = (
    b"date,action,cusip,security,asset class,quantity,price,amount,fee,currency\n"
    b"2025-01-10,buy,912810TM0,Treasury bond,Bond,10000,98.5,9850.00,2,USD\n"
)
WEALTHFOLIO = (
    b"date,symbol,quantity,activityType,unitPrice,currency,fee,amount,instrumentType,isin\n"
    b"2025-01-10,BUND,10000,BUY,98.5,EUR,2,9850,BOND,DE0001102580\n"
)


def bought(data):
    """The unit in which the file's bond is quoted, and its purchase."""
    reading, read_rows = read(data)
    (instrument,) = reading.instruments.values()
    assert not [warning for warning in reading.warnings if warning.code == "PRICE_DISAGREES"]
    purchase = next(item for item in items(read_rows) if item.type == "ACQUIRE" and item.quantity)
    return instrument, (purchase.quantity, purchase.unit_price, purchase.amount)


@pytest.mark.parametrize(
    "data", [OFX, FLEX, SCHWAB, TRADE_REPUBLIC % (b"10000", b"98.5"), TABLE, WEALTHFOLIO]
)
def test_price_of_a_bond_is_in_per_cent_and_its_amount_in_the_currency(data):
    instrument, numbers = bought(data)
    assert (instrument.instrument_type, instrument.quote_unit) == ("bond", "1/100")
    assert numbers == (10_000, Decimal("98.5"), 9850)
    if data not in (OFX, FLEX, SCHWAB, TABLE):
        assert instrument.isin == "DE0001102580"
    else:
        assert instrument.cusip == "912810TM0"


@pytest.mark.parametrize(
    ("data", "quantity"),
    [
        (TRADE_REPUBLIC % (b"100", b"98.5"), 100),
        (SCHWAB.replace(b'"10,000"', b'"100"'), 100),
        (TABLE.replace(b"10000", b"100"), 100),
        (WEALTHFOLIO.replace(b"10000", b"100"), 100),
        (OFX.replace(b"10000", b"100").replace(b"4000", b"40").replace(b"6000", b"60"), 100),
    ],
)
def test_numbers_of_the_file_say_where_a_bond_is_quoted_for_one_unit(data, quantity):
    instrument, numbers = bought(data)
    assert instrument.quote_unit == "1"
    assert numbers == (quantity, Decimal("98.5"), 9850)


def test_interest_that_a_bond_has_accrued_is_no_part_of_its_cost():
    _, read_rows = read(OFX)
    of_bond = [
        (item.type, item.amount, item.external_id) for item in items(read_rows) if "912810TM0" in item.account
    ]
    assert of_bond == [
        ("ACQUIRE", 9850, "1"),
        ("EXPENSE", 20, "1/accrued"),
        ("DISPOSE", 3960, "2"),
        ("INCOME", 10, "2/accrued"),
    ]
    assert cash(read_rows)["B1 USD|USD"] == Decimal("-9872") + 3970
    assert [item.price for item in prices(read_rows)] == [Decimal("97.25")]
    assert held(read_rows) == {"B1: 912810TM0|USD": 6000}


OPTION = OFX.replace(b"DEBTINFO", b"OPTINFO").replace(b"BUYDEBT", b"BUYOPT").replace(b"SELLDEBT", b"SELLOPT")
OPTION = OPTION.replace(b"<UNITS>10000<UNITPRICE>98.5<COMMISSION>2", b"<UNITS>2<UNITPRICE>49.25<COMMISSION>2")


def test_price_of_an_option_is_that_of_one_of_its_hundred_shares():
    reading, read_rows = read(
        OPTION.replace(b"<UNITS>-4000", b"<UNITS>-1").replace(b"<UNITS>6000", b"<UNITS>1")
    )
    (instrument,) = reading.instruments.values()
    assert (instrument.instrument_type, instrument.quote_unit) == ("option", "100")
    assert next(item.unit_price for item in items(read_rows) if item.quantity) == Decimal("49.25")


@pytest.mark.usefixtures("shared_rows")
def test_bond_is_worth_its_nominal_times_its_price(alice, portfolio):
    commit(alice, preview(alice, portfolio, OFX))
    bond = Asset.objects.get(name="Treasury bond")
    answer = alice.get(
        f"/api/v1/assets/{bond.pk}/values", {"start": "2025-03-31", "end": "2025-03-31"}
    ).json()
    assert answer["points"][-1]["value"] == "5835.00"
    lots = alice.get(f"/api/v1/assets/{bond.pk}/lots", {"on": "2025-03-31"}).json()
    assert (lots["quantity"], Decimal(lots["cost"])) == ("6000", Decimal("0.6") * 9852)


@pytest.mark.usefixtures("shared_rows")
def test_security_is_found_by_its_cusip_in_another_file(alice, portfolio):
    commit(alice, preview(alice, portfolio, OFX))
    stored = Instrument.objects.get(cusip="912810TM0")
    for data in (FLEX, SCHWAB, TABLE):
        new_import = preview(alice, portfolio, data)
        assert new_import["counts"]["instrument"]["create"] == 0, data
        assert {account["instrument_id"] for account in new_import["accounts"]} - {None} == {str(stored.pk)}


@pytest.mark.usefixtures("shared_rows")
def test_id_with_a_wrong_check_digit_is_left_out(alice, portfolio):
    commit(alice, preview(alice, portfolio, TABLE.replace(b"912810TM0", b"912810TM1")))
    assert Instrument.objects.get(name="Treasury bond").cusip == ""


HOLDINGS = b"date,symbol,quantity,price,currency\n2025-01-31,VOD,10,68.1,GBX\n"


@pytest.mark.usefixtures("shared_rows")
@pytest.mark.parametrize(("unit", "price"), [("1", "0.681"), ("1/100", "68.1")])
def test_price_in_pence_is_written_in_the_unit_of_the_stored_instrument(alice, portfolio, unit, price):
    Instrument.objects.create(
        household=portfolio.household, symbol="VOD", name="Vodafone", currency="GBP", quote_unit=unit
    )
    new_import = preview(alice, portfolio, HOLDINGS)
    becomes = [item for row in rows(alice, new_import) for item in row["becomes"]]
    assert [item["price"] for item in becomes if item["row_type"] == "price"] == [price]


@pytest.mark.usefixtures("shared_rows")
def test_price_in_another_currency_than_the_stored_instruments_is_refused(alice, portfolio):
    isin = "DE0007236101"
    Instrument.objects.create(
        household=portfolio.household, symbol="SIE", name="Siemens", currency="USD", isin=isin
    )
    quotes = b"Date,ISIN,Quote,Currency\n2025-01-31,DE0007236101,171.5,EUR\n"
    new_import = preview(alice, portfolio, quotes)
    (row,) = rows(alice, new_import, outcome="refuse")
    assert (row["reason"]["code"], row["reason"]["field"]) == ("BAD_CURRENCY", "currency")
    assert row["reason"]["message"].endswith("EUR / USD")
