"""The forms that set a password. They write only the password; the admin's refuses a user who was changed meanwhile."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AdminPasswordChangeForm

from strata.admin.forms import STALE, VersionField, version_now, version_of


class WritesPasswordAlone:
    """Must be the first base class of a form. Django's own method saves every column of the user as read earlier."""

    def set_password_and_save(self, user: Any, *args: Any, commit: bool = True, **kwargs: Any) -> Any:
        user = super().set_password_and_save(user, *args, commit=False, **kwargs)
        if commit:
            user.save(update_fields=["password"])
        return user


class UserPasswordForm(WritesPasswordAlone, AdminPasswordChangeForm):
    """The form of a superuser for another user's password."""

    version = VersionField(required=False)

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.initial["version"] = version_of(user)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("version") != version_now(self.user):
            self.add_error(None, ValidationError(STALE, code="stale"))
        return cleaned
