"""The WSGI application: Django, with a length for chunked bodies, SCRIPT_NAME, and /metrics on its own address.

Who imports this module is a server: settings.py looks for it, and limits the time of a statement.
"""

import os
from io import BytesIO
from tempfile import TemporaryFile

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from strata.api.http.body_limits import most_body_bytes, takes_files
from strata.server.metrics_endpoint import with_metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
PIECE = 64 * 1024


def with_length(answer):
    """Set the length of a chunked body: without a length Django reads nothing."""

    def application(environ, start_response):
        if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return answer(environ, start_response)
        path = environ.get("PATH_INFO", "")
        most = most_body_bytes(path) + 1
        if takes_files(path):
            environ["wsgi.input"], length = spooled(environ["wsgi.input"], most)
        else:
            body = environ["wsgi.input"].read(most)
            environ["wsgi.input"], length = BytesIO(body), len(body)
        environ["CONTENT_LENGTH"] = str(length)
        return answer(environ, start_response)

    return application


def spooled(source, most):
    """Up to `most` bytes of the source as a file on disk, which is gone once it is closed; and how many there are."""
    file, length = TemporaryFile(), 0  # noqa: SIM115 - Django reads it after this
    while length < most and (piece := source.read(min(PIECE, most - length))):
        file.write(piece)
        length += len(piece)
    file.seek(0)
    return file, length


def under_path(answer):
    """Remove SCRIPT_NAME from the path, where the proxy has not done so. A path without it is used as it is.

    gunicorn could remove it too, but it answers a path without it with a 500.
    """
    os.environ.pop("SCRIPT_NAME", None)  # gunicorn reads it for each request
    prefix = settings.SCRIPT_NAME

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            environ["PATH_INFO"] = path.removeprefix(prefix) or "/"
        return answer(environ, start_response)

    return application


application = with_metrics(under_path(with_length(get_wsgi_application())))
