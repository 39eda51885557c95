"""Makes an import of a file: what would become of its rows. Answers and options preview it again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from imports.formats.detection import FoundFormat, format_names, read_file
from imports.formats.rows import Question, Reading
from imports.models import Import, ImportFile
from imports.reading.refusals import FileRefused
from imports.services import errors
from imports.services.blocks import BlockWriter, delete_blocks
from imports.services.options import for_formats, merged, read_options
from imports.services.planning.accounts import Accounts, accounts_of_earlier
from imports.services.planning.instruments import Instruments
from imports.services.planning.outcomes import Choices, Plan
from imports.services.planning.planner import Planner
from imports.services.state import state_of
from portfolios.models import Portfolio
from strata.audit.clock import written_at
from strata.exceptions import Invalid
from strata.fields.names import validate_name
from strata.tenancy.guards import note_parents_guards
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent, locked_row

KEPT_FOR = timedelta(days=7)
NAME_LENGTH = 200
FROM_A_MAPPING = ("columns", "account")


@atomic_write
def create_import(
    portfolio_id: UUID,
    *,
    data: bytes,
    file_name: str = "",
    format_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    most_rows: int | None = None,
    precondition: Precondition = always,
) -> Import:
    """The preview of a file. Raises BadFile where it cannot be read, and Invalid for bad options."""
    portfolio = locked_parent(Import, Portfolio.objects.all(), portfolio_id, "portfolio")
    precondition(portfolio)
    if format_name is not None and format_name not in format_names():
        raise Invalid("format", gettext("There is no such format."))
    if len(data) > settings.IMPORT_MAX_BYTES:
        raise errors.FileTooLarge(FileRefused("FILE_TOO_LARGE"))
    drop_expired(portfolio)
    row = Import(
        portfolio=portfolio,
        format=format_name or "",
        file_name=safe_name(file_name),
        file_size=len(data),
        file_sha256=hashlib.sha256(data).hexdigest(),
        options=merged({}, read_options({} if options is None else options)),
        previewed_at=written_at(),
    )
    state = preview(row, data, most_rows)
    row.save()
    ImportFile.objects.create(file_import=row, data=data, state=state)
    return row


@atomic_write
def change_options(
    import_id: UUID,
    changes: Mapping[str, Any],
    *,
    most_rows: int | None = None,
    precondition: Precondition = always,
) -> Import:
    """Merge the options and preview again. 409 where it is no preview any more."""
    row = locked_row(Import.objects.select_related("portfolio"), import_id, "import")
    precondition(row)
    require_preview(row)
    note_parents_guards(row.portfolio, row)
    file = file_of(row)
    row.options = merged(row.options, read_options(changes))
    row.previewed_at = written_at()
    delete_blocks(row.pk)
    file.state = preview(row, bytes(file.data), most_rows)
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


def preview(row: Import, data: bytes, most_rows: int | None) -> str:
    """Read the file, plan its rows into blocks, and set what the import says about them. Returns the state."""
    try:
        earlier, file = opened(row, data)
        reading = file.reading
        accounts = Accounts(
            row.portfolio,
            row.options.get("accounts", {}),
            Instruments(row.portfolio),
            accounts_of_earlier(earlier),
            row.options.get("account"),
        )
        planner = Planner(row.portfolio, reading, accounts, choices_of(row.options), BlockWriter(row.pk))
        plan = planner.run(most_rows or settings.IMPORT_MAX_ROWS_HTTP)
    except FileRefused as refused:
        raise errors.bad_file(refused) from None
    accounts.refuse_unknown_keys()
    row.format, row.container = reading.format, file.container
    row.summary = summary_of(file, reading, accounts, plan, earlier)
    matched = [account.asset.pk for account in accounts.plans.values() if account.asset]
    return state_of(row.portfolio, matched, row.summary["instruments"])


def opened(row: Import, data: bytes) -> tuple[Import | None, FoundFormat]:
    """The file with the mapping of an earlier one of the same shape, and that import."""
    file = read_file(data, for_formats(row.options), name=row.file_name, format_name=row.format or None)
    row.mapping_key = mapping_key(file)
    committed = Import.objects.filter(
        portfolio__household_id=row.portfolio.household_id,
        mapping_key=row.mapping_key,
        status=Import.Status.COMMITTED,
    )
    earlier = committed.order_by("-id").first()
    remembered = {
        name: earlier.options[name] for name in FROM_A_MAPPING if earlier and name in earlier.options
    }
    if remembered.keys() - row.options.keys():
        options = for_formats({**remembered, **row.options})
        file = read_file(data, options, name=row.file_name, format_name=row.format or None)
    return earlier, file


def mapping_key(file: FoundFormat) -> str:
    """The same for files of one format with the same headings."""
    text = "\n".join([file.reading.format, *file.headings])
    return hashlib.sha256(text.encode()).hexdigest()


def choices_of(options: Mapping[str, Any]) -> Choices:
    return Choices(
        skip=frozenset(options.get("skip", ())),
        again=frozenset(options.get("again", ())),
        keeps_values=options.get("values") == "keep",
        has_cash=options.get("cash", True),
    )


def summary_of(
    file: FoundFormat, reading: Reading, accounts: Accounts, plan: Plan, earlier: Import | None
) -> dict[str, Any]:
    answers = earlier.options if earlier else {}
    return {
        "detected": {
            **reading.detected,
            "others": file.others,
            "mapping_from": str(earlier.pk) if earlier else None,
        },
        "accounts": [account.as_json() for account in accounts.plans.values() if account.rows],
        "instruments": [instrument.as_json() for instrument in accounts.instruments.plans.values()],
        "counts": plan.as_json(),
        "questions": [question_record(question, answers) for question in reading.questions],
        "warnings": [list(warning) for warning in (*plan.warnings, *reading.warnings)],
        "refused": plan.refused,
        "skipped": plan.skipped,
    }


def question_record(question: Question, answers: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "code": question.code,
        "option": question.option,
        "required": question.required,
        "choices": list(question.choices) if question.choices else None,
        "examples": [{"line": line, "text": text} for line, text in question.examples],
        "answer": answers.get(question.option, question.suggestion),
    }
    if question.account is not None:
        record |= {"account": question.account, "answer": question.suggestion}
    return record
