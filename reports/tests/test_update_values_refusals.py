"""What the page Update values asks once only, and what it refuses to save in place of losing or moving it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot
from reports.tests.test_update_values import DAY, ON, PATH, ask, entry, save, values_of
from tests.admin_forms import staff, url
from tests.factories import create_asset, create_valued_asset


@pytest.fixture
def browser(alice_user):
    return staff(alice_user)


@pytest.fixture
def dinars(portfolio):
    return create_asset(portfolio, "Dinars", TypeId.CHECKING_ACCOUNT, currency="KWD")


# --- a number with two readings is asked about once ---


@pytest.mark.parametrize("digits", ["1234", "1.234"])
def test_chosen_reading_is_saved(browser, portfolio, dinars, digits):
    [question] = save(browser, portfolio, entry(dinars, "1.234")).json()["readings"]
    assert dict(zip(question["digits"], question["readings"], strict=True))[digits]
    saved = save(browser, portfolio, entry(dinars, "1.234") | {"reading": digits})
    assert saved.json()["saved"] and values_of(dinars) == [(Decimal(digits), "")]


def test_forged_reading_is_asked_about_again(browser, portfolio, dinars):
    assert "readings" in save(browser, portfolio, entry(dinars, "1.234") | {"reading": "99"}).json()
    assert values_of(dinars) == []


def test_reading_is_chosen_by_a_button_without_scripts(browser, portfolio, dinars):
    form = {"portfolio": portfolio.pk, "on": ON, f"value-{dinars.pk}": "1.234"}
    page = browser.post(PATH, form | {"action": "save"}).content.decode()
    button = f'<button type="submit" name="reading-{dinars.pk}" value="1.234">1.234</button>'
    assert button in page
    browser.post(PATH, form | {f"reading-{dinars.pk}": "1.234"})
    assert values_of(dinars) == [(Decimal("1.234"), "")]


def test_reading_is_chosen_on_the_page_of_the_asset(browser, portfolio, dinars):
    address = f"/admin/assets/asset/{dinars.pk}/value/"
    page = browser.post(address, {"value": "1.234", "on": ON}, follow=True).content.decode()
    assert '<button name="reading" value="1.234">1.234</button>' in page
    assert '<button name="reading" value="1234">1,234.000</button>' in page
    browser.post(address, {"value": "1.234", "on": ON, "reading": "1.234"})
    assert values_of(dinars) == [(Decimal("1.234"), "")]
    forged = browser.get(url(type(dinars), "change", dinars.pk), {"reading": ["1e9", "x", "١"]})
    assert 'name="reading"' not in forged.content.decode()


def test_last_value_is_the_same_again_in_each_of_its_digits(browser, portfolio, dinars):
    """1.234 could be a thousand; and the API takes more decimals than a euro has."""
    euros = create_valued_asset(portfolio, "Euros", TypeId.CHECKING_ACCOUNT, "10.1234")
    AssetSnapshot.objects.create(
        asset=dinars, value="1.234", on=date(2024, 7, 1), observed_at="2024-07-01T12:00Z"
    )
    sent = [entry(dinars, "1.234"), entry(euros, "10.1234")]
    assert "saved" in save(browser, portfolio, *sent).json()
    assert (values_of(dinars), values_of(euros)) == ([(Decimal("1.234"), "")], [(Decimal("10.1234"), "")])


# --- what was typed is saved where it was typed, or not at all ---


def test_value_of_an_asset_that_was_sold_meanwhile_is_not_lost_silently(browser, portfolio):
    kept = create_valued_asset(portfolio, "Kept", TypeId.CASH, "1.00")
    sold = create_asset(portfolio, "Sold", TypeId.CASH, disposed_on=DAY)
    answer = save(browser, portfolio, entry(kept, "1.10"), entry(sold, "1.10")).json()
    assert answer["alert"].startswith("Nothing was saved. Sold is no longer among the assets of this day")
    assert values_of(kept) == []


@pytest.mark.parametrize("day", ["2026-02-30", "9999-01-01", "tomorrow"])
def test_value_for_a_day_that_cannot_be_read_is_not_saved_for_today(browser, portfolio, day):
    account = create_valued_asset(portfolio, "Account", TypeId.CASH, "1.00")
    answer = save(browser, portfolio, entry(account, "1.10"), on=day)
    assert answer.status_code == 400
    assert answer.json()["alert"].startswith("Nothing was saved. Date: ")
    form = {"portfolio": portfolio.pk, "on": day, "action": "save", f"value-{account.pk}": "1.10"}
    assert "Nothing was saved. Date: " in browser.post(PATH, form).content.decode()
    assert AssetSnapshot.objects.count() == 1


def test_unknown_action_is_refused(browser, portfolio):
    for action in (["save"], {"save": 1}, "x", None):
        assert ask(browser, portfolio, action).status_code == 400
    for body in ("[]", "{", '{"action": ' + "[" * 100_000):
        assert browser.post(PATH, body, content_type="application/json").status_code == 400
