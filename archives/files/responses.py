"""The answer with an archive: the file, or the one range of its bytes that is asked for."""

from __future__ import annotations

import re
from typing import IO

from django.http import FileResponse, HttpResponseBase
from django.utils.text import get_valid_filename

from archives.files.manifest import Manifest

ZIP = "application/zip"
PARTIAL_CONTENT = 206
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


def file_response(file: IO[bytes], manifest: Manifest, wanted: str = "") -> HttpResponseBase:
    size = file.seek(0, 2)
    first, last = range_in(wanted, size) or (0, size - 1)
    file.seek(first)
    name = get_valid_filename(f"{manifest.household_name}-{manifest.as_of[:10]}.zip")
    response = FileResponse(Part(file, last + 1 - first), as_attachment=True, filename=name, content_type=ZIP)
    response["Content-Length"] = str(last + 1 - first)
    response["Accept-Ranges"] = "bytes"
    if (first, last) != (0, size - 1):
        response.status_code = PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def range_in(wanted: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte of a range; None where the whole file is sent."""
    match = _RANGE.fullmatch(wanted)
    if match is None or int(match[1]) >= size:
        return None
    first, last = int(match[1]), min(int(match[2] or size), size - 1)
    return (first, last) if first <= last else None


class Part:
    """The next bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()
