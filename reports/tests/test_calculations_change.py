"""Why net worth changed: every rule of the split, with figures calculated by hand."""

from decimal import Decimal

import pytest

from assets.rates.book import Rate, RateBook
from assets.valuation.series import Missing, ValueSeries
from reports.calculations.attribution import CashFlow, ExplainedAsset
from reports.calculations.change import change_between
from tests.factories import day

pytestmark = pytest.mark.on_sqlite

PARTS = ("net_flows", "income", "expenses", "value_change", "fx_change", "added", "removed")


def book(**rows) -> RateBook:
    """USD=[(day number, units per euro), ...]; every rate is valid for a very long time."""
    result = (Rate(code, day(on), Decimal(units)) for code, points in rows.items() for on, units in points)
    return RateBook(result, max_age_days=10)


def asset(name, kind, currency, points, *cash_flows, disposed=None) -> ExplainedAsset:
    """Points are (day number, value); cash flows (type, day number, amount, fee, tax, currency)."""
    days, values = [day(on) for on, _ in points], [Decimal(value) for _, value in points]
    past = ValueSeries(currency, days, values, None if disposed is None else day(disposed))
    return ExplainedAsset(name, kind, past, tuple(moved(currency, *rest) for rest in cash_flows))


def moved(asset_currency, type_, on, amount="0", fee="0", tax="0", currency=None) -> CashFlow:
    return CashFlow(type_, day(on), currency or asset_currency, Decimal(amount), Decimal(fee), Decimal(tax))


def account(*points, name="account", currency="EUR", cash_flows=(), disposed=None) -> ExplainedAsset:
    return asset(name, "balance", currency, points, *cash_flows, disposed=disposed)


def thing(*points, name="thing", currency="EUR", cash_flows=(), disposed=None) -> ExplainedAsset:
    return asset(name, "value", currency, points, *cash_flows, disposed=disposed)


def change(*assets, start=0, end=10, currency="EUR", rates=None, **options):
    result = change_between(
        assets, start=day(start), end=day(end), currency=currency, places=2, rates=rates or book(), **options
    )
    for row in (result.total, *result.rows.values()):
        assert row.change == explained(row)
    return result


def explained(row) -> Decimal:
    return (
        row.net_flows + row.income - row.expenses + row.value_change + row.fx_change + row.added - row.removed
    )


def parts(*assets, **options) -> dict[str, Decimal]:
    """The total's parts that are not zero."""
    total = change(*assets, **options).total
    return {name: getattr(total, name) for name in PARTS if getattr(total, name)}


# --- balances: money moves ---


def test_change_of_a_balance_is_money_moving():
    assert parts(account((0, "100"), (5, "130"))) == {"net_flows": 30}


def test_interest_credited_is_income_and_no_flow():
    with_interest = account((0, "100"), (5, "103"), cash_flows=[("INCOME", 5, "3")])
    assert parts(with_interest) == {"income": 3}


def test_tax_on_interest_is_an_expense():
    # 100 of interest less 25 of tax raise the balance by 75; nothing came from outside.
    assert parts(account((0, "0"), (5, "75"), cash_flows=[("INCOME", 5, "100", "0", "25")])) == {
        "income": 100,
        "expenses": 25,
    }


def test_account_fee_is_an_expense_and_no_flow():
    assert parts(account((0, "100"), (5, "98"), cash_flows=[("EXPENSE", 5, "2")])) == {"expenses": 2}


def test_interest_charged_on_a_mortgage():
    # 1000 of interest raise the debt, 1500 are paid in: the balance goes from -200000 to -199500.
    loan = account((0, "-200000"), (5, "-199500"), cash_flows=[("EXPENSE", 5, "1000")])
    assert parts(loan) == {"net_flows": 1500, "expenses": 1000}


def test_first_value_and_closing_of_a_balance_are_flows():
    assert parts(account((5, "100"))) == {"net_flows": 100}
    assert parts(account((0, "100"), disposed=5)) == {"net_flows": -100}
    assert parts(account((5, "-200000"))) == {"net_flows": -200000}


def test_interest_on_a_day_without_a_balance_left_at_once():
    assert parts(account((0, "100"), cash_flows=[("INCOME", 5, "3")])) == {"net_flows": -3, "income": 3}


def test_purchase_entered_on_an_account_moves_no_money_but_costs_its_fee():
    paid_in = account((0, "0"), (5, "995"), cash_flows=[("ACQUIRE", 5, "1000", "5")])
    assert parts(paid_in) == {"net_flows": 1000, "expenses": 5}


# --- values: money moves by transactions alone ---


def test_value_that_rises_by_itself_is_a_change_in_value():
    assert parts(thing((0, "100"), (5, "130"))) == {"value_change": 30}


def test_purchase_is_a_flow_with_its_costs_and_the_rest_a_change_in_value():
    # Bought for 1000, fee 10, tax 2; worth 1030 in the evening.
    bought = thing((0, "500"), (5, "1530"), cash_flows=[("ACQUIRE", 5, "1000", "10", "2")])
    assert parts(bought) == {"net_flows": 1012, "expenses": 12, "value_change": 30}


def test_sale_of_a_part_is_a_flow_net_of_its_costs():
    sold = thing((0, "1000"), (5, "620"), cash_flows=[("DISPOSE", 5, "400", "10", "50")])
    assert parts(sold) == {"net_flows": -340, "expenses": 60, "value_change": 20}


def test_dividend_is_income_and_flows_out():
    assert parts(thing((0, "100"), cash_flows=[("INCOME", 5, "8", "1", "2")])) == {
        "net_flows": -5,
        "income": 8,
        "expenses": 3,
    }


def test_expense_flows_in_and_is_gone():
    assert parts(thing((0, "100"), cash_flows=[("EXPENSE", 5, "40", "1")])) == {
        "net_flows": 41,
        "expenses": 41,
    }


def test_purchase_on_a_day_without_a_value_counts_on_its_day():
    bought = thing((0, "500"), (8, "1500"), cash_flows=[("ACQUIRE", 5, "1000")])
    assert parts(bought, end=6) == {"net_flows": 1000, "value_change": -1000}
    assert parts(bought, start=6) == {"value_change": 1000}
    assert parts(bought) == {"net_flows": 1000}


def test_adjustment_moves_no_money():
    split = thing((0, "100"), (5, "101"), cash_flows=[("ADJUST", 5)])
    assert parts(split) == {"value_change": 1}


# --- first values ---


def test_first_value_without_a_purchase_came():
    assert parts(thing((5, "85.50"), (7, "90"))) == {
        "added": Decimal("85.50"),
        "value_change": Decimal("4.50"),
    }


def test_first_value_with_a_purchase_on_its_day_did_not_come():
    bought = thing((5, "980"), cash_flows=[("ACQUIRE", 5, "1000", "10")])
    assert parts(bought) == {"net_flows": 1010, "expenses": 10, "value_change": -20}


def test_purchase_before_the_first_value_takes_effect_on_that_values_day():
    bought = thing((5, "980"), cash_flows=[("ACQUIRE", 2, "600", "10"), ("ACQUIRE", 3, "400")])
    assert parts(bought, end=4) == {}
    assert parts(bought, start=4) == {"net_flows": 1010, "expenses": 10, "value_change": -20}


def test_purchase_before_the_window_takes_effect_inside_it():
    assert parts(thing((5, "300"), cash_flows=[("ACQUIRE", -90, "300")])) == {"net_flows": 300}


def test_purchase_is_converted_at_the_rate_of_the_day_on_which_it_takes_effect():
    rates = book(USD=[(0, "1"), (5, "2")])
    bought = thing((5, "100"), currency="USD", cash_flows=[("ACQUIRE", 2, "100")])
    assert parts(bought, rates=rates) == {"net_flows": 50}


def test_purchase_after_the_first_value_leaves_it_come():
    result = thing((2, "50"), (5, "150"), cash_flows=[("ACQUIRE", 5, "100")])
    assert parts(result) == {"added": 50, "net_flows": 100}


def test_purchase_for_nothing_is_a_purchase():
    assert parts(thing((5, "50"), cash_flows=[("ACQUIRE", 5, "0")])) == {"value_change": 50}


def test_trades_of_what_never_has_a_value_count_nothing_but_its_income_and_expenses_do():
    never = thing(
        cash_flows=[("ACQUIRE", 2, "100"), ("DISPOSE", 3, "40"), ("EXPENSE", 4, "7"), ("INCOME", 5, "3")]
    )
    assert parts(never) == {"net_flows": 4, "income": 3, "expenses": 7}


def test_trades_of_what_is_only_valued_when_it_is_gone_cancel_in_the_end():
    # Bought for 100 and sold for 120; the one value there is was written down on the day of the sale.
    gone = thing((5, "0"), cash_flows=[("ACQUIRE", 2, "100"), ("DISPOSE", 5, "120")], disposed=5)
    assert parts(gone) == {"net_flows": -20, "value_change": 20}


def test_value_after_the_disposal_does_not_hide_that_there_was_one_before():
    late = thing((-9, "100"), (-3, "0"), cash_flows=[("DISPOSE", 5, "120")], disposed=-5)
    slim = thing((-3, "0"), cash_flows=[("DISPOSE", 5, "120")], disposed=-5)
    assert parts(late) == parts(slim) == {"net_flows": -120, "value_change": 120}


def test_first_value_after_the_window_leaves_its_purchase_for_later():
    assert parts(thing((12, "100"), cash_flows=[("ACQUIRE", 2, "100")])) == {}


# --- disposals ---


def test_disposal_without_proceeds_went():
    assert parts(thing((0, "100"), disposed=5)) == {"removed": 100}


def test_disposal_with_proceeds_is_a_sale_with_its_gain_or_loss():
    sold = thing((0, "250000"), cash_flows=[("DISPOSE", 5, "260000", "1000")], disposed=5)
    assert parts(sold) == {"net_flows": -259000, "expenses": 1000, "value_change": 10000}


def test_disposal_for_nothing_is_a_loss_and_did_not_go():
    assert parts(thing((0, "100"), cash_flows=[("DISPOSE", 5, "0")], disposed=5)) == {"value_change": -100}


def test_value_of_the_eve_goes_not_that_of_the_start():
    assert parts(thing((0, "100"), (4, "110"), disposed=5)) == {"value_change": 10, "removed": 110}


def test_values_on_and_after_the_disposal_day_count_nothing():
    assert parts(thing((0, "100"), (5, "999"), (7, "888"), disposed=5)) == {"removed": 100}
    assert parts(thing((5, "999"), (7, "888"), disposed=5)) == {}


def test_what_was_disposed_of_by_the_start_changes_nothing():
    assert parts(thing((-5, "100"), (3, "200"), disposed=0)) == {}


def test_disposal_after_the_end_is_not_yet_one():
    assert parts(thing((0, "100"), (5, "120"), disposed=11)) == {"value_change": 20}


def test_came_and_went_in_one_window():
    assert parts(thing((2, "100"), (4, "130"), disposed=6)) == {
        "added": 100,
        "value_change": 30,
        "removed": 130,
    }


def test_money_after_the_disposal_counts_on_its_own_day():
    late = thing((0, "100"), cash_flows=[("INCOME", 7, "5"), ("DISPOSE", 8, "90")], disposed=5)
    assert parts(late, end=6) == {"removed": 100}
    assert parts(late, start=6) == {"net_flows": -95, "income": 5, "value_change": 90}


def test_reinstated_asset_goes_on_as_before():
    assert parts(thing((-9, "100"), (4, "110"), disposed=None)) == {"value_change": 10}


def test_debt_that_is_no_balance_goes_with_its_sign():
    assert parts(thing((0, "-100"), disposed=5)) == {"removed": -100}
    assert parts(thing((5, "-100"))) == {"added": -100}


# --- rates ---


def test_rate_that_moves_under_a_value_is_the_exchange_rates_part():
    # 1000 dollars at 1.25 are 800 euros, at 1.60 they are 625.
    rates = book(USD=[(0, "1.25"), (5, "1.60")])
    for kind in (account, thing):
        assert parts(kind((0, "1000"), currency="USD"), rates=rates) == {"fx_change": -175}


def test_rest_of_a_day_is_converted_at_the_days_rate():
    # Day 5: 1000 x (0.625 - 0.8) = -175 by the rate; (1200 - 1000) x 0.625 = 125 by the value.
    rates = book(USD=[(0, "1.25"), (5, "1.60")])
    assert parts(thing((0, "1000"), (5, "1200"), currency="USD"), rates=rates) == {
        "fx_change": -175,
        "value_change": 125,
    }
    assert parts(account((0, "1000"), (5, "1200"), currency="USD"), rates=rates) == {
        "fx_change": -175,
        "net_flows": 125,
    }


def test_exchange_rates_part_follows_the_value_from_day_to_day():
    # 1000 until day 3, then 2000: 1000 x (0.5 - 0.8) on day 2, 2000 x (0.4 - 0.5) on day 5.
    rates = book(USD=[(0, "1.25"), (2, "2"), (5, "2.5")])
    result = parts(account((0, "1000"), (3, "2000"), currency="USD"), rates=rates)
    assert result == {"fx_change": -500, "net_flows": 500}


def test_transaction_in_another_currency_has_its_own_rate():
    rates = book(USD=[(0, "1.25")], CHF=[(0, "0.5")])
    bought = thing((0, "0"), (5, "1000"), currency="USD", cash_flows=[("ACQUIRE", 5, "350", "5", "0", "CHF")])
    assert parts(bought, rates=rates) == {"net_flows": 710, "expenses": 10, "value_change": 100}


def test_report_in_the_assets_own_currency_has_no_exchange_rates_part():
    assert parts(thing((0, "1000"), (5, "1200"), currency="USD"), currency="USD") == {"value_change": 200}


# --- rates that are missing ---


@pytest.mark.parametrize("known", [0, 10])
def test_asset_without_a_rate_at_one_end_is_left_out_at_both(known):
    rates = RateBook([Rate("USD", day(known), Decimal(1))], max_age_days=0)
    dollars = account((-5, "70"), (4, "90"), currency="USD", name="dollars")
    result = change(dollars, account((0, "1"), (5, "3")), rates=rates)
    assert (result.left_out, result.complete, list(result.rows)) == (("dollars",), False, ["account"])
    assert (result.total.start_value, result.total.end_value, result.total.net_flows) == (1, 3, 2)
    other, amount = (10, 90) if known == 0 else (0, 70)
    assert result.missing_rates == (Missing("USD", day(other), Decimal(amount)),)


def test_asset_that_changed_on_a_day_without_a_rate_is_left_out():
    rates = RateBook([Rate("USD", day(on), Decimal(1)) for on in (0, 10)], max_age_days=0)
    result = change(account((0, "70"), (4, "90"), (5, "95"), currency="USD"), rates=rates)
    assert (result.total.start_value, result.total.end_value) == (0, 0)
    assert result.missing_rates == (Missing("USD", day(4), Decimal(90)),)


def test_days_without_a_rate_do_not_matter_while_a_value_stands_still():
    rates = RateBook([Rate("USD", day(0), Decimal(1)), Rate("USD", day(10), Decimal(2))], max_age_days=0)
    result = change(account((0, "70"), (4, "70"), currency="USD"), rates=rates)
    assert (result.complete, result.total.fx_change) == (True, -35)


def test_ends_without_a_value_need_no_rate():
    rates = RateBook([Rate("USD", day(on), Decimal(2)) for on in (3, 6)], max_age_days=0)
    result = change(account((3, "70"), currency="USD", disposed=6), rates=rates)
    assert (result.complete, result.total) == (True, change().total)
    assert change(account((3, "0"), currency="CHF")).complete
    assert change(account(currency="CHF", disposed=3)).complete


def test_closing_on_a_day_without_a_rate_names_what_was_closed():
    rates = RateBook([Rate("USD", day(0), Decimal(2))], max_age_days=0)
    result = change(account((0, "70"), currency="USD", disposed=6), rates=rates)
    assert result.missing_rates == (Missing("USD", day(6), Decimal(70)),)


def test_transaction_without_a_rate_is_passed_over_and_named():
    bought = thing((0, "100"), (5, "150"), cash_flows=[("ACQUIRE", 5, "60", "1", "0", "CHF")])
    result = change(bought)
    assert (result.total.value_change, result.total.net_flows, result.total.expenses) == (50, 0, 0)
    assert (result.left_out, result.missing_rates) == ((), (Missing("CHF", day(5), Decimal(60)),))


def test_transactions_of_an_asset_that_is_left_out_are_left_out_with_it():
    dollars = thing((0, "100"), currency="USD", cash_flows=[("INCOME", 5, "9", "0", "0", "EUR")])
    assert change(dollars).total == change().total


# --- several assets ---


def test_shares_bought_from_an_account_inside_cancel_out():
    paid = account((0, "5000"), (5, "3990"))
    shares = thing((5, "1000"), name="shares", cash_flows=[("ACQUIRE", 5, "1000", "10")])
    result = change(paid, shares)
    assert (result.rows["account"].net_flows, result.rows["shares"].net_flows) == (-1010, 1010)
    assert parts(paid, shares) == {"expenses": 10}


def test_flat_bought_with_a_mortgage_and_sold_by_hand():
    """The events of a household's year, added up by hand."""
    checking = account((0, "60000"), (2, "8500"), (5, "8640"), (8, "69390"), name="checking")
    mortgage = account(
        (2, "-200000"), (5, "-199500"), (8, "0"), name="mortgage", cash_flows=[("EXPENSE", 5, "600")]
    )
    flat = thing(
        (2, "250000"),
        (6, "255000"),
        name="flat",
        cash_flows=[("ACQUIRE", 2, "250000", "1500"), ("INCOME", 5, "1240"), ("DISPOSE", 8, "261000", "750")],
        disposed=8,
    )
    lego = thing((4, "85.50"), name="lego")
    chair = thing((0, "40"), name="chair", disposed=7)
    result = change(checking, mortgage, flat, lego, chair)
    # Checking pays 51500 for the flat and its notary, gets 1240 of rent, pays 1100 to the bank, and in the end
    # gets 260250 for the flat, of which 199500 repay the mortgage.
    assert (result.total.start_value, result.total.end_value) == (60040, Decimal("69475.50"))
    assert {name: getattr(result.total, name) for name in PARTS} == {
        "net_flows": 0,
        "income": 1240,
        "expenses": 600 + 1500 + 750,
        "value_change": 5000 + 6000,
        "fx_change": 0,
        "added": Decimal("85.50"),
        "removed": 40,
    }


def test_rows_by_group_add_up_and_none_is_what_is_in_no_group():
    assets = [account((0, "1"), (5, "4"), name=name) for name in "abc"]
    result = change(*assets, groups={"a": ("x",), "b": ("x",)})
    assert not result.overlap
    assert {key: row.net_flows for key, row in result.rows.items()} == {"x": 6, None: 3}


def test_asset_in_two_groups_counts_under_each_and_once_in_all():
    assets = [account((0, "1"), (5, "4"), name=name) for name in "ab"]
    result = change(*assets, groups={"a": ("x", "y"), "b": ("x",)})
    assert result.overlap
    assert (result.rows["x"].net_flows, result.rows["y"].net_flows, result.total.net_flows) == (6, 3, 6)


def test_cents_of_many_small_rows_add_up():
    # A third of a cent each: every row shows none or one, and together they show what the total shows.
    rates = book(USD=[(0, "3")])
    result = change(*(account((5, "0.01"), currency="USD", name=n) for n in range(10)), rates=rates)
    assert result.total.net_flows == Decimal("0.03")
    assert sorted(row.net_flows for row in result.rows.values()) == [0] * 7 + [Decimal("0.01")] * 3


def test_no_days_between_change_nothing():
    result = change(thing((0, "5"), cash_flows=[("INCOME", 0, "1")]), start=3, end=3)
    assert (result.total.start_value, result.total.change, result.total.income) == (5, 0, 0)


def test_no_assets_make_zeros():
    assert change().total.start_value == change().total.end_value == 0


def test_end_before_start_and_too_many_places_are_refused():
    with pytest.raises(ValueError, match="before start"):
        change(start=5, end=4)
    with pytest.raises(ValueError, match="0 to 4 places"):
        change_between([], start=day(0), end=day(1), currency="EUR", places=5, rates=book())
