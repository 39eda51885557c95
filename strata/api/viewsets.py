"""The base of every resource of a household: shows its rows, and hands each write to the resource's service.

A write first looks whether the caller may see the row or the parent in the path (404): nobody locks, or waits for,
rows of others. The serializer checks the shape of the body (400). The service locks, and calls `precondition` back: the
caller's role (404, 403) and If-Match (412), which only count while the row is locked. Then the service checks what the
values mean (400, 404, 409), and writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import cached_property
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from strata.api.history import HistoryMixin
from strata.api.http.etags import etag_of, require_match
from strata.api.parameters import DeclaredFilters
from strata.api.reads import PlainList, can_be_prepared, read_row
from strata.api.serializers import HouseholdSerializer
from strata.api.views import BaseAPIView, path_id
from strata.exceptions import Conflict, Forbidden, NotFound
from strata.tenancy.querysets import Owned, is_visible, sees_rows
from strata.tenancy.roles import EDITORS, role_in
from strata.tenancy.writes import Service


class HouseholdViewSet(BaseAPIView, viewsets.GenericViewSet[Any]):
    """Rows of the caller's households. `resource_name` is their name in errors; `write_roles` may change them.

    The service locks a row, and calls `precondition` with it before it writes.
    """

    queryset: Any
    resource_name: str = "row"
    service = Service()
    has_etag = True
    write_roles: tuple[str, ...] = EDITORS
    filter_backends = (DeclaredFilters,)
    lookup_value_regex = "[^/]+"

    # --- read ---

    @classmethod
    def rows_for(cls, user: Any, **scope: Any) -> QuerySet[Any]:
        """The rows that the user may see, within the scope of a request."""
        rows: QuerySet[Any] = cls.queryset.all().for_user(user).filter(**scope)
        return rows

    @classmethod
    def columns_for_list(cls, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
        """The rows as a list reads them: models, unless a subclass overrides it to read only columns."""
        return rows

    @cached_property
    def scope(self) -> dict[str, Any]:
        """What every read of this request depends on besides the caller. Overridden where the path has a parent."""
        return {}

    @property
    def located(self) -> dict[str, Any]:
        """What the service is given besides the id of a row, to find it by: `within` of locked_row."""
        return {}

    def get_queryset(self) -> QuerySet[Any]:
        """Overridden where the rows depend on more than the scope, such as the action."""
        return self.rows_for(self.request.user, **self.scope)

    def is_prepared(self) -> bool:
        """Whether rows are read by the prepared queries of strata.api.reads.

        They know only `rows_for`, the caller and the scope: overriding `get_queryset` switches them off.
        """
        is_usual = type(self).get_queryset is HouseholdViewSet.get_queryset
        return is_usual and sees_rows(self.request.user) and can_be_prepared(self.scope)

    def get_object(self) -> Any:
        return self.get_row(self.row_id())

    def get_row(self, pk: UUID) -> Any:
        """The row as a GET shows it. Raises NotFound where the caller may not see it."""
        if self.is_prepared():
            row = read_row(type(self), self.request.user, pk, self.scope)
        else:
            row = self.get_queryset().filter(pk=pk).first()
        if row is None:
            raise NotFound(self.resource_name)
        return row

    def row_id(self) -> UUID:
        return path_id(self.kwargs["pk"], self.resource_name)

    def as_json(self, row: Any) -> Mapping[str, Any]:
        """The row as a GET shows it now."""
        data: Mapping[str, Any] = self.get_serializer(row).data
        return data

    def respond_with(self, row: Any, code: int = status.HTTP_200_OK) -> Response:
        data = self.as_json(row)
        return Response(data, status=code, headers={"ETag": etag_of(data)})

    # --- write ---

    def require_visible(self) -> None:
        """Raise NotFound for a row, or a parent in the path, that the caller may not see: before anything is locked."""
        columns = {field.attname for field in self.queryset.model._meta.concrete_fields}
        parents = {
            name: path_id(text, name.removesuffix("_id"))
            for name, text in self.kwargs.items()
            if name in columns
        }
        if not self.row_is_visible(self.row_id(), parents):
            raise NotFound(self.resource_name)

    def row_is_visible(self, pk: UUID, parents: Mapping[str, UUID]) -> bool:
        return is_visible(self.queryset.model, self.request.user, pk, **parents)

    def require_parents(self) -> None:
        """Raise NotFound for a parent in the path that the caller may not see. Overridden where the path has one."""

    def require_visible_references(self, changes: Mapping[str, Any]) -> None:
        """The same for the rows that an update would lock too. Overridden where it moves a row to another parent."""

    def create_row(self, values: dict[str, Any]) -> Any:
        """Create the row by the service. `values` are those that the serializer has accepted."""
        raise NotImplementedError

    def precondition(self, row: Owned) -> None:
        """Check the caller's role and If-Match against the locked row."""
        self.require_write_role(row)
        self.require_unchanged(row)

    def update_precondition(self, row: Owned, changes: Mapping[str, Any]) -> None:
        """The precondition of an update; overridden where it depends on the changes."""
        self.precondition(row)

    def require_write_role(self, row: Owned, resource_name: str | None = None) -> None:
        """Raises NotFound where the caller may not see the row, Forbidden where the caller may not change it."""
        household_id = row.owning_household_id()
        if household_id is None:  # shared by all households
            if not self.request.user.is_superuser:
                raise Forbidden
            return
        role = role_in(self.request.user, household_id)
        if role is None:
            raise NotFound(resource_name or self.resource_name)
        if role not in self.write_roles:
            raise Forbidden
        self.idempotency_household_id = household_id

    def require_unchanged(self, row: Any) -> None:
        """Compare If-Match with the ETag of the row's GET, for every action. A row that is created has no ETag yet."""
        if "pk" in self.kwargs:
            require_match(self.request, lambda: etag_of(self.as_json(row)))

    # --- errors ---

    def handle_exception(self, exc: Exception) -> Response:
        """Complete the exception, then answer it. The transaction is rolled back by now, so queries are possible."""
        if isinstance(exc, NotFound):
            exc = self.missing_parent() or exc
        if isinstance(exc, Conflict) and exc.existing_key is not None:
            row = self.get_queryset().filter(**exc.existing_key).first()
            if row is not None:
                exc.existing = self.id_and_link(row)
        return super().handle_exception(exc)

    def missing_parent(self) -> NotFound | None:
        """A parent in the path that is not found is named in place of the row, also where it has just been deleted."""
        try:
            self.require_parents()
        except NotFound as missing:
            return missing
        return None

    def id_and_link(self, row: Any) -> dict[str, str]:
        path = self.request.path.rstrip("/")
        rows = path.rpartition("/")[0] if "pk" in self.kwargs else path
        return {"id": str(row.pk), "link": self.request.build_absolute_uri(f"{rows}/{row.pk}")}


# Each mixin adds one action. They inherit from the base for its methods.


class ListMixin(HouseholdViewSet):
    """GET of the list: a page of rows."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.list_source())
        return self.get_paginated_response(self.page_as_json(page))

    def list_source(self) -> Any:
        """The filtered queryset; where nothing narrows or orders the list, a prepared query."""
        if self.is_plain_list() and self.is_prepared():
            return PlainList(type(self), self.request.user, self.scope)
        return self.columns_for_list(self.filter_queryset(self.get_queryset()))

    def is_plain_list(self) -> bool:
        """Whether it is the beginning of all rows in their usual order."""
        names = self.request.query_params.keys() - {"page_size"}
        filters = [self.parameters[name].apply for name in names & self.parameters.keys()]
        return not self.table_format and len(filters) == len(names) and not any(filters)

    def page_as_json(self, page: Any) -> Any:
        return self.get_serializer(page, many=True).data


class CreateMixin(HouseholdViewSet):
    """POST: 201 with the row as a GET shows it, and its URL in Location."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_parents()
        serializer = cast("HouseholdSerializer", self.get_serializer(data=request.data))
        serializer.is_valid(raise_exception=True)
        row = self.create_row(serializer.validated_data)
        response = self.respond_with(row, status.HTTP_201_CREATED)
        # Read-only fields that were sent must equal those of the new row. An error here rolls the write back.
        serializer.refuse_changed_read_only(response.data, but=serializer.ignored)
        response["Location"] = request.build_absolute_uri(f"{request.path.rstrip('/')}/{row.pk}")
        return response


class UpdateMixin(HouseholdViewSet):
    """PUT and PATCH: both keep the fields that are not in the body."""

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_visible()
        serializer = cast("HouseholdSerializer", self.get_serializer(data=request.data, partial=True))
        serializer.is_valid(raise_exception=True)
        self.require_visible_references(serializer.changes)

        def precondition(row: Owned) -> None:
            self.update_precondition(row, serializer.changes)
            serializer.refuse_changes_of_fixed_fields(row, lambda: self.as_json(row))

        row = self.service.update(
            self.row_id(), serializer.changes, precondition=precondition, **self.located
        )
        return self.respond_with(row)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, **kwargs)


class DeleteMixin(HouseholdViewSet):
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.require_visible()
        self.service.delete(self.row_id(), precondition=self.precondition, **self.located)
        return Response(status=status.HTTP_204_NO_CONTENT)


class HouseholdModelViewSet(
    CreateMixin,
    UpdateMixin,
    DeleteMixin,
    HistoryMixin,
    mixins.RetrieveModelMixin,
    ListMixin,
):
    """A resource with all actions: list, read, create, change, delete, history."""
