"""Every form of the admin, of every address that takes one: what is sent twice is written once, and answered alike.

The addresses come from the URL resolver: a new page has to be added here, as one that only reads or with its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from archives.tests.archives import archive_of
from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, InstrumentSource, PriceSource
from demo import household as demo
from portfolios.models import Household, Invitation, Portfolio
from reports.queries import quality_report
from strata.accounts.models import ApiToken, User
from strata.admin import actions
from strata.audit.models import IdempotentAnswer
from tests.admin_forms import errors_of, form_data, staff, url
from tests.factories import add_value, create_asset, day
from tests.sample_rows import sample_rows

KEY = "1" * 32
PASSWORD, NEW_PASSWORD = "correct horse battery", "staple of another horse"
VALUES = b"account,date,balance,currency\nChecking,2026-01-31,12,EUR\n"
TRADE = {"type": "ACQUIRE", "instrument": "abc", "on": "2024-01-10", "quantity": "3", "unit_price": "12.5"}
WELCOME = {"household": "Ours", "currency": "EUR", "time_zone": "UTC", "tile": "VEHICLE"}
SETTINGS = {"language": "en", "number_format": "1,234.56", "date_format": "YYYY-MM-DD"}

# Addresses that write nothing; POST is refused, or answered as GET.
READS = {
    "admin:index",
    "admin:search",
    "admin:password_change_done",
    "admin:autocomplete",
    "admin:jsi18n",
    "admin:view_on_site",
    "admin:app_list",
    "palette",
    "archive-file",
    "performance-page",
    "statement",
    "statement-pdf",
}
# Sessions are not rows of a form: whoever logs in twice is logged in.
SESSIONS = {"admin:login", "admin:logout"}
SHADOWED = {"admin:password_change"}  # by own-password, at the same address
WITHOUT_A_KEY = re.compile(r'action="[^"]*/(logout|login|setlang)/"|id="login-form"')
# The stored answers themselves, sessions, and what is counted of passwords.
UNCOUNTED = re.compile(
    r"^\w+( OR IGNORE)?( INTO| FROM)? "
    r'"(strata_idempotentanswer|django_session|strata_logincount|axes_)'
)


class Sent:
    """A form: who sends it where, and what. `write` changes what is sent the second time, such as a file."""

    def __init__(self, browser: Client, address: str, fields: dict[str, Any]) -> None:
        self.browser, self.address, self.fields = browser, address, fields

    def send(self, **more: Any) -> Any:
        fields = {name: value() if callable(value) else value for name, value in self.fields.items()}
        return self.browser.post(self.address, {"form_key": KEY} | fields | more)


Case = Callable[[Any], Sent]


def names_of_routes() -> list[str]:
    """Of all addresses below /admin/."""

    def walk(patterns: list[Any], address: str, space: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = address + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(
                    pattern.url_patterns, route, f"{pattern.namespace}:" if pattern.namespace else space
                )
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield route, space + pattern.name

    return sorted(
        {name for address, name in walk(get_resolver().url_patterns, "", "") if "admin/" in address[:6]}
    )


def pages_of_models() -> dict[str, tuple[type[models.Model], str]]:
    """The name of a route with its model and which of Django's pages it is."""
    pages = ("changelist", "add", "change", "delete", "history")
    return {
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}": (model, page)
        for model in admin.site._registry
        for page in pages
    }


# --- the forms of pages of their own ---


def share_of(place: Any) -> Instrument:
    return Instrument.objects.create(household=place.household, symbol="ABC", name="Abc", currency="EUR")


def house_of(place: Any) -> Asset:
    return create_asset(place.portfolio, "House")


def own_password(place: Any) -> Sent:
    place.user.set_password(PASSWORD)
    fields = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    return Sent(staff(place.user), reverse("own-password"), fields)


def password_of_another(place: Any) -> Sent:
    other = User.objects.create(username="other")
    browser, address = place.rita, reverse("admin:auth_user_password_change", args=[other.pk])
    version = browser.get(address).context["form"].initial["version"]
    fields = {
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
        "usable_password": "true",
        "version": version,
    }
    return Sent(browser, address, fields)


def token(place: Any) -> Sent:
    place.user.set_password(PASSWORD)
    return Sent(staff(place.user), url(ApiToken, "add"), {"scope": "read", "password": PASSWORD})


def undo(place: Any) -> Sent:
    asset = house_of(place)
    place.browser.post(url(Asset, "delete", asset.pk), {"post": "yes"})
    page = place.browser.get(url(Asset)).content.decode()
    address = re.search(r'action="(/admin/undo/[^"]+/)"', page)[1]
    return Sent(place.browser, address, {"next": url(Asset)})


def update_values(place: Any) -> Sent:
    asset = house_of(place)
    add_value(asset, 5, day(0))
    fields = {"portfolio": place.portfolio.pk, "on": "2026-03-31", "action": "save", f"value-{asset.pk}": "5"}
    page = place.browser.get(reverse("update-values"), {"portfolio": place.portfolio.pk, "on": "2026-03-31"})
    seen = re.search(rf'name="seen-{asset.pk}" value="([^"]*)"', page.content.decode())[1]
    return Sent(place.browser, reverse("update-values"), fields | {f"seen-{asset.pk}": seen})


def file_of(place: Any) -> Sent:
    fields = {"portfolio": place.portfolio.pk, "file": lambda: SimpleUploadedFile("a.csv", VALUES)}
    return Sent(place.browser, reverse("import-file"), fields)


def commit(place: Any) -> Sent:
    address = file_of(place).send(form_key="2" * 32).url
    return Sent(place.browser, address, {"action": "commit"})


def archive(place: Any) -> Sent:
    data = archive_of(place.household)
    fields = {"mode": "new", "file": lambda: SimpleUploadedFile("home.zip", data)}
    return Sent(place.browser, reverse("archives-page"), fields)


def trade(place: Any) -> Sent:
    share_of(place)
    return Sent(place.browser, f"{reverse('trade')}?portfolio={place.portfolio.pk}", TRADE)


def value(place: Any) -> Sent:
    """Without `seen`, as the page sends it: nothing but the key says that it is the same value."""
    address = reverse("save-value", args=[house_of(place).pk])
    return Sent(place.browser, address, {"value": "12", "on": "2026-01-31", "note": ""})


def shares(place: Any) -> Sent:
    fields = {"seen": "", "share": "50", "share_on": ""}
    return Sent(place.browser, reverse("save-shares", args=[house_of(place).pk]), fields)


def remove_demo(place: Any) -> Sent:
    demo.build(place.user, date(2026, 1, 31))
    return Sent(place.browser, reverse("admin:portfolios_household_remove_demo"), {})


def invitation(place: Any) -> Sent:
    home = Household.objects.create(name="Theirs")
    invited = Invitation.objects.create(household=home, username=place.user.username, role="EDITOR")
    address = reverse("admin:portfolios_household_answer", args=[invited.pk])
    return Sent(place.browser, address, {"answer": "accept"})


def terms(place: Any) -> Sent:
    address = f"{url(Asset, 'terms', house_of(place).pk)}?valuation=growth"
    page = place.browser.get(address)
    fields = {"version": page.context["version"], "rate": "2", "compounding": "yearly"}
    return Sent(place.browser, address, {**growth_fields(page), **fields})


def growth_fields(page: Any) -> dict[str, Any]:
    return {field.html_name: field.value() or "" for field in page.context["form"]} if page.context else {}


def transfer(place: Any) -> Sent:
    target = Portfolio.objects.create(household=place.household, name="There")
    fields = {"to_portfolio": str(target.pk), "on": "2026-01-31"}
    return Sent(place.browser, url(Asset, "transfer", house_of(place).pk), fields)


def price(place: Any) -> Sent:
    fields = {"on": "2026-01-30", "price": "12.5"}
    return Sent(place.browser, url(Instrument, "price", share_of(place).pk), fields)


def fetch(place: Any) -> Sent:
    source = PriceSource.objects.create(name="bar", source_type="coingecko")
    share = share_of(place)
    InstrumentSource.objects.create(instrument=share, source=source, symbol="abc")
    return Sent(place.browser, url(Instrument, "fetch", share.pk), {})


def quality(place: Any) -> Sent:
    house_of(place)
    key = quality_report(place.portfolio)[0].finding.key
    return Sent(place.browser, url(Portfolio, "quality", place.portfolio.pk), {"key": key, "reason": "new"})


def welcome(place: Any) -> Sent:
    return Sent(
        place.stranger, reverse("welcome"), WELCOME | {"VEHICLE.0.name": "Car", "VEHICLE.0.value": "9"}
    )


CASES: dict[str, Case] = {
    "own-password": own_password,
    "admin:auth_user_password_change": password_of_another,
    "welcome": welcome,
    "explore-demo": lambda place: Sent(place.stranger, reverse("explore-demo"), {}),
    "undo-in-admin": undo,
    "my-settings": lambda place: Sent(place.browser, reverse("my-settings"), settings_of(place.browser)),
    "update-values": update_values,
    "import-file": file_of,
    "import-preview": commit,
    "archives-page": archive,
    "trade": trade,
    "save-value": value,
    "save-shares": shares,
    "admin:portfolios_household_remove_demo": remove_demo,
    "admin:portfolios_household_answer": invitation,
    "admin:assets_asset_terms": terms,
    "admin:assets_asset_transfer": transfer,
    "admin:assets_instrument_price": price,
    "admin:assets_instrument_fetch": fetch,
    "admin:portfolios_portfolio_quality": quality,
    "admin:strata_apitoken_add": token,
}


def settings_of(browser: Client) -> dict[str, Any]:
    form = browser.get(reverse("my-settings")).context["form"]
    return {name: form.initial[name] for name in form.fields} | {"language": "de"}


# --- the check ---


@pytest.fixture
def place(alice_user, charlie_user, household, portfolio, rita, monkeypatch):
    """Alice with her household; a stranger without any; and a superuser."""

    class Place:
        pass

    place = Place()
    place.user, place.household, place.portfolio, place.rita = alice_user, household, portfolio, rita
    place.browser, place.stranger = staff(alice_user), staff(charlie_user)
    monkeypatch.setattr("assets.admin.instruments.new_price.start_fetching", lambda pk: None)
    return place


def writes(queries: Any) -> list[str]:
    """The statements that write rows of the household or of users."""
    changes = [query["sql"] for query in queries if re.match("INSERT|UPDATE|DELETE", query["sql"])]
    return [sql for sql in changes if not UNCOUNTED.search(sql)]


def said(answer: Any) -> list[tuple[str, str, str]]:
    queued = getattr(answer.wsgi_request, "_messages", [])
    return [(message.level_tag, str(message), message.extra_tags) for message in queued]


def check_twice(form: Sent) -> tuple[Any, Any]:
    with CaptureQueriesContext(connection) as of_first:
        first = form.send()
    with CaptureQueriesContext(connection) as of_second:
        second = form.send()
    assert writes(of_first.captured_queries), errors_in(first)
    assert IdempotentAnswer.objects.exists(), errors_in(first)
    assert writes(of_second.captured_queries) == []
    assert second.status_code == first.status_code, errors_in(second)
    assert getattr(second, "url", "") == getattr(first, "url", "")
    answers = said(first)
    assert said(second)[len(said(second)) - len(answers) :] == answers
    assert not [text for level, text, _ in answers if level == "error"]
    return first, second


def errors_in(answer: Any) -> str:
    context = answer.context or {}
    errors = errors_of(answer) if "adminform" in context else getattr(context.get("form"), "errors", "")
    return f"{answer} {errors} {said(answer)}"


def test_every_address_is_known():
    known = READS | SESSIONS | SHADOWED | CASES.keys() | pages_of_models().keys()
    assert [name for name in names_of_routes() if name not in known] == []


@pytest.mark.parametrize("name", CASES)
def test_a_form_of_a_page_of_its_own_is_written_once(name, place):
    form = CASES[name](place)
    first, second = check_twice(form)
    if first.status_code == 200:
        assert re.findall(r"strata_[\w-]{30,}", first.content.decode()) == re.findall(
            r"strata_[\w-]{30,}", second.content.decode()
        )


def pages_with_forms(place: Any) -> dict[str, Any]:
    """Pages of Alice by their address; those of her models are asked as a superuser, who sees every form."""
    asset, share = house_of(place), share_of(place)
    add_value(asset, 5, day(0))
    source = PriceSource.objects.create(name="bar", source_type="coingecko")
    InstrumentSource.objects.create(instrument=share, source=source, symbol="abc")
    Invitation.objects.create(
        household=Household.objects.create(name="Theirs"), username="alice", role="EDITOR"
    )
    demo.build(place.user, date(2026, 1, 31))
    preview = file_of(place).send().url
    own = [
        "admin:index",
        "trade",
        "import-file",
        "archives-page",
        "my-settings",
        "own-password",
        "update-values",
    ]
    addresses = [reverse(name) for name in [*own, "admin:portfolios_household_remove_demo"]]
    of_rows = [url(Asset, page, asset.pk) for page in ("change", "terms", "transfer")]
    of_rows += [url(Instrument, page, share.pk) for page in ("change", "price")]
    of_rows += [url(Portfolio, "quality", place.portfolio.pk), url(ApiToken, "add"), preview]
    pages = {address: place.browser.get(address) for address in [*addresses, *of_rows]}
    pages["/admin/ of a stranger"] = place.stranger.get(reverse("admin:index"))
    for row in sample_rows("Secret", household=place.household).values():
        for page in ("changelist", "add", "change", "delete", "history"):
            args = [] if page in ("changelist", "add") else [row.pk]
            if type(row) in admin.site._registry:
                pages[url(type(row), page, *args)] = place.rita.get(url(type(row), page, *args))
    many = {"action": "dispose_of", ACTION_CHECKBOX_NAME: str(asset.pk)}
    pages["a question"] = place.rita.post(url(Asset), many)
    return pages


def test_each_form_has_a_key(place, monkeypatch):
    monkeypatch.setattr(actions, "MOST_UNASKED", 0)
    without, with_key = [], set()
    for address, page in pages_with_forms(place).items():
        assert page.status_code in (200, 403), address
        for form in re.findall(r'<form\b[^>]*method="post".*?</form>', page.content.decode(), re.DOTALL):
            if WITHOUT_A_KEY.search(form):
                continue
            if form.count('name="form_key"') == 1:
                with_key.add(re.sub(r"[0-9a-f-]{32,}", "ID", form.partition(">")[0]))
            else:
                without.append(f"{address}: {form[:200]}")
    assert without == []
    assert len(with_key) > 20


# --- the forms of each model ---


def new_rows(place: Any) -> dict[str, dict[str, Any]]:
    """What the page of each model sends for a new row."""
    asset = create_asset(place.portfolio, "Account")
    of_household = {"household": str(place.household.pk), "name": "New"}
    password = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    return {
        "User": {"username": "new", **password},
        "Household": {"name": "New"},
        "Portfolio": of_household | {"base_currency": "EUR", "time_zone": "UTC"},
        "PortfolioSnapshot": {"portfolio": str(place.portfolio.pk), "on": "", "note": "new"},
        "AllocationTarget": of_household | {"group_by": "group", "group": "OTHER", "share": "10"},
        "Asset": {
            "name": "New",
            "portfolio": str(place.portfolio.pk),
            "asset_type": TypeId.VEHICLE,
            "currency": "EUR",
        },
        "AssetSnapshot": {"asset": str(asset.pk), "value": "2", "on": "2026-02-01"},
        "Transaction": {"asset": str(asset.pk), "type": "INCOME", "amount": "2", "on": "2026-02-01"},
        "Category": of_household,
        "Tag": of_household,
        "AssetType": of_household | {"code": "NEW", "group": "OTHER", "kind": "balance", "label": "New"},
        "Instrument": of_household
        | {"symbol": "NEW", "instrument_type": "share", "currency": "EUR", "quote_unit": "1"},
        "PriceSource": {"name": "New", "source_type": "coingecko"}
        | {"date_field": "0", "price_field": "1", "delimiter": ",", "decimal": ".", "unit": "1"},
        "ExchangeRate": {"currency": "CHF", "on": "2026-02-02", "units_per_euro": "1.2"},
    }


def new_row(place: Any, name: str) -> dict[str, Any]:
    return form_data(place.rita.get(url(MODELS[name], "add"))) | new_rows(place)[name]


MODELS = {model.__name__: model for model in admin.site._registry}
ADDED = sorted(MODELS.keys() - {"JournalEntry", "AccessAttempt", "LoginCount", "ApiToken"})


@pytest.mark.parametrize("is_popup", [False, True], ids=["page", "popup"])
@pytest.mark.parametrize("name", ADDED)
def test_a_new_row_is_added_once(name, is_popup, place):
    fields = new_row(place, name) | ({"_popup": "1"} if is_popup else {})
    check_twice(Sent(place.rita, url(MODELS[name], "add"), fields))


@pytest.mark.parametrize("name", sorted(MODELS.keys() - {*ADDED, "ApiToken"}))
def test_the_program_alone_adds_other_rows(name, place):
    assert place.rita.post(url(MODELS[name], "add")).status_code == 403


def row_of(name: str, place: Any) -> models.Model:
    """A row that nothing refers to."""
    if name not in ADDED:
        return sample_rows("Secret", household=place.household)[MODELS[name]]
    rows = MODELS[name]._base_manager
    old = set(rows.values_list("pk", flat=True))
    fields = new_row(place, name)
    answer = place.rita.post(url(MODELS[name], "add"), fields)
    assert answer.status_code == 302, errors_in(answer)
    row: models.Model = rows.exclude(pk__in=old).get(**({"name": "New"} if name == "Asset" else {}))
    return row


CHANGED = ("name", "label", "username", "note", "value", "amount", "share")


@pytest.mark.parametrize("name", MODELS)
def test_a_row_is_changed_once(name, place):
    row = row_of(name, place)
    address = url(MODELS[name], "change", row.pk)
    page = place.rita.get(address)
    if not page.context["has_change_permission"]:
        assert place.rita.post(address).status_code == 403
        return
    fields = form_data(page)
    changed = next(name for name in CHANGED if name in fields)
    check_twice(Sent(place.rita, address, fields | {changed: "3"}))


@pytest.mark.parametrize("name", MODELS)
def test_a_row_is_deleted_once(name, place):
    address = url(MODELS[name], "delete", row_of(name, place).pk)
    page = place.rita.get(address)
    if page.status_code == 403:
        assert place.rita.post(address, {"post": "yes"}).status_code == 403
        return
    check_twice(Sent(place.rita, address, {"post": "yes", "version": page.context["version"]}))


@pytest.mark.parametrize("name", MODELS)
def test_an_action_of_a_list_is_done_once(name, place):
    address, row = url(MODELS[name]), row_of(name, place)
    page = place.rita.get(address)
    choices = page.context["cl"].model_admin.get_action_choices(page.wsgi_request)
    for action in [action for action, _ in choices if action]:
        fields = {"action": action, ACTION_CHECKBOX_NAME: str(row.pk), "post": "yes", "index": "0"}
        check_twice(Sent(place.rita, address, fields))
        place.rita.get(address)
