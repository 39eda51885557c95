"""POST undo/{request_id}: what one request wrote goes back to what it was, or nothing does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strata.api.errors import APIError
from strata.api.fields import UUIDSerializerField
from strata.api.serializers import StrictSerializer
from strata.api.views import BaseAPIView
from strata.audit import actor
from strata.audit.undo import undo
from strata.audit.undo.rows import CHANGED, REMOVED, RESTORED
from strata.exceptions import NotFound

IN_PATH = OpenApiParameter(
    "request_id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The id of a request: `request_id` in a history, and the header `X-Request-Id` of its answer.",
)
LONGEST_ID = 64


class EmptySerializer(StrictSerializer):
    """No field at all."""


class UndoneRowSerializer(serializers.Serializer[Any]):
    """A row that was undone, and what happened to it."""

    model = serializers.CharField(source="model._meta.label", help_text="The model, as assets.AssetSnapshot.")
    object_id = UUIDSerializerField(source="pk", help_text="The id of the row.")
    name = serializers.CharField(help_text="What the row is called, with the day of a value.")
    outcome = serializers.ChoiceField(
        choices=[REMOVED, RESTORED, CHANGED],
        help_text="removed: the request had made it. restored: it had deleted it. changed: back to what it was.",
    )


class UndoneSerializer(serializers.Serializer[Any]):
    """What an undo has done."""

    request_id = serializers.CharField(help_text="Of this undo: with it the undo can be undone.")
    undone = serializers.CharField(help_text="The id of the request that was undone.")
    removed = serializers.IntegerField(help_text="How many rows the request had made.")
    restored = serializers.IntegerField(help_text="How many rows it had deleted, with what belonged to them.")
    changed = serializers.IntegerField(help_text="How many rows have their earlier values again.")
    row_count = serializers.IntegerField(help_text="All of them together.")
    rows = UndoneRowSerializer(many=True, help_text="The first 1,000 of them.")


class UndoView(BaseAPIView, APIView):
    """Undoes what a request wrote."""

    @extend_schema(
        operation_id="undo",
        summary="Undo what a request wrote",
        description=(
            "Undoes everything that one request of a person wrote, or nothing. What the request made is removed, what"
            " it deleted comes back with everything that belonged to it, what it changed has its earlier values again."
            " The undo is a write like any other: it is in the history, and it can be undone. 409 `UNDO_CONFLICT`"
            " names in `errors` each row that was changed since, and 409 `UNDO_NOT_POSSIBLE` says why a request can"
            " never be undone."
        ),
        parameters=[IN_PATH],
        request=None,
        responses=UndoneSerializer,
    )
    def post(self, request: Request, request_id: str) -> Response:
        refuse_if_match(request)
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        if len(request_id) > LONGEST_ID or "\0" in request_id:
            raise NotFound("request")
        undone = undo(request_id, request.user)
        self.idempotency_household_ids = frozenset(undone.household_ids)
        content = {
            "request_id": actor.current().request_id,
            "undone": undone.undone,
            **undone.counts,
            "row_count": undone.row_count,
            "rows": undone.rows,
        }
        return Response(UndoneSerializer(content).data)


def refuse_if_match(request: Request) -> None:
    if "If-Match" in request.headers:
        message = "An undo is about many rows: it looks by itself whether they have changed."
        errors = [{"field": "If-Match", "code": "if_match_not_supported", "message": message}]
        raise APIError("IF_MATCH_NOT_SUPPORTED", message, status=400, errors=errors)
