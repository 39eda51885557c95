"""With SCRIPT_NAME=/strata behind nginx, configured as in docs/operations.md, all URLs are below that path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from typing import NamedTuple

import pytest

from tests.chromium import swagger_operation
from tests.databases import PASSWORD, free_port
from tests.nginx import Nginx, proxying
from tests.serving import ROOT, Server, environment, manage, serving
from tests.test_browser import chromium

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
BLOCK = re.compile(r"```nginx under-a-path\n(.*?)```", re.DOTALL)
JSON = {"Content-Type": "application/json"}


def under_a_path(shipped: str) -> str:
    """The shipped configuration with the change from the documentation."""
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
        sent_headers = JSON | {"Authorization": f"Bearer {self.token}"} | headers
        connection.request(method, path, json.dumps(body) if body is not None else None, sent_headers)
        response = connection.getresponse()
        answer = response, response.read()
        connection.close()
        return answer

    def page(self, path: str) -> tuple[HTTPResponse, str]:
        """Response and text of a page or a file, requested without a login."""
        response, content = self.ask("GET", path, Authorization="")
        return response, content.decode(errors="replace")  # icons too


@pytest.fixture(scope="module")
def env(database) -> dict[str, str]:
    return environment(
        database.fresh("strata_under_a_path"),
        SCRIPT_NAME="/strata",
        WEB_CONCURRENCY="1",
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


def test_redirects_lead_below_the_path(site):
    for path, status, location in (
        ("/strata", 308, "/strata/"),
        ("/strata/", 302, "/strata/admin/"),
        ("/strata/favicon.ico", 302, "/strata/static/strata/icon.svg"),
        ("/strata/admin", 301, "/strata/admin/"),
        ("/strata/admin/", 302, "/strata/admin/login/?next=/strata/admin/"),
        ("/strata/admin/import/", 302, "/strata/admin/login/?next=/strata/admin/import/"),
        ("/strata/api/v1", 301, "/strata/api/v1/"),
    ):
        response, _ = site.page(path)
        assert response.status == status, path
        assert re.sub("^https://127.0.0.1(:[0-9]+)?", "", response.getheader("Location")) == location


def test_urls_outside_the_path_are_404(site):
    for path in ("/", "/admin/login/", "/api/v1/version", "/stratagem"):
        assert site.page(path)[0].status == 404


@pytest.mark.parametrize("path", ["/strata/admin/login/", "/strata/swagger"])
def test_all_urls_of_a_page_are_below_the_path_and_exist(site, path):
    response, page = site.page(path)
    assert response.status == 200
    urls = re.findall(r"""(?:href|src|action)=["'](/[^"'#]*)""", page)
    assert any(url.endswith(".css") for url in urls) and any(".js" in url for url in urls)
    for url in urls:
        assert url.startswith("/strata/"), url
        assert site.page(url)[0].status in (200, 302), url


def test_static_files_may_be_cached_and_responses_may_not(site):
    static, _ = site.page("/strata/static/admin/css/base.css")
    assert "no-store" not in static.getheader("Cache-Control")
    assert "no-store" in site.page("/strata/api/v1/version")[0].getheader("Cache-Control")


def test_admin_has_its_own_content_policy_and_the_rest_the_strict_one(site):
    assert "unsafe-inline" in site.page("/strata/admin/login/")[0].getheader("Content-Security-Policy")
    for path in ("/strata/swagger", "/strata/api/v1/version", "/strata/static/admin/css/base.css"):
        assert "unsafe" not in site.page(path)[0].getheader("Content-Security-Policy")


def test_cookies_are_limited_to_the_path(site):
    response, _ = site.page("/strata/admin/login/")
    cookies = response.headers.get_all("Set-Cookie")
    assert cookies
    assert all("Path=/strata/;" in f"{cookie};" for cookie in cookies)


# --- the API ---


def test_refusals_have_the_common_format(site):
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


def test_links_are_below_the_path_and_work(site):
    origin = f"https://127.0.0.1:{site.nginx.port}"
    created = [site.ask("POST", "/strata/api/v1/tags", {"name": f"tag {number}"}) for number in range(3)]
    for response, content in created:
        location = response.getheader("Location")
        assert location == f"{origin}/strata/api/v1/tags/{json.loads(content)['id']}"
        assert site.ask("GET", location.removeprefix(origin))[0].status == 200
    page = json.loads(site.ask("GET", "/strata/api/v1/tags?page_size=1&page=2")[1])
    for link in (page["next"], page["previous"]):
        assert link.startswith(f"{origin}/strata/api/v1/tags?")
        assert site.ask("GET", link.removeprefix(origin))[0].status == 200
    routes = json.loads(site.ask("GET", "/strata/api/v1/")[1])
    assert routes["tags/{id}"] == f"{origin}/strata/api/v1/tags/{{id}}"
    path = created[0][0].getheader("Location").removeprefix(origin)
    history = json.loads(site.ask("GET", f"{path}/history")[1])
    assert [event["channel"] for event in history["results"]] == ["api"]


def test_schema_names_the_path_as_its_server(site):
    schema = json.loads(site.page("/strata/api/v1/openapi.json")[1])
    assert schema["servers"] == [{"url": "/strata"}]
    assert "/api/v1/tags/" in schema["paths"]


def test_configured_cors_origin_is_allowed(env):
    origin = "https://app.example.org"
    with serving(env | {"CORS_ALLOWED_ORIGINS": origin, "SECURE_SSL_REDIRECT": "off"}) as server:
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST", "Host": "127.0.0.1"}
        response, _ = server.ask("OPTIONS", "/strata/api/v1/tags", headers=preflight)
        assert response.getheader("Access-Control-Allow-Origin") == origin


def test_health_works_without_tls_with_and_without_the_path(site):
    """A container's health check asks the server directly, and a proxy may have removed the path."""
    for path in ("/strata/api/v1/health/live", "/api/v1/health/live", "/strata/api/v1/health/ready"):
        assert site.server.ask("GET", path)[0].status == 200, path
    assert site.server.ask("GET", "/strata/api/v1/version")[0].status == 301
    assert site.server.ask("GET", "/stratagem/api/v1/health/live")[0].status in (301, 404)


def test_links_of_a_command_are_below_the_path(env, site):
    """doctor reports an asset without a value, with a link to the page that fixes it."""
    portfolio = create(site, "portfolios", {"name": "Linked", "base_currency": "EUR"})
    asset_type = json.loads(site.ask("GET", "/strata/api/v1/asset-types?page_size=1")[1])["results"][0]["id"]
    asset = create(site, "assets", {"portfolio_id": portfolio, "asset_type_id": asset_type, "name": "Chair"})
    output = manage(env, "doctor").stdout
    links = re.findall(r"(/\S*admin/\S*)", output)
    assert any(asset in link or portfolio in link for link in links), output
    assert all(link.startswith("/strata/admin/") for link in links), output


def create(site: Site, path: str, body: dict) -> str:
    response, content = site.ask("POST", f"/strata/api/v1/{path}", body)
    assert response.status == 201, content
    return json.loads(content)["id"]


# --- in a browser ---


@pytest.mark.browser
def test_admin_and_swagger_work_in_a_browser(site):
    base = f"https://127.0.0.1:{site.nginx.port}/strata"
    create(site, "portfolios", {"name": "Browsed", "base_currency": "EUR"})  # in a household
    with chromium(base, ignore_https_errors=True) as browser:
        page = browser.page
        browser.open("/admin/")
        assert page.url == f"{base}/admin/login/?next=/strata/admin/"
        page.fill("#id_username", "alice")
        page.fill("#id_password", PASSWORD)
        page.press("#id_password", "Enter")
        page.wait_for_url(f"{base}/admin/")
        sheets = page.evaluate("[...document.styleSheets].map(sheet => sheet.href && sheet.cssRules.length)")
        assert len(sheets) > 1 and 0 not in sheets
        browser.require_harmless("first page")

        browser.open("/admin/assets/tag/add/")
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
        browser.require_harmless("a form")

        browser.open("/swagger")
        block = swagger_operation(page, "me", "me_retrieve")
        block.locator(".try-out__btn").click()
        block.locator(".execute").click()
        answer = block.locator(".live-responses-table .microlight").first
        answer.wait_for()
        assert "alice" in answer.inner_text()
        assert "/strata/api/v1/me/" in block.locator(".request-url").inner_text()
        browser.require_harmless("Swagger")
