"""What the page of an import shows: its questions as fields, its accounts, and its first rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.api.shown import question_as_json, reason_as_json, warning_as_json
from imports.models import Import
from imports.reading.refusals import Reason
from imports.reading.texts import ENCODINGS
from imports.services.blocks import BlockRow, rows_after
from strata.fields.active_formats import day_text, number_text

MOST_ROWS = 200
MOST_REFUSED = 50
CHOICES: dict[str, Any] = {
    "dmy": gettext_lazy("Day first: 31/12/2025"),
    "mdy": gettext_lazy("Month first: 12/31/2025"),
    "ymd": gettext_lazy("Year first: 25/12/31"),
    ".": gettext_lazy("Point: 1,234.56"),
    ",": gettext_lazy("Comma: 1.234,56"),
    "+": gettext_lazy("No, they are owned"),
    "-": gettext_lazy("Yes, they are owed"),
}
OUTCOMES: dict[str, Any] = {
    "create": gettext_lazy("New"),
    "update": gettext_lazy("Changed"),
    "skip": gettext_lazy("Left out"),
    "refuse": gettext_lazy("Not readable"),
}
TYPES: dict[str, Any] = {
    "ACQUIRE": gettext_lazy("Money received"),
    "DISPOSE": gettext_lazy("Money paid"),
    "INCOME": gettext_lazy("Income"),
    "EXPENSE": gettext_lazy("Cost"),
}

UNITS: dict[str, Any] = {
    "ACQUIRE": gettext_lazy("Buy"),
    "DISPOSE": gettext_lazy("Sell"),
    "ADJUST": gettext_lazy("Correction"),
    "TRANSFER": gettext_lazy("Transfer"),
    "INCOME": gettext_lazy("Income"),
}


class QuestionField(NamedTuple):
    name: str
    label: str
    choices: list[tuple[str, Any]]  # empty for a text
    value: str
    required: bool
    examples: list[str]
    account: str


def questions_of(row: Import) -> list[QuestionField]:
    """The questions of the preview as fields. The number of an account is that in its table."""
    keys = [account["key"] for account in row.summary["accounts"]]
    fields = []
    for question in map(question_as_json, row.summary["questions"]):
        key = question["account"]
        name = f"sign-{keys.index(key)}" if key in keys else question["option"]
        options = ENCODINGS if question["code"] == "ENCODING" else question["choices"] or ()
        answer = question["answer"]
        fields.append(
            QuestionField(
                name,
                question["message"],
                [(option, CHOICES.get(option, option)) for option in options],
                answer if isinstance(answer, str) else "",
                question["required"],
                [f"{_('Line')} {example['line']}: {example['text']}" for example in question["examples"]],
                key.rpartition("|")[0] if key else "",
            )
        )
    return fields


class ShownRow(NamedTuple):
    line: int
    account: str
    on: str
    amount: str
    currency: str
    what: str
    outcome: str
    label: Any
    reason: str


def first_rows(row: Import) -> list[ShownRow]:
    """Rows that cannot be read come first, because they are what has to be looked at."""
    refused = rows_after(row.pk, 0, MOST_REFUSED, ["refuse"], [])
    others = rows_after(row.pk, 0, MOST_ROWS, ["create", "update", "skip"], [])
    return [shown for record in (*refused, *others) for shown in shown_rows(record)]


def shown_rows(record: BlockRow) -> Iterable[ShownRow]:
    reason = reason_as_json(Reason(*record["r"]))["message"] if record["r"] else ""
    if not record["b"]:
        read = " ".join(text for text in (record["f"] or {}).values() if text)[:100]
        yield ShownRow(record["l"], read, "", "", "", "", record["o"], OUTCOMES[record["o"]], reason)
    for item in record["b"]:
        outcome = "update" if item["before"] else "create"
        amount = item.get("value") or item.get("amount") or item.get("price")
        yield ShownRow(
            record["l"],
            (item.get("account") or item["instrument"]).rpartition("|")[0] or item.get("instrument", ""),
            day_text(date.fromisoformat(item["on"])) if "on" in item else "",
            number_text(Decimal(amount)) if amount else "",
            item.get("currency", ""),
            what_it_is(item),
            outcome,
            OUTCOMES[outcome],
            former_amount_text(item["before"]),
        )


def what_it_is(item: Mapping[str, Any]) -> str:
    """Money received, or shares bought: the type alone does not say."""
    if item["row_type"] == "asset":
        return _("Asset")
    if item["row_type"] == "price":
        return _("Price")
    if item["row_type"] == "action":
        return _("Split %(new)s for %(old)s") % {"new": item["numerator"], "old": item["denominator"]}
    if (quantity := item.get("quantity")) and item["type"] in UNITS:
        return f"{UNITS[item['type']]} {number_text(Decimal(quantity))}"
    return str(TYPES.get(item.get("type", ""), _("Value")))


def former_amount_text(before: Mapping[str, str] | None) -> str:
    amount = (before or {}).get("value") or (before or {}).get("amount")
    return _("It was %(amount)s.") % {"amount": number_text(Decimal(amount))} if amount else ""


def warnings_of(row: Import) -> list[str]:
    shown = [warning_as_json(*warning) for warning in row.summary["warnings"][:MOST_REFUSED]]
    return [
        f"{_('Line')} {warning['line']}: {warning['message']}" if warning["line"] else warning["message"]
        for warning in shown
    ]
