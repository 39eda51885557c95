"""Makes an import of a file: what would become of its rows. Answers and options preview it again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from imports.formats.detection import format_names
from imports.models import Import, ImportFile
from imports.reading.refusals import FileRefused
from imports.services import errors
from imports.services.blocks import delete_blocks
from imports.services.drafts import Draft, draft_of
from imports.services.options import merged, read_options
from portfolios.models import Portfolio
from strata.audit.clock import written_at
from strata.db.consistent_read import consistent_read
from strata.exceptions import Invalid, NotFound
from strata.fields.ids import uuid7
from strata.fields.names import validate_name
from strata.tenancy.guards import note_parents_guards
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent, locked_row

KEPT_FOR = timedelta(days=7)
NAME_LENGTH = 200


class Upload(NamedTuple):
    """A file that somebody sends, and how to read it. The rows of a request are fewer than those of a command."""

    portfolio_id: UUID
    data: bytes
    file_name: str = ""
    format_name: str | None = None
    options: Mapping[str, Any] | None = None
    most_rows: int | None = None


# --- without a lock ---


def plan_import(upload: Upload, *, precondition: Precondition = always) -> Draft:
    """The preview of a file, for `create_import`. Call it before the transaction.

    Raises BadFile where it cannot be read, and Invalid for bad options.
    """
    with consistent_read():
        portfolio = Portfolio.objects.filter(pk=upload.portfolio_id).first()
        if portfolio is None:
            raise NotFound("portfolio")
        precondition(portfolio)
        return new_draft(upload, portfolio)


def plan_change(import_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always) -> Draft:
    """The preview with these options too, for `change_options`. Call it before the transaction."""
    with consistent_read():
        row = Import.objects.filter(pk=import_id).select_related("portfolio").first()
        if row is None:
            raise NotFound("import")
        precondition(row)
        require_preview(row)
        return changed_draft(row, file_of(row), changes)


def new_draft(upload: Upload, portfolio: Portfolio) -> Draft:
    if upload.format_name is not None and upload.format_name not in format_names():
        raise Invalid("format", gettext("There is no such format."))
    if len(upload.data) > settings.IMPORT_MAX_BYTES:
        raise errors.FileTooLarge(FileRefused("FILE_TOO_LARGE"))
    options = {} if upload.options is None else upload.options
    row = Import(
        portfolio=portfolio,
        format=upload.format_name or "",
        file_name=safe_name(upload.file_name),
        options=merged({}, read_options(options)),
    )
    return draft_of(row, upload.data, upload.most_rows)


def changed_draft(row: Import, file: ImportFile, changes: Mapping[str, Any]) -> Draft:
    changed = Import(portfolio=row.portfolio, format=row.format, file_name=row.file_name)
    changed.options = merged(row.options, read_options(changes))
    return draft_of(changed, bytes(file.data), version=row.updated_at)


# --- with the portfolio locked ---


@atomic_write
def create_import(
    upload: Upload,
    *,
    draft: Draft | None = None,
    precondition: Precondition = always,
    keeps_file: bool = True,
    import_id: UUID | None = None,
) -> Import:
    """Store the preview of a file. Without a draft, or where something has changed since, the file is read here.

    `keeps_file` is False for a caller who commits it in the same transaction. `import_id` is its id, where it has one.
    """
    portfolio = locked_parent(Import, Portfolio.objects.all(), upload.portfolio_id, "portfolio")
    precondition(portfolio)
    drop_expired(portfolio)
    if draft is None or not draft.is_current(portfolio):
        draft = new_draft(upload, portfolio)
    row = Import(
        pk=import_id or uuid7(),
        portfolio=portfolio,
        file_name=draft.row.file_name,
        file_size=len(upload.data),
        file_sha256=hashlib.sha256(upload.data).hexdigest(),
        previewed_at=written_at(),
    )
    draft.give(row)
    row.save()
    draft.blocks.store(row.pk)
    data = upload.data if keeps_file else b""
    ImportFile.objects.create(file_import=row, data=data, state=draft.state)
    return row


@atomic_write
def change_options(
    import_id: UUID,
    changes: Mapping[str, Any],
    *,
    draft: Draft | None = None,
    precondition: Precondition = always,
) -> Import:
    """Merge the options and store the new preview. 409 where it is no preview any more."""
    row = locked_row(Import.objects.select_related("portfolio"), import_id, "import")
    precondition(row)
    require_preview(row)
    note_parents_guards(row.portfolio, row)
    file = file_of(row)
    if draft is None or not draft.is_current(row.portfolio, row.updated_at):
        draft = changed_draft(row, file, changes)
    draft.give(row)
    row.previewed_at, file.state = written_at(), draft.state
    delete_blocks(row.pk)
    draft.blocks.store(row.pk)
    row.save()
    file.save(update_fields=["state"])
    return row


@atomic_write
def delete_import(import_id: UUID, *, precondition: Precondition = always) -> None:
    """Throw a preview away. 409 for an import that was committed: it stays in the list."""
    row = locked_row(Import.objects.select_related("portfolio"), import_id, "import", for_delete=True)
    precondition(row)
    require_preview(row)
    delete_blocks(row.pk)
    ImportFile.objects.filter(file_import=row).delete()
    row.delete()


def require_preview(row: Import) -> None:
    if row.status == Import.Status.COMMITTED:
        raise errors.again(errors.COMMITTED)
    if row.status == Import.Status.UNDONE:
        raise errors.again(errors.UNDONE)


def file_of(row: Import) -> ImportFile:
    """The file of a preview. Raises IMPORT_EXPIRED where it is no longer kept."""
    file = ImportFile.objects.filter(file_import=row).first()
    if file is None or row.previewed_at + KEPT_FOR < written_at():
        raise errors.again(errors.EXPIRED)
    return file


def drop_expired(portfolio: Portfolio) -> None:
    """Forget the files and rows of old previews of the portfolio; their entries in the list stay."""
    old = Import.objects.filter(
        portfolio=portfolio, status=Import.Status.PREVIEW, previewed_at__lt=written_at() - KEPT_FOR
    )
    for pk in list(old.values_list("pk", flat=True)):
        delete_blocks(pk)
        ImportFile.objects.filter(file_import_id=pk).delete()


def safe_name(name: str) -> str:
    """The last part of a path, without what a name may not have, for showing alone."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(character for character in last if character.isprintable())[:NAME_LENGTH].strip()
    try:
        return validate_name(kept) if kept else ""
    except ValueError:
        return ""
    except Exception:
        return ""
