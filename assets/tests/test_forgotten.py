"""Derived data that was deleted by `rebuild --forget`, or stored with another setting: no answer changes meanwhile."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from assets.classification.seeds import TypeId
from assets.doctor import forgotten_data, wrong_deltas, wrong_gaps, wrong_months, wrong_packs
from assets.models import (
    Asset,
    Category,
    ForgottenPortfolio,
    HeldQuantities,
    MonthlyDeltas,
    MonthlyValues,
    PackedPrices,
    ValuationSettings,
    ValueGap,
)
from assets.prices import store as packs
from assets.services.labels import label_asset
from assets.tests.upkeep import assert_in_step
from assets.valuation import upkeep
from assets.valuation.forgotten.changed_settings import notice_changed_settings
from assets.valuation.forgotten.deriving_again import derive_again
from portfolios.models import Portfolio
from strata.doctor import Level
from tests.factories import add_value, create_asset, day, record_price

DERIVED = (MonthlyDeltas, MonthlyValues, ValueGap, HeldQuantities)
SPAN = f"start={day(-3)}&end={day(70)}"


@pytest.fixture
def other(household):
    return Portfolio.objects.create(household=household, name="Other", time_zone="UTC")


@pytest.fixture
def filled(portfolio, other, holding, fund):
    """Recorded values, a holding with a gap from day 12 to 40, an asset that does not count; and another portfolio."""
    record_price(fund, day(40), 30)
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    for number, value in ((0, 500), (33, 700)):
        add_value(house, value, day(number))
    add_value(create_asset(portfolio, "Debt", TypeId.LOAN), -90, day(5))
    add_value(create_asset(portfolio, "Toys", counts_in_net_worth=False), 3, day(2))
    add_value(create_asset(other, "Cash"), 11, day(1))
    category = Category.objects.create(household=portfolio.household, name="Home")
    label_asset(house.pk, category_ids=[category.pk])
    return portfolio


def paths(portfolio) -> list[str]:
    mine = f"/api/v1/portfolios/{portfolio.pk}"
    groups = ("", "&group_by=type", "&group_by=category", "&group_by=asset", "&include=all")
    series = [
        f"{mine}/net-worth?interval={every}&{SPAN}{group}" for every in ("day", "month") for group in groups
    ]
    return [
        *series,
        f"{mine}/net-worth?interval=month",
        f"/api/v1/net-worth?interval=month&{SPAN}",
        f"{mine}?on={day(13)}",
        f"/api/v1/assets?on={day(50)}&ordering=name",
        f"/api/v1/net-worth/change?portfolio={portfolio.pk}&start={day(0)}&end={day(60)}&group_by=asset",
        f"{mine}/performance?start={day(0)}&end={day(11)}",
        f"{mine}/quality",
    ]


def answers(client, portfolio) -> list[str]:
    return [shown(client.get(path)) for path in paths(portfolio)]


def shown(answer) -> str:
    assert answer.status_code == 200, answer.content
    return json.dumps(answer.json(), sort_keys=True)


def forget(*options: str) -> str:
    out = io.StringIO()
    call_command("rebuild", "--forget", *options, stdout=out)
    return out.getvalue()


def assert_is_derived() -> None:
    assert not ForgottenPortfolio.objects.exists()
    assert_in_step()


def test_nothing_is_left_and_the_next_report_derives_it_again(alice, filled, fund):
    before, revision = answers(alice, filled), Portfolio.objects.get(pk=filled.pk).revision
    assert forget() == "Forgot what was derived of 2 portfolios and 1 instruments.\n"
    assert not any(model.objects.exists() for model in DERIVED)
    assert not PackedPrices.objects.exclude(prices=b"").exists()
    assert answers(alice, filled) == before
    assert [*ForgottenPortfolio.objects.all()] == []  # one of the reports is of both portfolios
    assert Portfolio.objects.get(pk=filled.pk).revision == revision
    assert_is_derived()
    assert not packs.forgotten_among([fund.pk]) and not list(wrong_packs())


def test_it_is_forgotten_before_any_statement_of_a_report_and_no_figure_changes(alice, filled):
    mine = f"/api/v1/portfolios/{filled.pk}"
    read_in_another_way = [
        f"{mine}/net-worth?interval=day&{SPAN}",
        f"{mine}/net-worth?interval=month&{SPAN}&group_by=category",
        f"{mine}/net-worth?interval=day&{SPAN}&group_by=asset",
        f"{mine}/net-worth?interval=month",
        f"/api/v1/net-worth/change?portfolio={filled.pk}&start={day(0)}&end={day(60)}&group_by=asset",
    ]
    for path in read_in_another_way:
        expected, number = shown(alice.get(path)), 0
        while True:
            forgets = ForgetsBefore(number)
            with connection.execute_wrapper(forgets):
                assert shown(alice.get(path)) == expected, (path, number)
            derive_again(Portfolio.objects.values_list("pk", flat=True))
            if not forgets.has_forgotten:
                break
            number += 1
    assert_is_derived()


class ForgetsBefore:
    """Another process forgets everything before the statement with this number."""

    def __init__(self, number: int) -> None:
        self.left, self.has_forgotten = number, False

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left < 0 and not self.has_forgotten and sql.lstrip().startswith(("SELECT", "WITH")):
            self.has_forgotten = True
            with transaction.atomic():
                packs.forget_packs(packs.instruments_with_prices())
                for portfolio_id in Portfolio.objects.values_list("pk", flat=True):
                    upkeep.forget(portfolio_id)
        return execute(sql, params, many, context)


def test_where_nothing_can_be_written_the_figures_are_right_and_nothing_is_stored(alice, filled, read_only):
    before = answers(alice, filled)
    forget()
    with read_only():
        assert answers(alice, filled) == before
    assert not any(model.objects.exists() for model in DERIVED)
    with transaction.atomic():  # such as that of an export, which reads one state
        assert not derive_again([filled.pk])
    assert answers(alice, filled) == before
    assert MonthlyDeltas.objects.exists()


@pytest.fixture
def read_only():
    """The database refuses all writes, as a standby or a full disk does."""
    begin, end = {
        "sqlite": (["PRAGMA query_only = 1"], ["PRAGMA query_only = 0"]),
        "postgresql": (["SAVEPOINT s", "SET TRANSACTION READ ONLY"], ["ROLLBACK TO SAVEPOINT s"]),
    }[connection.vendor]

    @contextmanager
    def refusing():
        execute(begin)
        try:
            yield
        finally:
            execute(end)

    return refusing


def execute(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_writes_into_what_is_forgotten_leave_it_forgotten_and_are_right(alice, filled, other, holding, fund):
    forget()
    house = Asset.objects.get(name="House")
    add_value(house, 800, day(45))
    record_price(fund, day(2), 25)
    record_price(fund, day(55), 40)
    bought = {"type": "ACQUIRE", "on": str(day(3)), "quantity": "4", "amount": "80"}
    assert alice.post(f"/api/v1/assets/{holding.pk}/transactions", bought).status_code == 201
    assert ForgottenPortfolio.objects.count() == 2
    assert not list(wrong_packs()) and not packs.forgotten_among([fund.pk])
    seen = answers(alice, filled)
    assert_what_a_rebuild_gives(alice, filled, seen)


def assert_what_a_rebuild_gives(client, portfolio, seen) -> None:
    for row in Portfolio.objects.all():
        upkeep.rebuild(row.pk)
    assert_is_derived()
    assert seen == answers(client, portfolio)


def test_an_asset_that_leaves_a_forgotten_portfolio_has_its_values_elsewhere(alice, filled, other, holding):
    forget("--portfolio", str(filled.pk))
    for asset in (holding, Asset.objects.get(name="House")):
        body = {"portfolio_id": str(other.pk)}
        assert alice.patch(f"/api/v1/assets/{asset.pk}", body).status_code == 200
    assert not upkeep.is_forgotten(other.pk) and not upkeep.is_outdated(other.pk)
    assert_what_a_rebuild_gives(alice, other, answers(alice, other))


def test_a_command_that_is_killed_has_deleted_nothing_of_what_it_has_not_noted(alice, filled, monkeypatch):
    before = answers(alice, filled)
    with monkeypatch.context() as killed:
        killed.setattr(ForgottenPortfolio.objects, "get_or_create", lambda **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            upkeep.forget(filled.pk)
    assert_is_derived()
    assert answers(alice, filled) == before


def test_forgetting_can_be_tried_first_or_be_of_one_portfolio(filled, other, fund):
    assert forget("--dry-run") == "Would forget what was derived of 2 portfolios and 1 instruments.\n"
    assert_is_derived()
    assert (
        forget("--portfolio", str(other.pk)) == "Forgot what was derived of 1 portfolios and 0 instruments.\n"
    )
    assert [upkeep.is_forgotten(row.pk) for row in (filled, other)] == [False, True]
    assert not packs.forgotten_among([fund.pk])


def test_doctor_calls_nothing_wrong_that_is_forgotten_and_rebuild_derives_it(filled, fund):
    forget()
    wrong = [*wrong_deltas(), *wrong_months(), *wrong_gaps(), *wrong_packs()]
    assert not wrong
    assert [*forgotten_data()] == [
        (Level.OK, "2 portfolios have no derived data: their next reports derive it")
    ]
    out = io.StringIO()
    call_command("rebuild", stdout=out)
    assert out.getvalue() == "Rebuilt 2; 0 needed repair.\n"
    assert_is_derived()
    assert not packs.forgotten_among([fund.pk])


# --- PRICE_MAX_AGE_DAYS ---


def net(client, portfolio, on) -> str | None:
    answer = client.get(f"/api/v1/portfolios/{portfolio.pk}/net-worth?interval=day&start={on}&end={on}")
    return answer.json()["points"][-1]["net"]


def test_another_age_of_prices_is_noticed_by_the_next_process(alice, portfolio, other, holding, settings):
    """The price of day 1 counts until day 11; with an age of three days until day 4."""
    notice_changed_settings()
    assert [net(alice, portfolio, day(number)) for number in (4, 5)] == ["210.00", "210.00"]
    settings.PRICE_MAX_AGE_DAYS = 3
    revision = Portfolio.objects.get(pk=portfolio.pk).revision
    notice_changed_settings()
    assert (
        Portfolio.objects.get(pk=portfolio.pk).revision > revision
    )  # stored totals and ETags are of other values
    assert [upkeep.is_forgotten(row.pk) for row in (portfolio, other)] == [True, False]
    assert [net(alice, portfolio, day(number)) for number in (4, 5)] == ["210.00", "0.00"]
    assert_is_derived()
    revision = Portfolio.objects.get(pk=portfolio.pk).revision
    notice_changed_settings()  # once is enough
    assert Portfolio.objects.get(pk=portfolio.pk).revision == revision


@pytest.mark.parametrize("command", ["take_snapshots", "rebuild"])
def test_commands_notice_another_age_of_prices(portfolio, holding, settings, command):
    ValuationSettings.objects.create(price_max_age_days=settings.PRICE_MAX_AGE_DAYS)
    settings.PRICE_MAX_AGE_DAYS = 3
    assert [level for level, _ in forgotten_data()] == [Level.OK, Level.WARN]
    call_command(command, verbosity=0)
    assert ValueGap.objects.get().start_on == day(1) + timedelta(4)
    assert_is_derived()
    assert [level for level, _ in forgotten_data()] == [Level.OK]


def test_a_trial_notices_nothing(portfolio, holding, settings):
    ValuationSettings.objects.create(price_max_age_days=settings.PRICE_MAX_AGE_DAYS)
    settings.PRICE_MAX_AGE_DAYS = 3
    for command in ("take_snapshots", "rebuild"):
        call_command(command, dry_run=True, verbosity=0)
    assert not ForgottenPortfolio.objects.exists()
    assert ValueGap.objects.get().start_on == day(12)
    assert HeldQuantities.objects.get().units == f"{Decimal(10) * 10**18:f}"
