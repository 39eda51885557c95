"""The exceptions for what Strata refuses.

Services raise them: 400 Invalid, 403 Forbidden, 404 NotFound, 409 Conflict, 412 Stale. `status` is for the API; the
admin and the commands show the text: in the language that is active when it is read, in the API in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

type Text = str | Promise  # marked for translation, or not
NOT_IN_THIS_ROLE = _("Your role in this household does not allow that.")


class StrataError(Exception):
    """Something was refused. `code` is the name of the reason, in capitals; `field` is the field at fault, or None.

    `errors` are the entries of the API's answer, {"field", "code", "message"} each, where there is more than one at
    fault; empty where `field` says it all. `existing` is the row that the request contradicts, {"id", "link"}, where it
    is known.
    """

    status = 400
    errors: Sequence[Mapping[str, Any]] = ()
    existing: Mapping[str, str] | None = None

    def __init__(self, code: str, message: Text, field: str | None = None, *, field_code: str | None = None):
        super().__init__(message)
        self.code, self.text, self.field = code, message, field
        self.field_code = field_code or code.lower()

    @property
    def message(self) -> str:
        return str(self.text)


class Invalid(StrataError):
    """A value that is not allowed: Invalid("on", "It is before 2026-01-01, when it was acquired.")."""

    status = 400

    def __init__(self, field: str | None, message: Text, code: str = "invalid"):
        super().__init__("VALIDATION_ERROR", message, field, field_code=code)


class Forbidden(StrataError):
    """The caller may see it but may not change it."""

    status = 403

    def __init__(self, message: Text = NOT_IN_THIS_ROLE, code: str = "FORBIDDEN"):
        super().__init__(code, message)


def resource_name(model: type) -> str:
    """The model's name in codes and messages of the API: asset_snapshot. Its label in the admin is another one."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


class NotFound(StrataError):
    """It does not exist, or belongs to another household: both look the same. NotFound("asset"): ASSET_NOT_FOUND."""

    status = 404

    def __init__(self, resource: str, field: str | None = None):
        # The models' names are marked where they are defined.
        name = gettext(resource.replace("_", " "))
        message = gettext("%(name)s not found.") % {"name": f"{name[:1].upper()}{name[1:]}"}
        super().__init__(f"{resource.upper()}_NOT_FOUND", message, field, field_code="not_found")
        self.resource = resource


class Conflict(StrataError):
    """It contradicts what is stored: Conflict("DUPLICATE_NAME", "The name is taken.", "name").

    `existing_key` are columns by which the existing row is found.
    """

    status = 409

    def __init__(
        self,
        code: str,
        message: Text,
        field: str | None = None,
        *,
        existing_key: Mapping[str, Any] | None = None,
    ):
        super().__init__(code, message, field)
        self.existing_key = existing_key


class Stale(StrataError):
    """It has changed since the caller read it. `field` is that with the version that was read."""

    status = 412

    def __init__(self, field: str | None = None) -> None:
        message = _("It has changed since you read it: read it again.")
        super().__init__("PRECONDITION_FAILED", message, field)
