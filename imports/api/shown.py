"""Imports and their rows as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imports.models import Import
from imports.reading.refusals import Reason
from imports.services.blocks import BlockRow
from imports.services.previews import KEPT_FOR
from imports.services.texts import QUESTIONS, REASONS, WARNINGS, sentence
from strata.fields.dates import instant_text

# Reasons with a sentence of their own that are one code for programs.
SAME_CODE = {
    "LATER_ROW": "ALREADY_THERE",
    "LATER_STATEMENT": "ALREADY_THERE",
    "KEPT": "ALREADY_THERE",
    "ADJUSTED": "NOT_A_TRANSACTION",
    "SHARED_PRICES": "ALREADY_THERE",
    "FUTURE_PRICE": "OUT_OF_RANGE",
    "OTHER_CURRENCY": "BAD_CURRENCY",
}
DETECTED = (
    "encoding",
    "bom",
    "delimiter",
    "decimal",
    "date_order",
    "header_row",
    "layout",
    "time_zone",
    "columns",
    "sheets",
    "sample",
    "others",
    "mapping_from",
)


def import_as_json(row: Import) -> dict[str, Any]:
    summary = row.summary
    is_preview = row.status == Import.Status.PREVIEW
    return {
        "id": str(row.pk),
        "status": row.status,
        "portfolio_id": str(row.portfolio_id),
        "format": row.format,
        "container": row.container,
        "file": {"name": row.file_name, "size": row.file_size, "sha256": row.file_sha256},
        "options": row.options,
        "detected": {name: summary.get("detected", {}).get(name) for name in DETECTED},
        "accounts": [account_as_json(account) for account in summary.get("accounts", [])],
        "counts": summary.get("counts", {}),
        "questions": [question_as_json(question) for question in summary.get("questions", [])],
        "warnings": [warning_as_json(*warning) for warning in summary.get("warnings", [])],
        "refused": summary.get("refused", 0),
        "skipped": summary.get("skipped", 0),
        "created_by": row.created_by.get_username() if row.created_by else None,
        "created_at": instant_text(row.created_at),
        "committed_at": row.committed_at and instant_text(row.committed_at),
        "undone_at": row.undone_at and instant_text(row.undone_at),
        "expires_at": instant_text(row.previewed_at + KEPT_FOR) if is_preview else None,
    }


def account_as_json(account: Mapping[str, Any]) -> dict[str, Any]:
    return {name: account[name] for name in account if name != "new"}


def question_as_json(question: Mapping[str, Any]) -> dict[str, Any]:
    return {**question, "message": sentence(QUESTIONS, question["code"]), "account": question.get("account")}


def warning_as_json(code: str, line: int | None, column: str | None, text: str) -> dict[str, Any]:
    return {"code": code, "line": line, "column": column, "message": sentence(WARNINGS, code, text)}


def row_as_json(row: BlockRow) -> dict[str, Any]:
    return {
        "number": row["n"],
        "line": row["l"],
        "column": row["c"],
        "sheet": row["s"],
        "outcome": row["o"],
        "reason": reason_as_json(Reason(*row["r"])) if row["r"] else None,
        "read": row["f"],
        "becomes": [{name: item[name] for name in item if name != "before"} for item in row["b"]],
        "before": next((item["before"] for item in row["b"] if item["before"]), None),
    }


def reason_as_json(reason: Reason) -> dict[str, Any]:
    code = SAME_CODE.get(reason.code, reason.code)
    return {"code": code, "message": sentence(REASONS, reason.code, reason.text), "field": reason.field}


def committed_as_json(row: Import) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "status": row.status,
        **{name: row.result[name] for name in ("made", "updated", "skipped", "refused")},
        "committed_at": row.committed_at and instant_text(row.committed_at),
    }


def undone_as_json(row: Import) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "status": row.status,
        **{name: row.result[name] for name in ("removed", "restored", "kept")},
    }
