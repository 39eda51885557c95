"""ValidatedField: save(), bulk_create() and update() refuse what clean() refuses."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, is_not
from typing import Any

from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from strata.db.bulk import converted
from strata.db.typed import Get, Set, TypedField


class ValidatedField(TypedField[Set, Get]):
    """Must be the first base class of a model field. Lookups are not checked: a filter may have any value."""

    def check_value(self, value: Any) -> Any:
        """`value` as it will be stored, or a ValidationError."""
        value = self.to_python(value)
        if value == "" and not self.blank:
            raise ValidationError(self.error_messages["blank"], code="blank")
        if self.validators:  # most numbers have none
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

    def stored_column(self, rows: Sequence[Model], connection: BaseDatabaseWrapper) -> list[Any]:
        """As pre_save and then get_db_prep_save of each row. A value that many rows share is checked once."""
        values = list(map(attrgetter(self.attname), rows))
        checked = converted(values, lambda value: None if value is None else self.check_value(value))
        if any(map(is_not, checked, values)):
            for row, value in zip(rows, checked, strict=True):
                setattr(row, self.attname, value)
        return converted(checked, lambda value: self.checked_as_stored(value, connection))

    def checked_as_stored(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """A value that `check_value` gave, as the database stores it."""
        return super().get_db_prep_save(value, connection)
