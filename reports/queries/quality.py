"""How sure a portfolio's worth is: what to look at, each with the way to mend it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from assets import worth
from assets.models import Asset, AssetSnapshot, Transaction
from assets.models.taxonomy import Group
from assets.rates_book import rate_book
from assets.worth import Holding
from portfolios.models import Portfolio
from reports.calculations import quality
from reports.calculations.quality import Examined, Finding, findings
from reports.queries.totals import today_of
from strata.names import alphabetical

LOOKED_BACK = timedelta(days=400)
TRADES = (Transaction.Type.ACQUIRE, Transaction.Type.DISPOSE, Transaction.Type.ADJUST)
OF_ONE_VALUE = (
    quality.SUSPICIOUS_JUMP,
    quality.CHANGED_SIGN,
    quality.POSITIVE_LIABILITY,
    quality.VALUE_AFTER_DISPOSAL,
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding about the asset called `name`. `link` is the API's path that mends it, `admin_link` the admin's."""

    finding: Finding
    name: str
    portfolio: UUID
    link: str
    admin_link: str

    def admin_link_for(self, user: Any) -> str:
        """Rates are recorded by superusers: for others the asset has to do, whose currency it is about."""
        if self.finding.code == quality.MISSING_RATE and not user.is_superuser:
            return asset_page(self.finding.asset)
        return self.admin_link


def quality_report(portfolio: Portfolio, *, on: date | None = None, since: date | None = None) -> list[Doubt]:
    """What to look at among the portfolio's assets on a day (today); see doubts_about."""
    return doubts_about(
        [portfolio], on=on or today_of(portfolio), currency=portfolio.base_currency, since=since
    )


def doubts_about(
    portfolios: Sequence[Portfolio], *, on: date, currency: str, since: date | None = None
) -> list[Doubt]:
    """What to look at among the portfolios' assets on a day, in a fixed number of queries; warnings first.

    Jumps, signs and duplicates are searched among the values from `since` on (400 days before), which bounds the
    work: what is older was looked at when it was new.
    """
    ids = [portfolio.pk for portfolio in portfolios]
    rows = {row.pk: row for row in assets_of(ids)}
    assets = sorted(
        examined(rows, ids, since or on - LOOKED_BACK, on),
        key=lambda asset: alphabetical(asset.name, asset.asset),
    )
    currencies = {asset.history.currency for asset in assets} | {currency}
    rates = rate_book(currencies, start=on, end=on)
    found = findings(assets, on=on, currency=currency, rates=rates)
    values = snapshots_meant(found)
    return [
        Doubt(
            finding,
            rows[finding.asset].name,
            rows[finding.asset].portfolio_id,
            *links(finding, values.get((finding.asset, finding.on))),
        )
        for finding in found
    ]


def assets_of(portfolio_ids: list[UUID]) -> QuerySet[Asset]:
    return Asset.objects.filter(portfolio__in=portfolio_ids).select_related("asset_type").order_by()


def examined(
    assets: Mapping[UUID, Asset], portfolio_ids: list[UUID], since: date, on: date
) -> Iterator[Examined]:
    traded = trade_days(portfolio_ids, since, on)
    held = [Holding(asset.pk, asset.currency, asset.disposed_on) for asset in assets.values()]
    for one, past in worth.histories(held, start=since, end=on):
        asset, its = assets[one.id], assets[one.id].asset_type
        owed = its.group == Group.LIABILITIES
        yield Examined(
            one.id, asset.name_key, its.code, past, its.stale_after_days, owed, traded.get(one.id, ())
        )


def trade_days(portfolio_ids: list[UUID], since: date, on: date) -> dict[UUID, list[date]]:
    rows = Transaction.objects.filter(asset__portfolio__in=portfolio_ids, type__in=TRADES)
    found: dict[UUID, list[date]] = {}
    days = rows.filter(on__gt=since, on__lte=on).order_by("on")
    for asset_id, day in days.values_list("asset_id", "on"):
        found.setdefault(asset_id, []).append(day)
    return found


def snapshots_meant(found: Sequence[Finding]) -> dict[tuple[UUID, date], UUID]:
    """The snapshot behind each finding about one value: the day's last."""
    meant = [finding for finding in found if finding.code in OF_ONE_VALUE]
    if not meant:
        return {}
    rows = AssetSnapshot.objects.filter(
        asset__in={finding.asset for finding in meant}, on__in={finding.on for finding in meant}
    ).order_by("on", "observed_at")
    return {(asset, on): pk for asset, on, pk in rows.values_list("asset_id", "on", "pk")}


def links(finding: Finding, snapshot: UUID | None) -> tuple[str, str]:
    """Where it is mended: a value is corrected, added where there is none or an old one; a rate is recorded."""
    if finding.code == quality.MISSING_RATE:
        return reverse("exchange-rate-list"), reverse("admin:assets_exchangerate_add")
    if snapshot is not None:
        path = reverse("asset-snapshot-detail", kwargs={"asset_id": finding.asset, "pk": snapshot})
        return path, reverse("admin:assets_assetsnapshot_change", args=[snapshot])
    asset = asset_page(finding.asset)
    if finding.code == quality.POSSIBLE_DUPLICATE:
        return reverse("asset-detail", kwargs={"pk": finding.asset}), asset
    return reverse("asset-snapshot-list", kwargs={"asset_id": finding.asset}), asset


def asset_page(pk: Hashable) -> str:
    return reverse("admin:assets_asset_change", args=[pk])
