"""Undo in the admin: the button of a message and of a line in a history, and what is said after it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from strata.admin.actions import shown_refusals
from strata.admin.sent_again import forget_attempt, once
from strata.audit import actor
from strata.audit.undo import Undone, undo
from strata.audit.undo.conflicts import UndoConflict
from strata.audit.undo.request import UndoNotPossible, undoable
from strata.audit.undo.rows import RESTORED
from strata.audit.undo.rules import rules_of
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError

UNDO_TAG = "undo:"  # begins the tag of a message that has a button; the request's id follows


@require_POST
def undo_view(request: HttpRequest, request_id: str) -> HttpResponse:
    """Undo what the request wrote, say what was done or what prevents it, and go back to the page of the button."""
    page = HttpResponseRedirect(page_to_return_to(request))

    def write() -> HttpResponse:
        undone = undo_as(request.user, request_id)
        messages.success(request, undone_text(undone), extra_tags=undo_tag(request))
        return page

    try:
        return run_in_transaction(lambda: once(request, write))
    except StrataError as refusal:
        forget_attempt(request)
        messages.error(request, refusal_text(refusal))
    return page


def undo_as(user: Any, request_id: str) -> Undone:
    return run_in_transaction(lambda: undo(request_id, user, sees_all=user.is_superuser))


def page_to_return_to(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if own else reverse("admin:index")


def undo_tag(request: HttpRequest) -> str:
    """The tag for a message about what this request has written: "" where it wrote nothing, or cannot be undone."""
    request_id = undoable_request(request.user)
    return f"{UNDO_TAG}{request_id}" if request_id else ""


def undoable_request(user: Any) -> str:
    """The id of this request; "" where it wrote nothing, or cannot be undone."""
    request_id = actor.current().request_id
    return request_id if request_id in undoable_by(user, {request_id}) else ""


def undoable_by(user: Any, request_ids: set[str]) -> set[str]:
    return undoable(request_ids, user, sees_all=user.is_superuser) if request_ids else set()


# --- in words ---


def undone_text(undone: Undone) -> str:
    """ "Restored Mortgage.", "Undone: Checking account.", "Undone: 12 values." """
    what = main_text(undone)
    if undone.counts[RESTORED] == undone.row_count > 0:
        return _("Restored %(what)s.") % {"what": what}
    return _("Undone: %(what)s.") % {"what": what}


def main_text(undone: Undone) -> str:
    """What the undone rows belong to: one is named, several are counted, and so are values, however many."""
    model = undone.main_model
    if model is None:
        return _("nothing")
    named = [row.subject for row in undone.rows if row.model is model]
    if undone.main_count == 1 and named and not rules_of(model).counted:
        return named[0]
    return rules_of(model).count_text(model, undone.main_count)


def refusal_text(refusal: StrataError) -> str:
    """The sentences of all that prevents it; of other refusals the message."""
    if isinstance(refusal, UndoConflict):
        return " ".join([_("Nothing was undone."), *shown_refusals(refusal.sentences)])
    if isinstance(refusal, UndoNotPossible):
        return refusal.message
    return f"{_('Nothing was undone.')} {refusal.message}"
