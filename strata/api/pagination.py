"""Pages with a count for most lists, cursors for long lists (snapshots, transactions, history), pieces for CSV."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from rest_framework import exceptions, pagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from strata.fields.dates import parse_day, validate_instant

USUAL_PAGE_SIZE, LARGEST_PAGE_SIZE = 50, 200  # rows
FAR = 10**9  # rows; an offset must fit into 64 bits


def whole_number(request: Any, name: str, *, default: int, most: int | None = None) -> int:
    """An integer query parameter from 1. Raises a ValidationError with its name."""
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 40 else 0
    if number < 1 or (most and number > most):
        limit = f"from 1 to {most}" if most else "from 1"
        raise exceptions.ValidationError({name: f"Send a whole number {limit}."})
    return number


def counting(name: str, about: str, most: int | None = None) -> dict[str, Any]:
    """The schema of such a parameter."""
    schema = {"type": "integer", "minimum": 1} | ({"maximum": most} if most else {})
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


ABOUT_PAGE = "Which page, from 1."
ABOUT_PAGE_SIZE = (
    f"How many rows a page has: {USUAL_PAGE_SIZE} where it is left out, at most {LARGEST_PAGE_SIZE}."
)
CURSOR = {
    "name": "cursor",
    "in": "query",
    "required": False,
    "description": "Where the page begins: follow `next` and `previous` of the answer before.",
    "schema": {"type": "string"},
}


def page_schema(results: dict[str, Any], **others: Any) -> dict[str, Any]:
    """The schema of a page: its rows, and links to the next and the previous page."""
    link = {"type": ["string", "null"], "format": "uri"}
    properties = {**others, "next": link, "previous": link, "results": results}
    return {"type": "object", "required": list(properties), "properties": properties}


class PageNumberPaginator(pagination.PageNumberPagination):
    page_size = USUAL_PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST_PAGE_SIZE
    parameters = ("page", "page_size")

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [counting("page", ABOUT_PAGE), counting("page_size", ABOUT_PAGE_SIZE, most=LARGEST_PAGE_SIZE)]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema, count={"type": "integer"})

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        """Reads one row more than a page has. Without that row this is the last page, and no COUNT is needed."""
        self.request = request
        size, number = self.get_page_size(request), self.get_page_number(request, None)
        start = (number - 1) * size
        if start > FAR:
            return super().paginate_queryset(queryset, request, view)
        rows = list(queryset[start : start + size + 1])
        if not rows and number > 1:
            # It counts, and refuses a page beyond the last one.
            return super().paginate_queryset(queryset, request, view)
        paginator = self.django_paginator_class(queryset, size)
        if len(rows) <= size:
            paginator.count = start + len(rows)
        self.page = Page(rows[:size], number, paginator)
        return rows[:size]

    def in_order(self, queryset: Any, view: Any) -> Any:
        return queryset

    def get_page_size(self, request: Request) -> int:
        return whole_number(request, "page_size", default=USUAL_PAGE_SIZE, most=LARGEST_PAGE_SIZE)

    def get_page_number(self, request: Request, paginator: Paginator[Any] | None) -> int:
        return whole_number(request, "page", default=1)


class CursorPaginator(pagination.BasePagination):
    """`{next, previous, results}`, newest first, by the fields that the view names in `cursor_fields`.

    The cursor holds the fields of the row where a page ends, so that new rows cause no gaps and no repetitions.
    """

    parameters = ("cursor", "page_size")
    cursor_query_param = "cursor"

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        self.request, self.fields = request, self.fields_of(view)
        size = whole_number(request, "page_size", default=USUAL_PAGE_SIZE, most=LARGEST_PAGE_SIZE)
        backwards, place = self.read_cursor()
        sign = "" if backwards else "-"
        rows = queryset.order_by(*(f"{sign}{field}" for field in self.fields))
        if place:
            rows = rows.filter(self.beyond(place, "gt" if backwards else "lt"))
        rows = self.narrowed(rows, size + 1, view, newest_first=not backwards)
        fetched = list(rows[: size + 1])
        more, page = len(fetched) > size, fetched[:size]
        if backwards:
            page.reverse()
        self.next_link = self.link(page, -1, backwards=False) if page and (more or backwards) else None
        self.previous_link = (
            self.link(page, 0, backwards=True) if page and place and (more or not backwards) else None
        )
        return page

    def narrowed(self, rows: Any, number: int, view: Any, *, newest_first: bool) -> Any:
        """The rows without some that are not among the first `number` of them: overridden where that is faster."""
        return rows

    def in_order(self, queryset: Any, view: Any) -> Any:
        """The rows, newest first."""
        return queryset.order_by(*(f"-{field}" for field in self.fields_of(view)))

    def fields_of(self, view: Any) -> tuple[str, ...]:
        fields: tuple[str, ...] = view.cursor_fields
        return fields

    def beyond(self, place: list[Any], comparison: str) -> Q:
        """The rows after `place` in the order of the fields, like a row comparison in SQL."""
        condition, same = Q(), Q()
        for field, value in zip(self.fields, place, strict=True):
            condition |= same & Q(**{f"{field}__{comparison}": value})
            same &= Q(**{field: value})
        return condition

    def link(self, page: list[Any], index: int, *, backwards: bool) -> str:
        values = [self.json_value(getattr(page[index], field)) for field in self.fields]
        packed = base64.urlsafe_b64encode(json.dumps([backwards, values]).encode()).decode()
        url = remove_query_param(self.request.build_absolute_uri(), "cursor")
        return replace_query_param(url, "cursor", packed)

    def json_value(self, value: Any) -> Any:
        return (
            value.isoformat()
            if hasattr(value, "isoformat")
            else value
            if isinstance(value, int)
            else str(value)
        )

    def read_cursor(self) -> tuple[bool, list[Any]]:
        text = self.request.query_params.get("cursor")
        if text is None:
            return False, []
        try:
            backwards, values = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            if type(backwards) is not bool or type(values) is not list:
                raise TypeError(text)
            return backwards, [self.checked(f, v) for f, v in zip(self.fields, values, strict=True)]
        except (ValueError, TypeError, RecursionError, DjangoValidationError) as error:
            raise exceptions.ValidationError({"cursor": "Use a link from the answer before."}) from error

    def checked(self, field: str, value: Any) -> Any:
        """The field's value from what `json_value` returned. Raises for any other content of the JSON."""
        if field == "position":
            if type(value) is not int or not 0 <= value < 2**31:
                raise ValueError(value)
            return value
        if type(value) is not str:
            raise TypeError(value)
        if field == "id":
            return UUID(value)
        return parse_day(value) if field == "on" else self.moment(value)

    def moment(self, text: str) -> datetime:
        moment = parse_datetime(text)
        if moment is None or moment.tzinfo is None:
            raise ValueError(text)
        validate_instant(moment)
        return moment

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next_link, "previous": self.previous_link, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [CURSOR, counting("page_size", ABOUT_PAGE_SIZE, most=LARGEST_PAGE_SIZE)]


class JournalCursorPaginator(CursorPaginator):
    """Pages of the journal, ordered by the id of its entries. Entries that are packed into one share its id."""

    def fields_of(self, view: Any) -> tuple[str, ...]:
        return ("id", "object_id")

    def checked(self, field: str, value: Any) -> Any:
        if field == "object_id":
            return super().checked("id", value)
        if type(value) is not int or not 0 <= value < 2**63:
            raise ValueError(value)
        return value


PIECE = 500  # rows


class FirstPiece(pagination.BasePagination):
    """The first rows of a list in the order of its own paginator. `is_all` says whether there are more."""

    is_all = True
    parameters = ()

    def __init__(self, usual: Any) -> None:
        self.usual = usual

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        rows = list(self.usual.in_order(queryset, view)[: PIECE + 1])
        self.is_all = len(rows) <= PIECE
        return rows[:PIECE]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(data)


class EveryPiece(FirstPiece):
    """All rows of a list, a piece for each time that the list asks for a page.

    The first query orders their ids alone: SQLite sorts in memory, whole rows took 250 MB for 365,000 values.
    """

    pieces: Iterator[tuple[Any, ...]] | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        rows = self.usual.in_order(queryset, view)
        if self.pieces is None:
            self.pieces = batched(rows.values_list("pk", flat=True).iterator(chunk_size=PIECE), PIECE)
        ids = next(self.pieces, ())
        self.is_all = len(ids) < PIECE
        return list(rows.filter(pk__in=ids))
