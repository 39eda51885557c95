"""compose.yaml and the Dockerfile, tested without Docker: their content, and the commands that they run.

Each RUN of the Dockerfile runs unchanged, then its CMD and HEALTHCHECK with the settings of compose.yaml.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from jsonschema.validators import validator_for

from tests.compose import FILE, PROFILES, MissingVariable, compose, refused, undefined_names
from tests.container import Image, instructions, is_ignored
from tests.disks import small_disk
from tests.serving import ROOT

pytestmark = pytest.mark.on_sqlite
KEY = "0123456789abcdef" * 5
DOCKERFILE = ROOT / "Dockerfile"
# Runs in the container: starts its command, runs its health check, and stops it as Docker does.
DRIVER = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
command, healthcheck = json.loads(sys.argv[1]), json.loads(sys.argv[2])
def health():
    return subprocess.run(healthcheck, capture_output=True, text=True).returncode
def written(path):
    try:
        Path(path).write_text("x")
    except OSError as error:
        return error.errno
    return 0
report = {"before": health(), "uid": os.getuid()}
report["writes"] = {name: written(name) for name in ("/app/x", "/etc/x", "/tmp/x")}
process = subprocess.Popen(command)
deadline = time.monotonic() + 120
while health() and process.poll() is None and time.monotonic() < deadline:
    time.sleep(0.2)
report["ready"] = health()
create = ["python", "manage.py", "create_user", "alice", "--password-stdin"]
report["user"] = subprocess.run(create, input="correct horse battery staple", text=True, capture_output=True).returncode
process.send_signal(signal.SIGTERM)
report["ended"] = process.wait(60)
report["after"] = health()
print(json.dumps(report))
"""


# --- content ---


@pytest.fixture(scope="module")
def schema() -> dict:
    """The Compose specification's schema, as check-jsonschema ships it (Apache-2.0)."""
    vendored = resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
    return json.loads(vendored.read_text())


def schema_errors(document: dict, schema: dict) -> list[str]:
    return [error.message for error in validator_for(schema)(schema).iter_errors(document)]


def test_compose_file_is_valid_and_names_only_what_it_defines(schema):
    document = compose(SECRET_KEY=KEY)
    assert schema_errors(document, schema) == []
    assert undefined_names(document) == []


def test_checks_find_errors_in_a_compose_file(schema):
    good = compose(SECRET_KEY=KEY)
    for service, key, value in (
        ("strata", "read_onyl", True),
        ("strata", "restart", 5),
        ("strata", "ports", "8000:8000"),
        ("postgres", "healthcheck", {"test": ["CMD", "x"], "every": "5s"}),
    ):
        wrong = copy.deepcopy(good)
        wrong["services"][service][key] = value
        assert schema_errors(wrong, schema), key
    for service, key, value in (
        ("strata", "depends_on", {"postgre": {"condition": "service_healthy"}}),
        ("strata", "volumes", ["dat:/app/.data"]),
        ("postgres", "networks", ["inner"]),
    ):
        wrong = copy.deepcopy(good)
        wrong["services"][service][key] = value
        assert undefined_names(wrong), key


@pytest.mark.parametrize("profiles", PROFILES, ids=lambda profiles: " ".join(profiles) or "none")
def test_compose_starts_each_profile(profiles):
    assert refused(compose(SECRET_KEY=KEY), profiles) == []


@pytest.mark.parametrize(
    ("service", "key", "value", "refusal"),
    [
        ("pgbouncer", "profiles", ["pooler"], "strata2 depends on pgbouncer, which is not started"),
        ("postgres", "healthcheck", None, "standby waits until postgres is healthy, which has no check"),
        ("postgres", "depends_on", ["standby"], "depend on each other"),
        ("strata2", "networks", {"inside": {"ipv4_address": "10.83.0.3"}}, "strata2 cannot have 10.83.0.3"),
        ("strata2", "networks", {"inside": {"ipv4_address": "10.84.0.3"}}, "strata2 cannot have 10.84.0.3"),
        ("strata2", "ports", ["127.0.0.1:8443:80"], "publishes 127.0.0.1:8443, which is taken"),
        ("standby", "volumes", ["./nowhere:/deploy:ro"], "standby has no ./nowhere"),
        ("pgbouncer", "build", {"context": "nowhere"}, "pgbouncer has no nowhere"),
    ],
)
def test_what_compose_refuses_of_a_profile_is_seen(service, key, value, refusal):
    document = compose(SECRET_KEY=KEY)
    document["services"][service].pop(key, None)
    if value is not None:
        document["services"][service][key] = value
    if refusal.startswith("strata2 depends"):
        document["services"]["strata2"]["depends_on"]["pgbouncer"].pop("required")
    assert refusal in "; ".join(refused(document, frozenset({"scale"})))


def test_compose_requires_a_secret_key():
    with pytest.raises(MissingVariable, match="SECRET_KEY: make one"):
        compose()


def test_defaults_may_contain_variables():
    def origin(**variables: str) -> str:
        service = compose(SECRET_KEY=KEY, **variables)["services"]["strata"]
        return service["environment"]["CSRF_TRUSTED_ORIGINS"]

    assert origin() == "https://localhost:8443"
    assert origin(PORT="9000") == "https://localhost:9000"
    assert origin(CSRF_TRUSTED_ORIGINS="https://strata.example.org") == "https://strata.example.org"


def test_settings_in_compose_are_documented():
    readme = (ROOT / "README.md").read_text()
    for name in compose(SECRET_KEY=KEY)["services"]["strata"]["environment"]:
        assert f"`{name}`" in readme, name


def test_hadolint_finds_no_problem():
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    bad = subprocess.run([hadolint, "-"], input="FROM python\nRUN cd /x\n", capture_output=True, text=True)
    assert bad.returncode == 1


def test_dockerfile_uses_only_instructions_that_image_supports():
    """Image fails on an instruction that it does not know."""
    words = [instruction.word for instruction in instructions(DOCKERFILE.read_text())]
    assert words.count("FROM") == 2
    assert set(words) <= {
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }
    images = {
        instruction.rest.partition(" AS ")[0]
        for instruction in instructions(DOCKERFILE.read_text())
        if instruction.word == "FROM"
    }
    assert len(images) == 1


def test_build_context_has_only_what_strata_needs():
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for name in (
        "strata/urls.py",
        "manage.py",
        "scripts/healthcheck.py",
        "assets/valuation/sources/snapshots_sql.py",
    ):
        assert not is_ignored(name, patterns), name
    for name in (
        ".env",
        "strata/tests/test_me.py",
        "scripts/run",
        "README.md",
        ".data/secret_key",
        "tests/container.py",
    ):
        assert is_ignored(name, patterns), name


# --- commands ---


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Iterator[Image]:
    """The built Dockerfile: all its commands have run in a temporary root."""
    folder = tmp_path_factory.mktemp("container") / "disk"
    with small_disk(folder, size=3 * 2**30):
        yield Image(DOCKERFILE.read_text(), folder / "stages")


def start(image: Image, volume: Path, **variables: str) -> subprocess.CompletedProcess:
    stage = image.stages[-1]
    settings = compose(**{"SECRET_KEY": KEY} | variables)["services"]["strata"]["environment"]
    command = ["python", "-c", DRIVER, json.dumps(stage.command), json.dumps(stage.healthcheck)]
    return stage.start(command, volume, **{name: str(value) for name, value in settings.items()})


@pytest.mark.server
def test_every_command_of_the_dockerfile_runs(image):
    commands = [
        instruction.rest for instruction in instructions(DOCKERFILE.read_text()) if instruction.word == "RUN"
    ]
    assert [command for command, _ in image.log] == commands
    stage = image.stages[-1]
    assert stage.path("manage.py").is_file()
    assert list(stage.path("strata/__pycache__").iterdir())
    assert stage.run(["python", "-c", "import sys; print(sys.prefix)"]).stdout == "/opt/venv\n"
    assert stage.run(["id", "-u"]).stdout == "10001\n"
    assert not stage.path("/app/tests").exists() and not stage.path("/app/.git").exists()


@pytest.mark.server
def test_container_starts_becomes_healthy_and_stops(image, tmp_path):
    volume = image.stages[-1].new_volume(tmp_path / "volume")
    for turn in range(2):  # the second start uses the existing data
        done = start(image, volume)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout.splitlines()[-1])
        assert (report["before"], report["ready"], report["ended"], report["after"]) == (1, 0, 0, 1), (
            done.stderr
        )
        assert report["uid"] == 10001
        assert (report["writes"]["/app/x"], report["writes"]["/etc/x"], report["writes"]["/tmp/x"]) == (
            30,
            30,
            0,
        )
        assert report["user"] == turn  # the second time alice exists already
    modes = {path.name: (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) for path in volume.iterdir()}
    assert modes["strata.db"] == (0o600, 10001)
    assert set(modes.values()) == {(0o600, 10001)}


@pytest.mark.server
def test_container_with_a_short_key_says_so_and_exits(image, tmp_path):
    volume = image.stages[-1].new_volume(tmp_path / "volume")
    done = start(image, volume, SECRET_KEY="short")
    assert "SECRET_KEY is too short" in done.stderr
    assert not (volume / "strata.db").exists()


@pytest.mark.server
def test_docker_compose_accepts_the_file_if_it_is_installed():
    """Docker itself checks best, but few machines that run these tests have it."""
    command = ["docker", "compose", "--file", FILE, "config", "--quiet"]
    if (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        done = subprocess.run(command, env=os.environ | {"SECRET_KEY": KEY}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
