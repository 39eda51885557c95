"""GET values and GET transactions: every recorded value and transaction of the caller's assets, newest first."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Category, Tag, Transaction
from assets.services.labels import label_asset
from portfolios.models import Household, Membership, Portfolio
from strata.fields.dates import noon
from tests.all_routes import ABSENT

pytestmark = pytest.mark.usefixtures("shared_entries")

API = "/api/v1"
FIRST = date(2026, 1, 1)
LISTS = ("values", "transactions")


def add_asset(portfolio, name, *, days=(), currency="EUR", asset_type_id=TypeId.CHECKING_ACCOUNT):
    asset = Asset.objects.create(
        portfolio=portfolio, name=name, currency=currency, asset_type_id=asset_type_id
    )
    for number in days:
        day = FIRST + timedelta(days=number)
        entry = {"asset": asset, "on": day}
        AssetSnapshot.objects.create(value=number, observed_at=noon(day, "UTC"), **entry)
        kind = ("INCOME", "EXPENSE")[number % 2]
        Transaction.objects.create(
            type=kind, amount=number, currency=currency, occurred_at=noon(day, "UTC"), **entry
        )
    return asset


@pytest.fixture(scope="module")
def shared_entries(shared_rows, django_db_blocker):
    """Cash with a value a day, Fund with three old ones, Loan in another household, and a stranger's account."""
    with django_db_blocker.unblock():
        shared_rows["other_portfolio"] = other_portfolio_of(shared_rows["alice_user"])
        shared_rows["entries"] = add_entries(
            shared_rows["household"], shared_rows["portfolio"], shared_rows["other_portfolio"]
        )


def other_portfolio_of(user):
    """In another household of Alice."""
    household = Household.objects.create(name="Parents")
    Membership.objects.create(household=household, user=user, role="viewer", accepted_at=timezone.now())
    return Portfolio.objects.create(household=household, name="Theirs")


def add_entries(household, portfolio, other_portfolio):
    cash = add_asset(portfolio, "Cash", days=range(10, 16))
    fund = add_asset(portfolio, "Fund", days=(0, 1, 12), currency="USD", asset_type_id=TypeId.STOCKS)
    loan = add_asset(other_portfolio, "Loan", days=(11, 30), asset_type_id=TypeId.LOAN)
    stranger = Portfolio.objects.create(household=Household.objects.create(name="Others"), name="Foreign")
    add_asset(stranger, "Foreign", days=range(40))
    top = Category.objects.create(household=household, name="Savings")
    below = Category.objects.create(household=household, name="Bank", parent=top)
    tag = Tag.objects.create(household=household, name="Blue")
    label_asset(cash.pk, category_ids=[below.pk], tag_ids=[tag.pk])
    label_asset(fund.pk, tag_ids=[Tag.objects.create(household=household, name="Red").pk])
    return {"cash": cash, "fund": fund, "loan": loan}


@pytest.fixture
def other_portfolio(shared):
    return shared["other_portfolio"]


@pytest.fixture
def entries(shared):
    return shared["entries"]


def walk(client, path, query, link="next"):
    """The rows of all pages."""
    answer = client.get(f"{API}/{path}", query).json()
    rows = answer["results"]
    while answer[link]:
        answer = client.get(answer[link]).json()
        rows = rows + answer["results"]
    return rows


def days_of(rows):
    return [(row["asset"]["name"], (date.fromisoformat(row["on"]) - FIRST).days) for row in rows]


ALL = [
    ("Loan", 30),
    *(("Cash", number) for number in (15, 14, 13)),
    *[("Cash", 12), ("Fund", 12), ("Cash", 11), ("Loan", 11), ("Cash", 10), ("Fund", 1), ("Fund", 0)],
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 200])
def test_all_entries_are_listed_once_newest_first(alice, entries, path, page_size):
    rows = walk(alice, path, {"page_size": page_size})
    assert sorted(days_of(rows)) == sorted(ALL)
    assert [row["on"] for row in rows] == sorted((row["on"] for row in rows), reverse=True)
    assert all((newer["on"], newer["id"]) != (older["on"], older["id"]) for newer, older in pairwise(rows))


@pytest.mark.parametrize("path", LISTS)
def test_pages_lead_back(alice, entries, path):
    first = alice.get(f"{API}/{path}", {"page_size": 2}).json()
    second = alice.get(first["next"]).json()
    third = alice.get(second["next"]).json()
    assert alice.get(third["previous"]).json()["results"] == second["results"]
    assert alice.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize("path", LISTS)
def test_row_is_that_of_its_asset_with_the_names_around_it(alice, entries, path):
    row = alice.get(f"{API}/{path}", {"asset": entries["fund"].pk}).json()["results"][0]
    under_asset = "snapshots" if path == "values" else "transactions"
    own = alice.get(f"{API}/assets/{entries['fund'].pk}/{under_asset}").json()["results"][0]
    around = {
        "asset": {"id": str(entries["fund"].pk), "name": "Fund"},
        "portfolio": {"id": str(entries["fund"].portfolio_id), "name": "Main"},
        "currency": "USD",
    }
    assert row == own | around


FUND = [("Fund", 12), ("Fund", 1), ("Fund", 0)]
CASH = [("Cash", number) for number in (15, 14, 13, 12, 11, 10)]
LOAN = [("Loan", 30), ("Loan", 11)]
FILTERS = {
    "portfolio=Theirs": LOAN,
    "type=STOCKS": FUND,
    "type=stocks": FUND,
    "type=STOCKS&type=LOAN": [("Loan", 30), ("Fund", 12), ("Loan", 11), ("Fund", 1), ("Fund", 0)],
    "group=LIABILITIES": LOAN,
    "category=savings": CASH,
    "tag=BLUE": CASH,
    "tag=Blue&tag=Red&currency=USD": FUND,
    "currency=USD": FUND,
    "on=2026-01-31": LOAN[:1],
    "start=2026-01-14&tag=Blue": CASH[:3],
    "end=2026-01-02": FUND[1:],
    "start=2026-01-02&end=2026-01-11&currency=EUR": CASH[-1:],
}


@pytest.mark.parametrize("query", FILTERS)
@pytest.mark.parametrize("path", LISTS)
def test_filters(alice, entries, path, query):
    for page_size in (1, 50):
        assert days_of(walk(alice, f"{path}?{query}&page_size={page_size}", None)) == FILTERS[query]


def test_transactions_of_a_type(alice, entries):
    rows = walk(alice, "transactions?transaction_type=EXPENSE&page_size=2", None)
    assert days_of(rows) == [(name, number) for name, number in days_of(rows) if number % 2]
    assert len(rows) == 5
    of_two_types = alice.get(f"{API}/transactions?transaction_type=EXPENSE&transaction_type=INCOME").json()[
        "results"
    ]
    assert len(of_two_types) == len(ALL)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("parameter", ["portfolio", "asset", "type", "category", "tag"])
def test_what_the_caller_may_not_see_is_404(alice, charlie, entries, household, path, parameter):
    own_type = AssetType.objects.create(household=household, code="OWN", label="Own")
    seen = {
        "portfolio": entries["cash"].portfolio_id,
        "asset": entries["cash"].pk,
        "type": own_type.pk,
        "category": Category.objects.get(name="Bank").pk,
        "tag": Tag.objects.get(name="Blue").pk,
    }[parameter]
    for client, named in ((charlie, seen), (alice, ABSENT)):
        answer = client.get(f"{API}/{path}", {parameter: named})
        code = {"type": "ASSET_TYPE"}.get(parameter, parameter.upper())
        assert (answer.status_code, answer.json()["code"]) == (404, f"{code}_NOT_FOUND")
        assert answer.json()["errors"][0]["field"] == parameter
    assert alice.get(f"{API}/{path}", {parameter: seen}).status_code == 200
    assert charlie.get(f"{API}/{path}").json()["results"] == []


@pytest.mark.parametrize("path", LISTS)
def test_past_is_listed_as_it_was_known(alice, entries, path):
    at = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    alice.patch(f"{API}/assets/{entries['cash'].pk}", {"name": "Renamed"})
    alice.delete(f"{API}/assets/{entries['fund'].pk}")
    assert sorted(days_of(walk(alice, f"{path}?known_at={at}&page_size=3", None))) == sorted(ALL)
    assert {name for name, _ in days_of(walk(alice, path, None))} == {"Renamed", "Loan"}
