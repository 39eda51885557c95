"""Opening the zip of an archive. What is unsafe is refused before anything is unpacked."""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from django.utils.translation import gettext as _

from archives.files import manifest, refusals
from archives.files.manifest import Manifest, Member

MOST_MEMBERS = 10_000
MOST_UNPACKED = 8 * 2**30
LARGE_MEMBER, MOST_RATIO = 10 * 2**20, 200
MOST_DIRECTORY = 4 * 2**20  # bytes of the zip's list of members
LONGEST_LINE = 16 * 2**20
LINES_AT_A_TIME, BYTES_AT_A_TIME = 500, 2**20
CHUNK = 2**20
_END, _END_OF_LARGE, _LONGEST_COMMENT = struct.Struct("<4s4H2LH"), b"PK\x06\x07", 65_535
_NAME = re.compile(r"(data/[a-z]+(\.[a-z]+)?|journal)\.jsonl|manifest\.json")
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class Container:
    """An archive that was opened, with its manifest. Close it, or use it in a `with` block."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = opened(file)
        try:
            infos = checked_members(self._zip)
            self.manifest = self._manifest(infos)
            self._infos = infos
            self._compare_names()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *error: Any) -> None:
        self._zip.close()

    def _manifest(self, infos: dict[str, zipfile.ZipInfo]) -> Manifest:
        info = infos.get(manifest.NAME)
        if info is None or info.file_size > manifest.MOST_BYTES:
            raise refusals.no_manifest()
        try:
            return manifest.decoded(self._zip.read(info))
        except DAMAGED:
            raise refusals.no_manifest() from None

    def _compare_names(self) -> None:
        named, stored = self.manifest.members.keys(), self._infos.keys() - {manifest.NAME}
        for name in sorted(named ^ stored):
            raise refusals.bad_name(name)

    def check_sums(self) -> None:
        """Read all members once, and compare them with the manifest."""
        for member in self.manifest.members.values():
            check_sum(member, self.chunks(member.name))

    def chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(self._infos[name]) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except DAMAGED:
            raise refusals.wrong_sum(name) from None

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, without their ends; none where the archive has no such member."""
        if name not in self._infos:
            return
        rest = b""
        for chunk in self.chunks(name):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            if len(rest) > LONGEST_LINE:
                raise refusals.bad_row(name, None, _("A line is too long."))
        if rest:
            yield rest

    def blocks(self, name: str) -> Iterator[list[bytes]]:
        """The same, many lines at a time, and few of long ones: a small file may become gigabytes of them."""
        block, size = list[bytes](), 0
        for line in self.lines(name):
            block.append(line)
            size += len(line)
            if len(block) == LINES_AT_A_TIME or size >= BYTES_AT_A_TIME:
                yield block
                block, size = [], 0
        if block:
            yield block


def check_sum(member: Member, chunks: Iterator[bytes]) -> None:
    digest, size, rows, last = hashlib.sha256(), 0, 0, b"\n"
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        rows += chunk.count(b"\n")
        last = chunk[-1:]
    if size != member.size or digest.hexdigest() != member.sha256:
        raise refusals.wrong_sum(member.name)
    if rows + (last != b"\n") != member.rows:
        raise refusals.wrong_count(member.name)


def opened(file: IO[bytes]) -> zipfile.ZipFile:
    check_directory(file)
    try:
        return zipfile.ZipFile(file)
    except DAMAGED:
        raise refusals.not_a_zip() from None


def check_directory(file: IO[bytes]) -> None:
    """Refuse a list of members that is too long, before zipfile reads all of it into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _LONGEST_COMMENT - 20))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if tail[-_END.size :].startswith(b"PK\x05\x06") and tail.endswith(b"\0\0"):
        end = len(tail) - _END.size
    if end < 0 or len(tail) - end < _END.size:
        raise refusals.not_a_zip()
    _sign, _disk, _first, _here, count, directory, *_rest = _END.unpack_from(tail, end)
    if tail[max(0, end - 20) : end].startswith(_END_OF_LARGE):
        raise too_large()
    if count > MOST_MEMBERS or directory > MOST_DIRECTORY:
        raise too_large()


def checked_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by name. Raises Refused for names, links and sizes that no archive of Strata has."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS or sum(info.file_size for info in infos) > MOST_UNPACKED:
        raise too_large()
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename
        if not _NAME.fullmatch(name) or info.filename != name or name in members or is_link(info):
            raise refusals.bad_name(name)
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refusals.not_a_zip()
        if info.file_size > LARGE_MEMBER and info.file_size > MOST_RATIO * info.compress_size:
            raise too_large()
        members[name] = info
    return members


def is_link(info: zipfile.ZipInfo) -> bool:
    mode = info.external_attr >> 16
    return stat.S_IFMT(mode) not in (0, stat.S_IFREG)


def too_large() -> refusals.TooLarge:
    return refusals.TooLarge(_("It has too many members, or is too large when it is unpacked."))
