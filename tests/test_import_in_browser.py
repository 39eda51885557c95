"""A spreadsheet in Chromium: three years of twelve accounts are dropped, asked about, imported, seen and undone."""

from __future__ import annotations

from base64 import b64encode
from calendar import monthrange
from datetime import date
from decimal import Decimal
from time import monotonic

import pytest

from assets.models import Asset, AssetSnapshot
from imports.models import Import
from imports.tests.files import xlsx
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from tests.test_browser import chromium, session_of
from tests.test_welcome_in_browser import COUNT_CLICKS, clicks_in

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]
FIRSTS = {
    "Girokonto": "1204.55",
    "Tagesgeld": "9400",
    "Gemeinschaftskonto": "800.10",
    "Notgroschen": "5000",
    "ETF-Depot": "21000",
    "Aktien": "4100.20",
    "Krypto": "890",
    "Altersvorsorge": "35000",
    "Haus": "312000",
    "Auto": "11500",
    "Hypothek": "180000",
    "Kreditkarte": "310.40",
}
DEBTS = ("Hypothek", "Kreditkarte")
MONTHS = [
    date(year, month, monthrange(year, month)[1]) for year in (2023, 2024, 2025) for month in range(1, 13)
]
VALUES = {
    name: {on: Decimal(first) + 10 * number for number, on in enumerate(MONTHS)}
    for name, first in FIRSTS.items()
}
TOTAL = sum(-values[MONTHS[-1]] if name in DEBTS else values[MONTHS[-1]] for name, values in VALUES.items())
# Into the field of the one question that has to be answered, to import, and to open the dashboard.
MOST_CLICKS = 3
MOST_SECONDS = 120
DROP = """([name, content]) => {
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(atob(content), letter => letter.charCodeAt(0))], name))
    const zone = document.querySelector("[data-drop]")
    for (const type of ["dragenter", "dragover", "drop"])
        zone.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}))
}"""


def german(amount: Decimal) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def spreadsheet() -> bytes:
    """Months down, accounts across, a column of sums; days and amounts are texts as a German writes them."""
    rows = [["Monat", *VALUES, "Summe"]]
    for on in MONTHS:
        amounts = [values[on] for values in VALUES.values()]
        total = sum(-values[on] if name in DEBTS else values[on] for name, values in VALUES.items())
        rows.append([f"{on:%d.%m.%Y}", *map(german, amounts), german(Decimal(total))])
    return xlsx({"Vermögen": rows})


def drop(page, content: bytes, name: str = "vermoegen.xlsx") -> None:
    with page.expect_navigation():
        page.evaluate(DROP, [name, b64encode(content).decode()])


@pytest.fixture
def anna(db) -> User:
    return User.objects.create(username="anna", is_staff=True)


def test_three_years_of_twelve_accounts_take_three_clicks_after_the_drop(live_server, anna, figures):
    """The user has no portfolio yet. One question has to be answered, the currency; what is owed is only confirmed."""
    with chromium(live_server.url, session_of(anna), locale="de-DE", timezone_id="Europe/Berlin") as browser:
        page = browser.page
        page.add_init_script(COUNT_CLICKS)
        browser.open("/admin/import/")
        page.get_by_label("Datei hierher ziehen").wait_for()
        started = monotonic()
        drop(page, spreadsheet())
        page.get_by_text("444 neu, 0 geändert, 1 ausgelassen, 0 nicht lesbar").wait_for()
        page.get_by_label("In welcher Währung sind diese Beträge?").click()
        page.keyboard.type("eur")
        page.get_by_role("button", name="Importieren", exact=True).click()
        page.get_by_role("link", name="Nettovermögen ansehen").click()
        page.locator(".dash-figure").filter(has_text=f"{german(TOTAL)} EUR").wait_for()
        seconds, clicks = monotonic() - started, clicks_in(page)
        browser.require_harmless("the dashboard")
    figures(f"{clicks} clicks, {seconds:.1f} s from the drop to the dashboard")
    assert clicks <= MOST_CLICKS and seconds < MOST_SECONDS
    portfolio = Portfolio.objects.get()
    assert (portfolio.base_currency, portfolio.time_zone) == ("EUR", "Europe/Berlin")
    assert set(Asset.objects.values_list("currency", flat=True)) == {"EUR"}
    stored = {
        (name, on): value
        for name, on, value in AssetSnapshot.objects.values_list("asset__name", "on", "value")
    }
    assert stored == {
        (name, on): -value if name in DEBTS else value
        for name, values in VALUES.items()
        for on, value in values.items()
    }


def test_a_chosen_file_is_taken_like_a_dropped_one(live_server, anna):
    """The theme wrote its name into the first text field of the page, that of the household, or failed without one."""
    file = {"name": "vermoegen.xlsx", "mimeType": "application/octet-stream", "buffer": spreadsheet()}
    with chromium(live_server.url, session_of(anna)) as browser:
        for address in ("/admin/archives/", "/admin/import/", "/admin/import/"):
            browser.open(address)
            field = browser.page.locator("input[type=file]")
            if address == "/admin/archives/":
                field.set_input_files(file)
            else:
                with browser.page.expect_navigation():
                    field.set_input_files(file)
                browser.page.get_by_text("Nothing is written yet.").wait_for()
            browser.require_harmless(address)
    assert Household.objects.get().name == "anna's household"


def test_import_is_undone_by_one_click(live_server, anna):
    with chromium(live_server.url, session_of(anna), viewport={"width": 400, "height": 800}) as browser:
        page = browser.page
        page.add_init_script(COUNT_CLICKS)
        browser.open("/admin/import/")
        drop(page, spreadsheet())
        page.get_by_label("Which currency are these amounts in?").fill("EUR")
        page.get_by_role("button", name="Import", exact=True).click()
        page.get_by_text("It is in Strata now.").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        clicks = clicks_in(page)
        page.get_by_role("button", name="Undo", exact=True).click()
        page.get_by_text("Undone: 444 rows are gone.").wait_for()
        assert clicks_in(page) == clicks + 1
        browser.require_harmless("undone")
    assert not Asset.objects.exists() and not AssetSnapshot.objects.exists()
    assert Import.objects.get().status == Import.Status.UNDONE
    assert Household.objects.exists(), "only what the import made is removed"


def test_german_preview_fits_a_phone(live_server, anna):
    with chromium(
        live_server.url, session_of(anna), locale="de-DE", viewport={"width": 400, "height": 800}
    ) as browser:
        browser.open("/admin/import/")
        drop(browser.page, spreadsheet())
        browser.page.get_by_text("Noch ist nichts geschrieben.").wait_for()
        assert browser.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_file_that_cannot_be_read_is_refused_where_it_was_dropped(live_server, anna):
    with chromium(live_server.url, session_of(anna)) as browser:
        page = browser.page
        browser.open("/admin/import/")
        drop(page, b"\x89PNG\r\n\x1a\n", "photo.png")
        page.get_by_text("This file is of no known format.").wait_for()
        page.get_by_label("Drop a file here").wait_for()
        browser.require_harmless("refused")
    assert not Import.objects.exists() and not Household.objects.exists()
