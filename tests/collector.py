"""A WSGI application that reports its worker's garbage collector settings, for a test of gunicorn.conf.py."""

from __future__ import annotations

import gc
import json

from strata import wsgi  # loads Django, as the real application does

DJANGO = wsgi.application


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"frozen": gc.get_freeze_count(), "threshold": gc.get_threshold()}).encode()]
