"""Runs the README's tour and the scripts of docs/examples unchanged against a real server with a new database."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.databases import free_port
from tests.template_database import copy_sqlite_template

# Its server has a database of its own, a SQLite file: in the other pass it would be the same.
pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
ROOT = Path(__file__).resolve().parent.parent


def wait_until_ready(server, base):
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            return urllib.request.urlopen(f"{base}/api/v1/health/ready", timeout=2)
        except OSError:  # refused, or not answered in time
            time.sleep(0.1)
    raise AssertionError("the server did not get ready")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("tour")
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"},
        "DATABASE_URL": f"sqlite:///{tmp_path}/tour.db",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    copy_sqlite_template(tmp_path / "tour.db")
    demo = [sys.executable, "manage.py", "demo", "--password", "demo-household"]
    subprocess.run(demo, cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "strata.wsgi"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_tour_of_the_readme_works_when_pasted(server):
    tour = re.search(r"```sh tour\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    result = subprocess.run(
        ["sh", "-eu"],
        input=tour,
        env={**os.environ, "STRATA": server},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "250000.00"
    assert "262500.50" in result.stdout.splitlines()[-2]


# --- the scripts ---


def send(server, path, body=None, token=None) -> dict:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{server}/api/v1/{path}", data, headers), timeout=30
    ) as answer:
        return json.load(answer)


@pytest.fixture
def token(server) -> str:
    return send(server, "auth/token", {"username": "demo", "password": "demo-household"})["token"]


def run_script(server, token, name: str, file: Path, *, python: bool) -> tuple[int, str, str]:
    environment = {**os.environ, "STRATA_URL": f"{server}/api/v1", "STRATA_TOKEN": token}
    command = [sys.executable if python else "sh", str(ROOT / "docs" / "examples" / name), str(file)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


def test_python_script_records_the_values_of_a_csv(server, token, tmp_path):
    file = tmp_path / "values.csv"
    file.write_text("asset,value\nChecking account,1204.55\nmortgage,-180000\n")
    status, out, err = run_script(server, token, "monthly_update.py", file, python=True)
    assert (status, err) == (0, "")
    worth = send(server, "net-worth?interval=year", token=token)
    assert out == f"{worth['points'][-1]['net']} {worth['currency']}\n"
    assets = send(server, "assets?page_size=200", token=token)["results"]
    values = {asset["name"]: asset["current_value"] for asset in assets}
    assert (values["Checking account"], values["Mortgage"]) == ("1204.55", "-180000.00")
    file.write_text("asset,value\nNothing,1\n")
    refused = run_script(server, token, "monthly_update.py", file, python=True)
    assert refused == (1, "", f"{file}:2: Nothing: there is no such asset\n")
    file.write_text("asset,value\nMortgage,1.234.5\nChecking account,5\n")
    status, out, err = run_script(server, token, "monthly_update.py", file, python=True)
    assert (status, out) == (1, "")
    assert err.startswith(f"{file}:2: Mortgage: Send a number as a string of plain digits")


def test_shell_script_records_the_rows_of_a_file(server, token, tmp_path):
    asset = send(server, "assets?page_size=1", token=token)["results"][0]
    row = {"asset_id": asset["id"], "on": "2025-12-31", "value": "77.50"}
    file = tmp_path / "rows.json"
    for body in ([row], {"if_exists": "replace", "rows": [row]}):
        file.write_text(json.dumps(body))
        status, out, err = run_script(server, token, "monthly_update.sh", file, python=False)
        assert (status, err) == (0, "")
        assert json.loads(out)["results"][0]["value"] == "77.50"
    file.write_text(json.dumps([row, row | {"value": "x", "on": "2025-12-30"}]))
    status, out, err = run_script(server, token, "monthly_update.sh", file, python=False)
    assert (status, out) == (1, "")
    assert json.loads(err)["field"] == "rows[1].value"
