"""demo, seed_benchmark and take_snapshots."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from assets.models import Asset, AssetSnapshot, ExchangeRate, Transaction
from demo import household as demo
from demo.ids import Row, fixed_id
from portfolios.doctor import households_have_an_owner
from portfolios.models import Household, Portfolio
from portfolios.services.households import create_household
from reports.management.commands import take_snapshots
from reports.models import PortfolioSnapshot
from reports.queries import portfolio_total
from strata.audit.models import HistoryEntry
from strata.doctor import Level
from tests.factories import add_value, create_asset

PASSWORD = "correct horse battery staple"


def run(name: str, *args) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def alice(db):
    return get_user_model().objects.create_user("alice", password=PASSWORD)


# --- demo ---


@pytest.fixture
def some_rates(db):
    """The ECB's rates of a few days, so that the demo does not load its whole history."""
    today = date.today()
    ExchangeRate.objects.bulk_create(
        ExchangeRate(
            currency=currency, on=date(today.year, today.month, 1), units_per_euro=units, source="ecb"
        )
        for currency, units in (("USD", Decimal("1.12")), ("CHF", Decimal("0.92")))
    )


def test_demo_makes_a_household_worth_looking_at(some_rates):
    shown = run("demo")

    portfolio = Portfolio.objects.get(household__name="Demo")
    total = portfolio_total(portfolio)
    assert total.complete
    assert total.value > 100_000
    codes = set(portfolio.assets.values_list("asset_type__code", flat=True))
    assert {"CHECKING_ACCOUNT", "SAVINGS_ACCOUNT", "STOCKS", "CRYPTO", "REAL_ESTATE", "MORTGAGE"} <= codes
    assert {"CREDIT_CARD", "VEHICLE", "COLLECTIBLES", "PERSONAL_PROPERTY"} <= codes
    assert {"EUR", "USD", "CHF"} == set(portfolio.assets.values_list("currency", flat=True))
    user = get_user_model().objects.get(username="demo")
    assert user.check_password(shown.rpartition("Password: ")[2].strip())
    assert Asset.objects.for_user(user).count() == portfolio.assets.count()


def test_what_the_demo_writes_is_valid_and_signed(some_rates):
    run("demo", "--password", PASSWORD)

    for row in [*Asset.objects.all(), *AssetSnapshot.objects.all(), *Transaction.objects.all()]:
        row.full_clean()
    for bought in Transaction.objects.filter(unit_price__isnull=False):
        assert bought.amount == bought.quantity * bought.unit_price
    households = HistoryEntry.objects.exclude(model__in=("strata.User", "assets.ExchangeRate"))
    assert set(households.values_list("channel", "actor_name")) == {("command:demo", "demo")}
    liabilities = AssetSnapshot.objects.filter(asset__asset_type__group="LIABILITIES")
    assert liabilities.exists()
    assert all(value < 0 for value in liabilities.values_list("value", flat=True))


@pytest.mark.parametrize("today", [date(2026, 11, 1), date(2026, 1, 31), date(2024, 2, 29)])
def test_the_demo_covers_two_years_up_to_today(alice, today):
    household = demo.build(alice, today)

    days = (
        AssetSnapshot.objects.filter(asset__portfolio__household=household)
        .order_by("on")
        .values_list("on", flat=True)
    )
    assert days[0].year * 12 + days[0].month == today.year * 12 + today.month - 23
    assert days.last() == today
    assert len(set(days)) in (24, 25)


def test_demo_if_empty_leaves_a_household_alone(alice):
    create_household(alice)

    assert "nothing to do" in run("demo", "--if-empty")
    assert Household.objects.count() == 1


def test_demo_twice_is_refused(some_rates):
    run("demo", "--if-empty", "--password", PASSWORD)

    with pytest.raises(CommandError, match="already"):
        run("demo")
    assert Household.objects.count() == 1


def test_demo_keeps_the_password_of_a_user_who_is_there(some_rates):
    get_user_model().objects.create_user("Demo", password=PASSWORD)

    with pytest.raises(CommandError, match="keeps its password"):
        run("demo", "--password", "another")
    assert "(unchanged)" in run("demo")
    assert get_user_model().objects.get().check_password(PASSWORD)


def test_demo_dry_run_writes_nothing(some_rates):
    before = ExchangeRate.objects.count()

    assert "Would make" in run("demo", "--dry-run")
    assert not Household.objects.exists()
    assert not get_user_model().objects.exists()
    assert ExchangeRate.objects.count() == before


def test_ids_of_the_first_demo_are_fixed_and_those_of_a_later_one_are_not(some_rates, alice):
    run("demo")
    first = Household.objects.get()
    assert str(first.pk) == "00000000-0000-7001-8000-000000000001"
    portfolio = first.portfolios.get()
    asset = Asset.objects.get(name="Checking account")
    value = asset.snapshots.order_by("on").first()
    bought = (
        Transaction.objects.filter(asset__name="World index fund").order_by("on", "position", "pk").first()
    )
    assert (portfolio.pk, asset.pk) == (fixed_id(Row.PORTFOLIO), fixed_id(Row.ASSET))
    assert (value.pk, bought.pk) == (fixed_id(Row.SNAPSHOT, 1, 1), fixed_id(Row.TRANSACTION, 1, 5))
    later = demo.build(alice, date(2026, 11, 1))
    assert later.is_demo and later.pk not in (first.pk, fixed_id(Row.HOUSEHOLD))


def test_first_demo_has_a_row_for_each_example_also_after_an_earlier_one(some_rates, alice):
    run("demo")
    owner = get_user_model().objects.get(username="demo")
    create_household(owner)
    run("demo", "--remove")
    run("demo")
    household = Household.objects.get(pk=fixed_id(Row.HOUSEHOLD))
    assert household.allocation_targets.get().pk == fixed_id(Row.TARGET)
    assert household.portfolios.get().snapshots.get().pk == fixed_id(Row.TOTAL)
    instruments = {fixed_id(Row.INSTRUMENT, number) for number in range(1, 5)}
    assert set(household.instruments.values_list("pk", flat=True)) == instruments
    assert household.instrument_actions.get().pk == fixed_id(Row.INSTRUMENT_ACTION)
    assert household.invitations.get().pk == fixed_id(Row.INVITATION)
    assert owner.api_tokens.get().pk == fixed_id(Row.TOKEN)
    assert ExchangeRate.objects.get(pk=fixed_id(Row.RATE)).source == "demo"
    assert not demo.build(alice, date(2026, 11, 1)).allocation_targets.exists()


def test_remove_deletes_the_demo_by_its_id_with_its_user(some_rates, alice):
    create_household(alice, "Demo")
    later = demo.build(alice, date(2026, 11, 1))
    run("demo")
    Household.objects.filter(pk=fixed_id(Row.HOUSEHOLD)).update(name="Called otherwise")
    would = "Would remove the household Called otherwise and the user demo.\n"
    assert run("demo", "--remove", "--dry-run") == would
    assert run("demo", "--remove") == would.replace("Would remove", "Removed")
    assert set(Household.objects.values_list("name", "is_demo")) == {("Demo", False), ("Demo", True)}
    assert Asset.objects.filter(portfolio__household=later).count() == Asset.objects.count()
    assert list(get_user_model().objects.values_list("username", flat=True)) == ["alice"]
    assert ExchangeRate.objects.filter(source="demo").exists()
    assert run("demo", "--remove") == "There is no demo.\n"
    assert "Made the household Demo" in run("demo")


def test_remove_keeps_a_user_who_is_in_another_household(some_rates):
    run("demo")
    user = get_user_model().objects.get(username="demo")
    own = create_household(user)
    assert run("demo", "--remove") == "Removed the household Demo.\n"
    assert list(user.memberships.values_list("household", flat=True)) == [own.pk]


def test_upgrade_marks_households_that_the_command_made_before(some_rates, alice):
    run("demo")
    create_household(alice, "Demo")
    Household.objects.update(is_demo=False)
    upgrade = import_module("portfolios.migrations.0012_households_that_the_demo_made")
    upgrade.mark(apps, SimpleNamespace(connection=connection))
    assert [household.pk for household in Household.objects.filter(is_demo=True)] == [fixed_id(Row.HOUSEHOLD)]


def test_demo_loads_the_shipped_rates_when_there_are_none(db):
    run("demo", "--password", PASSWORD)

    assert ExchangeRate.objects.filter(
        currency="JPY", on=date(1999, 1, 4), units_per_euro=Decimal("133.73")
    ).exists()


# --- seed_benchmark ---


def test_seed_benchmark_writes_what_was_asked(db):
    shown = run(
        "seed_benchmark", "--households", "2", "--assets", "3", "--snapshots", "40", "--span-days", "20"
    )

    portfolios = Portfolio.objects.filter(household__memberships__user__username__startswith="benchmark-")
    assert set(shown.split()[1::2]) == {str(portfolio.pk) for portfolio in portfolios}
    assert Asset.objects.count() == 6
    assert AssetSnapshot.objects.count() == 240
    days = set(AssetSnapshot.objects.values_list("on", flat=True))
    assert (max(days) - min(days)).days in (19, 20)
    for row in AssetSnapshot.objects.all():
        row.full_clean()
        assert row.on == row.observed_at.astimezone(UTC).date()


def test_seed_benchmark_leaves_the_history_that_models_would(db):
    run("seed_benchmark", "--assets", "2", "--snapshots", "3")

    household = Household.objects.get()
    changes = HistoryEntry.objects.filter(model="assets.AssetSnapshot")
    assert set(changes.values_list("object_id", flat=True)) == set(
        AssetSnapshot.objects.values_list("pk", flat=True)
    )
    signatures = set(changes.values_list("household_id", "action", "before", "channel", "actor_name"))
    assert signatures == {(household.pk, "create", None, "command:seed_benchmark", "benchmark-1")}


def test_seed_benchmark_adds_to_what_is_there(db):
    run("seed_benchmark", "--assets", "1", "--snapshots", "1")
    run("seed_benchmark", "--assets", "1", "--snapshots", "1", "--no-journal")

    assert {household.name for household in Household.objects.all()} == {"benchmark-1", "benchmark-2"}
    assert HistoryEntry.objects.filter(model="assets.AssetSnapshot").count() == 1


def test_seed_benchmark_dry_run_and_refusals(db):
    assert "3,650 snapshots" in run("seed_benchmark", "--assets", "10", "--dry-run")
    with pytest.raises(CommandError, match="at least 1"):
        run("seed_benchmark", "--assets", "0")
    with pytest.raises(CommandError, match="span-days"):
        run("seed_benchmark", "--span-days", "99999")
    assert not Household.objects.exists()


# --- take_snapshots ---


@pytest.fixture
def portfolios(alice):
    household = create_household(alice)
    return [
        Portfolio.objects.create(household=household, name=zone, time_zone=zone)
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago")
    ]


@pytest.fixture
def noon_in_london(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 6, 10, 10, 30, tzinfo=UTC))


def test_each_portfolio_is_taken_on_its_own_day(portfolios, noon_in_london):
    run("take_snapshots")

    taken = dict(PortfolioSnapshot.objects.values_list("portfolio__name", "on"))
    assert taken == {"Pacific/Kiritimati": date(2026, 6, 11), "Pacific/Pago_Pago": date(2026, 6, 9)}
    assert not PortfolioSnapshot.objects.filter(manual=True).exists()
    channels = HistoryEntry.objects.filter(model="portfolios.PortfolioSnapshot").values_list(
        "channel", flat=True
    )
    assert set(channels) == {"command:take_snapshots"}


def test_taking_again_on_the_same_day_adds_nothing(portfolios):
    run("take_snapshots", "--on", "2026-06-10")

    assert "Stored 0; already there: 2" in run("take_snapshots", "--on", "2026-06-10")
    assert PortfolioSnapshot.objects.count() == 2


def test_take_snapshots_dry_run_writes_nothing(portfolios):
    assert "Would store 2" in run("take_snapshots", "--dry-run")
    assert not PortfolioSnapshot.objects.exists()


def test_take_snapshots_dry_run_counts_the_totals_that_it_would_recalculate(portfolios):
    run("take_snapshots", "--on", "2026-06-10")
    add_value(create_asset(portfolios[0], "Boat"), "5", date(2026, 6, 1))

    said = run("take_snapshots", "--on", "2026-06-10", "--dry-run")

    assert said == "Would store 0; already there: 2; would recalculate: 1.\n"
    assert not PortfolioSnapshot.objects.filter(value="5.00").exists()
    assert "recalculated: 1." in run("take_snapshots", "--on", "2026-06-10")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "1700-01-01"])
def test_take_snapshots_refuses_what_is_no_day(db, day):
    with pytest.raises(CommandError, match="--on"):
        run("take_snapshots", "--on", day)


def test_one_portfolio_that_fails_does_not_keep_the_others(portfolios, monkeypatch):
    real = take_snapshots.take_snapshot

    def fails_for_one(portfolio_id, **options):
        if portfolio_id == portfolios[0].pk:
            raise DatabaseError("full")
        return real(portfolio_id, **options)

    monkeypatch.setattr(take_snapshots, "take_snapshot", fails_for_one)

    with pytest.raises(CommandError, match=f"{portfolios[0].pk}: full"):
        run("take_snapshots")
    assert PortfolioSnapshot.objects.get().portfolio == portfolios[1]


# --- doctor ---


def test_doctor_finds_households_without_an_owner(alice):
    household = create_household(alice)
    assert [level for level, _ in households_have_an_owner()] == [Level.OK]

    household.memberships.all().delete()

    assert [level for level, _ in households_have_an_owner()] == [Level.WARN]
