"""Requirements are pinned with hashes, and the tree contains no secret."""

from __future__ import annotations

import math
import re
import secrets
import subprocess
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.on_sqlite

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-semgrep.txt",
    "requirements-yfinance.txt",
    "requirements-otel.txt",
)

# --- requirements ---


def unpinned_in(text: str) -> list[str]:
    """The entries that are not a requirement pinned to one version with a hash; options are such entries too."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    pinned = re.compile(
        r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s;]+( ; [^\\\n]+)?( \\\n +--hash=sha256:[0-9a-f]{64})+"
    )
    return [entry for entry in entries if not pinned.fullmatch(entry.strip())]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_with_its_hashes(name):
    text = (ROOT / name).read_text()
    assert text.count("==") > 20
    assert unpinned_in(text) == []


@pytest.mark.parametrize(
    "entry",
    [
        "django",
        "django>=6.1",
        "django==6.1.3",
        "django==6.1.3 \\\n    --hash=sha256:abc",
        "django==6.1.3 \\\n    --hash=md5:" + "a" * 64,
        "git+https://example.org/django",
        "--extra-index-url https://example.org",
        "-e .",
    ],
)
def test_requirement_that_is_not_pinned_is_found(entry):
    pinned = "a==1 \\\n    --hash=sha256:" + "0" * 64
    assert unpinned_in(f"{pinned}\n{entry}\n    # via x\n{pinned}\n") == [entry]


def test_every_list_of_requirements_is_checked():
    assert {file.name for file in ROOT.glob("requirements*.txt")} == set(REQUIREMENTS)


# --- secrets ---

KINDS = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "token of Strata": re.compile(r"strata_[A-Za-z0-9_-]{43}"),
    "token of another service": re.compile(
        r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[bap]-[0-9A-Za-z-]{20,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,})"
    ),
    "password in a URL": re.compile(
        r"[a-z]+://[^\s:/@\"'$<{]+:(?!pw\b|p\b|postgres\b|strata\b|PASSWORD\b|password\b|secret\b|x\b)[^\s@\"'$<{]{3,}@"
    ),
}
WORD = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
HASHES = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entropy(word: str) -> float:
    """Bits per character."""
    return -sum(n / len(word) * math.log2(n / len(word)) for n in Counter(word).values())


def is_random(word: str) -> bool:
    """Whether the word looks random: mixed letters and digits of high entropy, or only hexadecimal digits."""
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", word):
        return not word.isdigit() and entropy(word) > 3.3
    kinds = [re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]")]
    return all(kinds) and entropy(word) > 4.2 and not re.search(r"[a-z]{7}|[/_-][a-z]+[/_-]", word)


def secrets_in(text: str) -> list[str]:
    text = HASHES.sub("", text)
    findings = [
        f"{kind}: {match[0][:12]}..." for kind, pattern in KINDS.items() for match in pattern.finditer(text)
    ]
    return findings + [f"random: {word[:12]}..." for word in WORD.findall(text) if is_random(word)]


def tracked() -> list[Path]:
    """The files that git tracks."""
    report = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in report.split("\0") if name and (ROOT / name).is_file()]


def test_no_secret_is_in_the_tree():
    files = tracked()
    assert len(files) > 100
    findings = {}
    for path in files:
        try:
            findings[str(path.relative_to(ROOT))] = secrets_in(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            assert path.suffix in (".png", ".ico", ".woff2", ".gz", ".mo"), path
    assert {name: secret for name, secret in findings.items() if secret} == {}


def test_no_file_that_holds_secrets_is_in_the_tree():
    names = {path.name for path in tracked()}
    assert not [
        name
        for name in names
        if re.fullmatch(
            r"\.env|secret_key|.*\.(pem|key|p12|pfx|db|sqlite3?|dump)|id_\w+|\.netrc|\.pypirc", name
        )
    ]
    assert ".env.example" in names


@pytest.mark.parametrize("turn", range(20))
def test_secrets_are_found(turn):
    begin = "-----BEGIN " + "RSA PRIVATE KEY-----"
    planted = [
        begin,
        "strata_" + secrets.token_urlsafe(32),
        f'SECRET_KEY = "{secrets.token_hex(32)}"',
        "AKIA" + "ABCDEFGHIJ234567",
        "postgres://someone:" + "hunter22@db.example.org/strata",
    ]
    assert [secret for secret in planted if not secrets_in(f"x = 1\n{secret}\n")] == []
