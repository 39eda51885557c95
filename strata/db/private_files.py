"""Files and folders that only their owner may read, whatever the umask says."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
BESIDE_SQLITE = (
    "",
    "-wal",
    "-shm",
    "-journal",
)  # what SQLite keeps beside its file gets the mode of that file
_narrowed: dict[str, int] = {}


def open_private(path: Path, flags: int) -> int:
    """An open file, created where it does not exist. A symbolic link is refused."""
    file = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    with suppress(OSError):  # of another owner, or on a file system without modes
        if stat.S_IMODE(os.fstat(file).st_mode) != FILE_MODE:
            os.fchmod(file, FILE_MODE)
    return file


def make_private_folder(path: Path) -> None:
    """Make the folder and those above it. One that exists keeps its mode: Strata did not make it."""
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
    """An empty file for SQLite to fill, unless there is one; it would make one that all may read."""
    with suppress(FileExistsError):
        os.close(open_private(path, os.O_RDWR | os.O_EXCL))


def narrow_database(path: Path) -> list[str]:
    """Take from others what they may do with the files of a database that exists; those that were open to them."""
    return [file for file in map(str, files_of(path)) if narrow(Path(file))]


def narrow(file: Path) -> bool:
    """Take from others what they may do with a file; what its owner may do stays. Whether that changed anything."""
    mode = mode_of(file)
    if mode is None or not mode & ~FILE_MODE:
        return False
    try:
        file.chmod(mode & FILE_MODE)
    except OSError:  # of another owner, or on a read-only disk: doctor says so
        return False
    _narrowed[str(file)] = mode
    return True


def files_of(path: Path) -> list[Path]:
    """A SQLite database's files, those included that are not there."""
    return [Path(f"{path}{suffix}") for suffix in BESIDE_SQLITE]


def mode_of(file: Path) -> int | None:
    """The permissions of a regular file; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None


def narrowed() -> dict[str, int]:
    """What this process has narrowed: the former mode of each path."""
    return dict(_narrowed)


def open_to_others(path: Path) -> dict[str, int]:
    """The files of a database that others may read or write, with their modes."""
    modes = {str(file): mode_of(file) for file in files_of(path)}
    return {name: mode for name, mode in modes.items() if mode is not None and mode & ~FILE_MODE}
