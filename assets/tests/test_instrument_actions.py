"""Corporate actions of instruments: who may record which, and what each type needs."""

from datetime import date
from uuid import UUID

import pytest

from assets.classification.seeds import TypeId
from assets.holdings.actions import actions_of, receiving_asset
from assets.holdings.reading import holders_in
from assets.models import Asset, Instrument, InstrumentAction
from assets.prices.splits import splits_of
from assets.services.instrument_actions import add_action, update_action
from conftest import client_of
from portfolios.models import Portfolio
from strata.accounts.models import User
from tests.factories import create_asset

API = "/api/v1"
SPLIT = {"type": "split", "on": "2020-08-31", "numerator": 4, "denominator": 1}


@pytest.fixture
def share(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


@pytest.fixture
def superuser(db):
    return client_of(User.objects.create(username="rita", is_superuser=True))


@pytest.fixture
def common(db):
    return Instrument.objects.create(symbol="XYZ", name="Xyz", currency="EUR")


def path(instrument):
    return f"{API}/instruments/{instrument.pk}/actions"


def field_refused(client, instrument, body, status=400):
    answer = client.post(path(instrument), body)
    assert answer.status_code == status, answer.content
    return answer.json()["errors"][0]["field"]


def test_action_of_an_own_instrument_is_of_its_household(alice, share, household):
    created = alice.post(path(share), SPLIT)
    assert created.status_code == 201, created.content
    assert created.json()["household_id"] == str(household.pk)
    assert alice.get(path(share)).json()["results"] == [created.json()]
    assert alice.delete(f"{path(share)}/{created.json()['id']}").status_code == 204
    assert not InstrumentAction.objects.exists()


def test_only_superusers_record_an_action_for_every_holder(alice, charlie, common, household, superuser):
    own = alice.post(path(common), SPLIT).json()
    assert own["household_id"] == str(household.pk)
    assert charlie.get(path(common)).json()["results"] == []
    assert alice.post(path(common), SPLIT | {"household_id": None}).status_code == 403
    of_all = superuser.post(path(common), SPLIT | {"household_id": None})
    assert of_all.status_code == 201, of_all.content
    assert [row["id"] for row in charlie.get(path(common)).json()["results"]] == [of_all.json()["id"]]
    assert alice.delete(f"{path(common)}/{of_all.json()['id']}").status_code == 403


def test_same_action_again_is_refused_also_in_other_terms(alice, share):
    alice.post(path(share), SPLIT)
    again = alice.post(path(share), SPLIT | {"numerator": 8, "denominator": 2})
    assert (again.status_code, again.json()["code"]) == (409, "DUPLICATE_ACTION")
    assert alice.post(path(share), SPLIT | {"numerator": 8}).status_code == 201


def test_action_of_the_household_counts_in_place_of_the_same_one_of_all(common, household):
    terms = {"instrument": common, "type": "split", "on": "2020-08-31"}
    InstrumentAction.objects.create(**terms, numerator=2, denominator=1)
    own = InstrumentAction.objects.create(**terms, household=household, numerator=4, denominator=2)
    another = InstrumentAction.objects.create(**terms, numerator=3, denominator=1)
    assert actions_of([common.pk], [household.pk]) == {household.pk: [own, another]}


def test_newest_name_is_the_name_of_the_instrument(alice, share):
    new = {"type": "rename", "on": "2024-01-10", "symbol": "NEW"}
    assert alice.post(path(share), new).status_code == 201
    assert alice.post(path(share), new | {"on": "2023-01-10", "symbol": "OLD"}).status_code == 201
    share.refresh_from_db()
    assert share.symbol == "NEW"


def test_name_is_what_the_remaining_actions_say(alice, share):
    def rename(on, **names):
        return alice.post(path(share), {"type": "rename", "on": on, **names}).json()["id"]

    def named():
        share.refresh_from_db()
        return share.symbol, share.isin

    first = rename("2023-01-10", symbol="B", isin="DE0007164600")
    second = rename("2024-01-10", symbol="C")
    third = rename("2025-01-10", isin="US0378331005")
    assert named() == ("C", "US0378331005")
    alice.delete(f"{path(share)}/{second}")
    assert named() == ("B", "US0378331005")
    alice.delete(f"{path(share)}/{third}")
    assert named() == ("B", "DE0007164600")
    alice.delete(f"{path(share)}/{first}")
    assert named() == ("ABC", "")


@pytest.mark.parametrize(
    "recorded",
    [("2023-01-10", "2024-01-10"), ("2024-01-10", "2023-01-10")],
    ids=["in order", "later one first"],
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first goes first", "second goes first"])
def test_no_name_of_a_deleted_rename_comes_back(alice, share, recorded, order):
    sent = [{"type": "rename", "on": on, "symbol": f"N{number}"} for number, on in enumerate(recorded)]
    renames = [alice.post(path(share), body).json()["id"] for body in sent]
    for number in order:
        assert alice.delete(f"{path(share)}/{renames[number]}").status_code == 204
    share.refresh_from_db()
    assert share.symbol == "ABC"


def test_name_that_a_deleted_rename_gave_and_somebody_gave_again_stays(alice, share):
    def rename_and_delete(symbol):
        new = alice.post(path(share), {"type": "rename", "on": "2024-01-10", "symbol": symbol}).json()
        alice.delete(f"{path(share)}/{new['id']}")

    rename_and_delete("B")
    alice.patch(f"{API}/instruments/{share.pk}", {"symbol": "B"})
    rename_and_delete("C")
    share.refresh_from_db()
    assert share.symbol == "B"


def test_isin_that_was_empty_is_so_again_whatever_a_rename_without_one_found(alice, share):
    Instrument.objects.filter(pk=share.pk).update(isin="DE0007164600")
    first = alice.post(path(share), {"type": "rename", "on": "2023-01-10", "symbol": "B"}).json()["id"]
    alice.patch(f"{API}/instruments/{share.pk}", {"isin": ""})
    second = alice.post(path(share), {"type": "rename", "on": "2024-01-10", "isin": "US0378331005"}).json()[
        "id"
    ]
    for action in (first, second):
        alice.delete(f"{path(share)}/{action}")
    share.refresh_from_db()
    assert (share.symbol, share.isin) == ("ABC", "")


def test_symbol_of_an_older_rename_counts_where_the_newer_gives_only_an_isin(alice, share):
    alice.post(path(share), {"type": "rename", "on": "2024-01-10", "isin": "DE0007164600"})
    alice.post(path(share), {"type": "rename", "on": "2023-01-10", "symbol": "B"})
    share.refresh_from_db()
    assert (share.symbol, share.isin) == ("B", "DE0007164600")


def test_name_that_somebody_gave_since_stays_where_a_rename_is_deleted(alice, share):
    new = alice.post(path(share), {"type": "rename", "on": "2024-01-10", "symbol": "B"}).json()["id"]
    alice.patch(f"{API}/instruments/{share.pk}", {"symbol": "MINE"})
    alice.delete(f"{path(share)}/{new}")
    share.refresh_from_db()
    assert share.symbol == "MINE"


def test_edited_rename_renames(share, household):
    action = add_action(household.pk, instrument_id=share.pk, on=date(2024, 1, 10), type="rename", symbol="B")
    update_action(action.pk, {"symbol": "C"})
    share.refresh_from_db()
    assert share.symbol == "C"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"denominator": None}, "denominator"),
        ({"numerator": 0}, "numerator"),
        ({"amount": "1"}, "amount"),
        ({"type": "return_of_capital", "numerator": None, "denominator": None}, "amount"),
        ({"type": "rename", "numerator": None, "denominator": None}, "symbol"),
        ({"isin": "DE0007164601"}, "isin"),
    ],
)
def test_values_that_a_type_lacks_or_needs_are_named(alice, share, change, field):
    assert field_refused(alice, share, SPLIT | change) == field


def test_target_is_another_instrument_of_the_same_currency_and_household(alice, share, household, superuser):
    spin_off = SPLIT | {"type": "spin_off", "cost_ratio": "0.25"}
    common = Instrument.objects.create(symbol="XYZ", name="Xyz", currency="EUR")
    foreign = Instrument.objects.create(household=household, symbol="F", name="F", currency="USD")
    target = Instrument.objects.create(household=household, symbol="N", name="N", currency="EUR")
    for other in (share, foreign):
        assert (
            field_refused(alice, share, spin_off | {"to_instrument_id": str(other.pk)}) == "to_instrument_id"
        )
    spin_off |= {"to_instrument_id": str(target.pk)}
    of_all = spin_off | {"household_id": None}
    assert field_refused(superuser, common, of_all, 404) == "to_instrument_id"
    assert field_refused(alice, share, spin_off | {"cost_ratio": "1.1"}) == "cost_ratio"
    assert field_refused(alice, share, spin_off | {"to_asset_id": str(target.pk)}, 404) == "to_asset_id"
    assert alice.post(path(share), spin_off).status_code == 201


def test_new_shares_go_to_an_asset_of_each_portfolio_which_is_made_where_there_is_none(
    alice, share, household, portfolio
):
    target = Instrument.objects.create(household=household, symbol="N", name="New Co", currency="EUR")
    elsewhere = Portfolio.objects.create(household=household, name="Elsewhere")
    values = {"currency": "EUR", "asset_type_id": TypeId.STOCKS}
    for held_in in (portfolio, elsewhere):
        Asset.objects.create(portfolio=held_in, name="Old", instrument=share, **values)
    held_elsewhere = Asset.objects.create(portfolio=elsewhere, name="There", instrument=target, **values)
    body = SPLIT | {"type": "spin_off", "cost_ratio": "0.25", "to_instrument_id": str(target.pk)}
    created = alice.post(path(share), body).json()
    new = Asset.objects.get(portfolio=portfolio, instrument=target)
    assert (new.name, new.asset_type_id) == ("New Co", UUID(TypeId.STOCKS))
    assert list(Asset.objects.filter(portfolio=elsewhere, instrument=target)) == [held_elsewhere]
    action = InstrumentAction.objects.get(pk=created["id"])
    holders = holders_in([household.pk])
    assert receiving_asset(action, holders, portfolio.pk) == new.pk
    Asset.objects.create(portfolio=portfolio, name="Later", instrument=target, **values)
    assert receiving_asset(action, holders_in([household.pk]), portfolio.pk) == new.pk


def test_action_changes_the_portfolios_that_hold_the_instrument(alice, share, household, portfolio):
    Asset.objects.create(
        portfolio=portfolio, name="Old", instrument=share, currency="EUR", asset_type_id=TypeId.STOCKS
    )
    other = Portfolio.objects.create(household=household, name="Elsewhere")
    revisions = [Portfolio.objects.get(pk=row.pk).revision for row in (portfolio, other)]
    split = alice.post(path(share), SPLIT).json()
    assert Portfolio.objects.get(pk=portfolio.pk).revision > revisions[0]
    alice.delete(f"{path(share)}/{split['id']}")
    assert Portfolio.objects.get(pk=portfolio.pk).revision > revisions[0] + 1
    assert Portfolio.objects.get(pk=other.pk).revision == revisions[1]


def test_splits_convert_prices_of_a_feed_and_those_of_one_household_only_for_it(share, common, household):
    for instrument in (share, common):
        InstrumentAction.objects.create(
            household=household,
            instrument=instrument,
            type="split",
            on="2020-08-31",
            numerator=4,
            denominator=1,
        )
    InstrumentAction.objects.create(
        instrument=common, type="stock_dividend", on="2021-08-31", numerator=1, denominator=10
    )
    split, dividend = (date(2020, 8, 31).toordinal(), 4, 1), (date(2021, 8, 31).toordinal(), 11, 10)
    assert splits_of([share.pk, common.pk]) == {share.pk: [split], common.pk: [dividend]}
    assert splits_of([common.pk], household.pk) == {common.pk: [split, dividend]}


MOST = 2**31 - 1


def test_actions_that_make_too_many_shares_of_one_are_refused(alice, share, household, portfolio):
    """Three times 2^31 for one is less than 10^30, four times is more; so is the way through another instrument."""
    other = Instrument.objects.create(household=household, symbol="DEF", name="Def", currency="EUR")
    asset = create_asset(portfolio, "Shares", TypeId.STOCKS, instrument=share, valuation="market")
    bought = {"type": "ACQUIRE", "on": "2019-01-01", "quantity": "99999999999999999999", "amount": "1"}
    assert alice.post(f"{API}/assets/{asset.pk}/transactions", bought).status_code == 201
    ratio = {"numerator": MOST, "denominator": 1}
    for number in (1, 2):
        assert alice.post(path(share), SPLIT | ratio | {"on": f"2020-01-0{number}"}).status_code == 201
    merger = {"type": "merger", "on": "2020-01-05", "to_instrument_id": str(other.pk)} | ratio
    assert alice.post(path(share), merger).status_code == 201
    for instrument in (share, other):
        assert field_refused(alice, instrument, SPLIT | ratio | {"on": "2020-01-03"}) == "numerator"
    back = merger | {"on": "2020-01-06", "to_instrument_id": str(share.pk)}
    assert field_refused(alice, other, back) == "numerator"
    for fewer in ({"numerator": 1, "denominator": MOST}, {"numerator": 2, "denominator": 3}):
        assert alice.post(path(share), SPLIT | fewer | {"on": "2020-01-04"}).status_code == 201
    for report in ("", "/holding", "/lots", "/values"):
        assert alice.get(f"{API}/assets/{asset.pk}{report}").status_code == 200
    journal = alice.get(f"{API}/portfolios/{portfolio.pk}/export", {"format": "beancount"})
    assert journal.status_code == 200, journal.content


def test_actions_that_make_one_share_of_too_many_are_refused(alice, share):
    ratio = {"type": "split", "numerator": 1, "denominator": MOST}
    for number in (1, 2, 3):
        assert alice.post(path(share), ratio | {"on": f"2020-01-0{number}"}).status_code == 201
    assert field_refused(alice, share, ratio | {"on": "2020-01-04"}) == "numerator"
    gift = {"type": "stock_dividend", "numerator": MOST, "denominator": 1}
    assert alice.post(path(share), gift | {"on": "2020-01-04"}).status_code == 201
