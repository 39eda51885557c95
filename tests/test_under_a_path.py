"""Under a path, SCRIPT_NAME=/strata, behind nginx as docs/operations.md sets it up: everything stays below the path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from typing import NamedTuple

import pytest

from tests.databases import PASSWORD, free_port
from tests.nginx import Nginx, proxying
from tests.serving import ROOT, Server, environment, manage, serving
from tests.test_browser import chromium

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
BLOCK = re.compile(r"```nginx under-a-path\n(.*?)```", re.DOTALL)
JSON = {"Content-Type": "application/json"}


def under_a_path(shipped: str) -> str:
    """The change that the documentation asks for."""
    [lines] = BLOCK.findall((ROOT / "docs" / "operations.md").read_text())
    assert shipped.count("    location / {\n") == 1
    return shipped.replace("    location / {\n", lines)


class Site(NamedTuple):
    nginx: Nginx
    server: Server
    token: str

    def ask(
        self, method: str, path: str, body: dict | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = self.nginx.connect("127.0.0.1", self.nginx.port, timeout=60)
        sent = JSON | {"Authorization": f"Bearer {self.token}"} | headers
        connection.request(method, path, json.dumps(body) if body is not None else None, sent)
        response = connection.getresponse()
        answer = response, response.read()
        connection.close()
        return answer

    def page(self, path: str) -> tuple[HTTPResponse, str]:
        """As somebody who is not logged in."""
        response, content = self.ask("GET", path, Authorization="")
        return response, content.decode()


@pytest.fixture(scope="module")
def env(database) -> dict[str, str]:
    return environment(
        database.fresh("strata_under_a_path"),
        SCRIPT_NAME="/strata",
        TRUSTED_PROXIES="127.0.0.1",
        SECURE_SSL_REDIRECT="on",
        ALLOWED_HOSTS="127.0.0.1,strata.example.org",
    )


@pytest.fixture(scope="module")
def site(env, database, tmp_path_factory) -> Iterator[Site]:
    folder, port = tmp_path_factory.mktemp("path") / "nginx", free_port()
    with ExitStack() as stack:
        server = stack.enter_context(serving(env | {"CSRF_TRUSTED_ORIGINS": f"https://127.0.0.1:{port}"}))
        ports = (server.port, server.port)
        nginx = stack.enter_context(proxying(folder, *ports, change=under_a_path, port=port))
        yield Site(nginx, server, database.token)


# --- pages ---


def test_the_path_itself_and_what_has_moved_lead_below_it(site):
    for path, status, leads_to in (
        ("/strata", 308, "/strata/"),
        ("/strata/", 302, "/strata/swagger"),
        ("/strata/favicon.ico", 302, "/strata/static/strata/icon.svg"),
        ("/strata/admin", 301, "/strata/admin/"),
        ("/strata/admin/", 302, "/strata/admin/login/?next=/strata/admin/"),
        ("/strata/api/v1", 301, "/strata/api/v1/"),
    ):
        response, _ = site.page(path)
        assert response.status == status, path
        assert re.sub("^https://127.0.0.1(:[0-9]+)?", "", response.getheader("Location")) == leads_to


def test_nothing_is_served_beside_the_path(site):
    for path in ("/", "/admin/login/", "/api/v1/version", "/stratagem"):
        assert site.page(path)[0].status == 404


@pytest.mark.parametrize("path", ["/strata/admin/login/", "/strata/swagger"])
def test_everything_that_a_page_names_is_below_the_path_and_is_there(site, path):
    response, page = site.page(path)
    assert response.status == 200
    named = re.findall(r"""(?:href|src|action)=["'](/[^"'#]*)""", page)
    assert any(name.endswith(".css") for name in named) and any(".js" in name for name in named)
    for name in named:
        assert name.startswith("/strata/"), name
        assert site.page(name)[0].status in (200, 302), name


def test_static_files_may_be_kept_and_answers_may_not(site):
    static, _ = site.page("/strata/static/admin/css/base.css")
    assert "no-store" not in static.getheader("Cache-Control")
    assert "no-store" in site.page("/strata/api/v1/version")[0].getheader("Cache-Control")


def test_the_admin_has_its_policy_and_everything_else_the_strict_one(site):
    assert "unsafe-inline" in site.page("/strata/admin/login/")[0].getheader("Content-Security-Policy")
    for path in ("/strata/swagger", "/strata/api/v1/version", "/strata/static/admin/css/base.css"):
        assert "unsafe" not in site.page(path)[0].getheader("Content-Security-Policy")


def test_cookies_go_nowhere_else(site):
    response, _ = site.page("/strata/admin/login/")
    cookies = response.headers.get_all("Set-Cookie")
    assert cookies
    assert all("Path=/strata/;" in f"{cookie};" for cookie in cookies)


# --- the API ---


def test_refusals_have_the_one_shape(site):
    for method, path, headers, status in (
        ("GET", "nowhere", {}, 404),
        ("GET", "tags", {"Authorization": ""}, 401),
        ("GET", "version", {"Host": "evil.example.org"}, 400),
        ("POST", "tags", {"Content-Encoding": "gzip"}, 415),
    ):
        response, content = site.ask(
            method, f"/strata/api/v1/{path}", {} if method == "POST" else None, **headers
        )
        assert (response.status, json.loads(content)["status"]) == (status, status)


def test_links_are_below_the_path_and_lead_there(site):
    origin = f"https://127.0.0.1:{site.nginx.port}"
    made = [site.ask("POST", "/strata/api/v1/tags", {"name": f"tag {number}"}) for number in range(3)]
    for response, content in made:
        where = response.getheader("Location")
        assert where == f"{origin}/strata/api/v1/tags/{json.loads(content)['id']}"
        assert site.ask("GET", where.removeprefix(origin))[0].status == 200
    page = json.loads(site.ask("GET", "/strata/api/v1/tags?page_size=1&page=2")[1])
    for link in (page["next"], page["previous"]):
        assert link.startswith(f"{origin}/strata/api/v1/tags?")
        assert site.ask("GET", link.removeprefix(origin))[0].status == 200
    routes = json.loads(site.ask("GET", "/strata/api/v1/")[1])
    assert routes["tags/{id}"] == f"{origin}/strata/api/v1/tags/{{id}}"
    where = made[0][0].getheader("Location").removeprefix(origin)
    history = json.loads(site.ask("GET", f"{where}/history")[1])
    assert [line["channel"] for line in history["results"]] == ["api"]


def test_the_schema_says_where_its_paths_begin(site):
    schema = json.loads(site.page("/strata/api/v1/openapi.json")[1])
    assert schema["servers"] == [{"url": "/strata"}]
    assert "/api/v1/tags/" in schema["paths"]


def test_a_page_of_another_origin_is_let_in_where_it_is_named(env):
    origin = "https://app.example.org"
    with serving(env | {"CORS_ALLOWED_ORIGINS": origin, "SECURE_SSL_REDIRECT": "off"}) as server:
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST", "Host": "127.0.0.1"}
        response, _ = server.ask("OPTIONS", "/strata/api/v1/tags", headers=asks)
        assert response.getheader("Access-Control-Allow-Origin") == origin


def test_health_is_answered_without_tls_with_the_path_and_without_it(site):
    """A container asks its server directly. A proxy may have taken the path off, too."""
    for path in ("/strata/api/v1/health/live", "/api/v1/health/live", "/strata/api/v1/health/ready"):
        assert site.server.ask("GET", path)[0].status == 200, path
    assert site.server.ask("GET", "/strata/api/v1/version")[0].status == 301
    assert site.server.ask("GET", "/stratagem/api/v1/health/live")[0].status in (301, 404)


def test_what_a_command_links_to_is_below_the_path(env, site):
    """doctor names an asset without a value, and the page that puts it right."""
    portfolio = made(site, "portfolios", {"name": "Linked", "base_currency": "EUR"})
    asset_type = json.loads(site.ask("GET", "/strata/api/v1/asset-types?page_size=1")[1])["results"][0]["id"]
    asset = made(site, "assets", {"portfolio_id": portfolio, "asset_type_id": asset_type, "name": "Chair"})
    told = manage(env, "doctor").stdout
    links = re.findall(r"(/\S*admin/\S*)", told)
    assert any(asset in link or portfolio in link for link in links), told
    assert all(link.startswith("/strata/admin/") for link in links), told


def made(site: Site, path: str, body: dict) -> str:
    response, content = site.ask("POST", f"/strata/api/v1/{path}", body)
    assert response.status == 201, content
    return json.loads(content)["id"]


# --- in a browser ---


@pytest.mark.browser
def test_the_admin_and_swagger_work_in_a_browser(site):
    base = f"https://127.0.0.1:{site.nginx.port}/strata"
    made(site, "portfolios", {"name": "Browsed", "base_currency": "EUR"})  # in a household
    with chromium(base, ignore_https_errors=True) as seen:
        page = seen.page
        seen.open("/admin/")
        assert page.url == f"{base}/admin/login/?next=/strata/admin/"
        page.fill("#id_username", "alice")
        page.fill("#id_password", PASSWORD)
        page.press("#id_password", "Enter")
        page.wait_for_url(f"{base}/admin/")
        sheets = page.evaluate("[...document.styleSheets].map(one => one.href && one.cssRules.length)")
        assert len(sheets) > 1 and 0 not in sheets
        seen.require_harmless("first page")

        seen.open("/admin/assets/tag/add/")
        page.fill("#id_name", "made in the admin")
        if page.locator("select#id_household").count():
            page.locator("#id_household + .select2 .select2-selection").click()
            page.locator(
                ".select2-results__option:not(.loading-results, .select2-results__message)"
            ).first.click()
        page.click("button[name=_save], input[name=_save]")
        page.wait_for_selector("text=was added successfully")
        assert page.url.startswith(f"{base}/admin/assets/tag/")
        page.click("text=made in the admin")
        page.wait_for_selector("#id_name")
        seen.require_harmless("a form")

        seen.open("/swagger")
        block = page.locator("#operations-me-me_retrieve")
        block.locator("button.opblock-summary-control").click()
        block.locator(".try-out__btn").click()
        block.locator(".execute").click()
        answer = block.locator(".live-responses-table .microlight").first
        answer.wait_for()
        assert "alice" in answer.inner_text()
        assert "/strata/api/v1/me/" in block.locator(".request-url").inner_text()
        seen.require_harmless("Swagger")
