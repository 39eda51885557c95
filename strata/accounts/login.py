"""Who is let in by a password, under which name a failure is counted, and how a lock-out is answered."""

from __future__ import annotations

import math

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied

from strata.accounts.models import User
from strata.api.errors import Refusal, plain_answer

LONGEST_USERNAME = User._meta.get_field("username").max_length
LONGEST_COUNTED_NAME = AccessAttempt._meta.get_field("username").max_length


def known_user(request, username: str, password: str):
    """The user, or a refusal that is the same for a wrong name, a wrong password and a disabled user.

    Who has failed too often is told so before any hash is computed; an unknown name costs a hash as well. Never
    inside a transaction: what is refused rolls it back, and the failure must stay counted.
    """
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        raise locked_out(request)
    user = authenticate(request, username=username, password=password)
    if user is not None:
        return user
    if request.axes_locked_out:
        request.axes_locked_out = False  # or axes' middleware would answer in its own way
        raise locked_out(request)
    refusal = Refusal("BAD_CREDENTIALS", "The username or the password is wrong.", status=401)
    refusal.auth_header = "Bearer"
    raise refusal


class LongNamesBackend:
    """Refuses a name that no user can have before its password is hashed. Django then counts it as a failure.

    The admin's login form does not check the length of what is typed, and normalising can make a name longer.
    """

    def authenticate(self, request, username=None, **credentials):
        if username is not None and len(username) > LONGEST_USERNAME:
            raise PermissionDenied


def counted_name(request, credentials) -> str | None:
    """The name under which axes counts a failure: as typed, and no longer than its column."""
    name = (credentials or request.POST).get("username")
    return name if name is None else name[:LONGEST_COUNTED_NAME]


def locked_out(request) -> Refusal:
    wait = math.ceil(request.login_attempt.wait.total_seconds())
    return Refusal("LOCKED_OUT", "Too many failed attempts. Try again later.", status=429, wait=wait)


def locked_page(request, response, credentials):
    """What axes answers for the admin's login, and for its change of a password."""
    refusal = locked_out(request)
    page = plain_answer(request, refusal.status_code, refusal.code, refusal.message)
    page["Retry-After"] = str(refusal.wait)
    return page
