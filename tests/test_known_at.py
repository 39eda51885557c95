"""`?known_at=` repeats the response of an earlier time, byte for byte, whatever has changed since."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, ExchangeRate, Tag
from assets.valuation import with_current_value, with_first_value
from conftest import client_of, member
from portfolios.models import Household, Invitation, Membership, Portfolio
from strata.audit import clock
from strata.audit.past.lines import IMAGES, households_involved, lines_after
from strata.audit.past.tables import temporal_models
from strata.audit.point_in_time import as_known_at
from strata.audit.tracking import TrackedModel
from strata.tenancy.roles import OWNER, VIEWER
from tests.conftest import RANDOM_SEED
from tests.factories import create_asset
from tests.random_household import RandomHousehold

API = "/api/v1"


def read(client, path, known_at=None):
    """Status and content, or status and code of a refusal."""
    if known_at is not None:
        path += f"{'&' if '?' in path else '?'}known_at={quote(known_at.isoformat())}"
    answer = client.get(path)
    if answer.status_code != 200:
        return answer.status_code, answer.json()["code"]
    return 200, answer.content


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking")


@pytest.mark.parametrize("seed", [1, 2, int(os.environ[RANDOM_SEED])])
def test_response_of_an_earlier_time_is_repeated(alice, household, seed):
    random_household = RandomHousehold(alice, household, seed)
    answers = []
    for _ in range(40):
        random_household.edit()
        if random_household.random.random() < 0.4:
            instant = timezone.now()
            answers += [(path, instant, read(alice, API + path)) for path in random_household.random_paths()]
    assert sum(status == 200 for _, _, (status, _) in answers) > 30
    for path, instant, before in answers:
        assert read(alice, API + path, instant) == before, (seed, path)


def add_value(client, asset, amount, on):
    return client.post(f"{API}/assets/{asset.pk}/snapshots", {"value": amount, "on": on}).json()["id"]


def test_deleted_portfolio_is_shown_as_it_was(alice, bob, vera, charlie, portfolio, asset):
    add_value(alice, asset, "1234.5678", "2026-01-31")
    path = f"{API}/portfolios/{portfolio.pk}"
    before, instant = read(alice, path), timezone.now()
    assert alice.delete(path).status_code == 204
    assert alice.get(path).status_code == 404
    assert {read(client, path, instant) for client in (alice, bob, vera)} == {before}
    assert json.loads(before[1])["total_value"] == "1234.57"
    assert read(charlie, path, instant) == (404, "PORTFOLIO_NOT_FOUND")


def test_report_is_repeated_after_every_value_was_changed(alice, portfolio, asset):
    path = f"{API}/portfolios/{portfolio.pk}?on=2026-02-28"
    created = add_value(alice, asset, "100.005", "2026-01-31")
    before, instant = read(alice, path), timezone.now()
    alice.patch(f"{API}/assets/{asset.pk}/snapshots/{created}", {"value": "7"})
    add_value(alice, asset, "9", "2026-02-10")
    AssetSnapshot.objects.all().update(value="8")
    assert json.loads(read(alice, path)[1])["total_value"] == "8.00"
    assert read(alice, path, instant) == before


def test_rate_recorded_later_is_not_used(alice, portfolio):
    Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Dollars", currency="USD"
    )
    add_value(alice, Asset.objects.get(), "11", "2026-01-31")
    instant = timezone.now()
    ExchangeRate.objects.create(currency="USD", on="2026-01-30", units_per_euro="1.1")
    path = f"{API}/portfolios/{portfolio.pk}?on=2026-01-31"
    now, then = (json.loads(read(alice, path, at)[1]) for at in (None, instant))
    assert (now["total_value"], now["complete"]) == ("10.00", True)
    assert (then["total_value"], then["complete"]) == ("0.00", False)


def test_today_is_the_day_of_known_at(alice, portfolio, asset, time_machine):
    time_machine.move_to("2090-03-01T23:30:00Z")
    add_value(alice, asset, "1", "2090-03-02")
    before, instant = read(alice, f"{API}/portfolios/{portfolio.pk}"), timezone.now()
    time_machine.move_to("2090-05-01T12:00:00Z")
    add_value(alice, asset, "2", "2090-04-01")
    assert json.loads(before[1])["total_value_on"] == "2090-03-02"  # in Berlin
    assert read(alice, f"{API}/portfolios/{portfolio.pk}", instant) == before
    assert read(alice, f"{API}/assets", instant)[1].count(b'"current_value_on":"2090-03-02"') == 1


@pytest.mark.parametrize("direction", ["out", "in"])
def test_asset_that_changed_households_is_shown_in_the_former_one(
    alice, alice_user, portfolio, asset, direction
):
    other = Household.objects.create(name="Other")
    Membership.objects.create(household=other, user=alice_user, role=OWNER, accepted_at=timezone.now())
    elsewhere = Portfolio.objects.create(household=other, name="Elsewhere")
    created = add_value(alice, asset, "5", "2026-01-31")
    instant = timezone.now()
    moved = alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": str(elsewhere.pk)})
    assert moved.status_code == 200
    alice.patch(f"{API}/assets/{asset.pk}/snapshots/{created}", {"value": "6"})
    client, count_then, count_now = (
        (client_of(member(portfolio.household, "erin", VIEWER)), 1, 0)
        if direction == "out"
        else (client_of(member(other, "erin", VIEWER)), 0, 1)
    )
    now, then = (json.loads(read(client, f"{API}/assets", at)[1]) for at in (None, instant))
    assert (now["count"], then["count"]) == (count_now, count_then)
    if direction == "out":
        assert then["results"][0]["current_value"] == "5.00"


def test_stranger_learns_nothing_of_the_past(alice, charlie, portfolio, asset):
    add_value(alice, asset, "5", "2026-01-31")
    instant = timezone.now()
    Asset.objects.all().update(notes="changed")
    for path in (f"/assets/{asset.pk}", f"/assets/{asset.pk}/snapshots", f"/portfolios/{portfolio.pk}"):
        absent = path.replace(str(asset.pk), str(household_id := portfolio.household_id))
        absent = absent.replace(str(portfolio.pk), str(household_id))
        assert read(charlie, API + path, instant) == read(charlie, API + absent, instant), path
    assert json.loads(read(charlie, f"{API}/assets", instant)[1])["count"] == 0


def test_past_rows_of_other_households_are_not_staged(alice_user, portfolio, asset):
    """They would not be shown, but each request would copy them."""
    foreign = Portfolio.objects.create(household=Household.objects.create(name="Theirs"), name="Theirs")
    create_asset(foreign, "Theirs")
    instant = timezone.now()
    Asset.objects.all().update(notes="changed")
    households = households_involved(temporal_models(), instant, alice_user)
    lines = lines_after(Asset, instant, households, IMAGES, names=["name"], most=10)
    assert [line.names for line in lines] == [("Checking",)]


def test_removed_member_does_not_see_the_past(bob, bob_user, asset):
    instant = timezone.now()
    bob_user.memberships.all().delete()
    assert read(bob, f"{API}/assets/{asset.pk}", instant) == (404, "ASSET_NOT_FOUND")


@pytest.mark.parametrize(
    "known_at", ["", "2026", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "NaN", "\x00"]
)
def test_invalid_instant_is_refused_by_name(alice, known_at):
    answer = alice.get(f"{API}/assets", {"known_at": known_at})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "known_at")


@pytest.mark.parametrize("offset", ["02:00", "0200"])
def test_offset_whose_plus_was_decoded_as_a_blank_is_explained(alice, offset):
    path = f"{API}/assets?known_at=2026-01-01T00:00:00"
    refused = alice.get(f"{path}+{offset}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "known_at")
    assert "%2B" in refused.json()["errors"][0]["message"]
    assert alice.get(f"{path}%2B{offset}").status_code == 200
    assert "%2B" not in alice.get(f"{path}+99:00").json()["message"]


def test_known_at_in_the_future_is_refused(alice):
    soon = (timezone.now() + timedelta(minutes=1)).isoformat()
    answer = alice.get(f"{API}/assets", {"known_at": soon})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "known_at")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_write_with_known_at_is_refused(alice, portfolio, asset, method):
    resource = "portfolios" if method == "post" else f"portfolios/{portfolio.pk}"
    path = f"{API}/{resource}?known_at=2026-01-01T00:00:00Z"
    answer = getattr(alice, method)(path, {"name": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "known_at")
    assert list(Portfolio.objects.values_list("name", flat=True)) == ["Main"]


def test_etag_of_known_at_does_not_change(alice, asset):
    path = f"{API}/assets/{asset.pk}?known_at={quote(timezone.now().isoformat())}"
    etag = alice.get(path)["ETag"]
    alice.patch(f"{API}/assets/{asset.pk}", {"notes": "new"})
    assert alice.get(path, HTTP_IF_NONE_MATCH=etag).status_code == 304
    assert alice.get(f"{API}/assets/{asset.pk}", HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_next_page_keeps_known_at(alice, portfolio):
    for number in range(3):
        create_asset(portfolio, f"a{number}")
    instant = timezone.now()
    Asset.objects.all().delete()
    first = json.loads(read(alice, f"{API}/assets?page_size=2", instant)[1])
    second = alice.get(first["next"]).json()
    assert [row["name"] for row in first["results"] + second["results"]] == ["a0", "a1", "a2"]


def test_number_of_queries_does_not_grow_with_the_rows(alice, portfolio, asset):
    instant = timezone.now()
    Asset.objects.all().update(notes="changed")

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert read(alice, f"{API}/assets?page_size=200", instant)[0] == 200
        statements = [query["sql"].split()[:4] for query in captured]
        return [words for words in statements if "SAVEPOINT" not in words]

    few = queries()
    more = [
        Asset(portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"a{number}", currency="EUR")
        for number in range(150)
    ]
    Asset.objects.bulk_create(more)
    Asset.objects.all().update(notes="again")
    assert queries() == few
    assert len(few) < 48  # two statements for each model that may be read back


def temporary_relations():
    """The number of temporary views and tables on the connection."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()")
        else:
            cursor.execute("SELECT count(*) FROM sqlite_temp_master")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_known_at_leaves_nothing_on_the_connection(alice, alice_user, portfolio, asset):
    """With real transactions, as on a server; after responses, refusals and exceptions."""
    path = f"{API}/portfolios/{portfolio.pk}"
    instant = timezone.now()
    Portfolio.objects.filter(pk=portfolio.pk).update(base_currency="USD")
    assert json.loads(read(alice, path, instant)[1])["base_currency"] == "EUR"
    assert read(alice, f"{API}/portfolios/{asset.pk}", instant)[0] == 404
    for exception in (ZeroDivisionError, SystemExit):
        with pytest.raises(exception), as_known_at(instant, alice_user):
            raise exception
    with pytest.raises(Exception, match="no_such_table"), as_known_at(instant, alice_user):
        connection.cursor().execute("SELECT * FROM no_such_table")
    assert (temporary_relations(), clock.known_at(), connection.in_atomic_block) == (0, None, False)
    assert alice.get(path).json()["base_currency"] == "USD"


@pytest.mark.django_db(transaction=True)
def test_write_inside_as_known_at_is_rolled_back(alice_user, portfolio):
    with as_known_at(timezone.now(), alice_user), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO strata_change (at, actor_name, request_id, road, model, object_id, action)"
            " SELECT at, 'eve', '', '', model, object_id, action FROM strata_change"
        )
    assert not portfolio._meta.apps.get_model("strata.JournalEntry").objects.filter(actor_name="eve").exists()


@pytest.mark.django_db(transaction=True)
def test_known_at_takes_no_lock(alice, alice_user, portfolio):
    """Another connection can write meanwhile, and its write is not visible."""

    def write():
        try:
            Portfolio.objects.filter(pk=portfolio.pk).update(name="Meanwhile")
        finally:
            connections.close_all()

    with as_known_at(timezone.now(), alice_user):
        Household.objects.count()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result(timeout=15)
        assert Portfolio.objects.get().name == "Main"
    assert Portfolio.objects.get().name == "Meanwhile"


def test_every_tracked_model_except_memberships_is_shown_at_known_at():
    tracked = {model for model in apps.get_models() if issubclass(model, TrackedModel)}
    assert tracked - set(temporal_models()) == {Membership, Invitation}
    assert ExchangeRate in temporal_models()
    assert {Category, Tag} <= set(temporal_models())


def test_values_of_an_asset_are_found_by_their_index_under_known_at(alice_user, portfolio, asset):
    """Without the index every total would read all values of the server for each asset."""
    AssetSnapshot.objects.create(asset=asset, value="1", on="2026-01-31", observed_at=timezone.now())
    instant = timezone.now()
    AssetSnapshot.objects.update(value="2")
    with as_known_at(instant, alice_user), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # After an ANALYZE of these few rows the planner would take any other way.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        assets = Asset.objects.filter(portfolio=portfolio).order_by()
        plans = [
            rows.explain()
            for rows in (
                with_current_value(assets, instant.date()),
                with_first_value(assets).values("first_value_on"),
            )
        ]
    index_scan = {
        "sqlite": "SEARCH main.assets_assetsnapshot USING INDEX sqlite_autoindex_assets_assetsnapshot_2 (asset_id=",
        "postgresql": "using snapshot_one_per_asset_and_instant on assets_assetsnapshot",
    }
    assert all(index_scan[connection.vendor] in plan for plan in plans)
