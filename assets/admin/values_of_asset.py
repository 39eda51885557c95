"""What an asset's page shows of its values: the form of a new one, and a page of those that are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from assets.admin.debts import AMOUNT_OWED, is_debt, value_text
from assets.admin.value_charts import chart_of
from assets.models import Asset, AssetSnapshot
from strata.admin.sidebar import admin_url
from strata.audit import clock
from strata.fields.active_formats import accepted_date_formats, day_text
from strata.fields.dates import local_day

PER_PAGE = 25
TYPED = ("value", "on", "note", "in_my_favour")


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
        "page": page,
        "chart": chart_of(asset),
        "rows": [shown(value, asset) for value in page.object_list],
    }


def typed_before(asset: Asset, given: Mapping[str, str]) -> dict[str, str]:
    today = local_day(clock.now(), asset.portfolio.time_zone)
    return {"on": day_text(today)} | {name: given[name] for name in TYPED if name in given}


def page_of(asset: Asset, number: str) -> Page[AssetSnapshot]:
    """Newest first. A number that is none is the first page, one that is too large the last."""
    values = AssetSnapshot.objects.filter(asset=asset).order_by("-on", "-observed_at")
    return Paginator(values, PER_PAGE).get_page(number)


def shown(value: AssetSnapshot, asset: Asset) -> dict[str, str]:
    day = day_text(value.on)
    return {
        "day": day,
        "value": value_text(value.value, asset),
        "note": value.note,
        "address": admin_url(AssetSnapshot, "change", value.pk),
        "edit_label": _("Edit: value of %(day)s") % {"day": day},
    }
