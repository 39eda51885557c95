"""manage.py import_file: the same import from the command line."""

import pytest
from django.core.management import CommandError, call_command

from assets.models import Asset, AssetSnapshot
from imports.models import Import
from imports.tests.files import DAYS_DOWN, WIDE_GERMAN

pytestmark = pytest.mark.usefixtures("shared_rows")


@pytest.fixture
def run(tmp_path, portfolio, capsys):
    """Imports the bytes, and returns the output and the exit code."""

    def run(data, *arguments, name="values.csv"):
        path = tmp_path / name
        path.write_bytes(data)
        code = 0
        try:
            call_command("import_file", str(path), "--portfolio", str(portfolio.pk), *arguments)
        except CommandError as error:
            code = error.returncode
        except SystemExit as end:
            code = end.code
        return capsys.readouterr(), code

    return run


def test_file_is_imported(run):
    output, code = run(WIDE_GERMAN, "--yes", "--user", "alice")
    assert code == 0
    assert output.out.splitlines()[-1] == "made: 3 assets, 8 values; updated: 0; skipped: 2; refused: 0"
    assert AssetSnapshot.objects.count() == 8
    assert Asset.objects.first().created_by.username == "alice"


def test_dry_run_writes_nothing(run):
    output, code = run(WIDE_GERMAN, "--dry-run")
    assert (code, Import.objects.count(), Asset.objects.count()) == (0, 0, 0)
    assert "would make: 3 assets, 8 values" in output.out


def test_dry_run_says_what_would_be_asked(run):
    output, code = run(DAYS_DOWN, "--dry-run")
    assert (code, Import.objects.count()) == (0, 0)
    assert "--option currency=" in output.err


def test_numbers_of_an_option_stay_exact(run):
    data = b"date,description,amount,currency,account\n2025-02-03,Pay,100,EUR,Main\n"
    opening = '{"Main|EUR": {"opening": {"on": "2025-02-01", "amount": 12345678901234.5678}}}'
    assert run(data, "--yes", "--option", f"accounts={opening}")[1] == 0
    values = AssetSnapshot.objects.order_by("on").values_list("value", flat=True)
    assert [str(value) for value in values] == ["12345678901234.5678", "12345678901334.5678"]


def test_refused_rows_are_listed_and_left_out(run):
    output, code = run(b"account,date,balance,currency\nA,2026-02-30,1,EUR\nB,2026-01-31,1,EUR\n", "--yes")
    assert code == 1
    assert "line 2, date: BAD_DATE 2026-02-30 is no day." in output.out.splitlines()
    assert output.out.splitlines()[-1] == "made: 1 assets, 1 values; updated: 0; skipped: 0; refused: 1"


def test_open_question_writes_nothing_until_it_is_answered(run):
    output, code = run(DAYS_DOWN, "--yes")
    assert (code, Import.objects.count()) == (2, 0)
    assert "--option currency=" in output.err
    assert run(DAYS_DOWN, "--yes", "--option", "currency=EUR")[1] == 0


@pytest.mark.parametrize(
    "arguments", [(), ("--yes", "--option", "colour=blue"), ("--yes", "--user", "nobody")]
)
def test_nothing_is_written_without_a_yes_or_with_a_mistake(run, arguments):
    _, code = run(WIDE_GERMAN, *arguments)
    assert (code, Import.objects.count()) == (2, 0)


def test_file_that_cannot_be_read(run):
    output, code = run(b"a,b\n1,\0\n", "--yes")
    assert code == 2
    assert "line 2" in output.err
