"""Writes the archive of a household into a file, as the database is at one moment.

One transaction that only reads, so that a transfer is in it with both legs or with neither. The file is complete before
anybody gets it: a slow reader holds no transaction open. Rows go from the database into the zip one by one.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
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
from archives.rows.journal import JOURNAL_COLUMNS, entries_of
from archives.rows.lines import encoded, lines_beside, lines_of
from archives.services.needed import Needs, rate_lines, shared_lines
from portfolios.models import Household
from strata.db.consistent_read import consistent_read
from strata.exceptions import NotFound

LEVEL = 1  # of compression: the next ones take twice the time for a tenth of the size
LINES_AT_A_TIME = 500
ALWAYS = (1980, 1, 1, 0, 0, 0)  # the time of each member, so that equal rows make equal members


def write_archive(household_id: UUID, file: IO[bytes]) -> Manifest:
    """Write the household's archive. Raises NotFound where there is no such household."""
    with consistent_read():
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
    """Writes members of an archive, and counts and sums them up."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: dict[str, Member] = {}

    def write(self, name: str, lines: Iterable[str]) -> None:
        digest, size, rows = hashlib.sha256(), 0, 0
        with self._archive.open(info_of(name), "w", force_zip64=True) as member:
            for count, block in blocks_of(lines):
                digest.update(block)
                size += len(block)
                rows += count
                member.write(block)
        self.members[name] = Member(name, rows, size, digest.hexdigest())


def blocks_of(lines: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == LINES_AT_A_TIME:
            yield len(block), "\n".join([*block, ""]).encode()
            block = []
    if block:
        yield len(block), "\n".join([*block, ""]).encode()


def info_of(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, ALWAYS)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def journal_lines(household_id: UUID, needs: Needs) -> Iterator[str]:
    """The entries in their order. Those without an image, which are nearly all, go as the database makes them."""
    names = UserNames()
    entries = entries_of(household_id)
    pairs = lines_beside(entries, JOURNAL_COLUMNS, "before")
    for line, before in pairs:
        if before is None:
            yield line
            continue
        entry = json.loads(line)
        image = json.loads(before) if isinstance(before, str) else before
        needs.note_image(entry["model"], image)
        entry["before"] = archived_image(apps.get_model(entry["model"]), image, names)
        yield encoded(entry)


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
