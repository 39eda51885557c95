"""The base of every view: checked parameters, `known_at`, one transaction for each write, idempotency, ETags, tables.

DRF calls one handler for a request, such as `post`. Each mixin may wrap it, by `wrap_handler`: the last one that wraps
runs first. `BaseAPIView` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strata.api.http import idempotency
from strata.api.http.csv_columns import Row, columns_of, csv_rows
from strata.api.http.etags import etag_of, is_fresh
from strata.api.http.replica_reads import PRIMARY_AWAY, STALE_HEADER, by_primary, by_standby
from strata.api.http.table_responses import FORMAT, TABLE_FORMATS, TABLES, ByParameter, table_response
from strata.api.pagination import EveryPiece, FirstPiece
from strata.api.parameters import Parameter, read_parameters
from strata.audit import actor
from strata.audit.point_in_time import as_known_at
from strata.db.consistent_read import consistent_read
from strata.db.retry import run_in_transaction
from strata.db.standby.reading import is_configured
from strata.exceptions import NotFound
from strata.fields.ids import CANONICAL_ID

if TYPE_CHECKING:
    _View = APIView
else:
    _View = object  # the mixins come before DRF's view among the bases of a view

type Handler = Callable[..., HttpResponseBase]


def path_id(text: str, resource_name: str) -> UUID:
    """The id in a path. Raises NotFound where it is not an id."""
    if not CANONICAL_ID.fullmatch(text):
        raise NotFound(resource_name)
    return UUID(text)


class HandlerMixin(_View):
    """Wraps the handler of the request, after DRF has checked who asks."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.user and request.user.is_authenticated:
            actor.identify(request.user)
        method = str(request.method).lower()
        if hasattr(self, method):
            # DRF calls what it finds there next.
            setattr(self, method, self.wrap_handler(getattr(self, method)))

    def wrap_handler(self, handler: Handler) -> Handler:
        return handler


class DeclaredParametersMixin(HandlerMixin):
    """Query parameters are declared in `parameters` and `orderings`; others are refused."""

    parameters: dict[str, Parameter] = {}
    orderings: dict[str, str] = {}
    is_list_action = False

    def wrap_handler(self, handler: Handler) -> Handler:
        self.read_parameters()
        return super().wrap_handler(handler)

    def read_parameters(self) -> dict[str, list[Any]]:
        """The checked query parameters of this request. Only lists have filters and pages."""
        also = {"ordering"} if self.orderings and self.is_list() else set()
        if self.is_list() and (paginator := getattr(self, "paginator", None)):
            also |= set(paginator.parameters)
        return read_parameters(self.request, self.declared_parameters(), also)

    def declared_parameters(self) -> dict[str, Parameter]:
        if self.is_list():
            return self.parameters
        return {name: parameter for name, parameter in self.parameters.items() if parameter.apply is None}

    def is_list(self) -> bool:
        """Whether the answer is a page of rows: the action `list`, and actions with `is_list_action=True`."""
        listed = getattr(self, "action", None) == "list" or self.is_list_action
        return listed and self.request.method in SAFE_METHODS

    @property
    def on(self) -> date | None:
        """The day of `?on=`, or None."""
        on: date | None = self.read_parameters().get("on", [None])[0]
        return on


class ReplicaMixin(HandlerMixin):
    """Reads are answered by the standby, where there is one; nobody waits for a primary that is away."""

    def wrap_handler(self, handler: Handler) -> Handler:
        if is_configured():
            reads = self.request.method in SAFE_METHODS
            handler = by_standby(self, handler) if reads else by_primary(handler)
        return super().wrap_handler(handler)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if is_configured() and getattr(getattr(request, "_auth", None), "is_stale", False):
            response[STALE_HEADER] = PRIMARY_AWAY
        return response


class PointInTimeMixin(DeclaredParametersMixin):
    """`?known_at=` answers with what was known at that instant."""

    def wrap_handler(self, handler: Handler) -> Handler:
        known_at = self.read_parameters().get("known_at")
        return super().wrap_handler(self.as_known_at(handler, known_at[0]) if known_at else handler)

    def as_known_at(self, handler: Handler, known_at: datetime) -> Handler:
        """No query follows the handler: DRF's answers hold their data."""
        if self.request.method not in SAFE_METHODS:
            raise serializers.ValidationError({"known_at": "The past can be read, and not written."})

        def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with as_known_at(known_at, request.user):
                return handler(request, *args, **kwargs)

        return handle


class AtomicWriteMixin(HandlerMixin):
    """Each write is one transaction, which begins again after a deadlock."""

    def wrap_handler(self, handler: Handler) -> Handler:
        if self.request.method in SAFE_METHODS:
            return super().wrap_handler(handler)

        def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self.before_transaction(request)
            attempt = self.reset_before(handler)
            return run_in_transaction(lambda: attempt(request, *args, **kwargs))

        return super().wrap_handler(handle)

    def before_transaction(self, request: Request) -> None:
        """For what takes long and writes nothing. What it refuses must be raised by the handler, and not here: a
        request that is sent again gets its first answer.
        """

    def reset_before(self, handler: Handler) -> Handler:
        """The handler, which resets the view's attributes first: an earlier attempt may have changed them."""
        untouched = dict(vars(self))

        def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self.__dict__ = dict(untouched)
            return handler(request, *args, **kwargs)

        return handle


class IdempotentMixin(AtomicWriteMixin):
    """A POST with an Idempotency-Key writes once, and so does another of `idempotent_methods`.

    The key's lock is outside the transaction, its row inside.
    """

    accepts_idempotency_key = True
    idempotent_methods: tuple[str, ...] = ("POST",)
    # Set by a write, a write in several households sets the second: whoever may no longer edit there gets no replay.
    idempotency_household_id: UUID | None = None
    idempotency_household_ids: frozenset[UUID] = frozenset()

    def keeps_answer(self, request: Request) -> bool:
        """Whether a request with a key gets the answer of the first one with that key."""
        return self.accepts_idempotency_key and request.method in self.idempotent_methods

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.idempotency_key = idempotency.key_of(request) if self.keeps_answer(request) else None
        if self.idempotency_key:  # before DRF parses the body
            self.request_digest = idempotency.request_digest(request)
        super().initial(request, *args, **kwargs)

    def wrap_handler(self, handler: Handler) -> Handler:
        key, user = self.idempotency_key, self.request.user
        if not key or not user.is_authenticated:
            return super().wrap_handler(handler)
        written_once = idempotency.run_once(self, handler, key, self.request_digest)
        return idempotency.hold_key(user, key, super().wrap_handler(written_once))


class ETagMixin(DeclaredParametersMixin):
    """The GET of a single row has an ETag, and is 304 for a caller who has this version."""

    has_etag = False

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        read = request.method in ("GET", "HEAD") and response.status_code == 200 and not self.is_list()
        if self.has_etag and read and "ETag" not in response and isinstance(response, Response):
            response["ETag"] = etag_of(response.data)
            if is_fresh(request, response["ETag"]):
                response.status_code, response.data = 304, None
        return response


class TableMixin(PointInTimeMixin):
    """Every list is a CSV and an XLSX too, of all rows that match: for their `Accept`, and for `?format=`.

    The list itself shows the rows, as for JSON: it is called once for each piece of the table. The first piece is made
    before the answer begins, so that errors are JSON. A longer table begins again in one snapshot, which lasts until
    the client has read all of it.
    """

    content_negotiation_class: type[BaseContentNegotiation] = ByParameter

    def get_renderers(self) -> list[BaseRenderer]:
        renderers: list[BaseRenderer] = super().get_renderers()
        return [*renderers, *(table() for table in TABLES)] if self.is_list() else renderers

    def declared_parameters(self) -> dict[str, Parameter]:
        return super().declared_parameters() | (FORMAT if self.is_list() else {})

    @property
    def table_format(self) -> str:
        """Of the answer, if it is a table; else empty."""
        wanted: str = self.request.accepted_renderer.format
        return wanted if wanted in TABLE_FORMATS else ""

    def read_table(self) -> dict[str, Any]:
        """How the table is written, for table_response. Empty for JSON, for which its parameters are refused."""
        asked = self.read_parameters()
        mark = asked.get("bom") == ["1"]
        if mark and not self.table_format:
            raise serializers.ValidationError({"bom": "It is only for CSV: send format=csv too."})
        if "columns" in asked and not self.table_format:
            raise serializers.ValidationError(
                {"columns": "It is only for CSV and XLSX: send format=csv or format=xlsx too."}
            )
        if not self.table_format:
            return {}
        return {"table_format": self.table_format, "columns": asked.get("columns", ()), "mark": mark}

    def wrap_handler(self, handler: Handler) -> Handler:
        if not self.is_list() or self.request.method == "OPTIONS":
            return super().wrap_handler(handler)
        table = self.read_table()
        return super().wrap_handler(self.as_table(handler, table) if table else handler)

    def as_table(self, handler: Handler, table: dict[str, Any]) -> Handler:
        view: Any = self  # with what a list has: a paginator and a serializer
        usual = view.paginator

        def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self.refuse_pages(usual.parameters)
            one_piece: Callable[[], Any] = partial(handler, request, *args, **kwargs)
            first = view._paginator = FirstPiece(usual)
            rows: Iterable[Row] = one_piece().data
            if not (first.is_all or request.method == "HEAD"):
                view._paginator = EveryPiece(usual)
                rows = self.every_row(one_piece, view._paginator)
            columns = columns_of(view.get_serializer())
            return table_response(csv_rows(columns, rows), name_of_path(request.path), **table)

        return handle

    def refuse_pages(self, names: Iterable[str]) -> None:
        sent = [name for name in names if name in self.request.query_params]
        if sent:
            raise serializers.ValidationError(dict.fromkeys(sent, "A table has all rows: leave it out."))

    def every_row(self, one_piece: Callable[[], Any], paginator: EveryPiece) -> Iterator[Row]:
        known_at = self.read_parameters().get("known_at")
        with as_known_at(known_at[0], self.request.user) if known_at else consistent_read():
            paginator.is_all = False
            while not paginator.is_all:
                yield from one_piece().data

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """An error is JSON, whatever format was requested."""
        if response.status_code >= 400 and hasattr(request, "accepted_renderer"):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


def name_of_path(path: str) -> str:
    """The name of a list's file: `assets-transactions` for /api/v1/assets/{id}/transactions."""
    segments = path.partition("/api/v1/")[2].split("/")
    return "-".join(segment for segment in segments if segment and not CANONICAL_ID.fullmatch(segment))


class BaseAPIView(TableMixin, ETagMixin, IdempotentMixin, PointInTimeMixin, ReplicaMixin):
    """Before DRF's view among the bases of every view.

    First DeclaredParametersMixin reads the query parameters. Then a request passes, from the outside in:

    1. ReplicaMixin: the standby, for a read.
    2. IdempotentMixin: the lock of its Idempotency-Key.
    3. AtomicWriteMixin: the transaction of a write, which may begin again.
    4. PointInTimeMixin: the view of the past, for a read.
    5. IdempotentMixin: the answer stored for the key, inside the transaction.
    6. TableMixin: one call of the list for each piece of a table.
    7. The view's own method.

    At last ETagMixin sets the ETag.
    """
