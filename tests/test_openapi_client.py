"""openapi-python-client generates a client from openapi.yaml without a warning, and the client reads and writes."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from django.test import Client

from assets.classification.seeds import TypeId
from strata.accounts.services import issue_token

ROOT = Path(__file__).parent.parent
PACKAGE = "strata_api_client"
pytestmark = pytest.mark.on_sqlite


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A function that imports a module of the client, which is generated into a temporary folder."""
    folder = tmp_path_factory.mktemp("client")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta=none"]
    command += [f"--path={ROOT / 'openapi.yaml'}", f"--config={ROOT / 'docs/openapi-python-client.yaml'}"]
    done = subprocess.run(
        [*command, f"--output-path={folder / PACKAGE}"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # It knows no CSV in a request: prices:batch takes JSON too.
    output = done.stdout + done.stderr
    assert output.count("WARNING") == output.count("Unsupported content type text/csv") == 1, output
    sys.path.insert(0, str(folder))
    yield lambda name: import_module(f"{PACKAGE}.{name}")
    sys.path.remove(str(folder))


@pytest.fixture
def client(generated, alice_user):
    """The generated client; Django's test client sends its requests."""
    token = issue_token(alice_user)[1]

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        response = Client().generic(
            request.method,
            request.url.raw_path.decode(),
            request.content,
            request.headers.get("content-type", ""),
            **headers,
        )
        return httpx.Response(response.status_code, headers=dict(response.items()), content=response.content)

    transport = httpx.MockTransport(answer)
    client = generated("client").AuthenticatedClient(
        "http://testserver", token, httpx_args={"transport": transport}
    )
    return client.with_timeout(httpx.Timeout(10))


def test_client_creates_an_asset_and_reads_it(generated, client, portfolio):
    request = generated("models.asset_request").AssetRequest(
        name="Flat", portfolio_id=portfolio.pk, asset_type_id=TypeId.REAL_ESTATE, value="250000.00"
    )
    created = generated("api.assets.assets_create").sync(client=client, body=request)
    assert (created.name, created.current_value, created.quantity) == ("Flat", "250000.00", None)

    page = generated("api.assets.assets_list").sync(client=client, portfolio=[portfolio.pk])
    assert [row.id for row in page.results] == [created.id]
    report = generated("api.allocation.allocation_retrieve").sync(client=client)
    assert report.assets == "250000.00"


def test_client_parses_a_refusal(generated, client, portfolio):
    absent = "01890a5d-ac96-774b-bcce-b302099a8057"
    refusal = generated("api.assets.assets_retrieve").sync(absent, client=client)
    assert (refusal.status, refusal.code) == (404, "ASSET_NOT_FOUND")


def test_client_gets_images_as_bytes(generated, client, portfolio):
    picture = generated("api.net_worth.net_worth_png").sync(client=client)
    assert picture.payload.read().startswith(b"\x89PNG")
