"""Strata as gunicorn serves it, with three hooks for tests.

It dies once it has committed, dawdles before it commits, or tells what the connection that it used is set to.
"""

import os
import signal
from contextvars import ContextVar
from pathlib import Path
from time import sleep

from django.db.backends.base.base import BaseDatabaseWrapper

from strata.wsgi import application as strata  # first: it sets Django up

from strata.api.http import idempotency  # isort: skip
from strata.db.durability import durability  # isort: skip

dies = ContextVar("dies", default=False)

rendered = idempotency.rendered


def rendered_in_a_while(request, data):
    """In the transaction of the write, as long as the file that HELD_WHILE names is there; makes another beside it."""
    held = Path(os.environ.get("HELD_WHILE", "/nowhere"))
    while held.exists():
        held.with_suffix(".reached").touch()
        sleep(0.02)
    return rendered(request, data)


idempotency.rendered = rendered_in_a_while


commit = BaseDatabaseWrapper.commit


def commit_and_die(connection):
    """At the request's first commit: what it means to write in a second one is never written."""
    commit(connection)
    if dies.get():
        os.kill(os.getpid(), signal.SIGKILL)


BaseDatabaseWrapper.commit = commit_and_die


def application(environ, start_response):
    dies.set("HTTP_X_DIE" in environ)
    started = []
    answer = strata(environ, lambda *start: started.append(start))
    status, headers = started[0]
    if "HTTP_X_DURABILITY" in environ:  # the request's connection is kept, for this thread
        headers = [*headers, ("X-Durability", ", ".join(map(str, durability())))]
    start_response(status, headers)
    return answer
