"""A form that is sent again, as by a double click, takes effect once: it gets the first answer, and what that said.

Each page has a key of its own. Other content with the same key, also of a file, is another write. Only a redirect is
kept, because a form that is shown again has written nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.cookie import MessageDecoder, MessageEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from strata.api.errors import APIError
from strata.api.http.idempotency import (
    claim_key,
    decompressed,
    keep_answer,
    key_held,
    release_key,
    sha256_of,
)
from strata.audit.models import IdempotentAnswer
from strata.templatetags.form_key import FIELD

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
CSRF_FIELD = "csrfmiddlewaretoken"  # a login in another tab changes its value


def once(request: HttpRequest, write: Callable[[], HttpResponse]) -> HttpResponse:
    """Call `write` in the caller's transaction; a form that was sent before gets what it was answered then."""
    forget_attempt(request)
    key = key_of(request)
    if not key:
        return write()
    try:
        stored, is_new = claim_key(request.user, key, key.rpartition(" ")[-1])
    except APIError:  # on PostgreSQL, where the first one takes long
        return still_being_saved(request)
    if not is_new:
        return first_answer(request, stored)
    queued = queued_messages(request)
    count = len(queued)
    answer = write()
    if isinstance(answer, HttpResponseRedirect):
        keep(stored, answer, queued[count:])
    else:
        release_key(stored)
    return answer


def once_in_steps(request: HttpRequest, write: Callable[[], HttpResponse]) -> HttpResponse:
    """Call `write`, which has many transactions; the last one calls `once`, so a crash leaves no answer without it.

    A form that is sent while the first is being written waits for a few seconds, and begins nothing.
    """
    key = key_of(request)
    if not key:
        return write()
    with ExitStack() as stack:
        try:
            stack.enter_context(key_held(request.user, key))
        except APIError:
            return still_being_saved(request)
        user: Any = request.user
        stored = IdempotentAnswer.objects.filter(user=user, key=key).first()
        return write() if stored is None else first_answer(request, stored)


def still_being_saved(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("The same is being saved right now. Look again in a moment."))
    return HttpResponseRedirect(request.get_full_path())


def key_of(request: Any) -> str:
    """The key of the page with a hash of what was sent; "" without one. Large files are read once."""
    if not hasattr(request, "strata_form_key"):
        key = request.POST.get(FIELD, "")
        request.strata_form_key = f"form {key} {content_digest(request)}" if KEY.fullmatch(key) else ""
    known: str = request.strata_form_key
    return known


def content_digest(request: HttpRequest) -> str:
    fields = sorted((name, values) for name, values in request.POST.lists() if name != CSRF_FIELD)
    files = [(name, list(map(sha256_of, several))) for name, several in sorted(request.FILES.lists())]
    text = json.dumps([request.get_full_path(), fields, files])
    return salted_hmac("strata.sent_again", text, algorithm="sha256").hexdigest()


def keep(stored: IdempotentAnswer, answer: HttpResponseRedirect, said: list[Any]) -> None:
    for message in said:
        message._prepare()  # lazy texts are in the user's language from here on
    body = json.dumps(said, cls=MessageEncoder).encode()
    keep_answer(stored, answer.status_code, {"Location": answer.url}, body)


def first_answer(request: HttpRequest, stored: IdempotentAnswer) -> HttpResponse:
    for message in json.loads(decompressed(bytes(stored.body)), cls=MessageDecoder):
        messages.add_message(request, message.level, message.message, extra_tags=message.extra_tags)
    return HttpResponseRedirect(stored.headers["Location"])


def queued_messages(request: HttpRequest) -> list[Any]:
    """The messages of this request. The list is the storage's own, and grows."""
    storage: Any = messages.get_messages(request)
    queued: list[Any] = storage._queued_messages
    return queued


def forget_attempt(request: Any) -> None:
    """Remove from the request what a rolled-back attempt left there: queued messages, and roles."""
    storage: Any = messages.get_messages(request)
    queued = storage._queued_messages
    if not hasattr(request, "strata_queued"):
        request.strata_queued = len(queued)
    del queued[request.strata_queued :]
    vars(request).pop("strata_roles", None)
