"""The statement as a PDF: its words and numbers in three languages, its reasons, and an engine that reads nothing."""

from __future__ import annotations

import html
import re
import socket
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from assets.classification.seeds import TypeId
from assets.models import Growth, Transaction
from assets.models.classification import Group
from portfolios.models import Portfolio
from reports.statement import document, engine, pdf_view
from strata.fields.dates import noon
from tests.admin_forms import staff
from tests.factories import add_value, create_asset, create_valued_asset

API = "/api/v1"
ON = date(2024, 6, 28)
READINGS, MOST_QUERIES = 3, 25


@pytest.fixture
def documents(monkeypatch) -> list[str]:
    """The documents that would have become PDFs."""
    kept: list[str] = []

    def keep(text: str) -> bytes:
        kept.append(text)
        return b"%PDF-"

    monkeypatch.setattr(pdf_view, "pdf_of", keep)
    return kept


@pytest.fixture
def flat(portfolio):
    """Rose by 1,234.56 within the year, of which 234.56 were paid for."""
    flat = create_valued_asset(portfolio, "Flat & garden", TypeId.REAL_ESTATE, "250000", on="2023-01-01")
    add_value(flat, "251234.56", date(2024, 3, 1))
    create_valued_asset(portfolio, "Loan", TypeId.LOAN, "-100000", on="2023-01-01")
    Transaction.objects.create(
        asset=flat,
        type="ACQUIRE",
        on=date(2024, 3, 1),
        occurred_at=noon(date(2024, 3, 1), "UTC"),
        amount="234.56",
        currency="EUR",
    )
    return flat


def ask(client, portfolio, headers=None, **params):
    path = f"portfolios/{portfolio.pk}/statement.pdf" if portfolio else "net-worth/statement.pdf"
    return client.get(f"{API}/{path}", {"on": str(ON)} | params, headers=headers)


def words_of(text: str) -> str:
    """What a person reads, without the pictures."""
    text = re.sub(r"<(svg|title).*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_it_has_the_figures_and_the_reasons_of_the_year(alice, portfolio, flat, documents):
    answer = ask(alice, portfolio, language="en")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    name = f'attachment; filename="statement-2024-06-28-{portfolio.name}.pdf"'
    assert answer["Content-Disposition"] == name
    (text,) = documents
    words = words_of(text)
    assert words.startswith(
        f"Statement of net worth: {portfolio.household.name}, 28 Jun 2024 {portfolio.name}"
    )
    assert "Real estate 251,234.56 Flat & garden 1 Mar 2024 251,234.56 EUR 251,234.56" in words
    assert "Assets 251,234.56 Debts -100,000.00 Net worth 151,234.56" in words
    assert (
        "Why it changed from 28 Jun 2023 to 28 Jun 2024 Start 150,000.00 EUR Deposits and withdrawals +234.56 EUR "
        "Gains and losses +1,000.00 EUR End 151,234.56 EUR"
    ) in words
    assert text.count("<svg") == 2 and "<form" not in text and "<script" not in text


@pytest.mark.parametrize(
    ("language", "title", "number", "day", "reason"),
    [
        ("en", "Statement of net worth", "251,234.56", "28 Jun 2024", "Gains and losses"),
        ("de", "Vermögensaufstellung", "251.234,56", "28.06.2024", "Gewinne und Verluste"),
        ("fr", "Relevé de patrimoine", "251\u00a0234,56", "28/06/2024", "Gains et pertes"),
    ],
)
def test_words_numbers_and_days_are_those_of_the_language(
    alice, portfolio, flat, documents, language, title, number, day, reason
):
    ask(alice, portfolio, language=language)
    ask(alice, portfolio, headers={"accept-language": f"xx, {language}-CH;q=0.8, en;q=0.1"})
    text, by_header = documents
    assert text == by_header
    shown = html.unescape(text)
    assert f'<html lang="{language}">' in text and f"<title>{title}</title>" in shown
    assert number in shown and day in shown and reason in shown


def test_without_a_value_in_the_year_there_are_no_reasons_and_pictures(alice, portfolio, documents):
    ask(alice, portfolio, language="en")
    sold = create_valued_asset(portfolio, "Boat", TypeId.VEHICLE, "500", on="2023-01-01")
    sold.disposed_on = date(2024, 2, 1)
    sold.save()
    ask(alice, portfolio, language="en")
    empty, sold_in_the_year = documents
    assert "There is nothing to show on this day." in empty and "There is nothing to show" in sold_in_the_year
    assert "Why it changed" not in empty and "<svg" not in empty
    assert "Start 500.00 EUR" in words_of(sold_in_the_year) and sold_in_the_year.count("<svg") == 2


def test_a_calculated_value_has_the_places_of_its_currency(alice, portfolio, documents):
    add_value(create_asset(portfolio, "Car", TypeId.VEHICLE), "14147.4992", ON)
    ask(alice, portfolio, language="en")
    assert "Car 28 Jun 2024 14,147.50 EUR 14,147.50" in words_of(documents[0])


def test_without_a_language_it_is_english(alice, portfolio, flat, documents):
    ask(alice, portfolio, headers={"accept-language": "es"})
    assert "Statement of net worth" in documents[0]
    assert ask(alice, portfolio, language="es").status_code == 400


def test_classes_of_assets_are_french_too():
    with translation.override("fr"):
        words = [str(group.label) for group in Group]
    assert words == ["Finances", "Immobilier", "Biens personnels", "Collections", "Dettes", "Autre"]


def test_it_says_what_is_missing(alice, portfolio, flat, documents):
    create_valued_asset(portfolio, "Yen", TypeId.CHECKING_ACCOUNT, "1000", currency="JPY")
    ask(alice, portfolio, language="fr")
    words = words_of(documents[0])
    assert "Taux manquants JPY le 28/06/2024 : 1 000 JPY n’est pas compté." in words.replace("\u00a0", " ")
    assert "Non compté : Yen." in words


def test_of_all_portfolios_in_another_currency(alice, household, portfolio, flat, documents):
    other = Portfolio.objects.create(household=household, name="Other", base_currency="USD")
    create_valued_asset(other, "Account", TypeId.CHECKING_ACCOUNT, "12.50", currency="USD")
    ask(alice, None, currency="USD")
    words = words_of(documents[0])
    assert f"{portfolio.name}, Other" in words and "Value in USD" in words


def test_names_are_never_read_as_markup(alice, portfolio, documents):
    create_valued_asset(portfolio, '<img src="file:///etc/passwd">', TypeId.REAL_ESTATE, "1")
    ask(alice, portfolio)
    assert "<img" not in documents[0] and "&lt;img src=" in documents[0]


def test_a_foreign_portfolio_is_not_there(charlie, portfolio, documents):
    assert ask(charlie, portfolio).status_code == 404
    assert documents == []


def test_unchanged_it_is_not_made_again(alice, portfolio, flat, documents):
    tag = ask(alice, portfolio)["ETag"]
    assert ask(alice, portfolio, headers={"if-none-match": tag}).status_code == 304
    assert ask(alice, portfolio, headers={"if-none-match": tag}, language="fr").status_code == 200
    assert len(documents) == 2


def test_more_lines_than_a_document_has_room_for_are_refused(alice, portfolio, documents, monkeypatch):
    monkeypatch.setattr(document, "MOST_LINES", 2)
    for number in range(3):
        create_asset(portfolio, f"Asset {number}")
    refused = ask(alice, portfolio)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "too_much")
    assert documents == []


def test_the_number_of_queries_does_not_grow_with_the_assets(alice, portfolio, flat, documents):
    """Values are read for the lines, for the year as a whole, and for the chart, which adds up others."""
    counts = []
    for first, last in ((0, 2), (2, 12)):
        for number in range(first, last):
            car = create_asset(portfolio, f"Car {number}", TypeId.VEHICLE, valuation="growth")
            Growth.objects.create(asset=car, rate="5")
            add_value(car, "30000", date(2023, 3, 1))
            create_valued_asset(portfolio, f"Account {number}", TypeId.CHECKING_ACCOUNT, "5", on="2024-02-01")
        with CaptureQueriesContext(connection) as queries:
            assert ask(alice, portfolio).status_code == 200
        counts.append(len(queries))
        assert sum("assets_growth" in query["sql"] for query in queries) <= READINGS
    assert counts[0] == counts[1] <= MOST_QUERIES
    assert "Car 11" in documents[1]


# --- the engine ---


def test_a_pdf_is_made(alice, portfolio, flat):
    answer = ask(alice, portfolio)
    assert answer.status_code == 200, answer.content
    assert answer.content.startswith(b"%PDF-") and len(answer.content) > 5_000


def test_no_address_and_no_file_is_read(tmp_path):
    secret = tmp_path / "secret.svg"
    secret.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><path d="M0 0h9v9z"/></svg>'
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        places = [address, secret.as_uri(), str(secret)]
        images = "".join(f'<img src="{place}"><object data="{place}"></object>' for place in places)
        links = "".join(f'<link rel="stylesheet" href="{place}">' for place in places)
        links += f"<style>@import url({address}); p {{ background: url({secret.as_uri()}) }}</style>"
        plain = engine.pdf_of("<p>text</p>")
        pdf = engine.pdf_of(f"{links}<p>text</p>{images}")
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert abs(len(pdf) - len(plain)) < 300


@pytest.mark.parametrize(
    ("program", "status", "code"), [("3", 501, "PDF_UNAVAILABLE"), ("1", 503, "UNAVAILABLE")]
)
def test_what_the_engine_lacks_is_said(alice, portfolio, monkeypatch, tmp_path, program, status, code):
    process = tmp_path / "process.py"
    process.write_text(f"import sys; sys.exit({program})")
    monkeypatch.setattr(engine, "PROCESS", process)
    answer = ask(alice, portfolio)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


PANGO_IS_MISSING = """
import runpy, sys
sys.modules["weasyprint"] = None  # importing it raises ImportError, and without Pango OSError
runpy.run_path({process!r}, run_name="__main__")
"""


@pytest.mark.parametrize("language", ["en", "de"])
def test_without_pango_the_api_and_the_page_say_so(
    alice, alice_user, portfolio, monkeypatch, tmp_path, language
):
    process = tmp_path / "process.py"
    process.write_text(PANGO_IS_MISSING.format(process=str(engine.PROCESS)))
    monkeypatch.setattr(engine, "PROCESS", process)
    answer = ask(alice, portfolio)
    assert (answer.status_code, answer["Content-Type"]) == (501, "application/json")
    assert (answer.json()["code"], answer.json()["message"]) == (
        "PDF_UNAVAILABLE", "PDFs need Pango, which this server does not have.",
    )  # fmt: skip
    page = staff(alice_user).get(link_to_pdf(alice_user), headers={"accept-language": language})
    assert (page.status_code, page["Content-Type"]) == (501, "text/html; charset=utf-8")
    text = words_of(page.content.decode())
    assert {"en": "PDFs need Pango", "de": "PDFs brauchen Pango"}[language] in text
    assert f"/admin/statement/?portfolio={portfolio.pk}" in page.content.decode()


def link_to_pdf(user) -> str:
    page = staff(user).get("/admin/statement/").content.decode()
    return html.unescape(re.search(r'href="([^"]+/pdf/[^"]+)"', page)[1])


def test_the_page_links_to_the_pdf_of_its_day(alice_user, portfolio, flat, documents):
    page = staff(alice_user).get(link_to_pdf(alice_user))
    assert (page.status_code, page["Content-Type"]) == (200, "application/pdf")
    assert page["Content-Disposition"].startswith("attachment")
    assert len(documents) == 1


def test_a_page_without_a_pdf_says_why(alice_user, charlie_user, portfolio, documents, monkeypatch):
    monkeypatch.setattr(document, "MOST_LINES", 0)
    create_asset(portfolio, "Asset")
    page = staff(alice_user).get(link_to_pdf(alice_user))
    assert page.status_code == 400 and "A statement has at most" in page.content.decode()
    assert staff(charlie_user).get(f"/admin/statement/{portfolio.pk}/pdf/").status_code == 404


def test_a_document_that_never_ends_is_given_up(alice, portfolio, monkeypatch, tmp_path):
    process = tmp_path / "process.py"
    process.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(engine, "PROCESS", process)
    monkeypatch.setattr(engine, "TIMEOUT_SECONDS", 0.2)
    assert ask(alice, portfolio).status_code == 503


def test_memory_is_bounded(monkeypatch, tmp_path):
    process = tmp_path / "process.py"
    source = engine.PROCESS.read_text().replace("json.load(sys.stdin)", "bytearray(MEMORY)")
    process.write_text(source)
    monkeypatch.setattr(engine, "PROCESS", process)
    with pytest.raises(engine.PdfFailed):
        engine.pdf_of("<p>text</p>")
