"""The first page of a user without assets: what it offers, and what its button makes."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.test import Client

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from conftest import member
from portfolios.models import Household, Invitation, Portfolio
from portfolios.services.households import create_household
from reports.welcome.tiles import TILES
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.tenancy.roles import EDITOR, VIEWER

WELCOME = "Welcome: add what you own and owe"
NAMES = (
    "Checking account,Savings account,ETF or fund,Shares,Crypto,Pension,House or flat,Mortgage,Car,Loan,"
    "Credit card,Insurance"
)
pytestmark = pytest.mark.django_db


def browser_of(user, language="en") -> Client:
    user.is_staff = True
    user.save()
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


@pytest.fixture
def anna() -> User:
    return User.objects.create(username="anna")


@pytest.fixture
def annas(anna) -> Client:
    return browser_of(anna)


def typed(*things: tuple[str, str], currency="EUR", **settings: str) -> dict:
    """What the page posts where these tiles are ticked: (code, value)."""
    given = {"household": "Ours", "currency": currency, "time_zone": "Europe/Berlin", **settings}
    given["tile"] = [code for code, _ in things]
    for code, value in things:
        given |= {f"{code}.0.name": code.title(), f"{code}.0.value": value, f"{code}.0.currency": currency}
    return given


def alert_on(page: str) -> str:
    return re.search(r'role="alert">(.*?)<', page)[1]


# --- what it shows ---


def test_twelve_things_are_offered_with_their_names(annas):
    page = annas.get("/admin/").content.decode()
    assert WELCOME in re.search(r"<h1.*?</h1>", page, re.DOTALL)[0]
    assert ",".join(str(tile.label) for tile in TILES) == NAMES
    for tile in TILES:
        assert f'value="{tile.code}"' in page
        owed = tile.code in ("MORTGAGE", "LOAN", "CREDIT_CARD")
        assert f'aria-label="{tile.label}: {"amount owed" if owed else "value today"}"' in page


@pytest.mark.parametrize(
    ("language", "currency"),
    [("de-CH,de;q=0.9", "CHF"), ("en-US", "USD"), ("de", "EUR"), ("", "EUR"), ("x-klingon, *", "EUR")],
)
def test_currency_is_that_of_the_country_of_the_browser(anna, language, currency):
    form = browser_of(anna, language).get("/admin/").context["welcome"]
    household = "Haushalt von anna" if language.startswith("de") else "anna's household"
    assert form.typed == {"household": household, "currency": currency, "time_zone": "UTC"}
    assert form.takes_zone_of_browser


def test_existing_household_and_portfolio_fill_the_page(annas, anna):
    household = create_household(anna, "Lindenstrasse 4")
    Portfolio.objects.create(
        household=household, name="Main", base_currency="SEK", time_zone="Europe/Stockholm"
    )
    form = annas.get("/admin/").context["welcome"]
    assert form.typed == {
        "household": "Lindenstrasse 4",
        "currency": "SEK",
        "time_zone": "Europe/Stockholm",
    }
    assert not form.takes_zone_of_browser


def test_invitations_are_shown_there(annas, anna, household):
    Invitation.objects.create(household=household, username="anna")
    assert "You are invited" in annas.get("/admin/").content.decode()


def test_whoever_sees_an_asset_gets_the_dashboard(household, portfolio):
    vera = browser_of(member(household, "vera", VIEWER))
    assert WELCOME in vera.get("/admin/").content.decode()
    Asset.objects.create(portfolio=portfolio, asset_type_id=TypeId.CASH, name="Cash", currency="EUR")
    assert WELCOME not in vera.get("/admin/").content.decode()


def test_superuser_is_not_shown_the_demo_of_others_instead():
    root = browser_of(User.objects.create(username="root", is_superuser=True))
    demo = Portfolio.objects.create(household=Household.objects.create(name="D", is_demo=True), name="All")
    asset = {"asset_type_id": TypeId.CASH, "name": "Cash", "currency": "EUR"}
    Asset.objects.create(portfolio=demo, **asset)
    assert WELCOME in root.get("/admin/").content.decode()
    Asset.objects.create(
        portfolio=Portfolio.objects.create(household=Household.objects.create(name="H"), name="All"), **asset
    )
    assert WELCOME not in root.get("/admin/").content.decode()


# --- what it makes ---


def test_everything_is_made_at_once_and_signed(annas, anna):
    things = [(tile.code, "1,234.50") for tile in TILES]
    answer = annas.post("/admin/welcome/", typed(*things))
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    portfolio = Portfolio.objects.get()
    assert (portfolio.household.name, portfolio.name) == ("Ours", "Everything")
    assert (portfolio.base_currency, portfolio.time_zone) == ("EUR", "Europe/Berlin")
    values = {row.asset.asset_type.code: row.value for row in AssetSnapshot.objects.all()}
    debts = {"MORTGAGE", "LOAN", "CREDIT_CARD"}
    assert values == {
        tile.code: Decimal("-1234.5") if tile.code in debts else Decimal("1234.5") for tile in TILES
    }
    assert {row.household_id for row in JournalEntry.objects.filter(actor_name="anna")} >= {
        portfolio.household_id
    }
    assert WELCOME not in annas.get("/admin/").content.decode()


def test_existing_household_and_portfolio_are_used(annas, anna):
    household = create_household(anna, "Before")
    Portfolio.objects.create(household=household, name="Main", base_currency="SEK")
    annas.post("/admin/welcome/", typed(("CRYPTO", "2"), currency="CHF"))
    portfolio = Portfolio.objects.get()
    assert (portfolio.household.name, portfolio.name, portfolio.base_currency) == ("Ours", "Main", "CHF")
    assert portfolio.assets.get().currency == "CHF"


def test_editor_fills_the_household_without_renaming_it(household):
    bob = browser_of(member(household, "bob", EDITOR))
    assert not bob.get("/admin/").context["welcome"].may_rename
    bob.post("/admin/welcome/", typed(("CRYPTO", "2")))
    assert [asset.portfolio.household.name for asset in Asset.objects.all()] == ["Household"]


def test_viewer_gets_a_household_of_their_own(household):
    vera = browser_of(member(household, "vera", VIEWER))
    vera.post("/admin/welcome/", typed(("CRYPTO", "2")))
    assert [asset.portfolio.household.name for asset in Asset.objects.all()] == ["Ours"]


def test_second_account_an_overpaid_card_and_a_thing_without_a_value(annas):
    given = typed(("CHECKING_ACCOUNT", "1"), ("CREDIT_CARD", "-20"), ("PENSION", ""))
    given |= {"CHECKING_ACCOUNT.1.name": "Joint", "CHECKING_ACCOUNT.1.value": "2"}
    annas.post("/admin/welcome/", given | {"CHECKING_ACCOUNT.1.currency": "usd"})
    rows = {(asset.name, asset.currency): asset.snapshots.first() for asset in Asset.objects.all()}
    assert rows.pop(("Pension", "EUR")) is None
    assert {key: row.value for key, row in rows.items()} == {
        ("Checking_Account", "EUR"): 1,
        ("Joint", "USD"): 2,
        ("Credit_Card", "EUR"): 20,
    }


def test_value_counts_as_a_tick_without_scripts(annas):
    annas.post("/admin/welcome/", typed(("CAR", "")) | {"VEHICLE.0.value": "900", "tile": []})
    assert [asset.name for asset in Asset.objects.all()] == ["Car"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"CRYPTO.0.value": "12x"}, "Enter a number such as 1,234.56."),
        ({"CRYPTO.0.value": "1.234"}, "can be read in more than one way"),
        ({"CRYPTO.0.value": "1.2345678"}, "EUR has at most 2 decimal places."),
        ({"CRYPTO.0.value": "9" * 15}, "at most 14 digits"),
        ({"CRYPTO.0.name": " "}, "not blank"),
        ({"CRYPTO.0.name": "x" * 201}, "at most 200"),
        ({"CRYPTO.0.currency": "EURO"}, "three capital letters"),
        ({"household": ""}, ""),
        ({"household": "a\u202eb"}, "U+202E"),
        ({"currency": "ZZZ"}, "three capital letters"),
        ({"time_zone": "Europe/Nowhere"}, "name of a time zone"),
    ],
)
def test_one_error_keeps_all_that_was_typed_and_makes_nothing(annas, change, error):
    given = typed(("CHECKING_ACCOUNT", "77"), ("CRYPTO", "5")) | change
    answer = annas.post("/admin/welcome/", given)
    page = answer.content.decode()
    assert answer.status_code == 200 and alert_on(page).startswith("Nothing was created yet.")
    form = answer.context["welcome"]
    errors = [*form.errors.values(), *(text for row in form.ticked_rows() for text in row.errors.values())]
    assert len(errors) == 1 and error in errors[0]
    assert page.count('aria-invalid="true"') == 1 and page.count(" checked") == 2
    assert 'value="77"' in page
    assert not Household.objects.exists() and not Asset.objects.exists()


def test_number_of_two_readings_is_asked_about_and_the_answer_is_kept(annas):
    asked = annas.post("/admin/welcome/", typed(("CRYPTO", "1.234"), ("VEHICLE", ""), household=""))
    assert '<button type="submit" name="CRYPTO.0.reading" value="1234">1,234.00</button>' in (
        asked.content.decode()
    )
    answered = typed(("CRYPTO", "1.234"), household="") | {"CRYPTO.0.reading": "1234"}
    kept = annas.post("/admin/welcome/", answered).content.decode()
    assert '<input type="hidden" name="CRYPTO.0.reading" value="1234">' in kept
    annas.post("/admin/welcome/", answered | {"household": "Ours", "CRYPTO.0.reading": "1.234"})
    assert not Asset.objects.exists(), "not one of the readings"
    annas.post("/admin/welcome/", answered | {"household": "Ours"})
    assert AssetSnapshot.objects.get().value == 1234


def test_amounts_are_read_in_the_format_of_the_user(anna):
    browser_of(anna, "de").post("/admin/welcome/", typed(("CRYPTO", "1.234,50"), ("LOAN", "2.000,00")))
    assert {row.value for row in AssetSnapshot.objects.all()} == {Decimal("1234.5"), Decimal(-2000)}


def test_nothing_ticked_is_said(annas):
    answer = annas.post("/admin/welcome/", typed())
    assert alert_on(answer.content.decode()) == "Tick at least one thing that you own or owe."
    assert not Household.objects.exists()


def test_second_click_makes_nothing_twice(annas):
    for _ in range(2):
        assert annas.post("/admin/welcome/", typed(("CRYPTO", "5"))).status_code == 302
    assert (Asset.objects.count(), Household.objects.count()) == (1, 1)


def test_only_staff_reach_it_and_only_a_post_writes(anna, annas):
    assert annas.get("/admin/welcome/")["Location"] == "/admin/"
    anna.is_staff = False
    anna.save()
    assert annas.post("/admin/welcome/", typed(("CRYPTO", "5")))["Location"].startswith("/admin/login/")
    assert not Asset.objects.exists()
