"""The section "New value" on an asset's page, and the values that are listed below it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from conftest import member
from strata.tenancy.roles import VIEWER
from tests.admin_forms import staff, url
from tests.factories import add_value, create_valued_asset


@pytest.fixture
def account(portfolio):
    return create_valued_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, "1000.00")


@pytest.fixture
def browser(household, alice_user):
    return staff(alice_user)


def enter(browser, asset, **fields):
    answer = browser.post(f"/admin/assets/asset/{asset.pk}/value/", fields, follow=True)
    return answer, answer.content.decode()


def test_value_is_saved_and_replaces_one_of_the_same_day(browser, account):
    _, page = enter(browser, account, value="1,100", on="2024-07-31", note="statement")
    assert "Saved the value for 2024-07-31." in page
    enter(browser, account, value="1,150", on="2024-07-31")
    stored = AssetSnapshot.objects.get(on="2024-07-31")
    assert (stored.value, stored.note) == (Decimal(1150), "statement")


def test_value_without_a_day_is_of_today(browser, account, time_machine):
    time_machine.move_to("2026-03-02T18:00:00Z")
    enter(browser, account, value="1,100")
    assert AssetSnapshot.objects.filter(on="2026-03-02").exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"value": "abc", "on": "2024-07-31"}, "Enter a number such as"),
        ({"value": "1.234", "on": "2024-07-31"}, "can be read in more than one way"),
        ({"value": "", "on": "2024-07-31"}, "Enter a value."),
        ({"value": "5", "on": "31/31/2024"}, "Enter a day as YYYY-MM-DD."),
    ],
)
def test_what_cannot_be_read_is_said_and_stays_in_its_field(browser, account, fields, reason):
    _, page = enter(browser, account, **fields)
    assert reason in page
    assert f'name="value" value="{fields["value"]}"' in page
    assert AssetSnapshot.objects.count() == 1


def test_probable_typing_error_is_saved_when_the_button_is_pressed_again(browser, account):
    _, page = enter(browser, account, value="10,000", on="2024-07-31")
    assert "about 10 times as much" in page
    assert "Save anyway" in page
    enter(browser, account, value="10,000", on="2024-07-31", confirmed="1")
    assert AssetSnapshot.objects.get(on="2024-07-31").value == 10_000


def test_values_are_listed_25_a_page_with_links_to_edit_them(browser, account):
    for number in range(30):
        add_value(account, number, date(2024, 7, 1) + timedelta(days=number))
    for query, count in (({}, 25), ({"values": "2"}, 6), ({"values": "x"}, 25)):
        page = browser.get(url(Asset, "change", account.pk), query).content.decode()
        assert page.count('aria-label="Edit: value of') == count


def test_viewer_and_stranger_save_nothing(household, account, charlie_user):
    vera = staff(member(household, "vera", VIEWER))
    page = vera.get(url(Asset, "change", account.pk)).content.decode()
    assert "New value" not in page and 'aria-label="View: value of 2' in page and "Edit" not in page
    for client, status in ((vera, 403), (staff(charlie_user), 404)):
        answer, _ = enter(client, account, value="5", on="2024-07-31")
        assert answer.status_code == status
    assert vera.get(f"/admin/assets/asset/{account.pk}/value/").status_code == 405
    assert AssetSnapshot.objects.count() == 1
