"""Time in the API: days are in the portfolio's time zone, through clock changes and days that a zone left out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from assets.models import Asset, AssetSnapshot
from portfolios.models import Portfolio
from reports.models import PortfolioSnapshot
from strata.accounts.services import issue_token
from strata.api.http.idempotency import forget_old_answers
from strata.audit.models import IdempotentAnswer, JournalEntry
from tests.factories import create_asset

API = "/api/v1"
# The same instant is on three days: a day later in Kiritimati and a day earlier in Pago Pago than in UTC.
INSTANT = "2091-06-15T10:30:00Z"
TODAY = {"Pacific/Kiritimati": "2091-06-16", "UTC": "2091-06-15", "Pacific/Pago_Pago": "2091-06-14"}


def create_asset_in(household, zone):
    portfolio = Portfolio.objects.create(household=household, name=zone, time_zone=zone)
    return create_asset(portfolio, zone)


@pytest.fixture(params=TODAY)
def asset_and_today(request, household, time_machine):
    """For each of the zones: an asset in it, and today's day in it."""
    time_machine.move_to(INSTANT, tick=False)
    return create_asset_in(household, request.param), TODAY[request.param]


def day_after(day, days=1):
    return (timezone.datetime.fromisoformat(day) + timedelta(days=days)).date().isoformat()


def add_value(client, asset, **body):
    answer = client.post(f"{API}/assets/{asset.pk}/snapshots", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_value_without_a_day_is_of_the_portfolios_day(alice, asset_and_today):
    asset, today = asset_and_today
    assert add_value(alice, asset, value="1")["on"] == today


def test_transaction_without_a_day_is_of_the_portfolios_day(alice, asset_and_today):
    asset, today = asset_and_today
    created = alice.post(f"{API}/assets/{asset.pk}/transactions", {"type": "INCOME", "amount": "1"})
    assert created.json()["on"] == today


def test_tomorrows_value_counts_from_the_portfolios_midnight_on(alice, asset_and_today):
    asset, today = asset_and_today
    add_value(alice, asset, value="1", on=today)
    add_value(alice, asset, value="2", on=day_after(today))
    (listed,) = alice.get(f"{API}/assets").json()["results"]
    single = alice.get(f"{API}/assets/{asset.pk}").json()
    total = alice.get(f"{API}/portfolios/{asset.portfolio_id}").json()
    for row in (listed, single):
        assert (row["current_value"], row["current_value_on"]) == ("1.00", today)
    assert (total["total_value"], total["total_value_on"]) == ("1.00", today)


def test_total_changes_at_the_portfolios_midnight(alice, household, time_machine):
    asset = create_asset_in(household, "Pacific/Kiritimati")
    time_machine.move_to("2091-06-15T09:59:59Z", tick=False)
    add_value(alice, asset, value="1", on="2091-06-15")
    add_value(alice, asset, value="2", on="2091-06-16")
    path = f"{API}/portfolios/{asset.portfolio_id}"
    before = alice.get(path).json()["total_value"]
    time_machine.move_to("2091-06-15T10:00:00Z", tick=False)
    assert (before, alice.get(path).json()["total_value"]) == ("1.00", "2.00")


def test_disposal_without_a_day_is_of_the_portfolios_day(alice, asset_and_today):
    asset, today = asset_and_today
    gone = alice.post(f"{API}/assets/{asset.pk}/dispose", {"proceeds": "3"}).json()
    assert (gone["disposed_on"], gone["disposed"]) == (today, True)
    (sold,) = alice.get(f"{API}/assets/{asset.pk}/transactions").json()["results"]
    assert sold["on"] == today


def test_filter_disposed_uses_the_portfolios_day(alice, asset_and_today):
    asset, today = asset_and_today
    alice.post(f"{API}/assets/{asset.pk}/dispose", {"on": day_after(today)})
    counts = {
        disposed: alice.get(f"{API}/assets?disposed={disposed}").json()["count"]
        for disposed in ("true", "false")
    }
    assert counts == {"true": 0, "false": 1}
    assert alice.get(f"{API}/assets?disposed=true&on={day_after(today)}").json()["count"] == 1


def test_snapshots_are_taken_of_each_portfolios_day(alice, asset_and_today, time_machine):
    asset, today = asset_and_today
    add_value(alice, asset, value="1", on=today)
    add_value(alice, asset, value="2", on=day_after(today))
    call_command("take_snapshots", verbosity=0)
    (taken,) = PortfolioSnapshot.objects.filter(portfolio=asset.portfolio_id)
    assert (taken.on.isoformat(), taken.value) == (today, "1.00")
    time_machine.shift(1)
    posted = alice.post(f"{API}/portfolios/{asset.portfolio_id}/snapshots", {}).json()
    assert (posted["on"], posted["value"]) == (today, "1.00")


# --- clock changes, and days that do not exist ---


@pytest.mark.parametrize(
    ("zone", "local", "instant", "day"),
    [
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "2026-03-29"),  # skipped, so 03:30
        # Occurs twice: the first one.
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "2026-10-25"),
        ("America/Havana", "2026-03-08T00:30:00", "2026-03-08T05:30:00Z", "2026-03-08"),  # no midnight
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z", "2026-10-04"),  # half an hour
        # The 30th was left out.
        ("Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z", "2011-12-31"),
    ],
)
def test_local_time_is_in_the_portfolios_zone(alice, household, zone, local, instant, day):
    created = add_value(alice, create_asset_in(household, zone), value="1", observed_at=local)
    assert (created["observed_at"], created["on"]) == (instant, day)


def test_both_values_of_a_repeated_hour_are_stored_and_the_later_is_current(alice, household):
    asset = create_asset_in(household, "Europe/Berlin")
    add_value(alice, asset, value="2", observed_at="2026-10-25T02:30:00+01:00")
    add_value(alice, asset, value="1", observed_at="2026-10-25T02:30:00+02:00")
    assert alice.get(f"{API}/assets/{asset.pk}?on=2026-10-25").json()["current_value"] == "2.00"
    assert len(alice.get(f"{API}/assets/{asset.pk}/snapshots").json()["results"]) == 2


def test_day_that_the_zone_left_out_is_stored(alice, household):
    asset = create_asset_in(household, "Pacific/Apia")
    created = add_value(alice, asset, value="1", on="2011-12-30")
    path = f"{API}/assets/{asset.pk}/snapshots/{created['id']}"
    again = alice.put(path, {name: created[name] for name in ("value", "on", "observed_at")})
    assert (again.status_code, again.json()["on"]) == (200, "2011-12-30")


@pytest.mark.parametrize("day", ["2024-02-29", "2000-02-29"])
def test_leap_day_is_accepted(alice, household, day):
    asset = create_asset_in(household, "Europe/Berlin")
    assert add_value(alice, asset, value="1", on=day)["on"] == day
    assert alice.get(f"{API}/portfolios/{asset.portfolio_id}?on={day}").json()["total_value"] == "1.00"


@pytest.mark.parametrize("day", ["2023-02-29", "1900-02-29", "2100-02-29"])
def test_leap_day_of_another_year_is_refused(alice, household, day):
    asset = create_asset_in(household, "Europe/Berlin")
    refused = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "1", "on": day})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "on")
    assert alice.get(f"{API}/portfolios?on={day}").status_code == 400


# --- the server's clock is set back between two writes ---


@pytest.fixture
def set_clock_back(time_machine):
    """Sets the clock to noon. Returns a function that sets it back by a minute."""
    time_machine.move_to("2091-06-15T12:00:00Z", tick=False)
    return lambda: time_machine.move_to("2091-06-15T11:59:00Z", tick=False)


def test_later_value_is_current_after_the_clock_was_set_back(alice, household, set_clock_back):
    asset = create_asset_in(household, "UTC")
    add_value(alice, asset, value="1")
    set_clock_back()
    add_value(alice, asset, value="2")
    assert alice.get(f"{API}/assets/{asset.pk}").json()["current_value"] == "2.00"


def test_times_in_journal_and_rows_never_decrease(alice, household, set_clock_back):
    created = alice.post(f"{API}/tags", {"name": "a"}).json()
    set_clock_back()
    changed = alice.patch(f"{API}/tags/{created['id']}", {"name": "b"})
    assert changed.status_code == 200
    instants = list(JournalEntry.objects.order_by("id").values_list("at", flat=True))
    assert instants == sorted(instants)
    row = Asset._meta.apps.get_model("assets.Tag").objects.get()
    assert row.updated_at >= row.created_at


def test_known_at_is_in_order_after_the_clock_was_set_back(alice, household, set_clock_back, time_machine):
    asset = create_asset_in(household, "UTC")
    created = add_value(alice, asset, value="1")
    set_clock_back()
    alice.patch(f"{API}/assets/{asset.pk}/snapshots/{created['id']}", {"value": "2"})
    time_machine.move_to("2091-06-15T12:00:01Z", tick=False)
    alice.patch(f"{API}/assets/{asset.pk}/snapshots/{created['id']}", {"value": "3"})
    path = f"{API}/assets/{asset.pk}?known_at="
    assert alice.get(f"{path}2091-06-15T12:00:00Z").json()["current_value"] == "2.00"
    assert alice.get(f"{path}2091-06-15T12:00:01Z").json()["current_value"] == "3.00"


def test_clock_that_was_a_day_fast_is_trusted_after_its_correction(alice, household, time_machine):
    time_machine.move_to("2091-06-16T12:00:00Z", tick=False)
    alice.post(f"{API}/tags", {"name": "a"})
    time_machine.move_to("2091-06-15T12:00:00Z", tick=False)
    alice.post(f"{API}/tags", {"name": "b"})
    assert JournalEntry.objects.latest("id").at.isoformat() == "2091-06-15T12:00:00+00:00"


def test_repeated_request_gets_the_same_response_after_the_clock_was_set_back(
    alice, household, set_clock_back
):
    first = alice.post(f"{API}/tags", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k1")
    set_clock_back()
    forget_old_answers(20)
    again = alice.post(f"{API}/tags", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (again.status_code, again.content) == (201, first.content)


def test_stored_responses_are_deleted_after_two_days(alice, household, time_machine):
    time_machine.move_to("2091-06-15T12:00:00Z", tick=False)
    alice.post(f"{API}/tags", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k1")
    time_machine.move_to("2091-06-17T12:00:00Z", tick=False)
    assert (forget_old_answers(20), IdempotentAnswer.objects.count()) == (0, 1)
    time_machine.move_to("2091-06-17T12:00:01Z", tick=False)
    forget_old_answers(20)
    assert IdempotentAnswer.objects.count() == 0


def test_token_expires_at_its_time(client, alice_user, time_machine):
    time_machine.move_to("2091-06-15T12:00:00Z", tick=False)
    _, secret = issue_token(alice_user, expires_at=timezone.now() + timedelta(hours=1))
    header = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    statuses = []
    for moment in ("11:59:00", "12:59:59", "13:00:00"):
        time_machine.move_to(f"2091-06-15T{moment}Z", tick=False)
        statuses.append(client.get(f"{API}/me", **header).status_code)
    assert statuses == [200, 200, 401]


def test_values_of_one_instant_are_all_stored(alice, household, set_clock_back):
    asset = create_asset_in(household, "UTC")
    for number in range(3):
        add_value(alice, asset, value=str(number))
    in_time = AssetSnapshot.objects.order_by("observed_at").values_list("value", flat=True)
    assert [str(value) for value in in_time] == ["0.0000", "1.0000", "2.0000"]
