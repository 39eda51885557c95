"""Path parameters for the OpenAPI schema."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema


def in_path(*names: str):
    return extend_schema(parameters=[OpenApiParameter(name, str, OpenApiParameter.PATH) for name in names])
