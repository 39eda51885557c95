"""/admin/import/: a page to drop a file on; /admin/import/{id}/: its preview, questions, import and undo.

Everything is a form, so that it works without scripts; import.js only makes the first page accept a dropped file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from assets.models import AssetType
from assets.services.first_household import make_first_assets
from imports.admin.presenting import first_rows, next_step, questions_of, warnings_of
from imports.models import Import
from imports.services.drafts import Draft
from imports.services.planning.accounts import options_of_account
from imports.services.previews import (
    Upload,
    change_options,
    create_import,
    delete_import,
    plan_change,
    plan_import,
)
from imports.services.writing.commits import commit_import
from imports.services.writing.hidden_values import source_of, values_hidden
from imports.services.writing.undoing import Compared, compare, undo_import
from portfolios.models import Portfolio
from reports.portfolio_day import names_of
from reports.welcome.form import WelcomeForm
from strata.admin.choices import parse_uuid
from strata.admin.sent_again import once, once_in_steps
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import count_text, read_day
from strata.tenancy.roles import EDITORS, require_role, role_in

MOST_IMPORTS = 20
MOST_LINES = 10  # of what was changed since
EDITED = "IMPORT_EDITED"
TEXT_OPTIONS = ("date_order", "decimal", "currency", "account", "encoding", "portfolio", "symbol", "type")


def refusal_text(error: StrataError) -> str:
    """The sentence, and what is wrong with which lines. Who sees this page has a button in place of `force`."""
    message = _("Some of what it made has changed since.") if error.code == EDITED else error.message
    lines = [
        f"{_('Line')} {field.removeprefix('line ')}: {entry['message']}"
        for entry in error.errors
        if (field := str(entry.get("field", ""))).startswith("line ")
    ]
    return " ".join([message, *lines[:MOST_LINES]]).strip()


class Change(NamedTuple):
    """Answers, and the preview with them."""

    options: dict[str, Any]
    draft: Draft


class ImportFilePage(View):
    """Choose a portfolio and a file; below are the last imports. Who may only read sees these alone.

    A user who sees no portfolio yet says what the first one is to be; the file makes it, and its household.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(self.first_portfolio(None))

    def page(self, first: WelcomeForm | None) -> HttpResponse:
        request = self.request
        user: Any = request.user
        portfolios = self.portfolios()
        every = Portfolio.objects.for_user(user).select_related("household").order_by("created_at", "pk")
        imports = Import.objects.for_user(user).select_related("portfolio", "created_by")[:MOST_IMPORTS]
        context = {
            **admin.site.each_context(request),
            "title": _("Import and export"),
            "portfolios": names_of(portfolios),
            "exported": names_of(list(every)),
            "chosen": request.GET.get("portfolio", ""),
            "first": first,
            "imports": imports,
        }
        return TemplateResponse(request, "imports/import_file.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        return once_in_steps(request, lambda: self.answer(request))

    def answer(self, request: HttpRequest) -> HttpResponse:
        first = self.first_portfolio(request.POST)
        if first is not None:
            return self.post_first(first)
        chosen = {portfolio.pk: portfolio for portfolio in self.portfolios()}
        portfolio = chosen.get(parse_uuid(request.POST.get("portfolio", "")) or UUID(int=0))
        if portfolio is None:
            raise Http404
        address = f"{reverse('import-file')}?portfolio={portfolio.pk}"
        return self.previewed(lambda: portfolio, portfolio) or HttpResponseRedirect(address)

    def post_first(self, first: WelcomeForm) -> HttpResponse:
        if not first.settings_are_valid():
            return self.page(first)
        household, settings = first.cleaned["household"], first.portfolio
        preview = self.previewed(lambda: make_first_assets(first.user, household, settings, ()))
        return preview or self.page(first)

    def previewed(
        self, portfolio_of: Callable[[], Portfolio], existing: Portfolio | None = None
    ) -> HttpResponse | None:
        """The preview of the file in the portfolio, which is made with it or not at all; None with a message.

        For an existing portfolio the file is read before the transaction.
        """
        file: Any = self.request.FILES.get("file")
        if file is None:
            messages.error(self.request, _("Choose a file."))
            return None
        data, name = file.read(), file.name or ""
        try:
            draft = None
            if existing is not None:
                draft = plan_import(Upload(existing.pk, data, name), precondition=self.may_write)

            def write() -> HttpResponse:
                upload = Upload(portfolio_of().pk, data, name)
                row = create_import(upload, draft=draft, precondition=self.may_write)
                return HttpResponseRedirect(reverse("import-preview", args=[row.pk]))

            return run_in_transaction(lambda: once(self.request, write))
        except StrataError as error:
            messages.error(self.request, refusal_text(error))
            return None

    def first_portfolio(self, posted: QueryDict | None) -> WelcomeForm | None:
        """What a user is asked for who sees no portfolio; None for all others."""
        user: Any = self.request.user
        if Portfolio.objects.for_user(user).exists():
            return None
        return WelcomeForm(user, self.request.headers.get("Accept-Language", ""), posted)

    def portfolios(self) -> list[Portfolio]:
        """Those that the user may write to. A superuser has no more rights here than others."""
        rows = Portfolio.objects.for_user(self.request.user, EDITORS)
        return list(rows.select_related("household").order_by("created_at", "pk"))

    def may_write(self, row: Any) -> None:
        require_role(self.request.user, row.owning_household_id())


class ImportPreviewPage(View):
    """One import of a portfolio that the user may see."""

    compared: Compared | None = None  # what there is of an import that is undone, from before the transaction

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.page(self.row(pk), {})

    def page(self, row: Import, posted: Mapping[str, str]) -> HttpResponse:
        """The import, with the answers that were `posted` and refused."""
        request = self.request
        types = AssetType.objects.for_user(request.user)
        is_preview = row.status == Import.Status.PREVIEW
        context = {
            **admin.site.each_context(request),
            "title": row.file_name or _("Import"),
            "import": row,
            "is_preview": is_preview,
            "is_committed": row.status == Import.Status.COMMITTED,
            "is_undone": row.status == Import.Status.UNDONE,
            "may_write": role_in(request.user, row.portfolio.household_id) in EDITORS,
            "is_refused": bool(posted),
            "questions": questions_of(row, posted) if is_preview else [],
            "accounts": [
                as_posted(posted, number, account) for number, account in enumerate(accounts_of(row))
            ],
            "types": sorted(
                ((each.code, str(each)) for each in types), key=lambda choice: choice[1].casefold()
            ),
            "warnings": warnings_of(row),
            "rows": first_rows(row),
            "result": result_text(row),
            "next_step": next_step(row),
            "asks_for_force": request.GET.get("edited") == "1",
        }
        return TemplateResponse(request, "imports/import_preview.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return once_in_steps(request, lambda: self.pressed(request, pk))

    def pressed(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """A second `commit` or `undo` changes nothing by itself; after `delete` there is no row to answer for."""
        row = self.row(pk)
        actions: dict[str, Callable[[Import, Change | None], str]] = {
            "answer": self.answer,
            "commit": self.commit,
            "undo": self.undo,
            "delete": self.delete,
        }
        action = actions.get(request.POST.get("action", ""))
        if action is None:
            raise Http404
        try:
            change = self.change(row) if action in (self.answer, self.commit) else None
            self.compared = compare(row.pk) if action == self.undo else None
            with ExitStack() as stack:
                if action == self.commit:
                    run_in_transaction(lambda: self.answer(row, change))
                    source = source_of(row.pk, precondition=self.may_write)
                    self.hidden = stack.enter_context(values_hidden(source))

                def write() -> HttpResponse:
                    return HttpResponseRedirect(action(row, change))

                is_gone = action == self.delete
                return run_in_transaction(lambda: once(request, write) if is_gone else write())
        except StrataError as error:
            messages.error(request, refusal_text(error))
            if action in (self.answer, self.commit):
                return self.page(self.row(pk), request.POST)
            address = self.address(row) + ("?edited=1" if error.code == EDITED else "")
        return HttpResponseRedirect(address)

    def row(self, pk: UUID) -> Import:
        rows = Import.objects.for_user(self.request.user).select_related("portfolio", "created_by")
        row = rows.filter(pk=pk).first()
        if row is None:
            raise Http404
        return row

    def address(self, row: Import) -> str:
        return reverse("import-preview", args=[row.pk])

    def may_write(self, row: Any) -> None:
        require_role(self.request.user, row.owning_household_id())

    # --- what the buttons do ---

    def change(self, row: Import) -> Change | None:
        """The answers of the form, and the preview with them; None where they say nothing new. Takes no lock."""
        options = options_of(self.request.POST, row)
        if not options or row.status != Import.Status.PREVIEW:
            return None
        return Change(options, plan_change(row.pk, options, precondition=self.may_write))

    def answer(self, row: Import, change: Change | None) -> str:
        if change is not None:
            change_options(row.pk, change.options, draft=change.draft, precondition=self.may_write)
        return self.address(row)

    def commit(self, row: Import, change: Change | None) -> str:
        """The answers of the same form count, so that nobody has to press two buttons: they are stored before."""
        done = commit_import(row.pk, hidden=self.hidden, precondition=self.may_write)
        messages.success(self.request, result_text(done))
        return self.address(row)

    def undo(self, row: Import, change: Change | None) -> str:
        force = "force" in self.request.POST
        done = undo_import(row.pk, force=force, before=self.compared, precondition=self.may_write)
        removed = sum(done.result["removed"].values())
        messages.success(self.request, _("Undone: %(count)s rows are gone.") % {"count": count_text(removed)})
        return self.address(row)

    def delete(self, row: Import, change: Change | None) -> str:
        delete_import(row.pk, precondition=self.may_write)
        return f"{reverse('import-file')}?portfolio={row.portfolio_id}"


def options_of(posted: Mapping[str, str], row: Import) -> dict[str, Any]:
    """What the form says that is not so already, as options."""
    known = {"encoding": row.summary["detected"].get("encoding"), **row.options}
    sent = {name: posted.get(name, "").strip() for name in TEXT_OPTIONS}
    options: dict[str, Any] = {name: text for name, text in sent.items() if text and text != known.get(name)}
    if "currency" in options:
        options["currency"] = options["currency"].upper()
    if on := posted.get("on", "").strip():
        options["on"] = day_option(on)
    if columns := columns_option(posted.get("columns", "")):
        options["columns"] = row.options.get("columns", {}) | columns
    accounts = {
        account["key"]: chosen
        for number, account in enumerate(accounts_of(row))
        if (chosen := posted_options(posted, number, account))
    }
    return options | ({"accounts": accounts} if accounts else {})


def posted_options(posted: Mapping[str, str], number: int, account: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if sign := posted.get(f"sign-{number}"):
        chosen["sign"] = sign
    asset_type = posted.get(f"type-{number}")
    if asset_type and asset_type != account["asset_type"]:
        chosen["asset_type"] = asset_type
    is_skipped = f"skip-{number}" in posted
    if f"listed-{number}" in posted and is_skipped != account["is_skipped"]:
        chosen["skip"] = is_skipped
    return chosen


def accounts_of(row: Import) -> list[dict[str, Any]]:
    options, currency = row.options.get("accounts", {}), row.options.get("currency")
    return [
        {
            **account,
            "is_skipped": options_of_account(options, account["key"], currency).get("skip", False),
        }
        for account in row.summary["accounts"]
    ]


def as_posted(posted: Mapping[str, str], number: int, account: Mapping[str, Any]) -> dict[str, Any]:
    """The account with the type and the tick of the form."""
    is_listed = f"listed-{number}" in posted
    return {
        **account,
        "asset_type": posted.get(f"type-{number}") or account["asset_type"],
        "is_skipped": f"skip-{number}" in posted if is_listed else account["is_skipped"],
    }


def columns_option(text: str) -> dict[str, str | int]:
    """Our names of columns with their headings, or their numbers: "date = Handelstag; security = 3"."""
    pairs = (part.partition("=") for part in text.split(";"))
    named = {name.strip(): column.strip() for name, _, column in pairs if name.strip()}
    return {name: int(column) if column.isdecimal() else column for name, column in named.items()}


def day_option(text: str) -> str:
    """The day in the user's own format; what cannot be read is refused by the service, by the option's name."""
    try:
        return read_day(text).isoformat()
    except ValueError:
        return text


def result_text(row: Import) -> str:
    """19 new, 0 changed, 2 left out, 1 not readable."""
    if row.status == Import.Status.PREVIEW:
        counts = row.summary["counts"].values()
        new, changed = (sum(count[outcome] for count in counts) for outcome in ("create", "update"))
    else:
        new, changed = sum(row.result["made"].values()), sum(row.result["updated"].values())
    words = {
        "new": new,
        "changed": changed,
        "skipped": row.summary["skipped"],
        "refused": row.summary["refused"],
    }
    return _("%(new)s new, %(changed)s changed, %(skipped)s left out, %(refused)s not readable") % {
        name: count_text(count) for name, count in words.items()
    }
