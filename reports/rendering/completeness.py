"""What is said of figures that leave something out: the currencies without a rate, and the assets without a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext, ngettext

from assets.valuation import PriceGap
from assets.valuation.series import Missing
from reports.calculations.net_worth import Point
from strata.text import short

MOST_NAMED, NAME_LENGTH = 5, 40


def currencies_without_rate(missing: Iterable[Missing]) -> list[str]:
    return sorted({gap.currency for gap in missing})


def assets_without_price(missing: Iterable[PriceGap]) -> list[str]:
    """Their names, shortened, each once: a share in two accounts may have the same name in both."""
    return sorted({short(gap.asset_name, NAME_LENGTH) for gap in missing}, key=str.casefold)


def listed(names: Sequence[str]) -> str:
    text = ", ".join(names[:MOST_NAMED])
    return f"{text} {gettext('and others')}" if len(names) > MOST_NAMED else text


def completeness(missing_rates: Iterable[Missing], missing_prices: Iterable[PriceGap] = ()) -> str:
    """What a picture of one day says about what it leaves out."""
    texts = []
    if currencies := currencies_without_rate(missing_rates):
        texts.append(
            gettext("Incomplete: It lacks a rate of %(currencies)s.") % {"currencies": listed(currencies)}
        )
    if assets := assets_without_price(missing_prices):
        texts.append(gettext("Incomplete: It lacks a price of %(assets)s.") % {"assets": listed(assets)})
    return " ".join(texts) or gettext("Complete.")


def completeness_of_days(points: Sequence[Point]) -> str:
    """What a series says about what it leaves out, and on how many of its days."""
    texts = []
    if days := sum(bool(point.missing_rates) for point in points):
        currencies = currencies_without_rate(gap for point in points for gap in point.missing_rates)
        text = ngettext(
            "Incomplete: %(days)s of %(all_days)s days lacks a rate of %(currencies)s.",
            "Incomplete: %(days)s of %(all_days)s days lack a rate of %(currencies)s.",
            days,
        )
        texts.append(text % {"days": days, "all_days": len(points), "currencies": listed(currencies)})
    if days := sum(bool(point.missing_prices) for point in points):
        assets = assets_without_price(gap for point in points for gap in point.missing_prices)
        text = ngettext(
            "Incomplete: %(days)s of %(all_days)s days lacks a price of %(assets)s.",
            "Incomplete: %(days)s of %(all_days)s days lack a price of %(assets)s.",
            days,
        )
        texts.append(text % {"days": days, "all_days": len(points), "assets": listed(assets)})
    return " ".join(texts) or gettext("Complete.")
