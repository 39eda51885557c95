"""After any writes by any channel, deltas, monthly values and gaps are what the values give, by every reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count

from django.db import IntegrityError, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from assets import valuation
from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetTag, MonthlyDeltas, Tag
from assets.services.entries.disposal import reinstate
from assets.services.entries.value_batches import ValueRow, record_values
from assets.services.ownership import put_shares
from assets.tests.upkeep import NOON, assert_in_step, day, valuations
from assets.valuation import reading, registry
from assets.valuation.formulas.shares import Share, read_shares
from assets.valuation.series import ValueSeries, money, ten_thousandths
from assets.valuation.sources import snapshot_upkeep
from portfolios.models import Household, Portfolio
from strata.tenancy.batches import AllRowsRefused, IfExists, OnError
from tests.factories import create_asset
from tests.fake_source import FakeSource, register

LONGEST = 12


def value_on(amounts: dict[date, int], on: date, disposed_on: date | None) -> int | None:
    days = sorted(amounts)
    return ValueSeries("", days, [amounts[day] for day in days], disposed_on).value_on(on)


def is_in_deltas(asset: Asset) -> bool:
    return asset.counts_in_net_worth and registry.is_stored(asset.valuation) and not asset.shares


def in_parts(wholes: dict[date, int | None], shares: list[Share]) -> dict[date, int | None]:
    """The household's values, in fractions: also of each day on which the share changes what there is to share."""
    share_of = {share.on or date.min: Fraction(share.share) for share in shares}

    def share_on(on: date) -> Fraction:
        return share_of[max(days)] if (days := [day for day in share_of if day <= on]) else Fraction(1)

    by_day = dict(wholes)
    for on in share_of:
        before = max((day for day in wholes if day <= on), default=None)
        is_changed = on != date.min and share_on(on) != share_on(on - timedelta(days=1))
        if before is not None and wholes[before] is not None and is_changed:
            by_day[on] = wholes[before]
    return {
        on: None if whole is None else round(whole * share_on(on)) for on, whole in sorted(by_day.items())
    }


def without_zeros(amounts: dict) -> dict:
    totals = {pk: {code: amount for code, amount in by.items() if amount} for pk, by in amounts.items()}
    return {pk: by_currency for pk, by_currency in totals.items() if by_currency}


NUMBERS = st.integers(0, LONGEST)
SHARE = st.sampled_from([Decimal("0.5"), Decimal("0.333333"), Decimal("0.000001"), Decimal(1)])
SHARES = st.dictionaries(st.none() | NUMBERS, SHARE, max_size=3)
TYPES = st.sampled_from([TypeId.CASH, TypeId.CHECKING_ACCOUNT, TypeId.VEHICLE])  # the last is not liquid
VALUES = st.sampled_from([-30, -1, 0, 1, 20, Decimal("99999999999999.9999"), Decimal("-99999999999999.9999")])


@contextmanager
def unless_instants_meet() -> Iterator[None]:
    """A write by set may give an asset two values of one instant: the database refuses it, and nothing changes."""
    with suppress(IntegrityError), transaction.atomic():
        yield


class Writes(RuleBasedStateMachine):
    """Three portfolios, and every kind of write to their assets and values, in any order."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        household = Household.objects.create(name="H")
        self.portfolios = [
            Portfolio.objects.create(household=household, name=name, time_zone="UTC") for name in "abc"
        ]
        self.tag = Tag.objects.create(household=household, name="t")
        self.moments = count(1)
        self.new_asset(number=0, asset_type=TypeId.CHECKING_ACCOUNT, currency="EUR")

    def teardown(self):
        try:
            self.totals_are_the_same_by_every_reader()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @invariant()
    def in_step(self):
        assert_in_step()

    def totals_are_the_same_by_every_reader(self):
        ids = [portfolio.pk for portfolio in self.portfolios]
        days = [day(number) for number in range(-1, LONGEST + 2)]
        for group_by in reading.DELTA_KEY_COLUMNS:
            self.all_assets_are_added_to_those_that_count(ids, days, group_by)
            refs = valuation.asset_refs(ids, group_by, {})
            series = [reading.from_series(refs, days, derived=derived) for derived in (True, False)]
            by_deltas = reading.from_deltas(ids, days, reading.Grouped(group_by))
            by_sql = reading.from_values_in_sql(refs, days)
            deltas, grid, monthly, values = map(reading.drop_zeros, [by_deltas, by_sql, *series])
            assert deltas == grid == monthly == values
        for group_by in reading.DELTAS_OF_TYPES:
            self.what_is_liquid_is_apart_by_every_reader(ids, days, group_by)
        self.assets_have_the_same_values_by_every_reader()

    def what_is_liquid_is_apart_by_every_reader(self, ids, days, group_by):
        for include_all in (False, True):
            by_deltas, by_values = (
                valuation.totals_on(
                    ids, days, group_by=group_by, liquid_apart=True, include_all=include_all, derived=derived
                )
                for derived in (True, False)
            )
            assert by_deltas == by_values

    def all_assets_are_added_to_those_that_count(self, ids, days, group_by):
        """With include_all: by the deltas and the others' months, and by the values of all assets alone."""
        refs = valuation.asset_refs(ids, group_by, {}, counts=None)
        assert {ref.id for ref in refs} == set(Asset.objects.values_list("pk", flat=True))
        expected = reading.drop_zeros(reading.from_series(refs, days, derived=False))
        for derived in (True, False):
            totals = valuation.totals_on(ids, days, group_by=group_by, include_all=True, derived=derived)
            assert totals == expected

    def assets_have_the_same_values_by_every_reader(self):
        """Against the values in plain words."""
        assets = {asset.pk: asset for asset in Asset.objects.all()}
        expected = {pk: self.values_of(pk) for pk in assets}
        read = registry.values(valuations(), date.min, date.max)
        assert {pk: dict(zip(days, amounts, strict=True)) for pk, days, amounts in read} == {
            pk: values for pk, values in expected.items() if values
        }
        wholes = {pk: self.whole_values_of(pk) for pk in assets}
        assert valuation.value_days(valuations()) == {
            pk: (min(values), max(values)) for pk, values in wholes.items() if values
        }
        first_days = valuation.with_first_value(Asset.objects.all()).values_list("pk", "first_value_on")
        recorded = {pk: self.days_recorded(pk) for pk in assets}  # they are anchors of other sources
        assert dict(first_days) == {
            pk: min({*values, *recorded[pk]}, default=None) for pk, values in expected.items()
        }
        on = day(LONGEST // 2)
        current = {pk: value_on(values, on, assets[pk].disposed_on) for pk, values in expected.items()}
        for in_sql in (False, True):
            rows = valuation.with_current_value(Asset.objects.order_by("pk"), on, in_sql=in_sql)
            read = {row.pk: row.current_value for row in rows}
            shown = {pk: None if value is None else ten_thousandths(value) for pk, value in read.items()}
            assert shown == current
        columns = dict(rows.values_list("pk", "current_value"))  # in the SQL itself
        assert columns == read
        ids = [portfolio.pk for portfolio in self.portfolios]
        for include_all in (False, True):
            amounts: dict = {}
            for pk, asset in assets.items():
                is_held = current[pk] is not None and not (asset.disposed_on and asset.disposed_on <= on)
                if is_held and (include_all or asset.counts_in_net_worth):
                    by_currency = amounts.setdefault(asset.portfolio_id, {})
                    by_currency[asset.currency] = by_currency.get(asset.currency, 0) + money(current[pk])
            read, gaps_of_day = valuation.amounts_and_gaps_on(ids, on, include_all=include_all)
            assert read == without_zeros(amounts)
            assert [gap.asset_id for gap in gaps_of_day] == sorted(
                pk
                for pk, asset in assets.items()
                if (include_all or asset.counts_in_net_worth)
                and min(expected[pk], default=date.max) <= on
                and current[pk] is None
            )
            first_days = [
                min(days)
                for pk, asset in assets.items()
                if include_all or asset.counts_in_net_worth
                if (days := set(expected[pk]) | (set() if is_in_deltas(asset) else recorded[pk]))
            ]
            assert valuation.first_value_day(ids, include_all=include_all) == min(first_days, default=None)

    def values_of(self, asset_id) -> dict[date, int | None]:
        """The household's amounts of the asset by day."""
        wholes = self.whole_values_of(asset_id)
        shares = read_shares(Asset.objects.get(pk=asset_id).shares)
        return in_parts(wholes, shares) if shares else wholes

    def whole_values_of(self, asset_id) -> dict[date, int | None]:
        """The asset's amounts by day."""
        snapshots = AssetSnapshot.objects.filter(asset=asset_id).order_by("on", "observed_at")
        return {row.on: ten_thousandths(row.value) for row in snapshots}

    def days_recorded(self, asset_id) -> set[date]:
        return set(AssetSnapshot.objects.filter(asset=asset_id).values_list("on", flat=True))

    # --- what there is ---

    def an_asset(self, number: int) -> Asset:
        assets = list(Asset.objects.order_by("pk"))
        return assets[number % len(assets)]

    def a_snapshot(self, number: int) -> AssetSnapshot:
        snapshots = list(AssetSnapshot.objects.order_by("pk"))
        return snapshots[number % len(snapshots)]

    def at(self, on: int) -> datetime:
        """A moment near the day's noon, before or after all others: none is taken twice."""
        number = next(self.moments)
        noon = NOON + timedelta(days=on)
        return noon + timedelta(seconds=number if number % 2 else -number)

    def value(self, asset: Asset, on: int, value) -> AssetSnapshot:
        return AssetSnapshot(asset=asset, value=value, observed_at=self.at(on), on=day(on))

    # --- values ---

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, on=NUMBERS, value=VALUES)
    def save_a_value(self, number, on, value):
        self.value(self.an_asset(number), on, value).save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(values=st.lists(st.tuples(NUMBERS, NUMBERS, VALUES), max_size=6))
    def save_many_values(self, values):
        AssetSnapshot.objects.bulk_create(
            self.value(self.an_asset(number), on, value) for number, on, value in values
        )

    @precondition(lambda self: Asset.objects.exists())
    @rule(
        rows=st.lists(st.tuples(NUMBERS, NUMBERS, VALUES, st.booleans()), max_size=8),
        if_exists=st.sampled_from(IfExists),
    )
    def record_a_batch(self, rows, if_exists):
        """Of days and of instants, in several portfolios; what is refused is left out."""
        sent = {
            number: ValueRow(
                self.an_asset(asset).pk,
                Decimal(value),
                **({"on": day(on)} if by_day else {"observed_at": NOON + timedelta(days=on, hours=2)}),
            )
            for number, (asset, on, value, by_day) in enumerate(rows)
        }
        with suppress(AllRowsRefused):
            batch = record_values(sent, if_exists=if_exists, on_error=OnError.SKIP)
            stored = AssetSnapshot.objects.in_bulk(value.snapshot.pk for value in batch.values.values())
            assert all(stored[v.snapshot.pk].value == v.snapshot.value for v in batch.values.values())

    @precondition(lambda self: AssetSnapshot.objects.exists())
    @rule(number=NUMBERS, other=NUMBERS, on=NUMBERS, value=VALUES)
    def change_a_value(self, number, other, on, value):
        snapshot = self.a_snapshot(number)
        snapshot.asset, snapshot.value, snapshot.on = self.an_asset(other), value, day(on)
        snapshot.observed_at = self.at(on)
        snapshot.save()

    @rule(first=NUMBERS, value=VALUES)
    def change_values_by_set(self, first, value):
        AssetSnapshot.objects.filter(on__gte=day(first)).update(value=value)

    @rule(first=NUMBERS, on=NUMBERS)
    def move_values_to_another_day_by_set(self, first, on):
        with unless_instants_meet():
            AssetSnapshot.objects.filter(on=day(first)).update(on=day(on))

    @precondition(lambda self: Asset.objects.exists())
    @rule(first=NUMBERS, number=NUMBERS)
    def give_values_to_another_asset_by_set(self, first, number):
        with unless_instants_meet():
            AssetSnapshot.objects.filter(on=day(first)).update(asset=self.an_asset(number))

    @rule(on=NUMBERS, value=VALUES)
    def change_many_values_and_days(self, on, value):
        snapshots = list(AssetSnapshot.objects.order_by("pk")[:4])
        for number, snapshot in enumerate(snapshots):
            snapshot.value, snapshot.on = value, day((on + number) % LONGEST)
        with unless_instants_meet():
            AssetSnapshot.objects.bulk_update(snapshots, ["value", "on"])

    @precondition(lambda self: AssetSnapshot.objects.exists())
    @rule(number=NUMBERS)
    def delete_a_value(self, number):
        self.a_snapshot(number).delete()

    @rule(first=NUMBERS)
    def delete_values_by_set(self, first):
        AssetSnapshot.objects.filter(on__gte=day(first)).delete()

    # --- assets ---

    @rule(number=NUMBERS, asset_type=TYPES, currency=st.sampled_from(["EUR", "USD"]))
    def new_asset(self, number, asset_type, currency):
        asset = create_asset(self.a_portfolio(number), asset_type=asset_type, currency=currency)
        if number % 2:
            AssetTag.objects.create(asset=asset, tag=self.tag)

    def a_portfolio(self, number: int) -> Portfolio:
        return self.portfolios[number % len(self.portfolios)]

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, place=NUMBERS, asset_type=TYPES)
    def change_an_asset(self, number, place, asset_type):
        asset = self.an_asset(number)
        asset.portfolio, asset.asset_type_id = self.a_portfolio(place), asset_type
        asset.save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def count_an_asset_or_leave_it_out(self, number):
        asset = self.an_asset(number)
        asset.counts_in_net_worth = not asset.counts_in_net_worth
        asset.save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, shares=SHARES)
    def share_an_asset(self, number, shares):
        in_order = sorted(shares.items(), key=lambda item: -1 if item[0] is None else item[0])
        put_shares(
            self.an_asset(number).pk,
            [Share(None if on is None else day(on), share) for on, share in in_order],
        )

    @rule(currency=st.sampled_from(["EUR", "USD"]), shares=st.sampled_from(["", "0.5"]))
    def share_assets_by_set(self, currency, shares):
        Asset.objects.filter(currency=currency).update(shares=shares)

    @rule(currency=st.sampled_from(["EUR", "USD"]), counts=st.booleans())
    def count_assets_by_set(self, currency, counts):
        Asset.objects.filter(currency=currency).update(counts_in_net_worth=counts)

    @rule(number=NUMBERS, place=NUMBERS)
    def move_assets_by_set(self, number, place):
        Asset.objects.filter(portfolio=self.a_portfolio(number)).update(portfolio=self.a_portfolio(place))

    @rule(asset_type=TYPES, currency=st.sampled_from(["EUR", "USD"]))
    def change_types_and_currencies_by_set(self, asset_type, currency):
        Asset.objects.filter(currency=currency).update(asset_type_id=asset_type, currency="USD")

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, on=NUMBERS)
    def dispose_of_an_asset(self, number, on):
        asset = self.an_asset(number)
        asset.disposed_on = day(on)  # before its first value too, as values may be deleted
        asset.save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def reinstate_an_asset(self, number):
        reinstate(self.an_asset(number).pk)

    @rule(on=st.none() | NUMBERS)
    def dispose_by_set(self, on):
        Asset.objects.filter(asset_type=TypeId.CHECKING_ACCOUNT).update(
            disposed_on=None if on is None else day(on)
        )

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def delete_an_asset(self, number):
        self.an_asset(number).delete()

    @rule()
    def delete_assets_by_their_tag(self):
        Asset.objects.filter(tags=self.tag).delete()
        assert not Asset.objects.filter(tags=self.tag).exists()

    @precondition(lambda self: len(self.portfolios) > 1)
    @rule(number=NUMBERS)
    def delete_a_portfolio(self, number):
        portfolio = self.portfolios.pop(number % len(self.portfolios))
        key = portfolio.pk
        portfolio.delete()
        assert not MonthlyDeltas.objects.filter(portfolio_id=key).exists()


class WritesWithAnotherSource(Writes):
    """The same where some assets have their values from another source, whether these are stored or not."""

    @initialize(is_stored=st.booleans())
    def another_source(self, is_stored):
        self.source = FakeSource(is_stored=is_stored)
        register(self.source)

    def teardown(self):
        try:
            super().teardown()
        finally:
            registry.unregister(self.source)

    def whole_values_of(self, asset_id) -> dict[date, int | None]:
        of_source = self.source.amounts.get(asset_id)
        return super().whole_values_of(asset_id) if of_source is None else of_source

    def of_source(self) -> list:
        return sorted(Asset.objects.filter(pk__in=self.source.amounts).values_list("pk", flat=True))

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, values=st.dictionaries(NUMBERS, st.none() | VALUES, min_size=1, max_size=4))
    def give_an_asset_to_the_other_source(self, number, values):
        """A value of None is a gap."""
        amounts = {
            day(on): value if value is None else ten_thousandths(value) for on, value in values.items()
        }
        self.source.value_assets({self.an_asset(number).pk: amounts})

    @rule()
    def take_assets_from_the_other_source(self):
        self.source.leave_assets(self.of_source()[:1])

    @rule(
        values=st.dictionaries(NUMBERS, st.none() | VALUES, min_size=1, max_size=3),
        gaps=st.sets(NUMBERS, max_size=2),
        count=st.integers(1, 3),
    )
    def change_values_of_the_other_source(self, values, gaps, count):
        amounts = {
            day(on): value if value is None else ten_thousandths(value) for on, value in values.items()
        }
        self.source.change(self.of_source()[:count], amounts, {day(on) for on in gaps})


def test_after_any_writes_the_table_equals_the_rebuilt_and_totals_agree(db):
    run_state_machine_as_test(
        Writes, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )


def test_after_any_writes_all_of_this_is_true_where_every_write_counts_as_many_rows(db, monkeypatch):
    monkeypatch.setattr(snapshot_upkeep, "MANY", 1)
    run_state_machine_as_test(
        WritesWithAnotherSource, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )


def test_after_any_writes_all_of_this_is_true_with_another_source_of_values(db):
    run_state_machine_as_test(
        WritesWithAnotherSource, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )
