"""Drafts: previews that are planned and not stored. Reading a file takes long, so it is done without any lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from imports.formats.detection import FoundFormat, read_file
from imports.formats.rows import Question, Reading
from imports.models import Import
from imports.reading.refusals import FileRefused, OptionRefused
from imports.services import errors
from imports.services.blocks import BlockWriter
from imports.services.options import for_formats
from imports.services.planning.accounts import Accounts, accounts_of_earlier
from imports.services.planning.first_pass import FirstPass, NeedsFirstPass, OnePass
from imports.services.planning.instruments import Instruments
from imports.services.planning.openings import Opening, RunningBalances, openings_by_key
from imports.services.planning.outcomes import Choices, Plan
from imports.services.planning.planner import Planner
from imports.services.state import state_of
from portfolios.models import Portfolio

NO_BALANCES = "NO_BALANCES"
MOST_OPENINGS = 100
FROM_A_MAPPING = ("columns", "account")
PLANNED = ("options", "format", "container", "mapping_key", "summary")  # columns of an import


@dataclass(frozen=True, slots=True)
class Draft:
    """What a preview will say, as the columns PLANNED of `row`, which is never saved, and its rows as blocks.

    `state` is that of the data it depends on, and `version` the import's `updated_at`, where it is stored already.
    """

    row: Import
    blocks: BlockWriter
    state: str
    version: datetime | None = None

    def is_current(self, portfolio: Portfolio, version: datetime | None = None) -> bool:
        """Whether all that it depends on is as it was. Ask it with the portfolio locked."""
        return self.version == version and self.state == state_of_import(portfolio, self.row.summary)

    def give(self, row: Import) -> None:
        """Set on the row what was planned."""
        for name in PLANNED:
            setattr(row, name, getattr(self.row, name))


def state_of_import(portfolio: Portfolio, summary: Mapping[str, Any]) -> str:
    matched = [UUID(account["asset_id"]) for account in summary["accounts"] if account["asset_id"]]
    return state_of(portfolio, matched, summary.get("instruments", ()))


def draft_of(
    row: Import, data: bytes, most_rows: int | None = None, *, version: datetime | None = None
) -> Draft:
    """Read the file and plan its rows. Raises BadFile where it cannot be read, and Invalid for bad options."""
    try:
        earlier, opened_file = opened(row, data)

        def planner() -> Planner:
            accounts = Accounts(
                row.portfolio,
                row.options.get("accounts", {}),
                Instruments(row.portfolio, row.options.get("instrument_id")),
                accounts_of_earlier(earlier),
                row.options.get("account"),
                row.options.get("currency", ""),
            )
            return Planner(
                row.portfolio, opened_file.reading, accounts, choices_of(row.options), BlockWriter()
            )

        opening_of = openings_by_key(row.options.get("accounts", {}), row.options.get("currency", ""))
        most_rows = most_rows or settings.IMPORT_MAX_ROWS_HTTP
        if opening_of is None:
            planned = run(planner, opened_file.reading, most_rows)
        else:
            planned = run_with_openings(planner(), opened_file.reading, most_rows, opening_of)
    except OptionRefused as refused:
        raise errors.bad_option(refused) from None
    except FileRefused as refused:
        raise errors.bad_file(refused) from None
    planned.accounts.refuse_unknown_keys()
    planned.refuse_unknown_lines()
    row.format, row.container = opened_file.reading.format, opened_file.container
    row.summary = summary_of(opened_file, opened_file.reading, planned.accounts, planned.plan, earlier)
    return Draft(row, planned.blocks, state_of_import(row.portfolio, row.summary), version)


def run(new_planner: Callable[[], Planner], reading: Reading, most_rows: int) -> Planner:
    """Most files can be planned while they are read. For others, all rows are looked at before."""
    planner = new_planner()
    try:
        planner.run(OnePass(most_rows))
    except NeedsFirstPass:
        planner = new_planner()
        planner.run(FirstPass(reading.rows(), most_rows))
    return planner


def run_with_openings(
    planner: Planner, reading: Reading, most_rows: int, opening_of: Callable[[str], Opening | None]
) -> Planner:
    balances = RunningBalances(opening_of, planner.choices.skip)
    planner.run(FirstPass(reading.rows(), most_rows, balances))
    planner.plan.warnings += balances.warnings
    if all(opening_of(key) for key in keys_without_balances(planner.accounts)):
        reading.warnings[:] = [warning for warning in reading.warnings if warning.code != NO_BALANCES]
    return planner


def keys_without_balances(accounts: Accounts) -> list[str]:
    """The accounts of money that have rows."""
    return [key for key, plan in accounts.plans.items() if plan.rows and not plan.account.instrument]


def opening_questions(reading: Reading, accounts: Accounts) -> list[Question]:
    """What was in each account of a file without balances may be said: then its rows give values."""
    if not any(warning.code == NO_BALANCES for warning in reading.warnings):
        return []
    return [
        Question("OPENING", "accounts", required=False, account=key)
        for key in keys_without_balances(accounts)[:MOST_OPENINGS]
    ]


def opened(row: Import, data: bytes) -> tuple[Import | None, FoundFormat]:
    """The file with the mapping of an earlier one of the same shape, and that import."""
    format_of_file = read_file(
        data, for_formats(row.options), name=row.file_name, format_name=row.format or None
    )
    row.mapping_key = mapping_key(format_of_file)
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
        with suppress(OptionRefused):  # nobody chose them for this file
            format_of_file = read_file(data, options, name=row.file_name, format_name=row.format or None)
    return earlier, format_of_file


def mapping_key(format_of_file: FoundFormat) -> str:
    """The same for files of one format with the same headings."""
    text = "\n".join([format_of_file.reading.format, *format_of_file.headings])
    return hashlib.sha256(text.encode()).hexdigest()


def choices_of(options: Mapping[str, Any]) -> Choices:
    return Choices(
        skip=frozenset(options.get("skip", ())),
        again=frozenset(options.get("again", ())),
        keeps_values=options.get("values") == "keep",
        has_cash=options.get("cash", True),
    )


def summary_of(
    format_of_file: FoundFormat, reading: Reading, accounts: Accounts, plan: Plan, earlier: Import | None
) -> dict[str, Any]:
    answers = earlier.options if earlier else {}
    return {
        "detected": {
            **reading.detected,
            "others": format_of_file.others,
            "mapping_from": str(earlier.pk) if earlier else None,
        },
        "accounts": [account.as_json() for account in accounts.plans.values() if account.rows],
        "instruments": [plan.as_json() for plan in accounts.instruments.plans.values()],
        "counts": plan.as_json(),
        "questions": [
            question_record(question, answers)
            for question in (*reading.questions, *opening_questions(reading, accounts))
        ],
        "warnings": [list(warning) for warning in (*plan.warnings, *reading.warnings)],
        "refused": plan.refused,
        "skipped": plan.skipped,
        "disposals": accounts.disposals(),
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
