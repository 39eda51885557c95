"""Strata as gunicorn serves it, with two hooks for tests: it dies before it answers, or dawdles before it commits."""

import os
import signal
from pathlib import Path
from time import sleep

from strata.wsgi import application as strata  # first: it sets Django up

from strata.api import idempotency  # isort: skip

rendered = idempotency.rendered


def rendered_in_a_while(request, data):
    """In the transaction of the write, as long as the file that HELD_WHILE names is there; makes another beside it."""
    held = Path(os.environ.get("HELD_WHILE", "/nowhere"))
    while held.exists():
        held.with_suffix(".reached").touch()
        sleep(0.02)
    return rendered(request, data)


idempotency.rendered = rendered_in_a_while


def application(environ, start_response):
    answer = strata(environ, start_response)
    if "HTTP_X_DIE" in environ:  # committed, and not a byte of the answer is on its way
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
