"""The services of targets, stored totals and dismissed findings: each rule, whoever calls."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from assets.models import Category, Tag
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget, DismissedFinding, PortfolioSnapshot
from reports.services import allocation_targets as targets
from reports.services import portfolio_snapshots as snapshots
from reports.services.dismissed_findings import dismiss, show_again
from strata.audit.models import JournalEntry
from strata.exceptions import Conflict, Forbidden, Invalid, NotFound
from strata.tenancy.guards import held_guards

SHARE = Decimal("0.6")
PAST = date(2024, 6, 10)


def forbid(row):
    raise Forbidden


class Checked:
    """A precondition that notes its row, and whether the row's guards were locked when it was called."""

    def __call__(self, row):
        self.row = row
        self.held = held_guards(row) is not None and connection.in_atomic_block


def entries():
    return JournalEntry.objects.count()


# --- targets ---


@pytest.fixture
def target(household):
    return targets.create_target(household.pk, group="OTHER", share=SHARE)


@pytest.mark.parametrize(
    "groups", [{}, {"group": "OTHER", "currency": "EUR"}, {"group": "", "currency": "EUR"}]
)
def test_target_names_exactly_one_group(household, groups):
    with pytest.raises(Invalid) as refused:
        targets.create_target(household.pk, share=SHARE, **groups)
    assert (refused.value.field, refused.value.field_code) == (None, "one_group")
    assert not AllocationTarget.objects.exists()


def test_changed_target_names_exactly_one_group(target):
    for changes in ({"group": None}, {"currency": "EUR"}):
        with pytest.raises(Invalid):
            targets.update_target(target.pk, changes)
    changed = targets.update_target(target.pk, {"group": None, "currency": "EUR"})
    assert (changed.group_by, changed.key) == ("currency", "EUR")


def test_targets_of_a_grouping_are_1_at_most(household, target):
    with pytest.raises(Invalid) as refused:
        targets.create_target(household.pk, group="FINANCIAL", share=Decimal("0.400001"))
    assert (refused.value.field, refused.value.field_code) == ("share", "more_than_all")
    second = targets.create_target(household.pk, group="FINANCIAL", share=Decimal("0.4"))
    with pytest.raises(Invalid):
        targets.update_target(second.pk, {"share": Decimal("0.41")})
    second.refresh_from_db()
    assert second.share == Decimal("0.4")


def test_categories_with_the_same_parent_are_1_at_most(household):
    top = Category.objects.create(household=household, name="Top")
    below = [Category.objects.create(household=household, name=name, parent=top) for name in "ab"]
    for category in (top, below[0]):
        targets.create_target(household.pk, category_id=category.pk, share=SHARE)
    with pytest.raises(Invalid):
        targets.create_target(household.pk, category_id=below[1].pk, share=SHARE)


def test_target_of_another_households_row_is_not_found(household):
    other = Household.objects.create(name="Other")
    tag = Tag.objects.create(household=other, name="Theirs")
    portfolio = Portfolio.objects.create(household=other, name="Theirs")
    for values in ({"tag_id": tag.pk}, {"group": "OTHER", "portfolio_id": portfolio.pk}):
        with pytest.raises(NotFound):
            targets.create_target(household.pk, share=SHARE, **values)
    own = targets.create_target(household.pk, group="OTHER", share=SHARE)
    with pytest.raises(NotFound) as refused:
        targets.update_target(own.pk, {"group": None, "tag_id": tag.pk})
    assert refused.value.code == "TAG_NOT_FOUND"


def test_second_target_of_a_group_is_a_conflict(household, target):
    with pytest.raises(Conflict) as refused:
        targets.create_target(household.pk, group="OTHER", share=Decimal("0.1"))
    assert refused.value.code == "DUPLICATE_TARGET"


def test_unchanged_target_is_not_written(target):
    before = entries()
    targets.update_target(target.pk, {"share": SHARE, "group": "OTHER"})
    assert entries() == before


# --- stored totals ---


def test_total_of_a_day_to_come_is_refused(portfolio):
    with pytest.raises(Invalid) as refused:
        snapshots.take_snapshot(portfolio.pk, on=timezone.localdate().replace(year=2200))
    assert refused.value.field == "on"


def test_second_manual_total_of_a_past_day_is_a_conflict_that_names_the_first(portfolio):
    first = snapshots.take_snapshot(portfolio.pk, on=PAST)
    with pytest.raises(Conflict) as refused:
        snapshots.take_snapshot(portfolio.pk, on=PAST)
    assert refused.value.code == "DUPLICATE_SNAPSHOT"
    assert PortfolioSnapshot.objects.get(**refused.value.existing_key) == first


def test_automatic_total_is_taken_once_a_day_and_stays(portfolio):
    row = snapshots.take_snapshot(portfolio.pk, on=PAST, manual=False)
    before = entries()
    assert snapshots.take_snapshot(portfolio.pk, on=PAST, manual=False) == row
    for refused in (
        lambda: snapshots.update_snapshot(row.pk, {"note": "x"}),
        lambda: snapshots.delete_snapshot(row.pk),
    ):
        with pytest.raises(Conflict, match="taken automatically"):
            refused()
    assert entries() == before


def test_unchanged_note_is_not_written(portfolio):
    row = snapshots.take_snapshot(portfolio.pk, on=PAST, note="Before the move")
    before = entries()
    snapshots.update_snapshot(row.pk, {"note": "Before the move"})
    assert entries() == before
    assert snapshots.update_snapshot(row.pk, {"note": "After it"}).note == "After it"
    assert entries() == before + 1


# --- dismissed findings ---


@pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
def test_dismissal_needs_a_reason_that_can_be_seen(portfolio, reason):
    with pytest.raises(Invalid) as refused:
        dismiss(portfolio.pk, "OTHER-0", reason)
    assert (refused.value.field, refused.value.field_code) == ("reason", "blank")
    assert not DismissedFinding.objects.exists()


def test_same_dismissal_is_not_written_again(portfolio):
    dismiss(portfolio.pk, "OTHER-0", "Known")
    before = entries()
    dismiss(portfolio.pk, "OTHER-0", "Known")
    show_again(portfolio.pk, "OTHER-1")
    assert entries() == before


# --- preconditions ---


WRITES = {
    "create a target": lambda w, check: targets.create_target(
        w["household"].pk, group="FINANCIAL", share=Decimal("0.1"), precondition=check
    ),
    "change a target": lambda w, check: targets.update_target(
        w["target"].pk, {"share": Decimal("0.5")}, precondition=check
    ),
    "delete a target": lambda w, check: targets.delete_target(w["target"].pk, precondition=check),
    "take a total": lambda w, check: snapshots.take_snapshot(w["portfolio"].pk, precondition=check),
    "change a total": lambda w, check: snapshots.update_snapshot(
        w["total"].pk, {"note": "x"}, precondition=check
    ),
    "delete a total": lambda w, check: snapshots.delete_snapshot(w["total"].pk, precondition=check),
}


@pytest.fixture
def rows(household, portfolio, target):
    total = snapshots.take_snapshot(portfolio.pk, on=PAST)
    return {"household": household, "portfolio": portfolio, "target": target, "total": total}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_precondition_gets_the_locked_row_before_anything_is_written(rows, write):
    before = entries()
    with pytest.raises(Forbidden):
        write(rows, forbid)
    assert entries() == before
    check = Checked()
    write(rows, check)
    assert check.held
    assert entries() == before + 1


def test_precondition_of_a_dismissal_gets_what_is_stored(portfolio):
    check = Checked()
    with pytest.raises(Forbidden):
        dismiss(portfolio.pk, "OTHER-0", "Known", precondition=forbid)
    row = dismiss(portfolio.pk, "OTHER-0", "Known", precondition=lambda row: setattr(check, "row", row))
    assert check.row is None
    show_again(portfolio.pk, "OTHER-0", precondition=lambda row: setattr(check, "row", row))
    assert check.row.pk == row.pk and not DismissedFinding.objects.exists()
