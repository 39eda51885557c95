"""Idempotency-Key: a POST that is sent again gets the answer of the first, and writes once.

The answer is stored in the transaction of the write: both are there, or neither. Only what succeeded is kept, so a
refused request leaves its key free. A key is its user's; it is bound to the method, path and body. While the first
is still at work, a second waits a little, and is then told so with 409: workers of one machine take turns; those of
several meet at PostgreSQL's unique index, and wait for it as long as `lock_timeout` lets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from strata.api.errors import Refusal
from strata.audit.models import IdempotentAnswer
from strata.db.named_locks import NamedLocks
from strata.db.retry import run_in_transaction
from strata.tenancy.roles import may_edit

KEPT_FOR = timedelta(days=2)
FORGOTTEN_AT_ONCE = 20  # more than one, or what has piled up would never go
PATIENCE_SECONDS = 3
named_locks = NamedLocks(settings.DATA_DIR / "turns")
KEPT_HEADERS = ("Location", "ETag")
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code: its words are in the server's language


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
    """With a key: a bare hash of a body that holds a password could be guessed at from a dump."""
    told = f"{request.method} {request.get_full_path().rstrip('/')}\n".encode()
    return salted_hmac("strata.idempotency", told + request._request.body, algorithm="sha256").hexdigest()


def once(view: Any, handler: Any, key: str, digest: str):
    """The handler, wrapped so that the key's first success is what every repetition is answered.

    Each attempt at the write claims the key anew, and gives it up with what it wrote.
    """

    def handle(request, *args, **kwargs):
        with in_turn(request.user, key):
            return run_in_transaction(lambda: attempt(request, *args, **kwargs))

    def attempt(request, *args, **kwargs):
        kept, mine = claim(request.user, key, digest)
        if not mine and kept.request_digest != digest:
            raise Refusal("IDEMPOTENCY_MISUSE", "The key was used for another request.", status=422)
        if not mine and not lost_the_right(request.user, kept):
            return replay(kept)
        response = handler(request, *args, **kwargs)
        if not mine:
            raise Refusal("FORBIDDEN", "You may no longer see what this key was answered.", status=403)
        keep(kept, view, response)
        return response

    return handle


@contextmanager
def in_turn(user: Any, key: str) -> Iterator[None]:
    """Before the transaction, which on SQLite begins by waiting for every other writer. Until after its end."""
    with ExitStack() as turn:
        try:
            turn.enter_context(named_locks.acquire(f"{user.pk} {key}", patience=PATIENCE_SECONDS))
        except TimeoutError:
            raise still_running() from None
        yield


def claim(user: Any, key: str, digest: str) -> tuple[IdempotentAnswer, bool]:
    """The key's row, and whether this request made it. Rolled back with the write if that is refused."""
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(user=user, key=key, request_digest=digest), True
    except IntegrityError:
        kept = IdempotentAnswer.objects.filter(user=user, key=key).first()
        if kept is None:  # forgotten just now
            raise still_running() from None
        return kept, False
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise still_running() from error
        raise


def still_running() -> Refusal:
    return Refusal("IDEMPOTENCY_IN_PROGRESS", "The first request is still running.", status=409, wait=1)


def lost_the_right(user: Any, kept: IdempotentAnswer) -> bool:
    """Then the handler runs anew, to refuse in its own words; should it not, what it wrote is undone."""
    return kept.household_id is not None and not may_edit(user, kept.household_id)


def keep(kept: IdempotentAnswer, view: Any, response: Any) -> None:
    if not 200 <= response.status_code < 300:
        kept.delete()
        return
    kept.status = response.status_code
    kept.household_id = getattr(view, "idempotency_household_id", None)
    kept.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    kept.body = rendered(view.request, response.data)
    kept.save()
    forget_old_answers(FORGOTTEN_AT_ONCE)


def rendered(request: Any, data: Any) -> bytes:
    """The bytes that the caller will be sent: `Accept: application/json; indent=2` has spaces in them."""
    return b"" if data is None else request.accepted_renderer.render(data, request.accepted_media_type)


def replay(kept: IdempotentAnswer) -> HttpResponse:
    headers = {**kept.headers, "Idempotency-Replayed": "true"}
    answer = HttpResponse(
        bytes(kept.body), status=kept.status, content_type="application/json", headers=headers
    )
    if not kept.body:
        del answer["Content-Type"]
    return answer


def forget_old_answers(most: int) -> int:
    """Deletes some of what is older than two days; how many. Not what another request is deleting just now."""
    old = IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).order_by("created_at")
    some = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
    return IdempotentAnswer.objects.filter(pk__in=some).delete()[0] if some else 0
