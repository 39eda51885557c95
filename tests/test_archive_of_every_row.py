"""A household with a row of every table, prices, terms and an import: archived, and restored elsewhere."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from archives.rows.contents import JOURNAL, MODELS, SHARED, member_of
from archives.tests.archives import archive_of, contents, differences, restored, with_old_ids
from assets.classification.seeds import TypeId
from assets.models import Asset, Depreciation, Instrument, InstrumentAction, LoanExtraPayment, LoanHoliday
from assets.valuation.upkeep import is_outdated
from conftest import client_of
from imports.models import ImportBlock
from portfolios.models import Household, Invitation, Membership, Portfolio
from strata.accounts.models import User
from strata.tenancy.roles import OWNER
from tests.conftest import rows_of
from tests.factories import create_asset, record_price

API = "/api/v1"
TODAY = timezone.now().date()

pytestmark = pytest.mark.django_db


def full_household(user) -> Household:
    household = Household.objects.create(name="Home")
    Membership.objects.create(household=household, user=user, role=OWNER)
    Invitation.objects.create(household=household, username="Nobody", role="viewer")
    world = rows_of(household, "Every")
    portfolio, asset = world["portfolio"], world["asset"]
    record_price(world["instrument"], TODAY, 7)
    shared = Instrument.objects.create(symbol="SHARED", name="Shared", currency="EUR")
    record_price(shared, TODAY, 5)
    for number, instrument in enumerate((world["instrument"], shared)):
        create_asset(
            portfolio,
            f"Shares {number}",
            TypeId.STOCKS,
            currency=instrument.currency,
            valuation="market",
            instrument=instrument,
            quantity="3",
            acquired_on="2026-01-01",
        )
    InstrumentAction.objects.create(
        instrument=shared, type="split", on="2026-06-01", numerator=2, denominator=1
    )
    owing = Asset.objects.get(portfolio=portfolio, valuation="loan")
    LoanExtraPayment.objects.create(asset=owing, on="2030-01-01", amount="5")
    LoanHoliday.objects.create(asset=owing, start="2030-01-01", end="2030-02-01")
    Depreciation.objects.create(asset=asset, cost="100", life=5, started_on="2026-01-01")
    client = client_of(user)
    client.post(f"{API}/assets/{asset.pk}/tags/{world['tag'].pk}", {})
    client.post(f"{API}/assets/{asset.pk}/categories/{world['category'].pk}", {})
    client.put(f"{API}/portfolios/{portfolio.pk}/asset-order", {"asset_ids": [str(asset.pk)]})
    client.put(f"{API}/portfolios/{portfolio.pk}/quality/{world['key'].pk}", {"reason": "Known."})
    import_a_file(client, portfolio)
    return household


def import_a_file(client, portfolio) -> None:
    file = SimpleUploadedFile("new.csv", b"account,date,balance,currency\nImported,2026-01-31,1,EUR\n")
    body = {"file": file, "portfolio_id": str(portfolio.pk)}
    preview = client.post(f"{API}/imports", body, format="multipart").json()
    done = client.post(f"{API}/imports/{preview['id']}/commit", {})
    assert done.status_code == 200, done.content


@pytest.fixture
def ann():
    return User.objects.create(username="ann")


def values_of(household_id) -> dict:
    client = client_of(User.objects.get(username="ann"))
    assets = client.get(f"{API}/assets", {"page_size": 200}).json()["results"]
    own = set(map(str, Asset.objects.filter(portfolio__household=household_id).values_list("pk", flat=True)))
    return {row["name"]: row["current_value"] for row in assets if row["id"] in own}


def test_every_table_comes_back_with_other_ids(ann):
    household = full_household(ann)
    rows = contents(archive_of(household))
    missing = [model.__name__ for model in MODELS if member_of(model) not in rows]
    assert missing == []
    before = values_of(household.pk)

    result = restored(archive_of(household))

    mask = result.household_id.int ^ household.pk.int
    copied = contents(archive_of(Household.objects.get(pk=result.household_id)))
    copied = with_old_ids(copied, mask, rows)
    for members in (copied, rows):
        members[JOURNAL] = [{**entry, "request_id": ""} for entry in members[JOURNAL]]
        members[member_of(ImportBlock)] = []  # packed: compared below
    copied[JOURNAL].pop()
    assert differences(copied, rows) == []
    assert values_of(result.household_id) == before
    assert (before["Shares 0"], before["Shares 1"]) == ("21.00", "30.00")
    for portfolio in Portfolio.objects.filter(household=result.household_id):
        assert not is_outdated(portfolio.pk)


def test_an_import_of_a_copy_is_undone_in_the_copy(ann):
    household = full_household(ann)
    result = restored(archive_of(household))
    client = client_of(ann)
    [copied] = [
        row["id"]
        for row in client.get(f"{API}/imports").json()["results"]
        if Portfolio.objects.get(pk=row["portfolio_id"]).household_id == result.household_id
        and row["status"] == "committed"
    ]
    [row] = client.get(f"{API}/imports/{copied}/rows").json()["results"]
    assert row["outcome"] == "create"
    undone = client.post(f"{API}/imports/{copied}/undo", {"force": False})
    assert undone.status_code == 200, undone.content
    imported = Asset.objects.filter(name="Imported").values_list("portfolio__household", flat=True)
    assert list(imported) == [household.pk]


def test_shared_instruments_that_are_not_here_become_the_households_own(ann):
    savepoint = transaction.savepoint_create()
    household = full_household(ann)
    data, before = archive_of(household), values_of(household.pk)
    assert {line["model"] for line in contents(data)[SHARED]} >= {"assets.instrument", "assets.priceblock"}
    transaction.savepoint_rollback(savepoint)

    result = restored(data)

    assert not result.remapped
    assert Instrument.objects.get(symbol="SHARED").household_id == household.pk
    assert values_of(household.pk) == before
