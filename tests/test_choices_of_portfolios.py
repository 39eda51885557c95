"""Choosing a portfolio where there are several households: it is said which one, and what a move to another means."""

from __future__ import annotations

import pytest
from django.urls import reverse

from assets.classification.seeds import TypeId
from assets.models import Asset
from portfolios.models import Household, Membership, Portfolio
from reports.models import AllocationTarget
from strata.tenancy.roles import OWNER
from tests.admin_forms import url

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Flat", currency="EUR"
    )


@pytest.fixture
def elsewhere(db):
    """A portfolio of the same name in another household, which nobody belongs to yet."""
    return Portfolio.objects.create(household=Household.objects.create(name="Elsewhere"), name="Main")


@pytest.fixture
def in_both(alice_user, elsewhere):
    Membership.objects.create(household=elsewhere.household, user=alice_user, role=OWNER)


def offered(client, model) -> set[str]:
    field = {
        "app_label": model._meta.app_label,
        "model_name": model._meta.model_name,
        "field_name": "portfolio",
    }
    answer = client.get(reverse("admin:autocomplete"), field)
    return {row["text"] for row in answer.json()["results"]}


def shown(client, asset) -> str:
    return client.get(url(Asset, "change", asset.pk)).content.decode()


@pytest.mark.parametrize("model", [Asset, AllocationTarget])
def test_the_household_is_named_where_there_are_several(alices, in_both, asset, model):
    assert offered(alices, model) == {"Household: Main", "Elsewhere: Main"}


def test_the_chosen_one_is_named_by_its_household_too(alices, in_both, asset):
    assert ">Household: Main</option>" in shown(alices, asset)


def test_the_filter_of_a_list_names_it_too(alices, in_both, asset):
    assert "Elsewhere: Main" in alices.get(url(Asset)).content.decode()


def test_a_member_of_one_household_sees_the_name_alone(alices, elsewhere, asset):
    assert offered(alices, Asset) == {"Main"}
    assert ">Main</option>" in shown(alices, asset)


def test_a_superuser_sees_households_where_several_exist(rita, portfolio):
    assert offered(rita, Asset) == {"Main"}
    Household.objects.create(name="Another")
    assert offered(rita, Asset) == {"Household: Main"}


def test_the_form_says_who_no_longer_sees_what_is_moved_to_another_household(alices, asset):
    assert "the members of this one no longer see it" in shown(alices, asset)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_move_to_another_household_says_that_its_members_no_longer_see_it(
    alice, in_both, elsewhere, asset, method
):
    body = {"name": "Flat", "portfolio_id": str(elsewhere.pk)}
    moved = getattr(alice, method)(f"{API}/assets/{asset.pk}", body)
    assert "another household" in moved["Strata-Notice"] and "whole past" in moved["Strata-Notice"]


def test_a_move_within_a_household_does_not(alice, portfolio, asset):
    other = Portfolio.objects.create(household=portfolio.household, name="Other")
    moved = alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": str(other.pk)})
    assert "household" not in moved["Strata-Notice"]
