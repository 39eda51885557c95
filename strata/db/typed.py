"""What mypy must know of our own model fields: the types that they take and give, as Django's own have in its stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import models

# As in the stubs, and written in the old way: semgrep cannot read strata/fields/names.py with `class NameField[...]`.
Set = TypeVar("Set", contravariant=True)
Get = TypeVar("Get", covariant=True)

if TYPE_CHECKING:

    class TypedField(models.Field[Set, Get]):
        """Comes before Django's own among a field's bases: an attribute of a row has the type `Get`."""

else:

    class TypedField[Taken, Given](models.Field):
        """Django's fields take no type arguments when the program runs."""
