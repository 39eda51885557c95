"""Login by a password: the check, the name under which a failure is counted, and the error of a lock-out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from strata.accounts.lockout import LoginRequest
from strata.accounts.models import User
from strata.api.errors import APIError

LONGEST_USERNAME = cast(int, User._meta.get_field("username").max_length)
LONGEST_COUNTED_NAME = AccessAttempt._meta.get_field("username").max_length


def known_user(request: LoginRequest, username: str, password: str) -> User:
    """The user. Raises the same APIError for a wrong name, a wrong password and a disabled user.

    A lock-out is refused before any hash is computed; an unknown name costs a hash as well. Never call this inside a
    transaction: a refusal rolls it back, and the failure must stay counted.
    """
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        raise locked_out(request)
    user = authenticate(request, username=username, password=password)
    if user is not None:
        return user
    if request.axes_locked_out:
        request.axes_locked_out = False  # otherwise axes' middleware would replace the answer
        raise locked_out(request)
    refusal = APIError("BAD_CREDENTIALS", "The username or the password is wrong.", status=401)
    refusal.auth_header = "Bearer"
    raise refusal


class LongNamesBackend:
    """Refuses a name that is too long for any user, before the password is hashed. Django counts it as a failure.

    The admin's login form does not check the length of the name, and normalisation can make a name longer.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> None:
        if username is not None and len(username) > LONGEST_USERNAME:
            raise PermissionDenied


def counted_name(request: HttpRequest, credentials: Mapping[str, str] | None) -> str | None:
    """The name under which axes counts a failure: as typed, cut to the length of the column."""
    name = (credentials or request.POST).get("username")
    return name if name is None else name[:LONGEST_COUNTED_NAME]


def locked_out(request: LoginRequest) -> APIError:
    wait = math.ceil(request.login_attempt.wait.total_seconds())
    return APIError("LOCKED_OUT", _("Too many failed attempts. Try again later."), status=429, wait=wait)
