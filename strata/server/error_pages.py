"""Errors outside of the API's views: Django's own handlers, and what the middleware refuses.

Under /api they have the API's shape, elsewhere they are pages.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from strata.accounts.lockout import LoginRequest
from strata.accounts.login import locked_out
from strata.api.errors import error_body, unavailable
from strata.exceptions import Text

# What a page says above the message.
SOMETHING_WENT_WRONG = _("Something went wrong")
HEADINGS = {
    400: _("Strata cannot do that"),
    403: _("You may not do that"),
    404: _("Page not found"),
    429: _("Too many attempts"),
}


def error_response(request: Any, status: int, code: str, message: Text) -> HttpResponse:
    """Under /api in the API's shape, elsewhere a page."""
    response: HttpResponse
    if is_api(request):
        response = JsonResponse(error_body(request, status, code, str(message)), status=status)
    else:
        shown = {
            "message": _("There is no page at this address.") if status == 404 else message,
            "ours": status >= 500,
            "request_id": getattr(request, "id", ""),
            "heading": HEADINGS.get(status) or (SOMETHING_WENT_WRONG if status >= 500 else HEADINGS[400]),
            "dashboard": dashboard_address(),
        }
        response = page_in_admin(request, status, shown) or render(
            None, "strata/refused.html", shown, status=status
        )
    if status in (503, 507):
        response["Retry-After"] = "5"
    return response


def page_in_admin(request: Any, status: int, shown: dict[str, Any]) -> HttpResponse | None:
    """The page with the admin's menu, for a user of the admin who asked for something that there is not, or not for
    them. None for everybody else, and where the database is what failed: a fault of the program has the plain page.
    """
    index = shown["dashboard"]
    if status not in HEADINGS or not index or not request.path.startswith(index):
        return None
    try:
        user = getattr(request, "user", None)
        if user is None or not admin.site.has_permission(request):
            return None
        context = {**admin.site.each_context(request), "title": shown["heading"], **shown}
        return render(request, "strata/refused_in_admin.html", context, status=status)
    except (DatabaseError, InterfaceError):
        return None


def dashboard_address() -> str:
    """ "" where no URL leads there."""
    with suppress(NoReverseMatch):
        return reverse("admin:index")
    return ""


def is_api(request: HttpRequest) -> bool:
    """Whether the path, below SCRIPT_NAME, is one of the API."""
    return request.path_info.startswith("/api/")


# --- Django's handlers ---


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 404, "NOT_FOUND", "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    """An uncaught error of a view or of the middleware. An unreachable database gets 503, anything else 500."""
    return outage_response(request, sys.exc_info()[1]) or error_response(
        request, 500, "INTERNAL_ERROR", _("Something broke. It was logged under the request's id.")
    )


def outage_response(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """The answer where the database is unavailable; None for any other error."""
    api_error = unavailable(error) if isinstance(error, DatabaseError | InterfaceError) else None
    if api_error is None:
        return None
    response = error_response(request, api_error.status_code, api_error.code, api_error.message)
    response["Retry-After"] = str(api_error.wait)
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django reports a session that could not be saved as a bad request, even if the database is unavailable."""
    return outage_response(request, database_error_behind(exception)) or error_response(
        request, 400, "MALFORMED", _("The request is malformed.")
    )


def database_error_behind(error: BaseException | None) -> BaseException | None:
    """The database error in the handling of which this error was raised."""
    while error is not None and not isinstance(error, DatabaseError):
        error = error.__context__
    return error


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 403, "FORBIDDEN", _("You may not do that."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid CSRF token: Django's CSRF_FAILURE_VIEW."""
    return error_response(
        request,
        403,
        "FORBIDDEN",
        _("The form did not come from a page of this session. Open the page again."),
    )


# --- the lock-out of axes ---


def locked_page(request: LoginRequest, response: Any, credentials: Any) -> HttpResponse:
    """The answer of axes for the admin's login and for its change of a password."""
    error = locked_out(request)
    page = error_response(request, error.status_code, error.code, error.message)
    page["Retry-After"] = str(error.wait)
    return page
