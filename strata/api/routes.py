"""GET /api/v1/, a list of all routes, which is read from the URL resolver; and the document of the API."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.urls import get_urlconf
from drf_spectacular.generators import EndpointEnumerator
from drf_spectacular.utils import OpenApiExample, extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strata.api.views import BaseAPIView

PREFIX = "/api/v1/"
EXAMPLE = {
    "assets": "https://strata.example.org/api/v1/assets",
    "assets/{id}": "https://strata.example.org/api/v1/assets/{id}",
}


@cache
def route_names(urlconf: str | None = None) -> list[str]:
    """The paths of the API below /api/v1/, without the optional last slash, in alphabetical order."""
    enumerator: Any = EndpointEnumerator(urlconf=urlconf)  # drf-spectacular has no types
    paths = {path.replace("{pk}", "{id}").rstrip("/") + "/" for path, *_ in enumerator.get_api_endpoints()}
    names = {path.removeprefix(PREFIX).rstrip("/") for path in paths if path.startswith(PREFIX)}
    return sorted(names - {""})


class RoutesView(BaseAPIView, APIView):
    has_etag = True

    @extend_schema(
        operation_id="routes",
        responses={
            200: {"type": "object", "additionalProperties": {"type": "string", "format": "uri-template"}}
        },
        examples=[OpenApiExample("routes", value=EXAMPLE, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """Every route, with its URL. `{id}` and similar names are placeholders for ids."""
        base_url = request.build_absolute_uri(request.path)
        return Response({name: f"{base_url}{name}" for name in route_names(get_urlconf())})


class SchemaView(SpectacularJSONAPIView):
    """The document, always in English: drf-spectacular's own takes any language from the address."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer: Response = self._get_schema_response(request)  # type: ignore[no-untyped-call]  # has no types
        return answer
