"""A form that is sent again, as by a double click, takes effect once: it gets the first answer, and what that said.

Each page has a key of its own. Other content with the same key, also of a file, is another write. A form that is shown
again has written nothing, so its answer is not kept. The same content is another write too, once the first is over:
see is_over. A cookie says which answers were followed by a page: until then the user may not know of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.messages.storage.cookie import MessageDecoder, MessageEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

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
from strata.db.retry import run_in_transaction
from strata.templatetags.form_key import FIELD

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
CSRF_FIELD = "csrfmiddlewaretoken"  # a login in another tab changes its value
STILL_A_DOUBLE_CLICK = timedelta(seconds=5)
ATTEMPTS = 3  # at a key whose stored answer is over, against others who send the same

BEING_SAVED = _("The same is being saved right now. Look again in a moment.")
COOKIE = "strata_answers"
MOST_SEEN = 40  # answers that the cookie remembers
COOKIE_TEXT = re.compile(r"([0-9.]{0,800})-([0-9.]{0,800})", re.ASCII)

type State = Callable[[], str]


def stateless() -> str:
    return ""


def once(
    request: HttpRequest, write: Callable[[], HttpResponse], *, state: State = stateless
) -> HttpResponse:
    """Call `write` in the caller's transaction; a form that was sent before gets what it was answered then.

    `state` says what the row of the form is like, such as its version: once it is not as the first one left it,
    `write` is called again, to see for itself.
    """
    forget_attempt(request)
    if not key_of(request):
        return write()
    try:
        stored, is_new = claimed(request, state)
    except APIError:  # on PostgreSQL, where the first one takes long
        return still_being_saved(request)
    if not is_new:
        return first_answer(request, stored)
    queued = queued_messages(request)
    count = len(queued)
    answer = write()
    if has_written(request, answer):
        keep(request, stored, answer, queued[count:], state())
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
        if stored is None or is_over(request, stored, stateless):
            return write()
        return first_answer(request, stored)


def once_of_many(request: HttpRequest, write: Callable[[], HttpResponse]) -> HttpResponse:
    """Call `write`, which has many transactions, and changes nothing where it is repeated: only its answer differs."""

    def written() -> HttpResponse:
        queued = queued_messages(request)
        count = len(queued)
        answer = write()
        if key_of(request) and has_written(request, answer):
            run_in_transaction(lambda: keep(request, claimed(request)[0], answer, queued[count:]))
        return answer

    return once_in_steps(request, written)


def still_being_saved(request: HttpRequest) -> HttpResponse:
    messages.warning(request, BEING_SAVED)
    return HttpResponseRedirect(request.get_full_path())


# --- which form it is, and whether it is another one ---


def key_of(request: Any) -> str:
    """The page and what was sent, both hashed; "" for a form without a key. Large files are read once."""
    if not hasattr(request, "strata_form_key"):
        key = request.POST.get(FIELD, "")
        known = f"{page_of(key)}{content_digest(request)}" if KEY.fullmatch(key) else ""
        request.strata_form_key = known
    known_key: str = request.strata_form_key
    return known_key


def page_of(form_key: str) -> str:
    """What the keys of all that is sent from one page begin with. The page's own key is stored nowhere."""
    return f"form {sha256(form_key.encode()).hexdigest()} "


def content_digest(request: HttpRequest) -> str:
    fields = sorted((name, values) for name, values in request.POST.lists() if name != CSRF_FIELD)
    files = [(name, list(map(sha256_of, several))) for name, several in sorted(request.FILES.lists())]
    text = json.dumps([request.get_full_path(), fields, files])
    return salted_hmac("strata.sent_again", text, algorithm="sha256").hexdigest()


def claimed(request: HttpRequest, state: State = stateless) -> tuple[IdempotentAnswer, bool]:
    """The row of the form's key, and whether nothing was answered yet. Raises APIError while another one writes."""
    key = key_of(request)
    for _attempt in range(ATTEMPTS):
        stored, is_new = claim_key(request.user, key, key.rpartition(" ")[-1])
        if is_new or not is_over(request, stored, state):
            break
        release_key(stored)
    return stored, is_new


def is_over(request: HttpRequest, stored: IdempotentAnswer, state: State) -> bool:
    """Whether the same content is another write by now.

    It is, where the row was changed since, or something else was sent from the same page. Otherwise the user must have
    seen a page after the answer, and then sent another form, or waited: as long as the answer may have been lost, they
    may send it to be sure.
    """
    if stored.headers.get("State", "") != state():
        return True
    later = IdempotentAnswer.objects.filter(user=stored.user_id, pk__gt=stored.pk)
    if later.filter(key__startswith=page_of(request.POST[FIELD])).exists():
        return True
    if stored.pk not in answers_in(request).seen:
        return False
    is_old = stored.created_at < timezone.now() - STILL_A_DOUBLE_CLICK
    return is_old or later.filter(key__startswith="form ").exists()


# --- the answer ---


def has_written(request: HttpRequest, answer: HttpResponse) -> bool:
    """A redirect; or the page that closes a popup."""
    if isinstance(answer, HttpResponseRedirect):
        return True
    context = getattr(answer, "context_data", None) or {}
    return IS_POPUP_VAR in request.POST and "popup_response_data" in context


def keep(
    request: Any, stored: IdempotentAnswer, answer: HttpResponse, said: list[Any], state: str = ""
) -> None:
    for message in said:
        message._prepare()  # lazy texts are in the user's language from here on
    kept: dict[str, Any] = {"said": said}
    headers = {"State": state}
    if isinstance(answer, HttpResponseRedirect):
        headers["Location"] = answer.url
    else:
        page: Any = answer
        if isinstance(answer, SimpleTemplateResponse):
            answer.render()
        kept["page"] = page.content.decode()
    keep_answer(stored, answer.status_code, headers, json.dumps(kept, cls=MessageEncoder).encode())
    request.strata_answer = stored.pk


def first_answer(request: Any, stored: IdempotentAnswer) -> HttpResponse:
    kept = json.loads(decompressed(bytes(stored.body)), cls=MessageDecoder)
    for message in kept["said"]:
        messages.add_message(request, message.level, message.message, extra_tags=message.extra_tags)
    request.strata_answer = stored.pk
    if "page" in kept:
        return HttpResponse(kept["page"], status=stored.status)
    return HttpResponseRedirect(stored.headers["Location"])


def queued_messages(request: HttpRequest) -> list[Any]:
    """The messages of this request. The list is the storage's own, and grows."""
    storage: Any = messages.get_messages(request)
    queued: list[Any] = storage._queued_messages
    return queued


def forget_attempt(request: Any) -> None:
    """Remove from the request what a rolled-back attempt left there: queued messages, roles, and its answer."""
    storage: Any = messages.get_messages(request)
    queued = storage._queued_messages
    if not hasattr(request, "strata_queued"):
        request.strata_queued = len(queued)
    del queued[request.strata_queued :]
    for name in ("strata_roles", "strata_answer"):
        vars(request).pop(name, None)


# --- which answers the user has seen ---


class Answers(NamedTuple):
    """Ids of stored answers that this browser got: those that no page followed yet, and the others."""

    unseen: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()

    def text(self) -> str:
        return "-".join(".".join(map(str, ids[-MOST_SEEN:])) for ids in self)


def answers_in(request: HttpRequest) -> Answers:
    parts = COOKIE_TEXT.fullmatch(request.COOKIES.get(COOKIE, ""))
    if parts is None:
        return Answers()
    return Answers(*(tuple(int(pk) for pk in part.split(".") if pk) for part in parts.groups()))


class AnswersSeen:
    """The middleware that keeps the cookie. A request that was sent before a page arrived cannot name it as seen."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        answers, answer = answers_in(request), getattr(request, "strata_answer", None)
        if answer is not None:
            now = answers._replace(unseen=(*answers.unseen, answer))
        elif answers.unseen and is_page(request, response):
            now = Answers(seen=(*answers.seen, *answers.unseen))
        else:
            return response
        response.set_cookie(
            COOKIE,
            now.text(),
            path=settings.SESSION_COOKIE_PATH,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure(),
        )
        return response


def is_page(request: HttpRequest, response: HttpResponse) -> bool:
    """What a script has asked for is none; browsers say so where the address is https or local."""
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return False
    is_html = response.get("Content-Type", "").startswith("text/html")
    return request.method == "GET" and is_html and not 300 <= response.status_code < 400
