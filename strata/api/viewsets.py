"""The base of every resource of a household: finds, locks and shows its rows."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, connection
from django.db.models import QuerySet
from rest_framework import mixins, status, viewsets
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from strata.api.history import HistoryMixin
from strata.api.http.etags import etag_of, require_match
from strata.api.mixins import CreateMixin, DeleteMixin, UpdateMixin
from strata.api.parameters import DeclaredFilters
from strata.api.serializers import RelatedId
from strata.api.views import BaseAPIView, path_id
from strata.db.errors.uniqueness import is_unique_violation
from strata.db.retry import Restart
from strata.exceptions import Conflict, NotFound
from strata.fields.ids import CANONICAL_ID
from strata.tenancy.guards import Guards, lock_guards, rows_are_locked
from strata.tenancy.roles import EDITORS, require_role


class HouseholdViewSet(BaseAPIView, viewsets.GenericViewSet):
    """Rows of the caller's households. `resource_name` is their name in errors; `write_roles` may change them.

    A write locks the guards of its row, and of all rows that its body names, before it reads any of them: see
    strata.tenancy.guards.
    """

    resource_name: str = "row"
    has_etag = True
    write_roles: tuple[str, ...] = EDITORS
    filter_backends = (DeclaredFilters,)
    duplicate_error: tuple[str, str | None, str] = ("DUPLICATE_NAME", "name", "The name is taken.")
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[Any]:
        return self.queryset.all().for_user(self.request.user)

    def get_object(self) -> Any:
        return self.get_row(self.kwargs["pk"])

    def get_row(self, text: str, *, queryset: Any = None) -> Any:
        """The row with the id in a path. For a write its guards are locked and its preconditions checked."""
        pk = path_id(text, self.resource_name)
        rows = (self.get_queryset() if queryset is None else queryset).filter(pk=pk)
        writing = self.request.method not in SAFE_METHODS
        guards = self.lock(rows) if writing else None
        row = rows.first()
        if row is None:
            raise NotFound(self.resource_name)
        if guards is not None:
            if not guards.cover(row):
                raise Restart("it has moved")
            self.precondition(row)
        return row

    def precondition(self, row: Any) -> None:
        """Check the caller's role and If-Match against the locked row."""
        self.require_writer(row)
        self.require_unchanged(row)

    def require_writer(self, row: Any) -> None:
        require_role(self.request.user, row.owning_household_id(), self.write_roles)
        self.idempotency_household_id = row.owning_household_id()

    def require_unchanged(self, row: Any) -> None:
        """Compare If-Match with the ETag of the row's GET, for every action. A row that is created has no ETag yet."""
        if "pk" in self.kwargs:
            require_match(self.request, lambda: etag_of(self.as_read(row)))

    def lock(self, rows: Any = None) -> Guards:
        """Lock the guards of these rows, which the caller may see; without `rows`, of the row that will be created."""
        named = self.named_by_body(creating=rows is None)
        rows = self.queryset.model._base_manager.none() if rows is None else rows
        return lock_guards(rows, below=self.request.method == "DELETE", named=named)

    def named_by_body(self, *, creating: bool) -> dict[str, Any]:
        """The rows that the body names and the caller may see, by foreign key."""
        named, data = {}, self.request.data
        fields = getattr(self.get_serializer_class(), "_declared_fields", {})
        for name, field in fields.items() if isinstance(data, dict) else ():
            text = data.get(name)
            if isinstance(field, RelatedId) and isinstance(text, str) and CANONICAL_ID.fullmatch(text):
                named[field.source] = field.queryset.all().for_user(self.request.user).filter(pk=text)
        return named

    def representation(self, row: Any) -> dict[str, Any]:
        """What a GET of the row answers now. NotFound where the caller may no longer see it."""
        found = self.get_queryset().filter(pk=row.pk).first()
        if found is None:
            if rows_are_locked():  # a row that it refers to may be deleted: then the error names that row
                connection.check_constraints()
            raise NotFound(self.resource_name)
        return self.get_serializer(found).data

    def as_read(self, row: Any) -> dict[str, Any]:
        return self.serializer_class(row, context=self.get_serializer_context()).data

    def respond_with(self, row: Any, code: int = status.HTTP_200_OK) -> Response:
        data = self.representation(row)
        return Response(data, status=code, headers={"ETag": etag_of(data)})

    def save_serializer(self, serializer: Any, **given: Any) -> Any:
        """Save. A violated unique constraint becomes a Conflict with the field, and ends the transaction."""
        try:
            return serializer.save(**given)
        except IntegrityError as error:
            if not is_unique_violation(error, self.queryset.model):
                raise
            code, field, message = self.duplicate_error
            raise Conflict(code, message, field) from error


class HouseholdModelViewSet(
    CreateMixin,
    UpdateMixin,
    DeleteMixin,
    HistoryMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    HouseholdViewSet,
):
    """A resource with all actions: list, read, create, change, delete, history."""
