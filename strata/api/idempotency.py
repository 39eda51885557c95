"""Idempotency-Key: a POST that is sent again gets the answer of the first, and writes once.

The answer is stored in the transaction of the write. A key is its user's; it is bound to the method, path and
body. On PostgreSQL a second request waits for the first on the unique index; SQLite's writers take turns anyway.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from strata.api.errors import Refusal
from strata.models import IdempotentAnswer
from strata.ownership import may_edit

KEPT_FOR = timedelta(days=2)
KEPT_HEADERS = ("Location", "ETag")


def key_of(request: Any) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        message = "Use 1 to 255 printable ASCII characters."
        errors = [{"field": "Idempotency-Key", "code": "invalid", "message": message}]
        raise Refusal("VALIDATION_ERROR", message, status=400, errors=errors)
    return key


def request_digest(request: Any) -> str:
    told = f"{request.method} {request.get_full_path().rstrip('/')}\n".encode()
    return hashlib.sha256(told + request._request.body).hexdigest()


def once(view: Any, handler: Any, key: str, digest: str):
    """The handler, wrapped so that the key's first success is what every repetition is answered."""

    def handle(request, *args, **kwargs):
        with transaction.atomic():
            kept, mine = claim(request.user, key, digest)
            if not mine and kept.request_digest != digest:
                raise Refusal("IDEMPOTENCY_MISUSE", "The key was used for another request.", status=422)
            if not mine and not lost_the_right(request.user, kept):
                return replay(kept)
            response = handler(request, *args, **kwargs)
            if mine:
                keep(kept, response, getattr(view, "idempotency_household_id", None))
            return response

    return handle


def claim(user: Any, key: str, digest: str) -> tuple[IdempotentAnswer, bool]:
    """The key's row, and whether this request made it. Rolled back with the write if that is refused."""
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(user=user, key=key, request_digest=digest), True
    except IntegrityError:
        return IdempotentAnswer.objects.get(user=user, key=key), False
    except OperationalError as error:
        if "lock timeout" in str(error):
            raise Refusal(
                "IDEMPOTENCY_IN_PROGRESS", "The first request is still running.", status=409
            ) from error
        raise


def lost_the_right(user: Any, kept: IdempotentAnswer) -> bool:
    """Then the handler runs anew, and refuses in its own words."""
    return kept.household_id is not None and not may_edit(user, kept.household_id)


def keep(kept: IdempotentAnswer, response: Any, household_id: Any) -> None:
    if not 200 <= response.status_code < 300:
        kept.delete()
        return
    kept.status, kept.household_id = response.status_code, household_id
    kept.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    kept.body = b"" if response.data is None else JSONRenderer().render(response.data)
    kept.save()


def replay(kept: IdempotentAnswer) -> HttpResponse:
    headers = {**kept.headers, "Idempotency-Replayed": "true"}
    return HttpResponse(
        bytes(kept.body), status=kept.status, content_type="application/json", headers=headers
    )


def forget_old_answers() -> int:
    return IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]
