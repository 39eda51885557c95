"""With several households, a choice of portfolios names the household, and a move to another one gives a notice."""

from __future__ import annotations

import pytest
from django.urls import reverse

from assets.models import Asset
from portfolios.models import Household, Membership, Portfolio
from reports.models import AllocationTarget
from strata.tenancy.roles import OWNER
from tests.admin_forms import url
from tests.factories import create_asset

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Flat")


@pytest.fixture
def elsewhere(db):
    """A portfolio of the same name in another household that has no members yet."""
    return Portfolio.objects.create(household=Household.objects.create(name="Elsewhere"), name="Main")


@pytest.fixture
def in_both_households(alice_user, elsewhere):
    Membership.objects.create(household=elsewhere.household, user=alice_user, role=OWNER)


def offered(client, model) -> set[str]:
    """The portfolios that the model's form offers."""
    query = {
        "app_label": model._meta.app_label,
        "model_name": model._meta.model_name,
        "field_name": "portfolio",
    }
    answer = client.get(reverse("admin:autocomplete"), query)
    return {row["text"] for row in answer.json()["results"]}


def change_page(client, asset) -> str:
    return client.get(url(Asset, "change", asset.pk)).content.decode()


@pytest.mark.parametrize("model", [Asset, AllocationTarget])
def test_choices_name_the_household_if_there_are_several(alices, in_both_households, asset, model):
    assert offered(alices, model) == {"Household: Main", "Elsewhere: Main"}


def test_chosen_portfolio_is_shown_with_its_household(alices, in_both_households, asset):
    assert ">Household: Main</option>" in change_page(alices, asset)


def test_filter_of_the_list_names_the_household(alices, in_both_households, asset):
    assert "Elsewhere: Main" in alices.get(url(Asset)).content.decode()


def test_member_of_one_household_sees_only_the_portfolios_name(alices, elsewhere, asset):
    assert offered(alices, Asset) == {"Main"}
    assert ">Main</option>" in change_page(alices, asset)


def test_superuser_sees_households_if_there_are_several(rita, portfolio):
    assert offered(rita, Asset) == {"Main"}
    Household.objects.create(name="Another")
    assert offered(rita, Asset) == {"Household: Main"}


def test_form_says_that_members_lose_sight_of_a_moved_asset(alices, asset):
    assert "the members of this one no longer see it" in change_page(alices, asset)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_move_to_another_household_has_a_notice(alice, in_both_households, elsewhere, asset, method):
    body = {"name": "Flat", "portfolio_id": str(elsewhere.pk)}
    moved = getattr(alice, method)(f"{API}/assets/{asset.pk}", body)
    assert "another household" in moved["Strata-Notice"] and "whole past" in moved["Strata-Notice"]


def test_move_within_a_household_has_no_such_notice(alice, portfolio, asset):
    other = Portfolio.objects.create(household=portfolio.household, name="Other")
    moved = alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": str(other.pk)})
    assert "household" not in moved["Strata-Notice"]
