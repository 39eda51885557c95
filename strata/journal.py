"""Reading the journal: what happened to one row, who did it, and what changed from what to what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db import models

from strata.history import image_of
from strata.models import Change
from strata.money import MoneyField, money_text

SELF_EVIDENT = ("id", "created_at", "updated_at", "created_by_id", "updated_by_id", "revision")


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one row; `fields` has (name, before, after), as text, for those that changed."""

    change: Change
    fields: list[tuple[str, str, str]]


def history_of(row: models.Model, most: int) -> list[Event]:
    """The newest `most` changes of a row, newest first."""
    changes = list(Change.objects.filter(object_id=row.pk).order_by("-id")[:most])
    images = [stored_now(row), *(change.before for change in changes)]
    return [
        Event(change, differences(type(row), before or {}, after or {}))
        for change, (after, before) in zip(changes, pairwise(images), strict=True)
    ]


def stored_now(row: models.Model) -> dict[str, Any]:
    """The row as the journal would hold it."""
    image = type(row)._base_manager.filter(pk=row.pk).values_list(image_of(type(row)), flat=True).get()
    return json.loads(image) if isinstance(image, str) else image


def differences(model: type[models.Model], before: dict, after: dict) -> list[tuple[str, str, str]]:
    return [
        (name, shown(model, name, before.get(name)), shown(model, name, after[name]))
        for name in after
        if name not in SELF_EVIDENT and before.get(name) != after[name]
    ]


def shown(model: type[models.Model], attname: str, value: Any) -> str:
    """As a person would write it: an amount is an integer of 1/10,000 units in the journal."""
    field = next((field for field in model._meta.concrete_fields if field.attname == attname), None)
    if isinstance(field, MoneyField) and value is not None:
        return money_text(field.from_db_value(value, None, None))
    return "" if value is None else str(value)
