"""The WSGI application: Django, with a length for chunked bodies, SCRIPT_NAME, and /metrics on its own address.

Who imports this module is a server: settings.py looks for it, and limits the time of a statement.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from io import BytesIO, RawIOBase
from typing import IO, Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from strata.api.http.body_limits import BodyTooLarge, most_body_bytes, takes_files
from strata.server.metrics_endpoint import Application, with_metrics
from strata.server.tracing import trace_requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")


def with_length(answer: Application) -> Application:
    """Set the length of a chunked body: without a length Django reads nothing.

    A file is not read here, because nobody knows yet who sends it: its length is the most that it may be.
    """

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return answer(environ, start_response)
        path = environ.get("PATH_INFO", "")
        most = most_body_bytes(path)
        if takes_files(path):
            environ["wsgi.input"], length = BoundedBody(environ["wsgi.input"], most), most
        else:
            body = environ["wsgi.input"].read(most + 1)
            environ["wsgi.input"], length = BytesIO(body), len(body)
        environ["CONTENT_LENGTH"] = str(length)
        return answer(environ, start_response)

    return application


class BoundedBody(RawIOBase):
    """A body of unknown length, which is read as it arrives. Raises BodyTooLarge if more than `most` bytes arrive."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source, self._left = source, most

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        if not self._left and self._source.read(1):
            raise BodyTooLarge
        return data


def under_path(answer: Application) -> Application:
    """Remove SCRIPT_NAME from the path, where the proxy has not done so. A path without it is used as it is.

    gunicorn could remove it too, but it answers a path without it with a 500.
    """
    os.environ.pop("SCRIPT_NAME", None)  # gunicorn reads it for each request
    prefix = settings.SCRIPT_NAME

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            environ["PATH_INFO"] = path.removeprefix(prefix) or "/"
        return answer(environ, start_response)

    return application


trace_requests()
application = with_metrics(under_path(with_length(get_wsgi_application())))
