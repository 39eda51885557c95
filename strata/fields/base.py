"""ValidatedField: save(), bulk_create() and update() refuse what clean() refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from strata.db.typed import Get, Set, TypedField

MOST_KNOWN = 2_000  # values of a column that are kept while many rows are written


class ValidatedField(TypedField[Set, Get]):
    """Must be the first base class of a model field. Lookups are not checked: a filter may have any value."""

    def check_value(self, value: Any) -> Any:
        """`value` as it will be stored, or a ValidationError."""
        value = self.to_python(value)
        if value == "" and not self.blank:
            raise ValidationError(self.error_messages["blank"], code="blank")
        self.run_validators(value)
        return value

    def pre_save(self, model_instance: Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        value = self.check_value(value)
        setattr(model_instance, self.attname, value)
        return value

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is not None and not hasattr(value, "as_sql"):
            value = self.check_value(value)
        return super().get_db_prep_save(value, connection)

    def stored_column(self, rows: Iterable[Model], connection: BaseDatabaseWrapper) -> Iterator[Any]:
        """As pre_save and then get_db_prep_save of each row. A value that many rows share is checked once."""
        known: dict[int, tuple[Any, Any, Any]] = {}  # by identity: as sent, as checked, as stored
        for row in rows:
            value = getattr(row, self.attname)
            prepared = known.get(id(value))
            if prepared is None:
                checked = self.pre_save(row, True)
                prepared = value, checked, super().get_db_prep_save(checked, connection)
                if len(known) < MOST_KNOWN:
                    known[id(value)] = prepared
            elif prepared[1] is not value:
                setattr(row, self.attname, prepared[1])
            yield prepared[2]
