"""Saves the new value that was entered on an asset's own page, by the rules of the page Update values."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from assets.admin.asset.editing import editable_asset
from assets.models import Asset
from reports.update_values import presenting
from reports.update_values.entries import Entry, Reading, read_entries, slips_of
from reports.update_values.rows import AssetRow, asset_rows, today_of
from reports.update_values.saving import ChangedMeanwhile, save_values
from strata.admin.forms import STALE
from strata.admin.sent_again import forget_attempt, once, once_in_steps
from strata.admin.undo import undo_tag
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import day_text, read_day
from strata.fields.dates import validate_year

TYPED = ("value", "on", "note", "in_my_favour")


class Asked(NamedTuple):
    """What has to be answered first: sentences and, where the number has several readings, these in plain digits."""

    questions: list[str]
    readings: list[str]


def save_value(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Back to the asset's page: with a message, or with what was typed and why it is not saved yet."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    asset = editable_asset(request, pk)
    return once_in_steps(request, lambda: answer(asset, request))


def answer(asset: Asset, request: HttpRequest) -> HttpResponse:
    try:
        return record(asset, request)
    except ValidationError as error:
        refusal = error.messages[0]
    except ChangedMeanwhile:  # after it was read here
        refusal = str(STALE)
    except StrataError as refused:
        refusal = refused.message
    forget_attempt(request)
    messages.error(request, f"{_('Nothing was saved.')} {refusal}")
    return back(asset, request)


def record(asset: Asset, request: HttpRequest) -> HttpResponse:
    """Save the value, or ask first. Raises ValidationError for what cannot be read."""
    posted = request.POST
    on = read_day(posted["on"]) if posted.get("on", "").strip() else today_of(asset.portfolio)
    validate_year(on)
    rows = [row for row in asset_rows(asset.portfolio, on) if row.id == asset.pk]
    if not rows:
        raise ValidationError(_("It is sold by then."))
    reading = read_entries(rows, {asset.pk: entry_of(rows[0], posted)})
    if reading.errors:
        raise ValidationError(reading.errors[asset.pk])
    if asked := questions_of(reading, is_confirmed="confirmed" in posted):
        return back(asset, request, asked)
    if not reading.values:
        raise ValidationError(_("Enter a value."))

    def write() -> HttpResponse:
        save_values(reading.values, on, request.user)
        text = _("Saved the value for %(day)s.") % {"day": day_text(on)}
        messages.success(request, text, extra_tags=undo_tag(request))
        return HttpResponseRedirect(reverse("admin:assets_asset_change", args=[asset.pk]))

    return run_in_transaction(lambda: once(request, write))


def entry_of(row: AssetRow, posted: Any) -> Entry:
    text = posted.get("value", "").strip()
    if "in_my_favour" in posted and text and text[0] not in "-\N{MINUS SIGN}(":
        text = f"-{text}"
    return Entry(text, posted.get("note", ""), row.seen, posted.get("reading", ""))


def questions_of(reading: Reading, *, is_confirmed: bool) -> Asked | None:
    """Which number it is comes first; a probable typing error may be confirmed."""
    for which in reading.questions:
        question = presenting.question(which)
        return Asked([question["question"]], question["digits"])
    slips = [] if is_confirmed else slips_of(reading.values)
    return Asked(slips, []) if slips else None


def back(asset: Asset, request: HttpRequest, asked: Asked | None = None) -> HttpResponse:
    """The address says what was typed and asked. An answered reading stays while another question is asked."""
    typed = [(name, request.POST[name]) for name in TYPED if name in request.POST]
    questions, readings = asked or Asked([], [])
    if questions and not readings and request.POST.get("reading"):
        typed.append(("chosen", request.POST["reading"]))
    params = [*typed, *(("question", text) for text in questions), *(("reading", text) for text in readings)]
    address = reverse("admin:assets_asset_change", args=[asset.pk])
    return HttpResponseRedirect(f"{address}?{urlencode(params)}")
