"""The pages of imports, without scripts: a file, its preview, the answers, the import and the undo."""

import io
import zipfile
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.multipartparser import MultiPartParser
from django.test import Client

from assets.models import Asset, AssetSnapshot
from imports.models import Import
from imports.tests.files import AMBIGUOUS, DAYS_DOWN, WIDE_GERMAN
from portfolios.models import Portfolio
from tests.admin_forms import staff
from tests.factories import add_value, day

pytestmark = pytest.mark.usefixtures("shared_rows")
PATH = "/admin/import/"
OWED = b"Date,Checking,Mortgage\n2025-01-31,5.00,900.00\n"


def bomb() -> bytes:
    """A workbook whose only sheet becomes 300 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in (("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")):
            book.writestr(name, content)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _megabyte in range(300):
                sheet.write(b" " * 1_000_000)
    return file.getvalue()


def drop(client, portfolio, data, name="worth.csv"):
    body = {"file": SimpleUploadedFile(name, data), "portfolio": str(portfolio.pk)}
    return client.post(PATH, body, follow=True)


def press(client, action, **fields):
    newest = Import.objects.latest("id")
    return client.post(f"{PATH}{newest.pk}/", {"action": action, **fields}, follow=True)


@pytest.fixture
def alices(alice_user):
    return staff(alice_user)


def test_file_is_dropped_looked_at_imported_and_undone(alices, portfolio):
    page = drop(alices, portfolio, WIDE_GERMAN).content.decode()
    assert "11 new, 0 changed, 2 left out, 0 not readable" in page
    assert "Girokonto Bäcker &amp; Söhne" in page
    assert not Asset.objects.exists()
    done = press(alices, "commit").content.decode()
    assert "Imported" in done
    assert (Asset.objects.count(), AssetSnapshot.objects.count()) == (3, 8)
    assert "Undone: 11 rows are gone." in press(alices, "undo").content.decode()
    assert not Asset.objects.exists()


def test_questions_are_answered_with_the_button_that_imports(alices, portfolio):
    page = drop(alices, portfolio, DAYS_DOWN).content.decode()
    assert 'name="currency"' in page
    assert "Please answer the questions first." in press(alices, "commit").content.decode()
    press(alices, "commit", currency="eur")
    assert set(Asset.objects.values_list("currency", flat=True)) == {"EUR"}


def test_open_questions_are_marked_and_their_examples_linked(alices, portfolio):
    page = drop(alices, portfolio, AMBIGUOUS).content.decode()
    field = 'name="date_order" required aria-describedby="question-1-examples"'
    assert field in page and 'id="question-1-examples"' in page and "aria-invalid" not in page
    refused = press(alices, "commit").content.decode()
    assert field.replace("required", 'required aria-invalid="true"') in refused


def test_amounts_have_the_places_of_their_currency(alices, portfolio):
    page = drop(
        alices, portfolio, b"date,asset,value,currency\n2024-01-31,A,1593.5,EUR\n2024-01-31,B,7,JPY\n"
    )
    shown = [(row.amount, row.currency) for row in page.context["rows"] if row.amount]
    assert shown == [("1,593.50", "EUR"), ("7", "JPY")]


def test_order_of_day_and_month_is_asked_with_an_example(alices, portfolio):
    page = drop(alices, portfolio, AMBIGUOUS).content.decode()
    assert "03/04/2026: 2026-04-03 (day first), 2026-03-04 (month first)" in page
    press(alices, "commit", date_order="dmy")
    assert AssetSnapshot.objects.filter(on="2026-04-03").exists()


def test_account_gets_another_type_or_is_left_out(alices, portfolio):
    drop(alices, portfolio, WIDE_GERMAN)
    fields = {"listed-0": "1", "listed-1": "1", "listed-2": "1", "skip-1": "on", "type-0": "CASH"}
    press(alices, "commit", **fields)
    assert dict(Asset.objects.values_list("name", "asset_type__code")) == {
        "Girokonto Bäcker & Söhne": "CASH",
        "Hypothek": "MORTGAGE",
    }


def test_edited_rows_are_named_and_removed_by_the_second_button(alices, portfolio):
    drop(alices, portfolio, WIDE_GERMAN)
    press(alices, "commit")
    AssetSnapshot.objects.filter(value="1234.56").update(value=1)
    page = press(alices, "undo").content.decode()
    assert "Undo all the same" in page
    assert "Some of what it made has changed since. Line 2: It was changed since." in page
    assert "`force`" not in page, "there is a button for it"
    press(alices, "undo", force="1")
    assert not Asset.objects.exists()


def test_what_an_undo_leaves_is_named(alices, portfolio):
    drop(alices, portfolio, WIDE_GERMAN)
    press(alices, "commit")
    add_value(Asset.objects.get(name="Hypothek"), 5, day(0))
    assert "Hypothek has rows from elsewhere." in press(alices, "undo").content.decode()
    page = press(alices, "undo", force="1").content.decode()
    assert "What this import made is gone, but for what something else needs: Hypothek." in page
    undone = Import.objects.get()
    undone.result["kept"] *= 12
    undone.save()
    assert "Hypothek. And 2 more." in press(alices, "undo").content.decode()


def test_bad_file_is_refused_with_a_sentence(alices, portfolio):
    assert "This file is of no known format." in drop(alices, portfolio, b"%PDF-1.7").content.decode()
    assert not Import.objects.exists()


def test_preview_is_discarded(alices, portfolio):
    drop(alices, portfolio, WIDE_GERMAN)
    press(alices, "delete")
    assert not Import.objects.exists()


def test_viewers_and_strangers(alices, vera_user, charlie_user, portfolio):
    drop(alices, portfolio, WIDE_GERMAN)
    new_import = Import.objects.get()
    vera, charlie = staff(vera_user), staff(charlie_user)
    assert b'name="action"' not in vera.get(f"{PATH}{new_import.pk}/").content
    press(vera, "commit")
    assert not Asset.objects.exists()
    assert b'type="file"' not in vera.get(PATH).content
    assert drop(vera, portfolio, WIDE_GERMAN).status_code == 404
    assert Import.objects.count() == 1
    assert charlie.get(f"{PATH}{new_import.pk}/").status_code == 404


@pytest.mark.parametrize("path", [PATH, "/admin/archives/"])
def test_file_of_nobody_is_not_read_before_the_login(db, path, monkeypatch):
    """The token of the form is in the body: the check of the token must not be what reads the file."""
    monkeypatch.setattr(MultiPartParser, "parse", lambda parser: pytest.fail("the file was read"))
    client = Client(enforce_csrf_checks=True)
    client.get("/admin/login/")
    answer = client.post(path, {"file": SimpleUploadedFile("worth.csv", b"1" * 3_000_000)})
    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/login/?next={path}"


def test_debt_is_answered_together_with_the_currency(alices, portfolio):
    drop(alices, portfolio, OWED)
    page = press(alices, "commit", **{"sign-1": "-", "type-0": "CASH", "currency": "EU"}).content.decode()
    assert '<option value="CASH" selected>' in page and 'value="EU"' in page, "what was typed is kept"
    press(alices, "answer", **{"sign-1": "-", "listed-0": "1", "skip-0": "on"})
    press(alices, "answer", currency="eur")
    assert 'name="skip-0"' in press(alices, "answer").content.decode()
    press(alices, "commit", **{"listed-0": "1"})
    assert dict(AssetSnapshot.objects.values_list("asset__name", "value")) == {
        "Checking": Decimal(5),
        "Mortgage": Decimal(-900),
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n", "This file is of no known format. Strata reads tables"),
        (bomb(), "The file is packed so tightly"),
    ],
    ids=["empty", "image", "zip bomb"],
)
def test_what_is_no_table_is_refused(alices, portfolio, data, said):
    assert said in drop(alices, portfolio, data).content.decode()
    assert not Import.objects.exists()


def test_next_step_is_said(alices, portfolio):
    assert "Look at the accounts, then import." in drop(alices, portfolio, WIDE_GERMAN).content.decode()
    done = press(alices, "commit").content.decode()
    assert "It is in Strata now." in done and "See the net worth" in done
    assert "There is nothing new in this file" in drop(alices, portfolio, WIDE_GERMAN).content.decode()


def test_types_are_named_in_the_language(alices, portfolio):
    drop(alices, portfolio, WIDE_GERMAN)
    page = alices.get(f"{PATH}{Import.objects.get().pk}/", headers={"Accept-Language": "de"}).content.decode()
    assert ">Girokonto</option>" in page and ">Checking account</option>" not in page


SETTINGS = {"household": "Ours", "currency": "CHF", "time_zone": "Europe/Zurich"}


def test_file_of_a_user_without_a_portfolio_makes_one(charlie_user):
    charlies = staff(charlie_user)
    page = charlies.get(PATH).content.decode()
    assert all(f'name="{name}"' in page for name in SETTINGS)
    assert "Import a spreadsheet" in charlies.get("/admin/").content.decode()
    answer = charlies.post(PATH, {"file": SimpleUploadedFile("worth.csv", WIDE_GERMAN), **SETTINGS})
    portfolio = Import.objects.get().portfolio
    assert answer["Location"] == f"{PATH}{Import.objects.get().pk}/"
    assert (portfolio.household.name, portfolio.base_currency, portfolio.time_zone) == tuple(
        SETTINGS.values()
    )
    assert 'name="household"' not in charlies.get(PATH).content.decode()


@pytest.mark.parametrize(
    ("data", "changed", "said"),
    [
        (WIDE_GERMAN, {"currency": "XYZ"}, 'aria-invalid="true"'),
        (WIDE_GERMAN, {"household": ""}, 'aria-invalid="true"'),
        (b"\x89PNG\r\n", {}, "no known format"),
        (None, {}, "Choose a file."),
    ],
)
def test_refused_file_of_a_user_without_a_portfolio_makes_nothing(charlie_user, data, changed, said):
    body = {**SETTINGS, **changed} | ({"file": SimpleUploadedFile("worth.csv", data)} if data else {})
    page = staff(charlie_user).post(PATH, body, follow=True).content.decode()
    assert said in page and 'name="household"' in page
    assert not Portfolio.objects.for_user(charlie_user).exists()


def test_line_that_is_not_supported_is_not_called_unreadable(alices, portfolio):
    journal = b'option "title" "Ours"\n2025-01-01 open Assets:Bank EUR\n2025-02-30 open Assets:Cash EUR\n'
    page = drop(alices, portfolio, journal, "ours.beancount").content.decode()
    assert "<td>Not supported: Strata cannot import this yet: option" in page
    assert page.count("<td>Not readable: ") == 1


def test_a_preview_that_is_discarded_twice_and_a_first_file_that_is_sent_twice(
    alices, portfolio, charlie_user
):
    drop(alices, portfolio, OWED)
    address, sent = f"{PATH}{Import.objects.get().pk}/", {"action": "delete", "form_key": "1" * 32}
    first, second = alices.post(address, sent), alices.post(address, sent)
    assert (first.status_code, second.status_code, second.url) == (302, 302, first.url)

    charlie = staff(charlie_user)
    body = {**SETTINGS, "form_key": "2" * 32}
    assert "form_key" in charlie.get(PATH).content.decode()
    answers = [charlie.post(PATH, {**body, "file": SimpleUploadedFile("a.csv", OWED)}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].url == answers[1].url and Import.objects.count() == 1
