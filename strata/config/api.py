"""The settings of Django REST framework, and of drf-spectacular, which writes the API's document."""

from __future__ import annotations

from typing import Any

from strata import __version__

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "strata.accounts.authentication.TokenAuthentication",
        "strata.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["strata.accounts.authentication.IsKnownAndInScope"],
    "DEFAULT_METADATA_CLASS": "strata.api.http.metadata.Metadata",
    "DEFAULT_PARSER_CLASSES": ["strata.api.http.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "strata.api.schema.auto_schema.StrataSchema",
    "DEFAULT_PAGINATION_CLASS": "strata.api.pagination.PageNumberPaginator",
    "DEFAULT_THROTTLE_CLASSES": ["strata.api.http.throttles.GeneralThrottle"],
    "EXCEPTION_HANDLER": "strata.api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}


def spectacular(prefix: str) -> dict[str, Any]:
    """`prefix` is the path under which a proxy serves Strata, or empty."""
    return {
        "OAS_VERSION": "3.1.0",
        "TITLE": "Strata",
        "DESCRIPTION": "What a household owns and owes, and what it is worth on any day.",
        "VERSION": __version__,
        "SERVERS": [{"url": prefix}] if prefix else [],
        "SERVE_INCLUDE_SCHEMA": False,
        "SERVE_PUBLIC": True,
        "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
        "SERVE_AUTHENTICATION": [],
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_SETTINGS": {
            "deepLinking": True,
            "persistAuthorization": True,
            "docExpansion": "none",
            "filter": True,
        },
        "REDOC_DIST": "SIDECAR",
        "SCHEMA_PATH_PREFIX": r"/api/v1",
        "COMPONENT_SPLIT_REQUEST": True,
        "SORT_OPERATIONS": True,
        "ENUM_NAME_OVERRIDES": {
            "ImportStatusEnum": "imports.models.Import.Status",
            "ActionTypeEnum": "assets.models.InstrumentAction.Type",
            "LotMethodEnum": "portfolios.models.LOT_METHODS",
            "TypeEnum": "assets.models.Transaction.Type",
            "RowOutcomeEnum": ["created", "replaced", "skipped", "refused"],
        },
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "strata.api.schema.document.complete",
        ],
    }
