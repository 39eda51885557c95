"""Applies the worked example of docs to a copy of the tree and runs its tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import adding_a_resource

ROOT = Path(__file__).resolve().parent.parent
# The commands of the page in one process, as each start takes a second of CPU.
COMMANDS = """
import django
from django.core.management import call_command
django.setup()
call_command("makemigrations", check_changes=True, dry_run=True)
call_command("migrate", verbosity=0)
call_command("spectacular", validate=True, fail_on_warn=True, file="openapi.yaml")
"""
# The example's own tests, and the fewest others that find the new model by themselves.
AUTOMATIC = (
    "assets/tests/test_notes.py",
    "tests/test_tenancy.py::test_every_route_is_known",
    "tests/test_tenancy.py::test_every_path_can_be_filled_in",
    "tests/test_tenancy.py::test_each_role_may_do_what_it_may_and_no_more",
    "tests/test_round_trips.py",
    "tests/test_traces.py",
    "tests/test_query_counts.py",
    "tests/test_admin_pages.py",
    "tests/test_cursors.py",
    "archives/tests/test_round_trip.py",
)
SELECTED = (
    "test_notes or test_every_route_is_known or test_every_path or test_query_counts or test_every_model_is_traced"
    " or AssetNote or asset-note or test_every_read_only_field or (test_each_role and (owner or viewer or stranger))"
    " or test_the_menu_is_ordered or test_every_table_with_a_history"
)


@pytest.fixture
def tree(tmp_path):
    """A copy of the files that git tracks, with the example applied."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    adding_a_resource.apply(tmp_path)
    return tmp_path


def run(tree: Path, *command: str) -> str:
    """Runs a command in the copy, on a new SQLite database."""
    excluded = ("TEST_DATABASE_URL", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST")
    environment = {name: text for name, text in os.environ.items() if name not in excluded}
    environment["DJANGO_SETTINGS_MODULE"] = "strata.settings"
    environment["DATABASE_URL"] = f"sqlite:///{tree}/example.db"
    done = subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.server
@pytest.mark.on_sqlite
def test_example_works_when_it_is_followed(tree):
    run(tree, "-m", "ruff", "check", "--quiet", ".")
    run(tree, "-c", COMMANDS)
    output = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *AUTOMATIC, "-k", SELECTED)
    assert " passed" in output
