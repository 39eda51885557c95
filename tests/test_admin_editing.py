"""Editing in the admin: nobody overwrites another user's change, and the API's rules apply."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Category, Tag, Transaction
from assets.services.entries.disposal import dispose
from portfolios.models import Household, Membership, Portfolio
from strata.accounts.models import User
from strata.admin import forms as editing
from strata.audit.models import JournalEntry
from strata.tenancy.roles import EDITOR
from tests.admin_forms import change_form_data, errors_of, save, staff, url
from tests.factories import create_asset
from tests.sample_rows import create_row

TODAY = date(2026, 1, 31)
NOON = datetime(2026, 1, 31, 11, tzinfo=UTC)


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Account")


@pytest.fixture
def value(asset):
    return AssetSnapshot.objects.create(asset=asset, value="10", on=TODAY, observed_at=NOON)


@pytest.fixture
def income(asset):
    return Transaction.objects.create(
        asset=asset, type="INCOME", amount="10", currency="EUR", on=TODAY, occurred_at=NOON
    )


# --- nobody overwrites another user's change ---


def test_second_of_two_concurrent_edits_is_refused(alices, bobs, asset):
    alices_form, bobs_form = change_form_data(alices, asset), change_form_data(bobs, asset)
    assert save(bobs, asset, bobs_form | {"name": "Bob's"}).status_code == 302
    answer = save(alices, asset, alices_form | {"notes": "Alice's"})
    assert (answer.status_code, str(editing.STALE) in errors_of(answer)) == (200, True)
    asset.refresh_from_db()
    assert (asset.name, asset.notes) == ("Bob's", "")
    assert save(alices, asset, change_form_data(alices, asset) | {"notes": "Alice's"}).status_code == 302


@pytest.mark.parametrize(("model", "text"), [(Category, "name"), (Tag, "name"), (AssetType, "label")])
def test_stale_form_is_refused_for_every_label_model(alices, household, model, text):
    row = create_row(model, "Old", {Household: household})
    opened = change_form_data(alices, row)
    setattr(row, text, "Newer")
    row.save()
    answer = save(alices, row, opened | {text: "Mine"})
    assert str(editing.STALE) in errors_of(answer)
    assert save(alices, row, {**opened, text: "Mine", "version": ""}).status_code == 200, (
        "a form without a version is refused too"
    )
    row.refresh_from_db()
    assert getattr(row, text) == "Newer"


def test_asset_form_does_not_overwrite_a_transaction_changed_meanwhile(alices, bob, asset, income):
    opened = change_form_data(alices, asset)
    path = f"/api/v1/assets/{asset.pk}/transactions/{income.pk}"
    assert bob.patch(path, {"amount": "20"}).status_code == 200
    answer = save(alices, asset, opened | {"name": "Renamed"})
    assert str(editing.STALE) in errors_of(answer)
    income.refresh_from_db()
    assert income.amount == 20


def test_asset_form_does_not_restore_a_transaction_deleted_meanwhile(alices, asset, income):
    opened = change_form_data(alices, asset)
    income.delete()
    assert save(alices, asset, opened | {"transactions-0-amount": "30"}).status_code == 200
    assert not Transaction.objects.exists()


def test_asset_form_does_not_overwrite_labels_changed_meanwhile(alices, bob, asset, household):
    tag = Tag.objects.create(household=household, name="new")
    opened = change_form_data(alices, asset)
    assert bob.post(f"/api/v1/assets/{asset.pk}/tags/{tag.pk}").status_code == 200
    assert str(editing.STALE) in errors_of(save(alices, asset, opened | {"name": "Renamed"}))
    assert asset.tags.get() == tag


def test_form_without_changes_leaves_no_journal_entry(alices, asset, income):
    before = JournalEntry.objects.count()
    assert save(alices, asset, change_form_data(alices, asset)).status_code == 302
    assert JournalEntry.objects.count() == before
    assert added_transaction(alices, asset, amount="11", on="2026-02-01").status_code == 302
    assert list(JournalEntry.objects.filter(model="assets.Asset", action="update")) == []
    assert Transaction.objects.get(on="2026-02-01").amount == 11


def test_inline_page_that_shifted_writes_the_rows_that_it_showed(alices, asset):
    for day in range(1, 26):
        at = NOON - timedelta(days=day)
        Transaction.objects.create(
            asset=asset, type="INCOME", amount=day, currency="EUR", on=at.date(), occurred_at=at
        )
    opened = change_form_data(alices, asset)
    Transaction.objects.create(
        asset=asset, type="INCOME", amount=0, currency="EUR", on=TODAY, occurred_at=NOON
    )
    assert save(alices, asset, opened | {"transactions-19-amount": "777"}).status_code == 302
    assert Transaction.objects.get(amount=777).on == TODAY - timedelta(days=20)
    assert Transaction.objects.count() == 26


@pytest.mark.parametrize("page", ["0", "00", "²", "-1", "x", "9" * 30, "2"])
def test_any_page_of_an_inline_and_of_the_values_opens(alices, asset, value, income, page):
    for name in ("transactions-page", "values"):
        assert alices.get(url(Asset, "change", asset.pk), {name: page}).status_code == 200


def test_form_keeps_the_microseconds_of_an_instant(alices, asset):
    exact = NOON.replace(second=30, microsecond=123456)
    row = AssetSnapshot.objects.create(asset=asset, value=1, on=TODAY, observed_at=exact)
    assert save(alices, row, change_form_data(alices, row) | {"value": "2"}).status_code == 302
    row.refresh_from_db()
    assert (row.value, row.observed_at) == (2, exact)


# --- what a constraint refuses becomes an error of the form ---


def test_second_value_of_an_instant_is_an_error_of_the_form(alices, asset, value):
    body = {"asset": asset.pk, "value": "11", "on": "2026-01-31", "version": ""}
    answer = alices.post(url(AssetSnapshot, "add"), body)
    assert (answer.status_code, "has a value at this instant" in errors_of(answer)) == (200, True)
    assert AssetSnapshot.objects.count() == 1


def test_conflict_that_only_the_database_finds_is_a_message(alices, household, monkeypatch):
    """Two saves can race between the form's check and the write."""
    Tag.objects.create(household=household, name="Blue")
    monkeypatch.setattr(
        editing.ServiceCheckedForm,
        "_post_clean",
        lambda self: super(editing.ServiceCheckedForm, self)._post_clean(),
    )
    answer = alices.post(
        url(Tag, "add"), {"household": household.pk, "name": "blue", "version": ""}, follow=True
    )
    assert b"Nothing was saved" in answer.content
    assert Tag.objects.count() == 1


# --- the API's rules ---


def test_new_asset_gets_its_first_values_and_the_portfolios_currency(alices, portfolio):
    data = {"name": "Car", "portfolio": portfolio.pk, "asset_type": TypeId.CHECKING_ACCOUNT, "on": ""}
    data |= {f"{name}-INITIAL_FORMS": "0" for name in ("snapshots", "transactions")}
    data |= {"snapshots-TOTAL_FORMS": "1", "snapshots-0-value": "5", "snapshots-0-on": "2026-01-31"}
    data |= {"transactions-TOTAL_FORMS": "1", "transactions-0-type": "ACQUIRE", "transactions-0-amount": "6"}
    data |= {"transactions-0-on": "2026-01-30", "transactions-0-fee": "0", "transactions-0-tax": "0"}
    answer = alices.post(url(Asset, "add"), data)
    assert answer.status_code == 302, errors_of(answer)
    car = Asset.objects.get()
    assert (car.currency, car.snapshots.get().observed_at) == ("EUR", NOON)
    bought = car.transactions.get()
    assert (bought.currency, bought.amount, bought.position) == ("EUR", 6, 0)
    alices.post(url(Asset, "add"), data | {"portfolio": "", "name": "Other"})
    twice = {"snapshots-TOTAL_FORMS": "2", "snapshots-1-value": "6", "snapshots-1-on": "2026-01-31"}
    assert str(editing.TAKEN) in errors_of(alices.post(url(Asset, "add"), data | twice))
    assert Asset.objects.count() == 1


def test_transaction_moved_to_another_day_occurred_at_its_noon(alices, asset, income):
    data = change_form_data(alices, asset) | {"transactions-0-on": "2026-02-03"}
    assert save(alices, asset, data).status_code == 302
    income.refresh_from_db()
    assert (income.on, income.occurred_at) == (date(2026, 2, 3), NOON + timedelta(days=3))


def test_transactions_of_a_day_are_numbered_in_order(alices, asset):
    body = {"asset": asset.pk, "type": "INCOME", "fee": "0", "tax": "0", "on": "2026-01-31", "version": ""}
    for amount in ("1", "2"):
        assert alices.post(url(Transaction, "add"), body | {"amount": amount}).status_code == 302
    rows = Transaction.objects.order_by("position").values_list("position", "amount", "currency")
    assert list(rows) == [(0, Decimal(1), "EUR"), (1, Decimal(2), "EUR")]


def test_currency_of_an_asset_with_values_cannot_change(alices, asset, value):
    answer = save(alices, asset, change_form_data(alices, asset) | {"currency": "USD"})
    assert "currency" in answer.context["adminform"].form.errors
    value.delete()
    assert save(alices, asset, change_form_data(alices, asset) | {"currency": "USD"}).status_code == 302


def test_an_asset_moves_to_another_household_only_without_its_labels(alices, alice_user, asset, household):
    other = Household.objects.create(name="Other")
    Membership.objects.create(household=other, user=alice_user, role=EDITOR, accepted_at=NOON)
    destination = Portfolio.objects.create(household=other, name="There")
    asset.tags.add(Tag.objects.create(household=household, name="here"))
    moved = change_form_data(alices, asset) | {"portfolio": str(destination.pk)}
    assert save(alices, asset, moved).status_code == 200
    moved.pop("tags")
    assert save(alices, asset, moved).status_code == 302
    asset.refresh_from_db()
    assert (asset.portfolio, asset.tags.count()) == (destination, 0)


def test_clearing_the_disposal_day_deletes_the_disposal_transaction(alices, asset):
    dispose(asset.pk, on=TODAY, proceeds=Decimal(5))
    assert Transaction.objects.count() == 1
    assert save(alices, asset, change_form_data(alices, asset) | {"disposed_on": ""}).status_code == 302
    asset.refresh_from_db()
    assert (asset.disposed_on, Transaction.objects.count()) == (None, 0)


def test_assets_are_disposed_of_and_reinstated_from_the_list(alices, asset):
    for action, gone in (("dispose_of", True), ("reinstate", False)):
        answer = alices.post(url(Asset), {"action": action, "_selected_action": str(asset.pk), "index": "0"})
        assert answer.status_code == 302
        asset.refresh_from_db()
        assert (asset.disposed_on is not None) == gone


def test_action_skips_rows_that_the_user_may_only_view(alices, alice_user, asset):
    other = Household.objects.create(name="Other")
    Membership.objects.create(household=other, user=alice_user, role="viewer", accepted_at=NOON)
    viewed = create_row(Asset, "seen", {Household: other})
    chosen = {"action": "dispose_of", "_selected_action": [str(asset.pk), str(viewed.pk)], "index": "0"}
    answer = alices.post(url(Asset), chosen, follow=True)
    assert b"Marked as sold today: 1 of 2." in answer.content
    viewed.refresh_from_db()
    assert viewed.disposed_on is None


def test_shared_types_are_read_only_but_to_superusers(alices):
    shared = AssetType.objects.get(pk=TypeId.CASH)
    assert alices.post(url(AssetType, "change", shared.pk), {"label": "Mine"}).status_code == 403
    body = {"code": "MINE", "label": "Mine", "group": "OTHER", "kind": "value", "stale_after_days": "1"}
    assert "household" in alices.post(url(AssetType, "add"), body).context["adminform"].form.errors
    root = staff(User.objects.create(username="root", is_superuser=True))
    assert save(root, shared, change_form_data(root, shared) | {"label": "Better"}).status_code == 302
    assert root.post(url(AssetType, "add"), body | {"version": ""}).status_code == 302
    assert AssetType.objects.get(code="MINE").household is None


def test_own_type_cannot_use_a_shared_code(alices, household):
    taken = AssetType.objects.filter(household=None).first().code
    body = {"code": taken, "label": "Mine", "group": "OTHER", "kind": "value", "stale_after_days": "1"}
    answer = alices.post(url(AssetType, "add"), body | {"household": household.pk})
    assert "code" in answer.context["adminform"].form.errors


def test_row_in_use_is_not_deleted_and_the_page_names_its_user(alices, household, asset):
    top = Category.objects.create(household=household, name="Top")
    Category.objects.create(household=household, name="Below", parent=top)
    own = AssetType.objects.create(household=household, code="OWN", label="Own")
    Asset.objects.filter(pk=asset.pk).update(asset_type=own)
    for row, user in ((top, b"Below"), (own, b"Account")):
        assert user in alices.get(url(type(row), "delete", row.pk)).content
        alices.post(url(type(row), "delete", row.pk), {"post": "yes"})
        assert type(row).objects.filter(pk=row.pk).exists()


def added_transaction(client, asset, **fields):
    """Save the asset's page with one more transaction."""
    data = change_form_data(client, asset)
    number = int(data["transactions-TOTAL_FORMS"])
    fields = {"type": "INCOME", "fee": "0", "tax": "0"} | fields
    row = {f"transactions-{number}-{name}": text for name, text in fields.items()}
    return save(client, asset, data | {"transactions-TOTAL_FORMS": str(number + 1)} | row)


def test_transaction_without_a_day_is_of_now(alices, asset, time_machine):
    time_machine.move_to("2026-03-02T18:00:00Z")
    for amount in ("1", "2"):
        assert added_transaction(alices, asset, amount=amount).status_code == 302
    newest = asset.transactions.order_by("position").last()
    assert (newest.amount, newest.occurred_at.hour) == (Decimal(2), 18)


def test_value_without_a_day_is_of_now_and_the_newest(alices, asset, time_machine):
    time_machine.move_to("2026-03-02T18:00:00Z")
    for amount in ("1", "2"):
        body = {"asset": asset.pk, "value": amount, "version": ""}
        assert alices.post(url(AssetSnapshot, "add"), body).status_code == 302
    newest = asset.snapshots.order_by("observed_at").last()
    assert (newest.value, newest.observed_at.hour) == (Decimal(2), 18)


def test_emptied_instant_is_noon_of_the_day_and_an_emptied_day_that_of_the_instant(alices, value):
    moved = change_form_data(alices, value) | {"on": "2026-02-03", "observed_at_0": "", "observed_at_1": ""}
    assert save(alices, value, moved).status_code == 302
    value.refresh_from_db()
    assert (value.on, value.observed_at) == (date(2026, 2, 3), NOON + timedelta(days=3))
    moved = change_form_data(alices, value) | {"on": "", "observed_at_0": "2026-02-05"}
    assert save(alices, value, moved).status_code == 302
    value.refresh_from_db()
    assert value.on == date(2026, 2, 5)


def test_instant_that_leaves_the_day_shown_beside_it_is_refused(alices, value):
    answer = save(alices, value, change_form_data(alices, value) | {"observed_at_0": "2026-02-04"})
    assert answer.context["adminform"].form.errors.keys() == {"on"}
    value.refresh_from_db()
    assert (value.on, value.observed_at) == (TODAY, NOON)


def test_reinstated_asset_may_lose_its_sale_in_the_same_form(alices, asset):
    dispose(asset.pk, on=TODAY, proceeds=Decimal(5))
    data = change_form_data(alices, asset) | {"disposed_on": "", "transactions-0-DELETE": "on"}
    before = JournalEntry.objects.filter(object_id=asset.pk).count()
    assert save(alices, asset, data).status_code == 302
    asset.refresh_from_db()
    assert (asset.disposed_on, asset.transactions.count()) == (None, 0)
    assert JournalEntry.objects.filter(object_id=asset.pk).count() == before + 1


def test_refusals_of_a_service_are_beside_their_fields(alices, household):
    elsewhere = Household.objects.create(name="Elsewhere")
    Membership.objects.create(household=elsewhere, user=User.objects.get(username="alice"), role=EDITOR)
    foreign = Category.objects.create(household=elsewhere, name="Theirs")
    body = {"household": household.pk, "name": "x", "parent": foreign.pk, "version": ""}
    answer = alices.post(url(Category, "add"), body)
    assert answer.context["adminform"].form.errors == {"parent": ["Category not found."]}


def test_transaction_without_a_currency_has_that_of_its_asset(alices, asset):
    body = {"asset": asset.pk, "type": "INCOME", "amount": "1", "fee": "0", "tax": "0", "currency": "USD"}
    assert alices.post(url(Transaction, "add"), body | {"on": "2026-01-31", "version": ""}).status_code == 302
    row = Transaction.objects.get()
    assert save(alices, row, change_form_data(alices, row) | {"currency": ""}).status_code == 302
    row.refresh_from_db()
    assert row.currency == "EUR"
