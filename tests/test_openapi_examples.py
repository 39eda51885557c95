"""Every example of the document, but those of DELETE, works on a server that has the demo, for the demo's user.

Schemathesis sends them, as tests/examples.toml says.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT, environment, manage, serving

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
OPTIONS = ("--phases", "examples", "--exclude-method", "DELETE", "--exclude-path-regex", "/health/")
# Rates are shared by all households, and so only superusers add them; price sources are theirs alone.
MADE_BY_SUPERUSERS = ("exchange_rates_create", "price_sources_create")
SEEN_BY_SUPERUSERS = tuple(
    f"price_sources_{action}" for action in ("retrieve", "update", "partial_update", "history_list")
)
# A file is the user's own: the demo has none, and there is nothing to commit or to undo. imports/tests send them.
OF_FILES = (
    "archives_create",
    *(
        f"imports_{action}"
        for action in (
            "create",
            "retrieve",
            "partial_update",
            "commit_create",
            "history_list",
            "rows_retrieve",
            "undo_create",
        )
    ),
)


def send_examples(server, token: str, *options: str) -> str:
    """What Schemathesis reports. Any failure ends the test with its report."""
    env = environment("sqlite://", STRATA_URL=server.base, STRATA_TOKEN=token)
    document = f"{server.base}/api/v1/openapi.json"
    command = [SCHEMATHESIS, "--config-file", "tests/examples.toml", "run", document, *OPTIONS, *options]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def operations(how: str, *names: str) -> list[str]:
    return [option for name in names for option in (f"--{how}-operation-id", name)]


def test_every_example_answers_for_the_user_of_the_demo(url, database):
    env = environment(url, API_THROTTLE="off", WEB_CONCURRENCY="1")
    manage(env, "demo", "--password", "demo-household")
    token = manage(env, "create_token", "demo").stdout.strip()
    with serving(env) as server:
        report = send_examples(
            server, token, *operations("exclude", *MADE_BY_SUPERUSERS, *SEEN_BY_SUPERUSERS, *OF_FILES)
        )
        assert int(re.search(r"(\d+) generated", report)[1]) > 100
        send_examples(server, database.token, *operations("include", *MADE_BY_SUPERUSERS))
