"""The first hour in Chromium: from an empty database to a household with twelve things, by few clicks."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest

from assets.models import Asset
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from tests.test_browser import chromium, session_of

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]
THINGS = {
    "Checking account": "1204.55",
    "Savings account": "9,400",
    "ETF or fund": "21000",
    "Shares": "4,100.20",
    "Crypto": "890",
    "Pension": "35000",
    "House or flat": "312,000",
    "Mortgage": "180,000",
    "Car": "11500",
    "Loan": "2500",
    "Credit card": "310.40",
    "Insurance": "6,000",
}
DEBTS = ("Mortgage", "Loan", "Credit card", "Hypothek", "Kredit", "Kreditkarte")
GERMAN_THINGS = {
    "Girokonto": "1204,55",
    "Sparkonto": "9.400",
    "ETF oder Fonds": "21000",
    "Aktien": "4.100,20",
    "Krypto": "890",
    "Altersvorsorge": "35000",
    "Haus oder Wohnung": "312.000",
    "Hypothek": "180.000",
    "Auto": "11500",
    "Kredit": "2500",
    "Kreditkarte": "310,40",
    "Versicherung": "6.000",
}


class Words(NamedTuple):
    """What a person reads and types; `new_value` and `owed` are the names of the fields on Update values."""

    locale: str
    things: dict[str, str]
    welcome: str
    create: str
    update_values: str
    new_value: str
    owed: str
    save: str
    saved: str


ENGLISH = Words(
    "en-IE",
    THINGS,
    "Welcome: add what you own and owe",
    "Create",
    "Update values",
    "New value of {}",
    "Amount owed on {}",
    "Save",
    "Saved 12 values for",
)
GERMAN = Words(
    "de-DE",
    GERMAN_THINGS,
    "Willkommen: Trage ein, was du besitzt und schuldest",
    "Anlegen",
    "Werte aktualisieren",
    "Neuer Wert von {}",
    "Geschuldeter Betrag: {}",
    "Speichern",
    "12 Werte für den",
)
MOST_CLICKS = 40
COUNT_CLICKS = """
    addEventListener("click", event => {
        if (event.detail) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
    }, true);
"""


@pytest.fixture
def anna(db) -> User:
    return User.objects.create(username="anna", is_staff=True)


@pytest.mark.parametrize("words", [ENGLISH, GERMAN], ids=["English", "German"])
def test_twelve_things_take_thirteen_clicks_and_their_next_values_one(live_server, anna, figures, words):
    """Each tile is clicked, its value typed where the focus is, and all of it is created. Then the monthly update."""
    with chromium(
        live_server.url, session_of(anna), locale=words.locale, timezone_id="Europe/Berlin"
    ) as browser:
        page = browser.page
        page.add_init_script(COUNT_CLICKS)
        browser.open("/")
        assert page.url == f"{live_server.url}/admin/"
        page.get_by_role("heading", name=words.welcome, exact=True).wait_for()
        for name, value in words.things.items():
            page.get_by_role("checkbox", name=name, exact=True).click()
            page.keyboard.type(value)
        page.get_by_role("button", name=words.create, exact=True).click()
        page.wait_for_selector(".dash")
        clicks = clicks_in(page)
        browser.require_harmless("the dashboard")
        update_values(browser, words)
        assert clicks_in(page) == clicks + 1
        browser.require_harmless("Update values")
    figures(f"{clicks} clicks")
    assert clicks == len(THINGS) + 1 < MOST_CLICKS
    portfolio = Portfolio.objects.get()
    assert (portfolio.base_currency, portfolio.time_zone) == ("EUR", "Europe/Berlin")
    firsts = {asset.name: asset.snapshots.earliest("observed_at").value for asset in Asset.objects.all()}
    assert firsts == {name: signed(name, figure) for name, figure in plain(words).items()}
    newest = {asset.name: asset.snapshots.latest("observed_at").value for asset in Asset.objects.all()}
    assert newest == {name: signed(name, figure + 1) for name, figure in plain(words).items()}


def clicks_in(page) -> int:
    return int(page.evaluate("sessionStorage.clicks"))


def plain(words: Words) -> dict[str, Decimal]:
    marks = {",": "", ".": "."} if words is ENGLISH else {".": "", ",": "."}
    return {name: Decimal(text.translate(str.maketrans(marks))) for name, text in words.things.items()}


def signed(name: str, figure: Decimal) -> Decimal:
    return -figure if name in DEBTS else figure


def update_values(browser, words: Words) -> None:
    """The values of the next day, each one more than before: typed row by row, as the focus goes, and saved."""
    page = browser.page
    typed = {
        (words.owed if name in DEBTS else words.new_value).format(name): str(figure + 1).replace(
            ".", words.things[next(iter(words.things))][-3]
        )
        for name, figure in plain(words).items()
    }
    tomorrow = date.today() + timedelta(days=1)
    browser.open(f"/admin/update-values/?on={tomorrow}")
    page.get_by_role("heading", name=words.update_values, exact=True).wait_for()
    page.wait_for_function("document.activeElement.name?.startsWith('value-')")
    for _row in typed:
        page.keyboard.type(typed[page.evaluate("document.activeElement.getAttribute('aria-label')")])
        page.keyboard.press("Enter")
    page.get_by_role("button", name=words.save, exact=True).click()
    page.get_by_role("status").filter(has_text=words.saved).wait_for()


def test_keyboard_ticks_adds_another_and_keeps_what_is_typed(live_server, anna):
    with chromium(live_server.url, session_of(anna), viewport={"width": 390, "height": 800}) as browser:
        page = browser.page
        browser.open("/admin/")
        page.get_by_role("checkbox", name="Checking account", exact=True).focus()
        page.keyboard.press("Space")
        page.keyboard.type("100")
        page.get_by_role("button", name="Another checking account").press("Enter")
        page.keyboard.type("12x")
        page.get_by_role("checkbox", name="Crypto", exact=True).press("Space")
        page.keyboard.type("7")
        page.get_by_role("checkbox", name="Crypto", exact=True).press("Space")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Create", exact=True).press("Enter")
        page.get_by_role("alert").wait_for()
        wrong = page.get_by_label("Checking account 2: value today", exact=True)
        assert wrong.evaluate("field => field === document.activeElement && field.value") == "12x"
        assert page.get_by_label("Checking account: value today", exact=True).input_value() == "100"
        wrong.fill("12")
        page.get_by_role("button", name="Create", exact=True).press("Enter")
        page.wait_for_selector(".dash")
        browser.require_harmless("the dashboard")
    names = set(Asset.objects.values_list("name", flat=True))
    assert names == {"Checking account", "Checking account 2"}, "the tile that was unticked again is not made"


def test_demo_is_explored_and_removed_by_two_buttons(live_server, anna):
    with chromium(live_server.url, session_of(anna)) as browser:
        page = browser.page
        browser.open("/admin/")
        page.get_by_role("button", name="Explore with demo data").click()
        page.get_by_role("button", name="Remove demo data").click()
        dialog = page.get_by_role("dialog", name="Remove the demo data?")
        dialog.get_by_role("link", name="Cancel").click()
        page.get_by_role("button", name="Remove demo data").click()
        dialog.get_by_role("button", name="Remove demo data").click()
        page.get_by_role("heading", name="Welcome: add what you own and owe").wait_for()
        browser.require_harmless("removed")
    assert not Household.objects.exists()
