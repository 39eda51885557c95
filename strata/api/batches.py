"""The base of the routes that take many rows at once: POST {things}:batch.

A batch is refused in this order: the body, rows that are not there or not visible, and then what the service refuses of
each row. `on_error` decides whether one bad row refuses all of them (strata.tenancy.batches).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strata.api.errors import APIError, flattened
from strata.api.parameters import FLAG, Parameter, read_flag
from strata.api.serializers import NOT_AN_OBJECT, StrictSerializer
from strata.api.views import BaseAPIView
from strata.exceptions import Forbidden, Invalid, NotFound
from strata.tenancy.batches import AllRowsRefused, OnError, Refusals, RowRefusal, RowsRefused
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import EDITORS, roles_of

MOST_REFUSALS = 1000  # that an answer names
ERRORS_OF_A_ROW = 5
DRY_RUN = Parameter(read_flag, None, FLAG, "Checks everything and writes nothing.", many=False)


# --- the body ---


class BatchRows(serializers.ListSerializer[Any]):
    """A list of rows, whose number alone is checked here. `most` is the largest number."""

    most = 10_000

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or not data:
            raise serializers.ValidationError("Send a list with at least one row.", code="required")
        if len(data) > self.most:
            message = f"Send at most {self.most:,} rows at once."
            errors = [{"field": "rows", "code": "too_many_rows", "message": message}]
            raise APIError("TOO_MANY_ROWS", message, status=400, errors=errors)
        return data


class BatchRowsSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # drf-spectacular has no types
    target_class = BatchRows
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        row = auto_schema.resolve_serializer(self.target.child, direction)
        return {"type": "array", "items": row.ref, "minItems": 1, "maxItems": self.target.most}


class BatchSerializer(StrictSerializer):
    """Many rows. `on_error` is `refuse` (nothing is written if one row is bad) or `skip` (the good rows are)."""

    ignored = frozenset()
    on_error = serializers.ChoiceField([*OnError], default=OnError.REFUSE)


class RefusedRowSerializer(serializers.Serializer[Any]):
    """A row that was not written, by its number from 0, and why."""

    row = serializers.IntegerField()
    field = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()


class BatchAnswerSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    replaced = serializers.IntegerField()
    skipped = serializers.IntegerField()
    refused_count = serializers.IntegerField()
    refused = RefusedRowSerializer(many=True)


# --- the view ---


class BatchView(BaseAPIView, APIView):
    """POST many rows. `parents` are the rows below which they are, and `parent_name` names one of these."""

    parameters = {"dry_run": DRY_RUN}
    serializer_class: type[BatchSerializer]
    parents: QuerySet[Any]
    parent_name: str
    write_roles: tuple[str, ...] = EDITORS
    no_etag = "A batch has no ETag: send `if_match` in its rows."

    def handle_batch(self, request: Request) -> Response:
        self.refuse_if_match(request)
        body = self.serializer_class(data=request.data)
        body.is_valid(raise_exception=True)
        options: dict[str, Any] = dict(body.validated_data)
        refusals = Refusals()
        rows = checked_rows(options.pop("rows"), cast("BatchRows", body.fields["rows"]).child, refusals)
        return Response(self.write(self.visible(rows, refusals), refusals, options))

    def refuse_if_match(self, request: Request) -> None:
        if "If-Match" in request.headers:
            raise APIError("IF_MATCH_NOT_SUPPORTED", self.no_etag, status=400)

    def write(
        self, rows: Mapping[int, dict[str, Any]], refusals: Refusals, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Hand the rows to the service, and return the answer."""
        raise NotImplementedError

    def visible(self, rows: Mapping[int, dict[str, Any]], refusals: Refusals) -> dict[int, dict[str, Any]]:
        """Refuse the rows whose parent the caller may not see, before anything is locked. Returns the others."""
        field = f"{self.parent_name}_id"
        named = {row[field] for row in rows.values()}
        seen = self.parents.all().for_user(self.request.user).filter(pk__among=list(named))  # type: ignore[attr-defined]
        ids = set(seen.values_list("pk", flat=True))
        for number, row in rows.items():
            if row[field] not in ids:
                refusals.add(number, NotFound(self.parent_name, field))
        return {number: row for number, row in rows.items() if row[field] in ids}

    def precondition(self) -> RoleCheck:
        return RoleCheck(self)

    # --- idempotency ---

    @property
    def is_dry_run(self) -> bool:
        return bool(self.read_parameters().get("dry_run", [False])[0])

    def keeps_answer(self, request: Request) -> bool:
        """The answer of a dry run is not kept."""
        dry = request.query_params.get("dry_run") in ("1", "true")
        return super().keeps_answer(request) and not dry

    # --- errors ---

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, RowsRefused):
            exc = refusal_of_rows(exc)
        elif isinstance(exc, AllRowsRefused):
            refusal = APIError(exc.code, exc.message, status=400)
            refusal.more = refused_rows(exc.refusals)
            exc = refusal
        return super().handle_exception(exc)


class RoleCheck:
    """A precondition of locked parents: the caller's role in their households, read when the first one is checked.

    Superusers may change what all households share.
    """

    def __init__(self, view: BatchView) -> None:
        self.view = view
        self._roles: dict[UUID, str] | None = None

    def __call__(self, parent: Owned) -> None:
        if self._roles is None:
            self._roles = roles_of(self.view.request.user)
        household_id = parent.owning_household_id()
        if household_id is None and parent.shared_when_unowned:
            if not self.view.request.user.is_superuser:
                raise Forbidden
            return
        role = None if household_id is None else self._roles.get(household_id)
        if household_id is None or role is None:
            raise NotFound(self.view.parent_name)
        if role not in self.view.write_roles:
            raise Forbidden
        self.view.idempotency_household_ids |= {household_id}


def checked_rows(rows: Iterable[Any], serializer: Any, refusals: Refusals) -> dict[int, dict[str, Any]]:
    """The rows with the right shape, by their numbers. The others are refused, each with its first errors."""
    checked = {}
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            refusals.add(number, Invalid(None, NOT_AN_OBJECT))
            continue
        try:
            checked[number] = serializer.run_validation(row)
        except serializers.ValidationError as error:
            for entry in islice(flattened(error.detail), ERRORS_OF_A_ROW):
                refusals.add(number, Invalid(entry["field"], entry["message"], entry["code"]))
    return checked


# --- refused rows, as they are answered ---


def refusal_of_rows(error: RowsRefused) -> APIError:
    errors = [
        {"field": field_of(refusal), "code": code_of(refusal), "message": refusal.error.message}
        for refusal in error.refusals
    ]
    refusal = APIError(error.code, error.message, status=error.status, errors=errors)
    refusal.most_errors = MOST_REFUSALS
    return refusal


def refused_rows(refusals: list[RowRefusal]) -> dict[str, Any]:
    """How many rows were refused, and the first of them."""
    named = [
        {
            "row": refusal.row,
            "field": refusal.error.field,
            "code": code_of(refusal),
            "message": refusal.error.message,
        }
        for refusal in refusals[:MOST_REFUSALS]
    ]
    return {"refused_count": len(refusals), "refused": named}


def field_of(refusal: RowRefusal) -> str:
    field = refusal.error.field
    return f"rows[{refusal.row}].{field}" if field else f"rows[{refusal.row}]"


def code_of(refusal: RowRefusal) -> str:
    """The code of the route that writes one row; of a value that is not allowed, what is wrong with it."""
    error = refusal.error
    return error.field_code if isinstance(error, Invalid) else error.code
