"""A form that is sent again, as by a double click, takes effect once: it gets the first answer, and what that said.

Each page has a key of its own. Other content with the same key is another write. Only a redirect is kept, because a
form that is shown again has written nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.cookie import MessageDecoder, MessageEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from strata.api.errors import APIError
from strata.api.http.idempotency import claim_key, decompressed, keep_answer, release_key
from strata.audit.models import IdempotentAnswer
from strata.templatetags.form_key import FIELD

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
CSRF_FIELD = "csrfmiddlewaretoken"  # a login in another tab changes its value


def once(request: HttpRequest, write: Callable[[], HttpResponse]) -> HttpResponse:
    """Call `write` in the caller's transaction; a form that was sent before gets what it was answered then."""
    key = request.POST.get(FIELD, "")
    if not KEY.fullmatch(key):
        return write()
    digest = content_digest(request)
    try:
        stored, is_new = claim_key(request.user, f"form {key} {digest}", digest)
    except APIError:  # on PostgreSQL, where the first one takes long
        messages.warning(request, _("The same is being saved right now. Look again in a moment."))
        return HttpResponseRedirect(request.get_full_path())
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


def content_digest(request: HttpRequest) -> str:
    fields = sorted((name, values) for name, values in request.POST.lists() if name != CSRF_FIELD)
    text = json.dumps([request.get_full_path(), fields])
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
