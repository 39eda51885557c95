"""Starts a command of manage.py in a process of its own, which no request waits for."""

from __future__ import annotations

import subprocess  # nosemgrep: no-shell - our own command, and no shell # nosec B404
import sys
from threading import Thread

from django.conf import settings


def start_command(*arguments: str) -> None:
    process = subprocess.Popen(  # noqa: S603 - a fixed program, and arguments of our own # nosec B603
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    Thread(target=process.wait, daemon=True).start()
