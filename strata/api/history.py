"""GET {id}/history: the journal of one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from strata.api.fields import InstantSerializerField, UUIDSerializerField
from strata.api.pagination import JournalCursorPaginator
from strata.api.parameters import Parameter
from strata.api.views import BaseAPIView, path_id
from strata.audit.journal import (
    deletion_of,
    events_of,
    lines_for,
    lines_of,
    with_undone_by,
    with_what_came_after,
)
from strata.audit.models import Action
from strata.exceptions import NotFound
from strata.tenancy.roles import role_in

if TYPE_CHECKING:

    class _ViewSet(BaseAPIView, viewsets.GenericViewSet[Any]):
        queryset: Any
        resource_name: str
else:
    _ViewSet = object  # the mixin is a base of a view beside HouseholdViewSet


class ChangedSerializer(serializers.Serializer[Any]):
    """The old and the new value of a field. An id has a name beside it where the caller may see that row.

    The id of a row in a household that the caller does not see is blank.
    """

    field = serializers.CharField(source="name")
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)
    before_name = serializers.CharField(required=False)
    after_name = serializers.CharField(required=False)

    def to_representation(self, changed: Any) -> dict[str, str]:
        representation = super().to_representation(changed)
        return {name: text for name, text in representation.items() if text is not None}

    def in_cell(self, changed: Mapping[str, str]) -> str:
        """In a CSV: `value: 100.00 → 120.00`, with names in place of ids where there are names."""
        before, after = (changed.get(f"{side}_name") or changed[side] for side in ("before", "after"))
        return f"{changed['field']}: {before} → {after}"


class EventSerializer(serializers.Serializer[Any]):
    """One change of a row: who, when, in which request, by which channel, and the old and new value of each field."""

    at = InstantSerializerField(source="entry.at")
    model = serializers.CharField(source="model.__name__")
    object_id = UUIDSerializerField(source="entry.object_id")
    actor = serializers.CharField(source="entry.actor_name", allow_blank=True)
    request_id = serializers.CharField(source="entry.request_id", allow_blank=True)
    channel = serializers.CharField(source="entry.channel", allow_blank=True)
    action = serializers.ChoiceField(
        source="entry.action",
        choices=Action.values,
        help_text="update_values, add_transactions and undo are of a portfolio: one request wrote many rows in it.",
    )
    count = serializers.IntegerField(
        source="entry.count", allow_null=True, help_text="How many rows that were; else null."
    )
    undo_of = serializers.CharField(
        source="entry.undo_of", allow_null=True, help_text="The request that this one undid, else null."
    )
    undone_by = serializers.CharField(
        source="entry.undone_by", allow_null=True, help_text="The request that undid this one, else null."
    )
    fields_changed = ChangedSerializer(source="fields", many=True)


class HistoryMixin(_ViewSet):
    """GET {id}/history: the changes of the row, newest first. Also after the row was deleted.

    `history_parameters` are its query parameters. With `include` among them, the changes of rows that belong to the
    row are there too: of the models `included_models`, or of all models where that is empty.
    """

    history_parameters: dict[str, Parameter] = {}
    included_models: tuple[type, ...] = ()

    def declared_parameters(self) -> dict[str, Parameter]:
        own = self.history_parameters if self.action == "history" else {}
        return own | super().declared_parameters()

    @extend_schema(responses=EventSerializer(many=True))
    @action(
        detail=True,
        pagination_class=JournalCursorPaginator,
        serializer_class=EventSerializer,
        parameters={},
        orderings={},
        is_list_action=True,
    )
    def history(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pk = path_id(self.kwargs["pk"], self.resource_name)
        if not self.get_queryset().filter(pk=pk).exists() and not self.was_deleted(pk):
            raise NotFound(self.resource_name)
        children, kinds = "include" in self.read_parameters(), self.included_models
        model, user = self.queryset.model, self.request.user
        lines = lines_for(lines_of(model, pk, children=children, kinds=kinds), user, model, pk)
        page: Any = self.paginate_queryset(with_undone_by(with_what_came_after(lines)))
        near = [pk, *(UUID(text) for name, text in self.kwargs.items() if name.endswith("_id"))]
        events = events_of(page, user, near=near)
        return self.get_paginated_response(EventSerializer(events, many=True).data)

    def was_deleted(self, pk: UUID) -> bool:
        """Whether the row was deleted from a household of the caller, and from the parent in the path."""
        last = deletion_of(self.queryset.model, pk)
        if last is None or last.household_id is None:
            return False
        parents = {name: text for name, text in self.kwargs.items() if name != "pk"}
        before: Any = last.before
        inside = all(
            UUID(before[name]) == path_id(text, name.removesuffix("_id")) for name, text in parents.items()
        )
        return inside and role_in(self.request.user, last.household_id) is not None
