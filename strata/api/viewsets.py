"""The base of every view: one door, one transaction a write, the past, ETags, idempotency, strict parameters."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from strata import actor
from strata.api import idempotency
from strata.api.etags import etag_of, is_fresh, require_match
from strata.api.fields import InstantSerializerField, UUIDSerializerField
from strata.api.filters import DeclaredFilters, Parameter, read_parameters
from strata.api.pagination import JournalCursor
from strata.api.serializers import RelatedId
from strata.db.retry import Restart, run_in_transaction
from strata.exceptions import Conflict, Forbidden, NotFound
from strata.guards import Guards, lock_guards, rows_are_locked
from strata.journal import deletion_of, events_of, lines_for, lines_of, with_what_came_after
from strata.ownership import EDITORS, role_in
from strata.past import rewound
from strata.uniqueness import is_taken

LISTS = ("list", "children", "history")
CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def path_id(text: str, thing: str) -> UUID:
    """An id from a path: what is no id names nothing."""
    if not CANONICAL_ID.fullmatch(text):
        raise NotFound(thing)
    return UUID(text)


def require_role(user: Any, household_id: Any, roles: tuple[str, ...] = EDITORS) -> None:
    """403 for what the caller sees but may not change. Shared rows have no household: superusers may."""
    allowed = user.is_superuser if household_id is None else role_in(user, household_id) in roles
    if not allowed:
        raise Forbidden


class OneTransactionAWrite:
    """For any view: names the actor, and runs each write in one transaction, once for each Idempotency-Key."""

    repeats_safely = True
    has_etag = False
    parameters: dict[str, Parameter] = {}
    orderings: dict[str, str] = {}

    def initial(self, request, *args, **kwargs):
        key = idempotency.key_of(request) if request.method == "POST" and self.repeats_safely else None
        digest = idempotency.request_digest(request) if key else ""
        super().initial(request, *args, **kwargs)
        if request.user and request.user.is_authenticated:
            actor.identify(request.user)
        known_at = self.read_parameters().get("known_at")
        method = request.method.lower()
        if not hasattr(self, method):
            return
        if known_at:
            setattr(self, method, self.in_the_past(getattr(self, method), known_at[0]))
        if request.method in SAFE_METHODS:
            return
        handler = self.begun_afresh(getattr(self, method))
        if key and request.user.is_authenticated:
            setattr(self, method, idempotency.once(self, handler, key, digest))
        else:
            setattr(self, method, in_transaction(handler))

    def begun_afresh(self, handler):
        """The handler, called on the view as it is now: what an earlier attempt left on it is forgotten."""
        untouched = dict(vars(self))

        def handle(request, *args, **kwargs):
            self.__dict__ = dict(untouched)
            return handler(request, *args, **kwargs)

        return handle

    def in_the_past(self, handler, known_at):
        """The handler, seeing what was known then. DRF's answers hold their data: no query comes after it."""
        if self.request.method not in SAFE_METHODS:
            raise serializers.ValidationError({"known_at": "The past can be read, and not written."})

        def handle(request, *args, **kwargs):
            with rewound(known_at, request.user):
                return handler(request, *args, **kwargs)

        return handle

    def read_parameters(self) -> dict[str, list[Any]]:
        """The checked query parameters of this request. Filters and pages are only for lists."""
        declared = self.declared_parameters()
        also = {"ordering"} if self.orderings and self.is_list() else set()
        if self.is_list() and getattr(self, "paginator", None):
            also |= set(self.paginator.parameters)
        return read_parameters(self.request, declared, also)

    def declared_parameters(self) -> dict[str, Parameter]:
        if self.is_list():
            return self.parameters
        return {name: one for name, one in self.parameters.items() if one.apply is None}

    def is_list(self) -> bool:
        return getattr(self, "action", None) in LISTS and self.request.method in SAFE_METHODS

    def finalize_response(self, request, response, *args, **kwargs):
        """Gives a single row's GET its ETag, and confirms what the caller has."""
        response = super().finalize_response(request, response, *args, **kwargs)
        read = request.method in ("GET", "HEAD") and response.status_code == 200 and not self.is_list()
        if self.has_etag and read and "ETag" not in response and hasattr(response, "data"):
            response["ETag"] = etag_of(response.data)
            if is_fresh(request, response["ETag"]):
                response.status_code, response.data = 304, None
        return response

    @property
    def as_of(self):
        """The day that `?on=` names, or None."""
        return self.read_parameters().get("on", [None])[0]


def in_transaction(handler):
    def handle(request, *args, **kwargs):
        return run_in_transaction(lambda: handler(request, *args, **kwargs))

    return handle


class HouseholdViewSet(OneTransactionAWrite, viewsets.GenericViewSet):
    """Rows of the caller's households. `thing` names one in errors; `writers` are the roles that may change it.

    A write locks what guards its row, and all that its body names, before it reads any of it (see strata.guards).
    """

    thing = "thing"
    has_etag = True
    writers = EDITORS
    filter_backends = (DeclaredFilters,)
    duplicate = ("DUPLICATE_NAME", "name", "The name is taken.")
    lookup_value_regex = "[^/]+"

    def get_queryset(self):
        return self.queryset.all().for_user(self.request.user)

    def get_object(self):
        return self.find(self.kwargs["pk"])

    def find(self, text: str, *, queryset: Any = None) -> Any:
        """The row of a path's id; for a write locked, and as its precondition wants it."""
        pk = path_id(text, self.thing)
        rows = (self.get_queryset() if queryset is None else queryset).filter(pk=pk)
        writing = self.request.method not in SAFE_METHODS
        guards = self.lock(rows) if writing else None
        row = rows.first()
        if row is None:
            raise NotFound(self.thing)
        if guards is not None:
            if not guards.cover(row):
                raise Restart("it has moved")
            self.precondition(row)
        return row

    def precondition(self, row: Any) -> None:
        """What a write requires of the locked row: the caller's right, and that it is as their If-Match knew it."""
        self.require_writer(row)
        self.require_unchanged(row)

    def require_writer(self, row: Any) -> None:
        require_role(self.request.user, row.owning_household_id(), self.writers)
        self.idempotency_household_id = row.owning_household_id()

    def require_unchanged(self, row: Any) -> None:
        """As the row's own GET shows it, whatever an action of it answers. What is made below a row has no ETag yet."""
        if "pk" in self.kwargs:
            require_match(self.request, lambda: etag_of(self.as_read(row)))

    def lock(self, rows: Any = None) -> Guards:
        """Lock what guards a row: one that the caller may see, or, without any, the one that is about to be made."""
        named = self.named_by_body(creating=rows is None)
        rows = self.queryset.model._base_manager.none() if rows is None else rows
        return lock_guards(rows, below=self.request.method == "DELETE", named=named)

    def named_by_body(self, *, creating: bool) -> dict[str, Any]:
        """By foreign key the rows that the body names, of those that the caller may see."""
        named, data = {}, self.request.data
        fields = getattr(self.get_serializer_class(), "_declared_fields", {})
        for name, field in fields.items() if isinstance(data, dict) else ():
            text = data.get(name)
            if isinstance(field, RelatedId) and isinstance(text, str) and CANONICAL_ID.fullmatch(text):
                named[field.source] = field.queryset.all().for_user(self.request.user).filter(pk=text)
        return named

    def fresh(self, row: Any) -> dict[str, Any]:
        """What a plain GET of the row would answer now; 404 to whoever has lost the right to see it meanwhile."""
        found = self.get_queryset().filter(pk=row.pk).first()
        if found is None:
            if rows_are_locked():  # what it points to may be gone: then that is named, and not the row
                connection.check_constraints()
            raise NotFound(self.thing)
        return self.get_serializer(found).data

    def as_read(self, row: Any) -> dict[str, Any]:
        return self.serializer_class(row, context=self.get_serializer_context()).data

    def answer(self, row: Any, code: int = status.HTTP_200_OK) -> Response:
        data = self.fresh(row)
        return Response(data, status=code, headers={"ETag": etag_of(data)})

    def write(self, serializer: Any, **given: Any) -> Any:
        """Save; what the database refuses as taken is a 409 that names the field, and ends the transaction."""
        try:
            return serializer.save(**given)
        except IntegrityError as error:
            if not is_taken(error, self.queryset.model):
                raise
            code, field, message = self.duplicate
            raise Conflict(code, message, field) from error


class ChangedSerializer(serializers.Serializer):
    """A field from what to what. Names stand beside ids, where the caller may see the rows that they name.

    The id of what belongs to a household that the caller does not see is blank.
    """

    field = serializers.CharField(source="name")
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)
    before_name = serializers.CharField(required=False)
    after_name = serializers.CharField(required=False)

    def to_representation(self, changed):
        told = super().to_representation(changed)
        return {name: text for name, text in told.items() if text is not None}


class EventSerializer(serializers.Serializer):
    """One change: of which row, who, when, in which request, by which channel, and each field from what to what."""

    at = InstantSerializerField(source="change.at")
    model = serializers.CharField(source="model.__name__")
    object_id = UUIDSerializerField(source="change.object_id")
    actor = serializers.CharField(source="change.actor_name", allow_blank=True)
    request_id = serializers.CharField(source="change.request_id", allow_blank=True)
    channel = serializers.CharField(source="change.channel", allow_blank=True)
    action = serializers.ChoiceField(source="change.action", choices=["create", "update", "delete"])
    fields_changed = ChangedSerializer(source="fields", many=True)


class ShowsItsHistory:
    """GET {id}/history: the changes of the row, newest first; after it was deleted, too.

    With `?include=`, where the view takes it, also those of what belongs to it: of `included_kinds`, where it has any.
    """

    included_kinds: tuple[type, ...] = ()

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, pagination_class=JournalCursor, parameters={}, orderings={})
    def history(self, request, *args, **kwargs):
        return self.journal()

    def journal(self) -> Response:
        pk = path_id(self.kwargs["pk"], self.thing)
        if not self.get_queryset().filter(pk=pk).exists() and not self.was_deleted(pk):
            raise NotFound(self.thing)
        children, kinds = "include" in self.read_parameters(), self.included_kinds
        model, user = self.queryset.model, self.request.user
        lines = lines_for(lines_of(model, pk, children=children, kinds=kinds), user, model, pk)
        events = events_of(self.paginate_queryset(with_what_came_after(lines)), user)
        return self.get_paginated_response(EventSerializer(events, many=True).data)

    def was_deleted(self, pk: UUID) -> bool:
        """From the caller's households, and from what the path says that it was in."""
        last = deletion_of(self.queryset.model, pk)
        if last is None or last.household_id is None:
            return False
        parents = {name: text for name, text in self.kwargs.items() if name != "pk"}
        inside = all(UUID(last.before[name]) == path_id(text, "thing") for name, text in parents.items())
        return inside and role_in(self.request.user, last.household_id) is not None


class Creates:
    """POST: 201 with the row as a GET would show it, and where it is."""

    def create(self, request, *args, **kwargs):
        self.lock()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = self.write(serializer)
        self.idempotency_household_id = row.owning_household_id()
        response = self.answer(row, status.HTTP_201_CREATED)
        serializer.refuse_contradictions(response.data, but=serializer.ignored)
        response["Location"] = request.build_absolute_uri(f"{request.path.rstrip('/')}/{row.pk}")
        return response


class Changes:
    """PUT and PATCH: neither wipes what it was not given."""

    def update(self, request, *args, **kwargs):
        kwargs.pop("partial", None)
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.write(serializer))

    def partial_update(self, request, *args, **kwargs):
        return self.update(request, *args, **kwargs)


class Deletes:
    def destroy(self, request, *args, **kwargs):
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class HouseholdModelViewSet(
    Creates,
    Changes,
    Deletes,
    ShowsItsHistory,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    HouseholdViewSet,
):
    """All of it: a resource that its household lists, reads, makes, changes and deletes."""
