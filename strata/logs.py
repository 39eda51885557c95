"""Log lines as JSON objects, one a line, with no amount, name or token in them."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from strata import actor

FIELDS = ("method", "route", "status", "ms", "user_id")


class JsonLines(logging.Formatter):
    """Knows the request that a line was written in by the actor at work.

    An exception leaves its kind and the places it passed, never its text: that may hold what a person entered.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._message(record),
            "request_id": actor.current().request_id or None,
            **{name: getattr(record, name) for name in FIELDS if hasattr(record, name)},
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = [
                f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(
            {name: value for name, value in line.items() if name in FIELDS or value is not None}
        )

    def _message(self, record: logging.LogRecord) -> str:
        """Django's lines about a request quote its path, which names things: they keep what went wrong alone."""
        if hasattr(record, "request"):
            return str(record.args[0]) if isinstance(record.args, tuple) and record.args else "request"
        return record.getMessage()


class Broken(logging.Filter):
    """Of Django's lines about requests, those with an exception that nobody caught: a refusal is in our own line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)
