"""Idempotency-Key: a POST that is sent again gets the first answer again, and writes once.

The answer is stored in the transaction of the write: both are stored, or neither. Only successful answers are stored,
so a refused request leaves its key free. A key belongs to one user and is bound to the method, path and body. While the
first request is running, a second one waits for a few seconds and then gets 409. On one machine the workers use a named
lock. Several machines wait at PostgreSQL's unique index, as long.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.request import Request

from strata.api.errors import APIError
from strata.audit.models import IdempotentAnswer
from strata.db.backends.postgresql.timeouts import shorter_lock_timeout
from strata.db.named_locks import NamedLocks
from strata.metrics.recording import metrics
from strata.tenancy.roles import may_edit_all

KEPT_FOR = timedelta(days=2)
FORGOTTEN_AT_ONCE = 20  # rows per request; with one, a backlog would never get smaller
TIMEOUT_SECONDS = 3
named_locks = NamedLocks(settings.DATA_DIR / "named-locks")
KEPT_HEADERS = ("Location", "ETag")
COMPRESSED_FROM, COMPRESSION = 1024, 6  # bytes of an answer that gains by it, and gzip's level
GZIP = b"\x1f\x8b"  # how compressed answers begin; JSON cannot
MULTIPART = "multipart/form-data"
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code: its messages are in the server's language

type Handler = Callable[..., HttpResponseBase]


def key_of(request: Any) -> str | None:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        message = "Use 1 to 255 printable ASCII characters."
        errors = [{"field": "Idempotency-Key", "code": "invalid", "message": message}]
        raise APIError("VALIDATION_ERROR", message, status=400, errors=errors)
    return key


def request_digest(request: Any) -> str:
    """A keyed hash: from a plain hash in a dump one could guess a password in the body."""
    line = f"{request.method} {request.get_full_path().rstrip('/')}\n".encode()
    body = parts_of(request._request) if request._request.content_type == MULTIPART else request._request.body
    return salted_hmac("strata.idempotency", line + body, algorithm="sha256").hexdigest()


def parts_of(request: HttpRequest) -> bytes:
    """What the parts of a form say: clients write another boundary between them each time."""
    fields = [(name, *values) for name, values in request.POST.lists()]
    files = [
        (name, file.name, sha256_of(file)) for name, several in request.FILES.lists() for file in several
    ]
    return json.dumps([sorted(fields), sorted(files)]).encode()


def sha256_of(file: Any) -> str:
    """Of an uploaded file, which may be on disk; afterwards it can be read from its beginning."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def run_once(view: Any, handler: Handler, key: str, digest: str) -> Handler:
    """The handler, which answers every repetition with the key's first success. It runs in the transaction.

    Each attempt at the write claims the key again; a rollback releases it together with the write.
    """

    def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        stored, is_new = claim_key(request.user, key, digest)
        if not is_new and stored.request_digest != digest:
            raise APIError("IDEMPOTENCY_MISUSE", "The key was used for another request.", status=422)
        if not is_new and not lost_the_right(request.user, stored):
            return replay(stored)
        response = handler(request, *args, **kwargs)
        if not is_new:
            raise APIError("FORBIDDEN", "You may no longer see what this key was answered.", status=403)
        store_response(stored, view, response)
        return response

    return handle


def hold_key(user: Any, key: str, handler: Handler) -> Handler:
    """The handler, which holds the key's lock. It begins the transaction: on SQLite that waits for all writers."""

    def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with key_held(user, key):
            return handler(request, *args, **kwargs)

    return handle


@contextmanager
def key_held(user: Any, key: str) -> Iterator[None]:
    """Hold the key's lock. Raises IDEMPOTENCY_IN_PROGRESS after TIMEOUT_SECONDS."""
    with ExitStack() as stack:
        try:
            stack.enter_context(named_locks.acquire(f"{user.pk} {key}", timeout=TIMEOUT_SECONDS))
        except TimeoutError:
            raise still_running() from None
        yield


def claim_key(user: Any, key: str, digest: str) -> tuple[IdempotentAnswer, bool]:
    """The key's row, and whether this request created it. A refused write rolls the row back."""
    try:
        with transaction.atomic(), shorter_lock_timeout(connection, TIMEOUT_SECONDS):
            return IdempotentAnswer.objects.create(user=user, key=key, request_digest=digest), True
    except IntegrityError:
        stored = IdempotentAnswer.objects.filter(user=user, key=key).first()
        if stored is None:  # deleted just now, because it was old
            raise still_running() from None
        return stored, False
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise still_running() from error
        raise


def still_running() -> APIError:
    metrics.idempotency("conflict")
    return APIError("IDEMPOTENCY_IN_PROGRESS", "The first request is still running.", status=409, wait=1)


def lost_the_right(user: Any, stored: IdempotentAnswer) -> bool:
    """Whether the user may no longer edit. Then the handler runs again to raise its own refusal; a write is undone."""
    household_ids = set(map(UUID, stored.household_ids or ()))
    if stored.household_id is not None:
        household_ids.add(stored.household_id)
    return bool(household_ids) and not may_edit_all(user, household_ids)


def store_response(stored: IdempotentAnswer, view: Any, response: Any) -> None:
    if not 200 <= response.status_code < 300:
        release_key(stored)
        return
    stored.household_id = getattr(view, "idempotency_household_id", None)
    household_ids = getattr(view, "idempotency_household_ids", ())
    stored.household_ids = sorted(map(str, household_ids)) or None
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    keep_answer(stored, response.status_code, headers, rendered(view.request, response.data))
    metrics.idempotency("made")


def keep_answer(stored: IdempotentAnswer, status: int, headers: dict[str, str], body: bytes) -> None:
    stored.status, stored.headers, stored.body = status, headers, compressed(body)
    stored.save()
    forget_old_answers(FORGOTTEN_AT_ONCE)


def release_key(stored: IdempotentAnswer) -> None:
    """For a request that has written nothing: it may be sent again."""
    stored.delete()


def rendered(request: Any, data: Any) -> bytes:
    """The bytes of the answer as the caller gets them: `Accept: application/json; indent=2` changes the spaces."""
    return b"" if data is None else request.accepted_renderer.render(data, request.accepted_media_type)


def compressed(body: bytes) -> bytes:
    return gzip.compress(body, COMPRESSION, mtime=0) if len(body) >= COMPRESSED_FROM else body


def decompressed(stored: bytes) -> bytes:
    return gzip.decompress(stored) if stored.startswith(GZIP) else stored


def replay(stored: IdempotentAnswer) -> HttpResponse:
    metrics.idempotency("replayed")
    headers = {**stored.headers, "Idempotency-Replayed": "true"}
    body = decompressed(bytes(stored.body))
    answer = HttpResponse(body, status=stored.status, content_type="application/json", headers=headers)
    if not body:
        del answer["Content-Type"]
    return answer


def forget_old_answers(most: int) -> int:
    """Delete at most `most` answers older than two days, and return how many. Rows that others delete are skipped."""
    old = IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).order_by("created_at")
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
    return IdempotentAnswer.objects.filter(pk__in=ids).delete()[0] if ids else 0
