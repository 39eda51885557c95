"""POST undo/{request_id}: what one request wrote goes back to what it was, or nothing does."""

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot
from assets.valuation.upkeep import is_outdated
from portfolios.models import Household, Portfolio
from strata.accounts.services import change_password, issue_token
from strata.audit import actor
from strata.audit.models import JournalEntry
from tests.dumps import dump
from tests.factories import add_value, create_asset, day
from tests.undo_requests import add, done, undo

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking account")


def codes(answer):
    return [error["code"] for error in answer.json()["errors"]]


def refused(answer, *expected):
    assert answer.status_code == 409, answer.content
    assert answer.json()["code"] == "UNDO_CONFLICT"
    assert codes(answer) == list(expected), answer.json()
    return answer.json()["errors"]


def impossible(answer, *expected):
    assert answer.status_code == 409, answer.content
    assert (answer.json()["code"], codes(answer)) == ("UNDO_NOT_POSSIBLE", list(expected))


# --- what comes back ---


def test_new_value_is_removed(alice, asset):
    created = add(alice, asset, "5")
    undone = done(undo(alice, created))
    snapshot_id = created.json()["id"]
    assert undone["undone"] == created["X-Request-Id"]
    assert undone["rows"] == [
        {
            "model": "assets.AssetSnapshot",
            "object_id": snapshot_id,
            "name": "Checking account, 28 Nov 2026",
            "outcome": "removed",
        }
    ]
    counts = {name: undone[name] for name in ("removed", "restored", "changed", "row_count")}
    assert counts == {"removed": 1, "restored": 0, "changed": 0, "row_count": 1}
    assert alice.get(f"{API}/assets/{asset.pk}").json()["current_value"] is None
    assert not is_outdated(asset.portfolio_id)


def test_deleted_asset_comes_back_with_all_that_belonged_to_it(alice, portfolio, asset):
    tag = done(alice.post(f"{API}/tags", {"name": "House", "household_id": str(portfolio.household_id)}), 201)
    done(alice.post(f"{API}/assets/{asset.pk}/tags/{tag['id']}"))
    add(alice, asset, "7.25")
    done(
        alice.post(
            f"{API}/assets/{asset.pk}/transactions",
            {"type": "ACQUIRE", "quantity": "1.5", "unit_price": "2.25", "on": "2026-11-01"},
        ),
        201,
    )
    before = dump(portfolio.household)
    deleted = alice.delete(f"{API}/assets/{asset.pk}")
    undone = done(undo(alice, deleted))
    assert undone["restored"] == undone["row_count"] == 4
    assert dump(portfolio.household) == before
    assert not is_outdated(portfolio.pk)


def test_changed_asset_has_its_earlier_values_again(alice, portfolio, asset):
    before = dump(portfolio.household)
    changed = alice.patch(
        f"{API}/assets/{asset.pk}", {"name": "Other", "notes": "x", "acquired_on": "2020-01-01"}
    )
    assert done(undo(alice, changed))["changed"] == 1
    assert dump(portfolio.household) == before
    assert alice.get(f"{API}/assets", {"search": "checking"}).json()["count"] == 1


def test_moved_asset_moves_back(alice, household, portfolio, asset):
    add(alice, asset, "5")
    other = Portfolio.objects.create(household=household, name="Other")
    before = dump(household)
    moved = alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": str(other.pk)})
    assert done(undo(alice, moved))["changed"] == 1
    assert dump(household) == before
    assert not is_outdated(portfolio.pk)
    assert not is_outdated(other.pk)


def test_deleted_portfolio_comes_back_with_a_later_revision(alice, household, portfolio, asset):
    add(alice, asset, "5")
    done(alice.post(f"{API}/portfolios/{portfolio.pk}/snapshots", {"on": "2026-11-28"}), 201)
    before, portfolio = dump(household), Portfolio.objects.get(pk=portfolio.pk)
    deleted = alice.delete(f"{API}/portfolios/{portfolio.pk}")
    done(undo(alice, deleted))
    assert dump(household) == before
    assert Portfolio.objects.get(pk=portfolio.pk).revision > portfolio.revision
    assert not is_outdated(portfolio.pk)


def test_disposal_with_its_sale_is_undone(alice, household, asset):
    add(alice, asset, "5")
    before = dump(household)
    sold = alice.post(f"{API}/assets/{asset.pk}/dispose", {"on": "2026-11-29", "proceeds": "4"})
    assert done(undo(alice, sold))["row_count"] == 2
    assert dump(household) == before
    assert not is_outdated(asset.portfolio_id)


def test_undo_of_an_undo_repeats_the_request(alice, household, asset):
    add(alice, asset, "5")
    deleted = alice.delete(f"{API}/assets/{asset.pk}")
    after = dump(household)
    undone = undo(alice, deleted)
    assert done(undo(alice, undone))["removed"] == 2
    assert dump(household) == after
    assert done(undo(alice, deleted))["restored"] == 2


def test_author_who_was_deleted_since_is_forgotten(alice, bob, bob_user, asset):
    created = done(add(bob, asset, "5"), 201)
    deleted = alice.delete(f"{API}/assets/{asset.pk}/snapshots/{created['id']}")
    bob_user.delete()
    done(undo(alice, deleted))
    assert AssetSnapshot.objects.get().created_by is None


# --- conflicts ---


def test_second_undo_is_a_conflict(alice, asset):
    created = add(alice, asset, "5")
    done(undo(alice, created))
    [error] = refused(undo(alice, created), "GONE")
    assert error["field"] == f"assets.AssetSnapshot/{created.json()['id']}"
    assert error["message"] == "Checking account was deleted meanwhile by alice (28 Nov 2026)."


def test_row_that_was_changed_since_is_a_conflict_and_nothing_changes(alice, bob, household, asset):
    changed = alice.patch(f"{API}/assets/{asset.pk}", {"name": "Giro"})
    bob.patch(f"{API}/assets/{asset.pk}", {"notes": "By bob"})
    before, entries = dump(household), JournalEntry.objects.count()
    answer = undo(alice, changed)
    [error] = refused(answer, "CHANGED")
    assert error["message"] == "Giro was changed meanwhile by bob."
    assert answer.json()["message"] == "Nothing was undone. Giro was changed meanwhile by bob."
    assert (dump(household), JournalEntry.objects.count()) == (before, entries)


def test_row_that_was_changed_and_changed_back_is_no_conflict(alice, bob, asset):
    changed = alice.patch(f"{API}/assets/{asset.pk}", {"name": "Giro"})
    bob.patch(f"{API}/assets/{asset.pk}", {"notes": "By bob"})
    bob.patch(f"{API}/assets/{asset.pk}", {"notes": ""})
    done(undo(alice, changed))


def test_row_with_later_rows_below_it_is_in_use(alice, bob, portfolio):
    created = alice.post(
        f"{API}/assets",
        {
            "name": "Car",
            "portfolio_id": str(portfolio.pk),
            "asset_type_id": str(TypeId.VEHICLE),
            "value": "5",
        },
    )
    done(bob.post(f"{API}/assets/{created.json()['id']}/snapshots", {"value": "4"}), 201)
    [error] = refused(undo(alice, created), "IN_USE")
    assert error["message"].startswith("Car is in use meanwhile by bob: 1 ")


def test_type_of_an_asset_is_in_use(alice, household, asset):
    created = alice.post(
        f"{API}/asset-types", {"code": "BOAT", "label": "Boat", "household_id": str(household.pk)}
    )
    done(alice.patch(f"{API}/assets/{asset.pk}", {"asset_type_id": created.json()["id"]}))
    refused(undo(alice, created), "IN_USE")


def test_value_of_an_asset_that_was_deleted_since_has_no_parent(alice, bob, asset):
    created = done(add(alice, asset, "5"), 201)
    deleted = alice.delete(f"{API}/assets/{asset.pk}/snapshots/{created['id']}")
    done_at = bob.delete(f"{API}/assets/{asset.pk}")
    assert done_at.status_code == 204
    [error] = refused(undo(alice, deleted), "PARENT_GONE")
    assert "bob" in error["message"]
    assert "28 Nov 2026" in error["message"]


def test_instant_that_has_another_value_by_now_is_a_duplicate(alice, asset):
    created = done(add(alice, asset, "5"), 201)
    deleted = alice.delete(f"{API}/assets/{asset.pk}/snapshots/{created['id']}")
    add(alice, asset, "6")
    refused(undo(alice, deleted), "DUPLICATE_SNAPSHOT")


@pytest.mark.parametrize("path", ["tags", "categories", "portfolios"])
def test_name_that_is_taken_by_now_is_a_duplicate(alice, household, path):
    body = {"name": "Boat", "household_id": str(household.pk)}
    created = done(alice.post(f"{API}/{path}", body), 201)
    deleted = alice.delete(f"{API}/{path}/{created['id']}")
    done(alice.post(f"{API}/{path}", {**body, "name": "BOAT"}), 201)
    refused(undo(alice, deleted), "DUPLICATE_NAME")


def test_label_of_an_asset_that_left_its_household_does_not_come_back(alice, alice_user, household, asset):
    tag = done(alice.post(f"{API}/tags", {"name": "House", "household_id": str(household.pk)}), 201)
    done(alice.post(f"{API}/assets/{asset.pk}/tags/{tag['id']}"))
    detached = alice.delete(f"{API}/assets/{asset.pk}/tags/{tag['id']}")
    elsewhere = done(alice.post(f"{API}/households", {"name": "Elsewhere"}), 201)
    body = {"name": "There", "household_id": elsewhere["id"]}
    portfolio_elsewhere = done(alice.post(f"{API}/portfolios", body), 201)
    done(alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": portfolio_elsewhere["id"]}))
    refused(undo(alice, detached), "LABELS_OF_ANOTHER_HOUSEHOLD")


def test_currency_of_an_asset_with_later_values_does_not_go_back(alice, asset):
    changed = alice.patch(f"{API}/assets/{asset.pk}", {"currency": "USD"})
    add(alice, asset, "5")
    refused(undo(alice, changed), "CURRENCY_IN_USE")


def test_disposal_before_a_later_first_value_does_not_come_back(alice, asset):
    done(alice.post(f"{API}/assets/{asset.pk}/dispose", {"on": "2026-11-01"}))
    reinstated = alice.post(f"{API}/assets/{asset.pk}/reinstate")
    add(alice, asset, "5")
    refused(undo(alice, reinstated), "INVALID")


def test_recorded_sale_needs_its_disposal(alice, asset):
    done(alice.post(f"{API}/assets/{asset.pk}/dispose", {"on": "2026-11-01", "proceeds": "5"}))
    sale = asset.transactions.get()
    deleted = alice.delete(f"{API}/assets/{asset.pk}/transactions/{sale.pk}")
    done(alice.post(f"{API}/assets/{asset.pk}/reinstate"))
    refused(undo(alice, deleted), "DISPOSAL_IS_FIXED")


def test_targets_may_not_exceed_all_again(alice, household, portfolio, asset):
    body = {"portfolio_id": str(portfolio.pk), "asset_id": str(asset.pk), "share": "0.7"}
    target = done(alice.post(f"{API}/allocation-targets", body), 201)
    deleted = alice.delete(f"{API}/allocation-targets/{target['id']}")
    other = create_asset(portfolio, "Other")
    done(alice.post(f"{API}/allocation-targets", {**body, "asset_id": str(other.pk)}), 201)
    refused(undo(alice, deleted), "MORE_THAN_ALL")


def test_category_does_not_go_back_below_itself(alice, household):
    def category(name, parent=None):
        body = {"name": name, "household_id": str(household.pk), "parent_id": parent}
        return done(alice.post(f"{API}/categories", body), 201)["id"]

    upper = category("Upper")
    lower = category("Lower", upper)
    moved = alice.patch(f"{API}/categories/{lower}", {"parent_id": None})
    done(alice.patch(f"{API}/categories/{upper}", {"parent_id": lower}))
    assert len(refused(undo(alice, moved), "CYCLE")) == 1


# --- what is never undone ---


def test_members_are_not_undone(alice, household):
    created = alice.post(f"{API}/households", {"name": "New"})
    impossible(undo(alice, created), "MEMBERS")
    path = f"{API}/households/{household.pk}/invitations"
    impossible(undo(alice, alice.post(path, {"username": "newcomer", "role": "viewer"})), "MEMBERS")


def test_name_of_a_household_is_undone_by_an_owner(alice, bob, household):
    renamed = alice.patch(f"{API}/households/{household.pk}", {"name": "New"})
    assert undo(bob, renamed).status_code == 403
    done(undo(alice, renamed))
    assert Household.objects.get(pk=household.pk).name == "Household"


def test_users_and_tokens_are_not_undone(alice, alice_user, charlie):
    with actor.acting(user=alice_user, request_id="token", channel="api"):
        issue_token(alice_user, name="Phone")
    impossible(undo(alice, "token"), "TOKENS")
    assert undo(charlie, "token").status_code == 404
    with actor.acting(user=alice_user, request_id="password", channel="admin"):
        change_password(alice_user.pk, "staple of a new kind")
    impossible(undo(alice, "password"), "USERS", "TOKENS")


def test_rates_are_not_undone(alice, alice_user):
    alice_user.is_superuser = True
    alice_user.save()
    body = {"currency": "USD", "on": "2026-02-01", "units_per_euro": "1.1"}
    impossible(undo(alice, alice.post(f"{API}/exchange-rates", body)), "APPEND_ONLY")


def test_what_no_person_wrote_is_not_undone(alice, asset):
    with actor.acting(request_id="nightly", channel="command:nightly"):
        add_value(asset, 5, day(0))
    impossible(undo(alice, "nightly"), "COMMAND")


def test_several_requests_with_one_id_are_not_undone(alice, asset):
    for value in ("1", "2"):
        body = {"value": value}
        alice.post(f"{API}/assets/{asset.pk}/snapshots", body, HTTP_X_REQUEST_ID="mine")
    impossible(undo(alice, "mine"), "SEVERAL_REQUESTS")


def test_requests_of_others_with_the_same_id_change_nothing(alice, charlie, charlie_user, asset):
    done(charlie.post(f"{API}/portfolios", {"name": "Charlie's"}, HTTP_X_REQUEST_ID="mine"), 201)
    path = f"{API}/assets/{asset.pk}/snapshots"
    created = done(alice.post(path, {"value": "1"}, HTTP_X_REQUEST_ID="mine"), 201)
    assert done(undo(alice, "mine"))["rows"][0]["object_id"] == created["id"]


# --- who ---


def test_who_may_undo(alice, bob, vera, charlie, asset):
    created = add(alice, asset, "5")
    assert (undo(charlie, created).status_code, undo(charlie, created).json()["code"]) == (
        404,
        "REQUEST_NOT_FOUND",
    )
    assert undo(charlie, "unknown").json()["code"] == "REQUEST_NOT_FOUND"
    assert undo(vera, created).status_code == 403
    done(undo(bob, created))


def test_move_is_undone_by_an_editor_of_both_households(alice, bob, charlie, charlie_user, asset):
    elsewhere = done(alice.post(f"{API}/households", {"name": "Elsewhere"}), 201)
    Household.objects.get(pk=elsewhere["id"]).memberships.create(user=charlie_user, role="editor")
    portfolio_elsewhere = done(
        alice.post(f"{API}/portfolios", {"name": "There", "household_id": elsewhere["id"]}), 201
    )
    moved = alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": portfolio_elsewhere["id"]})
    assert undo(bob, moved).status_code == 403
    assert undo(charlie, moved).status_code == 403
    done(undo(alice, moved))


# --- an undo is a write ---


def test_headers(alice, asset):
    created = add(alice, asset, "5")
    assert undo(alice, created, HTTP_IF_MATCH="*").json()["code"] == "IF_MATCH_NOT_SUPPORTED"
    assert alice.post(f"{API}/undo/{created['X-Request-Id']}", {"a": 1}).status_code == 400
    first, second = (undo(alice, created, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    assert done(first) == done(second)
    assert second["Idempotency-Replayed"] == "true"


def test_etags_are_new(alice, asset):
    path = f"{API}/assets/{asset.pk}"
    before = alice.get(path)["ETag"]
    undo(alice, alice.patch(path, {"name": "Giro"}))
    assert alice.get(path)["ETag"] != before
    assert alice.patch(path, {"name": "x"}, HTTP_IF_MATCH=before).status_code == 412


def test_past_is_right_before_between_and_after(alice, portfolio, asset):
    add(alice, asset, "5")
    names = {"Checking account"}

    def known(at):
        listed = done(alice.get(f"{API}/assets", {"known_at": at.isoformat()}))["results"]
        path = f"{API}/portfolios/{portfolio.pk}"
        worth = done(alice.get(path, {"known_at": at.isoformat(), "on": "2026-12-01"}))
        return {row["name"] for row in listed}, worth["total_value"]

    before = timezone.now()
    deleted = alice.delete(f"{API}/assets/{asset.pk}")
    between = timezone.now()
    undone = undo(alice, deleted)
    after = timezone.now()
    undo(alice, undone)
    at_last = timezone.now()
    assert known(before) == known(after) == (names, "5.00")
    assert known(between) == known(at_last) == (set(), "0.00")


# --- history ---


def test_history_says_what_undoes_what(alice, portfolio, asset):
    path = f"{API}/assets/{asset.pk}"
    changed = alice.patch(path, {"name": "Giro"})
    undone = undo(alice, changed)
    newest, older = done(alice.get(f"{path}/history"))["results"][:2]
    ids = changed["X-Request-Id"], undone["X-Request-Id"]
    assert (newest["request_id"], newest["undo_of"], newest["undone_by"]) == (ids[1], ids[0], None)
    assert (older["request_id"], older["undo_of"], older["undone_by"]) == (ids[0], None, ids[1])
    event = done(alice.get(f"{API}/portfolios/{portfolio.pk}/history"))["results"][0]
    assert (event["action"], event["count"], event["undo_of"]) == ("undo", 1, ids[0])
    assert event["fields_changed"] == []


def test_restored_row_continues_its_history(alice, asset):
    deleted = alice.delete(f"{API}/assets/{asset.pk}")
    undo(alice, deleted)
    actions = [event["action"] for event in done(alice.get(f"{API}/assets/{asset.pk}/history"))["results"]]
    assert actions == ["create", "delete", "create"]


# --- what a loan is secured on, which may go and come back without a write of the loan ---


@pytest.fixture
def secured(alice, portfolio):
    """A house, and the mortgage that is secured on it."""
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    loan = create_asset(portfolio, "Mortgage", TypeId.MORTGAGE)
    terms = {
        "valuation": "loan",
        "principal": "1000",
        "started_on": "2026-01-01",
        "first_payment_on": "2026-02-01",
        "term": 12,
        "rates": [{"on": "2026-01-01", "rate": "0.03"}],
        "collateral_id": str(house.pk),
    }
    done(alice.put(f"{API}/assets/{loan.pk}/terms", terms))
    return house, loan


def collateral_of(client, loan) -> str | None:
    return done(client.get(f"{API}/assets/{loan.pk}/terms"))["collateral_id"]


def test_deletion_of_a_collateral_is_undone_repeated_and_undone_again(alice, secured):
    house, loan = secured
    last = alice.delete(f"{API}/assets/{house.pk}")
    for expected in (str(house.pk), None, str(house.pk)):
        last = undo(alice, last)
        done(last)
        assert collateral_of(alice, loan) == expected


def test_loan_comes_back_without_its_collateral_and_has_it_again_with_it(alice, secured):
    house, loan = secured
    gone = [alice.delete(f"{API}/assets/{asset.pk}") for asset in (loan, house)]
    done(undo(alice, gone[0]))
    assert collateral_of(alice, loan) is None
    done(undo(alice, gone[1]))
    assert collateral_of(alice, loan) == str(house.pk)
