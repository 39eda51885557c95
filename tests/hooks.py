"""Strata's WSGI application with three hooks for tests.

A request can kill its worker after the commit, wait before the commit, or report the settings of its connection.
"""

import os
import signal
from contextvars import ContextVar
from pathlib import Path
from time import sleep

from django.db.backends.base.base import BaseDatabaseWrapper

from strata.wsgi import application as strata  # first, because it sets up Django

from strata.api.http import idempotency  # isort: skip
from strata.db.durability import durability  # isort: skip

kill_after_commit = ContextVar("kill_after_commit", default=False)

rendered = idempotency.rendered


def render_when_released(request, data):
    """Waits inside the write's transaction while the file named by HELD_WHILE exists; touches `.reached` beside it."""
    hold_file = Path(os.environ.get("HELD_WHILE", "/nowhere"))
    while hold_file.exists():
        hold_file.with_suffix(".reached").touch()
        sleep(0.02)
    return rendered(request, data)


idempotency.rendered = render_when_released


commit = BaseDatabaseWrapper.commit


def commit_and_kill(connection):
    """Kills the process after the request's first commit, so that a second one never happens."""
    commit(connection)
    if kill_after_commit.get():
        os.kill(os.getpid(), signal.SIGKILL)


BaseDatabaseWrapper.commit = commit_and_kill


def application(environ, start_response):
    kill_after_commit.set("HTTP_X_DIE" in environ)
    started = []
    answer = strata(environ, lambda *start: started.append(start))
    status, headers = started[0]
    if "HTTP_X_DURABILITY" in environ:  # the thread still has the request's connection
        headers = [*headers, ("X-Durability", ", ".join(map(str, durability())))]
    start_response(status, headers)
    return answer
