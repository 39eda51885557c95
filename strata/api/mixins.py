"""POST, PUT, PATCH and DELETE of a household's row."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response


class CreateMixin:
    """POST: 201 with the row as a GET shows it, and its URL in Location."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.lock()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = self.save_serializer(serializer)
        self.idempotency_household_id = row.owning_household_id()
        response = self.respond_with(row, status.HTTP_201_CREATED)
        serializer.refuse_contradictions(response.data, but=serializer.ignored)
        response["Location"] = request.build_absolute_uri(f"{request.path.rstrip('/')}/{row.pk}")
        return response


class UpdateMixin:
    """PUT and PATCH: both keep the fields that are not in the body."""

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        kwargs.pop("partial", None)
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return self.respond_with(self.save_serializer(serializer))

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, **kwargs)


class DeleteMixin:
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
