"""The middleware for every request: client address, id, log line, size limit, actor, and headers."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.admin import site
from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.auth.views import redirect_to_login
from django.core.signals import got_request_exception
from django.db import DataError, connection
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.middleware.security import SecurityMiddleware
from django.urls import reverse

from strata.accounts.models import SECRET_PREFIX
from strata.api.errors import CODES
from strata.api.http.body_limits import BodyTooLarge, most_body_bytes, takes_files
from strata.audit import actor
from strata.metrics.meter import Meter, metered
from strata.metrics.recording import metrics
from strata.server.error_pages import error_response, is_api, outage_response
from strata.server.logs import OncePerMinute

log = logging.getLogger("strata.requests")
SANE_ID = re.compile(rf"(?!.*{SECRET_PREFIX})[A-Za-z0-9._-]{{1,64}}")  # not a token, because ids are logged
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")
KEPT_HEADERS = ("Allow", "Retry-After", "Vary", "WWW-Authenticate")
STATIC_PATH = "/static/"  # below SCRIPT_NAME
HOP = re.compile(r"\[(?P<bracketed>[0-9A-Fa-f:.%\w]+)\](:\d+)?|(?P<plain>[\d.]+):\d+", re.ASCII)
CHUNK = 64 * 1024
DRAINED_CHUNKS = 1024

GetResponse = Callable[[HttpRequest], HttpResponse]


class OwnRequest(HttpRequest):
    """A request with what this module sets on it. For mypy alone."""

    id: str
    broken_by: BaseException | None


class TrustedProxies:
    """Sets REMOTE_ADDR to the client's address. Only headers of a proxy in TRUSTED_PROXIES are used.

    Throttles, lock-out and redirects use only REMOTE_ADDR and X-Forwarded-Proto.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.loops = OncePerMinute()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta, peer = request.META, request.META.get("REMOTE_ADDR", "")
        warning = why_a_redirect_loops(meta)
        if is_trusted(peer):
            meta["REMOTE_ADDR"] = client_address(peer, meta.pop("HTTP_X_FORWARDED_FOR", ""))
        else:
            for header in FORWARDED:
                meta.pop(header, None)
        response = self.get_response(request)
        if warning and is_redirect_to_https(request, response) and self.loops.allow():
            log.warning(warning)
        return response


def why_a_redirect_loops(meta: dict[str, Any]) -> str | None:
    """The warning if a redirect of this request to https would lead to another redirect; else None.

    The client uses TLS, but its proxy is not trusted, or the proxy does not send X-Forwarded-Proto. The request after
    the redirect arrives in the same way.
    """
    peer = meta.get("REMOTE_ADDR", "")
    says_https = "https" in meta.get("HTTP_X_FORWARDED_PROTO", "").lower()
    says_https = says_https or "proto=https" in meta.get("HTTP_FORWARDED", "").lower()
    if not is_trusted(peer):
        where = peer if is_address(peer) else "a socket"
        return (
            (
                f"A request that came by https, according to {where}, is redirected to https without end: name {where} "
                "in TRUSTED_PROXIES, if it is your proxy."
            )
            if says_https
            else None
        )
    if "HTTP_X_FORWARDED_PROTO" in meta or "HTTP_X_FORWARDED_FOR" not in meta:
        return None
    return (
        f"The proxy {peer} does not say whether a request came by https, so it is redirected to https, maybe without "
        "end: have the proxy set X-Forwarded-Proto, or set SECURE_SSL_REDIRECT=off."
    )


def is_redirect_to_https(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        response.status_code == 301
        and not request.is_secure()
        and response["Location"].startswith("https://")
    )


def is_trusted(address: str) -> bool:
    """Whether the address is that of a trusted proxy. An IPv4 address may be written as IPv6."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    known = getattr(known, "ipv4_mapped", None) or known
    return any(known in network for network in settings.TRUSTED_PROXIES)


def client_address(proxy: str, forwarded_for: str) -> str:
    """The nearest address that is not a trusted proxy. Addresses before it are untrusted.

    "" where a proxy does not send the address of its client ("unknown"): with the proxy's own address all of its
    clients would count as one, and a few wrong passwords would lock out all of them.
    """
    nearest = proxy
    for hop in reversed([word.strip() for word in forwarded_for.split(",")] if forwarded_for.strip() else []):
        nearest = address_in(hop)
        if not is_trusted(nearest):
            return nearest
    return nearest


def address_in(hop: str) -> str:
    """The address in an entry of X-Forwarded-For. Some proxies add a port, and then put IPv6 in brackets."""
    match = HOP.fullmatch(hop)
    address = match["bracketed"] or match["plain"] if match else hop
    return address if is_address(address) else ""


def is_address(word: str) -> bool:
    try:
        return bool(ip_address(word))
    except ValueError:
        return False


class RequestLog:
    """Gives each request an id, answers with it, and logs one line. A valid X-Request-Id of the request is used."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: OwnRequest) -> HttpResponse:
        started = time.perf_counter()
        sent = request.headers.get("X-Request-Id", "")
        request.id = sent if SANE_ID.fullmatch(sent) else uuid4().hex
        with actor.acting(request_id=request.id, channel="api" if is_api(request) else "admin"):
            with metered(connection) as meter:
                response = self.get_response(request)
            user = actor.current().user
            response["X-Request-Id"] = request.id
            if not request.path_info.startswith(STATIC_PATH):
                response.headers.setdefault("Cache-Control", "no-store, private")
            self.write(request, response, user, started, meter)
        return response

    def write(
        self, request: HttpRequest, response: HttpResponse, user: Any, started: float, meter: Meter
    ) -> None:
        match, method = request.resolver_match, request.method or ""
        route, seconds = match.route if match else None, time.perf_counter() - started
        metrics.request(route, method, response.status_code, seconds)
        log.info(
            "request",
            extra={
                "method": method if method.isalpha() else "?",
                "route": route,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "db_ms": round(meter.seconds * 1000, 1),
                "queries": meter.queries,
                "user_id": str(user.pk) if user else None,
                **trace_of(request),
                **({"read_from": source} if (source := getattr(request, "read_from", None)) else {}),
            },
        )


def trace_of(request: HttpRequest) -> dict[str, str]:
    """The id of the trace that the request is a part of (W3C's traceparent), if it is part of one."""
    match = TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return {"trace_id": match[1]} if match else {}


class SafeHeaders(SecurityMiddleware):
    """Sets the headers of Django's SecurityMiddleware and three more on every answer.

    It is outside of all middleware that may refuse a request, also of Django's SecurityMiddleware, which redirects and
    refuses unknown hosts. No page may be framed, whatever a view or the admin's theme sets.
    """

    def process_request(self, request: HttpRequest) -> None:
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        response.headers.setdefault("Cross-Origin-Resource-Policy", settings.CROSS_ORIGIN_RESOURCE_POLICY)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


def remember(request: OwnRequest | None, **kwargs: Any) -> None:
    """Keep an uncaught exception on the request. With DEBUG on, Django makes its own page for any exception."""
    if request is not None:
        request.broken_by = sys.exc_info()[1]


class ApiErrorShapeMiddleware:
    """Gives every refusal under /api the API's shape, also Django's own pages and its debug pages.

    An unavailable database is not an error in the program, so it has no debug page, even with DEBUG on.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        got_request_exception.connect(remember)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        status = response.status_code
        if status == 500 and (refused := outage_response(request, getattr(request, "broken_by", None))):
            return refused
        is_ours = response.headers.get("Content-Type", "").startswith("application/json")
        if status < 400 or is_ours or not is_api(request):
            return response
        shaped = error_response(request, status, CODES.get(status, "ERROR"), f"{response.reason_phrase}.")
        for header, value in response.headers.items():
            if header in KEPT_HEADERS or header.startswith("Access-Control-"):
                shaped[header] = value
        return shaped


class AdminCspMiddleware:
    """Sets the Content-Security-Policy that the theme of the admin's pages needs. Other pages have the strict one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/"):
            response._csp_config = settings.ADMIN_CSP  # type: ignore[attr-defined]  # Django's, not in the stubs
        return response


class MalformedUrlMiddleware:
    """Answers 400 to a URL with a filter or a field that a page of the admin does not have, or with U+0000."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DisallowedModelAdminLookup | DisallowedModelAdminToField):
            return error_response(request, 400, "MALFORMED", f"{exception}.".replace("..", "."))
        if isinstance(exception, DataError) and has_null_character(request):
            message = "The address or a header contains the character U+0000."
            return error_response(request, 400, "MALFORMED", message)
        return None


def has_null_character(request: HttpRequest) -> bool:
    """Whether the URL or a header contains U+0000. PostgreSQL can neither store nor search such text.

    The API's parameters and all form fields refuse it themselves, with the name of the field.
    """
    headers = (text for name, text in request.META.items() if name.startswith("HTTP_"))
    return "%00" in request.META.get("QUERY_STRING", "") or any("\x00" in text for text in headers)


class BodyLimit:
    """Refuses a body over the limit of its route before it is read, a compressed body, and one that breaks off.

    A file for the admin is only read for users of the admin. Without this, the check of the form's token would read
    it first, and anyone could fill the disk.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length, most = request.META.get("CONTENT_LENGTH") or "0", most_body_bytes(request.path_info)
        if not (length.isascii() and length.isdecimal()):
            return error_response(request, 400, "MALFORMED", "Content-Length is not a number.")
        if len(length) < 20 and int(length) <= most:
            is_encoded = int(length) > 0 and codings_of(request) - {"identity", "chunked"}
            response = encoded_answer(request) if is_encoded else self.get_response(request)
            if takes_files(request.path_info) and response.status_code != 401:
                drain(request)
            return response
        drain(request)
        return too_large(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        is_file = request.method == "POST" and takes_files(request.path_info) and not is_api(request)
        if not is_file or site.has_permission(request):
            return None
        return redirect_to_login(request.path, reverse("admin:login"))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception.__cause__, BodyTooLarge):
            return too_large(request)
        if isinstance(exception, UnreadablePostError):
            return error_response(request, 400, "MALFORMED", "The body did not arrive.")
        return None


def too_large(request: HttpRequest) -> HttpResponse:
    most = most_body_bytes(request.path_info)
    return error_response(request, 413, "TOO_LARGE", f"A body may have {most} bytes.")


def codings_of(request: HttpRequest) -> set[str]:
    """The codings of the body in both headers, such as gzip."""
    headers = f"{request.headers.get('Content-Encoding', '')},{request.headers.get('Transfer-Encoding', '')}"
    return {word.strip().lower() for word in headers.split(",")} - {""}


def encoded_answer(request: HttpRequest) -> HttpResponse:
    message = "Send the body as it is: without gzip or any other Content-Encoding."
    response = error_response(request, 415, CODES[415], message)
    response["Accept-Encoding"] = "identity"
    return response


def drain(request: HttpRequest) -> None:
    """Read and discard what is left of the body, up to 64 MiB: who is still sending does not read the answer.

    nginx answers 503 instead of it. A refused file is often not read to its end.
    """
    with suppress(UnreadablePostError):
        for _ in range(DRAINED_CHUNKS):
            if not request.read(CHUNK):
                return


class ActorMiddleware:
    """Sets the user of the session as the actor of changes in the admin. The API sets it after authentication."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request) and request.user.is_authenticated:
            actor.identify(request.user)
        return self.get_response(request)


class TokenUseMiddleware:
    """Records the use of a token after the answer was sent, so that no request waits for it or fails because of it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if token := getattr(request, "token", None):
            response._resource_closers.append(token.note_use)  # type: ignore[attr-defined]  # Django's, not in the stubs
        return response
