"""When the page is shown, and what its button does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from assets.services.first_household import ALREADY_THERE, make_first_assets
from portfolios.models import Portfolio
from portfolios.services.members import invitations_for
from reports.welcome.form import WelcomeForm
from strata.admin.sent_again import forget_attempt, once
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError

MOST_INVITATIONS = 20
TITLE = _("Welcome: add what you own and owe")


def is_welcome(user: Any) -> bool:
    """Whether the user has no assets. A superuser without a portfolio sees those of others, but no demo's."""
    if Asset.objects.for_user(user).exists():
        return False
    if not user.is_superuser or Portfolio.objects.for_user(user).exists():
        return True
    # nosemgrep: rows-through-for-user - a superuser may see everybody's
    return not Asset.objects.filter(portfolio__household__is_demo=False).exists()


def welcome_context(request: HttpRequest, form: WelcomeForm | None = None) -> dict[str, Any]:
    user: Any = request.user
    invitations = invitations_for(user).select_related("household", "created_by")[:MOST_INVITATIONS]
    return {"title": TITLE, "welcome": form or form_of(request), "invitations": invitations}


def form_of(request: HttpRequest, posted: Any = None) -> WelcomeForm:
    user: Any = request.user
    return WelcomeForm(user, request.headers.get("Accept-Language", ""), posted)


def create(request: HttpRequest) -> HttpResponse:
    """Make everything in one transaction, or show the page again with all that was typed."""
    user: Any = request.user
    if request.method != "POST":
        return first_page()
    form = form_of(request, request.POST)
    if not form.is_valid():
        return admin.site.index(request, {"welcome": form})

    def write() -> HttpResponse:
        make_first_assets(user, form.cleaned["household"], form.portfolio, form.things)
        return first_page()

    try:
        return run_in_transaction(lambda: once(request, write))
    except StrataError as refusal:
        forget_attempt(request)
        if refusal.code != ALREADY_THERE.code:
            form.refusal = refusal.message
            return admin.site.index(request, {"welcome": form})
        messages.info(request, refusal.message)
    return first_page()


def first_page() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:index"))
