"""Files and folders that only their owner may read, whatever the umask is."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
# SQLite gives the files beside the database the same mode.
BESIDE_SQLITE = ("", "-wal", "-shm", "-journal")
_narrowed: dict[str, int] = {}


def open_private(path: Path, flags: int) -> int:
    """An open file, created where it does not exist. A symbolic link is refused."""
    file = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    with suppress(OSError):  # it has another owner, or the file system has no modes
        if stat.S_IMODE(os.fstat(file).st_mode) != FILE_MODE:
            os.fchmod(file, FILE_MODE)
    return file


def make_private_folder(path: Path) -> None:
    """Create the folder and those above it. An existing folder keeps its mode: Strata did not create it."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    try:
        path.mkdir(FOLDER_MODE)
    except FileExistsError:
        if path.is_dir():  # another process was first
            return
        raise
    path.chmod(FOLDER_MODE)


def make_private_database(path: Path) -> None:
    """Create an empty file for SQLite, unless it exists. SQLite itself would create a file that everybody may read."""
    with suppress(FileExistsError):
        os.close(open_private(path, os.O_RDWR | os.O_EXCL))


def narrow_database(path: Path) -> list[str]:
    """Remove the access of other users to the files of an existing database. Returns the files that had such access."""
    return [file for file in map(str, files_of(path)) if narrow(Path(file))]


def narrow(file: Path) -> bool:
    """Remove the access of other users to a file; the owner's stays. Returns whether the mode was changed."""
    mode = mode_of(file)
    if mode is None or not mode & ~FILE_MODE:
        return False
    try:
        file.chmod(mode & FILE_MODE)
    except OSError:  # it has another owner, or the disk is read-only: doctor reports it
        return False
    _narrowed[str(file)] = mode
    return True


def files_of(path: Path) -> list[Path]:
    """The possible files of a SQLite database; not all need exist."""
    return [Path(f"{path}{suffix}") for suffix in BESIDE_SQLITE]


def mode_of(file: Path) -> int | None:
    """The permissions of a regular file; None where there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None


def narrowed() -> dict[str, int]:
    """The files whose mode this process has changed: the old mode of each path."""
    return dict(_narrowed)


def open_to_others(path: Path) -> dict[str, int]:
    """The files of a database that other users may read or write, with their modes."""
    modes = {str(file): mode_of(file) for file in files_of(path)}
    return {name: mode for name, mode in modes.items() if mode is not None and mode & ~FILE_MODE}
