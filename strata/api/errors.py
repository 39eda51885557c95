"""Every error of the API has the same shape. This module maps each exception to it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from math import ceil
from typing import Any

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from strata.db.errors.outages import is_full, is_read_only, is_unusable_file, outage_sentence
from strata.db.errors.references import broken_reference
from strata.db.retry import can_begin_again
from strata.exceptions import Conflict, Forbidden, Invalid, NotFound, StrataError, resource_name

log = logging.getLogger("strata.errors")

CODES = {
    400: "MALFORMED",
    401: "NOT_AUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "IDEMPOTENCY_MISUSE",
    428: "PRECONDITION_REQUIRED",
    429: "THROTTLED",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
    507: "INSUFFICIENT_STORAGE",
}


# What a page says above the message.
SOMETHING_WENT_WRONG = _("Something went wrong")
HEADINGS = {
    400: _("Strata cannot do that"),
    403: _("You may not do that"),
    404: _("Page not found"),
    429: _("Too many attempts"),
}

MOST_ERRORS = 100  # an answer must not grow with the request: neither the number of errors nor their length
LONGEST_FIELD = 200
LONGEST_MESSAGE = 500


class APIError(exceptions.APIException):
    """A refusal with its own code: APIError("DUPLICATE_NAME", "...", status=409).

    At most `most_errors` of its `errors` are in the answer.
    """

    most_errors = MOST_ERRORS
    auth_header: str | None = None  # the value of WWW-Authenticate
    wait: float | None = None  # seconds, for Retry-After
    existing: dict[str, str] | None = None  # the row that the request contradicts: {"id", "link"}
    more: Mapping[str, Any] = {}  # further members of the answer

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        errors: list[dict[str, Any]] | None = None,
        wait: float | None = None,
    ):
        super().__init__(message, code)
        self.code, self.message, self.status_code, self.errors = code, message, status, errors or []
        self.wait = wait


def error_body(
    request: Any, status: int, code: str, message: str, errors: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "status": status,
        "errors": errors or [],
        "request_id": getattr(request, "id", ""),
    }


def error_response(request: Any, status: int, code: str, message: str) -> HttpResponse:
    """A refusal from outside the API's views: under /api in the API's shape, elsewhere a page."""
    response: HttpResponse
    if is_api(request):
        response = JsonResponse(error_body(request, status, code, message), status=status)
    else:
        shown = {
            "message": _("There is no page at this address.") if status == 404 else message,
            "ours": status >= 500,
            "request_id": getattr(request, "id", ""),
            "heading": HEADINGS.get(status) or (SOMETHING_WENT_WRONG if status >= 500 else HEADINGS[400]),
            "dashboard": dashboard_address(),
        }
        response = render(None, "strata/refused.html", shown, status=status)
    if status in (503, 507):
        response["Retry-After"] = "5"
    return response


def dashboard_address() -> str:
    """ "" where no URL leads there."""
    with suppress(NoReverseMatch):
        return reverse("admin:index")
    return ""


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: one shape for every refusal. None for an unexpected error, which becomes a 500."""
    refusal = as_api_error(error)
    return None if refusal is None else refusal_response(context["request"]._request, refusal)


def as_api_error(error: Exception) -> APIError | None:
    """The refusal for an exception of Strata, DRF, Django or the database; None for an unexpected error."""
    error = translated(error)
    if isinstance(error, APIError) or not isinstance(error, exceptions.APIException):
        return error if isinstance(error, APIError) else None
    if isinstance(error, exceptions.ValidationError):
        errors = list(flattened(error.detail))
        message = errors[0]["message"] if errors else "The request is not valid."
        return APIError("VALIDATION_ERROR", message, status=400, errors=errors)
    status = error.status_code
    members = getattr(error, "errors", None)  # of a body that is no JSON: what is wrong with it
    refusal = APIError(CODES.get(status, "ERROR"), str(error.detail), status=status, errors=members)
    refusal.wait, refusal.auth_header = getattr(error, "wait", None), getattr(error, "auth_header", None)
    return refusal


def refusal_response(request: Any, refusal: APIError) -> Response:
    message = shortened(refusal.message, LONGEST_MESSAGE)
    shown = [shortened_entry(entry) for entry in refusal.errors[: refusal.most_errors]]
    if (rest := len(refusal.errors) - len(shown)) > 0:
        message = f"{message} (and {rest:,} more)"
    content = error_body(request, refusal.status_code, refusal.code, message, shown)
    if refusal.existing:
        content["existing"] = refusal.existing
    content |= refusal.more
    response = Response(content, status=refusal.status_code)
    if refusal.auth_header:
        response["WWW-Authenticate"] = refusal.auth_header
    if refusal.wait is not None:
        response["Retry-After"] = str(max(1, ceil(refusal.wait)))
    return response


def shortened_entry(entry: dict[str, Any]) -> dict[str, Any]:
    field = entry["field"] and shortened(entry["field"], LONGEST_FIELD)
    return {**entry, "field": field, "message": shortened(entry["message"], LONGEST_MESSAGE)}


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def translated(error: Exception) -> Exception:
    """The refusal for an exception of Strata, Django or the database; the error itself where there is none."""
    if isinstance(error, StrataError):
        return refusal_of(error)
    if isinstance(error, Http404):
        return APIError("NOT_FOUND", "Not found.", status=404)
    if isinstance(error, PermissionDenied):
        return refusal_of(Forbidden("You may not do that."))
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(as_fields(error))
    if isinstance(error, ProtectedError | RestrictedError):
        return refusal_of(Conflict("IN_USE", "It is in use and cannot be deleted."))
    if isinstance(error, IntegrityError):
        return refusal_of(integrity_conflict(error))
    if isinstance(error, ObjectDoesNotExist):
        return refusal_of(row_deleted_meanwhile(error))
    if isinstance(error, DatabaseError | InterfaceError):
        return unavailable(error) or error
    return error


def integrity_conflict(error: IntegrityError) -> Conflict:
    """A conflict with a parallel write, which no check could see."""
    key = broken_reference(error)
    if key is None:
        return Conflict("CONFLICT", "It contradicts what is stored: something else has the same name or key.")
    name = resource_name(key.related_model).replace("_", " ")
    message = f"The {name} is being deleted, and used, by two requests in the same moment. Read it again."
    return Conflict("CONFLICT", message, key.attname)


def row_deleted_meanwhile(error: ObjectDoesNotExist) -> NotFound:
    """A row was deleted while the answer was built from it. A read takes no lock."""
    log.warning("a row was deleted while it was read", exc_info=error)
    models: Iterable[Any] = apps.get_models()
    model = next((model for model in models if model.DoesNotExist is type(error)), None)
    return NotFound(resource_name(model) if model else "row")


def refusal_of(error: StrataError) -> APIError:
    entry = {"field": error.field, "code": error.field_code, "message": error.message}
    errors = getattr(error, "errors", None) or ([entry] if error.field or isinstance(error, Invalid) else [])
    refusal = APIError(error.code, error.message, status=error.status, errors=errors)
    refusal.existing = getattr(error, "existing", None)
    return refusal


def unavailable(error: Exception) -> APIError | None:
    """The refusal where the database is full, locked, read-only or unreachable. None for an error in the program."""
    if can_begin_again(error):  # after the last attempt: see strata.db.retry
        log.warning("others kept writing the same rows", exc_info=error)
        return APIError("UNAVAILABLE", "Others kept changing the same. Try again.", status=503, wait=1)
    if is_full(error):
        log.error("no space left", exc_info=error)
        return APIError("INSUFFICIENT_STORAGE", "There is no space left to write.", status=507, wait=30)
    if is_read_only(error) or is_unusable_file(error):
        log.error(outage_sentence(error, connection.settings_dict))
        return APIError("UNAVAILABLE", "The database cannot be written now. Try again.", status=503, wait=5)
    if was_cut_off(error) or isinstance(error, OperationalError):
        log.error("database unavailable", exc_info=error)
        return APIError("UNAVAILABLE", "The database does not answer. Try again.", status=503, wait=5)
    return None


def was_cut_off(error: Exception) -> bool:
    """Whether the error only follows from a lost connection in the same transaction."""
    return isinstance(error, InterfaceError) or "open a new connection in an atomic block" in str(error)


def as_fields(error: DjangoValidationError) -> Any:
    if not hasattr(error, "error_dict"):
        return {"": [exceptions.ErrorDetail(m, code=error.code or "invalid") for m in error.messages]}
    return {
        field.replace("__all__", ""): [
            exceptions.ErrorDetail(detail.messages[0], code=detail.code or "invalid") for detail in errors
        ]
        for field, errors in error.error_dict.items()
    }


def flattened(detail: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """DRF's nested details as flat {field, code, message}; field is null for the body as a whole."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from flattened(value, f"{path}.{name}".strip("."))
    elif isinstance(detail, list | tuple):
        for value in detail:
            yield from flattened(value, path)
    else:
        yield {"field": path or None, "code": getattr(detail, "code", "invalid"), "message": str(detail)}


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 404, "NOT_FOUND", "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    """An uncaught error of a view or of the middleware. An unreachable database gets 503, anything else 500."""
    return outage_response(request, sys.exc_info()[1]) or error_response(
        request, 500, "INTERNAL_ERROR", "Something broke. It was logged under the request's id."
    )


def outage_response(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """The answer where the database is unavailable; None for any other error."""
    refusal = unavailable(error) if isinstance(error, DatabaseError | InterfaceError) else None
    if refusal is None:
        return None
    response = error_response(request, refusal.status_code, refusal.code, refusal.message)
    response["Retry-After"] = str(refusal.wait)
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django reports a session that could not be saved as a bad request, even if the database is unavailable."""
    return outage_response(request, database_error_behind(exception)) or error_response(
        request, 400, "MALFORMED", "The request is malformed."
    )


def database_error_behind(error: BaseException | None) -> BaseException | None:
    """The database error in the handling of which this error was raised."""
    while error is not None and not isinstance(error, DatabaseError):
        error = error.__context__
    return error


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 403, "FORBIDDEN", "You may not do that.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid CSRF token: Django's CSRF_FAILURE_VIEW."""
    return error_response(
        request, 403, "FORBIDDEN", "The form did not come from a page of this session. Open the page again."
    )


def is_api(request: HttpRequest) -> bool:
    """Whether the path, below SCRIPT_NAME, is one of the API."""
    return request.path_info.startswith("/api/")
