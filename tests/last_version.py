"""The code of the last version of Strata, taken from git: a test runs it beside this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from tests.serving import ROOT

LAST_VERSION = "LAST_VERSION"  # a commit or tag, in place of the one that is found


def git(*arguments: str) -> bytes:
    """What git writes; nothing where it fails, is not installed, or where this is no clone."""
    if shutil.which("git") is None:
        return b""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout.strip() if done.returncode == 0 and arguments[0] != "archive" else done.stdout


def last_version() -> str | None:
    """The last tag before this commit; as long as there is none, the commit before the newest migration. None where
    the clone has no such commit.
    """
    if given := os.environ.get(LAST_VERSION):
        return given
    if tag := git("describe", "--tags", "--abbrev=0", "HEAD~1"):
        return tag.decode()
    newest = git("log", "-1", "--format=%H", "--", "*/migrations/[0-9]*.py").decode()
    return git("rev-parse", "--verify", f"{newest}~1").decode() or None if newest else None


def unpack(version: str, folder: Path) -> None:
    """Its files, as they are in git."""
    with tarfile.open(fileobj=BytesIO(git("archive", version))) as files:
        files.extractall(folder, filter="data")
