"""The button "Explore with demo data": a demo household for the user who asks."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from assets.models import Asset
from demo import household as demo
from demo import rates
from portfolios.services.households import remove_demos
from strata.accounts.models import User
from strata.admin.sent_again import once
from strata.db.locks import lock_rows
from strata.db.retry import run_in_transaction
from strata.fields.dates import local_day
from strata.tenancy.roles import OWNERS


@require_POST
def explore_demo(request: HttpRequest) -> HttpResponse:
    user, today = cast(User, request.user), local_day(timezone.now(), demo.ZONE)
    run_in_transaction(lambda: rates.add_rates_for_the_demo(today))

    def write() -> HttpResponse:
        make_demo(user, today)
        return HttpResponseRedirect(reverse("admin:index"))

    return run_in_transaction(lambda: once(request, write))


def make_demo(user: User, today: date) -> None:
    """Once, also for two requests at a time; again where the user has emptied it."""
    # nosemgrep: rows-through-for-user - the user who asks
    lock_rows(User.objects.filter(pk=user.pk))
    if not Asset.objects.for_user(user, OWNERS).filter(portfolio__household__is_demo=True).exists():
        remove_demos(user)
        demo.build(user, today)
