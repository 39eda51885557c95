"""What an asset's page shows of its values: the form of a new one, and a page of those that are recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from assets.admin.asset.charts import chart_of
from assets.admin.asset.shares import share_today, whole_value_note
from assets.admin.debts import AMOUNT_OWED, is_debt, value_text
from assets.models import Asset, AssetSnapshot
from strata.admin.sidebar import admin_url
from strata.audit import clock
from strata.fields.active_formats import accepted_date_formats, amount_text, day_text
from strata.fields.dates import local_day

PER_PAGE = 25
PLAIN = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
TYPED = ("value", "on", "note", "in_my_favour", "chosen")
MOST_READINGS = 4


def values_of_asset(asset: Asset, request: HttpRequest, *, may_add: bool) -> dict[str, Any]:
    """The context of the template. What could not be saved is in the address, and is shown again."""
    page = page_of(asset, request.GET.get("values", ""))
    return {
        "may_add": may_add,
        "address": reverse("save-value", args=[asset.pk]),
        "value_label": str(AMOUNT_OWED) if is_debt(asset) else _("Value"),
        "currency": asset.currency,
        "is_debt": is_debt(asset),
        "date_help": accepted_date_formats(),
        "typed": typed_before(asset, request.GET),
        "questions": request.GET.getlist("question"),
        "readings": readings_of(request.GET.getlist("reading"), asset),
        "page": page,
        "chart": chart_of(asset),
        "whole_note": whole_value_note(share_today(asset)),
        "rows": [shown(value, asset, may_edit=may_add) for value in page.object_list],
    }


def typed_before(asset: Asset, given: Mapping[str, str]) -> dict[str, str]:
    today = local_day(clock.now(), asset.portfolio.time_zone)
    return {"on": day_text(today)} | {name: given[name] for name in TYPED if name in given}


def readings_of(digits: Sequence[str], asset: Asset) -> list[tuple[str, str]]:
    """The readings of what was typed: plain digits, and the amount as the user writes it. Forged ones are ignored."""
    numbers = [text for text in digits[:MOST_READINGS] if PLAIN.fullmatch(text)]
    return [(text, amount_text(Decimal(text), asset.currency)) for text in numbers]


def page_of(asset: Asset, number: str) -> Page[AssetSnapshot]:
    """Newest first. A number that is none is the first page, one that is too large the last."""
    values = AssetSnapshot.objects.filter(asset=asset).order_by("-on", "-observed_at")
    return Paginator(values, PER_PAGE).get_page(number)


def shown(value: AssetSnapshot, asset: Asset, *, may_edit: bool) -> dict[str, str]:
    day = day_text(value.on)
    return {
        "day": day,
        "value": value_text(value.value, asset),
        "note": value.note,
        "address": admin_url(AssetSnapshot, "change", value.pk),
        "link": _("Edit") if may_edit else _("View"),
        "link_label": (_("Edit: value of %(day)s") if may_edit else _("View: value of %(day)s"))
        % {"day": day},
    }
