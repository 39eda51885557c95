"""Each user reads and writes numbers and days in formats of their own. The API's figures and messages never do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from conftest import client_of
from portfolios.models import Portfolio
from strata.accounts.models import User
from strata.accounts.preferences import guess
from strata.accounts.services import issue_token
from tests.admin_forms import change_form_data, errors_of, save, url

# How a number or a day is written does not depend on the database.
pytestmark = pytest.mark.on_sqlite

API = "/api/v1"
ADD_VALUE = url(AssetSnapshot, "add")
SETTINGS = reverse("my-settings")


def browser(user, language="", **preferences) -> Client:
    """A browser that asks for the language, in which the user is logged in."""
    user.is_staff = True
    for name, value in preferences.items():
        setattr(user, name, value)
    user.save()
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.force_login(user)
    return client


def add_value(client, asset, value, on="2026-11-28", **more):
    return client.post(ADD_VALUE, {"asset": asset.pk, "value": value, "on": on, "version": "", **more})


def create_account(portfolio, currency):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Account", currency=currency
    )


@pytest.fixture
def account(portfolio):
    return create_account(portfolio, "EUR")


# --- the guess and the choice ---


@pytest.mark.parametrize(
    ("header", "guessed"),
    [
        ("", ("en", "1,234.56", "D MMM YYYY")),
        ("en-US,en;q=0.9", ("en", "1,234.56", "D MMM YYYY")),
        ("de", ("de", "1.234,56", "DD.MM.YYYY")),
        ("de-AT,en;q=0.5", ("de", "1.234,56", "DD.MM.YYYY")),
        ("en;q=0.5,DE-CH", ("de", "1'234.56", "DD.MM.YYYY")),
        ("fr-FR", ("en", "1 234,56", "DD/MM/YYYY")),
        ("ja,de;q=0.5", ("en", "1,234.56", "D MMM YYYY")),
        ("\x00;;q=x,", ("en", "1,234.56", "D MMM YYYY")),
    ],
)
def test_formats_are_guessed_from_the_first_language_of_the_browser(header, guessed):
    assert guess(header) == guessed


def test_me_changes_the_preferences_and_says_them(alice, alice_user):
    wanted = {"language": "de", "number_format": "1 234,56", "date_format": "DD/MM/YYYY"}
    etag = alice.get(f"{API}/me")["ETag"]
    changed = alice.patch(f"{API}/me", wanted, headers={"If-Match": etag})
    assert (changed.status_code, changed.json() | wanted) == (200, changed.json())
    assert alice.patch(f"{API}/me", {}, headers={"If-Match": etag}).status_code == 412
    assert alice.patch(f"{API}/me", {"language": None}).json()["language"] is None
    fresh = client_of(User.objects.get())
    assert fresh.get(f"{API}/me").json() == changed.json() | {"language": None}


@pytest.mark.parametrize(
    "body",
    [
        {"language": "fr"},
        {"number_format": "1234"},
        {"date_format": ""},
        {"date_format": 5},
        {"username": "eve"},
    ],
)
def test_me_refuses_what_is_no_choice_by_field(alice, alice_user, body):
    refused = alice.patch(f"{API}/me", body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, *body)


def test_a_read_token_changes_no_preference(alice_user):
    _, secret = issue_token(alice_user, scope="read")
    client = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    refused = client.patch(f"{API}/me", {"language": "de"}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "READ_ONLY_TOKEN")


def test_settings_show_the_guess_first_and_then_the_choice(alice_user):
    client = browser(alice_user, "de-CH")
    page = client.get(SETTINGS)
    assert page.context["form"].initial == {
        "language": "de",
        "number_format": "1'234.56",
        "date_format": "DD.MM.YYYY",
    }
    chosen = {"language": "en", "number_format": "1,234.56", "date_format": "YYYY-MM-DD"}
    saved = client.post(SETTINGS, chosen, follow=True)
    assert saved.redirect_chain
    text = saved.content.decode()
    assert '<html lang="en"' in text
    assert "<title>My settings | Strata</title>" in " ".join(text.split()).replace("> ", ">").replace(
        " <", "<"
    )
    assert "Your settings are saved." in text
    assert saved.context["form"].initial == chosen


def test_settings_need_a_login_and_refuse_what_is_no_choice(alice_user):
    assert Client().get(SETTINGS).status_code == 302
    page = browser(alice_user).post(SETTINGS, {"language": "xx", "number_format": "1", "date_format": ""})
    assert (page.status_code, set(page.context["form"].errors)) == (
        200,
        {"language", "number_format", "date_format"},
    )


def test_language_is_of_the_admin_alone(alice, alice_user, account):
    client = browser(alice_user, "de")
    assert '<html lang="de"' in client.get(SETTINGS).content.decode()
    path = f"{API}/assets/{account.pk}/snapshots"
    refused = client_of(alice_user).post(path, {"value": "x"}, headers={"Accept-Language": "de"})
    assert refused.json() == alice.post(path, {"value": "x"}).json() | {
        "request_id": refused.json()["request_id"]
    }
    assert "number" in refused.json()["errors"][0]["message"]


# --- reading ---


@pytest.mark.parametrize(
    ("language", "typed", "value"),
    [
        ("de", "1.234", "1234"),
        ("de", "-1.234,56 €", "-1234.56"),
        ("de-CH", "1'234.5", "1234.5"),
        ("fr", "1 234,56", "1234.56"),
        ("en", "EUR 1,234", "1234"),
        ("en", "1.234,56", "1234.56"),
    ],
)
def test_a_value_is_read_as_its_user_writes_it(alice_user, account, language, typed, value):
    assert add_value(browser(alice_user, language), account, typed).status_code == 302
    assert AssetSnapshot.objects.get().value == D(value)


def test_a_day_is_read_in_the_users_format_and_in_iso(alice_user, account):
    client = browser(alice_user, "de")
    assert add_value(client, account, "1", on="3.4.2026").status_code == 302
    assert add_value(client, account, "1", on="2026-04-04").status_code == 302
    assert set(AssetSnapshot.objects.values_list("on", flat=True)) == {date(2026, 4, 3), date(2026, 4, 4)}
    refused = add_value(client, account, "1", on="03/04/2026")
    assert "DD.MM.YYYY" in errors_of(refused)
    assert "28.11.2026" in errors_of(refused)
    assert "DD.MM.YYYY oder YYYY-MM-DD" in refused.content.decode()


def test_an_uncertain_amount_is_asked_about_and_saved_as_answered(alice_user, account):
    client = browser(alice_user, "en")
    asked = add_value(client, account, "1.234")
    page = asked.content.decode()
    assert (asked.status_code, AssetSnapshot.objects.count()) == (200, 0)
    assert "“1.234” can be read in more than one way." in errors_of(asked)
    assert 'name="value-reading" value="1234"' in page
    assert ">1,234.00</button>" in page
    assert "Change it" in page
    assert page.index('<button type="submit" hidden') < page.index('name="value-reading"')
    other = add_value(client, account, "1.234", **{"value-reading": "999"})
    assert (other.status_code, AssetSnapshot.objects.count()) == (200, 0)
    assert add_value(client, account, "1.234", **{"value-reading": "1234"}).status_code == 302
    assert AssetSnapshot.objects.get().value == 1234


def test_both_readings_are_offered_where_the_currency_has_three_decimals(alice_user, portfolio):
    dinars = create_account(portfolio, "KWD")
    client = browser(alice_user, "en")
    page = add_value(client, dinars, "1.234").content.decode()
    assert ">1,234.000</button>" in page
    assert ">1.234</button>" in page
    assert add_value(client, dinars, "1.234", **{"value-reading": "1.234"}).status_code == 302
    row = AssetSnapshot.objects.get()
    data = change_form_data(client, row)
    assert data["value"] == "1.234"
    assert save(client, row, data | {"note": "the shown amount is not asked about"}).status_code == 302
    row.refresh_from_db()
    assert row.value == D("1.234")


def test_quantities_and_prices_are_read_in_the_users_format(alice_user, account):
    body = {
        "asset": account.pk,
        "type": "ACQUIRE",
        "on": "1.2.2026",
        "quantity": "1,5",
        "unit_price": "2.000,25",
        "fee": "0",
        "tax": "0,5",
    }
    answer = browser(alice_user, "de").post(url(Transaction, "add"), body | {"version": ""})
    assert answer.status_code == 302, errors_of(answer)
    row = Transaction.objects.get()
    assert (row.quantity, row.unit_price, row.amount) == (D("1.5"), D("2000.25"), D("3000.375"))


# --- showing ---


def test_lists_and_forms_show_the_users_formats_and_the_portfolios_zone(alice_user, vera_user, account):
    Portfolio.objects.update(time_zone="Pacific/Kiritimati")
    row = AssetSnapshot.objects.create(
        asset=account, value=D("-1234567.5"), on="2026-11-29", observed_at="2026-11-28T12:30:00Z"
    )
    client = browser(alice_user, "de")
    listed = client.get(url(AssetSnapshot)).content.decode()
    for text in ("-1.234.567,50", "29.11.2026", "29.11.2026 02:30:00"):
        assert text in listed
    page = client.get(url(AssetSnapshot, "change", row.pk)).content.decode()
    for text in ("-1.234.567,50", "29.11.2026", "02:30:00"):
        assert f'value="{text}"' in page
    assert "in Pacific/Kiritimati" in page
    data = change_form_data(client, row)
    assert save(client, row, data | {"note": "unchanged"}).status_code == 302
    assert save(client, row, change_form_data(client, row) | {"observed_at_1": "03:30:00"}).status_code == 302
    row.refresh_from_db()
    assert (row.value, f"{row.observed_at:%d %H:%M}") == (D("-1234567.5"), "28 13:30")
    read_only = browser(vera_user, "fr").get(url(AssetSnapshot, "change", row.pk)).content.decode()
    for text in ("-1\u00a0234\u00a0567,50", "29/11/2026", "29/11/2026 03:30:00"):
        assert text in read_only


# --- the history ---


def test_history_has_the_users_formats(alice_user, account):
    value = AssetSnapshot.objects.create(
        asset=account, value=D("1234.5"), on="2026-11-28", observed_at="2026-11-28T12:30:00Z"
    )
    germans = browser(alice_user, "de")
    save(germans, value, change_form_data(germans, value) | {"value": "2.000,75"})
    page = germans.get(url(AssetSnapshot, "history", value.pk)).content.decode()
    assert "1.234,50 → 2.000,75" in page
    created = page.rpartition("<tr>")[2]
    assert ">28.11.2026</span>" in created and ">28.11.2026 13:30:00</span>" in created


# --- the list of currencies ---


def test_currency_is_typed_or_chosen_from_a_list(alice_user, account):
    page = browser(alice_user, "de").get(url(Asset, "add")).content.decode()
    assert 'list="id_currency-currencies"' in page
    assert (
        '<datalist id="id_currency-currencies">' in page and '<option value="CHF">Schweizer Franken' in page
    )
