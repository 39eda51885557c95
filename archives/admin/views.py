"""/admin/archives/: your households as files, and a household from one; and the file of a household."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from archives.files.responses import file_response
from archives.services.restoring import MODES, NEW, REPLACE, Prepared, Request, Restored, prepared
from archives.services.writing import archive_file
from portfolios.models import Household
from strata.admin.choices import parse_uuid
from strata.admin.sent_again import forget_attempt, once, once_in_steps
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import count_text
from strata.tenancy.roles import OWNERS


def own_households(request: HttpRequest) -> list[Household]:
    """Those that the user owns. A superuser has no more rights here than others."""
    return list(Household.objects.for_user(request.user, OWNERS).order_by("created_at", "pk"))


class HouseholdArchiveFile(View):
    def get(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        if pk not in {household.pk for household in own_households(request)}:
            raise Http404
        file, manifest = archive_file(pk)
        return file_response(file, manifest)


class ArchivesPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            **admin.site.each_context(request),
            "title": _("Archives"),
            "households": own_households(request),
        }
        return TemplateResponse(request, "archives/archives.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        return once_in_steps(request, lambda: self.answer(request))

    def answer(self, request: HttpRequest) -> HttpResponse:
        mode, file = request.POST.get("mode", NEW), request.FILES.get("file")
        chosen = parse_uuid(request.POST.get("household", ""))
        if mode not in MODES:
            raise Http404
        if mode == REPLACE and chosen not in {household.pk for household in own_households(request)}:
            raise Http404
        if file is None or file.file is None:
            messages.error(request, _("Choose a file."))
            return HttpResponseRedirect(reverse("archives-page"))
        wanted = Request(
            owner=request.user,
            mode=mode,
            household_id=chosen if mode == REPLACE else None,
            confirm=request.POST.get("confirm", ""),
            dry_run="check" in request.POST,
            adds_rates=bool(request.user.is_superuser),
        )
        try:
            with prepared(file.file, wanted) as archive:
                return run_in_transaction(lambda: once(request, lambda: self.restore(archive)))
        except StrataError as error:
            forget_attempt(request)
            messages.error(request, error.message)
        return HttpResponseRedirect(reverse("archives-page"))

    def restore(self, archive: Prepared) -> HttpResponse:
        self.say(archive.write())
        return HttpResponseRedirect(reverse("archives-page"))

    def say(self, restored: Restored) -> None:
        rows = count_text(sum(restored.counts.values()))
        names: dict[str, Any] = {"name": restored.household_name, "rows": rows}
        if restored.dry_run:
            text = _("The archive is in order: %(name)s with %(rows)s rows. Nothing was written.")
        else:
            text = _("Restored: %(name)s with %(rows)s rows.")
        messages.success(self.request, text % names)
        if restored.members:
            invited = ", ".join(person["username"] for person in restored.members)
            messages.info(self.request, _("Invited: %(names)s.") % {"names": invited})
        for warning in restored.warnings:
            about = ", ".join([*warning["currencies"], *warning["instruments"]])
            messages.warning(self.request, f"{warning['message']} {about}".rstrip())
