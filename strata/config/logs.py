"""Django's LOGGING: lines of JSON to the process's own output."""

from __future__ import annotations

from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def logging(level: str) -> dict[str, Any]:
    """`level` is that of Strata's own loggers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "strata.server.logs.JsonLines"}},
        "filters": {
            "broken": {"()": "strata.server.logs.Broken"},
            "refused host": {"()": "strata.server.logs.RefusedHost"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "strata": {"level": level},
            "django": {"handlers": [], "level": "WARNING"},
            "django.request": {"level": "ERROR", "filters": ["broken"]},
            "django.security.DisallowedHost": {"level": "WARNING", "filters": ["refused host"]},
            "django.server": {"handlers": [], "level": "CRITICAL"},  # runserver's lines show whole URLs
            "axes": {"level": "ERROR"},
        },
    }
