"""Targets of an allocation: one group each, one share in all, and none across households."""

import pytest

from assets.models import Tag
from tests.refusals import assert_conflict, assert_refused

API = "/api/v1"


def test_target_names_exactly_one_group(alice, household, tree):
    for body in ({}, {"group": "OTHER", "currency": "EUR"}):
        answer = alice.post(f"{API}/allocation-targets", {"share": "0.5", **body})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "one_group")
    created = alice.post(f"{API}/allocation-targets", {"share": "0.5", "category_id": str(tree["top"].pk)})
    assert (created.status_code, created.json()["group_by"]) == (201, "category")
    assert created.json()["household_id"] == str(household.pk)
    change = alice.patch(f"{API}/allocation-targets/{created.json()['id']}", {"group": "OTHER"})
    assert_refused(change, "group")


def test_targets_of_one_kind_are_one_at_most(alice, tree):
    def post(share, **group):
        return alice.post(f"{API}/allocation-targets", {"share": share, **group})

    assert post("0.7", currency="EUR").status_code == 201
    assert_refused(post("0.300001", currency="USD"), "share")
    second = post("0.3", currency="USD")
    assert second.status_code == 201
    assert_refused(alice.patch(f"{API}/allocation-targets/{second.json()['id']}", {"share": "0.4"}), "share")
    assert post("1", group="OTHER").status_code == 201
    assert post("1", category_id=str(tree["top"].pk)).status_code == 201
    assert post("1", category_id=str(tree["shares"].pk)).status_code == 201  # of what is in the one above


@pytest.mark.parametrize("share", ["1.1", "-0.1", "0.1234567", "NaN"])
def test_share_that_is_none_is_assert_refused(alice, household, share):
    assert_refused(alice.post(f"{API}/allocation-targets", {"share": share, "group": "OTHER"}), "share")


def test_second_target_for_a_group_is_assert_refused(alice, household, portfolio):
    body = {"share": "0.1", "group": "OTHER"}
    assert alice.post(f"{API}/allocation-targets", body).status_code == 201
    again = alice.post(f"{API}/allocation-targets", body)
    assert_conflict(again, "DUPLICATE_TARGET")
    assert (
        alice.post(f"{API}/allocation-targets", body | {"portfolio_id": str(portfolio.pk)}).status_code == 201
    )


def test_target_across_two_households_is_assert_refused(alice, alice_user, tree):
    other = alice.post(f"{API}/households", {"name": "Other"}).json()["id"]
    foreign = Tag.objects.create(household_id=other, name="Theirs")
    body = {"share": "0.1", "household_id": str(tree["top"].household_id), "tag_id": str(foreign.pk)}
    assert alice.post(f"{API}/allocation-targets", body).json()["code"] == "TAG_NOT_FOUND"


def test_target_goes_with_its_group(alice, household):
    tag = Tag.objects.create(household=household, name="Blue")
    created = alice.post(f"{API}/allocation-targets", {"share": "0.1", "tag_id": str(tag.pk)}).json()
    assert alice.delete(f"{API}/tags/{tag.pk}").status_code == 204
    assert alice.get(f"{API}/allocation-targets/{created['id']}").status_code == 404
