"""The entries of the journal in an archive: their columns, and how one is checked and stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.rows.contents import JOURNAL, Column, Kind, column_of, models_by_label
from archives.rows.ids import ID_LENGTH, Ids
from archives.rows.images import columns_by_attname, stored_image_value
from archives.rows.tables import MALFORMED, Row
from archives.rows.values import UserIds, explained, loader, parsed
from assets.models import AssetSnapshot
from strata.audit.journal import entries_in
from strata.audit.models import JournalEntry

NAMES = ("action", "actor_name", "at", "channel", "count", "model", "object_id", "request_id", "undo_of")
JOURNAL_COLUMNS: tuple[Column, ...] = tuple(column_of(JournalEntry._meta.get_field(name)) for name in NAMES)
READ_AS = {
    "actor_name": "by_name",
    "channel": "by_channel",
    "count": "own_count",
    "request_id": "in_request",
}  # of an entry in any form
AS_STORED = tuple(replace(column, lookup=READ_AS.get(column.name, column.name)) for column in JOURNAL_COLUMNS)
KEY_OF_ROW = '"object_id":"'
STORED = (*NAMES, "actor", "household_id", "before")
KEYS = frozenset({*NAMES, "before"})
FROM_AN_ARCHIVE = " (from an archive)"
NAME_LENGTH = 150
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")


def entries_of(household_id: UUID) -> QuerySet[Any]:
    """Those of the tables that an archive has, as they are stored, with the columns AS_STORED."""
    return entries_in(household_id, list(models_by_label()))


def lines_of_each(line: str, packed: Any) -> list[str]:
    """The lines of the rows that one entry stands for, from its line, which is that of the first of them."""
    head, key, tail = line.partition(KEY_OF_ROW)
    head, tail = head + key, tail[ID_LENGTH:]
    return [f"{head}{pk}{tail}" for pk in ids_in(packed)]


def ids_in(packed: Any) -> Iterator[Any]:
    """As an archive has them, from what the database stores: an array, or a JSON text."""
    if not isinstance(packed, str):
        return iter(packed)
    return (f"{pk[:8]}-{pk[8:12]}-{pk[12:16]}-{pk[16:20]}-{pk[20:]}" for pk in json.loads(packed))


class Entries:
    """Checks the lines of the journal, and makes rows for it."""

    def __init__(self, household_id: UUID, ids: Ids, users: UserIds) -> None:
        self.household_id, self.ids, self.users = household_id, ids, users
        self._loads = [(column.name, loader(column, ids, users)) for column in JOURNAL_COLUMNS]
        self._loads = [(name, ids.of_row if name == "object_id" else load) for name, load in self._loads]
        self._models = models_by_label()

    def row(self, entry: Row, number: int) -> tuple[Any, ...]:
        if not KEYS - {"before"} <= entry.keys() <= KEYS:
            raise refusals.bad_row(JOURNAL, number, _("It has not the fields of an entry."))
        name = ""
        try:
            values = {}
            for name, load in self._loads:
                values[name] = load(entry[name])
            name = "before"
            model = self._models.get(entry["model"])
            if model is None:
                raise ValueError("the model is unknown")
            before = self._image(model, entry.get("before"))
        except MALFORMED as error:
            raise refusals.bad_row(JOURNAL, number, f"{name}: {explained(error)}") from None
        if model is not AssetSnapshot:  # of which there may be a million
            self.ids.require_own(entry["object_id"])
        actor_id = self.users(entry["actor_name"]) if entry["actor_name"] else None
        if actor_id is None:
            values["actor_name"] = as_text(values["actor_name"])
        for request in ("request_id", "undo_of"):
            values[request] = values[request] and self.ids.request_id(values[request])
        added = (actor_id and actor_id.hex, self.household_id.hex, before)
        return (*(values[name] for name in NAMES), *added)

    def _image(self, model: type[models.Model], image: Any) -> str | None:
        if image is None:
            return None
        columns, stored = {column.name: column for column in columns_by_attname(model).values()}, {}
        for key, value in image.items():
            column = columns.get(key)
            if column is None:
                stored[self._unknown_column(key, value)] = value
            else:
                stored[column.attname] = self._value(column, value)
        return json.dumps(stored, ensure_ascii=False, separators=(",", ":"))

    def _value(self, column: Column, value: Any) -> Any:
        """As a row of the past has it: reading it fails without what the table requires. Users may be gone."""
        if value is None:
            if not column.field.null and column.kind is not Kind.USER:
                raise ValueError(f"{column.name} is null")
            return None
        if column.kind is Kind.USER:
            user_id = self.users(parsed(Kind.USER, value))
            return None if user_id is None else stored_image_value(Kind.ID, user_id)
        if column.kind is Kind.ID:
            turned = self.ids.of_row if column.field.primary_key else self.ids.loose
            return stored_image_value(Kind.ID, UUID(turned(parsed(Kind.TEXT, value))))
        if column.kind is Kind.TEXT:
            if column.field.choices and value not in choices_of(column):
                raise ValueError(f"{column.name} is none of its choices")
            return self.ids.in_text(parsed(Kind.TEXT, value))
        if column.kind is Kind.JSON:
            return stored_image_value(Kind.JSON, self.ids.in_document(value))
        return stored_image_value(column.kind, parsed(column.kind, value))

    def _unknown_column(self, key: str, value: Any) -> str:
        """A column that the model had once. Nothing reads it but the history."""
        if not _COLUMN.fullmatch(key) or not isinstance(value, str | int | bool | None):
            raise ValueError(f"{key[:63]} is unknown")
        return key


@cache
def choices_of(column: Column) -> frozenset[Any]:
    """Whatever is blank is one where the column may be."""
    blank = {""} if column.field.blank else set()
    return frozenset({value for value, _label in column.field.flatchoices} | blank)


def as_text(actor_name: str) -> str:
    """Who wrote it, as text: no user of this installation."""
    if not actor_name or actor_name.endswith(FROM_AN_ARCHIVE):
        return actor_name
    return actor_name[: NAME_LENGTH - len(FROM_AN_ARCHIVE)] + FROM_AN_ARCHIVE
