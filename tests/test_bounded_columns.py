"""Every text is refused or cut before it reaches a column that is too short, which on PostgreSQL would be a 500.

The columns are those of all installed models. SQLite stores texts of any length, so these tests measure them. The
admin's many inputs are tried on PostgreSQL alone.
"""

from __future__ import annotations

import sys
import unicodedata

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import models
from django.db.models.functions import Length

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.fields.base import ValidatedField
from strata.fields.names import KEY_LENGTH, NAME_LENGTH, NameKeyField, name_key
from strata.server.middleware import SANE_ID
from strata.tests.test_commands import OURS as COMMANDS
from tests.admin_forms import form_data, inputs_of, url
from tests.sample_rows import sample_rows

LABELS = [model._meta.label for model in apps.get_models()]


def bounded_columns() -> list[models.CharField]:
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.CharField) and field.max_length
    ]


def require_that_all_texts_fit() -> None:
    for field in bounded_columns():
        rows = field.model._base_manager.annotate(length_of_text=Length(field.name))
        assert not rows.filter(length_of_text__gt=field.max_length).exists(), field


# --- each column has a guard ---

# Columns whose length no model field checks, and what does.
BOUNDED_ELSEWHERE = {
    "strata.User.username": "the forms and create_user",
    "strata.User.first_name": "the forms",
    "strata.User.last_name": "the forms",
    "strata.User.email": "the forms and create_user",
    "strata.User.password": "a hash",
    "strata.ApiToken.prefix": "cut",
    "strata.ApiToken.digest": "a digest",
    "strata.ApiToken.password_stamp": "a digest",
    "strata.IdempotentAnswer.key": "key_of",
    "strata.IdempotentAnswer.request_digest": "a digest",
    "strata.JournalEntry.actor_name": "a username",
    "strata.JournalEntry.request_id": "SANE_ID",
    "strata.JournalEntry.undo_of": "the request_id of another entry",
    "strata.JournalEntry.channel": "names of commands",
    "strata.JournalEntry.model": "labels of models",
    "strata.HistoryEntry.actor_name": "that of the journal",
    "strata.HistoryEntry.request_id": "that of the journal",
    "strata.HistoryEntry.undo_of": "that of the journal",
    "strata.HistoryEntry.channel": "that of the journal",
    "strata.HistoryEntry.model": "that of the journal",
    "strata.JournalWrite.actor_name": "that of the entries",
    "strata.JournalWrite.request_id": "that of the entries",
    "strata.JournalWrite.channel": "that of the entries",
    "strata.Deletion.actor_name": "that of its journal entries",
    "strata.Deletion.request_id": "that of its journal entries",
    "strata.Deletion.undo_of": "that of its journal entries",
    "strata.Deletion.channel": "that of its journal entries",
    "strata.Deletion.model": "that of its journal entries",
    "assets.AssetType.code": "the form and the serializer",
    "assets.InstrumentAction.isin": "the service",
    "assets.Instrument.cusip": "the service",
    "assets.Instrument.isin": "the service",
    "assets.Instrument.mic": "the service",
    "assets.Instrument.quote_unit": "the service",
    "assets.Instrument.sedol": "the service",
    "assets.PriceFetch.outcome": "cut",
    "assets.PriceSource.date_field": "the service",
    "assets.PriceSource.decimal": "the service",
    "assets.PriceSource.delimiter": "the service",
    "assets.PriceSource.price_field": "the service",
    "assets.PriceSource.rows_path": "the service",
    "assets.PriceSource.unit": "the service",
    "assets.PriceSource.url": "the service",
    "assets.MonthlyDeltas.currency": "an asset's currency",
    "imports.Import.format": "names of formats",
    "imports.Import.container": "names of containers",
    "imports.Import.file_sha256": "a digest",
    "imports.Import.mapping_key": "a digest",
    "imports.ImportFile.state": "a digest",
    "portfolios.PortfolioSnapshot.value": "a sum of bounded amounts at bounded rates",
    "strata.LoginCount.name_key": "counted_key",
    "strata.LoginCount.address": "an address that was read as one",
    "reports.DismissedFinding.key": "a finding's own",
    "axes.AccessAttempt.username": "counted_name",
    "axes.AccessAttempt.user_agent": "cut by axes",
    "axes.AccessAttempt.http_accept": "cut by axes",
    "axes.AccessAttempt.path_info": "cut by axes",
    "sessions.Session.session_key": "made by Django",
}
NOT_WRITTEN = {
    "axes.AccessLog",
    "axes.AccessFailureLog",
    "auth.Group",
    "auth.Permission",
    "contenttypes.ContentType",
}
CUT_BY_DJANGO = {"admin.LogEntry.object_repr"}


def column_name(field: models.Field) -> str:
    return f"{field.model._meta.label}.{field.name}"


def test_every_bounded_column_has_a_guard():
    unguarded = [
        column_name(field)
        for field in bounded_columns()
        if not isinstance(field, ValidatedField | NameKeyField)
        and not field.choices
        and field.model._meta.label not in NOT_WRITTEN
    ]
    assert set(unguarded) == BOUNDED_ELSEWHERE.keys() | CUT_BY_DJANGO


@pytest.mark.parametrize(
    "field", [field for field in bounded_columns() if isinstance(field, ValidatedField)], ids=column_name
)
def test_validated_column_refuses_a_long_text(field):
    with pytest.raises(ValidationError):
        field.check_value("x" * (field.max_length + 1))


def test_every_choice_fits_its_column():
    for field in bounded_columns():
        assert all(len(str(value)) <= field.max_length for value, _ in field.flatchoices), field


def test_key_of_the_longest_name_fits_its_column():
    letters = [chr(code) for code in range(1, sys.maxunicode) if is_letter(chr(code))]
    longest = max(letters, key=lambda letter: len(name_key(letter * 2)))
    assert len(name_key(longest * 2)) > 2 * KEY_LENGTH / NAME_LENGTH  # so it must be cut
    assert len(name_key(longest * NAME_LENGTH)) <= KEY_LENGTH


def is_letter(character: str) -> bool:
    return unicodedata.category(character) not in ("Cs", "Cn", "Co")


def test_channels_labels_and_request_ids_fit_the_journal():
    channel = JournalEntry._meta.get_field("channel").max_length
    assert all(len(f"command:{name}") <= channel for name in COMMANDS)
    assert all(len(label) <= JournalEntry._meta.get_field("model").max_length for label in LABELS)
    assert not SANE_ID.fullmatch("x" * (JournalEntry._meta.get_field("request_id").max_length + 1))
    assert (
        User._meta.get_field("username").max_length <= JournalEntry._meta.get_field("actor_name").max_length
    )


# --- every form that takes text ---

TOO_LONG = ("X" * 5000, "\ufdfa" * 150, "9" * 400)  # NFKC expands each character of the second to 18


@pytest.fixture
def unbroken(rita):
    """Rita, for whom an exception in a view becomes a 500, as on a server."""
    rita.raise_request_exception = False
    return rita


@pytest.mark.on_postgresql
@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
def test_admin_forms_accept_or_refuse_long_texts_in_every_input(unbroken, household, model):
    row = sample_rows("Own", household=household)[model]
    for page in (url(model, "change", row.pk), url(model, "add")):
        opened = unbroken.get(page)
        if opened.status_code == 403 or not inputs_of(opened):
            continue
        unchanged = form_data(opened)
        for name in (key for key in inputs_of(opened) if not key.endswith(("_FORMS", "-id", "DELETE"))):
            for text in TOO_LONG:
                answer = unbroken.post(page, unchanged | {name: text})
                assert answer.status_code in (200, 302, 403), (page, name, text[:9], answer.status_code)
        require_that_all_texts_fit()


HEADERS = (
    "User-Agent",
    "Accept",
    "X-Request-Id",
    "Referer",
    "Accept-Language",
    "Origin",
    "Cookie",
    "Idempotency-Key",
)


@pytest.mark.parametrize("path", ["/admin/login/", "/api/v1/auth/token"])
@pytest.mark.parametrize("header", HEADERS)
def test_failed_login_with_long_headers_is_not_a_500(client, db, path, header):
    client.raise_request_exception = False
    for text in ("x" * 2000, "sessionid=" + "x" * 2000, "\x00", "é" * 300):
        body = {"username": "x", "password": "x"}
        answer = client.post(f"{path}?next={'x' * 2000}%00", body, headers={header: text})
        assert answer.status_code < 500, (header, text[:9])
    require_that_all_texts_fit()


@pytest.mark.parametrize("field", ["username", "password", "next", "csrfmiddlewaretoken", "other"])
def test_login_form_with_long_fields_is_not_a_500(client, db, field):
    client.raise_request_exception = False
    for text in (*TOO_LONG, "x" * 1_000_000, "a\x00b", "\u202e"):
        answer = client.post("/admin/login/", {"username": "x", "password": "x", field: text})
        assert answer.status_code in (200, 429), (field, text[:9])
    require_that_all_texts_fit()


@pytest.mark.parametrize(
    "arguments",
    [
        ("create_user", "x" * 151, "--password-stdin"),
        ("create_user", "\ufdfa" * 100, "--password-stdin"),
        ("create_user", "dora", "--email", f"{'x' * 300}@example.org", "--password-stdin"),
        ("create_token", "alice", "--name", "x" * 201),
        ("create_token", "x" * 5000),
        ("createsuperuser", "--noinput", "--username", "x" * 151, "--email", "a@example.org"),
        ("createsuperuser", "--noinput", "--username", "root", "--email", f"{'x' * 300}@example.org"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_command_refuses_an_argument_that_is_too_long(arguments, alice_user, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    with pytest.raises(CommandError):
        call_command(*arguments)


def test_largest_total_fits_its_column(alice, portfolio):
    """The smallest rate gives the most euros, and the largest rate the most of the other currency."""
    for currency, units in (("USD", "0.000000000000000001"), ("JPY", "99999999999999999999")):
        ExchangeRate.objects.create(currency=currency, on="2026-01-01", units_per_euro=units)
    portfolio.base_currency = "JPY"
    portfolio.save()
    for number in range(3):
        asset = Asset.objects.create(
            portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"{number}", currency="USD"
        )
        AssetSnapshot.objects.create(
            asset=asset, value="999999999999.9999", on="2026-01-01", observed_at="2026-01-01T11:00Z"
        )
    answer = alice.post(f"/api/v1/portfolios/{portfolio.pk}/snapshots", {"on": "2026-01-01"})
    assert answer.status_code == 201, answer.content
    require_that_all_texts_fit()
