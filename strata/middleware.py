"""What happens to every request: its id, its log line, its size, its actor, and no trace of it in caches."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from django.conf import settings

from strata import actor
from strata.api.errors import plain_answer

log = logging.getLogger("strata.requests")
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """Gives each request an id (its own X-Request-Id, if sane), answers with it, and logs one line."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started = time.perf_counter()
        sent = request.headers.get("X-Request-Id", "")
        request.id = sent if SANE_ID.fullmatch(sent) else uuid4().hex
        road = "api" if request.path.startswith("/api/") else "admin"
        with actor.acting(request_id=request.id, road=road):
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
                "request_id": request.id,
                "method": request.method if request.method.isalpha() else "?",
                "route": match.route if match else None,
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "user_id": str(user.pk) if user else None,
            },
        )


class BodyLimit:
    """Refuses a body over MAX_BODY_BYTES before anything reads it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > settings.MAX_BODY_BYTES:
            return plain_answer(request, 413, "TOO_LARGE", f"A body may have {settings.MAX_BODY_BYTES} bytes.")
        return self.get_response(request)


class NameTheActor:
    """The session's user signs what the admin changes; the API names its own after authentication."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.path.startswith("/api/") and request.user.is_authenticated:
            actor.identify(request.user)
        return self.get_response(request)
