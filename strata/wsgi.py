"""What gunicorn serves: Django, with an end to every statement and a length for every body."""

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


application = with_length(get_wsgi_application())
