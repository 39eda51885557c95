"""A load of prices that is withdrawn: none of its prices counts from then on, for every reader, and nothing is lost."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

import pytest
from django.utils import timezone
from hypothesis import settings
from hypothesis.stateful import rule, run_state_machine_as_test

from assets import prices
from assets.doctor import wrong_deltas, wrong_gaps, wrong_months, wrong_packs
from assets.models import (
    Asset,
    Instrument,
    InstrumentSource,
    PackedPrices,
    PriceBlock,
    PriceLoad,
    PriceSource,
)
from assets.prices import store
from assets.services.instrument_actions import add_action
from assets.services.instruments.price_fetching import FIRST_DAY, start_of
from assets.services.instruments.prices import LoadTerms, record_prices
from assets.services.instruments.withdrawals import withdraw_loads
from assets.tests.conftest import create_instrument
from assets.tests.test_market_upkeep import NUMBERS, MarketWrites
from assets.tests.test_market_values import values_of
from assets.valuation.current import with_first_value
from portfolios.models import Portfolio
from strata.audit.models import JournalEntry
from tests.factories import add_value, day, record_price

API = "/api/v1"


def load(instrument, by_day: dict[int, int], **terms) -> PriceLoad:
    """A load of these prices, by the number of the day."""
    rows = [(day(number).toordinal(), row, price, 0) for row, (number, price) in enumerate(by_day.items())]
    recorded = record_prices({instrument.pk: rows}, LoadTerms("test", accept_jumps=True, **terms))
    return PriceLoad.objects.get(pk=recorded.load_id)


def withdraw(*loads: PriceLoad) -> int:
    return withdraw_loads([load.pk for load in loads])


def prices_of(client, instrument, **query) -> list[tuple]:
    """The newest first: number of the day, price, and whether it is withdrawn."""
    answer = client.get(f"{API}/instruments/{instrument.pk}/prices", query)
    assert answer.status_code == 200, answer.content
    return [
        ((date.fromisoformat(row["on"]) - day(0)).days, row["price"], row["withdrawn_at"] is not None)
        for row in answer.json()["results"]
    ]


def assert_doctor_is_content() -> None:
    assert [*wrong_packs(), *wrong_deltas(), *wrong_months(), *wrong_gaps()] == []


def test_the_price_before_it_counts_again_and_one_of_a_new_day_is_gone(alice, holding, fund):
    before, values = prices_of(alice, fund), values_of(holding)
    withdrawn = load(fund, {0: 30, 1: 21, 5: 40, 400: 50})
    assert prices_of(alice, fund) == [
        (400, "50", False),
        (5, "40", False),
        (1, "21", False),
        (0, "30", False),
    ]
    assert values_of(holding)[day(5)] == 400
    assert withdraw(withdrawn) == 3  # that of day 1 was there already
    assert prices_of(alice, fund) == before
    assert values_of(holding) == values
    assert not PackedPrices.objects.filter(year=day(400).year).exists()
    assert_doctor_is_content()


def test_withdrawn_prices_can_be_listed_with_the_instant(alice, fund):
    withdrawn = load(fund, {0: 30, 5: 40})
    withdraw(withdrawn)
    shown = prices_of(alice, fund, withdrawn="1")
    assert shown == [(5, "40", True), (1, "21", False), (0, "20", False), (0, "30", True)]
    assert prices_of(alice, fund, withdrawn="1", start=day(5)) == [(5, "40", True)]
    (newest,) = alice.get(f"{API}/instruments/{fund.pk}/prices", {"withdrawn": "1", "start": day(5)}).json()[
        "results"
    ]
    withdrawn.refresh_from_db()
    assert newest["load_id"] == str(withdrawn.pk)
    assert newest["withdrawn_at"] == withdrawn.withdrawn_at.isoformat(timespec="microseconds").replace(
        "+00:00", "Z"
    )


def test_a_later_load_that_replaced_a_price_is_untouched(alice, holding, fund):
    withdrawn = load(fund, {5: 40, 6: 41})
    record_price(fund, day(5), 60)
    withdraw(withdrawn)
    assert prices_of(alice, fund) == [(5, "60", False), (1, "21", False), (0, "20", False)]
    assert values_of(holding)[day(5)] == 600
    assert_doctor_is_content()


def test_loads_may_be_withdrawn_in_any_order(alice, holding, fund):
    before = prices_of(alice, fund)
    first, second = load(fund, {0: 30, 3: 31}), load(fund, {0: 40, 3: 41, 4: 42})
    withdraw(first)
    assert prices_of(alice, fund)[0] == (4, "42", False)
    withdraw(second)
    assert prices_of(alice, fund) == before
    assert_doctor_is_content()


def test_a_second_withdrawal_changes_nothing(fund):
    withdrawn = load(fund, {5: 40})
    assert withdraw(withdrawn) == 1
    withdrawn.refresh_from_db()
    at, entries = withdrawn.withdrawn_at, JournalEntry.objects.count()
    assert withdraw(withdrawn) == 0
    withdrawn.refresh_from_db()
    assert (withdrawn.withdrawn_at, JournalEntry.objects.count()) == (at, entries)


def test_nothing_is_deleted_and_the_past_shows_the_prices(alice, portfolio, holding, fund):
    paths = [
        f"instruments/{fund.pk}/prices?x=",
        f"portfolios/{portfolio.pk}/net-worth?interval=day&start={day(-3)}&end={day(20)}",
        f"assets/{holding.pk}/values?interval=day&end={day(20)}",
        f"assets?on={day(6)}",
    ]
    paths[0] = f"instruments/{fund.pk}/prices?start={day(-3)}"

    def answers(instant=None):
        known = f"&known_at={quote(instant.isoformat())}" if instant else ""
        every = [alice.get(f"{API}/{path}{known}") for path in paths]
        assert {answer.status_code for answer in every} == {200}
        return [answer.json() for answer in every]

    without = answers()
    before = timezone.now()
    withdrawn = load(fund, {-2: 10, 5: 40})
    with_prices, between = answers(), timezone.now()
    blocks = list(PriceBlock.objects.values())
    withdraw(withdrawn)
    after = timezone.now()
    assert answers() == without != with_prices
    assert [answers(instant) for instant in (before, between, after)] == [without, with_prices, without]
    assert list(PriceBlock.objects.values()) == blocks


def test_withdrawing_the_first_price_changes_from_when_the_quantity_counts(portfolio, holding, fund):
    """And so what an asset with a recorded value is worth on earlier days."""
    values = values_of(holding)
    first = load(fund, {-8: 10})
    assert values_of(holding)[day(-8)] == 100
    withdraw(first)
    assert values_of(holding) == values
    assert with_first_value(Asset.objects.filter(pk=holding.pk)).get().first_value_on == day(0)
    add_value(holding, 150, day(-4))
    values = values_of(holding)
    first = load(fund, {-8: 10})
    withdraw(first)
    assert values_of(holding) == values
    assert_doctor_is_content()


def test_all_prices_may_be_withdrawn(alice, portfolio, holding, fund):
    withdraw(*PriceLoad.objects.all())
    assert prices_of(alice, fund) == [] and values_of(holding) == {}
    bought = {"type": "ACQUIRE", "on": str(day(0)), "quantity": "4", "amount": "80"}
    assert alice.post(f"{API}/assets/{holding.pk}/transactions", bought).status_code == 201
    missing = alice.get(f"{API}/portfolios/{portfolio.pk}", {"on": day(1)}).json()["missing_prices"]
    assert [(entry["asset"]["id"], entry["last_on"]) for entry in missing] == [(str(holding.pk), None)]
    assert not PackedPrices.objects.exists()
    record_price(fund, day(2), 30)
    assert values_of(holding)[day(2)] == 120
    assert_doctor_is_content()


def test_split_adjusted_prices_are_withdrawn_in_shares_of_their_days(alice, household, holding, fund):
    add_action(household.pk, instrument_id=fund.pk, type="split", on=day(4), numerator=2, denominator=1)
    before, values = prices_of(alice, fund), values_of(holding)
    adjusted = load(fund, {0: 15, 1: 16, 6: 17}, adjusted_to=day(8))
    assert prices_of(alice, fund)[-1] == (0, "30", False)
    above = load(fund, {1: 40})
    withdraw(adjusted)
    assert prices_of(alice, fund) == [(1, "40", False), (0, "20", False)]
    withdraw(above)
    assert (prices_of(alice, fund), values_of(holding)) == (before, values)
    assert_doctor_is_content()


def test_revisions_rise_of_those_who_hold_it_where_a_price_changes(portfolio, household, holding, fund):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    withdrawn = load(fund, {5: 40})
    hidden = load(fund, {5: 50})

    def revisions():
        return dict(Portfolio.objects.values_list("pk", "revision"))

    before = revisions()
    withdraw(withdrawn)  # a newer price hides it: no answer about the present changes
    assert revisions() == before
    withdraw(hidden)
    assert revisions() == before | {portfolio.pk: before[portfolio.pk] + 1}
    assert revisions()[other.pk] == before[other.pk]


def test_answers_with_an_index_have_another_etag(alice, portfolio, household):
    index = create_instrument(household, "HICP", instrument_type="index")
    record_price(index, day(0), 100)
    withdrawn = load(index, {1: 101})
    path = f"{API}/portfolios/{portfolio.pk}/net-worth?real={index.pk}&start={day(0)}&end={day(3)}"
    answer = alice.get(path)
    withdraw(withdrawn)
    again = alice.get(path, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 200 and again.json() != answer.json()


def test_sources_are_asked_again_from_the_last_price_that_counts(household, fund):
    source = PriceSource.objects.create(name="bar", source_type="coingecko")
    InstrumentSource.objects.create(instrument=fund, source=source, symbol="X")
    withdrawn = load(fund, {400: 25})
    assert start_of(fund) == date(day(400).year, 1, 1)
    withdraw(withdrawn)
    assert start_of(fund) == date(day(1).year, 1, 1)
    withdraw(*PriceLoad.objects.all())
    assert start_of(fund) == FIRST_DAY


@pytest.mark.parametrize("first", ["forgotten", "withdrawn"])
def test_packs_that_are_made_again_are_those_without_the_load(alice, holding, fund, first):
    values, withdrawn = values_of(holding), load(fund, {0: 30, 5: 40})
    if first == "forgotten":
        store.forget_packs([fund.pk])
        withdraw(withdrawn)
    else:
        withdraw(withdrawn)
        store.forget_packs([fund.pk])
    assert values_of(holding) == values
    store.rebuild_packs([fund.pk])
    assert values_of(holding) == values
    assert_doctor_is_content()


def test_packs_of_later_years_are_not_missed_where_all_were_forgotten(fund):
    """A pack of one year beside the mark of those that are forgotten would hide the mark from who reads later years."""
    load(fund, {400: 30, 800: 40})
    withdrawn = load(fund, {401: 31})
    store.forget_packs([fund.pk])
    withdraw(withdrawn)
    series = prices.read([fund.pk], day(800), day(800))[fund.pk]
    assert [*series.days] == [day(800)]
    assert not store.forgotten_among([fund.pk])


def test_prices_of_a_deleted_instrument_are_withdrawn_too(alice, household):
    coin = create_instrument(household, "COIN")
    withdrawn, kept = load(coin, {0: 30, 400: 3}), load(coin, {1: 31})
    deleted = alice.delete(f"{API}/instruments/{coin.pk}")
    assert withdraw(withdrawn) == 2
    assert_doctor_is_content()
    assert alice.post(f"{API}/undo/{deleted['X-Request-Id']}", {}).status_code == 200
    assert prices_of(alice, coin) == [(1, "31", False)]
    withdraw(kept)
    assert prices_of(alice, coin) == []


def test_a_withdrawal_is_in_the_journal(fund):
    withdrawn = load(fund, {5: 40})
    withdraw(withdrawn)
    entry = JournalEntry.objects.filter(model="assets.PriceLoad", object_id=withdrawn.pk).latest("id")
    assert (entry.action, entry.before["withdrawn_at"]) == ("update", None)


class WithWithdrawals(MarketWrites):
    """The random writes of prices, transactions, actions and so on; and now and then a load is withdrawn."""

    @rule(number=NUMBERS)
    def withdraw(self, number):
        loads = list(PriceLoad.objects.filter(withdrawn_at=None).order_by("pk"))
        if loads:
            withdraw_loads([loads[number % len(loads)].pk])
            assert PriceLoad.objects.filter(withdrawn_at=None).count() == len(loads) - 1
            assert not store.wrong_packs(store.instruments_with_prices())

    @rule()
    def withdraw_the_first_of_each(self):
        """Quantities without a day count from the first price on."""
        for instrument in Instrument.objects.order_by("symbol"):
            if recorded := store.recorded_prices(instrument.pk, None, None):
                withdraw_loads([recorded[0].load_id])


def test_after_any_writes_and_withdrawals_everything_is_in_step(db):
    run_state_machine_as_test(
        WithWithdrawals,
        settings=settings(max_examples=12, stateful_step_count=20, deadline=None),
    )
