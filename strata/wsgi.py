"""What gunicorn serves: Django, with an end to every statement, a length for every body, and a path of its own."""

import os
from io import BytesIO

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
os.environ.setdefault("DATABASE_TIMEOUT", "20")  # for requests alone: commands may take long


def with_length(answer):
    """Gives a chunked body its length: Django reads by length, and would take the body for empty."""

    def application(environ, start_response):
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(settings.MAX_BODY_BYTES + 1)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return answer(environ, start_response)

    return application


def under_path(answer):
    """Takes SCRIPT_NAME off the path, where a proxy has left it there. A path that lacks it is taken as it is.

    gunicorn would do that by itself, and answer a path that lacks it with a 500.
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
