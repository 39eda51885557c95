"""The form of an allocation target: per cent, and what the other targets add up to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reports.models import AllocationTarget
from tests.admin_forms import change_form_data, errors_of, save, staff, url


@pytest.fixture
def alices(alice_user):
    return staff(alice_user)


@pytest.fixture
def target(household):
    AllocationTarget.objects.create(household=household, currency="CHF", share=Decimal("0.15"))
    return AllocationTarget.objects.create(household=household, currency="EUR", share=Decimal("0.6"))


def test_a_target_is_typed_and_shown_in_per_cent(alices, target):
    opened = change_form_data(alices, target)
    assert opened["share"] == "60"
    save(alices, target, opened | {"share": "62.5"})
    target.refresh_from_db()
    assert target.share == Decimal("0.625")
    assert 'class="field-target' in alices.get(url(AllocationTarget)).content.decode()


def test_an_unchanged_target_stays_to_the_last_digit(alices, target):
    AllocationTarget.objects.filter(pk=target.pk).update(share=Decimal("0.123456"))
    save(alices, target, change_form_data(alices, target) | {"currency": "USD"})
    target.refresh_from_db()
    assert (target.share, target.currency) == (Decimal("0.123456"), "USD")


def test_the_form_says_what_the_other_targets_add_up_to(alices, target):
    page = alices.get(url(AllocationTarget, "change", target.pk)).content.decode()
    assert "The other targets so far: Currency 15.0\N{NO-BREAK SPACE}%." in page


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("86", "With the other targets of its kind that is more than 100 %."),
        ("101", "100 % at most."),
        ("1.23456", "decimal"),
        ("-1", ""),
    ],
)
def test_what_is_refused_is_said_in_per_cent(alices, target, typed, message):
    errors = errors_of(save(alices, target, change_form_data(alices, target) | {"share": typed}))
    assert message in errors
    target.refresh_from_db()
    assert target.share == Decimal("0.6")


def test_who_may_only_look_reads_per_cent(vera_user, target):
    page = staff(vera_user).get(url(AllocationTarget, "change", target.pk)).content.decode()
    assert "60" in page
    assert "0.6" not in page
