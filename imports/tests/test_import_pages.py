"""The pages of imports, without scripts: a file, its preview, the answers, the import and the undo."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from assets.models import Asset, AssetSnapshot
from imports.models import Import
from imports.tests.files import AMBIGUOUS, DAYS_DOWN, WIDE_GERMAN
from portfolios.models import Portfolio
from tests.admin_forms import staff

pytestmark = pytest.mark.usefixtures("shared_rows")
PATH = "/admin/import/"


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


def test_order_of_day_and_month_is_asked_with_an_example(alices, portfolio):
    page = drop(alices, portfolio, AMBIGUOUS).content.decode()
    assert "03/04/2026: 2026-04-03 (dmy), 2026-03-04 (mdy)" in page
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
    assert "line 2" in page
    press(alices, "undo", force="1")
    assert not Asset.objects.exists()


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
