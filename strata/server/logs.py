"""Log lines as JSON objects, one per line, without amounts, names or tokens."""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from strata.audit import actor

TOKEN = re.compile(r"strata_[A-Za-z0-9_-]{20}")
FIELDS = ("method", "route", "status", "ms", "db_ms", "queries", "read_from", "trace_id", "user_id")


class JsonLines(logging.Formatter):
    """Adds the id of the request, which comes from the current actor.

    Of an exception only the type and the traceback are logged, never the text: it may contain what a person entered.
    The exception is a wrong setting, where only the text is logged: the server does not start, and the text says why.
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
        if record.exc_info and isinstance(record.exc_info[1], ImproperlyConfigured):
            line["message"] = str(record.exc_info[1])
        elif record.exc_info and record.exc_info[1]:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = [
                f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(
            {name: value for name, value in line.items() if name in FIELDS or value is not None}
        )

    def _message(self, record: logging.LogRecord) -> str:
        """Django's lines about a request contain its path, which may contain names: only the reason is kept."""
        if hasattr(record, "request"):
            return str(record.args[0]) if isinstance(record.args, tuple) and record.args else "request"
        return record.getMessage()


class Broken(logging.Filter):
    """Keeps only those of Django's lines about requests that have an uncaught exception. We log refusals ourselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


class OncePerMinute:
    """Whether a line may be logged now: the first time, and then once a minute in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._silent_until = 0.0

    def allow(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._silent_until:
                return False
            self._silent_until = now + 60
            return True


class RefusedHost(logging.Filter):
    """Django's line about a host that is not in ALLOWED_HOSTS: once a minute in each process, with our own text.

    A client can send anything as the host: it is logged only where it looks like a host.
    """

    looks_like_one = re.compile(r"[A-Za-z0-9._:\[\]-]{1,100}")

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._rate = OncePerMinute()

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request"):
            return True  # another instance has handled it: django.setup adds one each time
        if not self._rate.allow():
            return False
        host = self.host_of(record.__dict__.pop("request"))
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = "A request was refused, because its host is not in ALLOWED_HOSTS: %s"
        record.args, record.exc_info = (host,), None
        return True

    def host_of(self, request: Any) -> str:
        host: str = request.META.get("HTTP_HOST", "")
        if not self.looks_like_one.fullmatch(host) or TOKEN.search(host):
            return "(nothing that looks like a host)"
        return host
