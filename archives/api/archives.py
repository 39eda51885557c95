"""The API of archives: a household as a file, and a household from one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from archives.api.serializers import NewArchiveSerializer, RestoredArchiveSerializer
from archives.files.responses import ZIP, file_response
from archives.services.restoring import REPLACE, Prepared, Restored, prepared
from archives.services.restoring import Request as RestoreRequest
from archives.services.writing import archive_file
from portfolios.models import Household
from strata.api.views import BaseAPIView, path_id
from strata.exceptions import NotFound
from strata.tenancy.querysets import is_visible
from strata.tenancy.roles import OWNERS, require_role


class AnyAccept(BaseContentNegotiation):
    """The path says that it is a zip, whatever the client accepts. Errors are JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class HouseholdArchiveView(BaseAPIView, APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="households_archive_retrieve",
        responses={
            (200, ZIP): OpenApiTypes.BINARY,
            (206, ZIP): OpenApiTypes.BINARY,
            403: OpenApiResponse(description="Your role in this household does not allow that."),
        },
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        household_id = path_id(pk, "household")
        if not is_visible(Household, request.user, household_id):
            raise NotFound("household")
        require_role(request.user, household_id, OWNERS)
        file, manifest = archive_file(household_id)
        return file_response(file, manifest, request.headers.get("Range", ""))


class ArchivesView(BaseAPIView, APIView):
    """The archive is checked before the transaction begins: others write meanwhile."""

    parser_classes = (MultiPartParser,)

    def wrap_handler(self, handler: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        if self.request.method != "POST":
            return super().wrap_handler(handler)
        checked: list[Prepared] = []
        write = super().wrap_handler(lambda request, *args, **kwargs: self.answer(checked[0].write()))

        def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with self.checked_archive(request) as archive:
                checked[:] = [archive]
                return write(request, *args, **kwargs)

        return handle

    @extend_schema(
        operation_id="archives_create",
        request={"multipart/form-data": NewArchiveSerializer},
        responses={201: RestoredArchiveSerializer, 200: RestoredArchiveSerializer},
    )
    def post(self, request: Request) -> HttpResponseBase:
        raise NotImplementedError  # wrap_handler replaces it

    @contextmanager
    def checked_archive(self, request: Request) -> Iterator[Prepared]:
        serializer = NewArchiveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        sent: dict[str, Any] = serializer.validated_data
        if sent["mode"] == REPLACE:
            if not is_visible(Household, request.user, sent["household_id"]):
                raise NotFound("household")
            require_role(request.user, sent["household_id"], OWNERS)
        wanted = RestoreRequest(
            owner=request.user,
            mode=sent["mode"],
            household_id=sent.get("household_id"),
            confirm=sent["confirm"],
            dry_run=sent["dry_run"] == "true",
            adds_rates=bool(request.user.is_superuser),
        )
        with prepared(sent["file"].file, wanted) as archive:
            yield archive

    def answer(self, restored: Restored) -> HttpResponseBase:
        self.idempotency_household_id = None if restored.dry_run else restored.household_id
        code = status.HTTP_200_OK if restored.dry_run else status.HTTP_201_CREATED
        return Response(as_json(restored), status=code)


def as_json(restored: Restored) -> dict[str, Any]:
    return {
        "household": {"id": str(restored.household_id), "name": restored.household_name},
        **{name: getattr(restored, name) for name in RESTORED},
    }


RESTORED = ("mode", "dry_run", "remapped", "counts", "members", "warnings")
