"""What happens to every request: whose it is, its id, its log line, its size, its actor, and no trace in caches."""

from __future__ import annotations

import logging
import re
import sys
import time
from contextlib import suppress
from ipaddress import ip_address
from uuid import uuid4

from django.conf import settings
from django.core.signals import got_request_exception
from django.http import UnreadablePostError
from django.middleware.security import SecurityMiddleware

from strata import actor
from strata.api.errors import CODES, answer_of, is_api, plain_answer
from strata.models.token import SECRET_PREFIX

log = logging.getLogger("strata.requests")
SANE_ID = re.compile(rf"(?!.*{SECRET_PREFIX})[A-Za-z0-9._-]{{1,64}}")  # no token: ids are logged
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")
KEPT_HEADERS = ("Allow", "Retry-After", "Vary", "WWW-Authenticate")
CHUNK = 64 * 1024
DRAINED_CHUNKS = 1024


class TrustedProxies:
    """REMOTE_ADDR becomes the client's, and only a proxy in TRUSTED_PROXIES may say who and how secure it is.

    Throttles, lock-out and redirects look at REMOTE_ADDR and X-Forwarded-Proto, and at nothing else.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        meta = request.META
        if is_trusted(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = client_address(meta["REMOTE_ADDR"], meta.pop("HTTP_X_FORWARDED_FOR", ""))
        else:
            for header in FORWARDED:
                meta.pop(header, None)
        return self.get_response(request)


def is_trusted(address: str) -> bool:
    try:
        return any(ip_address(address) in network for network in settings.TRUSTED_PROXIES)
    except ValueError:
        return False


def client_address(proxy: str, forwarded_for: str) -> str:
    """The nearest address that is not a trusted proxy; what stands before it is hearsay."""
    nearest = proxy
    for address in reversed([word.strip() for word in forwarded_for.split(",")]):
        if not is_address(address):
            return nearest
        nearest = address
        if not is_trusted(address):
            return nearest
    return nearest


def is_address(word: str) -> bool:
    try:
        return bool(ip_address(word))
    except ValueError:
        return False


class RequestLog:
    """Gives each request an id (its own X-Request-Id, if sane and no token), answers with it, and logs one line."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started = time.perf_counter()
        sent = request.headers.get("X-Request-Id", "")
        request.id = sent if SANE_ID.fullmatch(sent) else uuid4().hex
        with actor.acting(request_id=request.id, road="api" if is_api(request) else "admin"):
            response = self.get_response(request)
            user = actor.current().user
            response["X-Request-Id"] = request.id
            if not request.path.startswith(settings.STATIC_URL):
                response.headers.setdefault("Cache-Control", "no-store, private")
            self.write(request, response, user, started)
        return response

    def write(self, request, response, user, started):
        match = request.resolver_match
        log.info(
            "request",
            extra={
                "method": request.method if request.method.isalpha() else "?",
                "route": match.route if match else None,
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "user_id": str(user.pk) if user else None,
            },
        )


class SafeHeaders(SecurityMiddleware):
    """The headers of Django's SecurityMiddleware and three more on every answer, whoever made it.

    It stands outside of everything that may refuse, and so outside of the SecurityMiddleware that redirects: that
    one refuses unknown hosts. Nothing may be framed, whatever a view or the admin's theme says.
    """

    def process_request(self, request):
        return None

    def process_response(self, request, response):
        response = super().process_response(request, response)
        response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        response.headers.setdefault("Cross-Origin-Resource-Policy", settings.CROSS_ORIGIN_RESOURCE_POLICY)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


def remember(request, **kwargs):
    """Django tells of what nobody caught, and with DEBUG on then makes its own page of it, whatever it was."""
    if request is not None:
        request.broken_by = sys.exc_info()[1]


class RefusalShape:
    """Under /api every refusal has the one shape, whoever made it: Django's own pages and its debug pages too.

    A database that cannot be had is no fault in the program, and so not shown as one with DEBUG on either.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        got_request_exception.connect(remember)

    def __call__(self, request):
        response = self.get_response(request)
        status = response.status_code
        if status == 500 and (refused := answer_of(request, getattr(request, "broken_by", None))):
            return refused
        is_ours = response.headers.get("Content-Type", "").startswith("application/json")
        if status < 400 or is_ours or not is_api(request):
            return response
        shaped = plain_answer(request, status, CODES.get(status, "ERROR"), f"{response.reason_phrase}.")
        for header, value in response.headers.items():
            if header in KEPT_HEADERS or header.startswith("Access-Control-"):
                shaped[header] = value
        return shaped


class AdminPolicy:
    """The admin's pages get the Content-Security-Policy that their theme needs; every other page the strict one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_config = settings.ADMIN_CSP
        return response


class BodyLimit:
    """Refuses a body over MAX_BODY_BYTES before anything reads it, and one that stops coming."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdecimal()):
            return plain_answer(request, 400, "MALFORMED", "Content-Length is not a number.")
        if len(length) < 20 and int(length) <= settings.MAX_BODY_BYTES:
            return self.get_response(request)
        drain(request)
        return plain_answer(request, 413, "TOO_LARGE", f"A body may have {settings.MAX_BODY_BYTES} bytes.")

    def process_exception(self, request, exception):
        if isinstance(exception, UnreadablePostError):
            return plain_answer(request, 400, "MALFORMED", "The body did not arrive.")
        return None


def drain(request) -> None:
    """Read on for a while and forget it: a client that is still sending does not read its answer."""
    with suppress(UnreadablePostError):
        for _ in range(DRAINED_CHUNKS):
            if not request.read(CHUNK):
                return


class NameTheActor:
    """The session's user signs what the admin changes; the API names its own after authentication."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not is_api(request) and request.user.is_authenticated:
            actor.identify(request.user)
        return self.get_response(request)


class NoteTheToken:
    """Has a token's use noted when its answer has been sent: no request waits for that, or fails by it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if token := getattr(request, "token", None):
            response._resource_closers.append(token.note_use)
        return response
