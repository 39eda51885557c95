"""Makes a PDF of a document in a process of its own, one at a time in each worker: memory and time are bounded."""

from __future__ import annotations

import json
import subprocess  # nosemgrep: no-shell - our own program, and no shell # nosec B404
import sys
from pathlib import Path
from threading import Lock

from reports.statement.pdf_process import UNAVAILABLE

HERE = Path(__file__).resolve().parent
PROCESS = HERE / "pdf_process.py"
STYLES = HERE.parent / "static" / "reports" / "statement.css"
TIMEOUT_SECONDS = 60
_one_at_a_time = Lock()


class PdfUnavailable(Exception):
    """WeasyPrint or the system's Pango is missing."""


class PdfFailed(Exception):
    """It took too long, or too much memory."""


def pdf_of(html: str) -> bytes:
    if not _one_at_a_time.acquire(timeout=TIMEOUT_SECONDS):
        raise PdfFailed
    try:
        return run(json.dumps({"html": html, "css": STYLES.read_text()}).encode())
    finally:
        _one_at_a_time.release()


def run(document: bytes) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program without arguments of anybody # nosec B603
            [sys.executable, "-I", str(PROCESS)],
            input=document,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PdfFailed from None
    if done.returncode == UNAVAILABLE:
        raise PdfUnavailable
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise PdfFailed
    return done.stdout
