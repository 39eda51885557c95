"""Security headers are on every response: of each route of the resolver and of each kind of refusal."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, path

from strata.accounts.models import User

# The headers do not depend on the database.
pytestmark = pytest.mark.on_sqlite

HOST = "strata.example.org"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
STRICT = {
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "img-src 'self' data:",
    "object-src 'none'",
    "form-action 'self'",
}
ADMIN = (STRICT - {"script-src 'self'", "style-src 'self'"}) | {
    "script-src 'self' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
}
# An image runs no scripts.
IMAGE = {"default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'none'"}
ABSENT = {"app_label": "assets", "object_id": "01890a5d-ac96-774b-bcce-b302099a8057", "content_type_id": "1"}


@pytest.fixture(autouse=True)
def _production(settings):
    """The settings of production. The middleware reads them when a test's client starts it."""
    settings.ALLOWED_HOSTS = [HOST]
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = True


def browser(**options) -> Client:
    return Client(headers={"Host": HOST}, SERVER_NAME=HOST, raise_request_exception=False, **options)


def paths_of(patterns, prefix: str = "/") -> list[str]:
    """Every path of the resolver, with ids of no row."""
    urls = []
    for pattern in patterns:
        path = prefix + re.sub(r"^\^|/\?\$$|\$$", "", str(pattern.pattern)).replace("\\.", ".").replace(
            "\\Z", ""
        )
        if hasattr(pattern, "url_patterns"):
            urls += paths_of(pattern.url_patterns, path)
        else:
            path = re.sub(r"\(\?P<\w+>(\[[^]]*\]\+|\.\*|\w+(\|\w+)+)\)\$?", ABSENT["object_id"], path)
            urls.append(re.sub(r"<(?:\w+:)?(\w+)>", lambda name: ABSENT.get(name[1], "x"), path))
    return urls


ALL_PATHS = paths_of(get_resolver("strata.urls").url_patterns)


def policy_of(path: str) -> set[str]:
    """The content policy that a response to the path must have."""
    if path.endswith((".svg", ".png")):
        return IMAGE
    return ADMIN if path.startswith("/admin/") else STRICT


def require_safe(answer, path: str) -> None:
    """The strictest policy for this type of page, no framing, and no caching except of static files."""
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, (path, answer.headers)
    assert "camera=()" in answer["Permissions-Policy"], path
    assert answer["X-Request-Id"], path
    assert set(answer["Content-Security-Policy"].split("; ")) == policy_of(path), path
    assert ("no-store" in answer.get("Cache-Control", "")) != path.startswith("/static/"), path
    assert "Access-Control-Allow-Origin" not in answer, path
    for cookie in answer.cookies.values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax"), (
            path,
            cookie,
        )


def test_all_paths_include_the_api_and_the_admin():
    assert len(ALL_PATHS) > 100
    assert {"/swagger", "/api/v1/assets", "/admin/login/", "/admin/autocomplete/"} <= set(ALL_PATHS)
    assert not [route_path for route_path in ALL_PATHS if re.search(r"[<>()?\\^$]", route_path)]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["nobody", "superuser"])
def test_every_route_has_the_headers_for_every_method(role):
    client = browser()
    if role == "superuser":
        client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    statuses = set()
    for route_path in ALL_PATHS:
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            if route_path.startswith("/admin/logout") and method == "POST":
                continue
            answer = client.generic(method, route_path, secure=True)
            statuses.add(answer.status_code)
            assert answer.status_code < 500, (method, route_path)
            require_safe(answer, route_path)
    assert statuses >= ({200, 302, 401, 405} if role == "nobody" else {200, 302, 403, 404, 405})


def broken(request):
    raise RuntimeError("on purpose")


urlpatterns = [
    path("api/v1/broken", broken),
    path("admin/broken", broken),
    path("admin/framed", lambda request: HttpResponse("in", headers={"X-Frame-Options": "SAMEORIGIN"})),
]
handler500 = "strata.server.error_pages.server_error"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("url", ["/api/v1/broken", "/admin/broken", "/admin/framed"])
def test_server_error_and_framed_page_have_the_headers(url):
    answer = browser().get(url, secure=True)
    assert answer.status_code == (200 if url.endswith("framed") else 500)
    require_safe(answer, url)


REFUSALS = {
    "no such page": ("GET", "/nowhere", {}, 404),
    "no such page of the API": ("GET", "/api/v1/nowhere", {}, 404),
    "no such page of the admin": ("GET", "/admin/nowhere/", {}, 302),
    "no such static file": ("GET", "/static/nowhere.js", {}, 404),
    "a static file": ("GET", "/static/admin/css/base.css", {}, 200),
    "a static file to be written": ("POST", "/static/admin/css/base.css", {}, 405),
    "too large": ("POST", "/api/v1/tags", {"data": b"x" * 3_000_000}, 413),
    "no length": ("POST", "/admin/login/", {"CONTENT_LENGTH": "x"}, 400),
    "no such token": ("GET", "/api/v1/tags", {"HTTP_AUTHORIZATION": "Bearer nonsense"}, 401),
    "no such media type": ("POST", "/api/v1/auth/token", {"data": b"x", "content_type": "text/plain"}, 415),
    "no such format": ("GET", "/api/v1/version", {"HTTP_ACCEPT": "image/png"}, 406),
    "another host": ("GET", "/api/v1/version", {"HTTP_HOST": "evil.example.org"}, 400),
    "another host in the admin": ("GET", "/admin/login/", {"HTTP_HOST": "evil.example.org"}, 400),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "url", "extra", "status"), REFUSALS.values(), ids=REFUSALS.keys())
def test_every_kind_of_refusal_has_the_headers(method, url, extra, status):
    answer = browser().generic(method, url, secure=True, **extra)
    assert answer.status_code == status
    require_safe(answer, url)


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/api/v1/version", "/admin/login/", "/swagger"])
def test_redirect_to_https_has_the_headers_except_hsts(url):
    for host, status in ((HOST, 301), ("evil.example.org", 400)):
        answer = browser().get(url, headers={"Host": host})
        assert answer.status_code == status
        assert "Strict-Transport-Security" not in answer
        answer["Strict-Transport-Security"] = ALWAYS["Strict-Transport-Security"]
        require_safe(answer, url)


@pytest.mark.django_db
def test_304_has_the_headers(alice, household):
    first = alice.get("/api/v1/households", secure=True, headers={"Host": HOST})
    path = f"/api/v1/households/{first.json()['results'][0]['id']}"
    tag = alice.get(path, secure=True, headers={"Host": HOST})["ETag"]
    again = alice.get(path, secure=True, headers={"Host": HOST, "If-None-Match": tag})
    static = browser().get("/static/admin/css/base.css", secure=True)
    unchanged = {"If-Modified-Since": static["Last-Modified"]}
    cached = browser().get("/static/admin/css/base.css", secure=True, headers=unchanged)
    for answer, url in ((again, path), (cached, "/static/admin/css/base.css")):
        assert answer.status_code == 304
        require_safe(answer, url)


@pytest.mark.django_db
def test_lock_out_and_forged_form_have_the_headers(settings):
    settings.AXES_FAILURE_LIMIT = 1
    guess = {"username": "nobody", "password": "wrong"}
    answers = [browser().post("/admin/login/", guess, secure=True) for _ in range(2)]
    forged = browser(enforce_csrf_checks=True).post("/admin/login/", guess, secure=True)
    assert ([answer.status_code for answer in answers][-1], forged.status_code) == (429, 403)
    for answer in (*answers, forged):
        require_safe(answer, "/admin/login/")
        page = answer.content.decode()
        assert "Back to the dashboard" in page
        assert answer["X-Request-Id"] in page
    assert "Too many failed attempts." in answers[-1].content.decode()
    assert 0 < int(answers[-1]["Retry-After"]) <= 900
    assert "did not come from a page" in forged.content.decode()


@pytest.mark.django_db
def test_session_cookies_are_secure_and_hidden_from_scripts():
    User.objects.create_superuser("root", password="correct horse battery")
    answer = browser().post(
        "/admin/login/", {"username": "root", "password": "correct horse battery"}, secure=True
    )
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert set(answer.cookies) == {"sessionid", "csrftoken"}
    require_safe(answer, "/admin/login/")


# --- writes with a session need the CSRF token ---


@pytest.mark.django_db
def test_every_write_with_a_session_needs_the_csrf_token():
    client = browser(enforce_csrf_checks=True)
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    refused = 0
    for route_path in ALL_PATHS:
        if route_path.startswith("/api/v1/auth/token") and not route_path.startswith("/api/v1/auth/tokens"):
            continue  # it does not use the session
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, route_path, b"{}", "application/json", secure=True)
            assert answer.status_code in (403, 404, 405, 302), (method, route_path, answer.status_code)
            if answer.status_code == 403:
                refused += 1
    assert refused > 100
