"""The forms that set a password, by the service. The admin's refuses a user who was changed meanwhile."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AdminPasswordChangeForm

from strata.accounts import services
from strata.accounts.models import User
from strata.admin.forms import STALE, VersionField, version_now, version_of


class ChangesPasswordInService:
    """Must be the first base class of a form. Django's own method saves every column of the user as read earlier."""

    cleaned_data: dict[str, Any]

    def set_password_and_save(self, user: User, *field: str, commit: bool = True) -> User:
        """`field` names the field of the password, where that is not password1. Without `commit` nothing is set.

        Only a superuser can choose that another user has no password.
        """
        if commit:
            name = field[0] if field else "password1"
            password = self.cleaned_data[name] if self.cleaned_data.get("set_usable_password", True) else None
            user.password = services.change_password(user.pk, password).password
        return user


class UserPasswordForm(ChangesPasswordInService, AdminPasswordChangeForm):  # type: ignore[misc]  # unfold is untyped
    """The form of a superuser for another user's password."""

    version = VersionField(required=False)

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.initial["version"] = version_of(user)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("version") != version_now(self.user):
            self.add_error(None, ValidationError(STALE, code="stale"))
        return cleaned
