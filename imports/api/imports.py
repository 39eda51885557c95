"""The API of imports: a file is sent, its preview is looked at and answered, and then it is committed, or undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from imports.api.serializers import (
    CommittedImportSerializer,
    ImportOptionsSerializer,
    ImportRowsSerializer,
    ImportSerializer,
    NewImportSerializer,
    UndoImportSerializer,
    UndoneImportSerializer,
)
from imports.api.shown import committed_as_json, row_as_json, undone_as_json
from imports.models import Import
from imports.services.blocks import rows_after
from imports.services.drafts import Draft
from imports.services.planning.outcomes import OUTCOMES, ROW_TYPES
from imports.services.previews import (
    Upload,
    change_options,
    create_import,
    delete_import,
    plan_change,
    plan_import,
)
from imports.services.writing.commits import commit_import
from imports.services.writing.hidden_values import HiddenValues, source_of, values_hidden
from imports.services.writing.undoing import Compared, compare, undo_import
from portfolios.models import Portfolio
from strata.api.history import HistoryMixin
from strata.api.http.parsers import read_json
from strata.api.pagination import LARGEST_PAGE_SIZE, USUAL_PAGE_SIZE, CursorPaginator
from strata.api.parameters import KNOWN_AT, Parameter, choice_filter, id_filter, whole_number
from strata.api.undo import EmptySerializer
from strata.api.viewsets import DeleteMixin, HouseholdViewSet, ListMixin
from strata.tenancy.querysets import require_visible
from strata.tenancy.writes import Service


def choices_of(names: tuple[str, ...], about: str) -> Parameter:
    """Some of these choices; repeated ones mean "or". It filters no queryset."""
    declared = choice_filter("", names, about)
    return Parameter(declared.read, None, declared.schema, about)


def read_cursor(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise serializers.ValidationError("Follow `next` of the answer before.")
    return int(text)


ROW_PARAMETERS = {
    "outcome": choices_of(OUTCOMES, "With this outcome."),
    "row_type": choices_of(ROW_TYPES, "That become rows of this type, or would have."),
    "cursor": Parameter(
        read_cursor, None, {"type": "string"}, "Where the page begins: follow `next`.", many=False
    ),
    "page_size": whole_number(LARGEST_PAGE_SIZE, "How many rows a page has: 50 where it is left out."),
}


class ImportViewSet(DeleteMixin, HistoryMixin, mixins.RetrieveModelMixin, ListMixin, HouseholdViewSet):
    resource_name = "import"
    queryset = Import.objects.select_related("created_by")
    service = Service(delete=delete_import)
    serializer_class = ImportSerializer
    pagination_class = CursorPaginator
    cursor_fields = ("id",)
    parameters = {
        "portfolio": id_filter("portfolio", "Into this portfolio, by id."),
        "status": choice_filter("status", Import.Status.values, "With this status."),
        "known_at": KNOWN_AT,
    }

    def is_prepared(self) -> bool:
        return False  # rows of a list are read with their authors

    def get_parsers(self) -> list[BaseParser]:
        """A new import is sent as parts, everything else as JSON."""
        method = (getattr(self.request, "method", None) or "").lower()
        name = getattr(self, "action_map", {}).get(method, getattr(self, "action", None))
        return [MultiPartParser()] if name == "create" else super().get_parsers()

    planned: Callable[[], tuple[Any, Draft]]  # what was sent, and what becomes of it

    # --- a file is read before the transaction, so that nobody waits for it ---

    def before_transaction(self, request: Request) -> None:
        if self.action == "create":
            self.planned = attempted(self.plan_import)
        elif self.action == "partial_update":
            self.planned = attempted(self.plan_change)
        elif self.action == "commit":
            self.hidden = attempted(self.hide_values)
        elif self.action == "undo":
            self.compared = attempted(self.compare)

    def plan_import(self) -> tuple[Upload, Draft]:
        serializer = NewImportSerializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        sent: Mapping[str, Any] = serializer.validated_data
        require_visible(Portfolio, self.request.user, sent["portfolio_id"])
        upload = Upload(
            sent["portfolio_id"],
            data=sent["file"].read(),
            file_name=sent["file"].name or "",
            format_name=sent.get("format"),
            options=options_in(sent.get("options")),
        )
        return upload, plan_import(upload, precondition=self.require_writer)

    def plan_change(self) -> tuple[dict[str, Any], Draft]:
        self.require_visible()
        serializer = ImportOptionsSerializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = serializer.validated_data["options"]
        return changes, plan_change(self.row_id(), changes, precondition=self.precondition)

    hidden: Callable[[], HiddenValues | None]  # what was written of a large import before its commit

    def wrap_handler(self, handler: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Around all attempts: what was hidden and not shown is removed after the last one."""
        write = super().wrap_handler(handler)

        def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with ExitStack() as self.until_the_end:
                return write(request, *args, **kwargs)

        return handle if self.action == "commit" else write

    def hide_values(self) -> HiddenValues | None:
        self.require_visible()
        source = source_of(self.row_id(), precondition=self.precondition)
        return self.until_the_end.enter_context(values_hidden(source))

    compared: Callable[[], Compared | None]  # what there is of an import that is undone

    def compare(self) -> Compared | None:
        self.require_visible()
        return compare(self.row_id())

    def require_writer(self, portfolio: Portfolio) -> None:
        self.require_write_role(portfolio, "portfolio")

    @extend_schema(request={"multipart/form-data": NewImportSerializer}, responses={201: ImportSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        upload, draft = self.planned()
        row = create_import(upload, draft=draft, precondition=self.require_writer)
        response = self.respond_with(row, status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path.rstrip('/')}/{row.pk}")
        return response

    @extend_schema(request=ImportOptionsSerializer, responses=ImportSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        changes, draft = self.planned()
        row = change_options(self.row_id(), changes, draft=draft, precondition=self.precondition)
        return self.respond_with(row)

    @extend_schema(responses=ImportRowsSerializer)
    @action(detail=True, parameters=ROW_PARAMETERS, has_etag=False)
    def rows(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        parameters = self.read_parameters()
        size = parameters.get("page_size", [USUAL_PAGE_SIZE])[0]
        after = parameters.get("cursor", [0])[0]
        wanted = parameters.get("outcome", []), parameters.get("row_type", [])
        records = rows_after(row.pk, after, size + 1, *wanted)
        url = remove_query_param(request.build_absolute_uri(), "cursor")
        has_more = len(records) > size
        return Response(
            {
                "next": replace_query_param(url, "cursor", records[size - 1]["n"]) if has_more else None,
                "previous": None,
                "results": [row_as_json(record) for record in records[:size]],
            }
        )

    @extend_schema(request=EmptySerializer, responses=CommittedImportSerializer)
    @action(detail=True, methods=["post"], parameters={})
    def commit(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_visible()
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        row = commit_import(self.row_id(), hidden=self.hidden(), precondition=self.precondition)
        return Response(committed_as_json(row))

    @extend_schema(request=UndoImportSerializer, responses=UndoneImportSerializer)
    @action(detail=True, methods=["post"], parameters={})
    def undo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_visible()
        serializer = UndoImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        force: bool = serializer.validated_data["force"]
        row = undo_import(self.row_id(), force=force, before=self.compared(), precondition=self.precondition)
        return Response(undone_as_json(row))


def attempted[Result](work: Callable[[], Result]) -> Callable[[], Result]:
    """Do the work; the function that is returned gives its result, or raises what it has raised."""
    try:
        result = work()
    except Exception as error:
        refused = error

        def refuse() -> Result:
            raise refused

        return refuse
    return lambda: result


def options_in(text: str | None) -> Any:
    """The options of a multipart body: JSON as text."""
    if not text:
        return {}
    try:
        return read_json(text)
    except ParseError:
        raise serializers.ValidationError({"options": "Send JSON."}) from None
