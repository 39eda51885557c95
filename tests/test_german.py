"""German is complete, and reaches the admin and pictures; the API stays English."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from assets.models import AssetType, Category
from assets.rules.entries.disposal import validate_acquisition
from portfolios.services.households import create_household
from strata.accounts.models import User
from strata.exceptions import NotFound
from tests.admin_forms import staff, url

# What a page says does not depend on the database.
pytestmark = pytest.mark.on_sqlite

ROOT = Path(__file__).resolve().parent.parent
API = "/api/v1"
GERMAN = {"Accept-Language": "de"}


def test_every_marked_text_has_its_german():
    checked = subprocess.run(
        [sys.executable, "scripts/messages.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, "\n"), checked.stderr


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("portfolios", {"name": "\x00"}),
        ("portfolios", {"name": "Main", "base_currency": "GBp"}),
        ("assets", {"name": "A", "portfolio_id": "01890a5d-ac96-774b-bcce-b302099a8057", "type": "LOAN"}),
        ("assets", {"name": "A", "type": "LOAN", "acquired_on": "2026-02-01", "disposed_on": "2026-01-01"}),
        ("asset-types", {"code": "LOAN", "label": "A"}),
        ("categories", {"name": "x" * 300}),
        ("net-worth/?start=2026-02-30", None),
        ("net-worth/chart.svg/?portfolio=01890a5d-ac96-774b-bcce-b302099a8057", None),
        ("asset-types", None),
        ("allocation/?group_by=type", None),
    ],
)
def test_api_answers_in_english_whatever_language_is_asked_for(alice, alice_user, portfolio, path, body):
    User.objects.filter(pk=alice_user.pk).update(language="de")
    address = f"{API}/{path}"

    def ask(**headers: str) -> dict:
        answer = (
            alice.get(address, headers=headers)
            if body is None
            else alice.post(address, body, headers=headers)
        )
        content = answer.json()
        return {**content, "request_id": ""} if isinstance(content, dict) else content

    english = ask()
    assert ask(**GERMAN) == english
    if "code" in english:
        assert english["message"] and not set("äöüÄÖÜß") & set(english["message"])


def test_refusal_is_said_in_the_language_of_the_page_that_shows_it():
    with translation.override("de"):
        assert NotFound("asset_type").message == "Art nicht gefunden."
        with pytest.raises(Exception, match="Der Tag liegt nach dem Verkauf am 2026-01-01"):
            validate_acquisition(date(2026, 2, 1), disposed_on=date(2026, 1, 1))


def test_shared_types_are_shown_in_german_and_own_types_as_they_are_called(household, alice_user):
    AssetType.objects.create(household=household, code="BONDS_OF_OURS", label="Bonds")
    AssetType.objects.filter(household=None, code="LOAN").update(label="Renamed by a superuser")
    alice_user.language = "de"
    page = staff(alice_user).get(url(AssetType)).content.decode()
    for text in ("Girokonto", "Anleihen", ">Bonds<", "Renamed by a superuser", "Vermögensklasse", "Finanzen"):
        assert text in page, text
    with translation.override("en"):
        assert str(AssetType.objects.get(household=None, code="BONDS")) == "Bonds"


@pytest.mark.parametrize(
    ("chosen", "active", "top"),
    [("de", "en", "Schulden"), (None, "de", "Schulden"), ("en", "de", "Debts"), (None, "en", "Debts")],
)
def test_categories_of_a_new_household_are_in_the_language_of_its_maker(alice_user, chosen, active, top):
    alice_user.language = chosen
    with translation.override(active):
        household = create_household(alice_user)
    assert Category.objects.filter(household=household, parent=None, name=top).exists()
    assert household.name == ("Haushalt von alice" if top == "Schulden" else "alice's household")


def test_pages_say_which_language_they_are_in(alice_user, db):
    assert '<html lang="de"' in Client(headers=GERMAN).get("/admin/login/").content.decode()
    assert '<html lang="de"' in Client(headers=GERMAN).get("/admin/nowhere", follow=True).content.decode()
    answer = Client(headers=GERMAN).get("/nowhere").content.decode()
    assert '<html lang="de"' in answer and "Seite nicht gefunden" in answer
    assert '<html lang="en"' in Client().get("/nowhere").content.decode()
