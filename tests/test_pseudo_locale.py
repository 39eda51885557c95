"""Every text that a page or a picture shows is marked for translation, and has its German.

German is replaced by a language that puts each marked text into brackets. What is left outside of them are data, which
the rows here write in Greek letters or which are known by name, numbers, codes, and a few proper names.
"""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.test import Client
from django.utils.translation import trans_real

from assets.models import Asset, AssetSnapshot, Category, Instrument, Tag, Transaction
from demo import household as demo
from portfolios.models import Household, Invitation, Portfolio
from strata.accounts.models import User
from strata.fields import active_formats
from strata.fields.currencies import currency_names
from strata.fields.dates import time_zones
from tests.admin_forms import url
from tests.sample_rows import sample_rows

# What a page says does not depend on the database.
pytestmark = pytest.mark.on_sqlite

DAY = date(2026, 11, 28)
HIDDEN_TAGS = ("script", "style", "template", "defs", "metadata", "datalist")  # lists of currencies and zones
SPOKEN = ("alt", "aria-label", "placeholder", "title")
MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
CURRENCIES = " ".join(currency_names("de").values())
NAMES = (
    {"Strata", "English", "Deutsch", "Beancount", "Ghostfolio", "root", "esc", "md5"}
    | time_zones()
    | set(re.findall(r"[\w./+-]*\w", CURRENCIES))
)
CODES = re.compile(
    r"[A-Z0-9_]{3,}|[1358]?[YM]|YTD|null"  # a currency, the code of a type, a range, an empty JSON
    r"|[DHMSY]+([/.:-][DHMSY]+)*|[0-9a-f]{4,}(-[0-9a-f]{4,})*"  # a date format, an id
    r"|(assets|imports|portfolios|reports|strata)\.[A-Za-z]+"  # a model, in the journal
)
WORD = re.compile(r"[^\W\d_α-ωΑ-Ω]{2,}")


class Pseudo:
    """Takes the place of a language: ⟦text⟧ for each text that is looked up. `texts` are all of them."""

    domain = "django"

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def gettext(self, text: str) -> str:
        self.texts.add(text)
        return f"⟦{text.rpartition(chr(4))[2]}⟧"

    def ngettext(self, singular: str, many: str, count: int) -> str:
        self.texts.add(singular)
        return f"⟦{(singular if count == 1 else many).rpartition(chr(4))[2]}⟧"

    def to_language(self) -> str:
        return "de"

    language = to_language


class Texts(HTMLParser):
    """The texts of a page or an SVG that a person sees or a screen reader says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.seen: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        is_icon = "material-symbols-outlined" in (given.get("class") or "").split()
        is_name = given.get("translate") == "no"  # of a column in a file
        if tag in HIDDEN_TAGS or is_icon or is_name or self.open == [tag]:
            self.open.append(tag)
        self.said += [given[name] or "" for name in SPOKEN if name in given]
        if tag == "input" and given.get("type") in ("submit", "button"):
            self.said.append(given.get("value") or "")

    def handle_endtag(self, tag):
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data):
        if not self.open:
            self.seen.append(data)

    def lines(self) -> list[str]:
        """The texts without what is marked; a marked text may go on over several elements."""
        return [line for text in ("\n".join(self.seen), *self.said) for line in without_marked(text)]


def without_marked(text: str) -> list[str]:
    while MARKED.search(text):
        text = MARKED.sub(" ", text)
    return text.split("\n")


def unmarked(line: str, data: list[str]) -> str:
    """The words of the line that are no data, no codes and no names."""
    for name in data:
        line = line.replace(name, " ")
    words = re.findall(r"[\w./+-]*\w(?![\w*])", line)
    return " ".join(
        word for word in words if WORD.search(word) and word not in NAMES and not CODES.fullmatch(word)
    )


def names_of_rows() -> list[str]:
    """The names that people gave, the longest first."""
    names = {
        row
        for model in (Household, Portfolio, Category, Tag)
        for row in model.objects.values_list("name", flat=True)
    }
    for model, *fields in ((Asset, "name", "notes"), (Transaction, "note"), (Instrument, "symbol", "name")):
        for row in model.objects.values_list(*fields):
            names |= set(row)
    return sorted(filter(None, names), key=len, reverse=True)


def strings_in(answer) -> list[str]:
    """The texts of a JSON answer."""
    if isinstance(answer, dict):
        return [text for value in answer.values() for text in strings_in(value)]
    if isinstance(answer, list):
        return [text for value in answer for text in strings_in(value)]
    return [answer] if isinstance(answer, str) else []


class Walk:
    """Visits pages, and collects the texts that are not marked."""

    def __init__(self, client: Client) -> None:
        self.client, self.pages, self.found = client, 0, {}

    def look(self, path: str, answer) -> None:
        """Collect what is not marked in the answer, and the names of data that it shows."""
        self.pages += 1
        content, kind = answer.content.decode(), answer["Content-Type"]
        texts = strings_in(json.loads(content)) if "json" in kind else None
        lines = (
            Texts(content).lines()
            if texts is None
            else [part for text in texts for part in without_marked(text)]
        )
        data = names_of_rows()
        for line in lines:
            if left := unmarked(line, data):
                self.found.setdefault(left, f"{path}: {' '.join(line.split())[:150]}")

    def get(self, *paths: str) -> None:
        for path in paths:
            self.look(path, self.client.get(path, follow=True))

    def post(self, path: str, data: dict, **options) -> None:
        self.look(f"POST {path}", self.client.post(path, data, follow=True, **options))

    def require_all_marked(self) -> None:
        lines = [f"{left} | {where}" for left, where in sorted(self.found.items())]
        assert not lines, "\n".join(lines)


@pytest.fixture
def pseudo(monkeypatch):
    pseudo = Pseudo()
    monkeypatch.setitem(trans_real._translations, "de", pseudo)
    active_formats._short_months.cache_clear()
    yield pseudo
    active_formats._short_months.cache_clear()
    require_german(pseudo.texts)


def require_german(texts: set[str]) -> None:
    """Each text that was looked up is in a catalog: Strata's own, or Django's."""
    catalog = trans_real.DjangoTranslation("de")._catalog
    unknown = {
        text
        for text in texts
        if WORD.search(text.rpartition(chr(4))[2])
        and text not in NAMES
        and text not in catalog
        and catalog.get((text, 1)) is None
    }
    assert not unknown, "\n".join(sorted(unknown))


def user(name: str, **rights) -> User:
    return User.objects.create_user(name, password="Αβγδ 1234", is_staff=True, language="de", **rights)


def walk_of(user: User) -> Walk:
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(user)
    return Walk(client)


@pytest.fixture
def root(db):
    return user("root", is_superuser=True)


def test_every_text_of_the_admin_is_marked_for_translation(pseudo, root):
    rows, walk = sample_rows("Αβγ", user=root), walk_of(root)
    walk.get(
        "/admin/",
        "/admin/settings/",
        "/admin/password_change/",
        "/admin/update-values/",
        "/admin/search/?s=a",
    )
    for model in admin.site._registry:
        walk.get(url(model), url(model, "add"), f"{url(model)}?q=ζζ")
        walk.get(*(url(model, name, rows[model].pk) for name in ("change", "delete", "history")))
    walk.get(url(Portfolio, "quality", rows[Portfolio].pk))
    walk.require_all_marked()
    assert walk.pages > 100


def test_refusals_of_forms_are_marked_for_translation(pseudo, root):
    rows, walk = sample_rows("Αβγ", user=root), walk_of(root)
    for model in admin.site._registry:
        fields = [field.name for field in model._meta.get_fields() if field.concrete]
        management = {
            f"{prefix}-{name}": "0"
            for prefix in ("snapshots", "transactions", "memberships", "invitations")
            for name in ("TOTAL_FORMS", "INITIAL_FORMS")
        }
        walk.post(url(model, "add"), management)
        walk.post(url(model, "add"), management | dict.fromkeys(fields, "\x00ζ" * 300))
        walk.post(url(model, "change", rows[model].pk), management)
        walk.post(url(model), {"action": "delete_selected", "_selected_action": str(rows[model].pk)})
    walk.require_all_marked()


def test_dashboard_and_pictures_are_marked_for_translation(pseudo, db):
    anna = user("αννα")
    demo.build(anna, DAY)
    walk = walk_of(anna)
    walk.get(*(f"/admin/?range={name}&portfolio=" for name in ("1m", "ytd", "5y", "all")))
    walk.get(
        *(f"/admin/?chart=groups&group_by={name}" for name in ("type", "group", "category", "tag", "asset"))
    )
    walk.get("/admin/?chart=sides", "/admin/?type=none&category=none", "/admin/?end=x&tag=8&asset_currency=x")
    pictures = (
        "net-worth/chart.svg/",
        "net-worth/chart.svg/?group_by=type",
        "allocation/chart.svg/?group_by=group",
    )
    walk.get(*(f"/api/v1/{picture}" for picture in pictures))
    walk.get(*(url(model) for model in (Asset, AssetSnapshot, Transaction, Category)))
    asset = Asset.objects.filter(snapshots__isnull=False).first()
    walk.get(url(Asset, "change", asset.pk), url(Portfolio, "quality", asset.portfolio_id))
    walk.get("/admin/portfolios/household/demo/remove")
    walk.require_all_marked()


def test_update_values_and_its_answers_are_marked_for_translation(pseudo, db):
    anna, path = user("αννα"), "/admin/update-values/"
    demo.build(anna, DAY)
    walk, asset = walk_of(anna), Asset.objects.filter(asset_type__code="CHECKING_ACCOUNT").earliest("pk")
    walk.get(path, f"{path}?on=x", "/admin/statement/")
    for action in ("preview", "save"):
        for value in (
            "1,100",
            "1",
            "-7",
            "abc",
            "1.23,4",
            "1100 USD",
            "1,00000",
            "100000000",
            "1.100",
            "12.345",
        ):
            body = {
                "action": action,
                "portfolio": str(asset.portfolio_id),
                "values": {str(asset.pk): {"value": value}},
            }
            walk.post(path, json.dumps(body), content_type="application/json")
    walk.post(path, json.dumps({"action": "paste", "text": "Ζζζ\t1"}), content_type="application/json")
    walk.post(path, "[]", content_type="application/json")
    walk.require_all_marked()


def test_first_page_of_a_new_user_and_error_pages_are_marked_for_translation(pseudo, db):
    anna = user("αννα")
    household = Household.objects.create(name="Ηηη")
    Invitation.objects.create(household=household, username=anna.username, role="viewer")
    walk = walk_of(anna)
    walk.get("/admin/", "/admin/nowhere", url(Portfolio, "add"))
    walk.post("/admin/", {"tile": "CHECKING_ACCOUNT"})
    walk.client.logout()
    walk.get("/admin/login/")
    walk.post("/admin/login/", {"username": "ζ", "password": "ζ"})
    walk.require_all_marked()


def test_text_that_is_not_marked_is_found():
    page = '<h1>⟦Net worth⟧ Αβγ EUR</h1><p title="Left out">⟦of <b>twelve</b>⟧</p><script>no text</script>'
    assert [unmarked(line, []) for line in Texts(page).lines() if unmarked(line, [])] == ["Left out"]
    assert unmarked("Not marked: 1,234.56 EUR of Αβγ", []) == "Not marked of"
    with pytest.raises(AssertionError, match="A text without German"):
        require_german({"A text without German", "Yes"})
