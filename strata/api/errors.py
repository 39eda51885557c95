"""The errors of the API. All have one shape, and this module maps every exception to it.

    {"code": "DUPLICATE_NAME", "message": "...", "status": 409, "errors": [...], "request_id": "..."}

`errors` has an entry {"field", "code", "message"} for each field at fault. On the way from an exception to the answer
there is always an APIError: `to_api_error` makes it, `response_for` turns it into the answer. What is mapped: our own
refusals (strata.exceptions), those of DRF and of Django, and the database's, such as a deadlock or a full disk. An
error that nobody expected is not: it becomes a 500, whose cause is in the log alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from strata.db.errors.outages import is_full, is_read_only, is_unusable_file, outage_sentence
from strata.db.errors.references import broken_reference
from strata.db.retry import can_begin_again
from strata.db.write_format.check import REFUSAL, NewerFormat
from strata.exceptions import Conflict, Forbidden, Invalid, NotFound, StrataError, Text, resource_name
from strata.metrics.recording import metrics

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
    existing: Mapping[str, str] | None = None  # the row that the request contradicts: {"id", "link"}
    more: Mapping[str, Any] = {}  # further members of the answer

    def __init__(
        self,
        code: str,
        message: Text,
        *,
        status: int,
        errors: Sequence[Mapping[str, Any]] = (),
        wait: float | None = None,
    ):
        super().__init__(str(message), code)
        self.code, self.message, self.status_code, self.errors = code, str(message), status, list(errors)
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


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: one shape for every refusal. None for an unexpected error, which becomes a 500."""
    api_error = to_api_error(error)
    return None if api_error is None else response_for(api_error, context["request"]._request)


def to_api_error(error: Exception) -> APIError | None:
    """The APIError for an exception of Strata, DRF, Django or the database; None for an unexpected error."""
    if isinstance(error, APIError):
        return error
    if isinstance(error, StrataError):
        return api_error_from_strata(error)
    if isinstance(error, exceptions.APIException):
        return api_error_from_drf(error)
    if isinstance(error, Http404):
        return APIError("NOT_FOUND", "Not found.", status=404)
    if isinstance(error, PermissionDenied):
        return api_error_from_strata(Forbidden(_("You may not do that.")))
    if isinstance(error, DjangoValidationError):
        return api_error_from_drf(exceptions.ValidationError(as_fields(error)))
    if isinstance(error, ProtectedError | RestrictedError):
        return api_error_from_strata(Conflict("IN_USE", _("It is in use and cannot be deleted.")))
    if isinstance(error, IntegrityError):
        return api_error_from_strata(integrity_conflict(error))
    if isinstance(error, ObjectDoesNotExist):
        return api_error_from_strata(row_deleted_meanwhile(error))
    if isinstance(error, DatabaseError | InterfaceError):
        return unavailable(error)
    return None


def api_error_from_strata(error: StrataError) -> APIError:
    existing = error.existing
    message = f"{error.message.removesuffix('.')}, which `existing` names." if existing else error.message
    entry = {"field": error.field, "code": error.field_code, "message": message}
    errors = error.errors or ([entry] if error.field or isinstance(error, Invalid) else [])
    api_error = APIError(error.code, message, status=error.status, errors=errors)
    api_error.existing = existing
    return api_error


def api_error_from_drf(error: exceptions.APIException) -> APIError:
    if isinstance(error, exceptions.ValidationError):
        errors = list(flattened(error.detail))
        message = errors[0]["message"] if errors else "The request is not valid."
        return APIError("VALIDATION_ERROR", message, status=400, errors=errors)
    status = error.status_code
    errors = getattr(error, "errors", [])  # of a body that is no JSON: what is wrong with it
    api_error = APIError(CODES.get(status, "ERROR"), str(error.detail), status=status, errors=errors)
    api_error.wait, api_error.auth_header = getattr(error, "wait", None), getattr(error, "auth_header", None)
    return api_error


def response_for(error: APIError, request: Any) -> Response:
    message = shortened(error.message, LONGEST_MESSAGE)
    shown = [shortened_entry(entry) for entry in error.errors[: error.most_errors]]
    if (rest := len(error.errors) - len(shown)) > 0:
        message = f"{message} (and {rest:,} more)"
    content = error_body(request, error.status_code, error.code, message, shown)
    if error.existing:
        content["existing"] = error.existing
    content |= error.more
    response = Response(content, status=error.status_code)
    if error.auth_header:
        response["WWW-Authenticate"] = error.auth_header
    if error.wait is not None:
        response["Retry-After"] = str(max(1, ceil(error.wait)))
    return response


def shortened_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    field = entry["field"] and shortened(entry["field"], LONGEST_FIELD)
    return {**entry, "field": field, "message": shortened(entry["message"], LONGEST_MESSAGE)}


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def integrity_conflict(error: IntegrityError) -> Conflict:
    """A conflict with a parallel write, which no check could see."""
    key = broken_reference(error)
    if key is None:
        return Conflict(
            "CONFLICT", _("It contradicts what is stored: something else has the same name or key.")
        )
    message = gettext(
        "The %(name)s is being deleted, and used, by two requests in the same moment. Read it again."
    )
    name = gettext(resource_name(key.related_model).replace("_", " "))
    return Conflict("CONFLICT", message % {"name": name}, key.attname)


def row_deleted_meanwhile(error: ObjectDoesNotExist) -> NotFound:
    """A row was deleted while the answer was built from it. A read takes no lock."""
    log.warning("a row was deleted while it was read", exc_info=error)
    models: Iterable[Any] = apps.get_models()
    model = next((model for model in models if model.DoesNotExist is type(error)), None)
    return NotFound(resource_name(model) if model else "row")


def unavailable(error: Exception) -> APIError | None:
    """The APIError where the database is full, locked, read-only or unreachable. None for an error in the program."""
    api_error = outage_error(error)
    if api_error is not None:
        metrics.database_refusal(getattr(error.__cause__, "sqlstate", None))
    return api_error


def outage_error(error: Exception) -> APIError | None:
    if isinstance(error, NewerFormat):
        log.warning("refused a write: %s", error)
        return APIError("UNAVAILABLE", REFUSAL, status=503, wait=5)
    if can_begin_again(error):  # after the last attempt: see strata.db.retry
        log.warning("others kept writing the same rows", exc_info=error)
        return APIError("UNAVAILABLE", _("Others kept changing the same. Try again."), status=503, wait=1)
    if is_full(error):
        log.error("no space left", exc_info=error)
        return APIError("INSUFFICIENT_STORAGE", _("There is no space left to write."), status=507, wait=30)
    if is_read_only(error) or is_unusable_file(error):
        log.error(outage_sentence(error, connection.settings_dict))
        return APIError(
            "UNAVAILABLE", _("The database cannot be written now. Try again."), status=503, wait=5
        )
    if was_cut_off(error) or isinstance(error, OperationalError):
        log.error("database unavailable", exc_info=error)
        return APIError("UNAVAILABLE", _("The database does not answer. Try again."), status=503, wait=5)
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
    """DRF's nested details as flat {field, code, message}; field is null for the body as a whole.

    A key that is a number is a place in a list: tag_ids[0], rows[3].value.
    """
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else f"[{key}]" if isinstance(key, int) else str(key)
            joint = "" if name.startswith("[") else "."  # the number of a row
            yield from flattened(value, f"{path}{joint}{name}".strip("."))
    elif isinstance(detail, list | tuple):
        for value in detail:
            yield from flattened(value, path)
    else:
        yield {"field": path or None, "code": getattr(detail, "code", "invalid"), "message": str(detail)}
