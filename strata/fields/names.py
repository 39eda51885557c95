"""Names and notes: which text is accepted, and the key by which names are compared, sorted and found."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext

from strata.db.collation import CodePointCollated
from strata.db.typed import Get, Set
from strata.fields.base import ValidatedField

NAME_LENGTH = 200
NOTE_LENGTH = 10_000
KEY_LENGTH = 3 * NAME_LENGTH  # characters; fits into an index of PostgreSQL. A longer key is cut

# Bidi embeddings, overrides and isolates can make a text look like another one. The plain marks (LRM, RLM, ALM) are
# allowed, because Arabic and Hebrew names need them.
_BIDI = r"\u202a-\u202e\u2066-\u2069"
_NOT_IN_NAMES = rf"\u0000-\u001f\u007f-\u009f\u2028\u2029{_BIDI}"
_NOT_IN_NOTES = rf"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f{_BIDI}"
_IN_NAMES = re.compile(rf"[{_NOT_IN_NAMES}\ud800-\udfff]")
_IN_NOTES = re.compile(rf"[{_NOT_IN_NOTES}\ud800-\udfff]")
NAME_PATTERN = rf"^[^{_NOT_IN_NAMES}]*[^{_NOT_IN_NAMES}\s][^{_NOT_IN_NAMES}]*$"  # for the API's schema
BLANK_OR_NAME_PATTERN = f"^(|{NAME_PATTERN[1:-1]})$"
# Invisible characters: those that Unicode calls ignorable (zero-width spaces and joiners, direction marks, variation
# selectors, Hangul fillers, tags), whatever their category in this Python, and annotations.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANK_BRAILLE = "\u2800"  # looks like a space, but is a symbol in Unicode


def validate_name(value: Any, *, max_length: int = NAME_LENGTH) -> str:
    """The name without the spaces around it. Refused where it is blank or has characters that mislead the reader."""
    name = _allowed_text(value, _IN_NAMES).strip()
    _refuse_length(name, max_length)
    if not any(_is_visible(character) for character in without_invisible(name)):
        raise ValidationError(gettext("Enter a text that is not blank."), code="blank")
    return name


def validate_note(value: Any, *, max_length: int = NOTE_LENGTH) -> str:
    """The note as written, with each line end as a single newline. It may be blank."""
    note = _allowed_text(value, _IN_NOTES).replace("\r\n", "\n").replace("\r", "\n")
    _refuse_length(note, max_length)
    return note


def _allowed_text(value: Any, forbidden: re.Pattern[str]) -> str:
    """The value, which must be a text without these characters."""
    if not isinstance(value, str):
        raise ValidationError(gettext("Enter a text."), code="invalid")
    if match := forbidden.search(value):
        message = gettext("Enter a text without the character U+%(code)s.")
        raise ValidationError(message % {"code": f"{ord(match[0]):04X}"}, code="forbidden_character")
    return value


def _refuse_length(value: str, most: int) -> None:
    if len(value) > most:
        message = gettext("Enter at most %(most)s characters.")
        raise ValidationError(message % {"most": most}, code="max_length")


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZC" and character != _BLANK_BRAILLE


def without_invisible(text: str) -> str:
    """The text without invisible characters."""
    return _INVISIBLE.sub("", text)


def name_key(name: str) -> str:
    """The normal form of a name, for uniqueness, order and search.

    Equal for names that differ only in case, in how an accent, a ligature or a width is encoded, in invisible
    characters or in the number of spaces: NFKC and case folding as Unicode defines a caseless match (D146).
    """
    text = without_invisible(name).replace(_BLANK_BRAILLE, " ")
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold()).casefold()
    return _cut(" ".join(unicodedata.normalize("NFKC", text).split()))


def _cut(key: str) -> str:
    """Cut a key that is too long, with a hash at its end. Normalisation can make up to 18 characters from one."""
    if len(key) <= KEY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return key[: KEY_LENGTH - len(digest)] + digest


def alphabetical(name: str, pk: Hashable) -> tuple[str, str]:
    """The sort key for sorting in Python, in the order of lists in the database: (name_key, id)."""
    return name_key(name), str(pk)


class NameField(ValidatedField[Set, Get], models.CharField):  # type: ignore[type-arg]  # takes none when it runs
    """A name of 1 to `max_length` characters, trimmed. `blank=True` lets it be empty."""

    max_length: int

    def __init__(self, *args: Any, max_length: int = NAME_LENGTH, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_length": max_length})

    def to_python(self, value: Any) -> str | None:
        if value is None or (value == "" and self.blank):
            return cast("str | None", value)
        return validate_name(value, max_length=self.max_length)

    def get_prep_value(self, value: Any) -> Any:
        return models.Field.get_prep_value(self, value)

    def checked_as_stored(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return value


class NoteField(ValidatedField[Set, Get], models.TextField):  # type: ignore[type-arg]  # takes none when it runs
    """Free text of at most 10,000 characters, with newlines and tabs."""

    max_length: int

    def __init__(self, *args: Any, max_length: int = NOTE_LENGTH, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_length": max_length})

    def to_python(self, value: Any) -> str | None:
        return value if value is None else validate_note(value, max_length=self.max_length)

    def get_prep_value(self, value: Any) -> Any:
        return models.Field.get_prep_value(self, value)

    def checked_as_stored(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return value


class NameKeyField(CodePointCollated[Set, Get], models.CharField):  # type: ignore[type-arg]  # takes none when it runs
    """The name_key of the field `source`. save() and bulk_create() write it automatically.

    Where columns are named (update_fields, update(), bulk_update()), use key_fields and with_keys.
    """

    def __init__(self, *args: Any, source: str = "name", **kwargs: Any) -> None:
        self.source = source
        kwargs.update(max_length=KEY_LENGTH, editable=False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"], kwargs["editable"]
        return name, path, args, {**kwargs, "source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = key_of(type(model_instance), self.source, getattr(model_instance, self.source))
        setattr(model_instance, self.attname, key)
        return key


@NameKeyField.register_lookup
class HasPart(models.Lookup):
    """`name_key__has_part=text`: whether the name contains the text, compared by key. There are no wildcards."""

    lookup_name = "has_part"

    def get_prep_lookup(self) -> str:
        return name_key(str(self.rhs))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return self._position("INSTR", compiler, connection)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        return self._position("STRPOS", compiler, connection)

    def _position(
        self, function: str, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        key, of_key = self.process_lhs(compiler, connection)
        text, of_text = self.process_rhs(compiler, connection)
        return f"{function}({key}, {text}) > 0", (*of_key, *of_text)


def key_of(model: type[models.Model], source: str, name: Any) -> str:
    """The key of a name; "" of one that may be blank, and is."""
    field = cast("NameField[Any, Any]", model._meta.get_field(source))
    return name_key(validate_name(name) if name or not field.blank else "")


def key_fields(model: type[models.Model], names: Iterable[str]) -> set[str]:
    """The key fields that must be written along with the fields called `names`."""
    return set(sources_of_keys(model, names))


def sources_of_keys(model: type[models.Model], names: Iterable[str]) -> dict[str, str]:
    """For each of these key fields the field whose key it is."""
    written = set(names)
    fields = (field for field in model._meta.local_fields if isinstance(field, NameKeyField))
    return {field.name: field.source for field in fields if field.source in written}


def with_keys(model: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """`values` for update(), with the keys of names added where they are missing (bulk_update has them)."""
    keys = {
        name: key_of(model, source, values[source])
        for name, source in sources_of_keys(model, values).items()
        if name not in values
    }
    return {**values, **keys}
