"""Writes the archive of a household into a file, as the database is at one moment.

One transaction that only reads, so that a transfer is in it with both legs or with neither. The file is complete before
anybody gets it: a slow reader holds no transaction open. Rows go from the database into the zip one by one.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils import timezone

import strata
from archives.files import manifest
from archives.files.manifest import Manifest, Member
from archives.rows.contents import JOURNAL, MODELS, RATES, SHARED, member_of, rows_of
from archives.rows.images import archived_image
from archives.rows.journal import AS_STORED, entries_of, lines_of_each
from archives.rows.lines import AT_A_TIME, Block, encoded, lines_beside, lines_of
from archives.rows.unstorable import storable
from archives.services.needed import Needs, rate_lines, shared_lines
from portfolios.models import Household
from strata.db.consistent_read import consistent_read, on_disk
from strata.exceptions import NotFound

LEVEL = 1  # of compression: the next ones take twice the time for a tenth of the size
BLOCKS_WAITING = 4  # of lines that are there before they are packed
NEXT_COLUMN = ',"channel":'  # of a line of the journal, after "before"
ALWAYS = (1980, 1, 1, 0, 0, 0)  # the time of each member, so that equal rows make equal members


def write_archive(household_id: UUID, file: IO[bytes]) -> Manifest:
    """Write the household's archive. Raises NotFound where there is no such household."""
    with on_disk(), consistent_read():
        # nosemgrep: rows-through-for-user - the callers check that the household is the user's own, or are commands
        household = Household.objects.filter(pk=household_id).first()
        if household is None:
            raise NotFound("household")
        as_of = timezone.now()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            writer = Writer(archive)
            write_members(writer, household.pk)
            written = Manifest(
                strata.__version__,
                instant_text(timezone.now()),
                instant_text(as_of),
                household.pk,
                household.name,
                writer.members,
            )
            archive.writestr(info_of(manifest.NAME), written.encoded())
    return written


def archive_file(household_id: UUID) -> tuple[IO[bytes], Manifest]:
    """The archive in a private temporary file, which the caller closes."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        return file, write_archive(household_id, file)
    except BaseException:
        file.close()
        raise


def write_members(writer: Writer, household_id: UUID) -> None:
    needs = Needs(household_id)
    for model in MODELS:
        writer.write(member_of(model), lines_of(rows_of(model, household_id)))
    writer.write(JOURNAL, journal_lines(household_id, needs))
    writer.write(SHARED, shared_lines(needs))
    writer.write(RATES, rate_lines(needs))


class Writer:
    """Writes members of an archive, and counts and sums them up, while the database makes the next lines."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: dict[str, Member] = {}

    def write(self, name: str, blocks: Iterable[Block]) -> None:
        sums = Sums()
        with (
            self._archive.open(info_of(name), "w", force_zip64=True) as member,
            ThreadPoolExecutor(1) as packer,
        ):
            waiting: deque[Future[None]] = deque()
            for block in blocks:
                waiting.append(packer.submit(sums.write, block, member))
                if len(waiting) > BLOCKS_WAITING:
                    waiting.popleft().result()
            for packed in waiting:
                packed.result()
        self.members[name] = Member(name, sums.rows, sums.size, sums.digest.hexdigest())


class Sums:
    """Of what was written of a member."""

    def __init__(self) -> None:
        self.digest, self.size, self.rows = hashlib.sha256(), 0, 0

    def write(self, block: Block, member: IO[bytes]) -> None:
        data = storable("\n".join([*block, ""]))
        self.digest.update(data)
        self.size += len(data)
        self.rows += len(block)
        member.write(data)


def info_of(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, ALWAYS)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def journal_lines(household_id: UUID, needs: Needs) -> Iterator[Block]:
    """The entries in their order. Those without an image, which are nearly all, go as the database makes them."""
    names = UserNames()
    lines: list[str] = []
    for block in lines_beside(entries_of(household_id), AS_STORED, "before", "model", "packed"):
        for line, before, label, packed in block:
            if packed is not None:
                lines += lines_of_each(line, packed)
            else:
                lines.append(line if before is None else with_image(line, before, label, needs, names))
            if len(lines) >= AT_A_TIME:
                yield lines
                lines = []
    yield lines


def with_image(line: str, before: Any, label: str, needs: Needs, names: UserNames) -> str:
    """The line with the image in its place. No text in it contains NEXT_COLUMN: its quotes would be escaped."""
    image = json.loads(before) if isinstance(before, str) else before
    needs.note_image(label, image)
    archived = encoded(archived_image(apps.get_model(label), image, names))
    return line.replace(NEXT_COLUMN, f',"before":{archived}{NEXT_COLUMN}', 1)


class UserNames:
    """The names of users by id, each looked up once."""

    def __init__(self) -> None:
        self._names: dict[UUID, str | None] = {}

    def __call__(self, user_id: UUID) -> str | None:
        if user_id not in self._names:
            users: Any = get_user_model()._default_manager
            self._names[user_id] = users.filter(pk=user_id).values_list("username", flat=True).first()
        return self._names[user_id]


def instant_text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
