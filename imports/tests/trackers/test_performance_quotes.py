"""Files of quotes of Portfolio Performance: prices of a security that a person names, or that each row names."""

from datetime import date
from decimal import Decimal

import pytest

from assets.models import Instrument
from assets.prices.store import recorded_prices
from imports.reading.refusals import FileRefused
from imports.tests.import_requests import IMPORTS, commit, preview, rows, send
from imports.tests.trackers.sums import prices, read, reasons
from portfolios.models import Household

pytestmark = pytest.mark.usefixtures("shared_rows")

QUOTES = b"Date;Quote\n2024-01-02;98,55\n2024-01-03;99,1\n"
NAMED = (
    b"Kursdatum,ISIN,Wertpapiername,Kurs,W\xc3\xa4hrung\n"
    b"2024-01-02,DE0007236101,Siemens,171.5,EUR\n2024-01-02,GB00BH4HKS39,Vodafone,68.1,GBX\n2024-01-03,,,1,EUR\n"
)


def numbers_of(instrument):
    recorded = recorded_prices(instrument.pk, None, None)
    return [Decimal(price.number).scaleb(-price.scale) for price in recorded]


def make_instrument(household, symbol="SIE", currency="EUR", **columns):
    return Instrument.objects.create(
        household=household, symbol=symbol, name=symbol, currency=currency, **columns
    )


def test_security_of_a_file_of_quotes_is_asked_and_the_name_of_the_file_offered(alice, portfolio):
    new_import = preview(alice, portfolio, QUOTES, name="Siemens AG.csv")
    (question,) = new_import["questions"]
    assert (question["code"], question["option"], question["required"], question["answer"]) == (
        "SECURITY",
        "symbol",
        True,
        "Siemens AG",
    )
    assert commit(alice, new_import, 409)["errors"][0]["field"] == "options.symbol"


def test_quotes_become_prices_of_the_instrument_that_was_chosen(alice, portfolio, household):
    instrument = make_instrument(household, currency="USD")
    new_import = preview(alice, portfolio, QUOTES, options={"instrument_id": str(instrument.pk)})
    assert not new_import["questions"]
    assert new_import["counts"]["instrument"]["create"] == 0
    assert {item["currency"] for row in rows(alice, new_import) for item in row["becomes"]} == {"USD"}
    commit(alice, new_import)
    assert numbers_of(instrument) == [Decimal("98.55"), Decimal("99.1")]
    again = preview(alice, portfolio, QUOTES, options={"instrument_id": str(instrument.pk)})
    assert again["counts"]["price"] == {"create": 0, "update": 0, "skip": 2, "refuse": 0}


def test_preview_is_stale_when_the_chosen_instrument_was_changed(alice, portfolio, household):
    instrument = make_instrument(household)
    new_import = preview(alice, portfolio, QUOTES, options={"instrument_id": str(instrument.pk)})
    instrument.currency = "USD"
    instrument.save()
    assert commit(alice, new_import, 409)["code"] == "IMPORT_STALE"


def test_instrument_of_another_household_does_not_exist(alice, portfolio):
    other = make_instrument(Household.objects.create(name="Other"))
    refused = send(alice, portfolio, QUOTES, options={"instrument_id": str(other.pk)})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (404, "options.instrument_id")


def test_symbol_is_looked_up_in_a_currency_which_is_asked(alice, portfolio, household):
    instrument = make_instrument(household)
    new_import = preview(alice, portfolio, QUOTES, options={"symbol": "sie"})
    assert [question["code"] for question in new_import["questions"]] == ["CURRENCY"]
    answered = alice.patch(f"{IMPORTS}/{new_import['id']}", {"options": {"currency": "EUR"}}).json()
    assert (answered["questions"], answered["counts"]["instrument"]["create"]) == ([], 0)
    commit(alice, answered)
    assert len(numbers_of(instrument)) == 2


def test_rows_may_name_their_securities():
    reading, read_rows = read(NAMED)
    assert [(item.instrument, item.on, item.price) for item in prices(read_rows)] == [
        ("DE0007236101", date(2024, 1, 2), Decimal("171.5")),
        ("GB00BH4HKS39", date(2024, 1, 2), Decimal("68.1")),
    ]
    units = {instrument.name: instrument.quote_unit for instrument in reading.instruments.values()}
    assert (units, reasons(read_rows)) == ({"Siemens": "1", "Vodafone": "1/100"}, [(4, "MISSING_FIELD")])
    assert not reading.questions


@pytest.mark.parametrize(
    "data",
    [
        b"Name;ISIN;Symbol;WKN;Latest;Delta %;Note\nBASF;DE000BASF111;BAS.DE;BASF11;45,1;1,2;\n",
        b"Security Name;ISIN;Ticker Symbol;WKN;Currency;Note\nBASF;DE000BASF111;BAS.DE;BASF11;EUR;\n",
    ],
)
def test_what_a_screen_shows_of_securities_is_no_known_format(data):
    with pytest.raises(FileRefused):
        read(data)
