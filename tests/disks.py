"""A disk of a few megabytes that a test can fill. Mounting it needs root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SMALL = 48 * 2**20


@contextmanager
def small_disk(folder: Path, size: int = SMALL) -> Iterator[None]:
    """A file system in memory, mounted at the folder for the duration of the block."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    done = subprocess.run(mount, capture_output=True, text=True)
    assert done.returncode == 0, f"A full disk cannot be tested without root: {done.stderr}"
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def fill(folder: Path, *, leaving: int) -> None:
    """Writes a file "ballast" that leaves the given number of bytes free."""
    disk = os.statvfs(folder)
    (folder / "ballast").write_bytes(bytes(max(0, disk.f_bavail * disk.f_frsize - leaving)))
