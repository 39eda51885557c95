"""The middleware: the client's address, the size of a request, and the headers for browsers."""

from __future__ import annotations

import gzip
import io

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from django.urls import path

from strata.audit import actor
from strata.environment.variables import networks
from strata.server.middleware import BodyLimit, TrustedProxies, client_address
from strata.wsgi import with_length

# What the middleware does, it does before the database is asked.
pytestmark = pytest.mark.on_sqlite


def show(request):
    seen = [request.META["REMOTE_ADDR"], request.is_secure(), request.META.get("HTTP_X_FORWARDED_FOR")]
    return JsonResponse({"seen": seen, "channel": actor.current().channel})


urlpatterns = [
    path("api/v1/show", show),
    path("admin/show", show),
    path("api/v1/length", lambda request: HttpResponse(str(len(request.body)))),
]


@pytest.fixture
def proxies(settings, monkeypatch):
    monkeypatch.setenv("PROXIES", "10.0.0.1,fd00::/8,192.168.0.0/16")
    settings.TRUSTED_PROXIES = networks("PROXIES")


# --- the client behind a proxy ---


@pytest.mark.urls(__name__)
def test_nobody_is_believed_by_default():
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
    assert Client().get("/api/v1/show", headers=forged).json()["seen"] == ["127.0.0.1", False, None]


@pytest.mark.urls(__name__)
def test_a_trusted_proxy_says_who_and_how_secure(proxies):
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}
    seen = Client(REMOTE_ADDR="10.0.0.1").get("/api/v1/show", headers=headers).json()["seen"]
    assert seen == ["203.0.113.9", True, None]


@pytest.mark.urls(__name__)
def test_a_stranger_with_the_same_headers_stays_a_stranger(proxies):
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    seen = Client(REMOTE_ADDR="10.0.0.2").get("/api/v1/show", headers=headers).json()["seen"]
    assert seen == ["10.0.0.2", False, None]


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("", "10.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 192.168.1.1", "203.0.113.9"),
        ("192.168.1.2, 192.168.1.1", "192.168.1.2"),
        ("203.0.113.9, nonsense", ""),
        ("203.0.113.9, nonsense, 192.168.1.1", ""),
        ("unknown", ""),
        ("203.0.113.9, unknown", ""),
        ("203.0.113.9,", ""),
        ("203.0.113.9, _hidden", ""),
        ("2001:db8::1, fd00::7", "2001:db8::1"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9:4711, 192.168.1.1:80", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[fe80::1%eth0]:80", "fe80::1%eth0"),
        ("2001:db8::1, [fd00::7]:80", "2001:db8::1"),
        ("203.0.113.9:x", ""),
        ("[203.0.113.9", ""),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_proxy(proxies, forwarded_for, client):
    assert client_address("10.0.0.1", forwarded_for) == client


def test_a_request_without_an_address_is_nobodys_proxy(proxies):
    request = RequestFactory().get("/", REMOTE_ADDR="", HTTP_X_FORWARDED_FOR="203.0.113.9")
    TrustedProxies(lambda request: None)(request)
    assert request.META["REMOTE_ADDR"] == ""
    assert "HTTP_X_FORWARDED_FOR" not in request.META


@pytest.mark.urls(__name__)
def test_the_channel_is_known_from_the_path():
    assert [Client().get(f"/{where}/show").json()["channel"] for where in ("api/v1", "admin")] == [
        "api",
        "admin",
    ]


# --- bodies ---


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("size", "status"), [(0, 200), (2000, 200), (2001, 413), (50_000, 413)])
def test_a_body_may_be_as_long_as_the_setting_says(settings, size, status):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    answer = Client().post("/api/v1/length", b"x" * size, content_type="text/plain")
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["code"] == "TOO_LARGE"


@pytest.mark.parametrize(
    ("length", "status"), [("-1", 400), ("1e3", 400), ("x", 400), ("٣", 400), ("²", 400), ("9" * 5000, 413)]
)
def test_a_length_that_is_no_number_or_too_large_is_refused(length, status):
    request = RequestFactory().post("/api/v1/tags", b"{}", content_type="application/json")
    request.META["CONTENT_LENGTH"] = length
    answer = BodyLimit(lambda request: HttpResponse("in"))(request)
    assert answer.status_code == status


def test_the_rest_of_a_body_too_large_is_read_but_not_without_end():
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size=-1):
            self.taken += size
            return b"x" * size

    request = RequestFactory().post("/api/v1/tags", b"{}", content_type="application/json")
    request.META["CONTENT_LENGTH"] = str(10**12)
    request._stream = endless = Endless()
    assert BodyLimit(lambda request: HttpResponse("in"))(request).status_code == 413
    assert 10_000_000 < endless.taken < 100_000_000


@pytest.mark.parametrize(("size", "length"), [(0, 0), (10, 10), (99_999, 2001)])
def test_a_chunked_body_gets_the_length_that_it_has(settings, size, length):
    settings.MAX_BODY_BYTES = 2000
    seen = {}
    application = with_length(lambda environ, start_response: seen.update(environ))
    application({"HTTP_TRANSFER_ENCODING": "Chunked", "wsgi.input": io.BytesIO(b"x" * size)}, None)
    assert seen["CONTENT_LENGTH"] == str(length)
    assert len(seen["wsgi.input"].read()) == length


@pytest.mark.parametrize("header", ["gzip", "GZIP", "br", "deflate", "zstd", "identity, gzip", "x-anything"])
@pytest.mark.parametrize("where", ["/api/v1/tags", "/api/v1/auth/token", "/admin/login/"])
def test_a_compressed_body_is_refused_before_it_is_read(header, where):
    body = gzip.compress(b'{"name": "x"}')
    answer = Client().post(where, body, content_type="application/json", headers={"Content-Encoding": header})
    assert (answer.status_code, answer["Accept-Encoding"]) == (415, "identity")
    if where.startswith("/api"):
        assert answer.json()["code"] == "UNSUPPORTED_MEDIA_TYPE"
        assert "without gzip" in answer.json()["message"]


def test_a_body_that_is_compressed_on_its_way_is_refused_as_well():
    request = RequestFactory().post("/api/v1/tags", b"x", content_type="application/json")
    request.META["HTTP_TRANSFER_ENCODING"] = "gzip, chunked"
    assert BodyLimit(lambda request: HttpResponse("in"))(request).status_code == 415


@pytest.mark.parametrize("header", ["", "identity", "Identity"])
def test_a_body_that_is_as_it_is_is_read(header):
    answer = Client().post(
        "/api/v1/auth/token", b"{}", content_type="application/json", headers={"Content-Encoding": header}
    )
    assert answer.status_code == 400  # its fields are missing


def test_without_a_body_there_is_nothing_to_refuse():
    assert Client().get("/api/v1/version", headers={"Content-Encoding": "gzip"}).status_code == 200


# --- headers for browsers ---


def test_answers_of_the_api_are_kept_nowhere():
    answer = Client().get("/api/v1/version")
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


def test_static_files_are_served_without_a_step_and_may_be_kept():
    for name in (
        "admin/css/base.css",
        "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js",
        "unfold/css/styles.css",
    ):
        answer = Client().get(f"/static/{name}")
        assert answer.status_code == 200, name
        assert "no-store" not in answer["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer


def test_the_strict_policy_runs_no_inline_script_and_nothing_from_elsewhere():
    policy = Client().get("/api/v1/version")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.django_db
def test_the_admins_policy_gives_way_in_two_places_only():
    strict = Client().get("/api/v1/version")["Content-Security-Policy"].split("; ")
    admin = Client().get("/admin/login/")["Content-Security-Policy"].split("; ")
    assert sorted(set(admin) - set(strict)) == [
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
    ]


def test_other_origins_are_let_in_only_when_they_are_named(settings):
    asks = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "POST"}
    assert "Access-Control-Allow-Origin" not in Client().options("/api/v1/assets", headers=asks)
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    answer = Client().options("/api/v1/assets", headers=asks)
    assert answer["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer
