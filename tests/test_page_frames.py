"""The frame of every page of the admin, as it is sent: language, landmarks, heading, skip link, manifest, icons."""

from __future__ import annotations

import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client

from assets.models import Asset
from portfolios.models import Portfolio
from strata.accounts.models import User
from strata.theme_templates import REPAIRS, THEME
from tests.admin_forms import staff, url
from tests.admin_pages import pages_of_the_admin

# The frame of a page does not depend on the database.
pytestmark = pytest.mark.on_sqlite

FORMSETS = {
    f"{name}-{part}": "0"
    for name in ("snapshots", "transactions")
    for part in ("TOTAL_FORMS", "INITIAL_FORMS")
}
FOCUSABLE = ("button", "input", "select", "textarea")


class Frame(HTMLParser):
    """What the tests below look at, of one page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.focusable: list[dict] = []
        self.links: dict[str, str] = {}
        self.language = ""
        self.spoken_icons: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "link":
            self.links[given["rel"]] = given["href"]
        if (tag in FOCUSABLE and given.get("type") != "hidden") or (tag == "a" and "href" in given):
            self.focusable.append(given)
        is_icon = tag == "span" and "material-symbols-outlined" in (given.get("class") or "").split()
        if is_icon and not {"aria-hidden", "aria-label"} & given.keys():
            self.spoken_icons.append(given["class"])


@pytest.fixture
def root(db):
    return User.objects.create_user(
        "root", password="correct horse battery", is_superuser=True, is_staff=True
    )


def require_whole_frame(path: str, page: str) -> None:
    frame = Frame(page)
    assert frame.language == "en", path
    assert (frame.tags.count("main"), frame.tags.count("h1")) == (1, 1), path
    assert frame.focusable[0]["href"] == "#main", path
    assert "Skip to content" in page, path
    assert frame.links["manifest"].endswith("strata/manifest.webmanifest"), path
    assert "strata/no-script.css" in page, path
    assert not frame.spoken_icons, path


def test_every_page_has_one_main_one_heading_and_a_skip_link(root):
    client, seen = staff(root), 0
    for path in pages_of_the_admin(root):
        answer = client.get(path)
        if answer.status_code == 200:  # nobody deletes a rate, or adds to the journal
            require_whole_frame(path, answer.content.decode())
            assert "data-hide-amounts" in answer.content.decode(), path
            seen += 1
    assert seen > 50


def test_the_login_has_the_same_frame(db):
    require_whole_frame("login", Client().get("/admin/login/").content.decode())


def test_help_and_errors_of_a_field_are_linked_to_it(root):
    """`aria-describedby` names elements of the page. Two kinds are made by scripts: rows that are added, and zones."""
    pages_of_the_admin(root)
    browser, portfolio = staff(root), Portfolio.objects.get()
    answers = [
        browser.post(url(Asset, "add"), {**FORMSETS, "currency": "x"}),
        browser.post(f"/admin/trade/?portfolio={portfolio.pk}", {"on": "x"}),
        browser.get("/admin/trade/"),
        browser.get(url(Asset, "change", Asset.objects.first().pk)),
    ]
    for answer in answers:
        page = answer.content.decode()
        ids = set(re.findall(r'\bid="([^"]+)"', page))
        described = set(" ".join(re.findall(r'aria-describedby="([^"]+)"', page)).split())
        assert described, "there is help, or an error"
        made_by_scripts = {name for name in described if "__prefix__" in name or "timezone_warning" in name}
        assert described - made_by_scripts - ids == set()
    assert 'id="id_currency_error"' in answers[0].content.decode()
    assert 'id="id_instrument_error"' in answers[1].content.decode()
    assert '<p role="alert" class="errornote' in answers[1].content.decode()


def test_no_repair_of_the_theme_is_out_of_date():
    """The theme still has each piece of text that one of them replaces."""
    for name, repairs in REPAIRS.items():
        text = (THEME / name).read_text()
        assert [former for former, _ in repairs if former not in text] == [], name


def test_strata_can_be_installed():
    manifest_url = staticfiles_storage.url("strata/manifest.webmanifest")
    manifest = json.loads(Path(finders.find("strata/manifest.webmanifest")).read_text())
    assert (manifest["name"], manifest["display"]) == ("Strata", "standalone")
    assert urljoin(f"http://host/app{manifest_url}", manifest["start_url"]) == "http://host/app/admin/"
    for size in (192, 512):
        icon = next(entry["src"] for entry in manifest["icons"] if entry["sizes"] == f"{size}x{size}")
        header = Path(finders.find(f"strata/{icon}")).read_bytes()[:24]
        assert struct.unpack(">8xI4sII", header)[1:] == (b"IHDR", size, size)
