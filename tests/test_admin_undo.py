"""Undo in the admin: after saving and deleting, and on the history page of a row."""

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assets.models import Asset, AssetSnapshot
from portfolios.models import Household, Portfolio
from strata.audit.models import JournalEntry
from tests.admin_forms import change_form_data, save, staff, url
from tests.factories import add_value, create_asset, day

BUTTON = re.compile(
    r'<form method="post" action="(/admin/undo/[^"]+/)".*?<button[^>]*>([^<]+)</button>', re.S
)


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Mortgage")


def buttons(page):
    """The address and the label of each undo button of the page."""
    return BUTTON.findall(page.content.decode())


def press(client, page, number=0, next_page="/admin/"):
    """The page after the button was pressed."""
    return client.post(buttons(page)[number][0], {"next": next_page}, follow=True)


def texts(page):
    return [str(message) for message in page.context["messages"]]


def history(client, row):
    return client.get(url(type(row), "history", row.pk))


def renamed(client, asset, name):
    page = save(client, asset, {**change_form_data(client, asset), "name": name})
    return client.get(page["Location"])


def test_saved_row_is_undone_by_the_button_of_the_message(alices, asset):
    page = renamed(alices, asset, "Loan")
    assert [label for _, label in buttons(page)] == ["Undo"]
    undone = press(alices, page, next_page=url(Asset))
    assert undone.redirect_chain == [(url(Asset), 302)]
    assert texts(undone) == ["Undone: Mortgage."]
    assert Asset.objects.get().name == "Mortgage"
    assert texts(press(alices, undone)) == ["Undone: Loan."]


def test_deleted_row_is_restored_by_the_button_of_the_message(alices, asset):
    add_value(asset, 5, day(0))
    page = alices.post(url(Asset, "delete", asset.pk), {"post": "yes"}, follow=True)
    restored = press(alices, page)
    assert texts(restored) == ["Restored Mortgage."]
    assert AssetSnapshot.objects.get().asset == asset


def test_conflict_is_an_alert(alices, bob_user, asset):
    page = renamed(alices, asset, "Loan")
    renamed(staff(bob_user), asset, "Credit")
    answer = press(alices, page)
    alert = re.search(r'role="alert"[^>]*>(.*?)</div>', answer.content.decode(), re.S)[1]
    assert "Nothing was undone. Credit was changed meanwhile by bob." in alert
    assert Asset.objects.get().name == "Credit"


def test_save_without_a_change_has_no_button(alices, asset):
    assert not buttons(renamed(alices, asset, "Mortgage"))


def test_what_is_never_undone_has_no_button(alices, rita):
    page = rita.post(url(Household, "add"), {"name": "New", "_save": "Save"}, follow=True)
    assert not buttons(page)


def test_history_has_buttons_for_whoever_may_edit(alices, vera_user, asset):
    renamed(alices, asset, "Loan")
    page = history(alices, asset)
    assert [label for _, label in buttons(page)] == ["Undo"]
    assert not buttons(history(staff(vera_user), asset))
    answer = press(alices, page, next_page=url(Asset, "history", asset.pk))
    assert [label for _, label in buttons(answer)] == [
        "Undo",
        "Undo",
    ]  # of the message, and of the undo's own line
    assert "(undo)" in answer.content.decode()


def test_deleted_row_is_restored_from_its_history_and_from_that_of_its_parent(alices, portfolio, asset):
    for row in (asset, portfolio):
        alices.post(url(Asset, "delete", asset.pk), {"post": "yes"})
        page = history(alices, row)
        assert page.status_code == 200
        number = [label for _, label in buttons(page)].index("Restore")
        assert "Restored Mortgage." in texts(press(alices, page, number))
    assert "Deleted: Mortgage" in history(alices, portfolio).content.decode()


def test_strangers_do_not_see_the_history_of_what_was_deleted(alices, charlie_user, asset):
    alices.post(url(Asset, "delete", asset.pk), {"post": "yes"})
    assert history(staff(charlie_user), asset).status_code == 302


def test_undo_needs_a_post_with_a_token_and_a_right(alices, vera_user, charlie_user, asset):
    [(address, _)] = buttons(renamed(alices, asset, "Loan"))
    assert alices.get(address).status_code == 405
    assert Client().post(address)["Location"].startswith(reverse("admin:login"))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(vera_user)
    assert strict.post(address).status_code == 403
    for user in (vera_user, charlie_user):
        texts(staff(user).post(address, follow=True))
        assert Asset.objects.get().name == "Loan"


def test_button_leads_to_no_other_site(alices, asset):
    [(address, _)] = buttons(renamed(alices, asset, "Loan"))
    assert alices.post(address, {"next": "https://example.org/"})["Location"] == "/admin/"


def test_batch_is_one_line_with_one_button(alices, alice, portfolio, asset):
    rows = [
        {"asset_id": str(asset.pk), "on": f"2026-01-{number:02}", "value": "1"} for number in range(1, 13)
    ]
    alice.post("/api/v1/values:batch", {"rows": rows})
    page = history(alices, portfolio)
    assert "Updated 12 values" in page.content.decode()
    answer = press(alices, page, next_page=url(Portfolio, "history", portfolio.pk))
    assert "Undone: 12 values." in texts(answer)
    assert "Undone: updated 12 values" in answer.content.decode()
    assert not AssetSnapshot.objects.exists()
    answer = press(alices, answer, next_page=url(Portfolio, "history", portfolio.pk))
    assert "Repeated: updated 12 values" in answer.content.decode()
    answer = press(alices, answer, next_page=url(Portfolio, "history", portfolio.pk))
    assert answer.content.decode().count("Undone: updated 12 values") == 2


def test_update_values_has_an_undo(alices, alice, portfolio, asset):
    row = {"asset_id": str(asset.pk), "on": "2026-01-01", "value": "1"}
    batch = alice.post("/api/v1/values:batch", {"rows": [row]})
    asked = {
        "action": "undo",
        "request_id": batch["X-Request-Id"],
        "portfolio": str(portfolio.pk),
        "on": "2026-01-01",
    }
    send = lambda: alices.post(reverse("update-values"), json.dumps(asked), content_type="application/json")  # noqa: E731
    assert send().json()["undone"] == "Undone: 1 value."
    assert send().json() == {"alert": "Nothing was undone. Mortgage was deleted meanwhile by alice."}


def test_history_makes_no_query_for_each_line(alices, asset):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert history(alices, asset).status_code == 200
        return len(captured)

    renamed(alices, asset, "0")
    few = queries()
    for number in range(1, 8):
        renamed(alices, asset, str(number))
    assert JournalEntry.objects.filter(object_id=asset.pk).count() > 8
    assert queries() == few
