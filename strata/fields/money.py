"""The model fields for amounts and for exact numbers. Nothing here uses float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, NoReturn

from django import forms
from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, Avg, Field, Lookup, Max, Min, Model, StdDev, Variance
from django.db.models.expressions import Combinable, register_combinable_fields
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Range,
)
from django.db.models.sql.compiler import SQLCompiler
from django.utils.functional import cached_property
from django.utils.translation import gettext

from strata.db.typed import Get, Set
from strata.fields.active_formats import UncertainNumber, amount_text, number_text, read_number
from strata.fields.base import ValidatedField
from strata.fields.currencies import currency_codes, minor_units
from strata.fields.numbers import (
    EXACT,
    EXACT_DIGITS,
    EXACT_PLACES,
    MONEY_DIGITS,
    MONEY_PLACES,
    exact,
    money_text,
    plain,
)

MOST_UNITS = 10 ** (MONEY_DIGITS + MONEY_PLACES)
SMALLEST_AMOUNT = Decimal(1).scaleb(-MONEY_PLACES)


class NumberFormField(forms.DecimalField):
    """The admin's input for an exact number, in the user's format.

    For an amount `currency` is called when the number is read or shown; elsewhere it is "". The text that the form
    showed is read as the number that is stored, whatever else it could mean (`keep`). Where the text has two readings,
    the widget gets the question (strata.admin.user_formats.widgets), and its answer comes as an AnsweredNumber.
    """

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def __init__(self, *, digits: int, places: int, is_amount: bool = False, **kwargs: Any) -> None:
        self.digits, self.places, self.is_amount = digits, places, is_amount
        self.currency: Callable[[], str] = lambda: ""
        self.kept: tuple[str, Decimal] | None = None
        super().__init__(**kwargs)

    def keep(self, stored: Decimal) -> None:
        self.kept = self.show(stored), stored

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as Django's DecimalField
        if isinstance(value, str) and value.strip():
            value = self.read(value)
        elif value in self.empty_values or isinstance(value, str):
            return None
        return exact(value, digits=self.digits, places=self.places)

    def read(self, text: str) -> Decimal:
        if self.kept and text.strip() == self.kept[0]:
            return self.kept[1]
        currency = self.currency()
        places = min(self.places, minor_units(currency)) if currency in currency_codes() else self.places
        try:
            return read_number(text, places, currency)
        except UncertainNumber as uncertain:
            readings = uncertain.question.readings
            if isinstance(text, AnsweredNumber) and text.reading in map(plain, readings):
                return Decimal(text.reading)
            self.widget.readings = [(plain(number), self.show(number)) for number in readings]  # type: ignore[attr-defined]
            raise

    def show(self, number: Decimal) -> str:
        return amount_text(number, self.currency()) if self.is_amount else number_text(number)

    def prepare_value(self, value: Any) -> Any:
        return self.show(value) if isinstance(value, Decimal) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """The text that was shown may have two readings, so it is compared first."""
        is_kept = self.kept is not None and (data or "").strip() == self.kept[0]
        return not is_kept and super().has_changed(initial, data)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}


class AnsweredNumber(str):
    """What somebody typed, and which of its readings they meant, in plain digits."""

    reading: str


def units_of(amounts: Sequence[Any]) -> list[int] | None:
    """Amounts in ten-thousandths; None where not all of them are Decimals that can be stored as they are."""
    units: list[int] = []
    for amount in amounts:
        if type(amount) is not Decimal or amount.adjusted() >= MONEY_DIGITS:  # 1E999999 has a million digits
            return None
        try:
            scaled = EXACT.scaleb(amount, MONEY_PLACES)
            number = int(scaled)
        except (ArithmeticError, ValueError):  # too many digits, infinite, or no number
            return None
        if number != scaled or not -MOST_UNITS < number < MOST_UNITS:
            return None
        units.append(number)
    return units


class NumberField(ValidatedField[Set, Get]):
    """The base of both number fields. It is not an IntegerField or DecimalField on purpose.

    So `F("value") * 2` has no type and is refused. Otherwise the stored integer would be returned unscaled.
    """

    digits: int
    places: int
    # What mypy's plugin for Django reads: the types that a field takes, gives and is looked up by.
    _pyi_private_set_type: Decimal | int | str | Combinable
    _pyi_private_get_type: Decimal
    _pyi_lookup_exact_type: Decimal | int | str
    empty_strings_allowed = False

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or value == "":
            return None
        return exact(value, digits=self.digits, places=self.places)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if hasattr(value, "as_sql"):
            require_same_scale(value, self)
        return super().get_db_prep_save(value, connection)

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else COMPARISONS.get(lookup_name)

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        wanted = {"form_class": NumberFormField, "digits": self.digits, "places": self.places, **kwargs}
        return super().formfield(**wanted)

    def value_to_string(self, obj: Model) -> str | None:  # type: ignore[override]  # None is stored as null
        value: Any = self.value_from_object(obj)
        return None if value is None else plain(value)


def require_same_scale(expression: Any, field: Field[Any, Any]) -> None:
    """Refuse an SQL expression of another type than `field`: they may have different scales."""
    expression_field = getattr(expression, "output_field", field)
    if not isinstance(expression_field, type(field)) and not isinstance(field, type(expression_field)):
        raise FieldError(
            f"{type(field).__name__} and {type(expression_field).__name__} do not mix in SQL: calculate in Python."
        )


class SameScale(Lookup):
    """A comparison in SQL of a number with values, or with expressions of the same type."""

    def get_prep_lookup(self) -> Any:
        for side in self.rhs if isinstance(self.rhs, list | tuple | set) else (self.rhs,):
            if hasattr(side, "resolve_expression"):
                require_same_scale(side, self.lhs.output_field)
        return super().get_prep_lookup()


COMPARISONS = {
    lookup.lookup_name: type(f"Number{lookup.__name__}", (SameScale, lookup), {})
    for lookup in (Exact, In, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual, Range)
}


class MoneyField(NumberField[Set, Get]):
    """An amount: |value| < 10**14 with at most 4 decimal places, stored as a BIGINT of 1/10,000 units.

    Comparisons, `in`, `range`, ordering, Sum, Min, Max and the sum or difference of two amounts are exact in
    SQL, on both databases. Products, Avg, StdDev and Variance are refused: calculate in Python. A constant in
    SQL is `Value(Decimal("1.50"), MoneyField())`. BIGINT ends at 9.2 * 10**14. Beyond that a Sum on SQLite, and on
    both databases a sum of more than nine columns, raises an error. Where users choose the values, use MoneySum, or
    exact_total in Python.
    """

    description = "Amount of money"
    digits, places = MONEY_DIGITS, MONEY_PLACES

    def get_internal_type(self) -> str:
        return "MoneyField"  # not BigIntegerField: Django would convert results of expressions to int

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "bigint"

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        column = connection.ops.quote_name(str(self.column))
        most = 10 ** (self.digits + self.places) - 1
        check = f"{column} BETWEEN -{most} AND {most}"
        if connection.vendor == "sqlite":
            check += f" AND typeof({column}) IN ('integer', 'null')"
        return check

    def to_python(self, value: Any) -> Decimal | None:
        value = super().to_python(value)
        return value if value is None else value.quantize(SMALLEST_AMOUNT, context=EXACT)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        amount = self.to_python(value)
        return None if amount is None else int(amount.scaleb(MONEY_PLACES))

    def checked_as_stored(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else int(value.scaleb(MONEY_PLACES))

    def stored_column(self, rows: Sequence[Model], connection: BaseDatabaseWrapper) -> list[Any]:
        """The same in a third of the time where all values are amounts that need no look at their digits."""
        values = list(map(attrgetter(self.attname), rows))
        units = None if self.validators else units_of(values)
        if units is None:
            return super().stored_column(rows, connection)
        for row, number in zip(rows, units, strict=True):
            setattr(row, self.attname, Decimal(number).scaleb(-MONEY_PLACES, EXACT))
        return units

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        if value is None:
            return None
        inexact = isinstance(value, float) or isinstance(expression, Avg | StdDev | Variance)
        if inexact or value != (units := int(value)):
            raise FieldError(
                "SQL has no exact average of money: fetch the sum and the count, and divide in Python."
            )
        return Decimal(units).scaleb(-MONEY_PLACES, EXACT)

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**{"is_amount": True, **kwargs})

    def value_to_string(self, obj: Model) -> str | None:  # type: ignore[override]  # None is stored as null
        value: Any = self.value_from_object(obj)
        return None if value is None else money_text(value)


for _operator in (Combinable.ADD, Combinable.SUB):
    register_combinable_fields(MoneyField, _operator, MoneyField, MoneyField)


class MoneyTotalField(MoneyField[Set, Get]):
    """The result of MoneySum. On SQLite the sums of the high and of the low halves are joined here."""

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        if isinstance(value, str):
            high, low = value.split("|")
            value = int(high) * MoneySum.HALF + int(low)
        return super().from_db_value(value, expression, connection)

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class MoneySum(Aggregate):
    """SUM of a money column that cannot overflow. Only for reading: filters refuse it, and it would sort as text.

    PostgreSQL adds BIGINTs as numeric. SQLite's SUM fails beyond 2**63, so there each half is added separately. The
    argument is in the SQL twice, so it must be a column: add up the results of subqueries in Python.
    """

    function = "SUM"
    name = "MoneySum"
    HALF = 10**8

    def __init__(self, expression: Any) -> None:
        super().__init__(expression)

    def _resolve_output_field(self) -> MoneyTotalField[Any, Any]:
        (column,) = (field for field in self.get_source_fields() if field is not None)
        if not isinstance(column, MoneyField):
            raise FieldError("MoneySum adds up money.")
        return MoneyTotalField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return f"(SUM({sql} / {self.HALF}) || '|' || SUM({sql} %% {self.HALF}))", (*params, *params)


class OnPostgreSQLOnly(Lookup):
    """A comparison that is refused on SQLite, because there it would compare text: '9' > '10'."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> NoReturn:
        raise NotSupportedError(
            f"SQLite cannot compare exact numbers with '{self.lookup_name}': compare in Python."
        )


def validate_non_negative(value: Decimal) -> None:
    if value < 0:
        raise ValidationError(gettext("Enter a number that is not negative."), code="negative")


def validate_positive(value: Decimal) -> None:
    if value <= 0:
        raise ValidationError(gettext("Enter a number greater than zero."), code="not_positive")


class ExactField(NumberField[Set, Get]):
    """A quantity, unit price or rate: |value| < 10**20 with at most 18 decimal places. The same Decimal is read back.

    The column is `numeric` on PostgreSQL, and on SQLite text in one canonical spelling, so that equality and `in` work
    on both. On SQLite <, >, range, Min and Max are refused. It would sort as text: sort in Python, and never use
    such a field in `order_by` (Meta.ordering is checked).

    The column's CHECK includes the sign. A later AlterField of `non_negative` or `positive` changes that CHECK only on
    SQLite, because Django only finds the checks of its own fields: write the one for PostgreSQL by hand.
    """

    description = "Exact number"
    digits, places = EXACT_DIGITS, EXACT_PLACES

    def __init__(self, *args: Any, non_negative: bool = False, positive: bool = False, **kwargs: Any) -> None:
        self.non_negative, self.positive = non_negative, positive
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for option in ("non_negative", "positive"):
            if getattr(self, option):
                kwargs[option] = True
        return name, path, args, kwargs

    @cached_property
    def validators(self) -> list[Callable[[Any], None]]:
        signs = [validate_positive] * self.positive + [validate_non_negative] * self.non_negative
        return [*super().validators, *signs]

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        ordering = {str(name).lstrip("-") for name in self.model._meta.ordering or ()}
        errors = super().check(**kwargs)
        if self.name in ordering:
            errors.append(checks.Error("SQLite cannot order by an ExactField.", obj=self, id="strata.E001"))
        return errors

    def get_internal_type(self) -> str:
        return "ExactField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text" if connection.vendor == "sqlite" else "numeric"

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        column = connection.ops.quote_name(str(self.column))
        if connection.vendor == "sqlite":
            return self._check_text(column)
        check = f"abs({column}) < 1e{EXACT_DIGITS} AND scale(trim_scale({column})) <= {EXACT_PLACES}"
        if self.positive:
            return f"{check} AND {column} > 0"
        return f"{check} AND {column} >= 0" if self.non_negative else check

    def _check_text(self, column: str) -> str:
        check = f"typeof({column}) IN ('text', 'null') AND {column} NOT GLOB '*[^0-9.-]*'"
        if self.positive or self.non_negative:
            check += f" AND {column} NOT GLOB '-*'"
        return f"{check} AND {column} <> '0'" if self.positive else check

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        number = self.to_python(value)
        return None if number is None else Decimal(plain(number))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        return plain(value) if isinstance(value, Decimal) and connection.vendor == "sqlite" else value

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        if value is None:
            return None
        if connection.vendor == "sqlite" and (
            not isinstance(value, str) or isinstance(expression, Max | Min)
        ):
            raise NotSupportedError("SQLite cannot calculate with exact numbers: calculate in Python.")
        return Decimal(plain(Decimal(value)))

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        lookup = super().get_lookup(lookup_name)
        if lookup is None or lookup_name in ("exact", "in", "isnull"):
            return lookup
        return type(f"Exact{lookup.__name__}", (OnPostgreSQLOnly, lookup), {})
