"""Names and notes: stored as written, refused when they mislead the reader, unique in any case."""

from __future__ import annotations

import re
import sys

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from hypothesis import example, given
from hypothesis import strategies as st

from strata.fields.names import (
    KEY_LENGTH,
    NAME_LENGTH,
    NAME_PATTERN,
    NOTE_LENGTH,
    NameField,
    NameKeyField,
    NoteField,
    key_fields,
    name_key,
    validate_name,
    validate_note,
    with_keys,
)
from strata.migrations._name_keys import first_name_key
from strata.tests.tables import table_of


class Thing(models.Model):
    name = NameField()
    name_key = NameKeyField(source="name", unique=True)
    note = NoteField(blank=True, default="")

    class Meta:
        app_label = "strata_tests"


@pytest.fixture(scope="module", autouse=True)
def things_table(django_db_setup, django_db_blocker):
    with table_of(Thing, django_db_blocker):
        yield


KEPT = [
    "x",
    "=1+1",
    "+49 30",
    "-5",
    "@home",
    "<script>alert(1)</script>",
    "Zoë’s 🪑 × 10",
    "👩‍👩‍👧",
    "حساب \u200fالتوفير",
    "שלום",
    "口座",
    "a" * NAME_LENGTH,
    "🪑" * NAME_LENGTH,
    "two  spaces",
    "cafe\u0301",
]
BLANK = ["", " ", "   ", "\u00a0", "\u2003", "\u200b", "\u200b\u200d\ufeff", "\u3164", "\u2800 \u115f"]
# The first and last of each range that Unicode calls ignorable, without embeddings and isolates, which are refused.
INVISIBLE = (
    *(
        0xAD,
        0x34F,
        0x61C,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180B,
        0x180F,
        0x200B,
        0x200F,
        0x2060,
        0x2065,
        0x206A,
    ),
    *(
        0x206F,
        0x3164,
        0xFE00,
        0xFE0F,
        0xFEFF,
        0xFFA0,
        0xFFF0,
        0xFFFB,
        0x1BCA0,
        0x1BCA3,
        0x1D173,
        0x1D17A,
        0xE0000,
    ),
    *(0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF, 0xE0FFF),
)
FORBIDDEN = [
    "a\x00b",
    "a\nb",
    "a\n",
    "\ta",
    "a\x1b[31mb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "\ud800",
    "a\udfffb",
    "invoice\u202egpj.exe",
    "a\u202ab",
    "a\u2066b",
    "a\u2069b",
]
TOO_LONG = ["a" * (NAME_LENGTH + 1), "🪑" * (NAME_LENGTH + 1), "a" * 1_000_000]


@pytest.mark.django_db
@pytest.mark.parametrize("name", KEPT)
def test_a_readable_name_is_kept_as_written(name):
    assert Thing.objects.get(pk=Thing.objects.create(name=name).pk).name == name


@pytest.mark.django_db
def test_a_name_is_trimmed_on_the_object_and_in_the_database():
    thing = Thing.objects.create(name="  Flat \u3000")
    assert thing.name == "Flat"
    assert Thing.objects.get(name="Flat") == thing


@pytest.mark.django_db
def test_two_hundred_characters_may_have_spaces_around_them():
    assert Thing.objects.create(name=f" {'a' * NAME_LENGTH} ").name == "a" * NAME_LENGTH


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", BLANK + FORBIDDEN + TOO_LONG + [None, 5, ["a"]], ids=lambda name: ascii(name)[:24]
)
def test_an_unreadable_name_is_refused_in_every_way(name):
    with pytest.raises(ValidationError):
        Thing._meta.get_field("name").clean(name, None)
    if name is not None:
        with pytest.raises(ValidationError):
            Thing.objects.create(name=name)
        with pytest.raises(ValidationError):
            Thing.objects.bulk_create([Thing(name=name)])
        with pytest.raises(ValidationError):
            Thing.objects.update(name=name)


@pytest.mark.parametrize(
    ("name", "code"), [("   ", "blank"), ("a\x00", "forbidden_character"), ("a" * 201, "max_length")]
)
def test_a_refusal_says_why(name, code):
    with pytest.raises(ValidationError) as refusal:
        validate_name(name)
    assert refusal.value.code == code


@given(st.text(max_size=30))
def test_a_name_once_accepted_is_accepted_again_unchanged(name):
    try:
        accepted = validate_name(name)
    except ValidationError:
        return
    assert validate_name(accepted) == accepted
    assert re.search(NAME_PATTERN, accepted)


# --- keys ---


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Flat", "fLAT"),
        ("STRASSE", "Straße"),
        ("ÄPFEL", "äpfel"),
        ("café", "cafe\u0301"),
        ("ΣΑΣ", "σας"),
        ("Ⅷ", "ⅷ"),
        ("ﬁle", "file"),
        ("STRAẞE", "strasse"),
        ("Ｆｌａｔ", "flat"),
        ("Å", "A\u030a"),
        ("m²", "m2"),
        ("Fl\u00adat", "Flat"),
        ("Flat\u200b", "Flat"),
        ("\u2060Flat\ufeff", "Flat"),
        ("Fl\u200d\u200cat", "Flat"),
        ("Flat \u200b", "Flat"),
        ("Flat\u3164", "Flat"),
        ("Flat\u2800", "Flat"),
        ("a\u034f\u0308", "ä"),
        ("my\u00a0flat", "my flat"),
        ("my  flat", "my flat"),
        ("❤\ufe0f", "❤"),
        ("\u200fחסכון", "חסכון"),
    ],
)
def test_names_that_look_the_same_have_one_key(name, other):
    assert name_key(name) == name_key(other)


@pytest.mark.parametrize("character", [chr(point) for point in INVISIBLE], ids=ascii)
def test_no_invisible_character_makes_another_name(character):
    assert name_key(f"Fl{character}at{character}") == "flat"
    with pytest.raises(ValidationError):
        validate_name(character * 3)


@pytest.mark.parametrize(("name", "other"), [("Flat", "Flat 2"), ("cafe", "café"), ("a b", "ab")])
def test_names_that_differ_otherwise_have_two_keys(name, other):
    assert name_key(name) != name_key(other)


@pytest.mark.django_db
@pytest.mark.parametrize("widest", ["\ufdfa", "\u3316", "\U0001d160"], ids=ascii)
def test_the_longest_key_fits_its_column_and_its_index(widest):
    names = [f"{widest * (NAME_LENGTH - 1)}{end}" for end in "xy"]
    things = [Thing.objects.create(name=name) for name in names]
    keys = set(Thing.objects.values_list("name_key", flat=True))
    assert len(keys) == len(things), "a cut key is another name's no more than a whole one"
    assert max(len(key) for key in keys) <= KEY_LENGTH
    with pytest.raises(IntegrityError), transaction.atomic():
        Thing.objects.create(name=names[0])


def test_keys_of_single_characters_are_their_own_keys():
    characters = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    assert [
        ascii(character) for character in characters if name_key(name_key(character)) != name_key(character)
    ] == []


@given(st.text(max_size=20))
@example("\ufdfa" * 200)
@example("a\u0345\u0301 \u1160x")
def test_a_key_is_its_own_key(name):
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ΔΡΌΜΟΣ", "Δρόμος", " δρόμος"])
def test_the_database_refuses_the_same_name_in_another_case(name):
    Thing.objects.create(name="δρόμος")
    with pytest.raises(IntegrityError):
        Thing.objects.create(name=name)


@pytest.mark.django_db
def test_keys_are_written_in_bulk_too():
    Thing.objects.bulk_create([Thing(name=" Flat"), Thing(name="STRASSE")])
    assert set(Thing.objects.values_list("name_key", flat=True)) == {"flat", "strasse"}


@pytest.mark.django_db
def test_a_renamed_thing_gets_a_new_key():
    thing = Thing.objects.create(name="Flat")
    thing.name = "House"
    thing.save()
    assert Thing.objects.get(name_key="house") == thing
    thing.name = "Barn"
    thing.save(update_fields={"name"} | key_fields(Thing, {"name"}))
    assert Thing.objects.get(name_key="barn") == thing


@pytest.mark.django_db
def test_update_and_bulk_update_can_write_keys_too():
    thing = Thing.objects.create(name="Flat")
    Thing.objects.update(**with_keys(Thing, {"name": "House"}))
    assert Thing.objects.get(name_key="house") == thing
    assert with_keys(Thing, {"note": "x"}) == {"note": "x"}
    assert key_fields(Thing, {"note"}) == set()


@given(st.text(max_size=20))
def test_the_first_release_made_no_key_that_is_now_two(name):
    assert name_key(first_name_key(name)) == name_key(name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STRASSE", {"Straße 1%", "Weststrasse"}),
        ("ße", {"Straße 1%", "Weststrasse"}),
        ("e\u0301", {"Éclair_"}),
        ("écl\u200bair", {"Éclair_"}),
        ("%", {"Straße 1%"}),
        ("_", {"Éclair_"}),
        ("ﬁ", {"Office fit"}),
        ("nowhere", set()),
    ],
)
def test_a_part_of_a_name_is_found_by_its_key(text, expected):
    Thing.objects.bulk_create(Thing(name=n) for n in ("Straße 1%", "Weststrasse", "Éclair_", "Office fit"))
    assert set(Thing.objects.filter(name_key__has_part=text).values_list("name", flat=True)) == expected


# --- notes ---


@pytest.mark.django_db
@pytest.mark.parametrize("note", ["", " ", "one\n\ttwo ", "=1+1", "a" * NOTE_LENGTH])
def test_a_note_is_kept_as_written(note):
    assert Thing.objects.get(pk=Thing.objects.create(name="x", note=note).pk).note == note


def test_line_ends_become_newlines():
    assert validate_note("a\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "note",
    ["a\x00b", "\x1b[31m", "\ud800", "a\u202eb", "a\u2068b", "a" * (NOTE_LENGTH + 1), 5],
    ids=lambda note: ascii(note)[:24],
)
def test_an_unreadable_note_is_refused_in_every_way(note):
    with pytest.raises(ValidationError):
        Thing._meta.get_field("note").clean(note, None)
    with pytest.raises(ValidationError):
        Thing.objects.create(name="x", note=note)
    with pytest.raises(ValidationError):
        Thing.objects.update(note=note)


@pytest.mark.parametrize(
    "field", [NameField(), NameField(max_length=60), NoteField(blank=True), NameKeyField(source="label")]
)
def test_fields_deconstruct_to_what_makes_them_again(field):
    _, path, args, kwargs = field.deconstruct()
    again = type(field)(*args, **kwargs)
    assert path == f"strata.fields.names.{type(field).__name__}"
    assert again.deconstruct()[1:] == field.deconstruct()[1:]
    assert (again.max_length, again.editable) == (field.max_length, field.editable)
    assert again.db_type(connection) == field.db_type(connection)
