"""What the page of an import shows: its questions as fields, its accounts, and its first rows."""

from __future__ import annotations

import re
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
from strata.fields.active_formats import amount_text, count_text, day_text, number_text

MOST_ROWS = 200
MOST_REFUSED = 50
MOST_EXAMPLES = 3
MOST_KEPT = 10  # names of what an undo has left
CHOICES: dict[str, Any] = {
    "dmy": gettext_lazy("Day first: 31/12/2025"),
    "mdy": gettext_lazy("Month first: 12/31/2025"),
    "ymd": gettext_lazy("Year first: 25/12/31"),
    ".": gettext_lazy("Point: 1,234.56"),
    ",": gettext_lazy("Comma: 1.234,56"),
    "+": gettext_lazy("No, they are owned"),
    "-": gettext_lazy("Yes, they are owed"),
    "buy_or_sell": gettext_lazy("Below zero a purchase, above zero a sale"),
    "buy": gettext_lazy("Purchases"),
    "sell": gettext_lazy("Sales"),
    "dividend": gettext_lazy("Dividends"),
    "delivery_in": gettext_lazy("Deliveries from elsewhere"),
    "delivery_out": gettext_lazy("Deliveries to elsewhere"),
    "deposit_or_withdrawal": gettext_lazy("Below zero a withdrawal, above zero a deposit"),
    "deposit": gettext_lazy("Deposits"),
    "withdrawal": gettext_lazy("Withdrawals"),
    "interest": gettext_lazy("Interest: below zero paid, above zero received"),
    "fee": gettext_lazy("Fees"),
    "tax": gettext_lazy("Taxes"),
}
ORDERS: dict[str, Any] = {
    "dmy": gettext_lazy("day first"),
    "mdy": gettext_lazy("month first"),
    "ymd": gettext_lazy("year first"),
}
READING = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) \((dmy|mdy|ymd)\)", re.ASCII)  # of an example
OUTCOMES: dict[str, Any] = {
    "create": gettext_lazy("New"),
    "update": gettext_lazy("Changed"),
    "skip": gettext_lazy("Left out"),
    "refuse": gettext_lazy("Not readable"),
}
UNSUPPORTED = ("UNSUPPORTED", "UNSUPPORTED_ACTION")
NOT_SUPPORTED = gettext_lazy("Not supported")
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
    value: str  # what is suggested
    chosen: str  # what was sent and refused, or may be taken as it is suggested
    required: bool
    examples: list[str]
    account: str


def questions_of(row: Import, posted: Mapping[str, str]) -> list[QuestionField]:
    """The questions of the preview as fields, with what was `posted`. The number of an account is that in its table.

    A choice that has to be made is never made already, only suggested.
    """
    keys = [account["key"] for account in row.summary["accounts"]]
    fields = []
    questions = [question for question in row.summary["questions"] if question["code"] != "OPENING"]
    for question in map(question_as_json, questions):
        key = question["account"]
        name = f"sign-{keys.index(key)}" if key in keys else question["option"]
        options = ENCODINGS if question["code"] == "ENCODING" else question["choices"] or ()
        answer = question["answer"] if isinstance(question["answer"], str) else ""
        is_open_choice = question["required"] and options
        fields.append(
            QuestionField(
                name,
                question["message"],
                [(option, CHOICES.get(option, option)) for option in options],
                answer,
                posted.get(name, "" if is_open_choice else answer),
                question["required"],
                [
                    f"{_('Line')} {example['line']}: {example_text(question['code'], example['text'])}"
                    for example in question["examples"][:MOST_EXAMPLES]
                ],
                key.rpartition("|")[0] if key else "",
            )
        )
    return fields


def example_text(code: str, text: str) -> str:
    """Days and values in the user's notation, and cells of the file as they are."""
    if code == "DATE_ORDER":
        cell, colon, readings = text.rpartition(": ")
        return f"{cell}{colon}{READING.sub(reading_text, readings)}"
    if code != "SIGN":
        return text
    on, _colon, value = text.partition(": ")
    return f"{day_text(date.fromisoformat(on))}: {number_text(Decimal(value))}"


def reading_text(reading: re.Match[str]) -> str:
    on, order = reading.groups()
    return f"{day_text(date.fromisoformat(on))} ({ORDERS[order]})"


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
        texts = " ".join(text for text in (record["f"] or {}).values() if text)
        read = ": ".join(filter(None, (record["c"], texts)))[:100]
        yield ShownRow(record["l"], read, "", "", "", "", record["o"], label_of(record), reason)
    for item in record["b"]:
        outcome = "update" if item["before"] else "create"
        yield ShownRow(
            record["l"],
            name_of(item.get("account") or item["instrument"]),
            day_text(date.fromisoformat(item["on"])) if "on" in item else "",
            amount_of(item),
            item.get("currency", ""),
            what_it_is(item),
            outcome,
            OUTCOMES[outcome],
            former_amount_text(item["before"], item.get("currency", "")),
        )


def label_of(record: BlockRow) -> Any:
    """The outcome of a row that nothing becomes of. What Strata does not do can be read very well."""
    is_unsupported = record["o"] == "refuse" and record["r"] and record["r"][0] in UNSUPPORTED
    return NOT_SUPPORTED if is_unsupported else OUTCOMES[record["o"]]


def name_of(key: str) -> str:
    """Without the currency; an ISIN has none. "" for the security that a person still has to name."""
    return key.rpartition("|")[0] if "|" in key else key


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


def amount_of(item: Mapping[str, Any]) -> str:
    """A value or an amount has the places of its currency at least, a price those of the file."""
    if amount := item.get("value") or item.get("amount"):
        return amount_text(Decimal(amount), item.get("currency", ""))
    return number_text(Decimal(item["price"])) if item.get("price") else ""


def former_amount_text(before: Mapping[str, str] | None, currency: str) -> str:
    amount = (before or {}).get("value") or (before or {}).get("amount")
    return _("It was %(amount)s.") % {"amount": amount_text(Decimal(amount), currency)} if amount else ""


def next_step(row: Import) -> str:
    """What a person does next with this import."""
    if row.status == Import.Status.COMMITTED:
        return _("It is in Strata now. Undo removes exactly what this import made.")
    if row.status == Import.Status.UNDONE and row.result["kept"]:
        return what_is_kept([kept["name"] for kept in row.result["kept"]])
    if row.status == Import.Status.UNDONE:
        return _("What this import made is gone. Drop the file again to import it again.")
    if any(question["required"] for question in row.summary["questions"]):
        return _(
            "Nothing is written yet. Answer the questions, then import. What is here already is left out."
        )
    counts = row.summary["counts"].values()
    if not any(count["create"] + count["update"] for count in counts):
        return _("There is nothing new in this file: what can be read of it is in Strata already.")
    return _("Nothing is written yet. Look at the accounts, then import.")


def what_is_kept(names: list[str]) -> str:
    """Of an undo that has left something. The first names, and how many more there are."""
    shown = ", ".join(names[:MOST_KEPT])
    text = _("What this import made is gone, but for what something else needs: %(names)s.") % {
        "names": shown
    }
    left = len(names) - MOST_KEPT
    return f"{text} {_('And %(count)s more.') % {'count': count_text(left)}}" if left > 0 else text


def warnings_of(row: Import) -> list[str]:
    shown = [warning_as_json(*warning) for warning in row.summary["warnings"][:MOST_REFUSED]]
    return [
        f"{_('Line')} {warning['line']}: {warning['message']}" if warning["line"] else warning["message"]
        for warning in shown
    ]
