"""The assets without a price, with links to where one is entered."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from assets.valuation import PriceGap

MOST_NAMED = 5


def without_price(missing: Iterable[PriceGap]) -> SafeString:
    """Their names, each a link to its security, or to the asset where it has none; "" if there are none."""
    gaps = sorted({gap.asset_id: gap for gap in missing}.values(), key=lambda gap: gap.asset_name.casefold())
    named = format_html_join(
        ", ", '<a href="{}">{}</a>', ((page_of(gap), gap.asset_name) for gap in gaps[:MOST_NAMED])
    )
    return format_html("{} {}", named, gettext("and others")) if len(gaps) > MOST_NAMED else named


def page_of(gap: PriceGap) -> str:
    if gap.instrument_id is None:
        return reverse("admin:assets_asset_change", args=[gap.asset_id])
    return reverse("admin:assets_instrument_change", args=[gap.instrument_id])
