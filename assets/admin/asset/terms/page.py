"""The page /admin/assets/asset/ID/terms/: chooses how an asset is valued, and edits its terms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from assets.admin.asset.editing import AssetEditingPage, require_editor
from assets.admin.asset.terms.forms import TermsForm
from assets.models import Asset
from assets.models.asset import Valuation
from assets.services.assets import update_asset
from assets.services.terms import TERMS, Terms, put_terms, read_terms
from strata.admin.forms import STALE
from strata.admin.sent_again import forget_attempt, once
from strata.admin.sidebar import admin_url
from strata.admin.undo import undo_tag
from strata.db.retry import run_in_transaction
from strata.exceptions import Conflict, NotFound, StrataError


def stored_terms(asset: Asset) -> Terms | None:
    try:
        return read_terms(asset)
    except NotFound:
        return None


def version_of_terms(asset: Asset) -> str:
    """It differs once the terms, or the way of valuation, were changed."""
    shown = repr((asset.valuation, asset.instrument_id, stored_terms(asset)))
    return salted_hmac("strata.terms", shown, algorithm="sha256").hexdigest()


class TermsPage(AssetEditingPage):
    """`valuation` in the address is the way whose terms are shown; without it that of the asset."""

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.page(self.form())

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        form = self.form(request.POST)
        if "add" in request.POST or not form.is_valid():
            return self.page(form)
        try:
            return run_in_transaction(lambda: once(request, lambda: self.saved(form), state=self.version_now))
        except StrataError as refusal:
            forget_attempt(request)
            form.show(refusal)
            return self.page(form)

    def saved(self, form: TermsForm) -> HttpResponse:
        self.write(form)
        text = _("Saved how %(name)s is valued.") % {"name": self.asset.name}
        messages.success(self.request, text, extra_tags=undo_tag(self.request))
        return HttpResponseRedirect(admin_url(Asset, "change", self.asset.pk))

    def version_now(self) -> str:
        # nosemgrep: rows-through-for-user - the row that the page let the caller to
        asset = Asset.objects.filter(pk=self.asset.pk).first()
        return version_of_terms(asset) if asset else ""

    def form(self, data: Any = None) -> TermsForm:
        valuation = self.request.GET.get("valuation", self.asset.valuation)
        if valuation not in Valuation.values:
            raise Http404
        stored = stored_terms(self.asset) if valuation == self.asset.valuation else None
        return TermsForm(self.asset, valuation, stored, data)

    def write(self, form: TermsForm) -> None:
        seen = self.request.POST.get("version", "")

        def precondition(asset: Any) -> None:
            require_editor(self.request, asset)
            if version_of_terms(asset) != seen:
                raise Conflict("STALE", STALE)

        values, pk, valuation = form.values(), self.asset.pk, form.valuation
        if valuation in TERMS:
            put_terms(pk, valuation, values, precondition=precondition)
        else:
            update_asset(pk, {"valuation": valuation, **values}, precondition=precondition)

    def page(self, form: TermsForm) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "title": _("How %(name)s is valued") % {"name": self.asset.name},
            "form": form,
            "asset": self.asset,
            "back": admin_url(Asset, "change", self.asset.pk),
            "choices": Valuation.choices,
            "version": self.request.POST.get("version") or version_of_terms(self.asset),
            "opts": Asset._meta,
            "original": self.asset,
        }
        return TemplateResponse(self.request, "assets/terms.html", context)
