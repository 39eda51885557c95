"""Query parameters, as views declare them. Each is checked, repeated ones mean "or", unknown ones are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import OrderBy
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, filters
from rest_framework.request import Request

from strata.api.fields import (
    CurrencySerializerField,
    DaySerializerField,
    InstantSerializerField,
    UUIDSerializerField,
    checked,
)
from strata.db.empty_last import directed
from strata.fields.currencies import CURRENCY_PATTERN
from strata.fields.names import NAME_LENGTH, NAME_PATTERN, validate_name
from strata.fields.search import matching


@dataclass(frozen=True)
class Parameter:
    """One query parameter: how its text is read, and how it filters a queryset (`apply`, None for no filter)."""

    read: Callable[[str], Any]
    apply: Callable[[Any, list[Any], Any], QuerySet[Any]] | None = None
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    about: str = ""
    many: bool = True


def read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise exceptions.ValidationError("Send true or false.")
    return text == "true"


def read_flag(text: str) -> bool:
    """A flag of a report: 1 or true."""
    return read_bool({"1": "true", "0": "false"}.get(text, text))


FLAG = {"type": "string", "enum": ["1", "true", "0", "false"]}


def read_text(text: str) -> str:
    return checked(validate_name, text)


UUID_SCHEMA = {"type": "string", "format": "uuid"}
CURRENCY_SCHEMA = {"type": "string", "pattern": CURRENCY_PATTERN}
TEXT = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH, "pattern": NAME_PATTERN}


def id_filter(lookup: str, about: str = "") -> Parameter:
    return Parameter(
        UUIDSerializerField().to_internal_value,
        lambda rows, values, view: rows.filter(**{f"{lookup}__in": values}),
        UUID_SCHEMA,
        about,
    )


def day_filter(lookup: str, about: str = "") -> Parameter:
    return Parameter(
        DaySerializerField().to_internal_value,
        lambda rows, values, view: rows.filter(**{lookup: values[0]}),
        {"type": "string", "format": "date"},
        about,
        many=False,
    )


def choice_filter(lookup: str, choices: Any, about: str = "") -> Parameter:
    def read(text: str) -> str:
        if text not in choices:
            raise exceptions.ValidationError(f"Send one of {', '.join(choices)}.")
        return text

    return Parameter(
        read,
        lambda rows, values, view: rows.filter(**{f"{lookup}__in": values}),
        {"type": "string", "enum": list(choices)},
        about,
    )


def choice(choices: Any, about: str = "") -> Parameter:
    """One of the given words. For reports: it filters no queryset."""
    return Parameter(
        choice_filter("", choices).read, None, {"type": "string", "enum": list(choices)}, about, many=False
    )


def whole_number(most: int, about: str = "", *, least: int = 1) -> Parameter:
    """A number from `least` to `most`. For reports: it filters no queryset."""

    def read(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not least <= number <= most:
            raise exceptions.ValidationError(f"Send a whole number from {least} to {most}.")
        return number

    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Parameter(read, None, schema, about, many=False)


def currency_filter(
    lookup: str = "currency", about: str = "In this currency: a code of ISO 4217."
) -> Parameter:
    return Parameter(
        CurrencySerializerField().to_internal_value,
        lambda rows, values, view: rows.filter(**{f"{lookup}__in": values}),
        CURRENCY_SCHEMA,
        about,
    )


def currency_code(about: str) -> Parameter:
    """A currency. For reports: it filters no queryset."""
    return Parameter(CurrencySerializerField().to_internal_value, None, CURRENCY_SCHEMA, about, many=False)


def code_filter(lookup: str) -> Parameter:
    """Exactly these codes."""
    return Parameter(
        read_text,
        lambda rows, values, view: rows.filter(**{f"{lookup}__in": values}),
        TEXT,
        "Exactly this code.",
    )


def search_filter(*lookups: str) -> Parameter:
    """Text in any of the fields, in any case. Every word must be found (strata.fields.search)."""

    def apply(rows: QuerySet[Any], values: list[str], view: Any) -> QuerySet[Any]:
        return matching(rows, lookups, values[0].split())

    return Parameter(read_text, apply, TEXT, "Text to look for.", many=False)


ON = Parameter(
    DaySerializerField().to_internal_value,
    schema={"type": "string", "format": "date"},
    about="Answers as of that day instead of today.",
    many=False,
)


LOST_PLUS = re.compile(r"(.*[0-9]) ([0-9]{2}:?[0-9]{2})", re.DOTALL)


def read_instant(text: str) -> datetime:
    """An instant in a query string, where a + that is not written as %2B has become a space."""
    field = InstantSerializerField()
    try:
        return field.to_internal_value(text)
    except exceptions.ValidationError:
        if (parts := LOST_PLUS.fullmatch(text)) and field.spelling.fullmatch(f"{parts[1]}+{parts[2]}"):
            raise exceptions.ValidationError(
                "A + in a query means a blank. Write %2B for it, as in 2026-01-31T18:30:00%2B02:00."
            ) from None
        raise


def read_past(text: str) -> datetime:
    """An instant with an offset, not in the future."""
    instant = read_instant(text)
    if instant.tzinfo is None:
        raise exceptions.ValidationError("Send a time with its offset from UTC, such as Z.")
    if instant > timezone.now():
        raise exceptions.ValidationError("It is in the future: nothing is known yet.")
    return instant.astimezone(UTC)


KNOWN_AT = Parameter(
    read_past,
    schema={"type": "string", "format": "date-time"},
    about="Answers with what was known at that instant: as this request was answered then.",
    many=False,
)


ORDERING = {
    "name": "ordering",
    "in": "query",
    "required": False,
    "description": (
        "By which field the rows are ordered; with - before it the other way round. Rows without a value come last."
    ),
}


def is_ordered_by(request: Request, name: str) -> bool:
    """Whether `?ordering=` has this name, in either direction."""
    return name in request.query_params.get("ordering", "").replace("-", "").split(",")


class DeclaredFilters(filters.BaseFilterBackend):
    """Reads `view.parameters` and `view.orderings` ({name: fields, with blanks between them})."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        for name, values in view.read_parameters().items():
            parameter = view.declared_parameters()[name]
            if parameter.apply:
                queryset = parameter.apply(queryset, values, view)
        return self.ordered(request, queryset, view)

    def ordered(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        wanted = request.query_params.get("ordering")
        if wanted is None or not view.orderings:
            return queryset
        fields: list[str | OrderBy] = []
        for name in wanted.split(","):
            if name.lstrip("-") not in view.orderings or name.count("-") > 1:
                choices = ", ".join(view.orderings)
                raise exceptions.ValidationError(
                    {"ordering": f"Send one of {choices}, with - before it to reverse."}
                )
            columns = view.orderings[name.lstrip("-")].split()
            fields += [directed(queryset, column, descending=name.startswith("-")) for column in columns]
        return queryset.order_by(*fields, "id")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": parameter.about,
                "schema": schema_of(parameter),
                **({"explode": True} if parameter.many else {}),
            }
            for name, parameter in view.declared_parameters().items()
        ]
        if view.orderings:
            names = [sign + name for name in view.orderings for sign in ("", "-")]
            schema = {"type": "string", "enum": names}
            shown.append({**ORDERING, "schema": schema})
        return shown


def schema_of(parameter: Parameter) -> dict[str, Any]:
    return {"type": "array", "items": parameter.schema} if parameter.many else parameter.schema


def described(parameters: dict[str, Parameter]) -> list[OpenApiParameter]:
    """The OpenAPI parameters of a view that is not a list."""
    return [
        OpenApiParameter(
            name,
            schema_of(parameter),
            description=parameter.about,
            explode=True if parameter.many else None,
        )
        for name, parameter in parameters.items()
    ]


def read_parameters(request: Any, declared: dict[str, Parameter], also: set[str]) -> dict[str, list[Any]]:
    """The values of the declared parameters; 400 for an unknown name, a bad value, or a repeated single one."""
    read: dict[str, list[Any]] = {}
    errors: dict[str, Any] = {}
    for name in request.query_params:
        texts = request.query_params.getlist(name)
        if name not in declared:
            if name not in also:
                errors[name[:100]] = "There is no such parameter."
            elif len(texts) > 1:
                errors[name] = "Send it once."
            continue
        if len(texts) > 1 and not declared[name].many:
            errors[name] = "Send it once."
            continue
        try:
            read[name] = [declared[name].read(text) for text in texts]
        except exceptions.ValidationError as error:
            errors[name] = error.detail
    if errors:
        raise exceptions.ValidationError(errors)
    return read
