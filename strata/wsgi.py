"""The WSGI application: Django, with a length for chunked bodies, and SCRIPT_NAME.

Who imports this module is a server: settings.py looks for it, and limits the time of a statement.
"""

import os
from io import BytesIO

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from strata.api.http.body_limits import most_body_bytes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")


def with_length(answer):
    """Set the length of a chunked body: without a length Django reads nothing."""

    def application(environ, start_response):
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(most_body_bytes(environ.get("PATH_INFO", "")) + 1)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return answer(environ, start_response)

    return application


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


application = under_path(with_length(get_wsgi_application()))
