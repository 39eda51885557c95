"""Today in the time zone of each asset's portfolio; the query contains only the zones in use."""

from __future__ import annotations

import json
from datetime import date
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from assets.classification.seeds import TypeId
from assets.models import Asset
from assets.models.querysets import today_in
from assets.valuation import with_current_value
from portfolios.models import Household, Portfolio
from strata.fields.dates import time_zones
from tests.admin_forms import staff
from tests.factories import add_value, create_asset, day

API = "/api/v1"
FEW = 60  # parameters: those that one asset's page needs for other things


@pytest.fixture
def _late(time_machine):
    time_machine.move_to("2026-06-15T10:30:00Z", tick=False)


def an_asset(household, zone: str) -> Asset:
    portfolio = Portfolio.objects.create(household=household, name=uuid4().hex, time_zone=zone)
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=zone, currency="EUR"
    )


class ParamsSeen:
    """The parameters of the statements: how many the longest has, and which zones are among them."""

    def __init__(self) -> None:
        self.most, self.zones = 0, set()

    def __call__(self, execute, sql, params, many, context):
        self.most = max(self.most, len(params or ()))
        self.zones |= {value for value in params or () if isinstance(value, str) and value in time_zones()}
        return execute(sql, params, many, context)


@pytest.mark.usefixtures("_late")
def test_each_zone_has_its_own_today(household):
    days = {"UTC": 15, "Pacific/Kiritimati": 16, "Europe/Berlin": 15, "Pacific/Niue": 14}
    for zone in days:
        an_asset(household, zone)
    days_by_zone = {asset.name: asset.as_of for asset in Asset.objects.as_of()}
    assert days_by_zone == {zone: date(2026, 6, day) for zone, day in days.items()}


@pytest.mark.usefixtures("_late")
def test_only_zones_on_another_day_are_named():
    assert len(today_in("zone", ["UTC", "Europe/Berlin", "Asia/Tokyo"]).cases) == 0
    assert len(today_in("zone", ["Pacific/Niue", "Pacific/Pago_Pago", "Pacific/Kiritimati"] * 2).cases) == 2
    assert len(today_in("zone", []).cases) == 0


@pytest.mark.usefixtures("_late")
@pytest.mark.parametrize("query", ["", "?disposed=false", "?page_size=1&ordering=-current_value"])
def test_a_list_names_the_zones_of_the_callers_portfolios_alone(alice, household, query):
    asset = an_asset(household, "Pacific/Kiritimati")
    an_asset(household, "UTC")
    strangers = Household.objects.create(name="Strangers")
    for zone in ("Pacific/Niue", "Pacific/Auckland", "Pacific/Tongatapu", "Pacific/Apia"):
        an_asset(strangers, zone)
    for path in (f"{API}/assets{query}", f"{API}/assets/{asset.pk}"):
        with connection.execute_wrapper(params_seen := ParamsSeen()):
            assert alice.get(path).status_code == 200
        assert params_seen.most < FEW
        assert params_seen.zones == {"Pacific/Kiritimati"}


@pytest.mark.usefixtures("_late")
def test_no_zone_is_named_where_it_is_one_day_in_all_portfolios(alice, household):
    asset = an_asset(household, "Pacific/Niue")
    an_asset(household, "Pacific/Pago_Pago")
    for path in (f"{API}/assets", f"{API}/assets/{asset.pk}"):
        with connection.execute_wrapper(params_seen := ParamsSeen()):
            assert alice.get(path).status_code == 200
        assert not params_seen.zones


@pytest.mark.usefixtures("_late")
def test_the_admins_list_names_the_zones_of_the_callers_portfolios_alone(alice_user, household):
    an_asset(household, "Pacific/Kiritimati")
    browser: Client = staff(alice_user)
    with connection.execute_wrapper(params_seen := ParamsSeen()):
        assert browser.get("/admin/assets/asset/").status_code == 200
    assert params_seen.most < FEW
    assert params_seen.zones == {"Pacific/Kiritimati"}


@pytest.mark.usefixtures("_late")
def test_a_superuser_sees_the_today_of_every_household(db):
    an_asset(Household.objects.create(name="Strangers"), "Pacific/Niue")
    assert with_current_value(Asset.objects).get().as_of == date(2026, 6, 14)


@pytest.mark.on_postgresql
def test_newest_value_of_an_asset_that_is_not_disposed_of_is_looked_up_once(portfolio):
    """PostgreSQL looked it up once more, for whether there is one at all."""
    for number in range(3):
        add_value(create_asset(portfolio, f"{number}"), "1", day(number))
    rows = with_current_value(Asset.objects.order_by(), day(9)).values_list("current_value_on")
    (explained,) = json.loads(rows.explain(format="json", analyze=True))
    assert sum(loops_of_subplans(explained["Plan"])) == 3


def loops_of_subplans(plan):
    """How many times each was run."""
    if plan.get("Parent Relationship") == "SubPlan":
        yield plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from loops_of_subplans(part)
