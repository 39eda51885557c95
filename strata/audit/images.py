"""Rows from the images in the journal, and whether two images have the same content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.utils.dateparse import parse_date, parse_datetime

from strata.audit.tracking import TrackedModel
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NameKeyField, name_key

type Image = Mapping[str, Any]
SIGNATURES = frozenset({"id", "created_at", "updated_at", "created_by_id", "updated_by_id", "revision"})


def row_from(model: type[TrackedModel], image: Image) -> TrackedModel:
    """The row as the image has it, not stored. Columns that are newer than the image have their defaults."""
    values = values_of(model, image)
    row = model(**values)
    for field in model._meta.concrete_fields:
        if isinstance(field, NameKeyField):
            setattr(row, field.attname, name_key(values[field.source]))
    return row


def values_of(model: type[TrackedModel], image: Image) -> dict[str, Any]:
    """The values by column, as a row has them."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, NameKeyField)]
    return {
        field.attname: value_of(field, image[field.attname])
        if field.attname in image
        else field.get_default()
        for field in fields
    }


def value_of(field: models.Field[Any, Any], stored: Any) -> Any:
    """A value of an image as its field has it. SQLite and PostgreSQL store some types differently."""
    if stored is None:
        return None
    named: Any = field
    target = named.target_field if field.is_relation else field
    read = next((read for kind, read in READERS.items() if isinstance(target, kind)), None)
    return read(target, stored) if read else stored


def _instant(field: Any, stored: str) -> datetime | None:
    instant = parse_datetime(stored)
    return instant.replace(tzinfo=UTC) if instant is not None and instant.tzinfo is None else instant


READERS: dict[type[models.Field[Any, Any]], Any] = {
    models.UUIDField: lambda field, stored: UUID(stored),
    models.DateTimeField: _instant,
    models.DateField: lambda field, stored: parse_date(stored),
    models.BooleanField: lambda field, stored: bool(stored),
    models.JSONField: lambda field, stored: json.loads(stored) if isinstance(stored, str) else stored,
    MoneyField: lambda field, stored: field.from_db_value(stored, None, connection),
    ExactField: lambda field, stored: Decimal(stored),
}


def content_columns(model: type[TrackedModel]) -> list[str]:
    """The columns that people write: without who wrote when, and what is calculated."""
    ignored = SIGNATURES | set(model.computed_columns)
    return [
        field.attname
        for field in model._meta.concrete_fields
        if field.attname not in ignored and not isinstance(field, NameKeyField)
    ]


def changed_columns(model: type[TrackedModel], before: Image, after: Image) -> list[str]:
    """The columns by which the content of two images differs."""
    if before == after:
        return []
    first, second = values_of(model, before), values_of(model, after)
    return [name for name in content_columns(model) if first[name] != second[name]]
