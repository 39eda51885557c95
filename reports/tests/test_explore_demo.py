"""The buttons "Explore with demo data" and "Remove demo data"."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from assets.models import Asset, ExchangeRate
from conftest import member
from demo import household as demo
from portfolios.models import Household
from portfolios.services.households import create_household
from strata.accounts.models import User
from strata.tenancy.roles import EDITOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return User.objects.create(username="anna", is_staff=True)


@pytest.fixture
def annas(anna) -> Client:
    client = Client()
    client.force_login(anna)
    return client


@pytest.fixture
def _ecb_rates():
    today = timezone.now().date()
    for currency in ("USD", "CHF"):
        ExchangeRate.objects.create(
            currency=currency, on=today.replace(day=1), units_per_euro=Decimal("1.1"), source="ecb"
        )


@pytest.mark.usefixtures("_ecb_rates")
def test_demo_is_a_household_of_its_own_made_once(annas, anna):
    own = create_household(anna)
    for _ in range(2):
        assert annas.post("/admin/demo/")["Location"] == "/admin/"
    demo_household = Household.objects.exclude(pk=own.pk).get()
    assert (
        demo_household.is_demo
        and demo_household.created_by == anna
        and demo_household.portfolios.get().assets.count() == 13
    )
    page = annas.get("/admin/").content.decode()
    assert "This is demo data" in page and "Remove demo data" in page
    assert annas.get("/admin/demo/").status_code == 405


def test_demo_needs_no_rates_of_the_ecb_and_loads_none(annas):
    annas.post("/admin/demo/")
    loaded = ExchangeRate.objects.filter(lasting=False)
    assert set(loaded.values_list("source", "currency")) == {("demo", "CHF"), ("demo", "USD")}
    shown = annas.get("/api/v1/net-worth?interval=quarter").json()
    assert [point["complete"] for point in shown["points"]] == [True] * len(shown["points"])


def test_removing_asks_first_and_leaves_other_households(annas, anna):
    own = create_household(anna, "Demo")
    demo.build(anna, date(2026, 11, 1))
    url = annas.get("/admin/").content.decode().split('action="/admin/portfolios/household/demo/remove"')
    assert len(url) == 3  # the button, and the form in the dialog
    asked = annas.get("/admin/portfolios/household/demo/remove")
    assert "Remove the demo data?" in asked.content.decode() and Asset.objects.exists()
    assert annas.post("/admin/portfolios/household/demo/remove")["Location"] == "/admin/"
    assert list(Household.objects.all()) == [own] and not Asset.objects.exists()


def test_only_an_owner_removes_a_demo(anna, household):
    demo_household = demo.build(anna, date(2026, 11, 1))
    bob = member(demo_household, "bob", EDITOR)
    bob.is_staff = True
    bob.save()
    browser = Client()
    browser.force_login(bob)
    assert "Remove demo data" not in browser.get("/admin/").content.decode()
    browser.post("/admin/portfolios/household/demo/remove")
    assert Household.objects.filter(pk=demo_household.pk).exists()


@pytest.mark.usefixtures("_ecb_rates")
def test_demo_is_in_the_language_of_the_user(annas, anna):
    annas.post("/admin/demo/", HTTP_ACCEPT_LANGUAGE="de")
    names = set(Asset.objects.for_user(anna).values_list("name", flat=True))
    assert {"Girokonto", "Hypothek", "Wohnung in der Lindenstraße"} <= names
    fund = Asset.objects.get(name="Welt-Indexfonds")
    assert [category.name for category in fund.categories.all()] == ["Indexfonds"]
    assert [tag.name for tag in fund.tags.all()] == ["Altersvorsorge"]
