"""Every file and heading that a document names in a link or in backticks exists."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strata_apps import APPS

pytestmark = pytest.mark.on_sqlite

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
# A file or folder of the repository, not a route, command, setting or a file of an installation.
FOLDERS = (
    "strata|portfolios|assets|investments|reports|imports|archives|demo|tests|docs|deploy|scripts|benchmarks"
    r"|\.semgrep|\.ci"
)
NAMES_A_FILE = re.compile(rf"(?:{FOLDERS})/[\w./-]*|[\w.-]+\.(?:py|md|toml|ini|yaml|conf|txt|in)")
# This page names files that it creates; test_adding_a_resource checks them.
OF_AN_EXAMPLE = {"docs/adding-a-resource.md", "docs/testing-a-resource.md"}
PACKAGES = (*APPS, "investments")
NOT_OF_THE_APPS_WORK = {"migrations", "tests", "templatetags"}
OF_EACH_APP = {"doctor.py", "conftest.py"}  # names of files that several folders have


def ids_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> Iterator[str]:
    text = BLOCK.sub("", page.read_text())
    return (link for link in LINK.findall(text) if "://" not in link)


def quoted_paths(page: Path) -> Iterator[str]:
    """The paths in backticks. A changelog may name files of earlier versions."""
    if page.name == "CHANGELOG.md" or ids_of(page) in OF_AN_EXAMPLE:
        return iter(())
    quoted = QUOTED.findall(BLOCK.sub("", page.read_text()))
    return (text for text in quoted if NAMES_A_FILE.fullmatch(text) and text not in OF_EACH_APP)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes from the headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids_of)
def test_links_lead_to_existing_files_and_headings(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_package_of_the_apps_is_in_the_tree_of_the_architecture():
    tree = set(links(ROOT / "docs" / "architecture.md"))
    folders = {
        file.parent.relative_to(ROOT) for app in PACKAGES for file in (ROOT / app).glob("*/__init__.py")
    }
    packages = {f"../{folder}" for folder in folders if folder.name not in NOT_OF_THE_APPS_WORK}
    assert packages | {f"../{app}" for app in PACKAGES} <= tree


def test_every_contract_of_import_linter_is_explained():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    cells = re.findall(r"^\| ([^|]+) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    explained = {name for cell in cells for name in cell.split("; ")}
    assert {contract["name"] for contract in contracts} <= explained


@pytest.mark.parametrize("page", PAGES, ids=ids_of)
def test_files_in_backticks_exist(page):
    folders = (ROOT, page.parent, ROOT / "strata" / "tests")
    for path in quoted_paths(page):
        assert any((folder / path).exists() for folder in folders), path


def test_paths_are_found_in_a_document():
    architecture = ROOT / "docs" / "architecture.md"
    assert len(list(links(architecture))) > 100
    assert "tests/test_query_counts.py" in set(quoted_paths(architecture))


def test_decision_records_are_numbered_without_a_gap_as_their_headings_say():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    headings = [re.match(r"# 0*(\d+)[.:] ", page.read_text()) for page in pages]  # some have no number
    said = [int(match[1]) if match else number for match, number in zip(headings, numbers, strict=True)]
    assert said == numbers


def test_changelog_says_nothing_twice():
    """Of two changes to one entry, a merge may keep both."""
    entries = [
        line[:60] for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("- ")
    ]
    assert len(entries) > 50
    assert [entry for entry in set(entries) if entries.count(entry) > 1] == []
