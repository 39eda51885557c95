"""Data quality of portfolios: what to look at, each with a link to where it can be fixed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import starmap
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.urls import reverse

from assets import prices, valuation
from assets.holdings.events import AssetEvents
from assets.holdings.reading import read_ledger
from assets.models import Asset, Instrument, InstrumentAction, Transaction
from assets.models.classification import Group
from assets.models.transaction import OF_UNITS
from assets.prices.splits import splits_of
from assets.rates.book import RateBook
from assets.rates.store import rate_book_of_span
from assets.rules.entries.disposal import DISPOSAL
from assets.valuation import AssetRef, EditTarget, Gap, SeriesReader, ValueSeries, price_gaps
from assets.valuation.series import gaps_of, gaps_on
from portfolios.models import Portfolio
from reports.calculations.quality import (
    Code,
    Examined,
    Finding,
    Recorded,
    Subject,
    by_severity,
    findings,
    rate_jumps,
)
from reports.calculations.quality.holdings import holding_findings
from reports.calculations.quality.instruments import Identified, instrument_findings
from reports.calculations.quality.prices import PricedAsset, price_jumps, without_price
from reports.models import DismissedFinding
from reports.queries.defaults import today_of
from strata.exceptions import resource_name

LOOKED_BACK = timedelta(days=400)
TRADES = (Transaction.Type.ACQUIRE, Transaction.Type.DISPOSE, Transaction.Type.ADJUST)


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Who dismissed a finding, when, and why; `by` is "" for a user who is gone."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class QualityIssue:
    """A finding about the asset called `name`, or about a rate of the currency of that name.

    `link` is the API's path where it can be fixed, `admin_link` the admin's; "" where no links were asked for.
    `other_name` is the name of the asset that it may duplicate. `is_shared`: it is about the prices of an instrument of
    all households.
    """

    finding: Finding
    name: str
    portfolio: UUID
    link: str = ""
    admin_link: str = ""
    dismissal: Dismissal | None = None
    other_name: str = ""
    is_shared: bool = False

    def admin_link_for(self, user: Any) -> str:
        """Only superusers record rates, and prices of shared instruments: other users get the page of the asset."""
        is_of_all = self.is_shared or self.finding.code == Code.MISSING_RATE
        if is_of_all and not user.is_superuser:
            return asset_page(self.finding.asset)
        return self.admin_link


def quality_report(
    portfolio: Portfolio, *, on: date | None = None, since: date | None = None, dismissed: bool | None = False
) -> list[QualityIssue]:
    """What to look at among the portfolio's assets on a day (default: today); see quality_issues."""
    on = on or today_of(portfolio)
    return quality_issues(
        [portfolio], on=on, currency=portfolio.base_currency, since=since, dismissed=dismissed
    )


def quality_issues(
    portfolios: Sequence[Portfolio],
    *,
    on: date,
    currency: str,
    since: date | None = None,
    dismissed: bool | None = False,
    linked: int | None = None,
    read_series: SeriesReader = valuation.value_series,
) -> list[QualityIssue]:
    """What to look at among the portfolios' assets on a day, in a fixed number of queries; warnings first.

    Jumps, signs and duplicates are searched only among the values from `since` on (default: 400 days before `on`),
    which limits the work. `dismissed` selects: False those not dismissed, True only dismissed ones, None both.
    Only the first `linked` issues need links; by default all. `read_series` reads the values.
    """
    ids, since = [portfolio.pk for portfolio in portfolios], since or on - LOOKED_BACK
    rows: dict[Hashable, AssetRow] = {row.pk: row for row in assets_of(ids)}
    gaps: list[Gap] = []
    assets = examined_by_name(rows, ids, since, on, gaps, read_series)
    used = currencies_of(portfolios, rows.values())
    rates = rate_book_of_span(
        {currency}.union(*used.values()), start=min(since, on), end=on, portfolios=portfolios
    )
    unpriced_assets = [without_price(gap) for gap in price_gaps(gaps, [on]).get(on, ())]
    all_findings = [
        *but_no_value_of(unpriced_assets, findings(assets, on=on, currency=currency, rates=rates)),
        *of_holdings(ids, rows, on),
        *of_instruments(rows),
        *unpriced_assets,
        *of_prices(portfolios, rows.values(), since, on),
    ]
    issues = [*issues_of(all_findings, rows)]
    issues += [issue for pk in ids for issue in rate_jump_issues(pk, used[pk], rates)]
    issues.sort(key=lambda issue: by_severity(issue.finding))
    issues = [*with_dismissals(issues, dismissals_in(ids), dismissed)]
    return [*with_links(issues[:linked], rows), *(issues[linked:] if linked is not None else ())]


def but_no_value_of(unpriced_assets: Iterable[Finding], of_values: Iterable[Finding]) -> Iterator[Finding]:
    """Not that an asset has no value where the reason is known: it has no price."""
    unpriced = {finding.asset for finding in unpriced_assets}
    return (each for each in of_values if each.code != Code.NO_VALUE or each.asset not in unpriced)


def issues_of(all_findings: Sequence[Finding], assets: Mapping[Hashable, AssetRow]) -> Iterator[QualityIssue]:
    """The findings about assets, with the names that they need."""
    for finding in all_findings:
        asset = assets[finding.asset]
        other_name = assets[finding.other].name if finding.other else ""
        yield QualityIssue(finding, asset.name, asset.portfolio_id, other_name=other_name)


def with_links(issues: Iterable[QualityIssue], assets: Mapping[Hashable, AssetRow]) -> Iterator[QualityIssue]:
    """The issues with their links; those about rates have theirs already. Two queries at the most."""
    issues = list(issues)
    of_assets = [issue.finding for issue in issues if issue.finding.asset is not None]
    shared, targets = shared_instruments(of_assets), edit_targets_of(of_assets, assets)
    for issue in issues:
        finding = issue.finding
        if finding.asset is None:
            yield issue
            continue
        link, admin_link = links(finding, targets.get((finding.asset, finding.on)))
        is_shared = finding.code.subject is Subject.PRICES and finding.facts[0] in shared
        yield replace(issue, link=link, admin_link=admin_link, is_shared=is_shared)


def with_dismissals(
    issues: Iterable[QualityIssue], dismissals: Mapping[tuple[UUID, str], Dismissal], dismissed: bool | None
) -> Iterator[QualityIssue]:
    for issue in issues:
        dismissal = dismissals.get((issue.portfolio, issue.finding.key)) if dismissals else None
        if dismissed is None or dismissed == (dismissal is not None):
            yield replace(issue, dismissal=dismissal) if dismissal else issue


def current_asset_count(portfolios: Iterable[Portfolio], on: date) -> int:
    """The number of assets that are not disposed of on the day."""
    current = Q(disposed_on=None) | Q(disposed_on__gt=on)
    return Asset.objects.filter(current, portfolio__in=[portfolio.pk for portfolio in portfolios]).count()


def currencies_of(portfolios: Iterable[Portfolio], assets: Iterable[AssetRow]) -> dict[UUID, set[str]]:
    """By portfolio, the currencies of which its totals need rates."""
    used = {portfolio.pk: {portfolio.base_currency} for portfolio in portfolios}
    for asset in assets:
        used[asset.portfolio_id].add(asset.currency)
    return used


def rate_jump_issues(
    portfolio_id: UUID, currencies: Iterable[str], rates: RateBook
) -> Iterator[QualityIssue]:
    for currency, finding in rate_jumps(currencies, rates):
        link = f"{reverse('exchange-rate-list')}?currency={currency}&start={finding.on}&end={finding.on}"
        page = f"{reverse('admin:assets_exchangerate_changelist')}?currency__exact={currency}"
        yield QualityIssue(finding, currency, portfolio_id, link, page)


def dismissals_in(portfolio_ids: list[UUID]) -> dict[tuple[UUID, str], Dismissal]:
    """The dismissals by portfolio and key of the finding."""
    rows = DismissedFinding.objects.filter(portfolio__in=portfolio_ids).order_by()
    columns = ("portfolio_id", "key", "updated_by__username", "updated_at", "reason")
    return {
        (portfolio_id, key): Dismissal(by or "", at, reason)
        for portfolio_id, key, by, at, reason in rows.values_list(*columns)
    }


class AssetRow(NamedTuple):
    """The fields of an asset and its type that the checks need."""

    pk: UUID
    name: str
    name_key: str
    portfolio_id: UUID
    currency: str
    valuation: str
    shares: str
    acquired_on: date | None
    disposed_on: date | None
    first_value_on: date | None  # also None without a day of acquisition or disposal
    type_code: str
    type_group: str
    stale_after_days: int
    household_id: UUID
    instrument_id: UUID | None
    symbol: str | None
    isin: str | None


def in_name_order(row: AssetRow) -> tuple[str, str]:
    """The sort key of `alphabetical`, for a row that has the key of its name already."""
    return row.name_key, str(row.pk)


COLUMNS = (
    *AssetRow._fields[:-8],
    "compared_first_value_on",
    "asset_type__code",
    "asset_type__group",
    "asset_type__stale_after_days",
    "portfolio__household_id",
    "instrument_id",
    "instrument__symbol",
    "instrument__isin",
)


def assets_of(portfolio_ids: list[UUID]) -> Iterator[AssetRow]:
    """The first day with a value is looked up only of assets that have another day to compare it with."""
    rows = valuation.with_first_value(Asset.objects.filter(portfolio__in=portfolio_ids).order_by())
    has_another = Q(acquired_on__isnull=False) | Q(disposed_on__isnull=False)
    rows = rows.annotate(compared_first_value_on=Case(When(has_another, then=F("first_value_on"))))
    return starmap(AssetRow, rows.values_list(*COLUMNS))


def examined_by_name(
    assets: Mapping[Hashable, AssetRow],
    portfolio_ids: list[UUID],
    since: date,
    on: date,
    gaps: list[Gap],
    read_series: SeriesReader,
) -> list[Examined]:
    refs = [
        AssetRef(row.pk, row.currency, row.valuation, row.shares, row.disposed_on) for row in assets.values()
    ]
    all_series = valuation.whole_series(refs, start=since, end=on, read_series=read_series)
    rows = examined(assets, all_series, portfolio_ids, since, on, gaps)
    return sorted(rows, key=lambda asset: (asset.name, str(asset.asset)))


def examined(
    assets: Mapping[Hashable, AssetRow],
    all_series: Iterable[tuple[AssetRef, ValueSeries]],
    portfolio_ids: list[UUID],
    since: date,
    on: date,
    gaps: list[Gap],
) -> Iterator[Examined]:
    """The assets with their values, which have no gaps; those of the day are added to `gaps`."""
    recorded = transactions_of(portfolio_ids, since, on)
    valuations = {asset.pk: asset.valuation for asset in assets.values()}
    drifts = valuation.loan_drifts(valuations, since, on)
    for ref, history in all_series:
        asset = assets[ref.id]
        gaps += gaps_on(gaps_of(ref.id, history), [on])
        owed = asset.type_group == Group.LIABILITIES
        rows = recorded.get(ref.id, ())
        traded = [row.on for row in rows if row.type in TRADES]
        yield Examined(
            ref.id,
            asset.name_key,
            asset.type_code,
            history.without_gaps(),
            asset.stale_after_days,
            owed,
            traded,
            acquired_on=asset.acquired_on,
            transactions=rows,
            portfolio=asset.portfolio_id,
            first_value_on=asset.first_value_on,
            is_computed=not valuation.is_by_hand(asset.valuation),
            drift=drifts.get(asset.pk),
        )


def transactions_of(portfolio_ids: list[UUID], since: date, on: date) -> dict[UUID, list[Recorded]]:
    """The transactions by asset, after `since` up to `on`, oldest first."""
    rows = Transaction.objects.filter(asset__portfolio__in=portfolio_ids, on__gt=since, on__lte=on)
    columns = ("asset_id", "pk", "on", "type", "amount", "currency", "quantity", "source", "external_id")
    recorded: dict[UUID, list[Recorded]] = {}
    ordered = rows.order_by("on", "position", "pk").values_list(*columns)
    for asset_id, pk, day, type_, amount, currency, quantity, source, external_id in ordered:
        by_disposal = source == external_id == DISPOSAL
        recorded.setdefault(asset_id, []).append(
            Recorded(pk, day, type_, amount, currency, quantity, by_disposal)
        )
    return recorded


def of_holdings(portfolio_ids: list[UUID], assets: Mapping[Hashable, AssetRow], on: date) -> list[Finding]:
    """The findings about the assets whose units are counted, or should be, by name. Without such assets one query."""
    counted = Exists(Transaction.objects.filter(OF_UNITS, asset=OuterRef("pk")))
    leaving, arriving = Q(instrument=OuterRef("instrument")), Q(to_instrument=OuterRef("instrument"))
    by_action = Exists(InstrumentAction.objects.filter(leaving | arriving, to_instrument__isnull=False))
    paid = Exists(Transaction.objects.filter(type=Transaction.Type.INCOME, asset=OuterRef("pk")))
    has_reason = counted | by_action | (paid & valuation.valued_at_market())
    of_portfolios = Asset.objects.filter(has_reason, portfolio__in=portfolio_ids)
    ids = list(of_portfolios.order_by().values_list("pk", flat=True))
    if not ids:
        return []
    by_name = sorted(ids, key=lambda pk: in_name_order(assets[pk]))
    ledger = read_ledger(ids)
    lacking = [
        pk for pk in ids if valuation.has_market_price(assets[pk].valuation) and not has_units(ledger[pk])
    ]
    return holding_findings(ledger, by_name, on=on, without_units=first_values_of(lacking))


def has_units(asset: AssetEvents) -> bool:
    """Whether its transactions count units, or the asset says how many it has."""
    return asset.counts_units or bool(asset.opening_quantity)


def first_values_of(asset_ids: list[UUID]) -> dict[UUID, date | None]:
    """The day of the first value of each asset, None without one. Without assets no query."""
    if not asset_ids:
        return {}
    rows = valuation.with_first_value(Asset.objects.filter(pk__among=asset_ids).order_by())
    columns = "pk", "first_value_on"
    return dict(rows.values_list(*columns))


def of_instruments(assets: Mapping[Hashable, AssetRow]) -> list[Finding]:
    """The findings about instruments with an ISIN, by the name of the asset. Without such an instrument no query."""
    held: dict[Hashable, Identified] = {
        row.pk: Identified(row.household_id, row.instrument_id, row.symbol or "", row.isin or "")
        for row in sorted((row for row in assets.values() if row.isin), key=in_name_order)
    }
    if not held:
        return []
    household_ids = {row.household_id for row in assets.values() if row.isin}
    # nosemgrep: rows-through-for-user - the households are those of the portfolios
    same = Instrument.objects.filter(isin__in={each.isin for each in held.values()}).order_by()
    own = same.filter(household__in=household_ids).values_list("household_id", "pk", "symbol", "isin")
    shared = same.filter(household=None, assets__portfolio__household__in=household_ids)
    columns = ("assets__portfolio__household_id", "pk", "symbol", "isin")
    known = own.union(shared.values_list(*columns)).order_by()
    return instrument_findings(held, starmap(Identified, known))


def of_prices(
    portfolios: Iterable[Portfolio], assets: Iterable[AssetRow], since: date, on: date
) -> Iterator[Finding]:
    """The jumps of prices from `since` on, of each instrument at the first of a portfolio's assets that it values.

    Without such assets no query; else a fixed number of them for each household.
    """
    by_household: dict[UUID, dict[tuple[UUID, UUID], AssetRow]] = {}
    households = {portfolio.pk: portfolio.household_id for portfolio in portfolios}
    with_instruments = [
        (asset, asset.instrument_id)
        for asset in assets
        if asset.instrument_id is not None and not valuation.is_by_hand(asset.valuation)
    ]
    for asset, instrument_id in sorted(with_instruments, key=lambda pair: in_name_order(pair[0])):
        of_household = by_household.setdefault(households[asset.portfolio_id], {})
        of_household.setdefault((asset.portfolio_id, instrument_id), asset)
    for household_id, of_household in by_household.items():
        ids = {instrument_id for _, instrument_id in of_household}
        splits = splits_of(ids, household_id)
        prices_by_instrument = prices.read(ids, since, on, splits=splits)
        symbols = dict(Instrument.objects.filter(pk__among=list(ids)).values_list("pk", "symbol"))
        for (_, pk), asset in of_household.items():
            if pk in prices_by_instrument:
                days = [date.fromordinal(split.on) for split in splits.get(pk, ())]
                priced = PricedAsset(asset.pk, pk, symbols[pk], prices_by_instrument[pk], days)
                yield from price_jumps(priced)


def shared_instruments(all_findings: Iterable[Finding]) -> set[UUID]:
    """Those of the findings about prices that belong to all households. Without such findings no query."""
    facts = (finding.facts[0] for finding in all_findings if finding.code.subject is Subject.PRICES)
    ids = {pk for pk in facts if isinstance(pk, UUID)}
    rows = Instrument.objects.filter(pk__in=ids, household=None) if ids else Instrument.objects.none()
    return set(rows.values_list("pk", flat=True))


def edit_targets_of(
    all_findings: Iterable[Finding], assets: Mapping[Hashable, AssetRow]
) -> dict[Hashable, EditTarget]:
    """The row behind the value that each finding is about, by asset and day."""
    asset_days = [
        (assets[finding.asset].pk, finding.on)
        for finding in all_findings
        if finding.code.subject is Subject.VALUE and finding.on is not None
    ]
    valuations = {asset.pk: asset.valuation for asset in assets.values()}
    return dict(valuation.edit_targets(asset_days, valuations).items())


def links(finding: Finding, target: EditTarget | None) -> tuple[str, str]:
    """(API path, admin page) where it can be fixed: a value is corrected or added, a rate is recorded."""
    subject, asset = finding.code.subject, finding.asset
    if subject is Subject.RATE:
        return reverse("exchange-rate-list"), reverse("admin:assets_exchangerate_add")
    if subject is Subject.ASSET:
        return reverse("asset-detail", kwargs={"pk": asset}), asset_page(asset)
    if subject is Subject.VALUE and target is not None and target.pk != asset:
        return links_of_value(asset, target)
    if subject is Subject.TRANSACTION:
        transaction_id = finding.facts[0]
        path = reverse("transaction-detail", kwargs={"asset_id": asset, "pk": transaction_id})
        return path, reverse("admin:assets_transaction_change", args=[transaction_id])
    if subject in (Subject.INSTRUMENT, Subject.PRICES) and finding.facts[0] is not None:
        return links_of_instrument(subject, finding.facts[0])
    return reverse("asset-snapshot-list", kwargs={"asset_id": asset}), asset_page(asset)


def links_of_value(asset: Hashable, target: EditTarget) -> tuple[str, str]:
    model = apps.get_model(target.model_label)
    route = f"{resource_name(model).replace('_', '-')}-detail"  # a route has the name of its model
    page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return reverse(route, kwargs={"asset_id": asset, "pk": target.pk}), reverse(page, args=[target.pk])


def links_of_instrument(subject: Subject, instrument_id: Hashable) -> tuple[str, str]:
    page = reverse("admin:assets_instrument_change", args=[instrument_id])
    if subject is Subject.PRICES:
        return reverse("instrument-price-list", kwargs={"instrument_id": instrument_id}), page
    return reverse("instrument-detail", kwargs={"pk": instrument_id}), page


def asset_page(pk: Hashable) -> str:
    return reverse("admin:assets_asset_change", args=[pk])
