"""The texts of the page "Update values", for its template and for its script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.admin.asset.shares import whole_value_note
from assets.models.asset import Valuation
from assets.services.entries.snapshots import values_counting_on
from assets.valuation import PriceGap
from portfolios.models import Portfolio
from reports.portfolio_day import names_of
from reports.update_values.entries import Entry, NewValue, WhichNumber
from reports.update_values.pasted import Pasted
from reports.update_values.rows import AssetRow, asset_rows, sections_of
from strata.fields.active_formats import accepted_date_formats, active_formats, amount_text, day_text
from strata.fields.numbers import plain

SHOWN = 5  # of the lines of a pasted text that did not fit


def page(
    portfolio: Portfolio,
    on: date,
    portfolios: Iterable[Portfolio],
    entries: Mapping[UUID, Entry],
    content: Mapping[str, Any],
) -> dict[str, Any]:
    """The context of the template. `content` is what the script would have been answered."""
    rows, words = asset_rows(portfolio, on), Words.translated()
    errors, questions = (
        content.get("errors", {}),
        {each["asset"]: each for each in content.get("readings", ())},
    )
    return {
        "title": _("Update values"),
        "portfolio": portfolio,
        "portfolios": names_of(portfolios),
        "on": on,
        "on_text": day_text(on),
        "date_help": accepted_date_formats(),
        "number_help": _("Amounts as %(example)s.") % {"example": active_formats().number.value},
        "sections": [
            (
                heading,
                [
                    {
                        **shown(row, on, words, entries.get(row.id), errors.get(str(row.id), "")),
                        "choices": choices(questions.get(str(row.id))),
                    }
                    for row in of_section
                ],
            )
            for heading, of_section in sections_of(rows)
        ],
        "slips": content.get("slips", ()),
        "alert": content.get("alert") or " ".join(each["question"] for each in questions.values()),
    }


def choices(question: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The buttons that answer the question, where there is no script: plain digits, and their text."""
    return list(zip(question["digits"], question["readings"], strict=True)) if question else []


class Words(NamedTuple):
    """What each row says, translated once for all of a thousand rows. Names are put into it."""

    new_value: str
    amount_owed: str
    note: str
    same: str
    up: str
    down: str
    no_value: str
    owed: str
    in_your_favour: str

    @classmethod
    def translated(cls) -> Words:
        return cls(
            _("New value of %(name)s"),
            _("Amount owed on %(name)s"),
            _("Note for %(name)s"),
            _("Still the same: %(name)s"),
            _("Move up: %(name)s"),
            _("Move down: %(name)s"),
            _("No value yet"),
            _("owed"),
            _("in your favour"),
        )


def shown(row: AssetRow, on: date, words: Words, entry: Entry | None, error: str) -> dict[str, Any]:
    name = {"name": row.name}
    return {
        **state(row, words),
        "id": row.id,
        "name": row.name,
        "currency": row.currency,
        "address": reverse("admin:assets_asset_change", args=[row.id]),
        "text": entry.text if entry else "",
        "note": entry.note if entry else "",
        "seen": entry.seen if entry else row.seen,
        "reading": entry.reading if entry else "",
        "error": error,
        "value_label": (words.amount_owed if row.is_debt else words.new_value) % name,
        "note_label": words.note % name,
        "whole_note": whole_value_note(row.share_on(on)),
        "same_label": words.same % name,
        "up_label": words.up % name,
        "down_label": words.down % name,
    }


def states(rows: Iterable[AssetRow]) -> dict[str, dict[str, str]]:
    """What the script shows of each asset after a save."""
    words = Words.translated()
    return {str(row.id): state(row, words) for row in rows}


def state(row: AssetRow, words: Words) -> dict[str, str]:
    """What changes in a row when a value is saved."""
    if row.last is None or row.last_on is None:
        note = words.no_value if row.missing is None else price_note(row.missing)
        return {"last": "", "last_note": note, "last_on": "", "same": "", "seen": row.seen}
    notes = [debt_note(row.last, words) if row.is_debt else "", source_note(row)]
    return {
        "last": amount_text(abs(row.shown_last) if row.is_debt else row.shown_last, row.currency),
        "last_note": ", ".join(note for note in notes if note),
        "last_on": day_text(row.last_on),
        "same": "" if row.is_computed else row.typed_text(row.last),
        "seen": row.seen,
    }


def price_note(missing: PriceGap) -> str:
    """Why an asset that is valued at a price has no value on the day, though it may have had many."""
    name = missing.symbol or missing.asset_name
    if missing.last_on is None:
        return _("%(name)s has no price yet") % {"name": name}
    return _("%(name)s has no price since %(day)s") % {"name": name, "day": day_text(missing.last_on)}


def source_note(row: AssetRow) -> str:
    """What a value comes from that nobody has to enter."""
    return str(Valuation(row.valuation).label) if row.is_computed else ""


def debt_note(value: Decimal, words: Words) -> str:
    if not value:
        return ""
    return words.owed if value < 0 else words.in_your_favour


def question(which: WhichNumber) -> dict[str, Any]:
    row = which.row
    words = {"name": row.name, "text": which.text}
    return {
        "asset": str(row.id),
        "question": _("%(name)s: “%(text)s” can be read in more than one way. Which one is meant?") % words,
        "readings": [amount_text(number, row.currency) for number in which.numbers],
        "digits": [plain(number) for number in which.numbers],
    }


def conflicts(changed: Sequence[NewValue], fresh: Mapping[UUID, AssetRow], on: date) -> dict[str, Any]:
    """The message, and for each asset its present state for the person who decides."""
    values = values_counting_on(on, asset__in=[new.row.id for new in changed])
    rows, words = [fresh.get(new.row.id, new.row) for new in changed], Words.translated()
    texts = [conflict_text(row, values.get(row.id), on) for row in rows]
    return {
        "alert": " ".join([_("Nothing was saved."), *texts]),
        "conflicts": [{"asset": str(row.id), "name": row.name, "state": state(row, words)} for row in rows],
    }


def conflict_text(row: AssetRow, value: Any, on: date) -> str:
    if value is None:
        return _("%(name)s: the value of %(day)s was removed meanwhile.") % {
            "name": row.name,
            "day": day_text(on),
        }
    words = {
        "name": row.name,
        "user": value.updated_by.username if value.updated_by else _("System"),
        "value": row.typed_text(value.value),
        "day": day_text(on),
    }
    return _("%(name)s was changed meanwhile by %(user)s: %(value)s on %(day)s.") % words


def paste_problems(pasted: Pasted) -> str:
    """What did not fit, in one text; empty where all did."""
    problems = []
    if pasted.too_many > 0:
        text = ngettext(
            "There is %(count)s more line than rows.",
            "There are %(count)s more lines than rows.",
            pasted.too_many,
        )
        problems.append(text % {"count": pasted.too_many})
    for template, lines in (
        (_("No number: %(lines)s."), pasted.no_number),
        (_("No such asset: %(lines)s."), pasted.unknown),
        (_("More than once: %(lines)s."), pasted.repeated),
    ):
        if lines:
            problems.append(template % {"lines": listed(lines)})
    if problems and not pasted.fills:
        problems.insert(0, _("Nothing was filled in."))
    return " ".join(problems)


def listed(lines: Sequence[str]) -> str:
    rest = len(lines) - SHOWN
    return ", ".join(line[:50] for line in lines[:SHOWN]) + (f" … (+{rest})" if rest > 0 else "")
