"""The page /admin/update-values/: shows the table, and answers what update_values.js asks. Without JavaScript the same
form is posted, and the page is shown again with what was typed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.models import Asset
from assets.services.asset_order import set_asset_order
from portfolios.models import Portfolio
from reports.portfolio_day import LAST_PORTFOLIO, PortfolioDayPage
from reports.update_values import presenting
from reports.update_values.entries import Entry, NewValue, Reading, read_entries, slips_of
from reports.update_values.pasted import Target, read_pasted
from reports.update_values.rows import AssetRow, asset_rows
from reports.update_values.saving import ChangedMeanwhile, save_values
from reports.update_values.totals import difference_text, sentence, totals_of
from strata.admin.choices import parse_uuid
from strata.admin.sent_again import once_of_many
from strata.admin.undo import refusal_text, undo_as, undo_tag, undoable_request, undone_text
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import UncertainNumber, day_text, read_number
from strata.fields.names import name_key
from strata.fields.numbers import MONEY_PLACES
from strata.tenancy.roles import EDITORS, require_role, role_in

A_YEAR = 366 * 24 * 3600
MOST_NAMES = 5
type Answer = dict[str, Any]  # what update_values.js shows: questions and errors of fields are answers too


class UpdateValuesPage(PortfolioDayPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        portfolios = self.portfolios()
        if not portfolios and "portfolio" not in request.GET:
            return HttpResponseRedirect(reverse("admin:index"))  # which offers to make one
        date_error = self.choose(portfolios, request.GET, request.COOKIES.get(LAST_PORTFOLIO, ""))
        return self.page(portfolios, date_error=date_error)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Both kinds of requests: JSON from the script, and the posted form."""
        if request.content_type != "application/json":
            return self.post_form(request)
        try:
            asked = json.loads(request.body)
        except (ValueError, RecursionError):  # the latter of brackets in brackets
            asked = None
        if not isinstance(asked, dict) or str(asked.get("action")) not in ACTIONS:
            return JsonResponse(
                {"alert": _("The page asked for something unknown. Load it again.")}, status=400
            )
        address = {key: str(asked.get(key, "")) for key in ("portfolio", "on")}
        if date_error := self.choose(self.portfolios(), address):
            return JsonResponse({"alert": wrong_day(date_error)}, status=400)
        try:
            return JsonResponse(ACTIONS[str(asked["action"])](self, asked))
        except StrataError as refused:
            return JsonResponse({"alert": nothing_saved(refused)}, status=refused.status)

    def may_write(self) -> bool:
        user: Any = self.request.user
        return user.is_superuser or role_in(user, self.portfolio.household_id) in EDITORS

    # --- what the script asks for ---

    def preview(self, asked: Mapping[str, Any]) -> Answer:
        rows = asset_rows(self.portfolio, self.on)
        reading = read_entries(rows, entries_of(asked))
        total = totals_of(self.portfolio, self.on, reading.values)
        return {
            "total": sentence(total, self.portfolio.base_currency)
            if reading.values
            else _("Nothing entered"),
            "differences": {str(new.row.id): difference_text(new) for new in reading.values},
            "errors": {str(pk): message for pk, message in reading.errors.items()},
        }

    def save(self, asked: Mapping[str, Any]) -> Answer:
        return self.save_entries(entries_of(asked), is_confirmed=bool(asked.get("confirmed")))

    def save_entries(self, entries: Mapping[UUID, Entry], *, is_confirmed: bool) -> Answer:
        rows = asset_rows(self.portfolio, self.on)
        if gone := typed_of_others(entries, rows):
            return {"alert": self.no_longer_there(gone)}
        reading = read_entries(rows, entries)
        return self.refusal_of(reading, is_confirmed=is_confirmed) or self.saved(reading)

    def no_longer_there(self, ids: Collection[UUID]) -> str:
        """What was typed is not silently lost where somebody has sold, moved or deleted the asset meanwhile."""
        assets = Asset.objects.for_user(self.request.user).filter(pk__in=ids)
        names = list(assets.order_by("name_key", "pk").values_list("name", flat=True))
        text = ngettext(
            "%(names)s is no longer among the assets of this day: it was sold, moved or deleted. Load the page again.",
            "%(names)s are no longer among the assets of this day: they were sold, moved or deleted."
            " Load the page again.",
            len(ids),
        )
        shown = names[:MOST_NAMES] + ["…"] * (len(ids) > len(names[:MOST_NAMES]))
        return f"{_('Nothing was saved.')} {text % {'names': ', '.join(shown)}}"

    def refusal_of(self, reading: Reading, *, is_confirmed: bool) -> Answer | None:
        if reading.errors:
            return {"errors": {str(pk): message for pk, message in reading.errors.items()}}
        if reading.questions:
            return {"readings": [presenting.question(question) for question in reading.questions]}
        slips = [] if is_confirmed else slips_of(reading.values)
        return {"slips": slips} if slips else None

    def saved(self, reading: Reading) -> Answer:
        if not reading.values:
            return {"alert": _("Nothing entered")}
        try:
            save_values(reading.values, self.on, self.request.user)
        except ChangedMeanwhile as refused:
            return presenting.conflicts(refused.changed, self.fresh(refused.changed), self.on)
        fresh = self.fresh(reading.values)
        return {
            "saved": saved_text(len(reading.values), self.on),
            "undo": undoable_request(self.request.user),
            "rows": presenting.states(fresh.values()),
        }

    def fresh(self, values: Iterable[NewValue]) -> dict[UUID, AssetRow]:
        ids = {new.row.id for new in values}
        return {row.id: row for row in asset_rows(self.portfolio, self.on) if row.id in ids}

    def keep_order(self, asked: Mapping[str, Any]) -> Answer:
        ids = [pk for pk in (parse_uuid(str(each)) for each in listed(asked, "assets")) if pk]
        self.set_order(ids)
        return {}

    def set_order(self, ids: list[UUID]) -> None:
        def require_editor(portfolio: Portfolio) -> None:
            user: Any = self.request.user
            if not user.is_superuser:
                require_role(user, portfolio.household_id)

        run_in_transaction(lambda: set_asset_order(self.portfolio.pk, ids, precondition=require_editor))

    def paste(self, asked: Mapping[str, Any]) -> Answer:
        rows = {str(row.id): row for row in asset_rows(self.portfolio, self.on)}
        ids = [str(pk) for pk in listed(asked, "assets") if str(pk) in rows]
        targets = [Target(pk, rows[pk].name_key) for pk in ids]
        pasted = read_pasted(
            str(asked.get("text", "")),
            targets,
            str(asked.get("first", "")),
            key_of=name_key,
            is_number=lambda asset, text: is_number(text, rows[asset].currency),
        )
        return {"fills": pasted.fills, "alert": presenting.paste_problems(pasted)}

    def undo(self, asked: Mapping[str, Any]) -> Answer:
        """Undo what a Save of the page wrote; nothing, where one of the values was changed since."""
        try:
            undone = undo_as(self.request.user, str(asked.get("request_id", "")))
        except StrataError as refused:
            return {"alert": refusal_text(refused)}
        rows = presenting.states(asset_rows(self.portfolio, self.on))
        return {"undone": undone_text(undone), "rows": rows}

    # --- the form without JavaScript ---

    def post_form(self, request: HttpRequest) -> HttpResponse:
        portfolios = self.portfolios()
        date_error = self.choose(portfolios, request.POST)
        entries = entries_of_form(request.POST)
        if date_error:
            return self.page(portfolios, entries=entries, content={"alert": wrong_day(date_error)})
        rows = asset_rows(self.portfolio, self.on)
        pressed = request.POST.get("action", "")
        if "same" in request.POST or pressed == "same":
            return self.page(portfolios, entries=same_again(rows, entries, request.POST.get("same")))
        if not self.may_write():
            raise PermissionDenied
        if moved := {"up", "down"} & request.POST.keys():
            direction = min(moved)
            self.set_order(moved_by_one(rows, request.POST[direction], direction))
            return self.page(portfolios, entries=entries)
        return self.save_form(portfolios, entries, is_confirmed=pressed == "save-anyway")

    def save_form(
        self, portfolios: list[Portfolio], entries: dict[UUID, Entry], *, is_confirmed: bool
    ) -> HttpResponse:
        """A repeated one writes nothing anyway: the values are not as its page showed them."""
        request = self.request

        def write() -> HttpResponse:
            try:
                content = self.save_entries(entries, is_confirmed=is_confirmed)
            except StrataError as refused:
                content = {"alert": nothing_saved(refused)}
            if "saved" not in content:
                return self.page(portfolios, entries=entries, content=content)
            messages.success(request, content["saved"], extra_tags=undo_tag(request))
            return HttpResponseRedirect(self.address())

        return once_of_many(request, write)

    # --- the page ---

    def address(self) -> str:
        query = urlencode({"portfolio": str(self.portfolio.pk), "on": self.on.isoformat()})
        return f"{reverse('update-values')}?{query}"

    def page(
        self,
        portfolios: Iterable[Portfolio],
        *,
        date_error: str = "",
        entries: Mapping[UUID, Entry] | None = None,
        content: Mapping[str, Any] | None = None,
    ) -> HttpResponse:
        may_write = self.may_write()
        context = {
            **admin.site.each_context(self.request),
            **presenting.page(self.portfolio, self.on, portfolios, entries or {}, content or {}),
            "address": reverse("update-values"),
            "date_error": date_error,
            "may_write": may_write,
        }
        response = TemplateResponse(self.request, "reports/update_values.html", context)
        response.set_cookie(
            LAST_PORTFOLIO,
            str(self.portfolio.pk),
            max_age=A_YEAR,
            httponly=True,
            samesite="Lax",
            secure=self.request.is_secure(),
        )
        return response


ACTIONS: Mapping[str, Callable[[UpdateValuesPage, Mapping[str, Any]], Answer]] = {
    "preview": UpdateValuesPage.preview,
    "save": UpdateValuesPage.save,
    "paste": UpdateValuesPage.paste,
    "undo": UpdateValuesPage.undo,
    "order": UpdateValuesPage.keep_order,
}


def listed(asked: Mapping[str, Any], name: str) -> list[Any]:
    value = asked.get(name)
    return value if isinstance(value, list) else []


def entries_of(asked: Mapping[str, Any]) -> dict[UUID, Entry]:
    """The rows that the script sent. What is no row is ignored."""
    entries = {}
    for row in listed(asked, "rows"):
        pk = parse_uuid(str(row.get("asset", ""))) if isinstance(row, dict) else None
        if pk:
            entries[pk] = Entry(*(str(row.get(name, "")) for name in Entry._fields))
    return entries


def entries_of_form(posted: Mapping[str, str]) -> dict[UUID, Entry]:
    entries = {}
    for name in posted:
        pk = parse_uuid(name.removeprefix("value-")) if name.startswith("value-") else None
        if pk:
            others = (posted.get(f"{field}-{pk}", "") for field in Entry._fields[1:])
            entries[pk] = Entry(posted[name], *others)
    return entries


def moved_by_one(rows: Sequence[AssetRow], asset: str, direction: str) -> list[UUID]:
    """The ids of the rows, with this one before or behind its neighbour of the same section."""
    ids, sections = [row.id for row in rows], [row.section for row in rows]
    place = next((number for number, pk in enumerate(ids) if str(pk) == asset), -1)
    other = place + (1 if direction == "down" else -1)
    if place >= 0 and 0 <= other < len(ids) and sections[place] == sections[other]:
        ids[place], ids[other] = ids[other], ids[place]
    return ids


def same_again(
    rows: Iterable[AssetRow], entries: Mapping[UUID, Entry], only: str | None
) -> dict[UUID, Entry]:
    """The entries with the last value typed again: in one row, or in all in which nothing is typed."""
    filled = dict(entries)
    for row in rows:
        entry = entries.get(row.id, Entry("", "", row.seen))
        is_asked = only == str(row.id) if only is not None else not entry.text.strip()
        if row.last is not None and not row.is_computed and is_asked:
            filled[row.id] = entry._replace(text=row.typed_text(row.last))
    return filled


def is_number(text: str, currency: str) -> bool:
    """Whether the text is an amount; which one, where it can be read in two ways, is asked when it is saved."""
    try:
        read_number(text, MONEY_PLACES, currency)
    except UncertainNumber:
        return True
    except ValidationError:
        return False
    return True


def nothing_saved(refused: StrataError) -> str:
    return f"{_('Nothing was saved.')} {refused.message}"


def wrong_day(error: str) -> str:
    return f"{_('Nothing was saved.')} {_('Date')}: {error}"


def typed_of_others(entries: Mapping[UUID, Entry], rows: Iterable[AssetRow]) -> list[UUID]:
    """The assets that something was typed for, but that are not in the table any more."""
    shown_ids = {row.id for row in rows}
    return [
        pk
        for pk, entry in entries.items()
        if pk not in shown_ids and (entry.text.strip() or entry.note.strip())
    ]


def saved_text(count: int, on: date) -> str:
    text = ngettext("Saved %(count)s value for %(day)s.", "Saved %(count)s values for %(day)s.", count)
    return text % {"count": count, "day": day_text(on)}
