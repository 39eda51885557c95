"""Net worth over time, in total and by group, also adjusted for inflation by a price index."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Unpack
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from assets import prices, valuation
from assets.models import Asset, AssetType, Category, Instrument, Tag
from assets.models.classification import Group
from assets.models.instrument import InstrumentType
from assets.prices.splits import splits_of
from assets.rates.store import rate_book_on
from assets.valuation import Totals
from investments.queries.benchmarks import state_of_prices
from portfolios.models import Portfolio
from reports.calculations.intervals import count_days, days_between
from reports.calculations.net_worth import Point, net_worth
from reports.calculations.real_terms import RealTerms
from reports.queries.defaults import end_and_currency
from reports.queries.groups import LIQUIDITY, Narrowing, named_totals
from strata.exceptions import Invalid, NotFound
from strata.fields.currencies import minor_units

MOST_POINTS = 40_000  # a century of days
MOST_FIGURES = 200_000  # points times groups: limits the time and memory of an answer


class ReportTooLarge(ValueError):
    """The series has too many points, or points times groups, for one answer; `field` is the parameter to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class NetWorthSeries:
    """Net worth on a series of days. `labels` names every group; `paths` has the paths of categories from the top.

    If groups `overlap` (an asset with two tags), they add up to more than the total. Where `real` is set, amounts are
    in the money of the last of its days, and the days whose index is unknown have no point.
    """

    currency: str
    interval: str
    group_by: str | None
    overlap: bool
    points: list[Point]
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]] = field(default_factory=dict)
    real: RealTerms | None = None


def net_worth_history(
    portfolios: Iterable[Portfolio],
    *,
    start: date | None = None,
    end: date | None = None,
    interval: str = "month",
    currency: str | None = None,
    group_by: str | None = None,
    from_start: bool = False,
    index: Instrument | None = None,
    **narrowing: Unpack[Narrowing],
) -> NetWorthSeries:
    """The portfolios' net worth from `start` (default: the first value) to `end` (default: today), at each day's rates.

    There is a point at the end of each interval; with `from_start` also one on `start`. Assets that do not count in net
    worth are left out, unless `include_all`. With an `index` amounts are adjusted for inflation. Raises ReportTooLarge
    for too long a series, before values are loaded.
    """
    portfolios = list(portfolios)
    ids = [portfolio.pk for portfolio in portfolios]
    end, currency = end_and_currency(portfolios, end, currency)
    include_all = narrowing.get("include_all", False)
    start = start or min(valuation.first_value_day(ids, include_all=include_all) or end, end)
    require_bounded(portfolios, count_days(start, end, interval), group_by)
    days = days_between(start, end, interval)
    days = [start, *days] if from_start and days[0] != start else days
    real = None if index is None else real_terms(index, days)
    totals, labels, paths = named_totals(portfolios, days, group_by, **narrowing)
    points = net_worth(
        totals,
        currency=currency,
        places=minor_units(currency),
        rates=rate_book_on({currency, *(code for _, code in totals.columns)}, days, portfolios=portfolios),
        grouped=group_by is not None,
        factors=None if real is None else real.factors(),
    )
    points = with_missing_prices(points, totals)
    return NetWorthSeries(currency, interval, group_by, totals.overlap, points, labels, paths, real)


def with_missing_prices(points: list[Point], totals: Totals) -> list[Point]:
    """The points, each with the assets that it leaves out. Raises ReportTooLarge for too many of these in all."""
    if not totals.gaps:
        return points
    if (count := valuation.count_left_out(totals.gaps, totals.days)) > MOST_FIGURES:
        message = f"Assets without a price on {count:,} days are more than {MOST_FIGURES:,}."
        raise ReportTooLarge("interval", f"{message} Take a longer interval or fewer days.")
    missing = valuation.price_gaps(totals.gaps, totals.days)
    return [point._replace(missing_prices=missing.get(point.on, ())) for point in points]


def refuse_too_many_points(points: int) -> None:
    if points > MOST_POINTS:
        raise ReportTooLarge(
            "interval", f"That is {points:,} points; there may be {MOST_POINTS:,}: take a longer one."
        )


def require_bounded(portfolios: list[Portfolio], points: int, group_by: str | None) -> None:
    """Raises ReportTooLarge for too many points, or too many points times possible groups."""
    refuse_too_many_points(points)
    if group_by and points * (groups := possible_groups(portfolios, group_by)) > MOST_FIGURES:
        message = f"{groups:,} groups on {points:,} points are more than {MOST_FIGURES:,} figures."
        raise ReportTooLarge("group_by", f"{message} Take a longer interval, fewer days or coarser groups.")


def possible_groups(portfolios: list[Portfolio], group_by: str) -> int:
    households = {portfolio.household_id for portfolio in portfolios}
    assets = Asset.objects.filter(portfolio__in=portfolios)
    counts = {
        "type": lambda: AssetType.objects.filter(assets__portfolio__in=portfolios).distinct().count(),
        "group": lambda: len(Group),
        "liquidity": lambda: len(LIQUIDITY),
        "category": lambda: Category.objects.filter(household__in=households).count() + 1,
        "tag": lambda: Tag.objects.filter(household__in=households).count() + 1,
        "currency": lambda: assets.order_by().values("currency").distinct().count(),
        "institution": lambda: assets.order_by().values("institution_key").distinct().count(),
        "portfolio": lambda: len(portfolios),
        "asset": assets.count,
    }
    return counts[group_by]()


# --- adjusted for inflation ---


def index_for_user(user: Any, instrument_id: UUID, field: str) -> Instrument:
    """The index that the user may see. `field` is named where there is none, or it is an instrument of another type."""
    instrument = Instrument.objects.for_user(user).filter(pk=instrument_id).first()
    if instrument is None:
        raise NotFound("instrument", field)
    if instrument.instrument_type != InstrumentType.INDEX:
        raise Invalid(field, "Send the id of an instrument of the type index.", "NOT_AN_INDEX")
    return instrument


def with_index_mark(portfolios: QuerySet[Portfolio]) -> QuerySet[Portfolio]:
    """Adds `has_index`: whether the household has an index, or a shared one exists."""
    # nosemgrep: rows-through-for-user - the households are those of the portfolios
    rows = Instrument.objects.filter(instrument_type=InstrumentType.INDEX).order_by()
    own, shared = rows.filter(household=OuterRef("household")), rows.filter(household=None)
    return portfolios.annotate(has_index=Exists(own) | Exists(shared))


def indices_of(marked: Iterable[Any]) -> QuerySet[Instrument]:
    """The indices of the households of the portfolios, then the shared ones, each by symbol.

    Takes no query where with_index_mark found none.
    """
    household_ids = {portfolio.household_id for portfolio in marked if portfolio.has_index}
    # nosemgrep: rows-through-for-user - the households are those of the portfolios
    rows = Instrument.objects.filter(instrument_type=InstrumentType.INDEX)
    rows = rows.filter(Q(household=None) | Q(household__in=household_ids)) if household_ids else rows.none()
    return rows.order_by(F("household").asc(nulls_last=True), "symbol_key", "id")


def state_of_index(index: Instrument) -> str:
    """Changes with everything of the index that amounts in its terms depend on."""
    terms = (index.pk, index.symbol, index.quote_unit, index.max_age_days)
    return repr((terms, state_of_prices(index.pk), splits_of([index.pk])))


def real_terms(index: Instrument, days: Sequence[date]) -> RealTerms:
    """The index on the days, which ascend."""
    series = prices.read([index.pk], days[0], days[-1]).get(index.pk)
    values = [None if series is None else series.at(on) for on in days]
    return RealTerms(index.pk, index.symbol, days, values)
