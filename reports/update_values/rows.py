"""What the table shows: the current assets of a portfolio by class, each with its last value."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from assets.models.asset import Valuation
from assets.models.classification import Group
from assets.services.asset_order import asset_order
from assets.services.entries.snapshots import state_of, values_counting_on
from assets.valuation import (
    AssetRef,
    PriceGap,
    is_by_hand,
    newest_points,
    price_gaps,
    whole_series,
    with_current_value,
)
from assets.valuation.formulas.shares import shares_in
from assets.valuation.series import gaps_of, gaps_on, money, ten_thousandths
from portfolios.models import Portfolio
from strata.audit import clock
from strata.fields.active_formats import amount_text
from strata.fields.currencies import minor_units, round_money
from strata.fields.dates import local_day

DEBTS = Group.LIABILITIES
COLUMNS = (
    "pk",
    "name",
    "name_key",
    "asset_type__group",
    "counts_in_net_worth",
    "currency",
    "current_value",
    "current_value_on",
    "valuation",
    "shares",
)
NOT_COUNTED = "not counted"  # the section of the assets that do not count in net worth
HEADINGS = {**dict(Group.choices), NOT_COUNTED: _("Not counted in net worth")}


class AssetRow(NamedTuple):
    """A current asset. `last` is its newest value on or before the day, of the whole and as stored: a debt is
    negative.

    `seen` names the state of the value that counts on exactly that day; empty where there is none. `valuation` is where
    its values come from: one that is entered is an anchor where that is not by hand. `shares` is the household's part.
    `missing` is the price without which the asset has no value on the day.
    """

    id: UUID
    name: str
    name_key: str
    group: str
    counts: bool
    currency: str
    last: Decimal | None
    last_on: date | None
    valuation: str = Valuation.MANUAL
    shares: str = ""
    seen: str = ""
    missing: PriceGap | None = None

    @property
    def is_computed(self) -> bool:
        """It has a value of each day by itself: an entered one is an anchor, and never "still the same"."""
        return not is_by_hand(self.valuation)

    @property
    def ref(self) -> AssetRef:
        return AssetRef(self.id, self.currency, self.valuation, self.shares)

    @property
    def section(self) -> str:
        """One of HEADINGS."""
        return self.group if self.counts else NOT_COUNTED

    @property
    def is_debt(self) -> bool:
        return self.group == DEBTS

    def part(self, whole: Decimal, on: date) -> Decimal:
        """What counts of a value on the day."""
        return money(shares_in(self.shares).part_on(on, ten_thousandths(whole))) if self.shares else whole

    def share_on(self, on: date) -> Decimal:
        return shares_in(self.shares).share_on(on)

    @property
    def shown_last(self) -> Decimal:
        """The last value, if there is any: a calculated one in the currency's places."""
        last = self.last or Decimal()
        return round_money(last, self.currency) if self.is_computed else last

    @property
    def places(self) -> int:
        return minor_units(self.currency)

    def as_typed(self, value: Decimal) -> Decimal:
        """The stored value as people type it, and the other way round: what is owed is positive."""
        return -value if self.is_debt else value

    def typed_text(self, value: Decimal) -> str:
        """The stored value as the person would type it."""
        return amount_text(self.as_typed(value), self.currency)


def asset_rows(portfolio: Portfolio, on: date) -> list[AssetRow]:
    """By section in the order of HEADINGS, and inside it in the portfolio's own order, then by name."""
    # nosemgrep: rows-through-for-user - of a portfolio that came through it
    assets = Asset.objects.filter(Q(disposed_on=None) | Q(disposed_on__gt=on), portfolio=portfolio)
    rows = with_current_value(assets, on).order_by("name_key", "pk")
    states = states_on(portfolio, on)
    places = {section: place for place, section in enumerate(HEADINGS)}
    read = [AssetRow._make((*row, states.get(row[0], ""), None)) for row in rows.values_list(*COLUMNS)]
    computed = {row.ref: on for row in read if row.is_computed}
    points = newest_points(computed)
    read = [
        row._replace(last=points[row.id].whole_value, last_on=points[row.id].on) if row.id in points else row
        for row in read
    ]
    missing = missing_prices([row.ref for row in read if row.is_computed and row.last is None], on)
    read = [row._replace(missing=missing[row.id]) if row.id in missing else row for row in read]
    own = {pk: place for place, pk in enumerate(asset_order(portfolio.pk))}
    return sorted(read, key=lambda row: (places[row.section], own.get(row.id, len(own))))


def missing_prices(without_value: Collection[AssetRef], on: date) -> dict[UUID, PriceGap]:
    """Of the assets that have no value on the day because no price counts. Without such assets no query."""
    read = whole_series(without_value, start=on, end=on) if without_value else ()
    gaps = gaps_on([gap for ref, series in read for gap in gaps_of(ref.id, series)], (on,))
    return {gap.asset_id: gap for gap in price_gaps(gaps, [on]).get(on, ())}


def states_on(portfolio: Portfolio, on: date) -> dict[UUID, str]:
    return {pk: state_of(value) for pk, value in values_counting_on(on, asset__portfolio=portfolio).items()}


def sections_of(rows: Iterable[AssetRow]) -> list[tuple[str, list[AssetRow]]]:
    """The rows under the headings of their sections; those without assets are left out."""
    by_section: dict[str, list[AssetRow]] = {}
    for row in rows:
        by_section.setdefault(row.section, []).append(row)
    return [(str(HEADINGS[section]), of_section) for section, of_section in by_section.items()]


def today_of(portfolio: Portfolio) -> date:
    return local_day(clock.now(), portfolio.time_zone)
