"""The household's share on an asset's page: a small form of its days and per cent, which replaces all of them."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from assets.admin.asset.editing import editable_asset, require_editor
from assets.models import Asset
from assets.services.ownership import put_shares, shares_of
from assets.valuation import has_market_price
from assets.valuation.formulas.shares import Share, shares_in
from strata.admin.sent_again import forget_attempt, once
from strata.admin.undo import undo_tag
from strata.audit import clock
from strata.db.retry import run_in_transaction
from strata.exceptions import Conflict, StrataError
from strata.fields.active_formats import (
    UncertainNumber,
    accepted_date_formats,
    day_text,
    read_day,
    read_number,
)
from strata.fields.dates import local_day, validate_year
from strata.fields.numbers import SHARE_PLACES
from strata.fields.percentages import percent_text

DAYS, PER_CENT, SEEN = "share_on", "share", "seen"
EMPTY_ROWS = 2
MOST_ROWS = 1000


def shares_of_asset(asset: Asset, request: HttpRequest, *, may_change: bool) -> dict[str, Any] | None:
    """The context of the template; None at a market price. What could not be saved is in the address."""
    if has_market_price(asset.valuation):
        return None
    typed = [*zip(request.GET.getlist(DAYS), request.GET.getlist(PER_CENT), strict=False)]
    shares = shares_of(asset)
    stored = [("" if share.on is None else day_text(share.on), percent_text(share.share)) for share in shares]
    return {
        "may_change": may_change,
        "address": reverse("save-shares", args=[asset.pk]),
        "summary": _("Your share: %(share)s %%") % {"share": percent_text(share_today(asset))},
        "rows": typed[:MOST_ROWS] or [*stored, *[("", "")] * EMPTY_ROWS],
        "is_open": bool(typed),
        "seen": asset.shares,
        "date_help": accepted_date_formats(),
    }


def share_today(asset: Asset) -> Decimal:
    today = local_day(clock.now(), asset.portfolio.time_zone)
    return shares_in(asset.shares).share_on(today)


def whole_value_note(share: Decimal) -> str:
    """What is said next to the field of a new value; nothing where the household owns all."""
    return (
        _("Enter the whole value; %(share)s %% counts.") % {"share": percent_text(share)}
        if share != 1
        else ""
    )


def save_shares(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Back to the asset's page: with a message, or with what was typed and why it is not saved."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    asset = editable_asset(request, pk)
    posted = request.POST
    try:
        rows = zip(posted.getlist(DAYS)[:MOST_ROWS], posted.getlist(PER_CENT), strict=False)
        shares = [share for row in rows if (share := read_share(*row))]
        precondition = partial(require_unchanged, request=request, seen=posted.get(SEEN, ""))

        def save() -> HttpResponse:
            put_shares(asset.pk, shares, precondition=precondition)
            messages.success(request, _("Saved your share."), extra_tags=undo_tag(request))
            return HttpResponseRedirect(page_of(asset))

        return run_in_transaction(lambda: once(request, save, state=lambda: shares_now(asset)))
    except (ValidationError, StrataError) as refused:
        forget_attempt(request)
        reason = refused.messages[0] if isinstance(refused, ValidationError) else refused.message
        messages.error(request, f"{_('Nothing was saved.')} {reason}")
        typed = [(name, text) for name in (DAYS, PER_CENT) for text in posted.getlist(name)[:MOST_ROWS]]
        return HttpResponseRedirect(f"{page_of(asset)}?{urlencode(typed)}")


def shares_now(asset: Asset) -> str:
    """The shares as they are stored; "" for an asset that is gone."""
    # nosemgrep: rows-through-for-user - the row that the caller was let to
    return str(Asset.objects.filter(pk=asset.pk).values_list("shares", flat=True).first() or "")


def page_of(asset: Asset) -> str:
    return reverse("admin:assets_asset_change", args=[asset.pk])


def require_unchanged(asset: Asset, *, request: HttpRequest, seen: str) -> None:
    require_editor(request, asset)
    if asset.shares != seen:
        raise Conflict("CONFLICT", _("Your share was changed meanwhile."))


def read_share(on: str, per_cent: str) -> Share | None:
    """A row as it was typed; None for one without a share. Raises ValidationError."""
    if not per_cent.strip():
        return None
    day = read_day(on) if on.strip() else None
    if day is not None:
        validate_year(day)
    return Share(day, read_per_cent(per_cent).scaleb(-2))


def read_per_cent(text: str) -> Decimal:
    """Of several readings of a number the only one that can be a share."""
    try:
        return read_number(text.strip().removesuffix("%").strip(), SHARE_PLACES - 2)
    except UncertainNumber as uncertain:
        shares = [number for number in uncertain.question.readings if number <= 100]
        if len(shares) != 1:
            raise
        return shares[0]
