"""The API's fields: each accepts one JSON type and one spelling, answers with it, and refuses anything else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D
from io import BytesIO
from uuid import UUID

import pytest
from django.db import models
from drf_spectacular.drainage import get_override
from rest_framework import serializers

from strata.api import fields
from strata.api.http.parsers import StrictJSONParser
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField, InstantField, TimeZoneField
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NameField, NoteField

pytestmark = pytest.mark.on_sqlite  # no database can change it

BAD_NUMBERS = [
    1.5,
    True,
    None,
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "+1",
    "1.",
    ".5",
    "1e3",
    "1e400",
    "1e999999",
    "NaN",
    "Infinity",
    "-Infinity",
    "1_0",
    "1,5",
    "٣",
    "３.5",
    "0x1",
    "1" * 5000,
    10**5000,
    D("NaN"),
    D("Infinity"),
    D("1E+400"),
    D("1E-400"),
    D("1E+999999"),
    [],
    {},
    b"1",
]


def short(value) -> str:
    return "huge" if isinstance(value, int) and value > 10**100 else ascii(value)[:24]


def refusal_of(field: serializers.Field, value) -> str:
    """The code with which `field` refuses `value`."""
    with pytest.raises(serializers.ValidationError) as refusal:
        field.run_validation(value)
    return refusal.value.get_codes()[0]


# --- numbers ---


@pytest.mark.parametrize("field", [fields.MoneySerializerField, fields.ExactSerializerField])
@pytest.mark.parametrize("value", BAD_NUMBERS, ids=short)
def test_what_is_no_plain_number_is_refused(field, value):
    assert refusal_of(field(), value) in ("invalid", "null", "max_digits", "max_places")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1000", "1000.00"),
        ("4000.129", "4000.129"),
        (5, "5.00"),
        (D("1E+3"), "1000.00"),
        ("-0", "0.00"),
        ("-99999999999999.9999", "-99999999999999.9999"),
    ],
)
def test_money_goes_in_and_out(value, shown):
    field = fields.MoneySerializerField()
    assert field.to_representation(field.run_validation(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10.500", "10.5"),
        ("0.000000000000000001", "0.000000000000000001"),
        (D("1E+19"), "10000000000000000000"),
        (0, "0"),
    ],
)
def test_exact_numbers_go_in_and_out(value, shown):
    field = fields.ExactSerializerField()
    assert field.to_representation(field.run_validation(value)) == shown


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (fields.MoneySerializerField(), "100000000000000", "max_digits"),
        (fields.MoneySerializerField(), "0.00001", "max_places"),
        (fields.MoneySerializerField(), 10**14, "max_digits"),
        (fields.ExactSerializerField(), "100000000000000000000", "max_digits"),
        (fields.ExactSerializerField(), "0.0000000000000000001", "max_places"),
        (fields.ExactSerializerField(non_negative=True), "-1", "negative"),
        (fields.ExactSerializerField(positive=True), "0", "not_positive"),
    ],
)
def test_a_number_out_of_range_is_refused_with_its_reason(field, value, code):
    assert refusal_of(field, value) == code


@pytest.mark.parametrize("value", ["1", "-1", 1.0, True, D("1"), None, [], "١"])
def test_only_a_json_integer_is_an_integer(value):
    assert refusal_of(fields.IntegerSerializerField(), value) in ("invalid", "null")


def test_integers_have_32_bits_on_both_databases():
    field = HoldingSerializer().fields["position"]
    assert field.run_validation(2**31 - 1) == 2**31 - 1
    assert refusal_of(field, 2**31) == "max_value"
    assert refusal_of(field, -(2**31) - 1) == "min_value"


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, D(1), [], {}])
def test_only_true_and_false_are_truth_values(value):
    assert refusal_of(fields.BooleanSerializerField(), value) == "invalid"
    assert fields.BooleanSerializerField().run_validation(False) is False


# --- text ---


@pytest.mark.parametrize(
    "value",
    [
        5,
        1.5,
        True,
        [],
        {},
        D(1),
        "",
        "   ",
        "\u200b",
        "a\x00",
        "\ud800",
        "a\u202eb",
        "a\n",
        "a" * 201,
        "a" * 10**6,
    ],
    ids=short,
)
def test_a_name_that_nobody_could_read_is_refused(value):
    refusal_of(fields.NameSerializerField(), value)


@pytest.mark.parametrize(
    ("value", "name"), [("  Flat  ", "Flat"), ("=1+1", "=1+1"), ("<b>", "<b>"), (" " + "a" * 200, "a" * 200)]
)
def test_a_name_is_trimmed_and_kept(value, name):
    assert fields.NameSerializerField(max_length=200).run_validation(value) == name


def test_a_note_is_kept_with_its_spaces_and_newlines():
    field = fields.NoteSerializerField(allow_blank=True)
    assert field.run_validation(" a\n\tb ") == " a\n\tb "
    assert field.run_validation("") == ""
    assert field.run_validation("  ") == "  "
    assert refusal_of(field, "a" * 10_001) == "max_length"
    assert refusal_of(field, 5) == "invalid"
    assert refusal_of(fields.NoteSerializerField(), "") == "blank"


@pytest.mark.parametrize("value", ["XXX", "XTS", "XXXX", "", "EU", "abc", "ЕUR", " EUR", 978, None, True])
def test_an_unknown_currency_is_refused(value):
    refusal_of(fields.CurrencySerializerField(), value)


def test_a_currency_in_small_letters_is_taken():
    assert fields.CurrencySerializerField().run_validation("eur") == "EUR"


@pytest.mark.parametrize("value", ["../../etc/passwd", "europe/berlin", "", "CEST", 1, None])
def test_an_unknown_time_zone_is_refused(value):
    refusal_of(fields.TimeZoneSerializerField(), value)


ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    "value",
    [
        5,
        1.5,
        True,
        None,
        "",
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        f" {ID}",
        f"{ID}\n",
        ID[:-1],
        ID.replace("0", "٠"),
        [ID],
    ],
)
def test_an_id_in_another_spelling_is_refused(value):
    assert refusal_of(fields.UUIDSerializerField(), value) in ("invalid", "null")


def test_an_id_goes_in_and_out():
    field = fields.UUIDSerializerField()
    assert field.run_validation(ID.upper()) == UUID(ID)
    assert field.to_representation(UUID(ID)) == ID


# --- time ---


@pytest.mark.parametrize(
    "value",
    [
        "2026-1-1",
        "20260101",
        "2026-W01-1",
        "2026-02-29",
        "2026-01-01T00:00:00Z",
        "1799-12-31",
        "2201-01-01",
        "0001-01-01",
        "9999-12-31",
        "٢٠٢٦-01-01",
        " 2026-01-01",
        "2026-01-01\n",
        "",
        20260101,
        None,
        True,
    ],
)
def test_what_is_no_day_is_refused(value):
    refusal_of(fields.DaySerializerField(), value)


def test_a_day_goes_in_and_out():
    field = fields.DaySerializerField()
    assert field.run_validation("2024-02-29") == date(2024, 2, 29)
    assert field.to_representation(date(1800, 1, 1)) == "1800-01-01"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-01-11T01:00+05:00", datetime(2026, 1, 11, 1, tzinfo=timezone(timedelta(hours=5)))),
        ("2026-01-11T01:00:02.5Z", datetime(2026, 1, 11, 1, 0, 2, 500000, tzinfo=UTC)),
        ("2026-01-11t01:00:02.123456789z", datetime(2026, 1, 11, 1, 0, 2, 123456, tzinfo=UTC)),
        (
            "2026-01-11 01:00:00-0330",
            datetime(2026, 1, 11, 1, tzinfo=timezone(-timedelta(hours=3, minutes=30))),
        ),
        ("2026-01-11T01:00:00", datetime(2026, 1, 11, 1)),
        ("2026-01-11T01:00", datetime(2026, 1, 11, 1)),
    ],
)
def test_an_instant_keeps_its_offset_or_its_lack_of_one(value, moment):
    read = fields.InstantSerializerField().run_validation(value)
    assert (read, read.tzinfo is None) == (moment, moment.tzinfo is None)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-11",
        "2026-01-11T",
        "2026-01-11T24:00:00Z",
        "2026-01-11T23:60:00Z",
        "2026-01-11T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "2026-01-11T01:00.5Z",
        "2026-01-11T01:00:00+24:00",
        "2026-01-11T01:00:00+05:99",
        "2026-01-11T01:00:00 Z",
        "2026-W02-7T01:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
        "1799-12-30T12:00:00Z",
        "2201-01-03T12:00:00Z",
        "２０２６-01-11T01:00:00Z",
        "now",
        "",
        1768093200,
        D("1768093200.5"),
        True,
        None,
    ],
)
def test_what_is_no_instant_is_refused(value):
    refusal_of(fields.InstantSerializerField(), value)


def test_an_instant_is_answered_in_utc_with_its_microseconds():
    show = fields.InstantSerializerField().to_representation
    assert show(datetime(2026, 1, 11, 1, tzinfo=timezone(timedelta(hours=5)))) == "2026-01-10T20:00:00Z"
    assert show(datetime(2026, 1, 11, 1, 0, 0, 7, tzinfo=UTC)) == "2026-01-11T01:00:00.000007Z"


# --- together ---


class Holding(models.Model):
    value = MoneyField()
    price = ExactField(non_negative=True, null=True)
    currency = CurrencyField()
    name = NameField()
    note = NoteField(blank=True)
    on = DayField()
    at = InstantField()
    zone = TimeZoneField()
    group = models.UUIDField()
    position = models.IntegerField(default=0)

    class Meta:
        app_label = "strata_tests"


class HoldingSerializer(serializers.ModelSerializer):
    serializer_field_mapping = fields.SERIALIZER_FIELD_MAPPING

    class Meta:
        model = Holding
        exclude = ("id",)


BODY = b"""{
    "value": 9007199254.7401, "price": "0.000000000000000001", "currency": "eur", "name": " Flat ",
    "note": "", "on": "2026-01-11", "at": "2026-01-11T01:00:00+05:00", "zone": "Asia/Karachi", "position": 2,
    "group": "01890a5d-ac96-774b-bcce-b302099a8057"}"""


def body(**changes) -> dict:
    return {**StrictJSONParser().parse(BytesIO(BODY), "application/json", {}), **changes}


def test_a_model_serializer_takes_these_fields_by_itself():
    serializer = HoldingSerializer(data=body())
    assert serializer.is_valid(), serializer.errors
    answer = HoldingSerializer(Holding(**serializer.validated_data)).data
    assert answer == {
        "value": "9007199254.7401",
        "price": "0.000000000000000001",
        "currency": "EUR",
        "name": "Flat",
        "note": "",
        "on": "2026-01-11",
        "at": "2026-01-10T20:00:00Z",
        "zone": "Asia/Karachi",
        "group": ID,
        "position": 2,
    }


@pytest.mark.parametrize(
    "name", [name for name in HoldingSerializer().fields if name not in ("price", "note", "position")]
)
@pytest.mark.parametrize("value", [None, [], {}, True, 1.5, "", "\x00", "\ud800"])
def test_each_field_refuses_what_is_not_its_own(name, value):
    serializer = HoldingSerializer(data=body(**{name: value}))
    assert not serializer.is_valid()
    assert list(serializer.errors) == [name]


def test_the_sign_that_a_model_asks_for_is_asked_for_by_the_api():
    serializer = HoldingSerializer(data=body(price="-1"))
    assert not serializer.is_valid()
    assert serializer.errors["price"][0].code == "negative"


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (fields.MoneySerializerField, "-99999999999999.9999", "1e3"),
        (fields.ExactSerializerField, "0.000000000000000001", "0.0000000000000000001"),
        (fields.CurrencySerializerField, "EUR", "EURO"),
        (fields.NameSerializerField, "Flat 2", "a\x00b"),
        (fields.NameSerializerField, " Flat", "   "),
    ],
)
def test_the_schemas_pattern_says_what_the_field_does(field, good, bad):
    pattern = get_override(field(), "field")["pattern"]
    assert re.search(pattern, good)
    assert not re.search(pattern, bad)
    field().run_validation(good)
    refusal_of(field(), bad)
