"""What was planned without a lock is stored only while it is still true."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from assets.models import Asset
from imports.models import Import, ImportBlock
from imports.services import blocks, previews
from imports.services.blocks import rows_after
from imports.services.previews import Upload, change_options, create_import, plan_change, plan_import
from imports.services.writing.commits import commit_import
from imports.tests.files import DAYS_DOWN
from imports.tests.import_requests import LONG, send, values_of
from strata.exceptions import Conflict
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")


def test_what_changed_while_the_command_asked_is_not_written(tmp_path, portfolio, monkeypatch, capsys):
    path = tmp_path / "values.csv"
    path.write_bytes(LONG)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: create_asset(portfolio, "Savings") and "yes")
    with pytest.raises(CommandError) as refused:
        call_command("import_file", str(path), "--portfolio", str(portfolio.pk))
    assert (refused.value.returncode, Import.objects.count()) == (2, 0)
    assert "Something changed meanwhile." in capsys.readouterr().err


def test_a_draft_that_is_not_true_any_more_is_planned_again(portfolio):
    upload = Upload(portfolio.pk, LONG)
    draft = plan_import(upload)
    assert draft.row.summary["counts"]["asset"]["create"] == 2
    add_value(create_asset(portfolio, "Savings", currency="EUR"), 100, day(0))
    row = create_import(upload, draft=draft)
    assert row.summary["counts"]["asset"]["create"] == 1
    assert commit_import(row.pk).result["made"]["asset"] == 1


def test_answers_given_at_the_same_time_are_both_kept(portfolio):
    row = create_import(Upload(portfolio.pk, DAYS_DOWN))
    draft = plan_change(row.pk, {"currency": "EUR"})
    change_options(row.pk, {"values": "keep"})
    changed = change_options(row.pk, {"currency": "EUR"}, draft=draft)
    assert changed.options == {"currency": "EUR", "values": "keep"}
    assert changed.summary["questions"] == []


def test_a_draft_is_stored_again_after_a_deadlock(portfolio):
    upload = Upload(portfolio.pk, LONG)
    draft = plan_import(upload)
    for last in (False, True):
        with transaction.atomic():
            row = create_import(upload, draft=draft)
            transaction.set_rollback(not last)
    assert (Import.objects.count(), len(rows_after(row.pk, 0, 10, [], []))) == (1, 3)
    assert commit_import(row.pk).result["made"]["value"] == 3


def test_a_file_that_is_sent_again_gets_its_first_answer(alice, portfolio, monkeypatch):
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    alice.credentials(**alice._credentials, **key)
    first = send(alice, portfolio)

    def refuse(*args, **kwargs):
        raise Conflict("NO", "Not any more.")

    monkeypatch.setattr("imports.api.imports.plan_import", refuse)
    again = send(alice, portfolio)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    alice.credentials(**{**alice._credentials, "HTTP_IDEMPOTENCY_KEY": "another"})
    assert send(alice, portfolio).json()["code"] == "NO"


def test_blocks_are_the_same_from_memory_and_from_a_file(portfolio, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_IN_MEMORY", 100)
    rows = b"".join(b"A,%d-01-01,%d,EUR\n" % (1800 + number % 400, number) for number in range(2_500))
    bad = b"A,2026-02-30,1,EUR\n"
    upload = Upload(portfolio.pk, b"account,date,balance,currency\n" + rows + bad)
    draft = plan_import(upload)
    planned = draft.blocks.rows(10_000, [], [])
    row = create_import(upload, draft=draft)
    assert [record["n"] for record in planned] == list(range(1, 2_502))
    assert rows_after(row.pk, 0, 10_000, [], []) == planned
    assert ImportBlock.objects.filter(file_import=row).count() == 3
    assert [record["l"] for record in draft.blocks.rows(10, ["refuse"], [])] == [2_502]
    # a day that comes again is known only when the file was read: its last row counts
    assert (row.summary["skipped"], row.summary["counts"]["value"]["create"]) == (2_100, 400)
    commit_import(row.pk)
    assert [value for *_, value in values_of(portfolio)][:2] == ["2400.0000", "2401.0000"]


def test_many_accounts_are_made_in_as_many_queries_as_some(portfolio):
    def queries(number: int) -> int:
        names = [f"{number} {place:02}" for place in range(number)]
        lines = [f"{name},2025-01-31,{place},EUR" for place, name in enumerate(names)]
        row = create_import(
            Upload(portfolio.pk, "\n".join(["account,date,balance,currency", *lines]).encode())
        )
        with CaptureQueriesContext(connection) as seen:
            commit_import(row.pk)
        assets = Asset.objects.filter(name__startswith=f"{number} ").order_by("pk")
        assert [asset.name for asset in assets] == names
        assert assets[0].currency == "EUR"
        return len(seen)

    assert queries(25) == queries(50)


def test_a_file_is_not_kept_by_a_command(tmp_path, portfolio, monkeypatch):
    path, kept = tmp_path / "values.csv", []
    path.write_bytes(LONG)
    create = previews.ImportFile.objects.create
    monkeypatch.setattr(
        previews.ImportFile.objects,
        "create",
        lambda **fields: kept.append(fields["data"]) or create(**fields),
    )
    call_command("import_file", str(path), "--portfolio", str(portfolio.pk), "--yes")
    assert kept == [b""]
    assert Asset.objects.count() == 2
