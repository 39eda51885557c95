"""Stored totals: after any later correction, each is the present total of its day."""

import io
import random
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate
from assets.services.entries import disposal
from portfolios.models import Portfolio
from reports.models import PortfolioSnapshot
from reports.queries import portfolio_total
from reports.services.portfolio_snapshots import refresh, take_snapshot
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.fields.dates import noon
from strata.fields.numbers import money_text
from tests.factories import create_valued_asset
from tests.refusals import assert_conflict

DAY = date(2024, 6, 1)


@pytest.fixture
def path(portfolio):
    return f"/api/v1/portfolios/{portfolio.pk}/snapshots"


@pytest.fixture
def taken(portfolio, holdings):
    return take_snapshot(portfolio.pk, on=date(2024, 6, 10), manual=False)


def values(client, path):
    return [row["value"] for row in client.get(path).json()["results"]]


def test_back_dated_value_changes_every_later_total_and_no_earlier_one(alice, path, holdings):
    for on in ("2024-06-02", "2024-06-10", "2024-06-20"):
        assert alice.post(path, {"on": on}).status_code == 201
    assert values(alice, path) == ["450.00", "418.00", "418.00"]  # no rate of the dollar on the 20th
    body = {"value": "1000", "on": "2024-06-05"}
    assert alice.post(f"/api/v1/assets/{holdings['fund'].pk}/snapshots", body).status_code == 201
    assert values(alice, path) == ["1150.00", "1118.00", "418.00"]


def test_new_rate_for_a_day_changes_its_total(alice, path, taken):
    ExchangeRate.objects.create(currency="USD", on="2024-06-10", units_per_euro="2")
    assert values(alice, path) == ["430.00"]


def test_single_snapshot_is_as_true_as_the_list(alice, path, taken, holdings):
    AssetSnapshot.objects.filter(asset=holdings["cash"]).update(value="60")
    assert alice.get(f"{path}/{taken.pk}").json()["value"] == "428.00"


def test_reading_writes_nothing(alice, path, taken, holdings):
    AssetSnapshot.objects.filter(asset=holdings["cash"]).update(value="60")
    before = JournalEntry.objects.count()
    with CaptureQueriesContext(connection) as seen:
        assert values(alice, path) == ["428.00"]
    assert not [query for query in seen if not query["sql"].startswith(("SELECT", "\n", "WITH"))]
    assert JournalEntry.objects.count() == before
    assert PortfolioSnapshot.objects.get().value == "418.00"


def test_outdated_page_takes_a_fixed_number_of_queries(alice, path, portfolio, holdings):
    def queries():
        AssetSnapshot.objects.filter(asset=holdings["cash"]).update(value="60")
        with CaptureQueriesContext(connection) as seen:
            alice.get(path)
        return len(seen)

    for number in range(5):
        take_snapshot(portfolio.pk, on=DAY + timedelta(days=number))
    before = queries()
    for number in range(5, 30):
        take_snapshot(portfolio.pk, on=DAY + timedelta(days=number))
    assert queries() == before


def test_only_totals_that_came_out_different_leave_a_line(portfolio, holdings):
    early, late = (take_snapshot(portfolio.pk, on=date(2024, 6, day)) for day in (2, 20))
    AssetSnapshot.objects.create(
        asset=holdings["fund"], value="1000", on="2024-06-05", observed_at=noon(date(2024, 6, 5), "UTC")
    )
    current = Portfolio.objects.get(pk=portfolio.pk)

    assert refresh(current.pk) == 1

    changed = JournalEntry.objects.filter(model="portfolios.PortfolioSnapshot", action="update")
    assert [(line.object_id, line.before["value"]) for line in changed] == [(late.pk, "450.00")]
    early.refresh_from_db()
    assert (early.value, early.revision) == ("418.00", current.revision)
    assert refresh(current.pk) == 0


def test_take_snapshots_counts_the_earlier_ones_anew(portfolio, taken, holdings):
    AssetSnapshot.objects.filter(asset=holdings["cash"]).update(value="60")
    out = io.StringIO()
    call_command("take_snapshots", "--on", "2024-06-10", stdout=out)
    assert "Stored 0; already there: 1; recalculated: 1." in out.getvalue()
    assert PortfolioSnapshot.objects.get().value == "428.00"


def test_only_those_taken_by_hand_are_changed_or_deleted(alice, bob, path, taken):
    for answer in (alice.patch(f"{path}/{taken.pk}", {"note": "x"}), alice.delete(f"{path}/{taken.pk}")):
        assert_conflict(answer, "TAKEN_SNAPSHOT")
    manual = alice.post(path, {"on": "2024-06-11", "note": "before the move"}).json()
    assert (manual["note"], manual["manual"]) == ("before the move", True)
    assert bob.patch(f"{path}/{manual['id']}", {"note": "after it"}).json()["note"] == "after it"
    assert alice.delete(f"{path}/{manual['id']}").status_code == 204


def test_admin_shows_them_as_they_are_now_and_leaves_taken_ones_alone(portfolio, taken, holdings):
    AssetSnapshot.objects.filter(asset=holdings["cash"]).update(value="60")
    root = Client()
    root.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    page = "/admin/portfolios/portfoliosnapshot/"
    assert b"428.00" in root.get(page).content
    assert b"428.00" in root.get(f"{page}{taken.pk}/change/").content
    assert root.post(f"{page}{taken.pk}/change/", {"note": "x"}).status_code == 403
    assert root.post(f"{page}{taken.pk}/delete/", {"post": "yes"}).status_code == 403


def test_one_by_hand_and_one_by_the_clock_have_room_on_a_day(alice, path, portfolio, holdings):
    by_hand = alice.post(path, {"on": "2024-06-10"})
    assert by_hand.status_code == 201
    first = take_snapshot(portfolio.pk, on=date(2024, 6, 10), manual=False)
    assert take_snapshot(portfolio.pk, on=date(2024, 6, 10), manual=False) == first
    refused = alice.post(path, {"on": "2024-06-10"}).json()
    assert refused["code"] == "DUPLICATE_SNAPSHOT"
    assert refused["existing"]["id"] == by_hand.json()["id"]
    assert alice.patch(refused["existing"]["link"], {"note": "By hand"}).status_code == 200
    take_snapshot(portfolio.pk, on=date(2024, 6, 11), manual=False)
    assert alice.post(path, {"on": "2024-06-11"}).status_code == 201


def test_incomplete_total_names_what_it_lacks(alice, path, holdings):
    created = alice.post(path, {"on": "2024-06-20"})
    assert (created.status_code, created.json()["complete"]) == (201, False)
    assert created.json()["missing_rates"] == [{"currency": "USD", "on": "2024-06-20", "amount": "-40.00"}]
    counted_again = alice.get(
        f"{path}/{created.json()['id']}?known_at={timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    )
    assert counted_again.content == created.content  # to the order of all members


def test_day_to_come_is_refused_where_the_portfolio_is(alice, path):
    today = date.fromisoformat(alice.post(path, {}).json()["on"])
    refused = alice.post(path, {"on": str(today + timedelta(days=1))})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "on")
    assert alice.post(path, {"on": str(today)}).status_code == 201


# --- after any edit ---


class Edits:
    """Random edits of everything that a total depends on."""

    def __init__(self, portfolio, seed):
        self.random = random.Random(seed)
        self.portfolio = portfolio
        self.other = Portfolio.objects.create(household=portfolio.household, name="Other")
        for number, currency in enumerate(("EUR", "USD", "GBP")):
            create_valued_asset(
                portfolio,
                str(number),
                TypeId.CASH,
                str(number * 100 + 7),
                currency=currency,
                on=str(self.day()),
            )
            self.rate(currency)

    def day(self):
        return DAY + timedelta(days=self.random.randrange(20))

    def asset(self):
        return self.random.choice(list(Asset.objects.order_by("id")))

    def rate(self, currency=None):
        currency = currency or self.random.choice(["USD", "GBP"])
        if currency != "EUR":
            units = f"{self.random.uniform(0.5, 2):.4f}"
            ExchangeRate.objects.create(currency=currency, on=self.day(), units_per_euro=units)

    def value(self):
        asset, on = self.asset(), self.day()
        at = noon(on, "UTC") + timedelta(seconds=self.random.randrange(10**6, 2 * 10**6) / 10**6)
        value = f"{self.random.uniform(-900, 900):.2f}"
        AssetSnapshot.objects.create(asset=asset, value=value, on=on, observed_at=at)

    def correction(self):
        row = self.random.choice(list(AssetSnapshot.objects.order_by("id")))
        row.value = f"{self.random.uniform(-900, 900):.2f}"
        row.save()

    def removal(self):
        rows = list(AssetSnapshot.objects.order_by("id"))
        if len(rows) > 3:
            self.random.choice(rows).delete()

    def disposal(self):
        asset = self.asset()
        asset.disposed_on = self.day()  # before its first value too, as values may be deleted
        asset.save()

    def return_(self):
        disposal.reinstate(self.asset().pk)

    def move(self):
        asset = self.asset()
        asset.portfolio = self.random.choice([self.portfolio, self.other])
        asset.save()

    def new_asset(self):
        create_valued_asset(self.portfolio, "New", TypeId.CHECKING_ACCOUNT, "5", on=str(self.day()))

    def base_currency(self):
        row = Portfolio.objects.get(pk=self.portfolio.pk)
        row.base_currency = self.random.choice(["EUR", "USD"])
        row.save()

    def random_edit(self):
        kinds = (
            "rate value value correction removal disposal return_ move new_asset base_currency snapshot store"
        )
        getattr(self, self.random.choice(kinds.split()))()

    def snapshot(self):
        take_snapshot(self.portfolio.pk, on=self.day(), manual=False)

    def store(self):
        refresh(self.portfolio.pk)


@pytest.mark.parametrize("seed", range(4))
def test_after_any_edit_each_is_the_total_of_its_day(alice, path, portfolio, seed):
    edits = Edits(portfolio, seed)
    for number in range(0, 20, 4):
        take_snapshot(portfolio.pk, on=DAY + timedelta(days=number))
    for _ in range(25):
        edits.random_edit()
        current = Portfolio.objects.get(pk=portfolio.pk)
        for row in alice.get(path).json()["results"]:
            total = portfolio_total(current, date.fromisoformat(row["on"]))
            now = (money_text(total.value), total.currency, total.complete, total.missing_rates)
            assert (row["value"], row["currency"], row["complete"], row["missing_rates"]) == now
    refresh(current.pk)
    for row in PortfolioSnapshot.objects.all():
        assert row.value == money_text(portfolio_total(current, row.on).value)
