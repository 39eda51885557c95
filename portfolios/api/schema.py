"""Path parameters for the OpenAPI schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema


def in_path[View: Callable[..., Any]](*names: str) -> Callable[[View], View]:
    return extend_schema(parameters=[OpenApiParameter(name, str, OpenApiParameter.PATH) for name in names])
